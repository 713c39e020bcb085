//! Tree to HIR: one file at a time, without looking at any other.
//!
//! What the parser could not read becomes an error node, about which nobody says anything more.

mod expr;
mod header;
mod literal;
mod step;
mod test;

pub(crate) use step::whom;

use journey_bytecode::{Channel, Number};
use journey_grammar::ast::{self, AstNode};
use journey_grammar::{Token, Tree};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    Block, ContactDecl, EventDecl, Expr, ExprKind, FieldDecl, File, FunnelDecl, HeaderKind, Item, Journey, Loc, Name,
    PolicyDecl, PolicyItem, PolicyKind, ScoreDecl, SegmentDecl, TopicDecl, TypeKind, TypeRef, Unsure, VoucherDecl,
};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::project::FileId;

/// A file and what is wrong with its literals.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lowered {
    /// The file.
    pub file: File,
    /// Findings about the file alone.
    pub findings: Vec<Diagnostic>,
}

/// Lowers a file.
pub fn lower(id: FileId, tree: &Tree) -> Lowered {
    let mut lower = Lower { id, tree, findings: Vec::new() };
    let mut unsure = Unsure::default();
    let mut items = Vec::new();
    let mut explained = 0;
    for item in ast::File::of(tree).items() {
        let range = item.range();
        let inside = tree.errors_at(range);
        explained += inside;
        if inside > 0 {
            match item {
                ast::Item::Contact(_) => unsure.attributes = true,
                ast::Item::Tags(_) => unsure.tags = true,
                ast::Item::Event(_) => unsure.events = true,
                ast::Item::Topic(_) => unsure.topics = true,
                ast::Item::Segment(_) => unsure.segments = true,
                ast::Item::Funnel(_) => unsure.funnels = true,
                _ => {}
            }
        }
        items.extend(lower.item(item));
    }
    if explained < tree.errors().len() {
        unsure = Unsure::ALL;
    }
    Lowered { file: File { items, unsure }, findings: lower.findings }
}

/// The steps of a journey.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Body {
    /// The steps.
    pub steps: Block,
    /// What is wrong with their literals.
    pub findings: Vec<Diagnostic>,
}

/// Lowers the steps of a journey, which must come from this tree.
pub fn body(id: FileId, tree: &Tree, journey: &Journey) -> Body {
    let mut lower = Lower { id, tree, findings: Vec::new() };
    let node = tree.node(journey.node).and_then(ast::AnyJourney::cast);
    let steps = node.into_iter().flat_map(ast::AnyJourney::steps).map(|step| lower.step(step)).collect();
    Body { steps, findings: lower.findings }
}

/// So many things in a list without room for more: most lists are short, and what stands in them is large.
fn exactly<T>(count: usize, things: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::with_capacity(count);
    list.extend(things);
    list
}

struct Lower<'t> {
    id: FileId,
    tree: &'t Tree,
    findings: Vec<Diagnostic>,
}

