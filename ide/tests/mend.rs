//! Fixes, taken all together, over a thousand broken files: never more errors than before, and a second time nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a failure is a failing test")]

use journey_compiler::compile;
use journey_compiler::diagnostic::{Applicability, Severity};
use journey_compiler::project::{File, Project};
use journey_ide::{Mended, mend};

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";

const DECLARATIONS: &str = "\
contact { email: email phone: phone? first_name: text? country: enum { DE AT CH } = DE visits: number = 0 }
tags { lead customer vip }
event purchase { amount: money }
topic offers \"Offers and news\"
policy { sender \"Shop <hello@shop.example>\" address \"Shop GmbH, Teststr. 1, 53177 Bonn\" }
";

const JOURNEY: &str = "\
/// Greets whoever leaves an address.
journey welcome {
  on tag lead
  where country in [DE, AT] and not has tag customer
  reenter after 90d
  exit when purchase
  topic offers
  send sms \"Hello and welcome\" as hello
  wait 3d
  if visits > 3 and phone is set {
    add tag vip
    set visits to visits + 1
  } else {
    wait until tuesday 09:00
    wait for purchase where amount > 50 EUR up to 2d else end
  }
  choose country {
    DE, AT { wait 1d }
    else { remove tag lead }
  }
  add tag customer
  end
}
";

/// Numbers that look random, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// The journey with slips in it, as people and merges make them.
fn broken(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut words: Vec<String> = JOURNEY.split_inclusive([' ', '\n']).map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(words.len());
        let other = random.below(words.len());
        match random.below(8) {
            0 => drop(words.remove(at)),
            1 => words.swap(at, other),
            2 => words.insert(at, words[other].clone()),
            // Letters that change places, go or come twice.
            3 | 4 => {
                let mut letters: Vec<char> = words[at].chars().collect();
                if letters.len() > 3 {
                    let letter = 1 + random.below(letters.len() - 3);
                    match random.below(3) {
                        0 => letters.swap(letter, letter + 1),
                        1 => drop(letters.remove(letter)),
                        _ => letters.insert(letter, letters[letter]),
                    }
                    words[at] = letters.into_iter().collect();
                }
            }
            5 => words[at] = words[at].replace('_', "-").replace('"', "\u{201c}"),
            6 => words.insert(at, ["{ ", "} ", "= ", "'x' ", "2dd ", "25:00 ", "&& "][random.below(7)].to_owned()),
            _ => words[at] = words[at].to_uppercase(),
        }
    }
    words.concat()
}

fn project(journey: &str) -> Project {
    let file = |path: &str, text: &str| File { path: path.to_owned(), bytes: text.as_bytes().into() };
    let files = vec![
        file("declarations.journey", DECLARATIONS),
        file("journey.toml", SETTINGS),
        file("welcome.journey", journey),
    ];
    Project { files, lone: false }
}

fn errors(project: &Project) -> usize {
    let compilation = compile(project);
    compilation.hidden + compilation.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
}

#[test]
fn a_thousand_broken_files_get_no_worse() {
    assert_eq!(errors(&project(JOURNEY)), 0, "{:#?}", compile(&project(JOURNEY)).diagnostics);
    let (mut had_errors, mut helped) = (0, 0);
    for seed in 0..1_000 {
        let allowed = if seed % 2 == 0 { Applicability::Safe } else { Applicability::Unsafe };
        let before = project(&broken(seed));
        let Mended { project: after, applied } = mend(&before, allowed, |_| true, compile);
        let (was, is) = (errors(&before), errors(&after));
        let text = String::from_utf8_lossy(&after.files[2].bytes).into_owned();
        assert!(is <= was, "seed {seed}: {was} errors became {is}:\n{text}");
        assert_eq!(applied == 0, before == after, "seed {seed}");
        let again = mend(&after, allowed, |_| true, compile);
        assert!(again.applied == 0 && again.project == after, "seed {seed}: a second time changes\n{text}");
        had_errors += usize::from(was > 0);
        helped += usize::from(is < was);
    }
    assert!(had_errors > 700, "most of them are broken: {had_errors}");
    assert!(helped > 100, "and many can be mended: {helped}");
}

#[test]
fn what_is_not_wanted_stays() {
    let before = project(&JOURNEY.replace("tag lead\n", "tag leed\n").replace("add tag customer", "add tag custommer"));
    let only = mend(&before, Applicability::Safe, |d| d.message.contains("leed"), compile);
    let text = String::from_utf8_lossy(&only.project.files[2].bytes).into_owned();
    assert!(text.contains("on tag lead") && text.contains("custommer"), "{text}");
    assert_eq!(errors(&mend(&before, Applicability::Safe, |_| true, compile).project), 0);
}
