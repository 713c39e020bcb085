//! Who stands where: the runs under way, by journey, version and statement.

use std::collections::BTreeMap;

use journey_bytecode::{Program, StepIx, Version};
use serde::Serialize;
use smol_str::SmolStr;

use super::{Place, place};
use crate::core::Linked;
use crate::core::contact::ContactId;
use crate::core::moves::{Moves, moves, step_of};
use crate::store::{Store, StoreError};

/// How many contacts are read together.
const PAGE: usize = 1_000;

/// The runs under way in one version of one journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Standing {
    /// The journey.
    pub journey: SmolStr,
    /// The version.
    pub version: String,
    /// Whether new runs take this version.
    pub current: bool,
    /// How many there are.
    pub runs: u64,
    /// Where they stand, in the order of the source.
    pub places: Vec<StandingAt>,
}

impl Standing {
    /// Whether runs are under way in a version that new ones do not take.
    pub const fn is_left_over(&self) -> bool {
        !self.current && self.runs > 0
    }
}

/// Runs at one statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StandingAt {
    /// The statement; none before the first one.
    pub place: Option<Place>,
    /// How many there are.
    pub runs: u64,
    /// Where they go on if they are moved to the current version; none where they are in it, or there is none.
    pub moved: Option<Moved>,
}

/// Where runs go on that are moved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// At this statement; none before the first one.
    To(Option<Place>),
    /// They end.
    Ends,
    /// That cannot be told: the statement needs a name, or the newer version a `migrate` clause.
    Nowhere,
}

impl Moved {
    /// Where runs go on that stand at this step of the older version.
    pub fn of(old: &Program, new: &Program, step: Option<StepIx>) -> Self {
        let Some(step) = step else { return Self::To(None) };
        match moves(old, new, step) {
            Some(Moves::Same(to) | Moves::To(to)) => Self::To(place(new, to.index())),
            Some(Moves::Ends) => Self::Ends,
            None => Self::Nowhere,
        }
    }
}

/// Counts the runs under way; every current journey is there, also without any. It reads every contact once.
pub async fn standing<S: Store>(store: &S, linked: &Linked) -> Result<Vec<Standing>, StoreError> {
    let current: BTreeMap<SmolStr, Version> =
        linked.bundle().programs.iter().map(|program| (program.name.clone(), program.version())).collect();
    let mut found: BTreeMap<(SmolStr, Version), BTreeMap<Option<StepIx>, u64>> =
        current.iter().map(|(journey, version)| ((journey.clone(), *version), BTreeMap::new())).collect();
    let mut after = ContactId(i64::MIN);
    loop {
        let page = store.contacts_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for run in page.iter().flat_map(|contact| &contact.state.runs) {
            let step = linked.program(run.version).and_then(|program| step_of(program, run));
            let places = found.entry((run.journey.clone(), run.version)).or_default();
            *places.entry(step).or_default() += 1;
        }
    }
    let standing = |((journey, version), places): ((SmolStr, Version), BTreeMap<Option<StepIx>, u64>)| {
        let old = linked.program(version);
        let new = current.get(&journey).filter(|new| **new != version).and_then(|new| linked.program(*new));
        let at = |(step, runs): (Option<StepIx>, u64)| StandingAt {
            place: step.and_then(|step| place(old?, step.index())),
            runs,
            moved: old.zip(new).map(|(old, new)| Moved::of(old, new, step)),
        };
        Standing {
            current: current.get(&journey) == Some(&version),
            version: version.to_string(),
            runs: places.values().sum(),
            places: places.into_iter().map(at).collect(),
            journey,
        }
    };
    Ok(found.into_iter().map(standing).collect())
}
