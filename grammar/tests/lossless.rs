//! What always holds, whatever the bytes: nothing is lost, the tree is well formed, parsing ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

use journey_grammar::ast::{AstNode, Expr, File, Item, Pattern, Step};
use journey_grammar::{
    KEYWORDS, MAX_NESTING, MAX_SOURCE_LEN, SyntaxErrorKind, SyntaxKind, TextRange, Tree, lex, parse, parse_again,
};
use proptest::prelude::*;
use proptest::sample::Index;

/// The invariants that the tree's documentation states.
fn check(source: &str) {
    let tokens: Vec<_> = lex(source).iter().collect();
    let parse = parse(source);
    let tree = &parse.tree;
    let joined: String = tree.tokens().map(|token| token.text()).collect();
    assert_eq!(joined, source);
    assert_eq!(tree.tokens().count(), tokens.len());

    let root = tree.root();
    assert_eq!(root.kind(), SyntaxKind::File);
    assert_eq!(root.range(), TextRange::new(0, source.len() as u32));
    for node in root.descendants() {
        assert!(node.kind().is_node());
        let mut end = node.range().start;
        for child in node.children() {
            assert_eq!(child.parent(), Some(node));
            assert!(node.range().contains_range(child.range()));
            assert!(child.range().start >= end, "siblings overlap: {child:?}");
            end = child.range().end;
        }
        if node != root {
            assert!(!node.first_token().unwrap().kind().is_trivia());
            assert!(!node.last_token().unwrap().kind().is_trivia());
            assert_eq!(tree.node(node.id()), Some(node));
        }
    }
    let owned: usize = root.descendants().map(|node| node.own_tokens().count()).sum();
    assert_eq!(owned, tree.tokens().filter(|token| !token.kind().is_trivia()).count());
    for token in tree.tokens().filter(|token| !token.kind().is_trivia()) {
        assert!(token.parent().own_tokens().any(|own| own == token));
        let at = tree.tokens_at(token.range().start);
        assert_eq!(at.right, Some(token));
        assert!(tree.covering(token.range()).range().contains_range(token.range()));
    }

    let mut last = 0;
    for error in &parse.errors {
        assert!(error.range.start >= last, "errors out of order");
        last = error.range.start;
        assert!(source.get(error.range.to_usize()).is_some(), "{error:?} cuts a character");
    }
    if parse.errors.is_empty() {
        assert!(root.descendants().all(|node| node.kind() != SyntaxKind::Error));
    }
    visit(tree);
}

/// Typed views answer on any tree.
fn visit(tree: &Tree) {
    for item in File::of(tree).items() {
        assert!(Item::cast(item.syntax()).is_some());
    }
    for node in tree.root().descendants() {
        let _ = (node.docs(), Step::cast(node), Expr::cast(node), Pattern::cast(node));
    }
}

fn soup() -> impl Strategy<Value = String> {
    let signs = "{ } ( ) [ ] , : . ? | -> = == != < <= > >= + - * / && ! ; § x EUR 1 1.5 45% 2d 3days 09:00 2026-03-01 \"t\" \"open // \n /// \n";
    let mut words: Vec<String> = KEYWORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
    words.extend(signs.split(' ').map(str::to_owned));
    proptest::collection::vec(proptest::sample::select(words), 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(source in any::<String>()) {
        check(&source);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_words(source in soup()) {
        check(&source);
    }

    /// What is known of an earlier state makes no difference.
    #[test]
    fn any_edits(
        start in prop_oneof![soup(), any::<String>()],
        edits in proptest::collection::vec((any::<Index>(), any::<Index>(), prop_oneof![soup(), "[ -~\n\"]{0,4}"]), 1..8),
    ) {
        let mut source = start;
        let mut before = parse(&source);
        for (from, to, new) in edits {
            let places: Vec<usize> = (0..=source.len()).filter(|at| source.is_char_boundary(*at)).collect();
            let from = from.index(places.len());
            // Most edits are short.
            let to = (from + to.index(9)).min(places.len() - 1);
            source.replace_range(places[from]..places[to], &new);
            let again = parse_again(&source, &before.tree);
            prop_assert!(again == parse(&source), "{source:?}");
            before = again;
        }
    }
}

#[test]
fn edits_of_fixtures_are_read_like_the_whole() {
    for entry in std::fs::read_dir("tests/fixtures").unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let before = parse(&source);
        for cut in (0..source.len()).step_by(101).filter(|cut| source.is_char_boundary(*cut)) {
            for typed in ["", "\"", " ", "x", "// ", "\n", "12:", "“", "{", "}", "\n}\n", " else ", " then ", " end "]
            {
                let mut now = source.clone();
                now.insert_str(cut, typed);
                let again = parse_again(&now, &before.tree);
                assert!(again == parse(&now), "{typed:?} at {cut}: {now}");
                assert!(parse_again(&source, &again.tree) == before, "{typed:?} at {cut} taken out of {now}");
            }
        }
    }
}

#[test]
fn fixtures_and_their_beginnings() {
    for directory in ["tests/fixtures", "tests/broken"] {
        for entry in std::fs::read_dir(directory).unwrap() {
            let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            check(&source);
            for cut in (0..source.len()).step_by(37).filter(|cut| source.is_char_boundary(*cut)) {
                check(&source[..cut]);
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let deep = 100_000;
    for (before, unit) in [
        ("if ", "("),
        ("if x ", "{"),
        ("if ", "["),
        ("if ", "not "),
        ("if ", "- "),
        ("", "if x "),
        ("", "if x { "),
        ("", "if x end else "),
        ("", "choose x { a { "),
        ("if ", "did x where "),
        ("if ", "month of "),
        ("record x { a: ", "[ "),
        ("contact { a: ", "list of "),
        ("", "wait for x else "),
        ("", "countdown to x { 1d before "),
        ("exit when ", "("),
        ("if ", "any of ["),
        ("if count of x where ", "count of x where "),
    ] {
        let source = format!("{before}{}", unit.repeat(deep));
        let parse = parse(&source);
        let limits = parse
            .errors
            .iter()
            .filter(|error| error.kind == SyntaxErrorKind::NestingTooDeep { limit: MAX_NESTING })
            .count();
        assert_eq!(limits, 1, "{unit:?}: {:?}", parse.errors.iter().take(3).collect::<Vec<_>>());
        assert_eq!(parse.tree.text(), source);
    }
}

#[test]
fn long_chains_are_read_in_linear_time() {
    for unit in ["a + ", "a or ", "a and b or ", "a * b + ", "a.b.c - "] {
        let source = format!("if {} x end", unit.repeat(50_000));
        assert_eq!(parse(&source).errors, [], "{unit:?}");
    }
    for unit in [
        "foo ",
        "send ",
        "} ",
        "( ",
        "\"",
        "x = ",
        "record x { a: 1 ",
        "; ",
        "\n x",
        "journey a { ",
        "sedn x\n",
        "in [ ",
    ] {
        parse(&unit.repeat(50_000));
    }
}

#[test]
fn a_source_too_long_is_not_read() {
    let source = " ".repeat(MAX_SOURCE_LEN + 1);
    let parse = parse(&source);
    assert_eq!(parse.errors.len(), 1);
    assert_eq!(parse.tree.text(), source);
}

#[test]
fn trees_go_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let tree = parse("on tag x end").tree;
    shared(&tree);
    assert!(tree.clone() == tree);
}
