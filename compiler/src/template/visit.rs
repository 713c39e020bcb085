//! Walks a template's tree: which variables it uses, and which of them it can do without.
//!
//! A variable is *guarded* where its absence shows nowhere: in a condition, under `default`, and where a condition around it
//! has established that it is set.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use journey_bytecode::{BUILTIN_VARIABLES, FILTERS, TEMPLATE_TESTS};
use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, Filter, IfExpr, Stmt, Test, UnaryOpKind};
use smol_str::SmolStr;

use super::{Applied, Piece, Role, Template, Use};
use crate::diagnostic::{Code, Diagnostic, Span, one_of, quote};

/// What `loop` knows inside of `{% for %}`.
const LOOP: &[&str] = &["first", "index", "index0", "last", "length", "nextitem", "previtem", "revindex", "revindex0"];

pub(super) fn visit(tree: &Stmt<'_>, piece: &Piece, template: &mut Template) {
    let mut visitor = Visitor { piece, template, scopes: vec![BTreeMap::new()], known: BTreeSet::new() };
    visitor.statement(tree);
}

/// A name that the template itself made.
#[derive(Clone, Debug)]
struct Local {
    /// The variable that it stands for, if it is just another name for one.
    alias: Option<Path>,
    /// Whether it may be without a value.
    maybe_unset: bool,
}

impl Local {
    /// What only one of two ways has set.
    const UNSURE: Self = Self { alias: None, maybe_unset: true };
}

/// A variable as the template means it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Path {
    names: Vec<SmolStr>,
    explicit: bool,
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

struct Visitor<'a> {
    piece: &'a Piece,
    template: &'a mut Template,
    scopes: Vec<BTreeMap<String, Local>>,
    /// Variables that are known to be set here.
    known: BTreeSet<Path>,
}

/// A chain of names: `contact.first_name`, with the place of each in the text.
struct Chain {
    names: Vec<(SmolStr, Range<usize>)>,
    range: Range<usize>,
}

