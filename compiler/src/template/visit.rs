//! Walks a template's tree: which variables it uses, which of them it can do without, and what it asks of each.
//!
//! A variable is *guarded* where its absence shows nowhere: in a condition, under `default`, and where a condition around it
//! has established that it is set.

use std::collections::BTreeSet;
use std::ops::Range;

use journey_bytecode::{FILTERS, TEMPLATE_TESTS, check_date_format};
use minijinja::machinery::ast::{
    BinOpKind, Call, CallArg, Expr, Filter, ForLoop, IfCond, IfExpr, Stmt, Test, UnaryOpKind,
};
use minijinja::value::ValueKind;
use smol_str::SmolStr;

use super::scope::{Chain, Local, Path, Scopes, chain, place};
use super::value::{Demand, Kind, Need, Source};
use super::{Compared, Piece, Role, Template, Use};
use crate::diagnostic::{Code, Diagnostic, Span, one_of, quote};

/// What `loop` knows inside of `{% for %}`.
pub const LOOP: &[&str] = &["first", "index", "index0", "last", "length", "revindex", "revindex0"];

pub(super) fn visit(tree: &Stmt<'_>, piece: &Piece, template: &mut Template) {
    Visitor { piece, template, scopes: Scopes::default() }.statement(tree);
}

/// What an expression is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Its value may be missing.
    Maybe,
    /// It must have a value.
    Value,
    /// It must have a value, which is printed.
    Print,
}

/// Where a value comes from; several if it is the one or the other.
type Sources = Vec<Source>;

struct Visitor<'a> {
    piece: &'a Piece,
    template: &'a mut Template,
    scopes: Scopes,
}

