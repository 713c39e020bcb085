//! A typical entry condition, asked of many contacts: by our machine, by the crates `cel` and `zen-expression`, and by Rust
//! itself.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cel::{Context, Program};
use journey_bytecode::{Number, Value};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::{Condition, Linked};
use serde_json::json;
use zen_expression::scope::Scope;
use zen_expression::vm::VM;

/// How many contacts there are, each different.
const CONTACTS: usize = 1_000;

/// Runs of each measurement, over all contacts; the best counts, because others may be at work on the machine.
const RUNS: u32 = 2_000;

const JOURNEY: &str = r#"
contact { email: email  country: text = ""  visits: number = 0  age: number = 0 }
tags { lead customer newsletter vip }
journey bench {
  on tag lead
  reenter never
  where visits >= 3 and age < 60 and has tag newsletter and country in ["AT", "CH", "DE"]
  end
}
"#;

const CEL: &str = r#"visits >= 3.0 && age < 60.0 && "newsletter" in tags && country in ["AT", "CH", "DE"]"#;
const ZEN: &str = r#"visits >= 3 and age < 60 and "newsletter" in tags and country in ["AT", "CH", "DE"]"#;

/// A contact as a program of one's own would have it.
struct Person {
    country: String,
    visits: u32,
    age: u32,
    tags: BTreeSet<String>,
}

/// The same people each time: splitmix64.
fn people() -> Vec<Person> {
    let mut seed = 1_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let mut person = || Person {
        country: ["DE", "AT", "FR", "CH", "GB", "DE"][draw(6) as usize].to_owned(),
        visits: draw(12) as u32,
        age: 18 + draw(60) as u32,
        tags: ["lead", "customer", "newsletter", "vip"]
            .into_iter()
            .filter(|tag| *tag == "lead" || draw(10) < 6)
            .map(str::to_owned)
            .collect(),
    };
    (0..CONTACTS).map(|_| person()).collect()
}

fn contact(number: usize, person: &Person) -> Contact {
    let mut contact = Contact::new(ContactId(number as i64 + 1), format!("c{number}"), journey_bytecode::Instant(0));
    let text = |text: &str| Value::Text(text.into());
    contact.attributes = [
        ("age".into(), Value::Number(Number::from_int(person.age.into()))),
        ("country".into(), text(&person.country)),
        ("email".into(), text(&format!("c{number}@bench.example"))),
        ("visits".into(), Value::Number(Number::from_int(person.visits.into()))),
    ]
    .into_iter()
    .collect();
    contact.tags = person.tags.iter().map(|tag| tag.as_str().into()).collect();
    contact
}

/// Nanoseconds a contact, the best of many rounds; all must agree about everybody.
fn measure(name: &str, expected: &[bool], holds: &mut dyn FnMut(usize) -> bool) {
    let found: Vec<bool> = (0..CONTACTS).map(&mut *holds).collect();
    assert!(found == expected, "{name} thinks otherwise");
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        for number in 0..CONTACTS {
            black_box(holds(black_box(number)));
        }
        best = best.min(start.elapsed());
    }
    println!("{name:<44} {:>10.1}", best.as_secs_f64() * 1e9 / CONTACTS as f64);
}

/// Prints how long each takes.
pub(crate) fn run() {
    let people = people();
    let native = |person: &Person| {
        person.visits >= 3
            && person.age < 60
            && person.tags.contains("newsletter")
            && ["AT", "CH", "DE"].contains(&person.country.as_str())
    };
    let expected: Vec<bool> = people.iter().map(native).collect();
    let come = expected.iter().filter(|holds| **holds).count();
    println!("\n{:<44} {:>10}", format!("an entry condition; {come} of {CONTACTS} enter"), "ns");
    measure("a Rust closure over a struct", &expected, &mut |number| native(&people[number]));

    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.as_bytes().to_vec().into() };
    let files =
        vec![file("bench.journey", JOURNEY), file("journey.toml", "[project]\nname = \"bench\"\ntimezone = \"UTC\"\n")];
    let compiled = compile(&Project { files, lone: false });
    let bundle = compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let program = bundle.programs[0].clone();
    let clause = program.filter.expect("the journey has a condition");
    let linked = Linked::new(bundle, []).expect("what we compile links");
    let condition = Condition::new(&linked, &program, clause);
    let contacts: Vec<Contact> = people.iter().enumerate().map(|(number, person)| contact(number, person)).collect();
    let now = journey_bytecode::Instant(1_772_442_000_000);
    measure("Journey", &expected, &mut |number| condition.holds(&contacts[number], now));

    let program = Program::compile(CEL).expect("CEL compiles it");
    let contexts: Vec<Context> = people
        .iter()
        .map(|person| {
            let mut context = Context::default();
            context.add_variable_from_value("visits", f64::from(person.visits));
            context.add_variable_from_value("age", f64::from(person.age));
            context.add_variable_from_value("tags", person.tags.iter().cloned().collect::<Vec<String>>());
            context.add_variable_from_value("country", person.country.clone());
            context
        })
        .collect();
    measure("the crate cel", &expected, &mut |number| {
        program.execute(&contexts[number]).expect("CEL runs it") == cel::Value::Bool(true)
    });

    let expression = zen_expression::compile_expression(ZEN).expect("Zen compiles it");
    let scopes: Vec<Scope> = people
        .iter()
        .map(|person| {
            let Person { country, visits, age, tags } = person;
            Scope::new(json!({"visits": visits, "age": age, "tags": tags, "country": country}).into())
        })
        .collect();
    let mut machine = VM::new();
    measure("the crate zen-expression", &expected, &mut |number| {
        let value = expression.evaluate_with_scope(&scopes[number], &mut machine).expect("Zen runs it");
        value.as_bool() == Some(true)
    });
}
