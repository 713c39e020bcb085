//! How findings are set: by group, by profile, by level.

use serde::{Deserialize, Serialize};

use super::{Code, Severity};

/// What `[lint]` can say of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is not told.
    Off,
    /// Worth knowing.
    #[serde(rename = "info")]
    Hint,
    /// Probably not what was meant.
    #[serde(rename = "warn")]
    Warning,
    /// The project does not compile.
    Error,
}

impl Level {
    /// All of them, from the mildest on.
    pub const ALL: [Self; 4] = [Self::Off, Self::Hint, Self::Warning, Self::Error];

    /// Its name in `journey.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Hint => "info",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }

    /// The level of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// How bad a finding of this level is; none for one that is off.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Hint => Some(Severity::Hint),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// What a finding is about; the level of a whole group can be set at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// It does not do what it says.
    Correctness,
    /// What the contact agreed to, and what the law asks for.
    Consent,
    /// How much one contact gets.
    Pressure,
    /// When things happen.
    Timing,
    /// What is left over, missing or not told.
    Hygiene,
    /// How it is written.
    Style,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Correctness, Self::Consent, Self::Pressure, Self::Timing, Self::Hygiene, Self::Style];

    /// Its name in `journey.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Correctness => "correctness",
            Self::Consent => "consent",
            Self::Pressure => "pressure",
            Self::Timing => "timing",
            Self::Hygiene => "hygiene",
            Self::Style => "style",
        }
    }

    /// The group of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

/// A set of levels with a name: what the law of a place asks for, or everything that there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The United States: CAN-SPAM, and the TCPA for text messages.
    Us,
    /// The European Union: GDPR and the ePrivacy directive.
    Eu,
    /// Canada: CASL.
    Ca,
    /// Every finding that is off otherwise is a warning.
    Strict,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Us, Self::Eu, Self::Ca, Self::Strict];

    /// Its name in `journey.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Ca => "ca",
            Self::Strict => "strict",
        }
    }

    /// The profile of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// What it makes of a finding; none if it leaves it as it is.
    pub fn level(self, code: Code) -> Option<Level> {
        match self {
            Self::Us => match code {
                Code::NoPostalAddress | Code::FakeReply | Code::SmsAtNight | Code::PromotionalTransactional => {
                    Some(Level::Error)
                }
                _ => None,
            },
            Self::Eu => match code {
                Code::NoTopic | Code::TransactionalTopic | Code::PromotionalTransactional | Code::NoPostalAddress => {
                    Some(Level::Error)
                }
                // Whether somebody opened a mail is known by tracking alone, which needs consent of its own.
                Code::BranchOnOpen => Some(Level::Warning),
                _ => None,
            },
            Self::Ca => match code {
                Code::NoTopic | Code::NoPostalAddress | Code::FakeReply | Code::PromotionalTransactional => {
                    Some(Level::Error)
                }
                _ => None,
            },
            Self::Strict => (code.level() == Level::Off).then_some(Level::Warning),
        }
    }
}
