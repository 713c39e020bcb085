//! What a lone file declares by using it.

use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{Channel, Type};
use smol_str::SmolStr;

use super::expr::FieldShape;
use crate::diagnostic::Span;

/// Names that nothing declares and a lone file may use all the same.
#[derive(Clone, Default, Debug)]
pub(crate) struct Implied {
    pub(crate) tags: BTreeSet<SmolStr>,
    pub(crate) topics: BTreeSet<SmolStr>,
    /// Systems that are called.
    pub(crate) services: BTreeSet<SmolStr>,
    /// Events with the fields that were used, and their types where the use tells.
    pub(crate) events: BTreeMap<SmolStr, BTreeMap<SmolStr, Option<Type>>>,
    /// Messages, and where they are sent first.
    pub(crate) messages: BTreeMap<(SmolStr, Channel), Span>,
}

impl Implied {
    /// The field of one of the events, declared by this use.
    pub(super) fn field(&mut self, events: &[SmolStr], name: &SmolStr) -> FieldShape {
        let mut ty = None;
        for event in events {
            let known = self.events.entry(event.clone()).or_default().entry(name.clone()).or_default();
            ty = ty.or_else(|| known.clone());
        }
        FieldShape { ty, optional: false, conflict: false }
    }

    /// Notes a field's type.
    pub(super) fn set(&mut self, events: &[SmolStr], name: &SmolStr, ty: &Type) {
        for event in events {
            let known = self.events.entry(event.clone()).or_default().entry(name.clone()).or_default();
            known.get_or_insert_with(|| ty.clone());
        }
    }

    /// Adds what another journey of the file uses.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.tags.extend(other.tags.iter().cloned());
        self.topics.extend(other.topics.iter().cloned());
        self.services.extend(other.services.iter().cloned());
        for (event, fields) in &other.events {
            let known = self.events.entry(event.clone()).or_default();
            for (name, ty) in fields {
                let known = known.entry(name.clone()).or_default();
                *known = known.take().or_else(|| ty.clone());
            }
        }
        for (message, span) in &other.messages {
            self.messages.entry(message.clone()).or_insert(*span);
        }
    }
}
