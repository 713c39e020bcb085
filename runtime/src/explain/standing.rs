//! Who stands where: the runs under way, by journey, version and statement.

use std::collections::BTreeMap;

use journey_bytecode::{Op, Pc, Program, Version};
use serde::Serialize;
use smol_str::SmolStr;

use super::{Place, place};
use crate::core::Linked;
use crate::core::contact::{ContactId, Parked, Run};
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

/// Runs at one statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StandingAt {
    /// The statement; none before the first one.
    pub place: Option<Place>,
    /// How many there are.
    pub runs: u64,
}

/// Counts the runs under way; every current journey is there, also without any. It reads every contact once.
pub async fn standing<S: Store>(store: &S, linked: &Linked) -> Result<Vec<Standing>, StoreError> {
    let current: BTreeMap<SmolStr, Version> =
        linked.bundle().programs.iter().map(|program| (program.name.clone(), program.version())).collect();
    let mut found: BTreeMap<(SmolStr, Version), BTreeMap<Option<usize>, u64>> =
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
    let standing = |((journey, version), places): ((SmolStr, Version), BTreeMap<Option<usize>, u64>)| Standing {
        current: current.get(&journey) == Some(&version),
        version: version.to_string(),
        runs: places.values().sum(),
        places: (places.into_iter())
            .map(|(step, runs)| StandingAt { place: step.and_then(|step| place(linked.program(version)?, step)), runs })
            .collect(),
        journey,
    };
    Ok(found.into_iter().map(standing).collect())
}

/// The statement at which a run stands.
fn step_of(program: &Program, run: &Run) -> Option<usize> {
    let at = match run.parked {
        Parked::Wait { wait, .. } => {
            let waits = |op: &Op| matches!(op, Op::Wait(ix) if *ix == wait);
            Pc(u32::try_from(program.code.iter().position(waits)?).ok()?)
        }
        Parked::Deferred { at, .. } => at,
        Parked::Collecting { .. } => return None,
        Parked::Asking { request, .. } => return Some(program.requests.get(request.index())?.step.index()),
    };
    let before = program.code.get(..=usize::try_from(at.0).ok()?)?;
    before.iter().rev().find_map(|op| match op {
        Op::Step(step) => Some(step.index()),
        _ => None,
    })
}
