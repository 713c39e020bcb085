//! What the compiler lets pass renders: no message fails because of a value that a contact does or does not have.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use journey_bytecode::{
    Attribute, Bundle, Channel, Date, Field, Instant, Money, Number, Policy, Purpose, Schema, StepIx, Type, Value,
    Version,
};
use journey_compiler::diagnostic::Span;
use journey_compiler::messages;
use journey_compiler::project::FileId;
use journey_compiler::template::TriggerShape;
use journey_runtime::core::contact::ContactId;
use journey_runtime::core::effect::{MessageId, Outgoing};
use journey_runtime::render::{Content, RenderError, Renderer};
use journey_runtime::track::{Keys, Links};
use proptest::prelude::*;
use proptest::sample::select;

fn types() -> Vec<(&'static str, Type)> {
    vec![
        ("first_name", Type::Text),
        ("birthday", Type::Date),
        ("seen_at", Type::DateTime),
        ("visits", Type::Number),
        ("budget", Type::Money),
        ("tips", Type::List(Arc::new(Type::Text))),
        ("plan", Type::Enum(["free", "pro"].map(Into::into).into())),
    ]
}

/// Every type twice: always set, and perhaps unset.
fn schema() -> Schema {
    let attributes = types().into_iter().flat_map(|(name, ty)| {
        let attribute =
            |name: String, optional| Attribute { name: name.into(), ty: ty.clone(), optional, default: None };
        [attribute(name.to_owned(), false), attribute(format!("{name}_maybe"), true)]
    });
    Schema { attributes: attributes.collect(), ..Schema::default() }
}

fn fields() -> Vec<Field> {
    let of = |a: Attribute| Field { name: a.name, ty: a.ty, optional: a.optional };
    schema().attributes.into_iter().map(of).collect()
}

fn value(ty: &Type) -> Value {
    match ty {
        Type::Number => Value::Number(Number(2_500_000)),
        Type::Money => Value::Money(Money { amount: Number::from_int(20), currency: "EUR".into() }),
        Type::Date => Value::Date(Date(20_000)),
        Type::DateTime => Value::Instant(Instant(1_772_442_000_000)),
        Type::List(_) => Value::List(["a", "b"].map(Value::text).into()),
        Type::Enum(values) => Value::Text(values[0].clone()),
        _ => Value::text("Ada"),
    }
}

/// Attributes, bare and through `contact`, and fields of the trigger.
fn names(optional: bool) -> Vec<String> {
    let schema = schema();
    let of = schema.attributes.iter().filter(|a| a.optional == optional);
    of.flat_map(|a| [a.name.to_string(), format!("contact.{}", a.name), format!("trigger.{}", a.name)]).collect()
}

