#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| journey_fuzz::targets::checker(text));
