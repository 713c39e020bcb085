//! A project is judged on all cores; what comes of it is the same on one.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use journey_compiler::compile;
use journey_compiler::project::{File, Project, belongs};

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if belongs(&relative) {
            files.push(File { path: relative, bytes: fs::read(&path).unwrap().into() });
        }
    }
}

#[test]
fn one_core_and_many_say_the_same() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (one, many) = (pool(1), pool(8));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut projects = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let root = entry.unwrap().path();
        let mut files = Vec::new();
        if root.is_dir() {
            collect(&root, &root, &mut files);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let lone = !files.iter().any(|file| file.path == "journey.toml");
        let whole = Project { files, lone };
        // As it is, and without each of its files: most of those have findings all over.
        for left_out in (0..whole.files.len()).map(Some).chain([None]) {
            let mut project = whole.clone();
            left_out.into_iter().for_each(|at| drop(project.files.remove(at)));
            let expected = one.install(|| compile(&project));
            for _ in 0..3 {
                let found = many.install(|| compile(&project));
                assert_eq!(found.diagnostics, expected.diagnostics);
                assert_eq!(found.bundle, expected.bundle);
                assert_eq!(found.tests, expected.tests);
                assert_eq!(found.pressure, expected.pressure);
            }
            projects += 1;
        }
    }
    assert!(projects > 20, "only {projects} projects");
}
