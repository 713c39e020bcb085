//! What a journey sends under names that are asked about.

use journey_bytecode::{Channel, HandleIx};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::hir::Loc;
use crate::typed::{Block, StepKind};

/// A place that sends a named message, and what it may be there.
pub(super) struct Sent {
    pub(super) handle: HandleIx,
    pub(super) choices: SmallVec<[(Channel, SmolStr); 1]>,
    pub(super) at: Loc,
}

/// The places that send named messages: by message, each in their order.
#[derive(Default)]
pub(super) struct Sends(Vec<Sent>);

impl Sends {
    /// Gives the sends that are asked about their numbers: those of their names.
    pub(super) fn number<'b>(blocks: impl Iterator<Item = &'b mut Block>, names: &[SmolStr]) -> Self {
        let number = |(n, name)| (name, HandleIx(u16::try_from(n).unwrap_or(u16::MAX)));
        let numbers: FxHashMap<_, _> = names.iter().enumerate().map(number).collect();
        let mut all = Vec::new();
        if !numbers.is_empty() {
            blocks.for_each(|block| number_in(block, &numbers, &mut all));
        }
        all.sort_by_key(|sent| sent.handle);
        Self(all)
    }

    /// Where the message is sent.
    pub(super) fn places(&self, handle: HandleIx) -> &[Sent] {
        let from = self.0.partition_point(|sent| sent.handle < handle);
        let behind = self.0.get(from..).unwrap_or_default();
        behind.get(..behind.partition_point(|sent| sent.handle == handle)).unwrap_or_default()
    }

    /// The message of each place.
    pub(super) fn handles(&self) -> impl Iterator<Item = HandleIx> {
        self.0.iter().map(|sent| sent.handle)
    }
}

fn number_in(block: &mut Block, numbers: &FxHashMap<&SmolStr, HandleIx>, all: &mut Vec<Sent>) {
    for step in block {
        if let StepKind::Send(send) = &mut step.kind
            && let Some(handle) = send.name.as_ref().and_then(|name| numbers.get(name)).copied()
        {
            send.handle = Some(handle);
            all.push(Sent { handle, choices: send.choices.clone(), at: step.head });
        }
        step.kind.each_block_mut(|inner| number_in(inner, numbers, all));
    }
}

/// Whether the steps send anything; adds the messages that are asked about.
pub(super) fn sent_in(block: &Block, handles: &mut Vec<HandleIx>) -> bool {
    let mut sends = false;
    for step in block {
        if let StepKind::Send(send) = &step.kind {
            sends = true;
            handles.extend(send.handle);
        }
        step.kind.each_block(|inner| sends |= sent_in(inner, handles));
    }
    sends
}