fn place(span: minijinja::machinery::Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

impl Visitor<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(raw) => self.template.plain.push_str(raw.raw),
            Stmt::EmitExpr(emit) => self.expr(&emit.expr, Wanted::Print),
            Stmt::IfCond(cond) => {
                self.condition(&cond.expr);
                let before = self.scopes.clone();
                self.knowing(true_paths(self, &cond.expr), |this| this.statements(&cond.true_body));
                let after_true = std::mem::replace(&mut self.scopes, before);
                self.knowing(false_paths(self, &cond.expr), |this| this.statements(&cond.false_body));
                self.join(after_true);
            }
            Stmt::ForLoop(each) => {
                self.expr(&each.iter, Wanted::Value);
                let mut item = self.alias(&each.iter);
                if let Some(path) = &mut item {
                    path.names.push(SmolStr::new_static("*"));
                }
                self.scopes.push(BTreeMap::new());
                self.bind_name("loop", None);
                self.bind(&each.target, item);
                if let Some(filter) = &each.filter_expr {
                    self.condition(filter);
                }
                self.statements(&each.body);
                self.scopes.pop();
                self.statements(&each.else_body);
            }
            Stmt::WithBlock(with) => {
                let mut scope = BTreeMap::new();
                for (target, value) in &with.assignments {
                    self.expr(value, Wanted::Value);
                    let alias = self.alias(value);
                    self.scopes.push(std::mem::take(&mut scope));
                    self.bind(target, alias);
                    scope = self.scopes.pop().unwrap_or_default();
                }
                self.scopes.push(scope);
                self.statements(&with.body);
                self.scopes.pop();
            }
            Stmt::Set(set) => {
                self.expr(&set.expr, Wanted::Value);
                let alias = self.alias(&set.expr);
                self.bind(&set.target, alias);
            }
            Stmt::SetBlock(set) => {
                self.statements(&set.body);
                set.filter.iter().for_each(|filter| self.expr(filter, Wanted::Value));
                self.bind(&set.target, None);
            }
            Stmt::FilterBlock(block) => {
                self.expr(&block.filter, Wanted::Value);
                self.statements(&block.body);
            }
            // The tags were checked before: no other statement comes here.
            _ => {}
        }
    }

    /// Visits with more variables known to be set.
    fn knowing(&mut self, paths: BTreeSet<Path>, visit: impl FnOnce(&mut Self)) {
        let before = self.known.clone();
        self.known.extend(paths);
        visit(self);
        self.known = before;
    }

    /// After a decision: what only one side has set may be unset.
    fn join(&mut self, other: Vec<BTreeMap<String, Local>>) {
        for (scope, other) in self.scopes.iter_mut().zip(other) {
            for (name, local) in scope.iter_mut() {
                match other.get(name) {
                    Some(same) => {
                        local.maybe_unset |= same.maybe_unset;
                        if local.alias != same.alias {
                            local.alias = None;
                        }
                    }
                    None => *local = Local::UNSURE,
                }
            }
            for name in other.into_keys() {
                scope.entry(name).or_insert(Local::UNSURE);
            }
        }
    }

    fn bind(&mut self, target: &Expr<'_>, alias: Option<Path>) {
        match target {
            Expr::Var(var) => self.bind_name(var.id, alias),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item, None)),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.bind(item, None)),
            _ => {}
        }
    }

    fn bind_name(&mut self, name: &str, alias: Option<Path>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Local { alias, maybe_unset: false });
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// The variable that an expression is another name for.
    fn alias(&self, expr: &Expr<'_>) -> Option<Path> {
        self.resolve(&chain(expr)?).map(|(path, _)| path)
    }

    /// The variable that a chain of names means, and where each step of its path stands; none for a name that the
    /// template made of something else.
    fn resolve(&self, chain: &Chain) -> Option<(Path, Vec<Range<usize>>)> {
        let (root, root_range) = chain.names.first()?;
        let names = |from: usize| chain.names.iter().skip(from).map(|(name, _)| name.clone());
        let ranges = |from: usize| chain.names.iter().skip(from).map(|(_, range)| range.clone());
        if let Some(local) = self.local(root) {
            let mut path = local.alias.clone()?;
            // The one place of the local name stands for all that it means.
            let steps = std::iter::repeat_n(root_range.clone(), path.names.len()).chain(ranges(1)).collect();
            path.names.extend(names(1));
            return Some((path, steps));
        }
        if root == "contact" && chain.names.len() > 1 {
            let names: Vec<_> = names(1).collect();
            let shadowed = |name: &SmolStr| name == "trigger" || BUILTIN_VARIABLES.contains(&name.as_str());
            let explicit = names.first().is_some_and(shadowed);
            return Some((Path { names, explicit }, ranges(1).collect()));
        }
        Some((Path { names: names(0).collect(), explicit: false }, ranges(0).collect()))
    }

    fn condition(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::UnaryOp(not) if matches!(not.op, UnaryOpKind::Not) => self.condition(&not.expr),
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd) => {
                self.condition(&op.left);
                self.knowing(true_paths(self, &op.left), |this| this.condition(&op.right));
            }
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScOr) => {
                self.condition(&op.left);
                self.knowing(false_paths(self, &op.left), |this| this.condition(&op.right));
            }
            _ => self.expr(expr, Wanted::Maybe),
        }
    }

    fn expr(&mut self, expr: &Expr<'_>, wanted: Wanted) {
        if let Some(chain) = chain(expr) {
            self.variable(&chain, wanted);
            return;
        }
        // Printing is about the variable itself; whatever is made of it needs its value.
        let needed = if wanted == Wanted::Maybe { Wanted::Maybe } else { Wanted::Value };
        match expr {
            Expr::Filter(filter) => self.filter(filter, wanted, expr),
            Expr::Test(test) => self.test(test, expr),
            Expr::IfExpr(choice) => self.choice(choice, needed),
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => self.condition(&op.expr),
            Expr::UnaryOp(op) => self.expr(&op.expr, Wanted::Value),
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd) => {
                // Without the left side, that is what comes out.
                self.expr(&op.left, needed);
                self.knowing(true_paths(self, &op.left), |this| this.expr(&op.right, needed));
            }
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScOr) => {
                self.condition(&op.left);
                self.knowing(false_paths(self, &op.left), |this| this.expr(&op.right, needed));
            }
            Expr::BinOp(op) => {
                self.expr(&op.left, Wanted::Value);
                self.expr(&op.right, Wanted::Value);
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr, Wanted::Value);
                compare.ops.iter().for_each(|op| self.expr(&op.expr, Wanted::Value));
            }
            Expr::GetAttr(get) => self.expr(&get.expr, Wanted::Value),
            Expr::GetItem(get) => {
                self.expr(&get.expr, Wanted::Value);
                self.expr(&get.subscript_expr, Wanted::Value);
                self.maybe_missing(expr, wanted, "a list may be shorter");
            }
            Expr::Slice(slice) => {
                self.expr(&slice.expr, Wanted::Value);
                [&slice.start, &slice.stop, &slice.step]
                    .into_iter()
                    .flatten()
                    .for_each(|e| self.expr(e, Wanted::Value));
            }
            Expr::Call(call) => self.call(call, expr),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item, Wanted::Value)),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.expr(item, Wanted::Value)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| self.expr(item, Wanted::Value)),
            Expr::Var(_) | Expr::Const(_) => {}
        }
    }

    fn choice(&mut self, choice: &IfExpr<'_>, needed: Wanted) {
        self.condition(&choice.test_expr);
        self.knowing(true_paths(self, &choice.test_expr), |this| this.expr(&choice.true_expr, needed));
        if let Some(other) = &choice.false_expr {
            self.knowing(false_paths(self, &choice.test_expr), |this| this.expr(other, needed));
        }
    }

    fn variable(&mut self, chain: &Chain, wanted: Wanted) {
        let Some((root, root_range)) = chain.names.first() else { return };
        let local = self.local(root).cloned();
        if root == "loop" && local.is_some() {
            if let Some((field, range)) = chain.names.get(1)
                && !LOOP.contains(&field.as_str())
            {
                let found = Diagnostic::new(
                    Code::UnknownVariable,
                    self.piece.span(range.clone()),
                    format!("`loop` has no {field}", field = quote(field)),
                );
                let found = found.suggest(field, LOOP.iter().copied());
                self.template.findings.push(found);
            }
            return;
        }
        if let Some(local) = &local
            && local.maybe_unset
            && wanted != Wanted::Maybe
            && !self.known.contains(&Path { names: vec![root.clone()], explicit: false })
        {
            let message = format!("`{root}` has no value on one of the ways that lead here");
            self.template.findings.push(
                Diagnostic::new(Code::UnsetInTemplate, self.piece.span(root_range.clone()), message)
                    .help(format!("set it in the `{{% else %}}` too, or write `{root} | default(\"..\")`")),
            );
        }
        let Some((path, steps)) = self.resolve(chain) else { return };
        let guarded = wanted == Wanted::Maybe || self.known.contains(&path);
        let role = match wanted {
            _ if guarded => Role::Guarded,
            Wanted::Print => Role::Printed,
            _ => Role::Needed,
        };
        let gap = (role == Role::Printed).then(|| gap(self.piece.text(), &chain.range)).flatten();
        let steps = steps.into_iter().map(|range| self.piece.span(range)).collect();
        let span = self.piece.span(chain.range.clone());
        let (path, explicit) = (path.names, path.explicit);
        self.template.uses.push(Use { path, explicit, span, steps, role, filter: None, gap });
    }

    fn filter(&mut self, filter: &Filter<'_>, wanted: Wanted, whole: &Expr<'_>) {
        let span = name_of(self.piece, filter.name, whole);
        if !FILTERS.contains(&filter.name) {
            self.template.findings.push(unknown_filter(filter.name, span));
        }
        let operand = match filter.name {
            "default" => Wanted::Maybe,
            _ => Wanted::Value,
        };
        let first = self.template.uses.len();
        filter.expr.iter().for_each(|expr| self.expr(expr, operand));
        if let Some(expr) = &filter.expr
            && filter.name != "default"
        {
            self.apply(filter, expr, span, first);
        }
        self.args(&filter.args);
        match filter.name {
            "default" if filter.args.is_empty() => {
                let found =
                    Diagnostic::new(Code::UnsetInTemplate, span, "this `default` gives no text to fall back on")
                        .help("write what stands there instead, as `default(\"there\")`");
                self.template.findings.push(found);
            }
            "first" | "last" => self.maybe_missing(whole, wanted, "a list may be empty"),
            _ => {}
        }
    }

    /// Notes the filter at the variable that it is applied to; its use is the first one since `first`.
    fn apply(&mut self, filter: &Filter<'_>, operand: &Expr<'_>, span: Span, first: usize) {
        let mut operand = operand;
        let mut may_be_text = false;
        while let Expr::Filter(inner) = operand {
            let Some(of) = inner.expr.as_ref().filter(|_| inner.name == "default") else { return };
            let is_text = |arg: &CallArg<'_>| matches!(arg, CallArg::Pos(Expr::Const(c)) if c.value.as_str().is_some());
            may_be_text |= inner.args.first().is_some_and(is_text);
            operand = of;
        }
        let Some(chain) = chain(operand) else { return };
        let place = self.piece.span(chain.range);
        if let Some(usage) = self.template.uses.get_mut(first).filter(|usage| usage.span == place) {
            let name = SmolStr::new(filter.name);
            usage.filter = Some(Applied { name, span, args: filter.args.len(), may_be_text });
        }
    }

    /// A value taken from a list, which need not be there.
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

    fn args(&mut self, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    self.expr(expr, Wanted::Value);
                }
            }
        }
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

