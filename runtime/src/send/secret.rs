//! Secrets by reference: what a project's files hold is where the secret is, never the secret.

use std::fmt;
use std::fs;

/// A secret. It shows itself to nobody who prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a secret cannot be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not a reference.
    #[error("a secret does not stand in the project's files; write `env:NAME` or `file:PATH`")]
    NotAReference,
    /// The environment does not have it.
    #[error("the environment variable `{0}` is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("the secret's file `{0}` cannot be read: {1}")]
    NoFile(String, String),
}

impl Secret {
    /// Follows a reference: `env:NAME` or `file:PATH`; a file's last line end does not count.
    pub fn resolve(reference: &str) -> Result<Self, SecretError> {
        if let Some(name) = reference.strip_prefix("env:") {
            return std::env::var(name).map(Self).map_err(|_| SecretError::NoVariable(name.to_owned()));
        }
        let path = reference.strip_prefix("file:").ok_or(SecretError::NotAReference)?;
        let text = fs::read_to_string(path).map_err(|error| SecretError::NoFile(path.to_owned(), error.to_string()))?;
        Ok(Self(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
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
        fs::write(&path, "canary \n").unwrap();
        let secret = Secret::resolve(&format!("file:{}", path.display())).unwrap();
        assert_eq!(secret.reveal(), "canary ");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(Secret::resolve("canary"), Err(SecretError::NotAReference));
        assert!(!Secret::resolve("canary").unwrap_err().to_string().contains("canary"));
        let unset = "JOURNEY_TEST_NO_SUCH_VARIABLE";
        assert_eq!(Secret::resolve(&format!("env:{unset}")), Err(SecretError::NoVariable(unset.into())));
        assert!(matches!(Secret::resolve("file:/nowhere/at/all"), Err(SecretError::NoFile(..))));
    }
}
