//! Tokens to tree: a hand-written recursive descent parser that never fails.
//!
//! `journey.pest` is the specification: each function here reads the rule of its name. The parser decides by the next one or two
//! tokens, three where a sentence without a block begins. An error is reported once at a place; what follows it in the same place
//! is taken for its echo. Every list skips at least one token a turn, so parsing ends.

mod again;
mod clauses;
mod condition_habits;
mod conditions;
mod habits;
mod items;
mod patterns;
mod step_habits;
mod steps;
mod tests;
mod values;

use crate::error::{Expected, SyntaxError, SyntaxErrorKind};
use crate::kind::SyntaxKind::{self, *};
use crate::lexer::{Alike, Seen, Tokens, lex, lex_again};
use crate::suggest;
use crate::text::TextRange;
use crate::tree::{NodeData, Tree, TreeData};
use again::Before;

/// How deep statements and brackets may nest.
pub const MAX_NESTING: u32 = 128;

/// A source's tree and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parse {
    /// The tree; whole even where the source is not.
    pub tree: Tree,
    /// The errors in the order of the source.
    pub errors: Vec<SyntaxError>,
}

/// Parses a source. Never fails: what cannot be understood is in the tree as [`Error`](SyntaxKind::Error) nodes.
pub fn parse(source: &str) -> Parse {
    parse_tokens(source, lex(source), None)
}

/// Parses a source as [`parse`] does, in less time: of what has not changed since an earlier state of it, nothing is cut into
/// tokens again, and no sound journey, test or step of a journey is parsed again.
pub fn parse_again(source: &str, before: &Tree) -> Parse {
    let (tokens, alike) = lex_again(source, before.data());
    parse_tokens(source, tokens, Some((before, alike)))
}

fn parse_tokens(source: &str, tokens: Tokens, before: Option<(&Tree, Alike)>) -> Parse {
    let before = before.map(|(tree, alike)| Before::new(tree, alike, &tokens));
    let mut parser = Parser::new(source, &tokens, before);
    parser.file();
    let Parser { mut nodes, errors, .. } = parser;
    adopt(&mut nodes);
    let mut errors = errors;
    let Tokens { kinds, starts, quantities, errors: lexical, .. } = tokens;
    let sound = lexical.is_empty();
    if !lexical.is_empty() {
        errors.extend(lexical);
        errors.sort_by_key(|error| error.range);
    }
    let places = errors.iter().map(|error| error.range).collect();
    let tree = Tree::new(TreeData { source: source.into(), kinds, starts, quantities, nodes, errors: places, sound });
    Parse { tree, errors }
}

/// Gives every node its parent: the node before it, or the first around that one which has not ended.
fn adopt(nodes: &mut [NodeData]) {
    for index in 1..nodes.len() as u32 {
        let mut parent = index - 1;
        while let Some(ended) = nodes.get(parent as usize).filter(|node| parent != 0 && node.subtree_end <= index) {
            parent = ended.parent;
        }
        if let Some(node) = nodes.get_mut(index as usize) {
            node.parent = parent;
        }
    }
}

struct Parser<'s> {
    source: &'s str,
    tokens: &'s Tokens,
    /// An earlier state of the source.
    before: Option<Before<'s>>,
    /// The tokens that are not trivia.
    seen: &'s [Seen],
    /// The next of them.
    position: usize,
    nodes: Vec<NodeData>,
    /// The kinds of the nodes that are open, outermost first.
    open: Vec<SyntaxKind>,
    errors: Vec<SyntaxError>,
    /// Where the last error was reported.
    error_at: Option<usize>,
    depth: u32,
    /// Inside a `test` block.
    in_test: bool,
}

/// An open node.
#[derive(Clone, Copy)]
struct Marker {
    node: usize,
    position: usize,
}

/// A place to begin a node later.
type Mark = Marker;

impl<'s> Parser<'s> {
    fn new(source: &'s str, tokens: &'s Tokens, before: Option<Before<'s>>) -> Self {
        Self {
            source,
            tokens,
            before,
            seen: &tokens.seen,
            position: 0,
            nodes: Vec::with_capacity(tokens.seen.len()),
            open: Vec::new(),
            errors: Vec::new(),
            error_at: None,
            depth: 0,
            in_test: false,
        }
    }

