//! The tree as a document: what stands on a line of its own, and where a line may end.

use super::doc::{Doc, Part};
use super::gap::{Gap, has_comments};
use crate::ast::{AstNode, Body, Clause, GivenFact, Pattern};
use crate::kind::SyntaxKind::{self, *};
use crate::tree::{Node, Token};

/// Lays a file out; an item that is broken stays as it is.
pub(super) fn file(file: Node<'_>, is_broken: impl Fn(Node<'_>) -> bool) -> std::string::String {
    let source = file.text();
    let mut layout = Layout::new(file);
    let mut previous: Option<Node<'_>> = None;
    for item in file.children() {
        let apart = previous.is_some_and(|previous| is_block(previous) || is_block(item));
        layout.next_element(item, previous.is_none(), apart, |layout| {
            if is_broken(item) {
                layout.verbatim(item);
            } else {
                layout.node(item);
            }
        });
        previous = Some(item);
    }
    layout.last_gap(file.tree().tokens().count(), previous.is_none());
    layout.doc.print(source.len() + source.len() / 8)
}

/// Whether the item goes over several lines, so that empty lines set it apart.
fn is_block(item: Node<'_>) -> bool {
    matches!(item.kind(), ContactDecl | ScoreDecl | PolicyDecl | Journey | BareJourney | Test)
}

/// How a list in brackets is laid out.
#[derive(Clone, Copy, PartialEq)]
enum List {
    /// One element a line.
    Lines,
    /// On one line with commas if it fits, else one element a line without.
    Fields,
    /// On one line with commas if it fits, else one element a line with commas.
    Values,
    /// As many on a line as fit.
    Filled,
    /// One step on one line if it fits, else one a line.
    Arm,
}

struct Layout<'t> {
    doc: Doc<'t>,
    /// The token, trivia included, behind the last one laid out.
    next: usize,
    /// The last token on the line.
    last: Option<SyntaxKind>,
    /// No space in front of the next token.
    tight: bool,
    /// Remarks found in the middle of a statement.
    found: Vec<&'t str>,
    root: Node<'t>,
}

impl<'t> Layout<'t> {
    fn new(root: Node<'t>) -> Self {
        // A word has a space or the end of a line behind it.
        let parts = root.tree().tokens().size_hint().0 * 3 / 2;
        Self { doc: Doc::with_capacity(parts), next: 0, last: None, tight: false, found: Vec::new(), root }
    }

    // Tokens and what stands between them.

    fn push(&mut self, part: Part<'t>) {
        if !matches!(part, Part::Text(_)) {
            self.last = None;
        }
        self.doc.push(part);
    }

    fn token(&mut self, token: Token<'t>) {
        let text = match token.kind() {
            EqEq => "is",
            BangEq => "is not",
            _ => token.text(),
        };
        self.word(token, text);
    }

    fn word(&mut self, token: Token<'t>, text: &'t str) {
        let gap = Gap::between(self.root.tree(), self.next, token.index());
        self.found.extend(gap.texts());
        self.next = token.index() + 1;
        if let Some(last) = self.last
            && !self.tight
            && spaced(last, token.kind())
        {
            self.doc.push(Part::Space);
        }
        self.tight = false;
        self.last = Some(token.kind());
        self.doc.push(Part::Text(text));
    }

    /// Lays a node out token by token.
    fn node(&mut self, node: Node<'t>) {
        match node.kind() {
            Journey => self.braced(node, List::Lines),
            BareJourney => self.sentence(node),
            ContactDecl => self.contact(node),
            PolicyDecl | ScoreDecl | Test => self.braced(node, List::Lines),
            TagsDecl | EnumType => self.braced(node, List::Filled),
            FieldList => self.braced(node, List::Fields),
            RecordLiteral => self.braced(node, List::Values),
            ListExpr => self.bracketed(node, LBracket, RBracket, List::Values),
            Block => self.braced(node, List::Lines),
            FunnelDecl => self.funnel(node),
            RaceStep | ChooseStep | SplitStep | AskStep | CountdownStep => self.braced(node, List::Lines),
            ChooseArm | SplitArm | RaceArm | TimeoutArm | AskArm => self.arm(node),
            IfStep => self.if_step(node),
            ElseBranch => self.else_branch(node),
            CountdownPoint => self.grouped(|layout| layout.parts_with_body(node)),
            WaitForStep | WaitUntilStep | CallStep => self.with_else(node),
            OrExpr | AndExpr => self.chain(node),
            NegExpr => self.tight_after(node, Minus),
            ScoreRule => self.score_rule(node),
            GivenContact => self.given_contact(node),
            _ => self.unit(node),
        }
    }

