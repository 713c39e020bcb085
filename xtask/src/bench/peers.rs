//! `cargo xtask bench peers`: the same contacts on Restate, on DBOS and on a plain loop, and an entry condition in other languages of
//! expressions. What others need is in `peers/`, a workspace of its own, and comes from their registries.

use std::fs;
use std::path::PathBuf;

use super::tools;

/// What is copied beside the packages: Node looks for them where a script lies.
const SCRIPTS: [&str; 3] = ["processes.mjs", "restate.mjs", "dbos.mjs"];

/// The packages from npm, whoever needs which.
const PACKAGES: [&str; 4] =
    ["@restatedev/restate-server@1.7.12", "@restatedev/restate-sdk@1.17.2", "@dbos-inc/dbos-sdk@5.3.0", "pg@8"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many contacts Restate and DBOS get; what is faster gets ten times as many.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    contacts: u32,

    /// Where the packages go.
    #[arg(long, default_value = "target/bench/peers")]
    folder: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = crate::root();
    let folder = root.join(&args.folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for script in SCRIPTS {
        let from = root.join("peers").join(script);
        fs::copy(&from, folder.join(script)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    let npm = [&["install", "--silent", "--no-audit", "--no-fund", "--prefix", "."][..], &PACKAGES[..]].concat();
    if !folder.join("node_modules/.bin/restate-server").exists() && !tools::run(&folder, "npm", &npm) {
        println!("SKIPPED: Restate and DBOS cannot be installed with npm");
    }
    let mut bench = crate::cargo();
    bench.args(["run", "--release", "--manifest-path", "peers/Cargo.toml", "--target-dir", "target/peers", "--"]);
    bench.arg(args.contacts.to_string()).arg(&folder);
    super::measured(&mut bench)
}
