//! The binary, in a directory of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory that goes away, and one for what is remembered.
pub(crate) struct Sandbox(TempDir, TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Where the binary remembers findings.
    pub(crate) fn cache(&self) -> PathBuf {
        self.1.path().join("cache")
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// The binary, to be run here, in an environment without surprises.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_journey"));
        command.args(args).current_dir(self.0.path()).env("LC_ALL", "C.UTF-8").env("COLUMNS", "100");
        command.env("JOURNEY_CACHE_DIR", self.cache());
        for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it; what a person would see, and the exit code.
    pub(crate) fn journey(&self, args: &[&str]) -> String {
        shown(args, &self.command(args).output().unwrap())
    }

    /// Runs it with a text on stdin.
    pub(crate) fn journey_with(&self, args: &[&str], stdin: &str) -> String {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        shown(args, &child.wait_with_output().unwrap())
    }

    /// All files below, sorted, with `/`.
    pub(crate) fn files(&self) -> Vec<String> {
        fn collect(root: &Path, directory: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(root, &path, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let mut found = Vec::new();
        collect(self.0.path(), self.0.path(), &mut found);
        found.sort();
        found
    }
}

fn shown(args: &[&str], output: &Output) -> String {
    let mut shown = format!("$ journey {}\n", args.join(" "));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if !text.is_empty() {
            let _ = write!(shown, "--- {name}\n{text}");
            if !text.ends_with('\n') {
                shown.push_str("(no line end)\n");
            }
        }
    }
    let _ = writeln!(shown, "--- exit {}", output.status.code().map_or("by signal".to_owned(), |c| c.to_string()));
    shown
}
