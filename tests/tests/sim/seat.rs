//! A worker's way to the store that all share: it takes its time, it fails, and the worker dies before or behind what it
//! does there. Which worker has which message in hand is kept as the databases that several workers share keep it.

use std::sync::Arc;
use std::time::Duration;

use journey_bytecode::{AfterCrash, Channel, Instant};
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::effect::{MessageId, TraceEntry};
use journey_runtime::core::input::Input;
use journey_runtime::spam::{SpamCount, SpamSender, Traffic};
use journey_runtime::store::{
    Acceptance, Advanced, Claimed, Counts, Delivery, DeliveryResult, DeploymentId, Heard, Kept, KeptMessage,
    KeptProgram, Listed, MemoryStore, NewInput, Queued, Revision, Stays, Store, StoreError, TakeCode, TakenOver, Whose,
};
use journey_runtime::trial::Trials;
use smol_str::SmolStr;

use crate::world::{Decided, InHand, Step, World};

/// A worker's way to the store.
pub struct Seat {
    pub world: Arc<World>,
    pub worker: u32,
}

/// A claim, and when it was made.
pub struct Lease(Instant, <MemoryStore as Store>::Lease);

impl Seat {
    /// Before something is done: the worker may die, and the store may not be there.
    async fn before(&self) -> Result<(), StoreError> {
        self.world.survives(self.worker).await;
        self.may_fail("before")
    }

    /// After something was done: the worker may die, and the answer may be lost.
    async fn after(&self) -> Result<(), StoreError> {
        self.world.survives(self.worker).await;
        self.may_fail("after")
    }

    fn may_fail(&self, when: &str) -> Result<(), StoreError> {
        if !self.world.fails(self.worker) {
            return Ok(());
        }
        self.world.tell(|| format!("worker {}: the store fails, {when} it did something", self.worker));
        Err(StoreError::Unavailable("this seed wants it".into()))
    }

    fn store(&self) -> &MemoryStore {
        &self.world.store
    }

    fn note_accepted(&self, inputs: &[NewInput], answers: &[Acceptance]) {
        for (input, answer) in inputs.iter().zip(answers) {
            let Acceptance::Accepted { contact, seq } = answer else { continue };
            let mut inner = self.world.inner();
            if let Whose::Key(key) = &input.contact {
                inner.journal.keys.insert(key.clone(), *contact);
            }
            let known = inner.journal.accepted.entry(*contact).or_default();
            known.insert(*seq, (input.id.clone(), input.kind.clone()));
            drop(inner);
            self.world.tell(|| {
                format!("worker {}: input {seq} of contact {}: {:?} {:?}", self.worker, contact.0, input.id, input.kind)
            });
        }
    }

    fn note_claimed<L>(&self, claimed: &Claimed<L>) {
        for pending in &claimed.contacts {
            let id = pending.contact.id;
            let mut inner = self.world.inner();
            if pending.contact.state.applied == 0 {
                inner.journal.born.entry(id).or_insert_with(|| pending.contact.clone());
            }
            let mut place = pending.contact.state.applied;
            let known = inner.journal.inputs.entry(id).or_default();
            let mut broken = Vec::new();
            for input in &pending.inputs {
                place += 1;
                if input.seq != place {
                    broken.push(format!("contact {} is given input {} and not {place}", id.0, input.seq));
                }
                if known.entry(input.seq).or_insert_with(|| input.clone()) != input {
                    broken.push(format!("input {} of contact {} is another one now", input.seq, id.0));
                }
            }
            drop(inner);
            broken.into_iter().for_each(|what| self.world.breaks(what));
        }
    }

