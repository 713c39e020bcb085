#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| journey_fuzz::targets::verifier(bytes));