impl Visitor<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(raw) => self.template.plain.push_str(raw.raw),
            Stmt::EmitExpr(emit) => {
                let sources = self.expr(&emit.expr, Wanted::Print);
                // A variable that is printed as it is has a finding of its own.
                if chain(&emit.expr).is_none() {
                    self.demand(sources, Need::Shown, "{{ }}", self.piece.span(place(emit.span())));
                }
            }
            Stmt::IfCond(cond) => self.decision(cond),
            Stmt::ForLoop(each) => self.each(each),
            Stmt::WithBlock(with) => {
                self.scopes.push();
                for (target, value) in &with.assignments {
                    self.assign(target, value);
                }
                self.statements(&with.body);
                self.scopes.pop();
            }
            Stmt::Set(set) => self.assign(&set.target, &set.expr),
            Stmt::SetBlock(set) => {
                self.statements(&set.body);
                let sources = match &set.filter {
                    Some(filter) => self.expr(filter, Wanted::Value),
                    None => vec![Source::Kind(Kind::Text)],
                };
                self.scopes.bind(&set.target, Local { sources, ..Local::default() });
            }
            Stmt::FilterBlock(block) => {
                let sources = self.expr(&block.filter, Wanted::Value);
                self.demand(sources, Need::Shown, "{% filter %}", self.piece.span(place(block.filter_span)));
                self.statements(&block.body);
            }
            // The tags were checked before: no other statement comes here.
            _ => {}
        }
    }

    fn decision(&mut self, cond: &IfCond<'_>) {
        self.condition(&cond.expr);
        let before = self.scopes.clone();
        self.scopes.know(self.scopes.true_paths(&cond.expr));
        self.statements(&cond.true_body);
        let after_true = std::mem::replace(&mut self.scopes, before);
        self.scopes.know(self.scopes.false_paths(&cond.expr));
        self.statements(&cond.false_body);
        self.scopes.join(after_true);
    }

    fn each(&mut self, each: &ForLoop<'_>) {
        let list = self.expr(&each.iter, Wanted::Value);
        let mut alias = self.scopes.alias(&each.iter);
        if let Some(path) = &mut alias {
            path.names.push(SmolStr::new_static("*"));
        }
        let sources = list.iter().map(|source| source.item()).collect();
        self.demand(list, Need::List, "{% for %}", self.piece.span(place(each.iter.span())));
        let before = self.scopes.clone();
        self.scopes.push();
        self.scopes.bind_name("loop", Local::default());
        self.scopes.bind(&each.target, Local { alias, sources, maybe_unset: false });
        if let Some(filter) = &each.filter_expr {
            self.condition(filter);
            self.scopes.know(self.scopes.true_paths(filter));
        }
        self.statements(&each.body);
        self.scopes = before;
        self.statements(&each.else_body);
    }

    fn assign(&mut self, target: &Expr<'_>, value: &Expr<'_>) {
        let sources = self.expr(value, Wanted::Value);
        let alias = self.scopes.alias(value);
        self.scopes.bind(target, Local { alias, sources, maybe_unset: false });
    }

    /// Visits with more variables known to be set.
    fn knowing<T>(&mut self, paths: BTreeSet<Path>, visit: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.scopes.clone();
        self.scopes.know(paths);
        let visited = visit(self);
        self.scopes = before;
        visited
    }

    fn demand(&mut self, sources: Sources, need: Need, by: &str, span: Span) {
        if sources.iter().any(|source| !matches!(source, Source::Kind(kind) if need.accepts(*kind))) {
            self.template.demands.push(Demand { sources, need, by: SmolStr::new(by), span });
        }
    }

    fn condition(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::UnaryOp(not) if matches!(not.op, UnaryOpKind::Not) => self.condition(&not.expr),
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd) => {
                self.condition(&op.left);
                self.knowing(self.scopes.true_paths(&op.left), |this| this.condition(&op.right));
            }
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScOr) => {
                self.condition(&op.left);
                self.knowing(self.scopes.false_paths(&op.left), |this| this.condition(&op.right));
            }
            _ => {
                self.expr(expr, Wanted::Maybe);
            }
        }
    }

    fn expr(&mut self, expr: &Expr<'_>, wanted: Wanted) -> Sources {
        if let Some(chain) = chain(expr) {
            return self.variable(&chain, wanted);
        }
        // Printing is about the variable itself; whatever is made of it needs its value.
        let needed = if wanted == Wanted::Maybe { Wanted::Maybe } else { Wanted::Value };
        match expr {
            Expr::Filter(filter) => self.filter(filter, wanted, expr),
            Expr::Test(test) => {
                self.test(test, expr);
                vec![Source::Kind(Kind::Truth)]
            }
            Expr::IfExpr(choice) => self.choice(choice, wanted, expr),
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => {
                self.condition(&op.expr);
                vec![Source::Kind(Kind::Truth)]
            }
            Expr::UnaryOp(op) => {
                let sources = self.expr(&op.expr, Wanted::Value);
                self.demand(sources, Need::Number, "-", self.piece.span(place(op.span())));
                vec![Source::Kind(Kind::Number)]
            }
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd) => {
                // Without the left side, that is what comes out.
                let mut sources = self.expr(&op.left, needed);
                sources.extend(self.knowing(self.scopes.true_paths(&op.left), |this| this.expr(&op.right, needed)));
                sources
            }
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScOr) => {
                let mut sources = self.expr(&op.left, Wanted::Maybe);
                sources.extend(self.knowing(self.scopes.false_paths(&op.left), |this| this.expr(&op.right, needed)));
                sources
            }
            Expr::BinOp(op) => self.operator(op.op, &op.left, &op.right),
            Expr::Compare(compare) => {
                let mut left = (&compare.expr, self.expr(&compare.expr, Wanted::Value));
                for op in &compare.ops {
                    let right = (&op.expr, self.expr(&op.expr, Wanted::Value));
                    self.compared(&left.1, right.0);
                    self.compared(&right.1, left.0);
                    left = right;
                }
                vec![Source::Kind(Kind::Truth)]
            }
            Expr::GetAttr(get) => {
                let sources = self.expr(&get.expr, Wanted::Value);
                self.demand(sources, Need::Parts, get.name, self.piece.span(place(get.span())));
                vec![Source::Kind(Kind::Mixed)]
            }
            Expr::GetItem(get) => {
                let sources = self.expr(&get.expr, Wanted::Value);
                let items = sources.iter().map(|source| source.item()).collect();
                self.demand(sources, Need::List, "[ ]", self.piece.span(place(get.span())));
                self.expr(&get.subscript_expr, Wanted::Value);
                self.maybe_missing(expr, wanted, "a list may be shorter");
                items
            }
            Expr::Slice(slice) => {
                let sources = self.expr(&slice.expr, Wanted::Value);
                self.demand(sources.clone(), Need::ListOrText, "[ : ]", self.piece.span(place(slice.span())));
                for bound in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    let bound_sources = self.expr(bound, Wanted::Value);
                    self.demand(bound_sources, Need::Number, "[ : ]", self.piece.span(place(bound.span())));
                }
                sources
            }
            Expr::Call(call) => {
                self.call(call, expr);
                vec![Source::ANY]
            }
            Expr::List(list) => self.list(&list.items),
            Expr::Tuple(list) => self.list(&list.items),
            Expr::Map(map) => {
                for item in map.keys.iter().chain(&map.values) {
                    self.expr(item, Wanted::Value);
                }
                vec![Source::Kind(Kind::Record)]
            }
            Expr::Const(constant) => vec![Source::Kind(match constant.value.kind() {
                ValueKind::Number => Kind::Number,
                ValueKind::Bool => Kind::Truth,
                ValueKind::Seq => Kind::List,
                ValueKind::String => Kind::Text,
                _ => Kind::Any,
            })],
            Expr::Var(_) => vec![Source::ANY],
        }
    }

    /// Remembers the texts that a variable is compared with.
    fn compared(&mut self, sources: &[Source], with: &Expr<'_>) {
        match with {
            Expr::List(list) => list.items.iter().for_each(|item| self.compared(sources, item)),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.compared(sources, item)),
            Expr::Const(constant) => {
                let Some(text) = constant.value.as_str() else { return };
                let written = place(constant.span());
                let span = self.piece.span(written.start + 1..written.end.saturating_sub(1));
                let uses =
                    sources.iter().filter_map(|source| if let Source::Use(at) = source { Some(*at) } else { None });
                let compared = uses.map(|with| Compared { with, text: SmolStr::new(text), span });
                self.template.compared.extend(compared.collect::<Vec<_>>());
            }
            _ => {}
        }
    }

    fn list(&mut self, items: &[Expr<'_>]) -> Sources {
        for item in items {
            self.expr(item, Wanted::Value);
        }
        vec![Source::Kind(Kind::List)]
    }

    fn operator(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Sources {
        let (a, b) = (self.expr(left, Wanted::Value), self.expr(right, Wanted::Value));
        if matches!(op, BinOpKind::Eq | BinOpKind::Ne | BinOpKind::In) {
            self.compared(&a, right);
            self.compared(&b, left);
        }
        let (left, right) = (self.piece.span(place(left.span())), self.piece.span(place(right.span())));
        let sign = match op {
            BinOpKind::Add => "+",
            BinOpKind::Sub => "-",
            BinOpKind::Mul => "*",
            BinOpKind::Div => "/",
            BinOpKind::FloorDiv => "//",
            BinOpKind::Rem => "%",
            BinOpKind::Pow => "**",
            BinOpKind::Concat => {
                self.demand(a, Need::Shown, "~", left);
                self.demand(b, Need::Shown, "~", right);
                return vec![Source::Kind(Kind::Text)];
            }
            BinOpKind::In => {
                self.demand(b, Need::ListOrText, "in", right);
                return vec![Source::Kind(Kind::Truth)];
            }
            _ => return vec![Source::Kind(Kind::Truth)],
        };
        self.demand(a, Need::Number, sign, left);
        self.demand(b, Need::Number, sign, right);
        vec![Source::Kind(Kind::Number)]
    }

    fn choice(&mut self, choice: &IfExpr<'_>, wanted: Wanted, whole: &Expr<'_>) -> Sources {
        let needed = if wanted == Wanted::Maybe { Wanted::Maybe } else { Wanted::Value };
        self.condition(&choice.test_expr);
        let test = &choice.test_expr;
        let mut sources = self.knowing(self.scopes.true_paths(test), |this| this.expr(&choice.true_expr, needed));
        match &choice.false_expr {
            Some(other) => {
                sources.extend(self.knowing(self.scopes.false_paths(test), |this| this.expr(other, needed)));
            }
            // Printed, it means: or nothing.
            None if wanted == Wanted::Value => self.maybe_missing(whole, wanted, "this `if` has no `else`"),
            None => {}
        }
        sources
    }

    fn variable(&mut self, chain: &Chain, wanted: Wanted) -> Sources {
        let Some((root, root_range)) = chain.names.first() else { return vec![Source::ANY] };
        let local = self.scopes.local(root).cloned();
        if root == "loop" && local.is_some() {
            return self.loop_field(chain);
        }
        if let Some(local) = &local
            && local.maybe_unset
            && wanted != Wanted::Maybe
            && !self.scopes.is_local_known(root)
        {
            let message = format!("`{root}` has no value on one of the ways that lead here");
            self.template.findings.push(
                Diagnostic::new(Code::UnsetInTemplate, self.piece.span(root_range.clone()), message)
                    .help(format!("set it in the `{{% else %}}` too, or write `{root} | default(\"..\")`")),
            );
        }
        let span = self.piece.span(chain.range.clone());
        let Some((path, steps)) = self.scopes.resolve(chain) else {
            let sources = local.map_or_else(|| vec![Source::ANY], |local| local.sources);
            let Some((part, _)) = chain.names.get(1) else { return sources };
            self.demand(sources, Need::Parts, part, span);
            return vec![Source::Kind(Kind::Mixed)];
        };
        let role = match wanted {
            Wanted::Maybe => Role::Guarded,
            _ if self.scopes.is_known(&path) => Role::Guarded,
            Wanted::Print => Role::Printed,
            Wanted::Value => Role::Needed,
        };
        let gap = (wanted == Wanted::Print).then(|| gap(self.piece.text(), &chain.range)).flatten();
        let steps = steps.into_iter().map(|range| self.piece.span(range)).collect();
        let printed = wanted == Wanted::Print;
        let (path, explicit) = (path.names, path.explicit);
        self.template.uses.push(Use { path, explicit, span, steps, role, printed, gap });
        vec![Source::Use(self.template.uses.len() - 1)]
    }

    fn loop_field(&mut self, chain: &Chain) -> Sources {
        match chain.names.get(1) {
            Some((field, _)) if matches!(field.as_str(), "first" | "last") => vec![Source::Kind(Kind::Truth)],
            Some((field, _)) if LOOP.contains(&field.as_str()) => vec![Source::Kind(Kind::Number)],
            Some((field, range)) => {
                let span = self.piece.span(range.clone());
                let found = Diagnostic::new(Code::UnknownVariable, span, format!("`loop` has no {}", quote(field)));
                self.template.findings.push(found.suggest(field, LOOP.iter().copied()));
                vec![Source::ANY]
            }
            None => vec![Source::Kind(Kind::Record)],
        }
    }

    fn filter(&mut self, filter: &Filter<'_>, wanted: Wanted, whole: &Expr<'_>) -> Sources {
        let name = filter.name;
        let span = name_of(self.piece, name, whole);
        if !FILTERS.contains(&name) {
            self.template.findings.push(unknown_filter(name, span));
        }
        let operand = if name == "default" { Wanted::Maybe } else { Wanted::Value };
        let sources = match &filter.expr {
            Some(expr) => self.expr(expr, operand),
            // A block is text.
            None => vec![Source::Kind(Kind::Text)],
        };
        let args = self.args(&filter.args);
        let need = match name {
            "default" => return self.default(filter, sources, &args, span, wanted),
            "date" => Need::Moment,
            "money" if args.is_empty() => Need::Money,
            "money" => Need::MoneyOrNumber,
            "plural" => Need::Countable,
            "round" | "int" => Need::Number,
            "join" | "sort" | "unique" => Need::List,
            "first" | "last" | "length" | "reverse" => Need::ListOrText,
            "one_of" => Need::Choice,
            _ => Need::Shown,
        };
        if name == "plural" && !(2..=3).contains(&args.len()) {
            let found =
                Diagnostic::new(Code::WrongFilter, span, "`plural` needs the word for one and the word for many");
            self.template.findings.push(found.help("write it as `visits | plural(\"visit\", \"visits\")`"));
        }
        if let ("date", [CallArg::Pos(Expr::Const(format))]) = (name, filter.args.as_slice())
            && let Some(Err(cause)) = format.value.as_str().map(check_date_format)
        {
            let found = Diagnostic::new(Code::WrongFilter, self.piece.span(place(format.span())), cause);
            self.template.findings.push(found);
        }
        self.demand(sources.clone(), need, name, span);
        if name == "join" {
            self.demand(sources.iter().map(|source| source.item()).collect(), Need::Shown, name, span);
        }
        match name {
            "first" | "last" => {
                self.maybe_missing(whole, wanted, "it may be empty");
                // Of a text it is a letter; no list holds lists.
                let item = |source: &Source| match source {
                    Source::Kind(Kind::Text) | Source::Item(_) => Source::Kind(Kind::Text),
                    source => source.item(),
                };
                sources.iter().map(item).collect()
            }
            "sort" | "unique" => vec![Source::Kind(Kind::List)],
            "reverse" => sources,
            "length" | "int" | "round" => vec![Source::Kind(Kind::Number)],
            "one_of" => vec![Source::Kind(Kind::Mixed)],
            _ => vec![Source::Kind(Kind::Text)],
        }
    }

    fn default(
        &mut self,
        filter: &Filter<'_>,
        mut sources: Sources,
        args: &[Sources],
        span: Span,
        wanted: Wanted,
    ) -> Sources {
        match args.first() {
            Some(fallback) => sources.extend(fallback),
            None if filter.args.is_empty() && wanted != Wanted::Maybe => {
                let found =
                    Diagnostic::new(Code::UnsetInTemplate, span, "this `default` gives no text to fall back on");
                self.template.findings.push(found.help("write what stands there instead, as `default(\"there\")`"));
            }
            None => {}
        }
        sources
    }

    /// A value that need not be there.
    fn maybe_missing(&mut self, expr: &Expr<'_>, wanted: Wanted, why: &str) {
        if wanted == Wanted::Maybe {
            return;
        }
        let span = self.piece.span(place(expr.span()));
        let found = Diagnostic::new(Code::UnsetInTemplate, span, format!("there may be nothing to show here: {why}"))
            .help("write `| default(\"..\")` behind it, with what stands there instead");
        self.template.findings.push(found);
    }

    fn test(&mut self, test: &Test<'_>, whole: &Expr<'_>) {
        self.expr(&test.expr, Wanted::Maybe);
        self.args(&test.args);
        if !TEMPLATE_TESTS.contains(&test.name) {
            let span = name_of(self.piece, test.name, whole);
            let found = Diagnostic::new(Code::UnknownTest, span, format!("templates cannot ask `is {}`", test.name));
            let meant = match test.name {
                "none" | "null" | "unset" | "empty" | "blank" | "missing" => Some("undefined"),
                "set" | "present" | "known" => Some("defined"),
                _ => None,
            };
            let found = match meant {
                Some(meant) => found.replace_with(test.name, meant),
                None => found.suggest(test.name, TEMPLATE_TESTS.iter().copied()),
            };
            let help = "ask `is defined` or `is undefined`; compare with `==`, as `plan == \"pro\"`";
            self.template.findings.push(found.help(help));
        }
    }

    fn call(&mut self, call: &Call<'_>, whole: &Expr<'_>) {
        self.args(&call.args);
        let (name, span) = match &call.expr {
            Expr::Var(var) => (var.id, var.span()),
            Expr::GetAttr(get) => {
                self.expr(&get.expr, Wanted::Maybe);
                (get.name, get.span())
            }
            other => {
                self.expr(other, Wanted::Maybe);
                ("", whole.span())
            }
        };
        let end = span.end_offset as usize;
        let span = match name {
            "" => self.piece.span(place(span)),
            name => self.piece.span(end - name.len().min(end)..end),
        };
        let found = Diagnostic::new(Code::UnknownFunction, span, "templates have no functions");
        let found = match FILTERS.iter().find(|filter| **filter == name) {
            Some(filter) => found.help(format!("`{filter}` is a filter: write `value | {filter}`")),
            None => found.help("change values with filters, as `first_name | upper`"),
        };
        self.template.findings.push(found);
    }

    fn args(&mut self, args: &[CallArg<'_>]) -> Vec<Sources> {
        let mut all = Vec::new();
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    all.push(self.expr(expr, Wanted::Value));
                }
            }
        }
        all
    }
}

