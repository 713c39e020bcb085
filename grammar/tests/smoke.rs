//! The sentence, the design's journey and a few broken texts.

use journey_grammar::parse;

#[test]
fn the_sentence() {
    let parse = parse("on tag X wait 2d if opened send email follow_up\n");
    assert_eq!(parse.errors, []);
    insta::assert_snapshot!(parse.tree.outline());
}
