//! Secrets by reference: what a project's files hold is where the secret is, never the secret.

use std::fmt;
use std::fs;
use std::path::Path;

/// A secret. It shows itself to nobody who prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a secret cannot be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment does not have it.
    #[error("the environment variable `{0}` is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("the secret's file `{0}` cannot be read: {1}")]
    NoFile(String, String),
    /// There is nothing there.
    #[error("the secret in `{0}` is empty")]
    Empty(String),
}

impl Secret {
    /// The secret in an environment variable.
    pub fn env(name: &str) -> Result<Self, SecretError> {
        let secret = std::env::var(name).map_err(|_| SecretError::NoVariable(name.to_owned()))?;
        Self::from_text(&secret, name)
    }

    /// The secret in a file: its first line.
    pub fn file(path: &Path) -> Result<Self, SecretError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| SecretError::NoFile(name.clone(), error.to_string()))?;
        Self::from_text(&text, &name)
    }

    /// The whole of a file, for a key that takes several lines.
    pub fn document(path: &Path) -> Result<Self, SecretError> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Err(SecretError::Empty(name)),
            Ok(text) => Ok(Self(text)),
            Err(error) => Err(SecretError::NoFile(name, error.to_string())),
        }
    }

    /// The whole of an environment variable.
    pub fn env_document(name: &str) -> Result<Self, SecretError> {
        match std::env::var(name) {
            Ok(text) if text.trim().is_empty() => Err(SecretError::Empty(name.to_owned())),
            Ok(text) => Ok(Self(text)),
            Err(_) => Err(SecretError::NoVariable(name.to_owned())),
        }
    }

    fn from_text(text: &str, place: &str) -> Result<Self, SecretError> {
        match text.lines().next() {
            None | Some("") => Err(SecretError::Empty(place.to_owned())),
            Some(line) => Ok(Self(line.to_owned())),
        }
    }

    /// The secret itself. Nobody prints it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "canary \r\nmore\n").unwrap();
        let secret = Secret::file(&path).unwrap();
        assert_eq!(secret.reveal(), "canary ");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(Secret::file(&path), Err(SecretError::Empty(_))));
        assert!(matches!(Secret::file(Path::new("/nowhere/at/all")), Err(SecretError::NoFile(..))));
        let unset = "JOURNEY_TEST_NO_SUCH_VARIABLE";
        assert_eq!(Secret::env(unset), Err(SecretError::NoVariable(unset.into())));
        assert!(Secret::env("PATH").is_ok());
    }
}