    fn grouped(&mut self, inside: impl FnOnce(&mut Self)) {
        self.doc.open();
        inside(self);
        self.doc.close();
    }

    fn indented(&mut self, inside: impl FnOnce(&mut Self)) {
        self.doc.push(Part::Indent);
        inside(self);
        self.doc.push(Part::Dedent);
    }

    fn part(&mut self, part: Piece<'t>) {
        match part {
            Piece::Token(token) => self.token(token),
            Piece::Node(node) => self.node(node),
        }
    }

    /// A statement or a part of one: words with single spaces; a line may end in front of its clauses.
    fn unit(&mut self, node: Node<'t>) {
        let is_block = |piece: &Piece<'t>| matches!(piece, Piece::Node(child) if child.kind() == Block);
        let head = pieces(node).filter(|piece| !is_block(piece));
        if node.children().any(|child| breaks_before(child.kind())) {
            self.grouped(|layout| layout.clauses(head));
        } else {
            head.for_each(|piece| self.part(piece));
        }
        if let Some(block) = node.child(Block) {
            self.node(block);
        }
    }

    /// A contact and its facts, as many on a line as fit.
    fn given_contact(&mut self, node: Node<'t>) {
        let is_fact = |piece: &Piece<'t>| matches!(piece, Piece::Node(child) if GivenFact::cast(*child).is_some());
        let is_and = |piece: &Piece<'t>| matches!(piece, Piece::Token(token) if token.kind() == AndKw);
        let mut pieces = pieces(node).peekable();
        while let Some(piece) = pieces.next_if(|piece| !is_fact(piece) && !is_and(piece)) {
            self.part(piece);
        }
        self.indented(|layout| {
            while let Some(piece) = pieces.next() {
                layout.grouped(|layout| {
                    layout.push(Part::Line);
                    layout.part(piece);
                    if is_and(&piece)
                        && let Some(fact) = pieces.next()
                    {
                        layout.part(fact);
                    }
                });
            }
        });
    }

    /// The first piece, then the others, indented where a line ends in front of a clause.
    fn clauses(&mut self, mut pieces: impl Iterator<Item = Piece<'t>>) {
        if let Some(first) = pieces.next() {
            self.part(first);
        }
        self.indented(|layout| layout.more_clauses(&mut pieces));
    }

    fn more_clauses(&mut self, rest: &mut dyn Iterator<Item = Piece<'t>>) {
        for piece in rest {
            if let Piece::Node(child) = piece
                && breaks_before(child.kind())
            {
                self.push(Part::Line);
            }
            match piece {
                // Its clauses stand under those of the step.
                Piece::Node(pattern) if Pattern::cast(pattern).is_some() => self.more_clauses(&mut pieces(pattern)),
                _ => self.part(piece),
            }
        }
    }

    fn tight_after(&mut self, node: Node<'t>, sign: SyntaxKind) {
        for piece in pieces(node) {
            self.part(piece);
            if let Piece::Token(token) = piece
                && token.kind() == sign
            {
                self.tight = true;
            }
        }
    }

    fn score_rule(&mut self, node: Node<'t>) {
        let open_end = node.children().any(|pattern| pattern.children().any(|child| ends_open(child.kind())));
        for piece in pieces(node) {
            match piece {
                // The colon stands where the points would be added to a value, and nowhere else.
                Piece::Token(token) if token.kind() == Colon => {}
                Piece::Token(token) if matches!(token.kind(), Plus | Minus) => {
                    if open_end {
                        self.doc.push(Part::Text(":"));
                    }
                    self.token(token);
                    self.tight = true;
                }
                _ => self.part(piece),
            }
        }
    }

    /// `a and b`, on several lines if it does not fit.
    fn chain(&mut self, node: Node<'t>) {
        self.grouped(|layout| {
            let mut pieces = pieces(node);
            if let Some(first) = pieces.next() {
                layout.part(first);
            }
            layout.indented(|layout| {
                for piece in pieces {
                    if matches!(piece, Piece::Token(_)) {
                        layout.push(Part::Line);
                    }
                    layout.part(piece);
                }
            });
        });
    }