/// What is set if this is true.
fn true_paths(visitor: &Visitor<'_>, expr: &Expr<'_>) -> BTreeSet<Path> {
    if let Some(path) = chain(expr).and_then(|chain| named(visitor, &chain)) {
        return BTreeSet::from([path]);
    }
    match expr {
        // About a test that does not exist enough has been said.
        Expr::Test(test) if test.name != "undefined" => true_paths(visitor, &test.expr),
        Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => false_paths(visitor, &op.expr),
        Expr::BinOp(op) => {
            let sides = || (true_paths(visitor, &op.left), true_paths(visitor, &op.right));
            match op.op {
                BinOpKind::ScAnd => {
                    let (left, right) = sides();
                    left.union(&right).cloned().collect()
                }
                BinOpKind::ScOr => {
                    let (left, right) = sides();
                    left.intersection(&right).cloned().collect()
                }
                // A comparison that holds has seen a value; that there might be none has been said at the comparison.
                _ => {
                    let (left, right) = sides();
                    left.union(&right).cloned().collect()
                }
            }
        }
        _ => BTreeSet::new(),
    }
}

/// What is set if this is not true.
fn false_paths(visitor: &Visitor<'_>, expr: &Expr<'_>) -> BTreeSet<Path> {
    match expr {
        Expr::Test(test) if test.name != "defined" => true_paths(visitor, &test.expr),
        Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => true_paths(visitor, &op.expr),
        Expr::BinOp(op) => {
            let (left, right) = (false_paths(visitor, &op.left), false_paths(visitor, &op.right));
            match op.op {
                BinOpKind::ScOr => left.union(&right).cloned().collect(),
                BinOpKind::ScAnd => left.intersection(&right).cloned().collect(),
                // See above; both outcomes have seen a value.
                _ => true_paths(visitor, expr),
            }
        }
        _ => BTreeSet::new(),
    }
}

