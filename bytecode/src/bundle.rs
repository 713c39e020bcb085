//! The bundle: a whole project, compiled, as one file.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::message::{Channel, CrashRules, Message};
use crate::program::{Program, SourceMap, Version};
use crate::schema::{Policy, Schema};
use crate::score::Scores;
use crate::verify::{VerifyError, verify};

/// The first bytes of a bytecode file; the last one is the format's number.
pub const MAGIC: &[u8; 8] = b"journey\x01";

/// All that a runtime needs to run a project.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// The project's name.
    pub project: SmolStr,
    /// The zone of contacts without a valid one, as `Europe/Berlin`.
    pub default_zone: SmolStr,
    /// Declarations.
    pub schema: Schema,
    /// What every send obeys.
    pub policy: Policy,
    /// What becomes of messages that were on the wire when their worker died.
    pub after_crash: CrashRules,
    /// The messages, sorted by name and channel.
    pub messages: Vec<Message>,
    /// The scores.
    pub scores: Scores,
    /// The journeys, sorted by name.
    pub programs: Vec<Program>,
}

/// Why bytes are not a bundle.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file does not begin with the magic bytes of this format.
    #[error("this is not a bytecode file of this version of journey; build it again with `journey build`")]
    Magic,
    /// The content does not match the checksum.
    #[error("the bytecode file is damaged (its checksum does not match); build it again with `journey build`")]
    Checksum,
    /// The content cannot be read.
    #[error("the bytecode file is damaged ({0}); build it again with `journey build`")]
    Content(#[from] postcard::Error),
    /// A program does things that no compiler emits.
    #[error("the program of journey `{journey}` is not valid: {error}")]
    Invalid {
        /// The journey.
        journey: SmolStr,
        /// What is wrong.
        error: VerifyError,
    },
}

impl Bundle {
    /// The bundle as bytes: magic, checksum (blake3 of the content), content (postcard).
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let content = postcard::to_stdvec(self)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(blake3::hash(&content).as_bytes());
        bytes.extend_from_slice(&content);
        Ok(bytes)
    }

    /// Reads and verifies a bundle.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(DecodeError::Magic)?;
        let (checksum, content) = rest.split_at_checked(blake3::OUT_LEN).ok_or(DecodeError::Magic)?;
        if blake3::hash(content).as_bytes().as_slice() != checksum {
            return Err(DecodeError::Checksum);
        }
        let bundle: Self = postcard::from_bytes(content)?;
        for program in &bundle.programs {
            verify(program).map_err(|error| DecodeError::Invalid { journey: program.name.clone(), error })?;
        }
        if !bundle.scores.scores.is_empty() {
            let invalid = |error| DecodeError::Invalid { journey: "(scores)".into(), error };
            verify(&bundle.scores.program).map_err(invalid)?;
        }
        Ok(bundle)
    }

    /// The message of this name and channel.
    pub fn message(&self, channel: Channel, name: &str) -> Option<&Message> {
        self.messages.iter().find(|m| m.name == name && m.channel == channel)
    }
}

impl Program {
    /// The hash of all that decides what the program does: two sources that differ in layout alone share it.
    pub fn version(&self) -> Version {
        let bare = Self { map: SourceMap::default(), ..self.clone() };
        let mut version = [0; 16];
        // Serialising to memory cannot fail; an empty content would still give a valid, if shared, version.
        let content = postcard::to_stdvec(&bare).unwrap_or_default();
        version.copy_from_slice(blake3::hash(&content).as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        Version(version)
    }
}
