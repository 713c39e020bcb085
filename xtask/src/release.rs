//! `cargo xtask release`: static binaries in archives, their checksums, and a list of what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::{Value, json};
use toml::Table;

/// The package that is released, and its program.
const PACKAGE: &str = "journey-cli";
const PROGRAM: &str = "journey";

const SHELLS: [(&str, &str); 3] = [("bash", "journey.bash"), ("zsh", "_journey"), ("fish", "journey.fish")];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to build for; binaries for a musl target are static and run on every Linux.
    #[arg(long, value_delimiter = ',', default_value = "x86_64-unknown-linux-musl")]
    target: Vec<String>,

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
        let binary = build(target)?;
        if target.contains("musl") {
            is_static(&binary)?;
        }
        made.push(archive(&folder, target, &binary)?);
        let path = folder.join(format!("journey-{target}.cdx.json"));
        write(&path, bill(target)?.as_bytes())?;
        made.push(path);
    }
    made.push(checksums(&folder, &made)?);
    Ok(made)
}

fn build(target: &str) -> Result<PathBuf, String> {
    let mut cargo = crate::cargo();
    cargo.args(["build", "--profile", "dist", "--locked", "--package", PACKAGE, "--target", target]);
    if target.contains("linux") {
        // At a fixed place it starts without 80,000 relocations, which take longer than checking a journey.
        cargo.arg("--config").arg(format!("target.{target}.rustflags = [\"-Crelocation-model=static\"]"));
    }
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

/// The bill of materials, in CycloneDX 1.5: every crate that is linked into the binary or helps to build it.
fn bill(target: &str) -> Result<String, String> {
    let listed = crate::cargo()
        .args(["tree", "--locked", "--package", PACKAGE, "--target", target, "--edges", "normal,build"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}|{r}"])
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !listed.status.success() {
        return Err(format!("cargo tree fails:\n{}", String::from_utf8_lossy(&listed.stderr)));
    }
    let lock = crate::root().join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let bill = bill_of(&String::from_utf8_lossy(&listed.stdout), &lock)?;
    serde_json::to_string_pretty(&bill).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn bill_of(tree: &str, lock: &str) -> Result<Value, String> {
    let checksums = checksums_of(lock)?;
    let mut components: BTreeMap<(String, String), Value> = BTreeMap::new();
    let mut version_of_ours = String::new();
    for line in tree.lines() {
        let mut fields = line.split('|');
        let Some((name, version)) = fields.next().and_then(|package| {
            let mut words = package.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        }) else {
            continue;
        };
        if name == PACKAGE {
            version.clone_into(&mut version_of_ours);
            continue;
        }
        let mut component = json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
            "bom-ref": format!("pkg:cargo/{name}@{version}"),
        });
        let key = (name.to_owned(), version.to_owned());
        let mut set = |field: &str, value| {
            if let Some(object) = component.as_object_mut() {
                object.insert(field.to_owned(), value);
            }
        };
        if let Some(license) = fields.next().filter(|license| !license.is_empty()) {
            // The older way to write a choice.
            set("licenses", json!([{ "expression": license.replace('/', " OR ") }]));
        }
        if let Some(repository) = fields.next().filter(|repository| !repository.is_empty()) {
            set("externalReferences", json!([{ "type": "vcs", "url": repository }]));
        }
        if let Some(checksum) = checksums.get(&key) {
            set("hashes", json!([{ "alg": "SHA-256", "content": checksum }]));
        }
        components.insert(key, component);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "name": PROGRAM,
            "version": version_of_ours,
            "bom-ref": PROGRAM,
            "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
        } },
        "components": components.into_values().collect::<Vec<_>>(),
    }))
}

/// The checksums of packages from registries, by name and version.
fn checksums_of(lock: &str) -> Result<BTreeMap<(String, String), String>, String> {
    let lock: Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |package: &toml::Value, field: &str| Some(package.get(field)?.as_str()?.to_owned());
    Ok(packages
        .filter_map(|package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_lists_each_crate_once() -> Result<(), String> {
        let tree = "journey-cli v0.1.0 (/x/cli)|Apache-2.0|\nclap v4.6.9|MIT OR Apache-2.0|https://example.org/clap\n\
                    serde_derive v1.0.2 (proc-macro)|MIT/Apache-2.0|\nclap v4.6.9|MIT OR Apache-2.0|https://example.org/clap\n";
        let lock = "[[package]]\nname = \"clap\"\nversion = \"4.6.9\"\nchecksum = \"ab\"\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n";
        let bill = bill_of(tree, lock)?;
        let expected = json!({
            "type": "library", "name": "clap", "version": "4.6.9", "purl": "pkg:cargo/clap@4.6.9",
            "bom-ref": "pkg:cargo/clap@4.6.9", "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            "externalReferences": [{ "type": "vcs", "url": "https://example.org/clap" }],
            "hashes": [{ "alg": "SHA-256", "content": "ab" }],
        });
        assert_eq!(bill.pointer("/components/0"), Some(&expected));
        assert_eq!(bill.pointer("/components").and_then(Value::as_array).map(Vec::len), Some(2));
        assert_eq!(bill.pointer("/components/1/licenses/0/expression"), Some(&json!("MIT OR Apache-2.0")));
        assert_eq!(bill.pointer("/metadata/component/version"), Some(&json!("0.1.0")));
        Ok(())
    }
}
