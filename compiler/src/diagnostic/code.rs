//! The registry of codes. A code is never reused and never changes its meaning; a retired one stays reserved.
//!
//! Ranges: `J00xx` files and projects · `J01xx` syntax · `J02xx` names · `J03xx` types and unset values · `J04xx` flow ·
//! `J05xx` messages and templates · `J06xx` policy, consent and pressure · `J07xx` time · `J08xx` across journeys ·
//! `J09xx` tests · `J1xxx` lints.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $severity:ident;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant = $number,)*
        }

        impl Code {
            /// All codes, by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number behind the `J`.
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The name, for `allow(..)` and reports: `unknown-tag`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says in general, one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)* }
            }

            /// How bad it is unless configured otherwise.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The code of this text: `J0201` or its name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == text || code.to_string().eq_ignore_ascii_case(text))
            }
        }
    };
}

codes! {
    /// A file cannot be read.
    UnreadableFile = 1, "unreadable-file", Error;
    /// A file is not valid UTF-8 text.
    NotUtf8 = 2, "not-utf8", Error;
    /// A file is larger than a journey file may be.
    FileTooLarge = 3, "file-too-large", Error;
    /// A file holds no journey and no declaration.
    EmptyFile = 4, "empty-file", Warning;
    /// The project's settings in `journey.toml` are not valid.
    BadConfig = 5, "bad-config", Error;
    /// Something stands where the grammar does not allow it.
    Syntax = 101, "syntax", Error;
    /// A name that no declaration in the project explains.
    UnknownTag = 201, "unknown-tag", Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "J{:04}", self.number())
    }
}
