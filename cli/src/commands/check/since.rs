//! `--since`: what git says has changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use journey_compiler::diagnostic::{Diagnostic, Severity};

use crate::checked::Checked;
use crate::discover::relative;
use crate::failure::Failure;
use crate::git::Repository;
use crate::workspace::Workspace;

/// The files that differ from where a revision and our own history part: committed, staged, unstaged and new ones.
#[derive(Debug)]
pub(super) struct Changed(BTreeSet<PathBuf>);

impl Changed {
    pub(super) fn since(revision: &str) -> Result<Self, Failure> {
        let repository = Repository::around(Path::new("."))?;
        let base = repository.merge_base(revision)?;
        let mut files: BTreeSet<PathBuf> = repository.changed_since(&base)?.into_iter().collect();
        files.extend(repository.untracked()?);
        Ok(Self(files))
    }

    /// Whether anything of a project changed; a file that was removed counts.
    pub(super) fn touches(&self, root: &Path, lone: Option<&Path>) -> bool {
        match lone {
            Some(file) => self.0.contains(file),
            None => self
                .0
                .iter()
                .any(|file| file.starts_with(root) && journey_compiler::project::belongs(&relative(root, file))),
        }
    }

    /// Whether a finding is told: it is in a changed file, or it keeps a project that changed from being compiled.
    pub(super) fn concerns(&self, workspace: &Workspace, d: &Diagnostic) -> bool {
        d.severity == Severity::Error || self.0.contains(&workspace.path_of(d.primary.span.file))
    }

    /// Takes the other findings away.
    pub(super) fn keep(&self, project: &mut Checked) {
        let workspace = project.workspace.clone();
        project.diagnostics.retain(|d| self.concerns(&workspace, d));
    }
}
