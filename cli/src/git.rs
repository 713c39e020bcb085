//! What we ask git.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A working tree.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Its top directory.
    pub(crate) top: PathBuf,
}

impl Repository {
    /// The one around a directory.
    pub(crate) fn around(directory: &Path) -> Result<Self, Failure> {
        let top = git(directory, ["rev-parse", "--show-toplevel"]).map_err(|cause| {
            Failure::new(format!("git finds no repository here: {cause}"))
                .help("this needs git and a directory that is under version control")
        })?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches(['\n', '\r']));
        Ok(Self { top: top.canonicalize().unwrap_or(top) })
    }

    /// The commit that a revision names.
    pub(crate) fn commit(&self, revision: &str) -> Result<String, Failure> {
        let commit = format!("{revision}^{{commit}}");
        let name = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
            Failure::new(format!("git knows no revision `{revision}`")).help(
                "in CI, fetch the history: `fetch-depth: 0` in actions/checkout, `GIT_DEPTH: 0` in GitLab; \
                 branches are called `origin/NAME` there",
            )
        })?;
        Ok(String::from_utf8_lossy(&name).trim().to_owned())
    }

    /// Where a revision's history and ours part.
    pub(crate) fn merge_base(&self, revision: &str) -> Result<String, Failure> {
        let commit = self.commit(revision)?;
        let base = self.git(["merge-base", &commit, "HEAD"]).map_err(|_| {
            Failure::new(format!("`{revision}` and what is checked out here have no history in common"))
                .help("in CI, fetch the whole history: `fetch-depth: 0` in actions/checkout, `GIT_DEPTH: 0` in GitLab")
        })?;
        Ok(String::from_utf8_lossy(&base).trim().to_owned())
    }

    /// The files that differ between a commit and the working tree, removed ones too.
    pub(crate) fn changed_since(&self, commit: &str) -> Result<Vec<PathBuf>, Failure> {
        self.paths(["diff", "--name-only", "--no-renames", "-z", commit, "--"])
    }

    /// The files that git does not know and does not ignore.
    pub(crate) fn untracked(&self) -> Result<Vec<PathBuf>, Failure> {
        self.paths(["ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/"])
    }

    /// The files of a commit below a directory, relative to it, with their bytes: those that are wanted, without links
    /// and submodules.
    pub(crate) fn files(
        &self,
        commit: &str,
        directory: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let failed = |cause: String| Failure::new(format!("git cannot say what is in `{commit}`: {cause}"));
        let tree = if directory.is_empty() { commit.to_owned() } else { format!("{commit}:{directory}") };
        if self.git(["cat-file", "-e", &tree]).is_err() {
            // The directory was not there yet.
            return Ok(Vec::new());
        }
        let listed = self.git(["ls-tree", "-r", "-z", &tree]).map_err(failed)?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let mut names = Vec::new();
        let mut wanted = String::new();
        for entry in listed.split('\0') {
            // MODE TYPE OBJECT, a tab, PATH; a mode of 100... is a plain file.
            let Some((about, path)) = entry.split_once('\t') else { continue };
            if let (true, Some(object)) = (about.starts_with("100") && is_wanted(path), about.rsplit(' ').next()) {
                names.push(path.to_owned());
                wanted.push_str(object);
                wanted.push('\n');
            }
        }
        let objects = feed(&self.top, ["cat-file", "--batch"], wanted).map_err(failed)?;
        let contents = batch(&objects).ok_or_else(|| failed("its answer is cut short".to_owned()))?;
        Ok(names.into_iter().zip(contents).collect())
    }

    fn paths<const N: usize>(&self, args: [&str; N]) -> Result<Vec<PathBuf>, Failure> {
        let listed = self.git(args).map_err(|cause| Failure::new(format!("git cannot say what changed: {cause}")))?;
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| self.top.join(String::from_utf8_lossy(name).as_ref())).collect())
    }

    fn git<const N: usize>(&self, args: [&str; N]) -> Result<Vec<u8>, String> {
        git(&self.top, args)
    }
}

/// Runs git; what it printed, or why it did not.
fn git<S: AsRef<OsStr>>(directory: &Path, args: impl IntoIterator<Item = S>) -> Result<Vec<u8>, String> {
    let output = Command::new("git").arg("-C").arg(directory).args(args).output();
    let output = output.map_err(|error| format!("git does not start: {error}"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Runs git with a text on its stdin; what it printed, or why it did not.
fn feed<const N: usize>(directory: &Path, args: [&str; N], text: String) -> Result<Vec<u8>, String> {
    let start = |error: std::io::Error| format!("git does not start: {error}");
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let stdin = child.stdin.take();
    // From another thread: git answers while it reads, and neither may wait for the other.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output().map_err(start)?;
    drop(writer.join());
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// The objects that `cat-file --batch` printed: a line `OBJECT TYPE SIZE`, so many bytes, a line end.
fn batch(mut text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut objects = Vec::new();
    while !text.is_empty() {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let (header, rest) = text.split_at_checked(end)?;
        let size: usize = std::str::from_utf8(header).ok()?.rsplit(' ').next()?.parse().ok()?;
        let (object, rest) = rest.get(1..)?.split_at_checked(size)?;
        objects.push(object.to_vec());
        text = rest.get(1..)?;
    }
    Some(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_by_their_length() {
        let read = batch(b"aa blob 3\na\nb\nbb blob 0\n\n");
        assert_eq!(read, Some(vec![b"a\nb".to_vec(), Vec::new()]));
        assert_eq!(batch(b"aa blob 9\nshort\n"), None);
        assert_eq!(batch(b"aa missing\n"), None);
    }
}
