//! How fast sources become trees: `cargo run --release -p journey-grammar --example speed`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "it measures and says so")]

use journey_grammar::{format, lex, parse};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).unwrap() {
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
    measure("format", &|source| drop(black_box(format(source))));
}