    // Looking.

    fn current(&self) -> SyntaxKind {
        self.nth(0)
    }

    fn nth(&self, n: usize) -> SyntaxKind {
        self.kind_of(self.position + n).unwrap_or(Eof)
    }

    fn kind_of(&self, position: usize) -> Option<SyntaxKind> {
        self.seen.get(position).map(|seen| seen.kind)
    }

    fn at(&self, kind: SyntaxKind) -> bool {
        self.current() == kind
    }

    fn at2(&self, first: SyntaxKind, second: SyntaxKind) -> bool {
        self.at(first) && self.nth(1) == second
    }

    fn raw(&self, position: usize) -> u32 {
        self.seen.get(position).map_or(self.tokens.kinds.len() as u32, |seen| seen.token)
    }

    fn start_of(&self, raw: u32) -> u32 {
        self.tokens.starts.get(raw as usize).copied().unwrap_or(self.source.len() as u32)
    }

    fn range_of(&self, position: usize) -> TextRange {
        let raw = self.raw(position);
        let start = self.start_of(raw);
        TextRange::new(start, self.start_of(raw + 1).max(start))
    }

    fn text_of(&self, position: usize) -> &'s str {
        self.source.get(self.range_of(position).to_usize()).unwrap_or_default()
    }

    fn previous_end(&self) -> u32 {
        match self.position.checked_sub(1) {
            Some(previous) => self.range_of(previous).end,
            None => 0,
        }
    }

    /// Whether the next token stands on the line of the one before it.
    fn on_same_line(&self) -> bool {
        let between = self.previous_end() as usize..self.range_of(self.position).start as usize;
        self.position > 0 && self.source.get(between).is_some_and(|gap| !gap.contains('\n'))
    }

    // Advancing and building.

    fn bump(&mut self) {
        if self.position < self.seen.len() {
            self.position += 1;
        }
    }

    fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.position += 1;
        }
        found
    }

    fn mark(&self) -> Mark {
        Marker { node: self.nodes.len(), position: self.position }
    }

    fn open(&mut self, kind: SyntaxKind) -> Marker {
        let marker = self.mark();
        self.nodes.push(self.node(kind, marker.position));
        self.open.push(kind);
        marker
    }

    /// Opens a node around everything built since the mark.
    fn wrap(&mut self, mark: Mark, kind: SyntaxKind) -> Marker {
        let node = self.node(kind, mark.position);
        self.nodes.insert(mark.node, node);
        self.open.push(kind);
        for moved in self.nodes.iter_mut().skip(mark.node + 1) {
            moved.subtree_end += 1;
        }
        mark
    }

    /// Closes a node; one without a token is dropped.
    fn close(&mut self, marker: Marker) {
        self.open.pop();
        if self.position == marker.position {
            self.nodes.truncate(marker.node);
            return;
        }
        let token_end = self.raw(self.position - 1) + 1;
        let subtree_end = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(marker.node) {
            node.token_end = token_end;
            node.subtree_end = subtree_end;
        }
    }

    fn node(&self, kind: SyntaxKind, position: usize) -> NodeData {
        NodeData { kind, first_token: self.raw(position), token_end: 0, parent: 0, subtree_end: 0 }
    }

    /// A node of one token.
    fn leaf(&mut self, kind: SyntaxKind) {
        if self.position < self.seen.len() {
            let first_token = self.raw(self.position);
            let subtree_end = self.nodes.len() as u32 + 1;
            self.nodes.push(NodeData { kind, first_token, token_end: first_token + 1, parent: 0, subtree_end });
            self.position += 1;
        }
    }

    // Errors.

    fn error(&mut self, kind: SyntaxErrorKind, range: TextRange) {
        if self.error_at == Some(self.position) || self.follows_lexical_error() {
            return;
        }
        self.error_at = Some(self.position);
        self.errors.push(SyntaxError::new(kind, range));
    }

    /// The lexer already said what is wrong with this token or right before it.
    fn follows_lexical_error(&self) -> bool {
        if matches!(self.current(), BadNumber | BadString) {
            return true;
        }
        let from = match self.position.checked_sub(1) {
            Some(previous) => self.raw(previous) as usize + 1,
            None => 0,
        };
        let to = self.raw(self.position) as usize;
        self.tokens.kinds.get(from..to).is_some_and(|between| between.contains(&Unknown))
    }

    /// Reports what should stand here. The place is the token found, or the end of the line before it.
    fn expected(&mut self, expected: &[Expected]) {
        self.expected_at(self.here(), expected);
    }

    /// Reports a token that begins nothing that could stand here.
    fn unexpected(&mut self, expected: &[Expected]) {
        self.expected_at(self.range_of(self.position), expected);
    }

    fn expected_at(&mut self, range: TextRange, expected: &[Expected]) {
        let kind =
            SyntaxErrorKind::Expected { expected: expected.to_vec(), found: self.current(), within: self.within() };
        self.error(kind, range);
    }

    /// The innermost open node.
    fn within(&self) -> SyntaxKind {
        self.open.last().copied().unwrap_or(File)
    }

    /// The token that was found, if it is on the line; else the end of the one before it.
    fn here(&self) -> TextRange {
        let inside = self.on_same_line() && !self.at(Eof) && !self.at_strict_item();
        if inside || self.position == 0 { self.range_of(self.position) } else { TextRange::at(self.previous_end()) }
    }

    fn expect(&mut self, kind: SyntaxKind) -> bool {
        let found = self.eat(kind);
        if !found {
            self.expected(&[Expected::Token(kind)]);
        }
        found
    }

    /// A token that a malformed one may stand for: the lexer has reported that one.
    fn expect_literal(&mut self, kind: SyntaxKind) -> bool {
        if self.at_literal(kind) {
            self.bump();
            return true;
        }
        if kind == Duration && self.number_and_unit() {
            return true;
        }
        self.expected(&[Expected::Token(kind)]);
        false
    }

    fn at_literal(&self, kind: SyntaxKind) -> bool {
        let substitute = match kind {
            String => BadString,
            _ => BadNumber,
        };
        self.at(kind) || self.at(substitute)
    }

    fn nth_is_literal(&self, n: usize, kind: SyntaxKind) -> bool {
        let substitute = match kind {
            String => BadString,
            _ => BadNumber,
        };
        self.nth(n) == kind || self.nth(n) == substitute
    }

    /// Puts the next tokens into an error node, up to the one that `stop` wants or a brace that closes what is around;
    /// braces within are skipped in pairs.
    fn skip_until(&mut self, stop: impl Fn(&Self) -> bool) {
        let error = self.open(Error);
        let mut braces = 0u32;
        let mut first = true;
        loop {
            match self.current() {
                Eof => break,
                RBrace if braces == 0 => break,
                RBrace => braces -= 1,
                LBrace => braces += 1,
                _ if braces == 0 && !first && stop(self) => break,
                _ if self.at_strict_item() => break,
                _ => {}
            }
            first = false;
            self.bump();
        }
        self.close(error);
    }

    /// Puts the next token into an error node.
    fn skip_one(&mut self) {
        self.leaf(Error);
    }

    // Nesting.

    /// Goes one level down, or gives the rest of the item up where the limit is reached.
    fn nested(&mut self, inner: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_NESTING {
            self.too_deep();
            return;
        }
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }

    fn too_deep(&mut self) {
        // Said even where something else is already wrong: it is why the rest was not read.
        let kind = SyntaxErrorKind::NestingTooDeep { limit: MAX_NESTING };
        self.errors.push(SyntaxError::new(kind, self.range_of(self.position)));
        let error = self.open(Error);
        while !self.at(Eof) && !self.at_strict_item() {
            self.bump();
        }
        self.close(error);
        // Whatever is found missing on the way out is an echo.
        self.error_at = Some(self.position);
    }

    // Lists.

    /// `{ item item .. }`
    fn braces(&mut self, item: impl FnMut(&mut Self)) {
        self.braces_until(|_| false, item);
    }

    /// Braces that `stop` may end as well, where the closing one is missing.
    fn braces_until(&mut self, stop: impl Fn(&Self) -> bool, mut item: impl FnMut(&mut Self)) {
        let opened = self.position;
        if !self.expect(LBrace) {
            return;
        }
        while !matches!(self.current(), RBrace | Eof) && !self.at_strict_item() && !stop(self) {
            let before = self.position;
            item(self);
            if self.position == before {
                self.skip_one();
            }
        }
        self.close_bracket(RBrace, LBrace, opened);
    }

    fn close_bracket(&mut self, close: SyntaxKind, bracket: SyntaxKind, opened: usize) {
        if !self.eat(close) {
            let range = self.here();
            let blamed = bracket == LBrace && self.error_at != Some(self.position);
            let opened = self.range_of(if blamed { self.blame(opened) } else { opened });
            self.error(SyntaxErrorKind::Unclosed { bracket, opened }, range);
        }
    }

    /// Which brace was forgotten: the first whose closing brace stands further left than its line, if there is one
    /// behind the brace that is left open.
    fn blame(&self, opened: usize) -> usize {
        let mut open: Vec<usize> = Vec::new();
        for position in opened..self.position {
            match self.kind_of(position) {
                Some(LBrace) => open.push(position),
                Some(RBrace) => {
                    let Some(brace) = open.pop() else {
                        break;
                    };
                    let (closing, first_on_line) = self.indent_of(position);
                    if first_on_line && closing < self.indent_of(brace).0 {
                        return brace;
                    }
                }
                _ => {}
            }
        }
        opened
    }

    /// How far the token's line is indented, and whether the token is the first on it.
    fn indent_of(&self, position: usize) -> (usize, bool) {
        let start = self.range_of(position).start as usize;
        let before = self.source.get(..start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        (indent, indent == line.len())
    }

    // Names.

    /// A name, as a node of its own.
    fn name(&mut self) -> bool {
        if self.current().is_name() {
            self.leaf(Name);
            self.hyphen();
            return true;
        }
        if self.reserved_for_name() {
            self.reserved_word(Expected::Name);
            self.leaf(Name);
            return true;
        }
        self.expected(&[Expected::Name]);
        false
    }

    fn reserved_word(&mut self, expected: Expected) {
        let range = self.range_of(self.position);
        let word = self.current().text().unwrap_or_default();
        self.error(SyntaxErrorKind::ReservedWord { expected, word }, range);
    }

    /// Whether the reserved word that stands here was meant as a name, rather than the name being left out.
    fn reserved_for_name(&self) -> bool {
        let word = self.current();
        if !word.is_reserved() || !self.on_same_line() {
            return false;
        }
        let next = self.nth(1);
        match word {
            _ if matches!(next, SyntaxKind::Eq | Colon) => true,
            SuppressKw => false,
            _ if next == String => true,
            AndKw | OrKw | NotKw | IsKw | InKw | ElseKw | OnKw | WhereKw | IfKw | ChooseKw | NotifyKw | AskKw => false,
            WaitKw => !matches!(next, Duration | UntilKw | ForKw),
            AddKw | RemoveKw => next != TagKw,
            MoveKw | CountdownKw => next != ToKw,
            RepeatKw => next != UpKw,
            DeleteKw => next != ContactKw,
            StartKw | StopKw => next != JourneyKw,
            SendKw | SetKw | RecordKw | SubscribeKw | CallKw | VoucherKw | LetKw | StepKw | SplitKw => {
                !next.is_name() || !self.next_on_same_line()
            }
            _ => true,
        }
    }

    /// Whether the token behind the next one stands on the same line.
    fn next_on_same_line(&self) -> bool {
        let between = self.range_of(self.position).end as usize..self.range_of(self.position + 1).start as usize;
        self.source.get(between).is_some_and(|gap| !gap.contains('\n'))
    }

    /// Takes `-up` behind `follow`, where no subtraction can stand.
    fn hyphen(&mut self) {
        let mut end = self.position;
        while self.kind_of(end) == Some(Minus)
            && self.kind_of(end + 1).is_some_and(SyntaxKind::is_word)
            && self.range_of(end).start == self.range_of(end - 1).end
            && self.range_of(end + 1).start == self.range_of(end).end
        {
            end += 2;
        }
        if end == self.position {
            return;
        }
        let start = self.range_of(self.position - 1).start;
        let range = TextRange::new(start, self.range_of(end - 1).end);
        let suggestion = self.source.get(range.to_usize()).unwrap_or_default().replace('-', "_");
        self.error(SyntaxErrorKind::HyphenInName { suggestion }, range);
        let error = self.open(Error);
        self.position = end;
        self.close(error);
    }

    /// A handle or another name that may be left out.
    fn handle(&mut self) -> bool {
        let found = self.current().is_handle();
        if found {
            self.leaf(Name);
            self.hyphen();
        }
        found
    }

    /// Where a handle must stand: a word that could not be asked for later is taken and reported.
    fn no_handle(&mut self) {
        if self.current().is_connective() && self.on_same_line() || self.reserved_for_name() {
            self.reserved_word(Expected::Handle);
            self.leaf(Name);
        } else {
            self.expected(&[Expected::Handle]);
        }
    }

    /// `a`, `a.b.c`
    fn path(&mut self) -> bool {
        if !self.at_path() {
            if !self.reserved_for_name() {
                self.expected(&[Expected::Path]);
                return false;
            }
            self.reserved_word(Expected::Path);
        }
        self.path_from_here();
        true
    }

    /// The words of a path, the first whatever it is.
    fn path_from_here(&mut self) {
        let path = self.open(Path);
        self.bump();
        while self.eat(Dot) {
            if !self.current().is_word() {
                self.expected(&[Expected::Name]);
                break;
            }
            self.bump();
        }
        self.close(path);
    }

    /// A name, or a verb that an operator makes a name of: `voucher is set`.
    fn at_path(&self) -> bool {
        self.nth_is_path(0)
    }

    fn nth_is_path(&self, n: usize) -> bool {
        let word = self.nth(n);
        let next = self.nth(n + 1);
        word.is_name() || word.is_verb() && (compares(next) || continues(next))
    }

    // Misspelt words.

    /// The word that was meant, if what stands here is nearly one of them; reports it.
    fn misspelt(&mut self, words: impl Iterator<Item = &'static str>) -> Option<SyntaxKind> {
        if !self.current().is_name() {
            return None;
        }
        let suggestion = suggest::nearest(self.text_of(self.position), words)?;
        let range = self.range_of(self.position);
        self.error(SyntaxErrorKind::Misspelt { suggestion }, range);
        SyntaxKind::of_keyword(suggestion)
    }

    /// Whether a step begins here, be it misspelt at the beginning of a line: where skipping ends.
    fn at_step_again(&self) -> bool {
        let word = self.current();
        word.is_verb()
            || word == Ident
                && !self.on_same_line()
                && suggest::nearest(self.text_of(self.position), SyntaxKind::verbs()).is_some()
    }

    /// Whether an item begins here beyond doubt, even inside a brace that was not closed.
    fn at_strict_item(&self) -> bool {
        let word = self.current();
        if !word.begins_item() {
            return false;
        }
        match word {
            // In a test, `event purchase { .. }` is what happens.
            EventKw if self.in_test => false,
            TestKw => self.nth(1) == String && self.nth(2) == LBrace,
            JourneyKw | FunnelKw | ScoreKw | EventKw => self.nth(1).is_name() && self.nth(2) == LBrace,
            SegmentKw => self.nth(1).is_name() && self.nth(2) == Eq,
            TopicKw | VoucherKw => self.nth(1).is_word() && self.nth(2) == String,
            _ => false,
        }
    }
}

/// What makes a name of the word before it: a comparison, arithmetic or a dot.
fn compares(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        Dot | Plus
            | Minus
            | Star
            | Slash
            | EqEq
            | BangEq
            | Less
            | LessEq
            | Greater
            | GreaterEq
            | IsKw
            | InKw
            | ContainsKw
            | StartsKw
            | EndsKw
            | MatchesKw
            | BetweenKw
            | BeforeKw
            | AfterKw
    )
}

/// What else can follow an operand, and so makes a name of a reserved word.
fn continues(kind: SyntaxKind) -> bool {
    matches!(kind, AndKw | OrKw | NotKw | WithinKw | ChangedKw | RParen | RBracket | Comma)
}
