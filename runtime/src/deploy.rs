//! Deploying a project, pausing and resuming its journeys: each makes a revision, which from then on counts for every
//! worker, and tells the contacts whom it concerns.

use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{Bundle, DecodeError, Instant, Program, TriggerKind, Version};
use smol_str::SmolStr;

use crate::core::contact::{Contact, ContactId, Run};
use crate::core::input::{Backlog, InputKind};
use crate::core::moves::standing_places;
use crate::explain::Moved;
use crate::store::{Change, DeploymentId, KeptProgram, NewInput, Revision, Store, StoreError, Whose};

/// How many contacts are read together.
const PAGE: usize = 1_000;

/// How often a revision is tried whose number somebody else has taken.
const TRIES: usize = 10;

/// Why something is not deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was deployed cannot be read.
    #[error("the deployment {0} cannot be read: {1}")]
    Damaged(DeploymentId, DecodeError),
    /// What was deployed is not there.
    #[error("the deployment {0} is not in the database")]
    Missing(DeploymentId),
    /// It cannot be made ready to run.
    #[error("it cannot be made ready: {0}")]
    Unready(String),
    /// Somebody else is faster each time.
    #[error("others change what counts at the same time; try again")]
    Busy,
    /// Nothing is deployed yet.
    #[error("nothing is deployed in this database; `journey deploy` or `journey serve` does it")]
    Nothing,
    /// There is no such journey, and some that there are.
    #[error("there is no journey `{0}` in what is deployed; there {1}")]
    NoJourney(SmolStr, String),
    /// It is paused already, or not at all.
    #[error("the journey `{0}` is {1}")]
    Already(SmolStr, &'static str),
}

/// The project that a revision deploys.
pub async fn bundle<S: Store>(store: &S, revision: &Revision) -> Result<Bundle, DeployError> {
    let id = revision.deployment;
    let bytes = store.deployment(id).await?.ok_or(DeployError::Missing(id))?;
    Bundle::decode(&bytes).map_err(|error| DeployError::Damaged(id, error))
}

/// The name under which a project is deployed.
pub fn id(bundle: &Bundle) -> Result<DeploymentId, DeployError> {
    encode(bundle).map(|bytes| DeploymentId::of(&bytes))
}

fn encode(bundle: &Bundle) -> Result<Vec<u8>, DeployError> {
    bundle.encode().map_err(|error| DeployError::Unready(error.to_string()))
}

/// Deploys a project: from now on contacts enter its journeys. Journeys that are paused stay so. Tell the contacts then.
pub async fn deploy<S: Store>(store: &S, bundle: &Bundle, moves: bool, now: Instant) -> Result<Revision, DeployError> {
    let bytes = encode(bundle)?;
    let deployment = DeploymentId::of(&bytes);
    store.keep_programs(&KeptProgram::all(bundle)).await?;
    revise(store, now, Some(&bytes), |newest| {
        let paused = newest.map(|newest| newest.paused.clone()).unwrap_or_default();
        Ok((deployment, paused, Change::Deploy { moves }))
    })
    .await
}

/// Pauses a journey: its runs hear what happens and do nothing, on every worker, once this returns.
pub async fn pause<S: Store>(store: &S, journey: &str, now: Instant) -> Result<Revision, DeployError> {
    known(store, journey).await?;
    revise(store, now, None, |newest| {
        let newest = newest.ok_or(DeployError::Nothing)?;
        let mut paused = newest.paused.clone();
        if paused.insert(journey.into(), now).is_some() {
            return Err(DeployError::Already(journey.into(), "paused already"));
        }
        Ok((newest.deployment, paused, Change::Pause { journey: journey.into() }))
    })
    .await
}

/// Lets a journey go on. Tell the contacts then.
pub async fn resume<S: Store>(
    store: &S,
    journey: &str,
    backlog: Backlog,
    now: Instant,
) -> Result<Revision, DeployError> {
    known(store, journey).await?;
    revise(store, now, None, |newest| {
        let newest = newest.ok_or(DeployError::Nothing)?;
        let mut going = newest.paused.clone();
        let Some(paused) = going.remove(journey) else {
            return Err(DeployError::Already(journey.into(), "not paused"));
        };
        Ok((newest.deployment, going, Change::Resume { journey: journey.into(), paused, backlog }))
    })
    .await
}

/// Makes sure that what is deployed has the journey, or that somebody may still be in it.
async fn known<S: Store>(store: &S, journey: &str) -> Result<(), DeployError> {
    let newest = store.revisions(1).await?.pop().ok_or(DeployError::Nothing)?;
    let mut names: BTreeSet<SmolStr> =
        bundle(store, &newest).await?.programs.into_iter().map(|program| program.name).collect();
    names.extend(store.programs().await?.into_iter().map(|kept| kept.program.name));
    if names.contains(journey) { Ok(()) } else { Err(DeployError::NoJourney(journey.into(), some(&names))) }
}

/// Names in words, not too many.
fn some(names: &BTreeSet<SmolStr>) -> String {
    const MOST: usize = 8;
    let mut list: Vec<_> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        list.push(format!("{more} more"));
    }
    match list.split_last() {
        None => "are none".to_owned(),
        Some((one, [])) => format!("is {one}"),
        Some((last, rest)) => format!("are {} and {last}", rest.join(", ")),
    }
}

/// What the next revision says: the deployment, what is paused, what changes.
type Next = (DeploymentId, BTreeMap<SmolStr, Instant>, Change);

