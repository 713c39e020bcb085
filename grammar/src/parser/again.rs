//! What an earlier state of a source shows of the present one.

use super::Parser;
use crate::kind::SyntaxKind::{Journey, RBrace, Test};
use crate::lexer::{Alike, Tokens};
use crate::text::TextRange;
use crate::tree::{NodeData, Tree};

/// So many tokens behind a step the parser looks at, at most, before it is done with it.
const LOOKAHEAD: usize = 4;

/// An earlier state of a source, and how its tokens are those of the present one.
pub(super) struct Before<'t> {
    tree: &'t Tree,
    /// So many tokens are the same at the beginning.
    begin: u32,
    /// Behind the beginning, a step that ends here was read without a look at what may have changed.
    settled: u32,
    /// From this token on they are the same up to the end.
    end: u32,
    /// How much further back those at the end are now.
    by: i64,
}

/// Nodes of an earlier state, and how they are a part of the present one.
struct Moved<'t> {
    nodes: &'t [NodeData],
    /// The node behind them, as they count.
    subtree_end: u32,
    /// The token behind them, as they count.
    token_end: u32,
    /// How much further back their tokens are now.
    by: i64,
}

impl<'t> Before<'t> {
    pub(super) fn new(tree: &'t Tree, alike: Alike, tokens: &Tokens) -> Self {
        let count = tokens.kinds.len();
        let by = count as i64 - tree.data().kinds.len() as i64;
        let begin = alike.begin as u32;
        let last = tokens.seen.partition_point(|seen| seen.token < begin).checked_sub(LOOKAHEAD);
        let settled = last.and_then(|last| tokens.seen.get(last)).map_or(0, |seen| seen.token);
        Self { tree, begin, settled, end: count.saturating_sub(alike.end) as u32, by }
    }

    /// The outermost node inside the file that begins with this token, and how much further back it is now; none if the token
    /// may not be the same.
    fn node(&self, first: u32) -> Option<(usize, &'t NodeData, i64)> {
        let by = match first {
            _ if first < self.begin => 0,
            _ if first >= self.end => self.by,
            _ => return None,
        };
        let then = moved(first, -by);
        let nodes = &self.tree.data().nodes;
        // In preorder the outermost comes first, behind the file.
        let index = nodes.partition_point(|node| node.first_token < then).max(1);
        let node = nodes.get(index).filter(|node| node.first_token == then)?;
        Some((index, node, by))
    }

    /// Whether nothing was wrong between two tokens of the earlier state, nor with what follows there: where something is missing,
    /// that is told at the next token.
    fn is_sound(&self, from: u32, to: u32) -> bool {
        let kinds = self.tree.data().kinds.get(to as usize..).unwrap_or_default();
        let trivia = kinds.iter().take_while(|kind| kind.is_trivia()).count() as u32;
        let start = |token| self.tree.token_start(token);
        self.tree.errors_at(TextRange::new(start(from), start(to + trivia))) == 0
    }

    fn moved(&self, index: usize, subtree_end: u32, token_end: u32, by: i64) -> Option<Moved<'t>> {
        let nodes = self.tree.data().nodes.get(index..subtree_end as usize)?;
        Some(Moved { nodes, subtree_end, token_end, by })
    }

    /// The journey or test that begins with this token, if nothing in it changed and nothing was wrong with it. It ends with its
    /// own brace, so what follows has no part in it.
    fn item(&self, first: u32) -> Option<Moved<'t>> {
        let (index, node, by) = self.node(first)?;
        let same = first >= self.end || node.token_end <= self.begin;
        let sound = self.is_sound(node.first_token, node.token_end);
        let whole = node.parent == 0 && matches!(node.kind, Journey | Test) && same && sound;
        self.moved(index, node.subtree_end, node.token_end, by).filter(|_| whole)
    }

    /// The step of a journey that begins with this token, and those that follow it in that journey, as far as nothing in them
    /// changed and nothing was wrong with them.
    fn steps(&self, first: u32) -> Option<Moved<'t>> {
        let (index, step, by) = self.node(first)?;
        let data = self.tree.data();
        let journey = data.nodes.get(step.parent as usize).filter(|node| node.kind == Journey && node.parent == 0)?;
        if first >= self.end {
            let brace =
                journey.token_end.checked_sub(1).filter(|last| data.kinds.get(*last as usize) == Some(&RBrace))?;
            let sound = self.is_sound(step.first_token, journey.token_end);
            return self.moved(index, journey.subtree_end, brace, by).filter(|_| sound);
        }
        let mut last = None;
        let mut next = step;
        while next.token_end <= self.settled {
            last = Some(next);
            next = match data.nodes.get(next.subtree_end as usize) {
                Some(sibling) if next.subtree_end < journey.subtree_end => sibling,
                _ => break,
            };
        }
        let last = last.filter(|_| self.is_sound(step.first_token, self.settled))?;
        self.moved(index, last.subtree_end, last.token_end, by)
    }
}

