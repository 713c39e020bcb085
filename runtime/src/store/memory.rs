//! A store in memory: for simulations and tests.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use journey_bytecode::{Channel, Instant, Purpose, Version};
use smol_str::SmolStr;

use super::merged::{Merged, followed};
use super::wake::{Lease, Settled, Wake};
use super::{
    Acceptance, Advanced, Claimed, Counts, Delivery, DeliveryResult, DeploymentId, GIVEN_UP, HEARD_FOR, Heard, Keeps,
    Kept, KeptMessage, KeptProgram, LIST, ListChange, Listed, MAX_INPUTS_PER_ADVANCE, NewInput, Pending, Queued,
    Revision, Stays, Store, StoreError, TakeCode, TakenOver, Whose, address_hash, hash_of_address, own_address_hash,
    resubscribed, silenced, suppressed_name, words_on_topics,
};
use crate::core::contact::{Contact, ContactId};
use crate::core::effect::{Handover, MessageId, Outgoing, TraceEntry};
use crate::core::input::{Input, InputKind};
use crate::spam::{SpamCount, SpamSender, Traffic, senders};
use crate::trial::Trials;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    wake: Wake,
}

#[derive(Debug, Default)]
struct Inner {
    keys: HashMap<SmolStr, ContactId>,
    merged: Merged,
    rows: BTreeMap<ContactId, Row>,
    queue: BTreeSet<(Instant, MessageId)>,
    outbox: BTreeMap<MessageId, Open>,
    held: BTreeMap<MessageId, Instant>,
    done: BTreeMap<MessageId, (Delivery, Option<Outgoing>)>,
    /// To which addresses messages of a contact went, as hashes.
    addressed: BTreeMap<ContactId, BTreeSet<[u8; 16]>>,
    /// Who unsubscribed at an address, and when, by topic, `''` for all marketing, `*` for everything.
    suppressed: BTreeMap<([u8; 16], SmolStr), BTreeMap<ContactId, Instant>>,
    /// Since when a topic is wanted again at an address.
    resubscribed: BTreeMap<([u8; 16], SmolStr), Instant>,
    /// What providers told, by its id.
    heard: BTreeMap<SmolStr, Instant>,
    programs: Vec<(Version, KeptProgram)>,
    revisions: Vec<Revision>,
    deployments: BTreeMap<DeploymentId, Vec<u8>>,
    trials: Trials,
    codes: BTreeMap<SmolStr, Pool>,
    traffic: Traffic,
    held_senders: BTreeMap<SmolStr, (Instant, SpamCount)>,
    /// Whose log has become longer.
    changed: BTreeSet<ContactId>,
    /// How many answers there were to people whom no contact stands for.
    answers: u32,
}

/// Codes of a voucher.
#[derive(Debug, Default)]
struct Pool {
    known: BTreeSet<SmolStr>,
    free: VecDeque<SmolStr>,
    taken: BTreeMap<MessageId, SmolStr>,
}

impl Inner {
    /// Forgets what is known of a contact beside its state; what is claimed gets its result.
    fn erase(&mut self, contact: ContactId, at: Instant, silenced: impl Iterator<Item = [u8; 16]>) {
        self.keys.retain(|_, id| *id != contact);
        let addressed = self.addressed.remove(&contact).unwrap_or_default();
        for hash in addressed.into_iter().chain(silenced) {
            self.silence((hash, SmolStr::default()), contact, at);
        }
        let waiting = self.queue.iter().map(|(_, id)| *id).chain(self.held.keys().copied());
        let waiting: Vec<_> = waiting.filter(|id| id.contact == contact).collect();
        self.queue.retain(|(_, id)| id.contact != contact);
        for id in waiting {
            self.held.remove(&id);
            self.outbox.remove(&id);
        }
        for (_, (delivery, message)) in self.done.iter_mut().filter(|(id, _)| id.contact == contact) {
            delivery.result = DeliveryResult::erased(delivery.result.is_failure());
            *message = None;
        }
        // One that is on the wire and fails does not go again.
        for (_, open) in self.outbox.iter_mut().filter(|(id, _)| id.contact == contact) {
            (open.outgoing.purpose, open.applied) = (Purpose::Marketing, -1);
        }
        if let Some(row) = self.rows.get_mut(&contact) {
            row.trace.clear();
            row.told.clear();
            row.fingerprints.clear();
            row.unsubscribed.insert((SmolStr::default(), ""), row.accepted);
        }
    }
}

