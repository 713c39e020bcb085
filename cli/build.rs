//! Puts the pages of `docs/diagnostics`, the projects of `journey new` and the hash of the compiler's sources into the
//! binary.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::{env, fs, io};

/// The examples that `journey new` can start from, the first one unless told otherwise.
const TEMPLATES: [&str; 2] = ["nurture", "cart"];

/// What decides which findings there are: files and directories of the workspace.
const COMPILER: [&str; 4] = ["compiler/src", "grammar/src", "bytecode/src", "Cargo.lock"];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("cargo::rustc-env=JOURNEY_COMPILER={} {:016x}", env!("CARGO_PKG_VERSION"), compiler(&root)?);
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    let out = Path::new(&out);

    let docs = root.join("docs");
    watch(&docs);
    let mut pages = String::from("const PAGES: &[(&str, &str)] = &[\n");
    for page in files(&docs.join("diagnostics"))? {
        if let Some(name) = page.strip_suffix(".md") {
            let _ = writeln!(pages, "    ({name:?}, include_str!({:?})),", docs.join("diagnostics").join(&page));
        }
    }
    pages.push_str("];\n");
    fs::write(out.join("pages.rs"), pages)?;

    let mut templates = String::from("const TEMPLATES: &[Template] = &[\n");
    for name in TEMPLATES {
        let project = root.join("examples").join(name);
        let _ = writeln!(templates, "    Template {{ name: {name:?}, files: &[");
        for path in files(&project)? {
            let file = project.join(&path);
            // A directory is watched with all that is in it, and a run leaves an outbox in the project's: so only
            // those below.
            watch(&file);
            if path.contains('/') {
                watch(file.parent().unwrap_or(&file));
            }
            let _ = writeln!(templates, "        ({path:?}, include_str!({file:?})),");
        }
        templates.push_str("    ] },\n");
    }
    templates.push_str("];\n");
    fs::write(out.join("templates.rs"), templates)
}

/// The hash of the compiler's sources.
fn compiler(root: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for part in COMPILER {
        let path = root.join(part);
        watch(&path);
        let files = if path.is_dir() { files(&path)?.iter().map(|file| path.join(file)).collect() } else { vec![path] };
        for file in files {
            hasher.write(&fs::read(file)?);
            hasher.write_u8(0);
        }
    }
    Ok(hasher.finish())
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// The files below a directory, relative to it, sorted; none if there is no such directory. What a run leaves behind
/// is no part of a project.
fn files(directory: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if name != "outbox" {
                found.extend(files(&entry.path())?.into_iter().map(|file| format!("{name}/{file}")));
            }
        } else if ![".db", ".db-shm", ".db-wal", ".db.lock", ".journeyc"].iter().any(|made| name.ends_with(made)) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}