impl Lower<'_> {
    fn report(
        &mut self,
        code: Code,
        loc: Loc,
        message: impl Into<String>,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let span = Span::new(self.id, self.tree.text(), loc.to_usize());
        self.findings.push(more(Diagnostic::new(code, span, message)));
    }

    fn item(&mut self, item: ast::Item<'_>) -> Option<Item> {
        Some(match item {
            ast::Item::Contact(contact) => Item::Contact(ContactDecl {
                fields: self.fields(contact.fields()),
                loc: contact.syntax().first_token().map_or(contact.range(), Token::range),
            }),
            ast::Item::Tags(tags) => Item::Tags(tags.names().map(name).collect()),
            ast::Item::Event(event) => {
                Item::Event(EventDecl { name: name(event.name()?), fields: self.fields(event.fields()) })
            }
            ast::Item::Topic(topic) => Item::Topic(TopicDecl {
                name: name(topic.name()?),
                title: topic.title().map_or_else(SmolStr::default, string),
            }),
            ast::Item::Segment(segment) => Item::Segment(SegmentDecl {
                name: name(segment.name()?),
                condition: self.optional_expr(segment.condition(), segment.range()),
            }),
            ast::Item::Funnel(funnel) => Item::Funnel(FunnelDecl {
                name: name(funnel.name()?),
                stages: funnel.groups().flat_map(ast::StageGroup::stages).map(name).collect(),
            }),
            ast::Item::Policy(policy) => {
                Item::Policy(PolicyDecl { items: policy.rules().map(|rule| self.policy_rule(rule)).collect() })
            }
            ast::Item::Journey(journey) => Item::Journey(self.journey(journey)),
            ast::Item::Score(score) => {
                let mut rules = Vec::new();
                for rule in score.rules() {
                    let points = literal::number(rule.points()?)?;
                    let points = if rule.is_negative() { Number(points.0.saturating_neg()) } else { points };
                    rules.push((self.pattern(rule.pattern()?), points));
                }
                let halves = match score.decay().and_then(ast::ScoreDecay::half_life) {
                    Some(token) => Some((literal::duration(token)?, token.range())),
                    None => None,
                };
                Item::Score(ScoreDecl { name: name(score.name()?), rules, halves })
            }
            ast::Item::Voucher(voucher) => {
                let file = voucher.file();
                let source = file.or(voucher.pattern())?;
                Item::Voucher(VoucherDecl {
                    name: name(voucher.name()?),
                    title: voucher.title().map_or_else(SmolStr::default, string),
                    from_file: file.is_some(),
                    source: string(source),
                    source_loc: source.range(),
                })
            }
            ast::Item::Test(test) => Item::Test(self.test(test)),
        })
    }

    fn fields<'t>(&mut self, fields: impl Iterator<Item = ast::Field<'t>>) -> Vec<FieldDecl> {
        let mut declared = Vec::new();
        for field in fields {
            let Some(token) = field.name() else { continue };
            let ty = field.type_ref();
            declared.push(FieldDecl {
                name: name_of(token),
                optional: ty.is_some_and(|ty| ty.optional().is_some()),
                ty: ty.map_or(TypeRef { kind: TypeKind::Error, loc: field.range() }, type_ref),
                default: field.default().map(|value| self.expr(value)),
            });
        }
        declared
    }

    fn policy_rule(&mut self, rule: ast::PolicyRule<'_>) -> PolicyItem {
        PolicyItem { loc: rule.range(), kind: self.policy_kind(rule).unwrap_or(PolicyKind::Error) }
    }

    fn policy_kind(&mut self, rule: ast::PolicyRule<'_>) -> Option<PolicyKind> {
        Some(match rule {
            ast::PolicyRule::Sender(sender) => {
                let channel = match sender.channel() {
                    Some(name) => Some(self.channel(name)?),
                    None => None,
                };
                PolicyKind::Sender(channel, string(sender.sender()?))
            }
            ast::PolicyRule::Address(address) => PolicyKind::Address(string(address.address()?)),
            ast::PolicyRule::QuietHours(hours) => {
                let channel = match hours.channel() {
                    Some(name) => Some(self.channel(name)?),
                    None => None,
                };
                PolicyKind::QuietHours(channel, self.window(hours.window()?)?)
            }
            ast::PolicyRule::Cap(cap) => {
                let channel = match cap.channel() {
                    Some(name) => Some(self.channel(name)?),
                    None => None,
                };
                PolicyKind::Cap { channel, most: self.count(cap.count()?)?, per: literal::duration(cap.per()?)? }
            }
            ast::PolicyRule::Rate(rate) => {
                let channel = match rate.channel() {
                    Some(name) => Some(self.channel(name)?),
                    None => None,
                };
                PolicyKind::Rate { channel, most: self.count(rate.count()?)?, per: literal::duration(rate.per()?)? }
            }
        })
    }

    /// The channel of this name.
    fn channel(&mut self, name: ast::Name<'_>) -> Option<Channel> {
        let channel = Channel::parse(name.text());
        if channel.is_none() {
            let message = format!("there is no channel `{}`", name.text());
            let known = || Channel::ALL.into_iter().map(Channel::name);
            let list = crate::diagnostic::one_of(known()).replace(" or ", " and ");
            self.report(Code::UnknownChannel, name.range(), message, |d| {
                d.label("no such channel").suggest(name.text(), known()).help(format!("the channels are {list}"))
            });
        }
        channel
    }

    /// `via CHANNEL`, if it stands there; the outer `None` is an error.
    #[expect(clippy::option_option, reason = "said above")]
    fn via(&mut self, name: Option<ast::Name<'_>>) -> Option<Option<Channel>> {
        match name {
            Some(name) => self.channel(name).map(Some),
            None => Some(None),
        }
    }

    fn journey(&mut self, journey: ast::AnyJourney<'_>) -> Journey {
        let loc = journey.range();
        let clauses: SmallVec<[ast::Clause<'_>; 8]> = journey.clauses().collect();
        let mut header = Vec::with_capacity(clauses.len());
        clauses.into_iter().for_each(|clause| self.clause(clause, &mut header));
        let name = journey.name().map(name);
        let first_step = || journey.steps().next().map(|step| step::head(step.syntax(), step.range()));
        let head = match &name {
            Some(name) => name.loc,
            None => header.first().map(|line| line.loc).or_else(first_step).unwrap_or(loc),
        };
        let broken = self.tree.errors_at(loc) > 0 || header.iter().any(|line| matches!(line.kind, HeaderKind::Error));
        Journey {
            name,
            bare: matches!(journey, ast::AnyJourney::Bare(_)),
            doc: journey.docs().unwrap_or_default(),
            header,
            head,
            loc,
            node: journey.syntax().id(),
            broken,
        }
    }

    fn optional_expr(&mut self, expr: Option<ast::Expr<'_>>, loc: Loc) -> Expr {
        match expr {
            Some(expr) => self.expr(expr),
            None => Expr { kind: ExprKind::Error, loc },
        }
    }
}

fn type_ref(ty: ast::TypeRef<'_>) -> TypeRef {
    let kind = if let Some(enumeration) = ty.enum_type() {
        TypeKind::Enum(enumeration.values().map(name).collect())
    } else if let Some(list) = ty.list_type() {
        match list.element() {
            Some(element) => TypeKind::List(Box::new(type_ref(element))),
            None => TypeKind::Error,
        }
    } else {
        match ty.name() {
            Some(name) => TypeKind::Word(name.text().into()),
            None => TypeKind::Error,
        }
    };
    let loc = match ty.name() {
        Some(name) => name.range(),
        None => ty.range(),
    };
    TypeRef { kind, loc }
}

fn name(name: ast::Name<'_>) -> Name {
    Name { text: name.text().into(), loc: name.range() }
}

fn name_of(token: Token<'_>) -> Name {
    Name { text: token.text().into(), loc: token.range() }
}

/// The text of a string token; a malformed one, which the parser has told of, is empty.
pub(crate) fn string(token: Token<'_>) -> SmolStr {
    let text = token.text();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => plain.into(),
        _ => ast::string_value(text).unwrap_or_default().into(),
    }
}

/// The journey that a step starts or stops, a segment and so on: a dotted name as one.
fn path_name(path: ast::Path<'_>) -> Name {
    let text = match path.single() {
        Some(word) => word.text().into(),
        None => path.segments().map(Token::text).collect::<Vec<_>>().join(".").into(),
    };
    Name { text, loc: path.range() }
}