/// Where the name of a filter or test stands, which is where the parser says that the whole of it begins.
fn name_of(piece: &Piece, name: &str, whole: &Expr<'_>) -> Span {
    let start = whole.span().start_offset as usize;
    piece.span(start..start + name.len())
}

fn unknown_filter(name: &str, span: Span) -> Diagnostic {
    let found = Diagnostic::new(Code::UnknownFilter, span, format!("there is no filter `{name}`"));
    let meant = match name {
        "d" | "default_if_none" | "fallback" => Some("default"),
        "count" | "size" => Some("length"),
        "downcase" => Some("lower"),
        "upcase" => Some("upper"),
        "strip" => Some("trim"),
        "currency" | "number_to_currency" => Some("money"),
        "strftime" | "time" => Some("date"),
        "pluralize" => Some("plural"),
        "random" | "sample" => Some("one_of"),
        _ => None,
    };
    let found = match (name, meant) {
        ("safe" | "raw", _) => {
            found.note("What a contact typed must never become part of the page: values are always escaped.")
        }
        (_, Some(meant)) => found.replace_with(name, meant),
        _ => found.suggest(name, FILTERS.iter().copied()),
    };
    found.help(format!("the filters are {}", one_of(FILTERS.iter().copied()).replace(" or ", " and ")))
}