#[derive(Debug)]
struct Row {
    contact: Contact,
    accepted: i64,
    due: Instant,
    pending: VecDeque<Input>,
    /// What was applied.
    told: Vec<Input>,
    fingerprints: HashMap<SmolStr, [u8; 16]>,
    /// The place of the newest unsubscribe, by topic (`''` for everything) and channel (`''` for all).
    unsubscribed: BTreeMap<(SmolStr, &'static str), i64>,
    trace: Vec<TraceEntry>,
}

#[derive(Debug)]
struct Open {
    outgoing: Outgoing,
    /// The last input that its decision knew.
    applied: i64,
    attempts: u32,
    /// Why it did not go at once.
    cause: Option<String>,
}

impl Row {
    fn withholds(&self, open: &Open) -> bool {
        let Outgoing { channel, topic, purpose, .. } = &open.outgoing;
        let means = |(of, via): &(SmolStr, &str)| {
            (of.is_empty() || topic.as_ref() == Some(of)) && (via.is_empty() || *via == channel.name())
        };
        let mut since = self.unsubscribed.iter().filter(|(said, _)| means(said));
        *purpose == Purpose::Marketing && since.any(|(_, place)| *place > open.applied)
    }

    fn push(&mut self, at: Instant, kind: InputKind) -> i64 {
        self.accepted += 1;
        for (topic, channel, out) in words_on_topics(&kind) {
            match out {
                true => _ = self.unsubscribed.insert((topic, channel), self.accepted),
                false => _ = self.unsubscribed.remove(&(topic, channel)),
            }
        }
        self.pending.push_back(Input { seq: self.accepted, at, kind });
        self.accepted
    }
}

impl MemoryStore {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn accept(&mut self, input: &NewInput, now: Instant) -> Acceptance {
        let contact = match &input.contact {
            Whose::Id(id) => *id,
            Whose::Key(key) => match self.keys.get(key) {
                Some(contact) => *contact,
                None if !input.creates => return Acceptance::UnknownContact,
                None if self.merged.is_taken(input, &self.keys) => return Acceptance::AliasTaken,
                None => self.create(key, now),
            },
        };
        let Some(row) = self.rows.get(&contact) else { return Acceptance::UnknownContact };
        match input.id.as_ref().and_then(|id| row.fingerprints.get(id)) {
            Some(known) if *known == input.fingerprint => return Acceptance::Duplicate,
            Some(_) => return Acceptance::Conflict,
            None => {}
        }
        let mut joins = None;
        if let InputKind::Alias { key } = &input.kind {
            let alias = self.keys.get(key).copied().unwrap_or_else(|| self.create(key, now));
            match self.merged.join(alias, contact) {
                Ok(into) => joins = Some((alias, into)),
                Err(answer) => return answer,
            }
        }
        if let (Some(id), Some(row)) = (&input.id, self.rows.get_mut(&contact)) {
            row.fingerprints.insert(id.clone(), input.fingerprint);
        }
        let accepted = self.push(contact, input.at, input.kind.clone());
        if let Some((alias, into)) = joins {
            self.merged.know(alias, into, false);
            self.push(alias, input.at, InputKind::MergeInto { contact: into });
        }
        accepted
    }

    fn create(&mut self, key: &SmolStr, now: Instant) -> ContactId {
        let id = ContactId(self.rows.last_key_value().map_or(1, |(last, _)| last.0 + 1));
        self.keys.insert(key.clone(), id);
        self.rows.insert(id, Row::new(Contact::new(id, key.clone(), now)));
        id
    }