    fn funnel(&mut self, node: Node<'t>) {
        let opened = |piece: &Piece<'t>| matches!(piece, Piece::Token(token) if token.kind() == LBrace);
        self.grouped(|layout| {
            let mut inside = false;
            for piece in pieces(node) {
                match piece {
                    Piece::Token(token) if token.kind() == RBrace => {
                        layout.doc.push(Part::Dedent);
                        layout.push(Part::Line);
                        layout.token(token);
                    }
                    Piece::Token(token) if token.kind() == Arrow => {
                        layout.push(Part::Line);
                        layout.token(token);
                    }
                    _ => {
                        if inside {
                            layout.push(Part::Line);
                            inside = false;
                        }
                        layout.part(piece);
                    }
                }
                if opened(&piece) {
                    layout.doc.push(Part::Indent);
                    inside = true;
                }
            }
        });
    }

    // Branches.

    fn if_step(&mut self, node: Node<'t>) {
        self.grouped(|layout| {
            layout.grouped(|layout| {
                for piece in pieces(node) {
                    match piece {
                        Piece::Node(child) if child.kind() == ElseBranch => {}
                        Piece::Node(child) if is_body(child) => layout.body(child),
                        _ => layout.part(piece),
                    }
                }
            });
            layout.else_of(node, node.child(Block).is_some());
        });
    }

    /// A step with an `else` that runs when it does not come to what it waits for.
    fn with_else(&mut self, node: Node<'t>) {
        self.grouped(|layout| {
            let is_else = |piece: &Piece<'t>| matches!(piece, Piece::Node(child) if child.kind() == ElseBranch);
            layout.grouped(|layout| {
                layout.clauses(pieces(node).filter(|piece| !is_else(piece)));
            });
            // A block goes on on the line that it waits behind.
            let block = node.child(ElseBranch).is_some_and(|branch| branch.child(Block).is_some());
            layout.else_of(node, block);
        });
    }

    /// The node's `else`: behind a brace on its line, otherwise on a line of its own if the whole does not fit.
    fn else_of(&mut self, node: Node<'t>, behind_brace: bool) {
        let Some(branch) = node.child(ElseBranch) else {
            return;
        };
        let Some(word) = branch.first_token() else {
            return;
        };
        let gap = Gap::between(self.root.tree(), self.next, word.index());
        self.next = word.index();
        if gap.has_remarks() {
            for remark in gap.texts() {
                self.push(Part::Hard);
                self.push(Part::Comment(remark));
            }
            self.push(Part::Hard);
        } else if behind_brace {
            self.push(Part::Space);
        } else if branch.child(IfStep).is_some() {
            self.push(Part::Hard);
        } else {
            self.push(Part::Line);
        }
        self.else_branch(branch);
    }

    fn else_branch(&mut self, branch: Node<'t>) {
        let of_arms = branch.parent().is_some_and(|step| matches!(step.kind(), ChooseStep | AskStep));
        self.grouped(|layout| {
            for piece in pieces(branch) {
                match piece {
                    Piece::Node(child) if child.kind() == IfStep => layout.node(child),
                    Piece::Node(block) if of_arms && block.kind() == Block => {
                        layout.bracketed(block, LBrace, RBrace, List::Arm);
                    }
                    Piece::Node(child) => layout.body(child),
                    Piece::Token(token) => layout.token(token),
                }
            }
        });
    }

    /// A block on the same line, or a step on the same line if it fits.
    fn body(&mut self, body: Node<'t>) {
        if body.kind() == Block {
            self.node(body);
            return;
        }
        self.indented(|layout| {
            layout.push(Part::Line);
            layout.node(body);
        });
    }

    fn parts_with_body(&mut self, node: Node<'t>) {
        for piece in pieces(node) {
            match piece {
                Piece::Node(child) if is_body(child) => self.body(child),
                _ => self.part(piece),
            }
        }
    }

    fn arm(&mut self, node: Node<'t>) {
        for piece in pieces(node) {
            match piece {
                Piece::Node(block) if block.kind() == Block => self.bracketed(block, LBrace, RBrace, List::Arm),
                _ => self.part(piece),
            }
        }
    }

    // Lists.

    fn braced(&mut self, node: Node<'t>, list: List) {
        self.bracketed(node, LBrace, RBrace, list);
    }

