//! `--fix`, `--unsafe-fixes` and `--diff`: the changes that findings offer.

use std::sync::Arc;

use journey_compiler::diagnostic::Applicability;
use rayon::prelude::*;

use super::{Args, Changed};
use crate::checked::count;
use crate::commands::Exit;
use crate::failure::Failure;
use crate::files;
use crate::report::diff;
use crate::terminal::{BOLD, GREEN, Terminal};
use crate::workspace::{self, Workspace};

/// A project before and after.
pub(super) struct Mended {
    before: Workspace,
    pub(super) after: Workspace,
    applied: usize,
}

/// Mends every project, in memory.
pub(super) fn mend(workspaces: &[Workspace], args: &Args, changed: Option<&Changed>) -> Vec<Mended> {
    let allowed = if args.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
    let mend = |before: &Workspace| {
        let wanted = |d: &_| changed.is_none_or(|changed| changed.concerns(before, d));
        let mended = journey_ide::mend(before.snapshot.project(), allowed, wanted, workspace::judge);
        Mended { before: before.clone(), after: before.with(mended.project), applied: mended.applied }
    };
    workspaces.par_iter().map(mend).collect()
}

/// Writes the files that changed, each whole or not at all.
pub(super) fn write(mended: &[Mended], terminal: Terminal) -> Result<(), Failure> {
    let (mut fixed, mut written) = (0, 0);
    for project in mended {
        for (file, _, new) in project.changes() {
            let path = project.after.path_of(file);
            files::replace(&path, &new).map_err(|error| Failure::path("cannot write", &path, &error))?;
            written += 1;
        }
        fixed += project.applied;
    }
    if fixed > 0 {
        let (findings, files) = (count(fixed, "finding"), count(written, "file"));
        terminal.err(format!("{GREEN}{findings} mended{GREEN:#} in {files}\n"));
    }
    Ok(())
}

/// Shows what would change.
pub(super) fn show(mended: &[Mended], terminal: Terminal) -> Result<Exit, Failure> {
    let mut text = String::new();
    let mut fixed = 0;
    for project in mended {
        for (file, old, new) in project.changes() {
            let (old, new) = (String::from_utf8_lossy(&old), String::from_utf8_lossy(&new));
            text.push_str(&diff::unified(&project.after.file_name(file), &old, &new));
        }
        fixed += project.applied;
    }
    terminal.out(text)?;
    terminal.err(format!("{BOLD}{} to mend{BOLD:#}\n", count(fixed, "finding")));
    Ok(if fixed > 0 { Exit::FINDINGS } else { Exit::CLEAN })
}

impl Mended {
    /// The files that changed: which, its old bytes, its new ones.
    fn changes(&self) -> impl Iterator<Item = (journey_compiler::project::FileId, Arc<[u8]>, Arc<[u8]>)> {
        let before = self.before.snapshot.project().files.iter();
        let pairs = self.after.snapshot.project().ids().zip(before);
        pairs
            .filter(|((_, new), old)| new.bytes != old.bytes)
            .map(|((id, new), old)| (id, Arc::clone(&old.bytes), Arc::clone(&new.bytes)))
    }
}
