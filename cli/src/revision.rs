//! A project as it was in a git revision.

use std::path::{Path, PathBuf};

use journey_compiler::project::{CONFIG, File, Project, belongs};

use crate::discover;
use crate::failure::Failure;
use crate::git::Repository;

/// Where a project or a lone file lies, in every version.
pub(crate) struct Place {
    /// The project's directory, or the file's.
    pub(crate) directory: PathBuf,
    /// The file, if there is no project.
    lone: Option<PathBuf>,
}

impl Place {
    /// The project around a path, or the lone file.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let real = path.canonicalize().map_err(|error| Failure::path("cannot open", path, &error))?;
        if let Some(directory) = discover::root_of(&real) {
            return Ok(Self { directory, lone: None });
        }
        if real.is_file() {
            let directory = real.parent().map(Path::to_path_buf).unwrap_or_default();
            return Ok(Self { directory, lone: Some(real) });
        }
        Err(Failure::new(format!("`{}` is not a project", path.display()))
            .help("give a directory with a `journey.toml`, or a `.journey` file"))
    }

    /// As its files are now.
    pub(crate) fn now(&self) -> Result<Project, Failure> {
        match &self.lone {
            Some(file) => Ok(discover::find_one(file)?.snapshot.project().clone()),
            None => Ok(Project { files: discover::read_project(&self.directory)?, lone: false }),
        }
    }

    /// The project in a revision; empty if it was not there yet.
    pub(crate) fn at(&self, repository: &Repository, revision: &str) -> Result<Project, Failure> {
        let commit = repository.commit(revision)?;
        let directory = discover::relative(&repository.top, &self.directory);
        let name = self.lone.as_ref().map(|file| discover::relative(&self.directory, file));
        let is_wanted = |path: &str| match &name {
            Some(name) => path == name,
            None => belongs(path) || path.ends_with(&format!("/{CONFIG}")),
        };
        let files = repository.files(&commit, &directory, is_wanted)?;
        // Other projects below are not part of this one.
        let others: Vec<String> = (files.iter())
            .filter_map(|(path, _)| path.strip_suffix(CONFIG))
            .filter(|path| path.ends_with('/'))
            .map(str::to_owned)
            .collect();
        let ours = |path: &str| !others.iter().any(|other| path.starts_with(other.as_str()));
        let files = files.into_iter().filter(|(path, _)| ours(path));
        let mut files: Vec<File> = files.map(|(path, bytes)| File { path, bytes: bytes.into() }).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Project { files, lone: name.is_some() })
    }
}
