//! Templates: what stands between `{{` and `}}` or `{%` and `%}` in a message's text.
//!
//! [`Template::parse`] knows one text alone; [`check`] judges it by the project's schema, [`check_trigger`] by what starts
//! the journey that sends it. The engine is minijinja; its own parser reads the text, so that what passes here renders.

mod check;
mod draft;
mod piece;
mod scope;
mod tags;
mod value;
mod visit;
mod wording;

pub use check::{LocalShape, Scope, TriggerShape, asks_trigger, check, check_locals, check_trigger};
use journey_bytecode::TemplateVariable;
pub use journey_bytecode::{BUILTIN_VARIABLES, FILTERS, TEMPLATE_TESTS};
pub use piece::Piece;
use smol_str::SmolStr;
pub use value::{Demand, Kind, Need, Source};
pub use visit::LOOP;

use crate::diagnostic::{Diagnostic, Span};

/// The most tokens between `{{` and `}}`: a longer one cannot be read by people either, and keeps the parser's stack small.
pub const MAX_TAG_TOKENS: usize = 200;

/// The most `{% if %}`, `{% for %}` and the like inside of each other; each `{% elif %}` counts as one more.
pub const MAX_TEMPLATE_DEPTH: usize = 50;

/// A text with its template read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template {
    /// The variables it uses, in source order.
    pub uses: Vec<Use>,
    /// What it asks of values.
    pub demands: Vec<Demand>,
    /// The texts that it compares variables with, in source order.
    pub compared: Vec<Compared>,
    /// What is wrong with it whatever the project declares.
    pub findings: Vec<Diagnostic>,
    /// What always stands in it, whoever reads it: the text without its tags.
    pub plain: String,
}

/// One use of a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    /// The variable: `first_name`, `trigger.amount`. A step into the items of a list is `*`. `contact.plan` is marked by
    /// [`Use::explicit`] and stands here without `contact`.
    pub path: Vec<SmolStr>,
    /// Whether it was written `contact.NAME`, which no built-in variable shadows.
    pub explicit: bool,
    /// Where.
    pub span: Span,
    /// Where the name of each step of the path stands.
    pub steps: Vec<Span>,
    /// What happens to its value.
    pub role: Role,
    /// Whether its value is printed as it is.
    pub printed: bool,
    /// How the line reads without the value: `Hello ,`; only where the value is printed as it is.
    pub gap: Option<String>,
}

/// A text that a variable is compared with: `"pro"` in `{% if plan == "pro" %}`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compared {
    /// The variable, by its place in [`Template::uses`].
    pub with: usize,
    /// The text.
    pub text: SmolStr,
    /// Where it stands, without its quotes.
    pub span: Span,
}

/// What a template does with a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It may be unset: it stands in a condition, has a default, or is known to be set here.
    Guarded,
    /// It must have a value.
    Needed,
    /// It must have a value, which is printed as it is.
    Printed,
}

impl Use {
    /// Whether it is a field of the event that started the run.
    pub fn is_trigger(&self) -> bool {
        !self.explicit && self.path.first().is_some_and(|root| root == "trigger")
    }

    /// What an effect must carry for it: the attribute, or the field of the trigger. None for built-in variables.
    pub fn variable(&self) -> Option<TemplateVariable> {
        let root = self.path.first()?;
        if self.is_trigger() {
            return Some(TemplateVariable(self.path.iter().take(2).cloned().collect()));
        }
        let builtin = !self.explicit && journey_bytecode::BUILTIN_VARIABLES.contains(&root.as_str());
        (!builtin).then(|| TemplateVariable(vec![root.clone()]))
    }

    /// As it is written.
    pub fn name(&self) -> String {
        let path = self.path.join(".").replace(".*", "");
        if self.explicit { format!("contact.{path}") } else { path }
    }
}

impl Template {
    /// Reads a text.
    pub fn parse(piece: &Piece) -> Self {
        let mut template = Self::default();
        if let Err(found) = tags::check(piece) {
            template.findings.push(found);
            return template;
        }
        match minijinja::machinery::parse(piece.text(), "text", Default::default()) {
            Ok(tree) => visit::visit(&tree, piece, &mut template),
            Err(error) => template.findings.push(wording::syntax(&error, piece)),
        }
        template
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::project::FileId;

    fn codes(text: &str) -> Vec<Code> {
        let template = Template::parse(&Piece::slice(FileId(0), text, 0..text.len()));
        template.findings.iter().map(|found| found.code).collect()
    }

    /// The engine's parser calls itself for each of these, and would end the process.
    #[test]
    fn no_template_exhausts_the_stack() {
        let many = 100_000;
        let nested = |open: &str, close: &str| format!("{}{}", open.repeat(many), close.repeat(many));
        for text in [
            format!("{{{{ a{} }}}}", " | upper".repeat(many)),
            format!("{{{{ a{} }}}}", " + a".repeat(many)),
            format!("{{{{ a{} }}}}", ".a".repeat(many)),
            format!("{{{{ {}a }}}}", "not ".repeat(many)),
            format!("{{{{ {}a }}}}", "- ".repeat(many)),
            format!("{{{{ {} }}}}", nested("(", ")")),
            format!("{{{{ {} }}}}", nested("[", "]")),
            nested("{% if a %}", "{% endif %}"),
            nested("{% for a in b %}", "{% endfor %}"),
            nested("{% filter upper %}", "{% endfilter %}"),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(many)),
        ] {
            assert_eq!(codes(&text), [Code::TemplateTooComplex], "{}", &text[..40]);
        }
    }

    #[test]
    fn what_the_limits_allow_is_read() {
        let nested = |open: &str, n: usize, close: &str| format!("{}{}", open.repeat(n), close.repeat(n));
        for text in [
            format!("{{{{ a{} }}}}", " | upper".repeat(MAX_TAG_TOKENS / 2 - 1)),
            format!("{{{{ {}a }}}}", "not ".repeat(MAX_TAG_TOKENS - 1)),
            nested("{% if a %}", MAX_TEMPLATE_DEPTH, "{% endif %}"),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(MAX_TEMPLATE_DEPTH - 1)),
            "{% if a %}{% endif %}".repeat(1_000),
        ] {
            assert_eq!(codes(&text), [], "{}", &text[..40]);
        }
    }
}
