//! A short text that ends in the same place of the grammar as a long one: what was said before the present statement
//! does not matter, only what is open around it.

use journey_grammar::{Node, SyntaxKind};

/// How many statements are kept before the present one: the last can go on in it, as with `else`.
const KEPT: usize = 2;

/// The skeleton of a source that ends in the middle.
pub(super) fn of(before: &str) -> String {
    let parse = journey_grammar::parse(before);
    let root = parse.tree.root();
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut prefix = String::new();
    let mut node = root;
    loop {
        let children: Vec<Node<'_>> = node.children().collect();
        // What stands before the brace says what the list is of.
        let brace = node.own_tokens().find(|token| token.kind() == SyntaxKind::LBrace);
        let listed = |child: &Node<'_>| match brace {
            Some(brace) => child.range().start >= brace.range().end,
            None => child.kind() != SyntaxKind::Name,
        };
        let first = children.iter().position(listed).unwrap_or(0);
        if is_list(node.kind())
            && let Some(keep) = children.len().checked_sub(KEPT).filter(|keep| *keep > first)
            && let (Some(from), Some(to)) = (children.get(first), children.get(keep))
        {
            if node == root && children.iter().take(keep).any(|child| child.kind() == SyntaxKind::Journey) {
                // After a journey no sentence without a block can stand.
                prefix.push_str("journey j { end }\n");
            }
            // The header goes on until the first step.
            let steps = children.iter().take(keep).any(|child| is_step(*child));
            let header_only = !children.iter().skip(keep).any(|child| is_step(*child));
            if !(steps && header_only && node != root) {
                cuts.push((start(node, *from), to.range().start as usize));
            }
        }
        match children.last() {
            Some(last) => node = *last,
            None => break,
        }
    }
    let mut at = 0;
    let mut out = prefix;
    for (from, to) in cuts {
        out.push_str(before.get(at..from.max(at)).unwrap_or_default());
        at = to.max(at);
    }
    out.push_str(before.get(at..).unwrap_or_default());
    out
}

/// Where the cut begins: documentation above a statement goes with it.
fn start(node: Node<'_>, first: Node<'_>) -> usize {
    if node.kind() == SyntaxKind::File { 0 } else { first.range().start as usize }
}

fn is_list(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::File
            | SyntaxKind::Journey
            | SyntaxKind::BareJourney
            | SyntaxKind::Block
            | SyntaxKind::Test
            | SyntaxKind::PolicyDecl
            | SyntaxKind::FieldList
            | SyntaxKind::ChooseStep
            | SyntaxKind::SplitStep
            | SyntaxKind::RaceStep
            | SyntaxKind::CountdownStep
    )
}

fn is_step(node: Node<'_>) -> bool {
    node.first_token().is_some_and(|token| token.kind().is_verb())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_chosen_by_stays() {
        let text = "journey x {\n  on tag a\n  choose plan {\n    a { end }\n    b { end }\n    c, ";
        insta::assert_snapshot!(super::of(text));
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let long = "tags { a }\ntags { b }\njourney x {\n  on tag a\n  send email a\n  wait 1d\n  send email b\n  wait 2d\n  if opened { wait 1d wait 2d wait 3d wait 4d } el";
        insta::assert_snapshot!(super::of(long));
    }
}
