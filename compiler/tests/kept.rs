//! What is kept of an earlier state of a project never shows: random edits of journeys, declarations, messages and settings
#![allow(missing_docs, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]
//! give the findings, the bundle and the tests that a cold check gives.

use std::collections::BTreeMap;

use journey_compiler::project::{File, Project};
use journey_compiler::sources::Sources;
use journey_compiler::{Kept, compile_again, compile_sources};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const FILES: [(&str, &str); 8] = [
    ("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"UTC\"\n"),
    (
        "declarations.journey",
        "contact { email: email, phone: phone?, country: enum { DE AT } = DE, visits: number = 0 }\ntags { lead customer }\n\
         event purchase { amount: money }\ntopic offers \"Offers\"\nfunnel sales { fresh -> won }\npolicy { address \"Here 1\" cap 3 messages per 7d }\n",
    ),
    ("segments.journey", "segment loyal = has tag customer and visits > 3\nsegment near = country is DE\n"),
    (
        "a.journey",
        "journey a {\n  on tag lead\n  reenter never\n  topic offers\n  send email hello as hi\n  wait for opened hi up to 2d else end\n  \
         if in loyal { add tag customer }\n  end\n}\n\n\
         journey e {\n  on tag customer\n  reenter never\n  topic offers\n  send email hello\n  wait 3d\n  if opened { add tag lead }\n}\n\n\
         /// Those who came.\njourney f {\n  on created\n  wait 1d\n  wait 2d\n  send email hello as again\n  if country is DE { }\n  wait until 09:00\n}\n",
    ),
    (
        "b.journey",
        "journey b {\n  on purchase\n  reenter never\n  topic offers\n  send email thanks\n  start journey c\n  set visits to visits + 1\n  end\n}\n",
    ),
    (
        "c.journey",
        "journey c {\n  on tag customer\n  reenter never\n  topic offers\n  move to sales.won\n  if phone is set send sms \"Hi {{ country }}\"\n  end\n}\n\
         test \"won\" {\n  given contact { country: AT }\n  at 2026-03-02 10:00 tag customer\n  expect stage sales.won\n}\n",
    ),
    (
        "messages/hello.email.md",
        "---\nsubject: Hello\n---\n{{ country }} {{ unsubscribe_url }} [a](https://b.example)\n",
    ),
    ("messages/thanks.email.md", "---\nsubject: Thanks\n---\n{{ trigger.amount }}\n"),
];

/// What is typed: words that mean something somewhere.
const PIECES: [&str; 24] = [
    "",
    "",
    " ",
    "\n",
    "{",
    "}",
    "lead",
    "customer",
    "vip",
    "\ntags { vip }\n",
    "offers",
    "hi",
    "\n  add tag vip\n",
    "\n  send email hello\n",
    "thanks",
    "\njourney d { on tag vip wait 2d end }\n",
    "sales",
    "won",
    "country",
    "// note\n",
    "\"",
    "3",
    "{{ visits }}",
    "\n  wait 2d\n",
];

/// One edit: a file, a place in it, how much goes, what comes; or, for the last number, a file that goes or comes back.
fn edits() -> impl Strategy<Value = Vec<(Index, Index, usize, &'static str, u8)>> {
    prop::collection::vec((any::<Index>(), any::<Index>(), 0..8_usize, select(PIECES.to_vec()), any::<u8>()), 1..12)
}

fn project(files: &BTreeMap<&str, String>) -> Project {
    let files = files.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().into() });
    Project { files: files.collect(), lone: false }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]
    #[test]
    fn a_later_state_is_judged_as_if_it_were_the_first(edits in edits()) {
        let mut files: BTreeMap<&str, String> = FILES.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
        let mut sources = Sources::read(&project(&files));
        let mut kept = compile_again(&project(&files), &sources, None, &Kept::default()).1;
        for (file, place, gone, piece, other) in edits {
            let (path, first) = FILES[file.index(FILES.len())];
            match files.get_mut(path) {
                Some(_) if other < 8 => drop(files.remove(path)),
                None => drop(files.insert(path, first.to_owned())),
                Some(text) => {
                    let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
                    let start = place.index(places.len());
                    let end = (start + gone).min(places.len() - 1);
                    text.replace_range(places[start]..places[end], piece);
                }
            }
            let project = project(&files);
            sources = sources.read_again(&project);
            let (warm, next) = compile_again(&project, &sources, None, &kept);
            kept = next;
            let cold = compile_sources(&project, &Sources::read(&project), None);
            prop_assert_eq!(format!("{:#?}", warm.diagnostics), format!("{:#?}", cold.diagnostics));
            prop_assert_eq!((warm.hidden, &warm.pressure), (cold.hidden, &cold.pressure));
        }
    }
}

/// The property above would hold if nothing were kept, and if files were never sound.
#[test]
fn the_project_of_the_property_is_sound() {
    let files = FILES.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    let compiled = journey_compiler::compile(&project(&files));
    let errors = compiled.diagnostics.iter().filter(|d| d.severity == journey_compiler::diagnostic::Severity::Error);
    assert_eq!(errors.map(|d| d.message.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(compiled.bundle.is_some());
}
