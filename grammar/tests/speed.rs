//! How fast sources become trees: `cargo test --release -p journey-grammar --test speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)]

use journey_grammar::{lex, parse};
use std::hint::black_box;
use std::time::Instant;

#[test]
#[ignore = "measures; run it in release"]
fn megabytes_a_second() {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir("tests/fixtures").unwrap() {
        sources.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let bytes: usize = sources.iter().map(String::len).sum();
    // The best of several runs: others may be at work on the machine.
    let measure = |name: &str, work: &dyn Fn(&str)| {
        let rounds = 100;
        let best = (0..40)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..rounds {
                    sources.iter().for_each(|source| work(source));
                }
                (bytes * rounds) as f64 / 1e6 / start.elapsed().as_secs_f64()
            })
            .fold(0.0, f64::max);
        println!("{name}: {best:.0} MB/s over {} files of {bytes} bytes", sources.len());
    };
    measure("lex", &|source| drop(black_box(lex(source))));
    measure("lex and parse", &|source| drop(black_box(parse(source))));
}
