//! The names of a template: what each one means in its place, and which are known to have a value there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use journey_bytecode::BUILTIN_VARIABLES;
use minijinja::machinery::ast::{BinOpKind, Expr, UnaryOpKind};
use smol_str::SmolStr;

use super::value::Source;

/// A name that the template itself made.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    /// The variable that it stands for, if it is just another name for one.
    pub(super) alias: Option<Path>,
    /// Where its value comes from, if it is not.
    pub(super) sources: Vec<Source>,
    /// Whether it may be without a value.
    pub(super) maybe_unset: bool,
}

/// A variable as the template means it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Path {
    pub(super) names: Vec<SmolStr>,
    pub(super) explicit: bool,
}

impl Path {
    fn local(name: &str) -> Self {
        Self { names: vec![SmolStr::new(name)], explicit: false }
    }
}

/// A chain of names: `contact.first_name`, with the place of each in the text.
pub(super) struct Chain {
    pub(super) names: Vec<(SmolStr, Range<usize>)>,
    pub(super) range: Range<usize>,
}

pub(super) fn place(span: minijinja::machinery::Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

/// What is known in one place.
#[derive(Clone, Debug)]
pub(super) struct Scopes {
    scopes: Vec<BTreeMap<String, Local>>,
    /// Variables that are known to be set.
    known: BTreeSet<Path>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self { scopes: vec![BTreeMap::new()], known: BTreeSet::new() }
    }
}

impl Scopes {
    pub(super) fn push(&mut self) {
        self.scopes.push(BTreeMap::new());
    }

    pub(super) fn pop(&mut self) {
        self.scopes.pop();
    }

    pub(super) fn know(&mut self, paths: BTreeSet<Path>) {
        self.known.extend(paths);
    }

    pub(super) fn is_known(&self, path: &Path) -> bool {
        self.known.contains(path)
    }

    /// After a decision whose other way ended with these names: what only one way has set may be unset, and what was
    /// known on one way alone is known no more.
    pub(super) fn join(&mut self, other: Self) {
        self.known = self.known.intersection(&other.known).cloned().collect();
        let unsure = || Local { maybe_unset: true, ..Local::default() };
        for (scope, other) in self.scopes.iter_mut().zip(other.scopes) {
            for (name, local) in scope.iter_mut() {
                match other.get(name) {
                    Some(same) if local.alias == same.alias => {
                        local.maybe_unset |= same.maybe_unset;
                        local.sources.extend(same.sources.iter().copied());
                    }
                    Some(other) => {
                        let maybe_unset = local.maybe_unset || other.maybe_unset;
                        *local = Local { sources: vec![Source::ANY], maybe_unset, alias: None };
                    }
                    None => *local = unsure(),
                }
            }
            for name in other.into_keys() {
                scope.entry(name).or_insert_with(unsure);
            }
        }
    }

    /// Gives the names of a target: one of them the whole value, several its parts.
    pub(super) fn bind(&mut self, target: &Expr<'_>, local: Local) {
        match target {
            Expr::Var(var) => self.bind_name(var.id, local),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item, Local::default())),
            Expr::Tuple(list) => list.items.iter().for_each(|item| self.bind(item, Local::default())),
            _ => {}
        }
    }

    pub(super) fn bind_name(&mut self, name: &str, local: Local) {
        // What was known of an outer name is not known of this one.
        self.known.remove(&Path::local(name));
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), local);
        }
    }

    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// The variable that an expression is another name for.
    pub(super) fn alias(&self, expr: &Expr<'_>) -> Option<Path> {
        self.resolve(&chain(expr)?).map(|(path, _)| path)
    }
    /// The variable that a chain of names means, and where each step of its path stands; none for a name that the
    /// template made of something else.
    pub(super) fn resolve(&self, chain: &Chain) -> Option<(Path, Vec<Range<usize>>)> {
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

    /// What is set if this is true.
    pub(super) fn true_paths(&self, expr: &Expr<'_>) -> BTreeSet<Path> {
        if let Some(path) = chain(expr).and_then(|chain| self.named(&chain)) {
            return BTreeSet::from([path]);
        }
        match expr {
            // About a test that does not exist enough has been said.
            Expr::Test(test) if test.name != "undefined" => self.true_paths(&test.expr),
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => self.false_paths(&op.expr),
            Expr::BinOp(op) => {
                let sides = || (self.true_paths(&op.left), self.true_paths(&op.right));
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
    pub(super) fn false_paths(&self, expr: &Expr<'_>) -> BTreeSet<Path> {
        match expr {
            Expr::Test(test) if test.name != "defined" => self.true_paths(&test.expr),
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => self.true_paths(&op.expr),
            Expr::BinOp(op) => {
                let (left, right) = (self.false_paths(&op.left), self.false_paths(&op.right));
                match op.op {
                    BinOpKind::ScOr => left.union(&right).cloned().collect(),
                    BinOpKind::ScAnd => left.intersection(&right).cloned().collect(),
                    // See above; both outcomes have seen a value.
                    _ => self.true_paths(expr),
                }
            }
            _ => BTreeSet::new(),
        }
    }

    /// The path of a chain, or of a local name that stands for no variable.
    fn named(&self, chain: &Chain) -> Option<Path> {
        self.resolve(chain).map(|(path, _)| path).or_else(|| {
            let (root, _) = chain.names.first()?;
            self.local(root)?;
            Some(Path::local(root))
        })
    }

    /// Whether a local name that stands for no variable is known to be set.
    pub(super) fn is_local_known(&self, name: &str) -> bool {
        self.known.contains(&Path::local(name))
    }
}

pub(super) fn chain(expr: &Expr<'_>) -> Option<Chain> {
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
