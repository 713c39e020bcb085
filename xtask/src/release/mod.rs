//! `cargo xtask release`: static binaries in archives, their checksums, and a list of what is in them.

mod bill;
mod profile;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use profile::Profile;

/// The package that is released, and its program.
const PACKAGE: &str = "journey-cli";
const PROGRAM: &str = "journey";

const SHELLS: [(&str, &str); 3] = [("bash", "journey.bash"), ("zsh", "_journey"), ("fish", "journey.fish")];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to build for. Programs for Linux are static; made with the GNU library instead of musl, they still ask the
    /// machine's own where hosts are.
    #[arg(long, value_delimiter = ',', default_value = "x86_64-unknown-linux-musl")]
    target: Vec<String>,

    /// Leave out the build that learns from examples which code is hot: half the time, and programs that are slower.
    #[arg(long)]
    without_profile: bool,

    /// Where the archives go.
    #[arg(long, default_value = "target/dist")]
    folder: PathBuf,
}

/// Makes the release.
pub(crate) fn run(args: &Args) -> ExitCode {
    match release(args) {
        Ok(made) => {
            made.iter().for_each(|path| println!("{}", path.display()));
            ExitCode::SUCCESS
        }
        Err(cause) => {
            eprintln!("{cause}");
            ExitCode::FAILURE
        }
    }
}

fn release(args: &Args) -> Result<Vec<PathBuf>, String> {
    let folder = crate::root().join(&args.folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut made = Vec::new();
    for target in &args.target {
        let binary = if args.without_profile {
            build(target, &Profile::None)?
        } else {
            let merger = profile::merger().map_err(|cause| format!("{cause} To release without: --without-profile"))?;
            trained(target, &merger)?
        };
        if target.contains("linux") {
            is_static(&binary)?;
        }
        made.push(archive(&folder, target, &binary)?);
        let path = folder.join(format!("journey-{target}.cdx.json"));
        write(&path, bill::bill(target)?.as_bytes())?;
        made.push(path);
    }
    made.push(checksums(&folder, &made)?);
    Ok(made)
}

/// The program for this machine as people get it: the one to measure. Without what a release learns with, one that has not
/// learned.
pub(crate) fn released() -> Result<PathBuf, String> {
    let target = profile::host()?;
    match profile::merger() {
        Ok(merger) => trained(&target, &merger),
        Err(cause) => {
            eprintln!("{cause}\nMeasured is a program without that, which is slower than a released one.");
            build(&target, &Profile::None)
        }
    }
}

/// Builds twice: a program that counts, which then works on the examples, and one that is laid out after these counts.
fn trained(target: &str, merger: &Path) -> Result<PathBuf, String> {
    let counts = crate::root().join("target").join(target).join("counts");
    let counting = build(target, &Profile::Count(counts.clone()))?;
    if !runs(&counting) {
        return Err(format!("Programs for {target} do not run here, so they cannot learn: add --without-profile"));
    }
    build(target, &Profile::Use(profile::learn(merger, &counting, &counts)?))
}

fn build(target: &str, profile: &Profile) -> Result<PathBuf, String> {
    let mut cargo = crate::cargo();
    cargo.args(["build", "--profile", "dist", "--locked", "--package", PACKAGE, "--target", target]);
    let mut flags = profile.flags();
    if target.contains("linux") {
        // At a fixed place it starts without 80,000 relocations, which take longer than checking a journey; and it needs
        // nothing of the machine it runs on, with the GNU library too.
        flags.extend(["-Crelocation-model=static", "-Ctarget-feature=+crt-static"].map(str::to_owned));
    }
    cargo.arg("--config").arg(format!("target.{target}.rustflags = {flags:?}"));
    match cargo.status() {
        Ok(status) if status.success() => Ok(crate::root().join("target").join(target).join("dist").join(PROGRAM)),
        _ => Err(format!(
            "The build for {target} fails. It needs the target (`rustup target add {target}`) and, for musl, a C \
             compiler that makes such programs: musl-gcc, in Debian and Ubuntu the package musl-tools."
        )),
    }
}

/// A binary that needs nothing of the machine it runs on.
fn is_static(binary: &Path) -> Result<(), String> {
    let shown = Command::new("ldd").arg(binary).output().map_err(|error| format!("ldd does not start: {error}"))?;
    let shown = [shown.stdout, shown.stderr].concat();
    let shown = String::from_utf8_lossy(&shown);
    if ["statically linked", "not a dynamic executable"].iter().any(|words| shown.contains(words)) {
        Ok(())
    } else {
        Err(format!("{} is not static:\n{shown}", binary.display()))
    }
}

/// The binary with its licence, man page and completions, as it goes to people.
fn archive(folder: &Path, target: &str, binary: &Path) -> Result<PathBuf, String> {
    let staging = folder.join(format!(".{target}"));
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging).map_err(|error| format!("{}: {error}", staging.display()))?;
    let copy = |from: &Path, name: &str| {
        fs::copy(from, staging.join(name)).map(drop).map_err(|error| format!("{}: {error}", from.display()))
    };
    copy(binary, PROGRAM)?;
    for name in ["LICENSE", "README.md", "CHANGELOG.md"] {
        copy(&crate::root().join(name), name)?;
    }
    // A binary for another machine cannot say it itself; pages and completions are the same everywhere.
    let speaker = if runs(binary) { binary.to_path_buf() } else { host()? };
    write(&staging.join("journey.1"), &said(&speaker, &["man"])?)?;
    for (shell, name) in SHELLS {
        write(&staging.join(name), &said(&speaker, &["completions", shell])?)?;
    }
    let archive = folder.join(format!("journey-{target}.tar.gz"));
    let mut tar = Command::new("tar");
    // The same files give the same bytes.
    tar.args([
        "--create",
        "--use-compress-program=gzip --no-name",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mtime=@0",
    ]);
    tar.arg("--file").arg(&archive).arg("--directory").arg(&staging).arg(".");
    if !tar.status().is_ok_and(|status| status.success()) {
        return Err("tar does not make the archive".to_owned());
    }
    fs::remove_dir_all(&staging).map_err(|error| format!("{}: {error}", staging.display()))?;
    Ok(archive)
}

fn runs(binary: &Path) -> bool {
    Command::new(binary).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A binary for this machine.
fn host() -> Result<PathBuf, String> {
    let built = crate::cargo().args(["build", "--locked", "--package", PACKAGE]).status();
    match built {
        Ok(status) if status.success() => Ok(crate::root().join("target/debug").join(PROGRAM)),
        _ => Err("the build for this machine fails".to_owned()),
    }
}

fn said(binary: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(binary).args(args).output().map_err(|error| format!("{}: {error}", binary.display()))?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("journey {} fails", args.join(" "))) }
}

fn checksums(folder: &Path, made: &[PathBuf]) -> Result<PathBuf, String> {
    let names = made.iter().filter_map(|path| path.file_name());
    let output = Command::new("sha256sum").args(names).current_dir(folder).output();
    let output = output.map_err(|error| format!("sha256sum does not start: {error}"))?;
    let path = folder.join("SHA256SUMS");
    write(&path, &output.stdout)?;
    Ok(path)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