    fn contact(&mut self, node: Node<'t>) {
        for piece in pieces(node) {
            match piece {
                Piece::Node(fields) if fields.kind() == FieldList => self.braced(fields, List::Lines),
                _ => self.part(piece),
            }
        }
    }

    /// What stands before a node's brackets, the list in them, and what stands behind.
    fn bracketed(&mut self, node: Node<'t>, open: SyntaxKind, close: SyntaxKind, list: List) {
        let mut before = Vec::new();
        let mut elements = Vec::new();
        let mut behind = Vec::new();
        let (mut opened, mut closed) = (None, None);
        for piece in pieces(node) {
            match piece {
                Piece::Token(token) if token.kind() == open && opened.is_none() => opened = Some(token),
                Piece::Token(token) if token.kind() == close && opened.is_some() && closed.is_none() => {
                    closed = Some(token);
                }
                _ if opened.is_none() => before.push(piece),
                _ if closed.is_some() => behind.push(piece),
                Piece::Node(element) => elements.push(element),
                // Commas come again where the style has them.
                Piece::Token(_) => {}
            }
        }
        before.into_iter().for_each(|piece| self.part(piece));
        if let (Some(opened), Some(closed)) = (opened, closed) {
            self.list(opened, &elements, closed, list);
        }
        let (branches, clauses): (Vec<_>, Vec<_>) =
            behind.into_iter().partition(|piece| matches!(piece, Piece::Node(child) if child.kind() == ElseBranch));
        if !clauses.is_empty() {
            self.grouped(|layout| layout.indented(|layout| layout.more_clauses(&mut clauses.into_iter())));
        }
        if !branches.is_empty() {
            self.else_of(node, true);
        }
    }