/// How the line around `{{ name }}` reads without it, if the words beside it are plain text: `Hello ,`. A word is shown
/// whole or not at all.
fn gap(text: &str, at: &Range<usize>) -> Option<String> {
    const CONTEXT: usize = 24;
    let before = text.get(..at.start)?.trim_end().trim_end_matches('-').strip_suffix("{{")?;
    let after = text.get(at.end..)?.trim_start().trim_start_matches('-').strip_prefix("}}")?;
    let before = before.rsplit(['\n', '}', '>', '"']).next()?;
    let after = after.split(['\n', '{', '<', '"']).next()?;
    let short = |part: &&str| part.chars().count() <= CONTEXT;
    // From each place where a word begins, to each where one ends: the longest that is short enough.
    let begins = before
        .char_indices()
        .filter(|(at, _)| before.get(..*at).is_some_and(|rest| rest.is_empty() || rest.ends_with(' ')));
    let before = begins.filter_map(|(at, _)| before.get(at..)).find(short)?;
    let ends = after.char_indices().rev().filter(|(_, c)| *c == ' ').filter_map(|(at, _)| after.get(..at));
    let after = std::iter::once(after).chain(ends).find(short)?;
    let before = before.trim_start_matches(['#', ' ', '*', '_', '-']);
    (!before.trim().is_empty()).then(|| format!("{before}{after}").trim().to_owned())
}
