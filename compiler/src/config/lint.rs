//! `[lint]`: how bad which finding is, and the numbers that some go by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diagnostic::{Code, Group, Level, Profile};

/// `[lint]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LintConfig {
    /// `max_steps`: a journey with more steps is called long.
    pub max_steps: u32,
    /// `max_depth`: steps nested deeper are called deep.
    pub max_depth: u32,
    /// `max_per_day`: more marketing messages in 24 hours from one run are called many.
    pub max_per_day: u32,
    /// `min_share`: a side of a split with a smaller share, in percent, is called small.
    pub min_share: u32,
    /// The levels that are not the codes' own, by the codes' names.
    levels: BTreeMap<SmolStr, Level>,
}

impl Default for LintConfig {
    fn default() -> Self {
        Self { max_steps: 60, max_depth: 6, max_per_day: 3, min_share: 5, levels: BTreeMap::new() }
    }
}

/// The settings of `[lint]` that are numbers.
pub const NUMBERS: [&str; 4] = ["max_steps", "max_depth", "max_per_day", "min_share"];

/// The word for all findings at once.
pub const ALL: &str = "all";

/// The setting that names profiles.
pub const PROFILES: &str = "profiles";

/// What a level is set for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Target {
    /// `all`
    All,
    /// A profile, with what it says of each finding.
    Profile(Profile),
    /// A group.
    Group(Group),
    /// One finding, by code or name.
    Code(Code),
}

impl Target {
    /// What a setting of this name sets.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            ALL => Some(Self::All),
            _ => Group::parse(name).map(Self::Group).or_else(|| Code::parse(name).map(Self::Code)),
        }
    }

    fn covers(self, code: Code) -> bool {
        match self {
            Self::All | Self::Profile(_) => true,
            Self::Group(group) => code.group() == group,
            Self::Code(only) => only == code,
        }
    }
}

impl LintConfig {
    /// The level of a finding.
    pub fn level(&self, code: Code) -> Level {
        self.levels.get(code.name()).copied().unwrap_or_else(|| code.level())
    }

    /// Whether the project says itself how bad it is.
    pub fn is_set(&self, code: Code) -> bool {
        self.levels.contains_key(code.name())
    }

    /// Takes in what is said of many at once and of one; the narrower word wins, whatever their order.
    pub(super) fn set(&mut self, mut said: Vec<(Target, Level)>) {
        said.sort_by_key(|(target, _)| *target);
        for (target, level) in said {
            for code in Code::ALL.iter().filter(|code| code.is_lint() && target.covers(**code)) {
                let level = match target {
                    Target::Profile(profile) => profile.level(*code),
                    // What is off stays so until somebody names it or its group: `all` is for turning down.
                    Target::All if code.level() == Level::Off => None,
                    _ => Some(level),
                };
                if let Some(level) = level {
                    self.levels.insert(SmolStr::new_static(code.name()), level);
                }
            }
        }
    }
}
