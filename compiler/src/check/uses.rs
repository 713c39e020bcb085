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

/// How often names are used; noted where they are looked up.
#[derive(Clone, Default, Debug)]
pub(crate) struct Uses(FxHashMap<(Named, SmolStr), u32>);

impl Uses {
    pub(crate) fn note(&mut self, kind: Named, name: &SmolStr) {
        *self.0.entry((kind, name.clone())).or_default() += 1;
    }

    /// Adds what somebody else uses.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            match self.0.get_mut(key) {
                Some(known) => *known += count,
                None => drop(self.0.insert(key.clone(), *count)),
            }
        }
    }

    /// How often it is used.
    pub(crate) fn count(&self, kind: Named, name: &SmolStr) -> u32 {
        self.0.get(&(kind, name.clone())).copied().unwrap_or_default()
    }
}