    fn list(&mut self, open: Token<'t>, elements: &[Node<'t>], close: Token<'t>, list: List) {
        self.token(open);
        let remarks = has_comments(self.root.tree(), open.index(), close.index());
        if elements.is_empty() && !remarks {
            self.next = close.index();
            self.tight = true;
            self.token(close);
            return;
        }
        let lines = match list {
            List::Lines => true,
            List::Arm => remarks || elements.len() != 1,
            List::Fields | List::Values | List::Filled => remarks,
        };
        if lines {
            self.lines(elements, close, list);
        } else {
            self.grouped(|layout| layout.one_line(elements, close, list));
        }
    }

    /// On one line if it fits. There are no remarks.
    fn one_line(&mut self, elements: &[Node<'t>], close: Token<'t>, list: List) {
        let edge = if close.kind() == RBracket { Part::SoftLine } else { Part::Line };
        self.indented(|layout| {
            for (index, element) in elements.iter().enumerate() {
                let fill = list == List::Filled && index > 0;
                if fill {
                    layout.doc.open();
                }
                layout.push(if index == 0 { edge } else { Part::Line });
                if let Some(first) = element.first_token() {
                    // Only commas and spaces are passed over.
                    layout.next = first.index();
                }
                layout.node(*element);
                let last = index + 1 == elements.len();
                match list {
                    List::Fields if !last => layout.doc.push(Part::IfFlat(",")),
                    List::Values if !last => layout.doc.push(Part::Text(",")),
                    List::Values => layout.doc.push(Part::IfBroken(",")),
                    _ => {}
                }
                if fill {
                    layout.doc.close();
                }
            }
        });
        self.push(edge);
        self.next = close.index();
        self.token(close);
    }

    /// One element a line.
    fn lines(&mut self, elements: &[Node<'t>], close: Token<'t>, list: List) {
        self.indented(|layout| {
            let mut previous: Option<Node<'t>> = None;
            for element in elements {
                layout.next_element(*element, previous.is_none(), begins_steps(previous, *element), |layout| {
                    layout.node(*element);
                    if list == List::Values {
                        layout.doc.push(Part::Text(","));
                    }
                });
                previous = Some(*element);
            }
            layout.last_gap(close.index(), previous.is_none());
        });
        self.push(Part::Hard);
        self.token(close);
    }

    /// An element on a line of its own, with the remarks above it. The first has no empty line above; an empty line that the source
    /// has is kept, and `apart` asks for one.
    fn next_element(&mut self, element: Node<'t>, first: bool, apart: bool, inside: impl FnOnce(&mut Self)) {
        let Some(start) = element.first_token() else {
            return;
        };
        let gap = Gap::between(self.root.tree(), self.next, start.index());
        self.next = start.index();
        if let Some(trailing) = gap.trailing {
            self.push(Part::Comment(trailing));
        }
        let blank = gap.remarks.first().map_or(gap.blank, |remark| remark.blank);
        self.line_before(!first && (blank || apart));
        let place = self.doc.len();
        for (index, remark) in gap.remarks.iter().enumerate() {
            self.push(Part::Comment(remark.text));
            self.line_before(gap.remarks.get(index + 1).map_or(gap.blank, |next| next.blank));
        }
        let outer = std::mem::take(&mut self.found);
        inside(self);
        let found = std::mem::replace(&mut self.found, outer);
        if !found.is_empty() {
            self.doc.insert_lines(place, found.into_iter());
        }
    }

    /// The remarks behind the last element.
    fn last_gap(&mut self, end: usize, empty: bool) {
        let gap = Gap::between(self.root.tree(), self.next, end);
        self.next = end;
        if let Some(trailing) = gap.trailing {
            self.push(Part::Comment(trailing));
        }
        for (index, remark) in gap.remarks.iter().enumerate() {
            self.line_before(remark.blank && !(empty && index == 0));
            self.push(Part::Comment(remark.text));
        }
    }

    fn line_before(&mut self, blank: bool) {
        self.push(if blank { Part::Blank } else { Part::Hard });
    }

    // Whole items.

    fn verbatim(&mut self, item: Node<'t>) {
        self.doc.push(Part::Verbatim(item.text()));
        self.last = None;
        if let Some(last) = item.last_token() {
            self.next = last.index() + 1;
        }
    }

    /// A journey without a block: on one line if it was and fits, else a statement a line.
    fn sentence(&mut self, node: Node<'t>) {
        let mut previous: Option<Node<'t>> = None;
        if node.text().contains('\n') || node.tokens().any(|token| token.kind() == Comment) {
            for child in node.children() {
                self.next_element(child, previous.is_none(), begins_steps(previous, child), |layout| {
                    layout.node(child)
                });
                previous = Some(child);
            }
            return;
        }
        self.grouped(|layout| {
            for child in node.children() {
                if previous.is_some() {
                    layout.push(if begins_steps(previous, child) { Part::Paragraph } else { Part::Line });
                }
                layout.node(child);
                previous = Some(child);
            }
        });
    }
}

/// A node's tokens and children in order.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Token(Token<'t>),
    Node(Node<'t>),
}

fn pieces(node: Node<'_>) -> impl Iterator<Item = Piece<'_>> {
    let mut tokens = node.own_tokens().peekable();
    let mut children = node.children().peekable();
    std::iter::from_fn(move || {
        let child = children.peek().and_then(|child| child.first_token());
        match (tokens.peek(), child) {
            (Some(token), Some(first)) if token.index() > first.index() => children.next().map(Piece::Node),
            (Some(_), _) => tokens.next().map(Piece::Token),
            (None, _) => children.next().map(Piece::Node),
        }
    })
}

/// Whether the header ends between the two.
fn begins_steps(previous: Option<Node<'_>>, next: Node<'_>) -> bool {
    previous.is_some_and(|previous| is_clause(previous) && !is_clause(next))
}

fn is_clause(node: Node<'_>) -> bool {
    Clause::cast(node).is_some()
}

fn is_body(node: Node<'_>) -> bool {
    Body::cast(node).is_some()
}

/// Clauses that a sign behind them would be added to.
fn ends_open(kind: SyntaxKind) -> bool {
    matches!(kind, WhereClause | FromClause | ToClause)
}

/// Clauses in front of which a long statement goes on on the next line.
fn breaks_before(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        AsClause
            | WithClause
            | FromClause
            | ToClause
            | ViaClause
            | UpToClause
            | WhereClause
            | WithinClause
            | SinceClause
            | CountClause
            | LimitClause
            | MeasureClause
            | RunForClause
            | BestClause
            | ExpiresClause
            | UntilClause
    )
}

/// Whether a space stands between two tokens on a line.
fn spaced(last: SyntaxKind, next: SyntaxKind) -> bool {
    !matches!(next, Comma | Colon | Question | Dot | RParen | RBracket) && !matches!(last, LParen | LBracket | Dot)
}
