//! Patterns such as `shop/**/*.journey`, for shells that do not expand them and for CI files that have no shell.

use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

use super::walk;
use crate::failure::Failure;

/// The files that a pattern names, as typed and as they lie on disk; none if it is no pattern at all.
pub(super) fn expand(pattern: &Path) -> Result<Option<Vec<(PathBuf, PathBuf)>>, Failure> {
    let special = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let parts: Vec<_> = pattern.components().collect();
    let plain = parts.iter().take_while(|part| !special(part)).count();
    let (before, rest) = parts.split_at(plain);
    if rest.is_empty() {
        return Ok(None);
    }
    let before: PathBuf = before.iter().collect();
    let rest: PathBuf = rest.iter().collect();
    let glob = GlobBuilder::new(&rest.to_string_lossy()).literal_separator(true).build();
    let glob = glob.map_err(|error| Failure::new(format!("`{}` is not a pattern: {error}", pattern.display())))?;
    let matcher = glob.compile_matcher();
    let nothing = || {
        Failure::new(format!("no file matches `{}`", pattern.display()))
            .help("`*` stands for any part of a name, `**` for any directories; what .gitignore leaves out is left out")
    };
    let directory = if before.as_os_str().is_empty() { Path::new(".") } else { &before };
    let real = directory.canonicalize().map_err(|_| nothing())?;
    let files = walk::files(&real)?.into_iter().filter_map(|file| {
        let below = file.strip_prefix(&real).ok()?;
        matcher.is_match(below).then(|| (before.join(below), file.clone()))
    });
    let files: Vec<_> = files.collect();
    if files.is_empty() { Err(nothing()) } else { Ok(Some(files)) }
}