fn expression() -> impl Strategy<Value = String> {
    let others = ["budget.amount", "tips[0]", "sender", "postal_address", "unsubscribe_url", "item", "nobody"]
        .map(str::to_owned)
        .to_vec();
    let leaf = prop_oneof![
        8 => select(names(false)),
        2 => select(names(true)),
        2 => select(names(true)).prop_map(|name| format!("({name} | default('x'))")),
        1 => select(others),
        1 => select(vec!["'x'", "3", "true", "['a', 'b']"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let filters = select(vec![
            "upper", "lower", "title", "trim", "capitalize", "length", "first", "last", "sort", "unique", "reverse", "round", "int",
            "date", "money", "money('EUR')", "plural('a', 'b')", "join(', ')", "default('x')", "default(0)", "one_of", "escape",
            "replace('a', 'b')", "nothing",
        ]);
        prop_oneof![
            5 => (inner.clone(), filters).prop_map(|(value, filter)| format!("{value} | {filter}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            1 => (inner.clone(), inner.clone(), select(vec!["==", "~"])).prop_map(|(a, b, op)| format!("({a} {op} {b})")),
            1 => (inner, select(vec!["is defined", "is undefined"])).prop_map(|(a, test)| format!("({a} {test})")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![3 => expression().prop_map(|e| format!("{{{{ {e} }}}}")), 1 => Just("Hello ".to_owned())];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let body = proptest::collection::vec(inner, 0..3).prop_map(|parts| parts.concat());
        prop_oneof![
            (prop_oneof![expression(), select(names(true))], body.clone(), body.clone())
                .prop_map(|(e, a, b)| format!("{{% if {e} %}}{a}{{% else %}}{b}{{% endif %}}")),
            (expression(), body.clone()).prop_map(|(e, a)| format!("{{% for item in {e} %}}{a}{{% endfor %}}")),
            (expression(), body.clone()).prop_map(|(e, a)| format!("{{% set item = {e} %}}{a}")),
            (expression(), body).prop_map(|(e, a)| format!("{{% with item = {e} %}}{a}{{% endwith %}}")),
        ]
    })
}

/// What a contact gets who lacks some of the values, if the text checks clean.
fn rendered(body: &str, unset: u64) -> Option<Result<String, RenderError>> {
    let (schema, fields) = (schema(), fields());
    let policy = Policy { sender: Some("A <a@b.example>".into()), address: Some("Bonn".into()), ..Policy::default() };
    let (text, found) = messages::read(FileId(0), "messages/m.sms.txt", body);
    let (sources, _) = messages::collect(text.into_iter().map(std::sync::Arc::new).collect());
    let source = &sources[0];
    let shape = TriggerShape { name: "event".into(), fields: Some(fields) };
    let of_trigger = source.check_trigger(&[shape], Span::beginning(FileId(0)));
    let rest = messages::check(source, &schema, &policy, Purpose::Marketing, &BTreeSet::new());
    if [found, of_trigger, rest].iter().any(|found| !found.is_empty()) {
        return None;
    }

    let message = source.message();
    let mut bit = 0;
    let mut pick = |name: &str| {
        let attribute = schema.attribute(name).unwrap();
        bit += 1;
        let absent = attribute.optional && unset >> (bit % 64) & 1 == 1;
        (attribute.name.clone(), if absent { Value::Unset } else { value(&attribute.ty) })
    };
    let (mut data, mut event) = (Vec::new(), Vec::new());
    for variable in &message.variables {
        match variable.0.as_slice() {
            [root, field] if root == "trigger" => event.push(pick(field)),
            [attribute] => data.push(pick(attribute)),
            other => panic!("{other:?} is no variable that an effect can carry"),
        }
    }
    data.push(("trigger".into(), Value::Record(event.into())));
    let bundle = Bundle { messages: vec![message], policy, schema, ..Bundle::default() };
    let outgoing = Outgoing {
        errand: journey_runtime::core::effect::Errand::Message,
        id: MessageId { contact: ContactId(7), number: 3 },
        at: Instant(1_772_442_000_000),
        journey: "j".into(),
        version: Version([0; 16]),
        step: StepIx(0),
        channel: Channel::Sms,
        message: "m".into(),
        to: "+4915112345678".into(),
        language: None,
        zone: "Europe/Berlin".into(),
        country: None,
        from: None,
        subject: None,
        purpose: Purpose::Marketing,
        topic: None,
        after_crash: journey_bytecode::AfterCrash::Resend,
        data: Value::Record(data.into()),
    };
    let links = Links::untracked(Keys::new(["0123456789abcdef"]).unwrap());
    let rendered = Renderer::new(&bundle, links).and_then(|renderer| renderer.render(&outgoing));
    Some(rendered.map(|rendered| match rendered.content {
        Content::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn what_checks_clean_renders(body in proptest::collection::vec(template(), 1..4), unset in any::<u64>()) {
        if let Some(rendered) = rendered(&body.concat(), unset) {
            prop_assert!(rendered.is_ok(), "{rendered:?}");
        }
    }

    /// "Hello ,"
    #[test]
    fn no_hole_stays_empty(expression in expression(), unset in any::<u64>()) {
        if let Some(rendered) = rendered(&format!("Hello [{{{{ {expression} }}}}],"), unset) {
            prop_assert_ne!(rendered.unwrap(), "Hello [],");
        }
    }
}
