//! Forgets what nothing can ask for any more, so that a contact stays small.

use journey_bytecode::{Instant, StatusKind};

use super::{Advance, MAX_ENDED, MAX_HISTORY, MAX_MESSAGES, hopes};
use crate::core::contact::SentMessage;

impl Advance<'_> {
    pub(super) fn prune(&mut self) {
        let clock = self.clock;
        let hoping = self.contact.state.ended.iter().any(|ended| ended.goal.is_some());
        let zone = if hoping { self.zone() } else { self.linked.zone() };
        let state = &mut self.contact.state;
        for ended in &mut state.ended {
            let open = ended.goal.as_ref().is_some_and(|run| {
                self.linked.prepared(run.version).is_some_and(|prepared| hopes(run, &prepared, clock, zone))
            });
            if !open {
                ended.goal = None;
            }
        }
        drop_oldest(&mut state.ended, MAX_ENDED);

        let oldest = state.runs.iter().map(|run| run.entered_at).min().unwrap_or(Instant::NEVER);
        state.history.retain(|past| {
            self.linked.asks_for(&past.event).is_some_and(|memory| {
                let keep = memory.keep.is_none_or(|keep| past.at.0 >= clock.0.saturating_sub(keep));
                keep || memory.since_entry && past.at >= oldest
            })
        });
        drop_oldest(&mut state.history, MAX_HISTORY);

        let Some(memory) = self.linked.message_memory() else {
            return forget_messages(&mut state.messages);
        };
        // Whatever happened since the oldest run began can be asked for.
        let since = oldest.min(Instant(clock.0.saturating_sub(memory)));
        if state.messages.first().is_some_and(|message| message.at < since) {
            let recent = |at: Instant| at >= since;
            state.messages.retain(|m| recent(m.at) || m.statuses.iter().any(|status| recent(status.last)));
        }
        forget_messages(&mut state.messages);
    }
}

/// Forgets the first of too many messages: those that were refused before the others, which caps count.
pub(super) fn forget_messages(messages: &mut Vec<SentMessage>) {
    let mut excess = messages.len().saturating_sub(MAX_MESSAGES);
    messages.retain(|message| {
        let goes = excess > 0 && message.has(StatusKind::Skipped);
        excess -= usize::from(goes);
        !goes
    });
    drop_oldest(messages, MAX_MESSAGES);
}

fn drop_oldest<T>(list: &mut Vec<T>, most: usize) {
    if list.len() > most {
        list.drain(..list.len() - most);
    }
}