    /// Appends an input to the log of a contact, or of whom it turned out to be.
    fn push(&mut self, of: ContactId, at: Instant, kind: InputKind) -> Acceptance {
        let contact = self.merged.log_of(of);
        let kind = if contact == of { kind } else { kind.of_alias(of) };
        let words = words_on_topics(&kind);
        let Some(row) = self.rows.get_mut(&contact) else { return Acceptance::UnknownContact };
        let seq = row.push(at, kind);
        let mut said_out = Vec::new();
        for (topic, channel, out) in words {
            for hash in self.addressed.get(&contact).into_iter().flatten() {
                let said = (*hash, suppressed_name(&topic, channel));
                match out {
                    true => said_out.push(said),
                    false => _ = self.suppressed.remove(&said),
                }
            }
        }
        said_out.into_iter().for_each(|said| self.silence(said, contact, at));
        self.changed.insert(contact);
        Acceptance::Accepted { contact, seq }
    }

    /// Notes that a contact wants no more of something at an address.
    fn silence(&mut self, what: ([u8; 16], SmolStr), contact: ContactId, at: Instant) {
        let since = self.suppressed.entry(what).or_default().entry(contact).or_insert(at);
        *since = at.max(*since);
    }

    /// Lets a contact join the one that it turned out to be: with all that it was, what waits for it, and its addresses.
    fn hand_over(&mut self, handed: Handover) {
        let Handover { into, contact, .. } = handed;
        let id = contact.id;
        self.merged.know(id, into, true);
        let into = self.merged.log_of(id);
        let addresses = self.addressed.remove(&id).unwrap_or_default();
        for ((hash, _), by) in &mut self.suppressed {
            if addresses.contains(hash)
                && let Some(at) = by.remove(&id)
            {
                let since = by.entry(into).or_insert(at);
                *since = at.max(*since);
            }
        }
        let said = self.rows.get(&into).map(|row| row.unsubscribed.clone()).unwrap_or_default();
        for (topic, channel) in said.keys() {
            for hash in &addresses {
                self.silence((*hash, suppressed_name(topic, channel)), into, contact.state.clock);
            }
        }
        self.addressed.entry(into).or_default().extend(addresses);
        let pending = self.rows.get_mut(&id).map(|row| std::mem::take(&mut row.pending)).unwrap_or_default();
        let at = contact.state.clock;
        self.push(id, at, InputKind::Absorb { contact: Box::new(contact) });
        for input in pending {
            self.push(id, input.at, input.kind);
        }
    }

    /// Whether another contact unsubscribed at the message's address, or its owner said stop.
    fn is_suppressed(&self, outgoing: &Outgoing) -> bool {
        let Some(hash) = address_hash(outgoing) else { return false };
        let again = outgoing.topic.as_ref().and_then(|topic| self.resubscribed.get(&(hash, topic.clone())));
        let everything = Keeps::Everything.stored();
        let by_another = |topic: &str| {
            let counts = |(by, since): (&ContactId, &Instant)| {
                let is_over = *by != LIST && topic != everything && again.is_some_and(|again| again > since);
                *by != outgoing.id.contact && !is_over
            };
            self.suppressed.get(&(hash, topic.into())).is_some_and(|by| by.iter().any(counts))
        };
        let channel = outgoing.channel.name();
        let said = |topic: &str| by_another(topic) || by_another(&suppressed_name(topic, channel));
        let marketing = || said("") || outgoing.topic.as_deref().is_some_and(said);
        by_another(everything) || outgoing.purpose == Purpose::Marketing && marketing()
    }
}

impl Inner {
    fn suppress(&mut self, listed: &Listed) -> u64 {
        let mut add = |hash| {
            let by = self.suppressed.entry((hash, listed.keeps.stored().into())).or_default();
            by.insert(LIST, Instant::default()).is_none()
        };
        listed.hashes().into_iter().map(|hash| u64::from(add(hash))).sum()
    }

    fn lift(&mut self, listed: &Listed) -> u64 {
        let mut take = |hash| {
            let by = self.suppressed.get_mut(&(hash, listed.keeps.stored().into()));
            by.is_some_and(|by| by.remove(&LIST).is_some())
        };
        listed.hashes().into_iter().map(|hash| u64::from(take(hash))).sum()
    }

    /// Whose log has become longer since this was last asked.
    fn changed(&mut self) -> impl Iterator<Item = ContactId> + use<> {
        std::mem::take(&mut self.changed).into_iter()
    }

    /// When the messages that wait are due.
    fn dues(&self) -> HashMap<MessageId, Instant> {
        self.queue.iter().map(|(due, id)| (*id, *due)).collect()
    }