    fn note_committed(&self, now: Instant, revision: i64, advanced: &[Advanced]) {
        for Advanced { contact, outcome } in advanced {
            let applied = contact.state.applied;
            let mut broken = Vec::new();
            let mut inner = self.world.inner();
            let steps = inner.journal.steps.entry(contact.id).or_default();
            if steps.last().is_some_and(|last| last.applied > applied) {
                broken.push(format!("contact {} goes back", contact.id.0));
            }
            steps.push(Step { revision, now, applied });
            for (outgoing, knew) in outcome.decided(applied) {
                let decided = Decided { outgoing: outgoing.clone(), knew };
                if inner.journal.decided.insert(outgoing.id, decided).is_some() {
                    broken.push(format!("the message {} is decided twice", outgoing.id));
                }
            }
            drop(inner);
            self.world.tell(|| {
                let sent: Vec<_> =
                    outcome.outgoing.iter().map(|sent| format!("{} {}", sent.id, sent.message)).collect();
                format!(
                    "worker {}: contact {} stands behind input {applied} under revision {revision}; decided {sent:?}",
                    self.worker, contact.id.0
                )
            });
            broken.into_iter().for_each(|what| self.world.breaks(what));
        }
    }

    fn has(&self, id: MessageId) -> bool {
        self.world.inner().in_hand.get(&id).is_some_and(|hand| hand.worker == self.worker)
    }
}

impl Store for Seat {
    type Lease = Lease;

    async fn accept(&self, inputs: &[NewInput], now: Instant) -> Result<Vec<Acceptance>, StoreError> {
        self.before().await?;
        let answers = self.store().accept(inputs, now).await?;
        self.note_accepted(inputs, &answers);
        self.after().await?;
        Ok(answers)
    }

    async fn claim(&self, now: Instant, most: usize) -> Result<Claimed<Lease>, StoreError> {
        self.before().await?;
        let claimed = self.store().claim(now, most).await?;
        self.note_claimed(&claimed);
        if !self.world.point(self.worker).await {
            // The database sees that the connection is gone.
            drop(claimed);
            std::future::pending::<()>().await;
            return Err(StoreError::Unavailable("nobody gets here".into()));
        }
        let Claimed { lease, contacts, damaged } = claimed;
        Ok(Claimed { lease: Lease(now, lease), contacts, damaged })
    }

    async fn commit(&self, lease: Lease, advanced: Vec<Advanced>, revision: i64) -> Result<(), StoreError> {
        let Lease(now, lease) = lease;
        if !self.world.point(self.worker).await {
            drop(lease);
            std::future::pending::<()>().await;
            return Ok(());
        }
        self.may_fail("before")?;
        self.store().commit(lease, advanced.clone(), revision).await?;
        self.note_committed(now, revision, &advanced);
        self.after().await
    }

    async fn revise(&self, revision: &Revision, bundle: Option<&[u8]>) -> Result<bool, StoreError> {
        self.store().revise(revision, bundle).await
    }

    async fn revisions(&self, most: usize) -> Result<Vec<Revision>, StoreError> {
        self.before().await?;
        self.store().revisions(most).await
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store().deployment(id).await
    }

    async fn told(&self, revision: i64) -> Result<(), StoreError> {
        self.before().await?;
        self.store().told(revision).await
    }

