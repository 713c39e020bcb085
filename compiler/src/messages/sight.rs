//! What a text can speak of: the declarations, and what is in sight where a journey sends it.

use std::collections::BTreeSet;
use std::sync::Arc;

use journey_bytecode::{Channel, Policy, Schema, Type};
use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Span};
use crate::template::{self, LocalShape, Scope, Template, TriggerShape};

/// A place where a message is sent.
#[derive(Clone, Debug)]
pub struct Sight {
    /// What is sent.
    pub message: (Channel, SmolStr),
    /// The local variables in sight there.
    pub locals: Vec<LocalShape>,
    /// What may have started the run; nothing if that is not understood.
    pub triggers: Arc<[TriggerShape]>,
    /// The step.
    pub at: Span,
}

/// What a text can speak of.
#[derive(Clone, Debug)]
pub struct Vocabulary<'a> {
    /// The declarations as messages see them.
    pub schema: &'a Schema,
    /// Sender and postal address.
    pub policy: &'a Policy,
    /// Where the text is sent, in the order of files.
    pub sights: Vec<&'a Sight>,
}

impl Vocabulary<'_> {
    /// The parts that values have: of money, of records, of answers.
    pub fn parts(&self) -> BTreeSet<&str> {
        let mut parts = BTreeSet::from(["amount", "currency"]);
        let declared = self.schema.attributes.iter().map(|attribute| &attribute.ty);
        let fields = self.schema.events.iter().flat_map(|event| &event.fields).map(|field| &field.ty);
        let triggers = self.sights.iter().flat_map(|sight| sight.triggers.iter()).filter_map(|t| t.fields.as_ref());
        let of_triggers = triggers.flatten().map(|field| &field.ty);
        let locals = || self.sights.iter().flat_map(|sight| &sight.locals);
        let of_locals = locals().filter_map(|local| local.ty.as_ref());
        declared.chain(fields).chain(of_triggers).chain(of_locals).for_each(|ty| parts_of(ty, &mut parts));
        for field in locals().filter_map(|local| local.fields.as_ref()).flatten() {
            parts.insert(field.name.as_str());
            parts_of(&field.ty, &mut parts);
        }
        parts
    }

    /// What is wrong with a text, wherever it is sent. `language` is the one that it is written in; none for the one that
    /// fits everybody.
    pub fn judge(&self, template: &Template, language: Option<&str>) -> Vec<Diagnostic> {
        let seen = self.sights.iter().flat_map(|sight| &sight.locals);
        let locals: BTreeSet<SmolStr> = seen.map(|local| local.name.clone()).collect();
        let scope = Scope { schema: self.schema, policy: self.policy, language, locals: &locals };
        let mut found = template.findings.clone();
        found.extend(template::check(template, &scope));
        for sight in &self.sights {
            found.extend(template::check_trigger(template, &sight.triggers, language, sight.at));
            found.extend(template::check_locals(template, &sight.locals, &locals, self.schema, language, sight.at));
        }
        found
    }
}

fn parts_of<'t>(ty: &'t Type, parts: &mut BTreeSet<&'t str>) {
    match ty {
        Type::List(of) => parts_of(of, parts),
        Type::Record(fields) => {
            for (name, ty) in fields.iter() {
                parts.insert(name.as_str());
                parts_of(ty, parts);
            }
        }
        _ => {}
    }
}