    /// The message is done.
    fn settle(&mut self, delivery: Delivery) {
        let failed = matches!(delivery.result, DeliveryResult::Failed { .. });
        let outgoing = self.outbox.remove(&delivery.id).map(|open| open.outgoing);
        let failed = failed && delivery.id.contact != LIST;
        self.done.insert(delivery.id, (delivery, outgoing.filter(|_| failed)));
    }
}

impl Row {
    fn new(contact: Contact) -> Self {
        Self {
            contact,
            accepted: 0,
            due: Instant::NEVER,
            pending: VecDeque::new(),
            told: Vec::new(),
            fingerprints: HashMap::new(),
            unsubscribed: BTreeMap::new(),
            trace: Vec::new(),
        }
    }
}

impl Store for MemoryStore {
    type Lease = Lease;

    async fn accept(&self, inputs: &[NewInput], now: Instant) -> Result<Vec<Acceptance>, StoreError> {
        let mut inner = self.inner();
        let answers: Vec<_> = inputs.iter().map(|input| inner.accept(input, now)).collect();
        inner.changed().for_each(|contact| self.wake.run(contact));
        Ok(answers)
    }

    async fn claim(&self, now: Instant, most: usize) -> Result<Claimed<Lease>, StoreError> {
        let inner = self.inner();
        let lease = self.wake.claim(now, most);
        let pending = |id: &ContactId| {
            let row = inner.rows.get(id)?;
            let most = usize::try_from(MAX_INPUTS_PER_ADVANCE).unwrap_or(usize::MAX);
            Some(Pending { contact: row.contact.clone(), inputs: row.pending.iter().take(most).cloned().collect() })
        };
        let contacts = lease.ids().iter().filter_map(pending).collect();
        Ok(Claimed { lease, contacts, damaged: Vec::new() })
    }

    async fn commit(&self, lease: Lease, advanced: Vec<Advanced>, revision: i64) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if inner.revisions.last().is_some_and(|newest| newest.number > revision) {
            return Err(StoreError::Revised);
        }
        let (mut settled, mut handed) = (Vec::with_capacity(advanced.len()), Vec::new());
        for Advanced { contact, outcome } in advanced {
            if contact.is_merged() && outcome.handed.is_none() {
                let (was_due, due) = (Instant::NEVER, Instant::NEVER);
                settled.push(Settled { contact: contact.id, was_due, due, more: false });
                continue;
            }
            let knew: Vec<i64> = outcome.decided(contact.state.applied).map(|(_, knew)| knew).collect();
            outcome.trials.iter().for_each(|event| inner.trials.add(event));
            for (hash, topic, at) in resubscribed(&outcome) {
                let since = inner.resubscribed.entry((hash, topic.clone())).or_insert(at);
                *since = at.max(*since);
            }
            if outcome.erase {
                let at = contact.state.clock;
                inner.erase(contact.id, at, silenced(&outcome));
                for alias in &outcome.erased {
                    inner.erase(*alias, at, std::iter::empty());
                    if let Some(row) = inner.rows.get_mut(alias) {
                        row.contact = Contact::erased(*alias);
                    }
                }
            }
            for (outgoing, applied) in outcome.outgoing.into_iter().zip(knew) {
                inner.queue.insert((outgoing.at, outgoing.id));
                inner.addressed.entry(contact.id).or_default().extend(own_address_hash(&outgoing));
                inner.outbox.insert(outgoing.id, Open { outgoing, applied, attempts: 0, cause: None });
            }
            let Some(row) = inner.rows.get_mut(&contact.id) else { continue };
            let applied = outcome.handed.as_ref().map_or(contact.state.applied, |handed| handed.applied);
            let applied = row.pending.partition_point(|input| input.seq <= applied);
            let told = row.pending.drain(..applied);
            if outcome.erase {
                drop(told);
            } else {
                row.told.extend(told);
                row.trace.extend(outcome.trace);
            }
            let due = outcome.due.unwrap_or(Instant::NEVER);
            let more = !row.pending.is_empty() && outcome.handed.is_none();
            settled.push(Settled { contact: contact.id, was_due: row.due, due, more });
            row.due = due;
            row.contact = contact;
            handed.extend(outcome.handed);
        }
        handed.iter().for_each(|handed| inner.merged.know(handed.contact.id, handed.into, true));
        handed.into_iter().for_each(|handed| inner.hand_over(*handed));
        lease.settle(settled);
        inner.changed().for_each(|contact| self.wake.run(contact));
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        Ok(self.wake.next())
    }