/// The path of a chain, or of a local name that stands for no variable.
fn named(visitor: &Visitor<'_>, chain: &Chain) -> Option<Path> {
    visitor.resolve(chain).map(|(path, _)| path).or_else(|| {
        let (root, _) = chain.names.first()?;
        visitor.local(root)?;
        Some(Path { names: vec![root.clone()], explicit: false })
    })
}

fn chain(expr: &Expr<'_>) -> Option<Chain> {
    match expr {
        Expr::Var(var) => {
            let range = place(var.span());
            Some(Chain { names: vec![(SmolStr::new(var.id), range.clone())], range })
        }
        Expr::GetAttr(get) => {
            let end = get.span().end_offset as usize;
            extend(&get.expr, get.name, end - get.name.len().min(end)..end)
        }
        Expr::GetItem(get) => {
            let Expr::Const(name) = &get.subscript_expr else { return None };
            let mut chain = extend(&get.expr, name.value.as_str()?, place(name.span()))?;
            chain.range.end = chain.range.end.max(get.span().end_offset as usize);
            Some(chain)
        }
        _ => None,
    }
}

fn extend(of: &Expr<'_>, name: &str, range: Range<usize>) -> Option<Chain> {
    let mut chain = chain(of)?;
    chain.range.end = chain.range.end.max(range.end);
    chain.names.push((SmolStr::new(name), range));
    Some(chain)
}

/// How the line around `{{ name }}` reads without it, if the words beside it are plain text: `Hello ,`.
fn gap(text: &str, at: &Range<usize>) -> Option<String> {
    const CONTEXT: usize = 24;
    let before = text.get(..at.start)?.trim_end().trim_end_matches('-').strip_suffix("{{")?;
    let after = text.get(at.end..)?.trim_start().trim_start_matches('-').strip_prefix("}}")?;
    let before = before.rsplit(['\n', '}', '>', '"']).next()?;
    let after = after.split(['\n', '{', '<', '"']).next()?;
    let skipped = before.chars().count().saturating_sub(CONTEXT);
    let before: String = before.chars().skip(skipped).collect();
    let after: String = after.chars().take(CONTEXT).collect();
    let before = before.trim_start_matches(['#', ' ', '*', '_', '-']);
    (!before.trim().is_empty()).then(|| format!("{before}{after}").trim().to_owned())
}
