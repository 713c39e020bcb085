//! Projects in folders of their own, so that a test may write into them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the journey that editors open stands on.
pub const DECLARATIONS: &str = "contact { email: email }\ntags { mattress_lead nurtured }\n";

/// A journey with a slip, and a line that is laid out wrongly, for editors to find and to mend.
pub const BROKEN: &str = "\
journey nurture {
  on tag mattress_lead
  reenter never
    wait 2d
  add tag nurtrued
  end
}
";

/// A project in a temporary folder; it goes when this is dropped.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project of these files: path and text.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A copy of `examples/NAME`, without what earlier runs may have left in it.
    pub fn example(name: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        copy(&crate::root().join("examples").join(name), project.path());
        project.forget_runs();
        project
    }

    /// Removes what a run leaves behind: whoever tries the example in place finds it there.
    fn forget_runs(&self) {
        let _ = fs::remove_dir_all(self.path().join("outbox"));
        list(self.path(), &mut |path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".journeyc") || name.contains(".db") {
                fs::remove_file(path).unwrap();
            }
        });
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Puts more lines under a section of `journey.toml`, such as `[email]`.
    pub fn configure(&self, section: &str, lines: &str) {
        let config = self.read("journey.toml");
        let heading = format!("[{section}]");
        assert!(!config.contains(&heading), "{heading} is there already");
        self.write("journey.toml", &format!("{config}\n{heading}\n{lines}\n"));
    }

    /// The files below a folder of the project, by name, with their bytes.
    pub fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        let top = self.path().join(below);
        let mut files = Vec::new();
        list(&top, &mut |path| {
            let name = path.strip_prefix(&top).unwrap().to_string_lossy().replace('\\', "/");
            files.push((name, fs::read(path).unwrap()));
        });
        files
    }
}

fn copy(from: &Path, to: &Path) {
    list(from, &mut |path| {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    });
}

/// The examples' names.
pub fn examples() -> Vec<String> {
    let folders = fs::read_dir(crate::root().join("examples")).unwrap();
    let mut names: Vec<String> = folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "examples are missing: {names:?}");
    names
}

/// What stands in the files of a project that the compiler reads, by their paths in its folder.
pub fn sources(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    list(folder, &mut |path| {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        if name.ends_with(".journey") || name.starts_with("messages/") || name == "journey.toml" {
            files.insert(name, fs::read(path).unwrap());
        }
    });
    files
}

/// Visits every file below a folder in order of name.
pub fn list(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            list(&path, visit);
        } else {
            visit(&path);
        }
    }
}

/// A project whose journey sends two mails to whoever gets the tag `begun`, a second apart; and counts the event `ping`.
pub fn walk(email: &str) -> Project {
    Project::of(&[
        ("journey.toml", &format!("[project]\nname = \"walk\"\ntimezone = \"Europe/Berlin\"\n\n[email]\n{email}\n")),
        ("journeys/walk.journey", WALK),
        ("messages/first.email.txt", "---\nsubject: First for {{ email }}\n---\nOne step.\n"),
        ("messages/second.email.txt", "---\nsubject: Second for {{ email }}\n---\nAnother step.\n"),
    ])
}

const WALK: &str = r#"
contact { email: email  pings: number = 0 }
tags { begun walked }
event ping { n: number }
policy { sender "Walk <walk@walk.example>"  address "Walk Ltd, 1 Path, Walkton" }

journey walk {
  on tag begun
  reenter never
  purpose transactional
  send email first
  wait 1s
  send email second
  add tag walked
  end
}

journey count {
  on ping
  reenter always
  set pings to pings + 1
  end
}
"#;
