//! What names journeys, tests and segments use: what is left over is used by nobody.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// What a name can be the name of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Named {
    Tag,
    Event,
    Topic,
    Segment,
    Funnel,
    Journey,
    /// A message, by the name given with `as`.
    Handle,
    /// What messages put in, by its first word.
    Variable,
}

/// Uses of names, noted where they are looked up: each one, as they are counted only when all are known.
#[derive(Clone, Default, Debug)]
pub(crate) struct Uses(Vec<(Named, SmolStr)>);

impl Uses {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn note(&mut self, kind: Named, name: &SmolStr) {
        self.0.push((kind, name.clone()));
    }

    /// Adds what somebody else uses.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }
}

/// How often names are used.
#[derive(Default)]
pub(crate) struct UseCounts<'a>(FxHashMap<(Named, &'a SmolStr), u32>);

impl<'a> UseCounts<'a> {
    /// How often each is used.
    pub(crate) fn of(uses: impl Iterator<Item = &'a Uses>) -> Self {
        let mut counts = Self::default();
        for (kind, name) in uses.flat_map(|uses| &uses.0) {
            *counts.0.entry((*kind, name)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn count(&self, kind: Named, name: &SmolStr) -> u32 {
        self.0.get(&(kind, name)).copied().unwrap_or_default()
    }
}