    async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        self.before().await?;
        self.store().next_due().await
    }

    async fn claim_messages(&self, now: Instant, most: usize) -> Result<Vec<Queued>, StoreError> {
        self.before().await?;
        let queued = self.store().claim_messages(now, most).await?;
        for Queued { outgoing, attempts } in &queued {
            let holds = outgoing.after_crash == AfterCrash::Hold;
            let hand = InHand { worker: self.worker, on_wire: false, holds, attempts: *attempts };
            let before = self.world.inner().in_hand.insert(outgoing.id, hand);
            if let Some(before) = before {
                self.world.breaks(format!("{} is claimed while worker {} has it", outgoing.id, before.worker));
            }
        }
        self.world.survives(self.worker).await;
        Ok(queued)
    }

    async fn record(&self, results: &[Delivery], leaving: &[MessageId]) -> Result<Vec<(MessageId, Stays)>, StoreError> {
        self.before().await?;
        // Of what others have taken over, and of what was written already, nothing is written.
        let ours: Vec<Delivery> = results.iter().filter(|delivery| self.has(delivery.id)).cloned().collect();
        let (mine, theirs): (Vec<MessageId>, Vec<MessageId>) = leaving.iter().partition(|id| self.has(**id));
        let mut staying = self.store().record(&ours, &mine).await?;
        {
            let mut inner = self.world.inner();
            for delivery in &ours {
                inner.in_hand.remove(&delivery.id);
            }
            for id in mine.iter().filter(|id| staying.iter().all(|(stays, _)| stays != *id)) {
                inner.in_hand.get_mut(id).into_iter().for_each(|hand| hand.on_wire = true);
            }
        }
        for delivery in &ours {
            self.world.tell(|| format!("worker {}: {} {:?}", self.worker, delivery.id, delivery.result));
        }
        for (id, why) in &staying {
            self.world.tell(|| format!("worker {}: {id} stays: {why:?}", self.worker));
        }
        staying.extend(theirs.into_iter().map(|id| (id, Stays::TakenOver)));
        self.after().await?;
        Ok(staying)
    }

    async fn next_message_due(&self) -> Result<Option<Instant>, StoreError> {
        self.before().await?;
        self.store().next_message_due().await
    }

    async fn take_over(&self, now: Instant) -> Result<TakenOver, StoreError> {
        self.before().await?;
        let (mut taken, mut results) = (TakenOver::default(), Vec::new());
        for (id, hand) in self.world.left_behind() {
            let cause = "its worker died while it was on the wire".to_owned();
            let result = if hand.on_wire && hand.holds {
                taken.held.push(id);
                DeliveryResult::Held { cause }
            } else {
                DeliveryResult::Retry { due: now, cause }
            };
            if hand.on_wire {
                *self.world.inner().journal.hidden.entry(id).or_default() += 1;
                if !hand.holds {
                    taken.again.push(id);
                }
            }
            self.world.inner().in_hand.remove(&id);
            self.world.tell(|| format!("worker {} takes over {id}: {result:?}", self.worker));
            results.push(Delivery { id, at: now, attempts: hand.attempts, result });
        }
        self.store().record(&results, &[]).await?;
        self.world.survives(self.worker).await;
        Ok(taken)
    }

    async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        self.store().outbox(which, most).await
    }

    async fn requeue(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        self.store().requeue(ids, now).await
    }

    async fn give_up(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        self.store().give_up(ids, now).await
    }

    async fn changed(&self) {
        // Others tell late, and each looks by itself in the meantime.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }

    async fn keep_programs(&self, programs: &[KeptProgram]) -> Result<(), StoreError> {
        self.store().keep_programs(programs).await
    }

    async fn programs(&self) -> Result<Vec<KeptProgram>, StoreError> {
        self.store().programs().await
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        self.store().secret().await
    }

    async fn contact(&self, key: &str) -> Result<Option<Contact>, StoreError> {
        self.store().contact(key).await
    }

    async fn contacts_after(&self, after: ContactId, most: usize) -> Result<Vec<Contact>, StoreError> {
        self.store().contacts_after(after, most).await
    }

    async fn trace(&self, contact: ContactId) -> Result<Vec<TraceEntry>, StoreError> {
        self.store().trace(contact).await
    }

    async fn inputs(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        self.store().inputs(contact).await
    }

    async fn deliveries(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        self.store().deliveries(contact).await
    }

    async fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> Result<u64, StoreError> {
        self.store().offer_codes(voucher, codes).await
    }

    async fn take_code(&self, take: &TakeCode) -> Result<Option<SmolStr>, StoreError> {
        self.store().take_code(take).await
    }

    async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        self.store().contacts_at(channel, address, most).await
    }

    async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        self.store().was_heard(id).await
    }

    async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        self.store().hear(heard).await
    }

    async fn suppress(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.store().suppress(listed).await
    }

    async fn lift(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.store().lift(listed).await
    }

    async fn trials(&self) -> Result<Trials, StoreError> {
        self.store().trials().await
    }

    async fn count_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        self.before().await?;
        self.store().count_traffic(counted, since).await
    }

    async fn senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        self.before().await?;
        self.store().senders(since).await
    }

    async fn hold_sender(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        self.before().await?;
        self.store().hold_sender(domain, now, counted).await
    }

    async fn lift_sender(&self, domain: &str) -> Result<bool, StoreError> {
        self.store().lift_sender(domain).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.store().counts().await
    }

    async fn close(self) {}
}
