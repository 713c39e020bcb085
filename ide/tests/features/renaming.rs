//! Renaming keeps a project what it is: everything that can be renamed is, and the compiler finds what it found before;
//! renamed back, every byte is as it was.

use journey_compiler::project::{FileId, Project};
use journey_ide::{Change, Data, Snapshot, prepare_rename, rename};

use super::fixture::{all_examples, apply};

/// The project after a change, and what lies beside it.
fn applied(snapshot: &Snapshot, change: &Change) -> Snapshot {
    let edited = |file: FileId| {
        let edits: Vec<_> = change.edits.iter().filter(|edit| edit.span.file == file).cloned().collect();
        apply(snapshot.text(file), &edits).into_bytes()
    };
    let mut project = snapshot.project().clone();
    for file in snapshot.files() {
        project.files[file.0 as usize].bytes = edited(file).into();
    }
    for (file, path) in &change.rename {
        project.files[file.0 as usize].path.clone_from(path);
    }
    let beside = (project.files.len() as u32..).map(FileId).take_while(|file| !snapshot.path(*file).is_empty());
    let data = beside.map(|file| Data { path: snapshot.path(file).to_owned(), bytes: Ok(edited(file).into()) });
    let data = data.collect();
    project.files.sort_by(|a, b| a.path.cmp(&b.path));
    Snapshot::new(project).with_data(data)
}

/// All texts, by path.
fn texts(snapshot: &Snapshot) -> Vec<(String, String)> {
    let files = (0..).map(FileId).take_while(|file| !snapshot.path(*file).is_empty());
    files.map(|file| (snapshot.path(file).to_owned(), snapshot.text(file).to_owned())).collect()
}

fn codes(snapshot: &Snapshot) -> Vec<journey_compiler::diagnostic::Code> {
    let mut codes: Vec<_> = snapshot.compilation().diagnostics.iter().map(|d| d.code).collect();
    codes.sort();
    codes
}

#[test]
fn a_renamed_project_means_the_same() {
    let mut renamed = 0;
    for snapshot in all_examples() {
        let before = codes(snapshot);
        for file in snapshot.files() {
            let starts: Vec<u32> = match snapshot.tree(file) {
                Some(tree) => tree.tokens().filter(|t| t.kind().is_word()).map(|t| t.range().start).collect(),
                None => (0..snapshot.text(file).len() as u32).step_by(7).collect(),
            };
            for at in starts.into_iter().step_by(6) {
                renamed += usize::from(there_and_back(snapshot, file, at, &before));
            }
        }
    }
    assert!(renamed > 40, "only {renamed} were renamed");
}

fn there_and_back(snapshot: &Snapshot, file: FileId, at: u32, before: &[journey_compiler::diagnostic::Code]) -> bool {
    let Ok((range, old)) = prepare_rename(snapshot, file, at) else { return false };
    // Languages have codes, which the names of messages' files use too.
    if ["de", "en"].contains(&old.as_str()) {
        return false;
    }
    let Ok(change) = rename(snapshot, file, at, "zz_renamed") else { return false };
    let after = applied(snapshot, &change);
    let path = snapshot.path(file).to_owned();
    assert_eq!(codes(&after), before, "{old} in {path} at {}: {:?}", range.start, after.compilation().diagnostics);
    // The edits that came before in this file moved the name.
    let moved: i64 = (change.edits.iter())
        .filter(|edit| edit.span.file == file && edit.span.start < range.start)
        .map(|edit| edit.text.len() as i64 - i64::from(edit.span.end - edit.span.start))
        .sum();
    let path = change.rename.iter().find(|(renamed, _)| *renamed == file).map_or(path, |(_, path)| path.clone());
    let there = after.file(&path).unwrap();
    let back = rename(&after, there, (i64::from(range.start) + moved) as u32, &old).unwrap();
    assert_eq!(texts(&applied(&after, &back)), texts(snapshot), "{old} at {}", range.start);
    true
}

#[test]
fn the_end_of_a_code_is_called_after_the_code() {
    let file = |path: &str, text: &str| journey_compiler::project::File {
        path: path.to_owned(),
        bytes: text.as_bytes().into(),
    };
    let source = r#"contact { phone: phone }
voucher spring "10 %" generate "SPRING-######"
journey a {
  on created
  reenter never
  purpose transactional
  voucher spring as code expires 3d
  send sms "{{ code }} until {{ code_expires | date }}"
  wait until code_expires
  voucher spring expires 2d
  send sms "{{ spring }} until {{ spring_expires | date }}"
  wait until spring_expires
}
"#;
    let settings = file("journey.toml", "[project]\nname = \"a\"\ntimezone = \"UTC\"\n");
    let snapshot = Snapshot::new(Project { files: vec![file("a.journey", source), settings], lone: false });
    let before = codes(&snapshot);
    let here = snapshot.file("a.journey").unwrap();
    for old in ["code", "spring"] {
        let at = source.find(old).unwrap() as u32;
        assert_eq!(prepare_rename(&snapshot, here, at).unwrap().1, old);
        assert!(there_and_back(&snapshot, here, at, &before));
        let renamed = applied(&snapshot, &rename(&snapshot, here, at, "zz").unwrap());
        let text = renamed.text(here).to_owned();
        assert_eq!(text.matches("zz_expires").count(), 2, "{text}");
        assert!(!text.contains(old), "{text}");
    }
}