    async fn claim_messages(&self, now: Instant, most: usize) -> Result<Vec<Queued>, StoreError> {
        let mut inner = self.inner();
        let mut claimed = Vec::new();
        while claimed.len() < most {
            match inner.queue.first() {
                Some(&(due, id)) if due <= now => {
                    inner.queue.pop_first();
                    if let Some(open) = inner.outbox.get(&id) {
                        claimed.push(Queued { outgoing: open.outgoing.clone(), attempts: open.attempts });
                    }
                }
                _ => break,
            }
        }
        Ok(claimed)
    }

    async fn record(&self, results: &[Delivery], leaving: &[MessageId]) -> Result<Vec<(MessageId, Stays)>, StoreError> {
        let mut inner = self.inner();
        for delivery in results {
            let id = delivery.id;
            let Some(open) = inner.outbox.get_mut(&id) else { continue };
            if let Some(cause) = delivery.waits_for() {
                (open.attempts, open.cause) = (delivery.attempts, Some(cause.to_owned()));
            }
            if let Some(due) = delivery.retry_at() {
                inner.queue.insert((due, id));
                continue;
            }
            if let DeliveryResult::Held { .. } = delivery.result {
                inner.held.insert(id, delivery.at);
                continue;
            }
            inner.settle(delivery.clone());
            if let Some(kind) = delivery.news() {
                inner.push(id.contact, delivery.at, kind);
            }
        }
        inner.changed().for_each(|contact| self.wake.run(contact));
        let mut withheld = Vec::new();
        for id in leaving {
            let Some(open) = inner.outbox.get(id) else { continue };
            if inner.rows.get(&id.contact).is_some_and(|row| row.withholds(open)) || inner.is_suppressed(&open.outgoing)
            {
                withheld.push((*id, Stays::Unsubscribed));
            }
        }
        Ok(withheld)
    }

    async fn next_message_due(&self) -> Result<Option<Instant>, StoreError> {
        Ok(self.inner().queue.first().map(|(due, _)| *due))
    }

    /// Whatever this store knows ends with its process: nobody leaves anything behind.
    async fn take_over(&self, _: Instant) -> Result<TakenOver, StoreError> {
        Ok(TakenOver::default())
    }