async fn revise<S: Store>(
    store: &S,
    now: Instant,
    deployed: Option<&[u8]>,
    next: impl Fn(Option<&Revision>) -> Result<Next, DeployError>,
) -> Result<Revision, DeployError> {
    for _ in 0..TRIES {
        let newest = store.revisions(1).await?.pop();
        let (deployment, paused, change) = next(newest.as_ref())?;
        let number = newest.map_or(1, |newest| newest.number.saturating_add(1));
        let told = matches!(change, Change::Pause { .. });
        let revision = Revision { number, at: now, deployment, paused, change, told };
        if store.revise(&revision, deployed).await? {
            return Ok(revision);
        }
    }
    Err(DeployError::Busy)
}

/// Tells all contacts whom a revision concerns; how many they are. Whoever is told twice hears of it once.
pub async fn tell<S: Store>(store: &S, revision: &Revision, now: Instant) -> Result<u64, DeployError> {
    let concerns = match &revision.change {
        Change::Pause { .. } => return Ok(0),
        Change::Resume { journey, paused, backlog } => {
            Concerns::Resumed { journey: journey.clone(), paused: *paused, backlog: *backlog }
        }
        Change::Deploy { moves } => {
            let new = bundle(store, revision).await?;
            let all = store.revisions(usize::MAX).await?;
            let mut before = all.iter().filter(|before| before.number < revision.number);
            let before = match before.find(|before| before.deployment != revision.deployment) {
                // What cannot be read any more listened to nothing that we know of.
                Some(before) => bundle(store, before).await.unwrap_or_default(),
                None => Bundle::default(),
            };
            // Who is told late moves nobody: some may be on a newer version already.
            let newer = |later: &Revision| later.number > revision.number && later.deployment != revision.deployment;
            let moves = *moves && !all.iter().any(newer);
            let versions = new.programs.iter().map(|program| (program.name.clone(), program.version()));
            let to = if moves { versions.collect() } else { BTreeMap::new() };
            Concerns::Deployed { to, anew: listens_anew(&new, &before) }
        }
    };
    // A pause is over when it is ended, not when its contacts hear of it.
    let at = if let Concerns::Resumed { .. } = concerns { revision.at } else { now };
    let mut told = 0;
    let mut after = ContactId(i64::MIN);
    while concerns.anybody() {
        let page = store.contacts_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let mut inputs = Vec::new();
        for contact in page.iter().filter(|contact| !contact.is_merged()) {
            let kinds = concerns.inputs(contact);
            told += u64::from(!kinds.is_empty());
            inputs.extend(kinds.into_iter().enumerate().map(|(place, kind)| NewInput {
                contact: Whose::Id(contact.id),
                // The first character keeps our ids apart from everybody else's.
                id: Some(format!("\u{1}revision {} {place}", revision.number).into()),
                fingerprint: [0; 16],
                at,
                kind,
                creates: false,
            }));
        }
        if !inputs.is_empty() {
            store.accept(&inputs, now).await?;
        }
    }
    store.told(revision.number).await?;
    Ok(told)
}

/// Whom a revision concerns.
enum Concerns {
    Resumed { journey: SmolStr, paused: Instant, backlog: Backlog },
    Deployed { to: BTreeMap<SmolStr, Version>, anew: bool },
}

impl Concerns {
    fn anybody(&self) -> bool {
        match self {
            Self::Resumed { .. } => true,
            Self::Deployed { to, anew } => *anew || !to.is_empty(),
        }
    }

    fn inputs(&self, contact: &Contact) -> Vec<InputKind> {
        let runs = &contact.state.runs;
        match self {
            Self::Resumed { journey, paused, backlog } => {
                let input = || InputKind::Resume { journey: journey.clone(), paused: *paused, backlog: *backlog };
                runs.iter().any(|run| run.journey == *journey).then(input).into_iter().collect()
            }
            Self::Deployed { to, anew } => {
                let older = |(journey, to): &(&SmolStr, &Version)| {
                    runs.iter().any(|run: &Run| run.journey == **journey && run.version != **to)
                };
                let moved = to.iter().filter(older).map(|(_, to)| InputKind::Migrate { to: *to });
                anew.then_some(InputKind::Deployed).into_iter().chain(moved).collect()
            }
        }
    }
}

/// Whether a project listens to segments or to moments of the calendar that concern contacts to whom nothing happens.
fn listens_anew(new: &Bundle, before: &Bundle) -> bool {
    let known: Vec<Version> = before.programs.iter().map(Program::version).collect();
    let listens = |program: &Program| {
        let by_itself = |kind: &TriggerKind| {
            matches!(kind, TriggerKind::Enters(..) | TriggerKind::Leaves(..) | TriggerKind::Moment(_))
        };
        !program.segments.is_empty() || program.triggers.iter().any(|trigger| by_itself(&trigger.kind))
    };
    new.programs.iter().any(|program| listens(program) && !known.contains(&program.version()))
}

/// A place of an older version from which nobody knows where to go in the newer one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unclear {
    /// The journey's file.
    pub file: SmolStr,
    /// The version.
    pub version: Version,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The statement.
    pub statement: String,
}

/// The places of an older version that have no counterpart in the newer one, in the order of the source.
pub fn unclear(old: &Program, new: &Program) -> Vec<Unclear> {
    let places = standing_places(old).into_iter().filter(|step| Moved::of(old, new, Some(*step)) == Moved::Nowhere);
    places
        .filter_map(|step| {
            let info = old.map.steps.get(step.index())?;
            Some(Unclear {
                file: old.map.source.clone(),
                version: old.version(),
                line: info.line,
                column: info.column,
                statement: info.label.clone(),
            })
        })
        .collect()
}
