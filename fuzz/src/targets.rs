//! What must hold for any text and any bytes. The fuzzer calls these, and so does a test of every build
//! (`tests/tests/fuzz.rs`), over mutations of a corpus.

use journey_bytecode::{Bundle, Instant, Program, Value, verify};
use journey_compiler::project::{File, Project};
use journey_runtime::core::contact::{Contact, ContactId, EndReason};
use journey_runtime::core::effect::TraceEvent;
use journey_runtime::core::input::{Input, InputKind};
use journey_runtime::core::{Linked, advance};

/// Any text gives a tree whose text is the source, and every error lies inside of it.
pub fn parser(text: &str) {
    let parse = journey_grammar::parse(text);
    let whole: String = parse.tree.tokens().map(|token| token.text()).collect();
    assert_eq!(whole, text, "the tree is not the source");
    for error in &parse.errors {
        let range = error.range;
        assert!(range.start <= range.end && range.end as usize <= text.len(), "{error:?}");
        assert!(text.is_char_boundary(range.start as usize) && text.is_char_boundary(range.end as usize), "{error:?}");
    }
}

/// Formatting again changes nothing, and what parsed still parses.
pub fn formatter(text: &str) {
    let formatted = journey_grammar::format(text);
    if journey_grammar::parse(text).errors.is_empty() {
        let errors = journey_grammar::parse(&formatted).errors;
        assert!(errors.is_empty(), "{errors:?}\n{formatted}");
    }
    assert_eq!(journey_grammar::format(&formatted), formatted, "not idempotent");
}

/// A file alone.
fn project(text: &str) -> Project {
    Project { files: vec![File { path: "fuzz.journey".to_owned(), bytes: text.as_bytes().into() }], lone: true }
}

/// Any text is judged, the same way each time; every finding lies in the file; what is compiled can be verified, survives
/// its encoding, and runs without failing.
pub fn checker(text: &str) {
    let compilation = journey_compiler::compile(&project(text));
    for finding in &compilation.diagnostics {
        let range = finding.primary.span.range();
        assert!(range.start <= range.end && range.end <= text.len().max(1), "{finding:?}");
    }
    let again = journey_compiler::compile(&project(text));
    assert_eq!(compilation.diagnostics, again.diagnostics, "judged differently");
    if let Some(bundle) = compilation.bundle {
        let bytes = bundle.encode().expect("what is compiled can be encoded");
        assert_eq!(Bundle::decode(&bytes).expect("and read again"), bundle);
        live(bundle, false);
    }
}

/// Bytes that the verifier lets pass do no harm, whatever they are.
pub fn verifier(bytes: &[u8]) {
    let Ok(program) = postcard::from_bytes::<Program>(bytes) else { return };
    if verify(&program).is_ok() {
        live(Bundle { programs: vec![program], default_zone: "UTC".into(), ..Bundle::default() }, true);
    }
}

/// Starts every journey for a contact and lets some time pass. Only programs that no compiler made may fail.
fn live(bundle: Bundle, may_fail: bool) {
    let journeys: Vec<_> = bundle.programs.iter().map(|program| program.name.clone()).collect();
    let linked = Linked::new(bundle, []).expect("what is verified can be linked");
    let begin = Instant(1_772_442_000_000);
    let mut contact = Contact::new(ContactId(1), "fuzz", begin);
    let mut trace = Vec::new();
    for (seq, journey) in (1..).zip(journeys) {
        let kind = InputKind::Start { journey, payload: Value::Record([].into_iter().collect()) };
        trace.extend(advance(&linked, &mut contact, &[Input { seq, at: begin, kind }], begin).trace);
    }
    for _ in 0..20 {
        let Some(due) = contact.state.due().filter(|due| *due < Instant::NEVER) else { break };
        trace.extend(advance(&linked, &mut contact, &[], due).trace);
    }
    let failed = |entry: &&journey_runtime::core::effect::TraceEntry| {
        // A lone file may name messages that nobody wrote, and journeys that start each other.
        matches!(&entry.event, TraceEvent::Ended(EndReason::Failed(cause))
            if !cause.starts_with("there is no ") && !cause.starts_with("more than "))
    };
    assert!(may_fail || !trace.iter().any(|entry| failed(&entry)), "a program that checks clean failed: {trace:?}");
}