fn moved(token: u32, by: i64) -> u32 {
    u32::try_from(i64::from(token) + by).unwrap_or(u32::MAX)
}

impl Parser<'_> {
    /// Takes the journey or test that begins here from the earlier state, if it is the same; whether it did.
    pub(super) fn item_again(&mut self) -> bool {
        let found = self.before.as_ref().and_then(|before| before.item(self.raw(self.position)));
        found.is_some_and(|found| self.take_over(&found))
    }

    /// Takes the steps of a journey that begin here from the earlier state, as many as are the same; whether there are some.
    pub(super) fn steps_again(&mut self) -> bool {
        // A sentence without a block ends where its steps do.
        let before = self.before.as_ref().filter(|_| self.within() == Journey);
        let found = before.and_then(|before| before.steps(self.raw(self.position)));
        found.is_some_and(|found| self.take_over(&found))
    }

    fn take_over(&mut self, found: &Moved<'_>) -> bool {
        let (token_end, behind) = (moved(found.token_end, found.by), (self.nodes.len() + found.nodes.len()) as u32);
        self.nodes.extend(found.nodes.iter().map(|node| NodeData {
            first_token: moved(node.first_token, found.by),
            token_end: moved(node.token_end, found.by),
            subtree_end: behind + node.subtree_end - found.subtree_end,
            ..*node
        }));
        let before = self.position;
        self.position = self.seen.partition_point(|seen| seen.token < token_end);
        self.position > before
    }
}

#[cfg(test)]
mod tests {
    use super::{Before, moved};
    use crate::lexer::{Seen, lex_again};
    use crate::parse;

    const SOURCE: &str = "tags { lead }\n\njourney a {\n  on tag lead\n  wait 1d\n  add tag lead\n  wait 3d\n  end\n}\n\n\
        journey b {\n  on created\n  wait 2d\n}\n\ntest \"c\" {\n}\n";

    /// What is taken from the earlier state if something is typed before some words.
    fn kept(source: &str, at: &str, typed: &str) -> Vec<String> {
        let before = parse(source);
        let now = source.replacen(at, &format!("{typed}{at}"), 1);
        let (tokens, alike) = lex_again(&now, before.tree.data());
        let before = Before::new(&before.tree, alike, &tokens);
        let (mut kept, mut behind) = (Vec::new(), 0);
        for Seen { kind, token: first } in tokens.seen.iter().copied() {
            let is_step = kind.is_verb();
            let found = before.item(first).or_else(|| before.steps(first).filter(|_| is_step));
            let Some(found) = found.filter(|_| first >= behind) else { continue };
            behind = moved(found.token_end, found.by);
            let start = |token: u32| tokens.starts.get(token as usize).map_or(now.len(), |at| *at as usize);
            let words = now.get(start(first)..start(behind)).unwrap().split_whitespace();
            kept.push(words.collect::<Vec<_>>().join(" "));
        }
        kept
    }

    const A: &str = "journey a { on tag lead wait 1d add tag lead wait 3d end }";
    const B: &str = "journey b { on created wait 2d }";
    const C: &str = "test \"c\" { }";

    #[test]
    fn what_did_not_change_is_not_parsed_again() {
        assert_eq!(kept(SOURCE, "wait 1d", "add tag lead\n  "), ["wait 1d add tag lead wait 3d end", B, C]);
        assert_eq!(kept(SOURCE, "end", "exit "), ["wait 1d", B, C], "what a step looks at may have changed");
        assert_eq!(kept(SOURCE, "2d", "3"), [A, C]);
        assert_eq!(kept(SOURCE, "lead }", "customer "), [A, B, C]);
        assert_eq!(kept(SOURCE, "journey b", "// "), ["wait 1d", "wait 2d", C], "the line before may have changed too");
    }

    #[test]
    fn what_was_wrong_is_parsed_again() {
        let wrong = SOURCE.replace("wait 2d", "wait");
        assert_eq!(kept(&wrong, "wait 1d", "end "), ["add tag lead wait 3d end", C]);
        let nameless = "journey\njourney d { wait 2d end }\nb { end }\n";
        assert_eq!(
            kept(nameless, "b {", " "),
            Vec::<String>::new(),
            "the second word is the name of the first journey"
        );
    }
}