    async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        let inner = self.inner();
        let due = inner.dues();
        let kept = |open: &Open, at| {
            let Open { outgoing, attempts, cause, .. } = open;
            KeptMessage { outgoing: outgoing.clone(), attempts: *attempts, at, cause: cause.clone() }
        };
        let waiting = inner.outbox.iter().filter_map(|(id, open)| Some(kept(open, *due.get(id)?)));
        let failed = inner.done.values().filter_map(|(delivery, outgoing)| {
            let DeliveryResult::Failed { cause, .. } = &delivery.result else { return None };
            let (outgoing, cause) = (outgoing.clone()?, Some(cause.clone()));
            Some(KeptMessage { outgoing, attempts: delivery.attempts, at: delivery.at, cause })
        });
        let held = inner.held.iter().filter_map(|(id, since)| Some(kept(inner.outbox.get(id)?, *since)));
        Ok(match which {
            Kept::Waiting => waiting.take(most).collect(),
            Kept::Failed => failed.take(most).collect(),
            Kept::Held => held.take(most).collect(),
            // Nobody asks while a message is on the wire, and nothing is ever left there.
            Kept::OnWire => Vec::new(),
        })
    }

    async fn requeue(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let mut inner = self.inner();
        let mut again = Vec::new();
        for id in ids {
            if inner.held.remove(id).is_some() {
                inner.outbox.get_mut(id).into_iter().for_each(|open| open.cause = None);
                inner.queue.insert((now, *id));
                again.push(*id);
                continue;
            }
            let Some(outgoing) = inner.done.get_mut(id).and_then(|(_, message)| message.take()) else { continue };
            inner.done.remove(id);
            inner.outbox.insert(*id, Open { outgoing, applied: 0, attempts: 0, cause: None });
            inner.queue.insert((now, *id));
            again.push(*id);
        }
        Ok(again)
    }

    async fn give_up(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let mut inner = self.inner();
        let (dues, mut done) = (inner.dues(), Vec::new());
        for id in ids {
            if let Some((_, message @ Some(_))) = inner.done.get_mut(id) {
                *message = None;
                done.push(*id);
            } else if dues.get(id).is_some_and(|due| inner.queue.remove(&(*due, *id)))
                || inner.held.remove(id).is_some()
            {
                let attempts = inner.outbox.get(id).map_or(0, |open| open.attempts);
                let delivery = Delivery::given_up(*id, attempts, now, GIVEN_UP.to_owned());
                inner.settle(delivery.clone());
                if let Some(kind) = delivery.news() {
                    inner.push(id.contact, now, kind);
                }
                done.push(*id);
            }
        }
        inner.changed().for_each(|contact| self.wake.run(contact));
        Ok(done)
    }

    async fn changed(&self) {
        std::future::pending().await
    }

    async fn keep_programs(&self, programs: &[KeptProgram]) -> Result<(), StoreError> {
        let mut inner = self.inner();
        for kept in programs {
            let version = kept.program.version();
            match inner.programs.iter_mut().find(|(known, _)| *known == version) {
                Some((_, known)) => known.messages.clone_from(&kept.messages),
                None => inner.programs.push((version, kept.clone())),
            }
        }
        Ok(())
    }

    async fn programs(&self) -> Result<Vec<KeptProgram>, StoreError> {
        Ok(self.inner().programs.iter().map(|(_, kept)| kept.clone()).collect())
    }

    async fn revise(&self, revision: &Revision, bundle: Option<&[u8]>) -> Result<bool, StoreError> {
        let mut inner = self.inner();
        if inner.revisions.len() as i64 + 1 != revision.number {
            return Ok(false);
        }
        inner.deployments.extend(bundle.map(|bundle| (revision.deployment, bundle.to_vec())));
        inner.revisions.push(revision.clone());
        Ok(true)
    }

    async fn revisions(&self, most: usize) -> Result<Vec<Revision>, StoreError> {
        Ok(self.inner().revisions.iter().rev().take(most).cloned().collect())
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.inner().deployments.get(&id).cloned())
    }

    async fn told(&self, revision: i64) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let known = inner.revisions.iter_mut().find(|known| known.number == revision);
        known.into_iter().for_each(|revision| revision.told = true);
        Ok(())
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        Ok(*b"the secret of a store in memory.")
    }

    async fn contact(&self, key: &str) -> Result<Option<Contact>, StoreError> {
        let known = {
            let inner = self.inner();
            inner.keys.get(key).and_then(|id| inner.rows.get(id)).map(|row| row.contact.clone())
        };
        followed(self, known).await
    }

    async fn contacts_after(&self, after: ContactId, most: usize) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        let rows = inner.rows.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        Ok(rows.take(most).map(|(_, row)| row.contact.clone()).collect())
    }

    async fn trace(&self, contact: ContactId) -> Result<Vec<TraceEntry>, StoreError> {
        Ok(self.inner().rows.get(&contact).map(|row| row.trace.clone()).unwrap_or_default())
    }

    async fn inputs(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        let inner = self.inner();
        let of = |row: &Row| row.told.iter().chain(&row.pending).cloned().collect();
        Ok(inner.rows.get(&contact).map(of).unwrap_or_default())
    }

    async fn deliveries(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        let first = MessageId { contact, number: 0 };
        let last = MessageId { contact, number: u32::MAX };
        let inner = self.inner();
        let due = inner.dues();
        let waits = inner.outbox.range(first..=last).filter_map(|(id, open)| {
            let (due, since) = (due.get(id).copied().unwrap_or(Instant::NEVER), inner.held.get(id).copied());
            Some(Delivery::waiting(*id, due, open.attempts, since, open.cause.clone()?))
        });
        let done = inner.done.range(first..=last).map(|(_, (delivery, _))| delivery.clone());
        let mut deliveries: Vec<Delivery> = done.chain(waits).collect();
        deliveries.sort_by_key(|delivery| delivery.id);
        Ok(deliveries)
    }

    async fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> Result<u64, StoreError> {
        let mut inner = self.inner();
        let pool = inner.codes.entry(voucher.into()).or_default();
        let before = pool.known.len();
        for code in codes {
            if pool.known.insert(code.clone()) {
                pool.free.push_back(code.clone());
            }
        }
        Ok((pool.known.len() - before) as u64)
    }

    async fn take_code(&self, take: &TakeCode) -> Result<Option<SmolStr>, StoreError> {
        let mut inner = self.inner();
        let pool = inner.codes.entry(take.voucher.clone()).or_default();
        if let Some(code) = pool.taken.get(&take.id) {
            return Ok(Some(code.clone()));
        }
        let code = match &take.made {
            Some(code) => Some(code.clone()).filter(|code| pool.known.insert(code.clone())),
            None => pool.free.pop_front(),
        };
        pool.taken.extend(code.clone().map(|code| (take.id, code)));
        Ok(code)
    }

    async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        let Some(hash) = hash_of_address(channel, address) else { return Ok(Vec::new()) };
        let there = inner.addressed.iter().filter(|(_, hashes)| hashes.contains(&hash));
        let there = there.filter_map(|(id, _)| inner.rows.get(id));
        Ok(there.take(most).map(|row| row.contact.clone()).collect())
    }

    async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.inner().heard.contains_key(id))
    }

    async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        let mut inner = self.inner();
        if inner.heard.contains_key(&heard.id) {
            return Ok(None);
        }
        inner.heard.retain(|_, at| at.0 > heard.at.0.saturating_sub(HEARD_FOR));
        inner.heard.insert(heard.id.clone(), heard.at);
        let changed = match &heard.change {
            ListChange::Nothing => 0,
            ListChange::Suppress(listed) => inner.suppress(listed),
            ListChange::Lift(listed) => inner.lift(listed),
        };
        if let Some(outgoing) = heard.answered(changed, inner.answers) {
            inner.answers += 1;
            inner.queue.insert((outgoing.at, outgoing.id));
            inner.outbox.insert(outgoing.id, Open { outgoing, applied: 0, attempts: 0, cause: None });
        }
        Ok(Some(changed))
    }

    async fn suppress(&self, listed: &Listed) -> Result<u64, StoreError> {
        Ok(self.inner().suppress(listed))
    }

    async fn lift(&self, listed: &Listed) -> Result<u64, StoreError> {
        Ok(self.inner().lift(listed))
    }

    async fn trials(&self) -> Result<Trials, StoreError> {
        Ok(self.inner().trials.clone())
    }

    async fn count_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        let mut inner = self.inner();
        inner.traffic.retain(|(_, hour), _| *hour >= since);
        for (of, count) in counted {
            inner.traffic.entry(of.clone()).or_default().add(*count);
        }
        Ok(())
    }

    async fn senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        let inner = self.inner();
        let counted = inner.traffic.iter().filter(|((_, hour), _)| *hour >= since);
        let counted = counted.map(|((domain, _), count)| (domain.clone(), *count));
        let held = inner.held_senders.iter().map(|(domain, (at, then))| (domain.clone(), *at, *then));
        Ok(senders(counted, held))
    }

    async fn hold_sender(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        self.inner().held_senders.entry(domain.into()).or_insert((now, counted));
        Ok(())
    }

    async fn lift_sender(&self, domain: &str) -> Result<bool, StoreError> {
        let mut inner = self.inner();
        inner.traffic.retain(|(of, _), _| of != domain);
        Ok(inner.held_senders.remove(domain).is_some())
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let inner = self.inner();
        let delivered = inner.done.values().filter(|(d, _)| !d.result.is_failure()).count() as u64;
        Ok(Counts {
            contacts: inner.rows.len() as u64,
            pending: inner.rows.values().map(|row| row.pending.len() as u64).sum(),
            queued: inner.outbox.len() as u64,
            held: inner.held.len() as u64,
            delivered,
            failed: inner.done.len() as u64 - delivered,
        })
    }

    async fn close(self) {}
}
