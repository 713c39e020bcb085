//! Journeys that the language must be able to say: each parses without an error, and says everything losslessly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

use journey_grammar::parse;

#[test]
fn every_fixture_parses_clean() {
    insta::glob!("fixtures/*.journey", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let parse = parse(&source);
        let errors: Vec<String> = parse
            .errors
            .iter()
            .map(|error| {
                let line = source[..error.range.start as usize].matches('\n').count() + 1;
                format!("{line}: {error:?}")
            })
            .collect();
        assert!(errors.is_empty(), "{}\n{errors:#?}", path.display());
        insta::assert_snapshot!(parse.tree.outline());
    });
}
