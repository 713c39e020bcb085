//! Expressions.

use journey_bytecode::{Channel, Number, StatusKind};
use journey_grammar::ast::{self, AstNode, CompareOp, MatchOp, Quantifier};
use journey_grammar::{SyntaxKind, Token};

use super::super::{
    About, AboutKind, Aggregate, ArithmeticOp, BinaryOp, Bound, Changed, Count, Each, Expr, ExprKind, Function, Loc,
    Name, Past, Since, When, Within,
};
use super::{Lower, literal, name, name_of, path_name, string};

impl Lower<'_> {
    pub(super) fn expr(&mut self, expr: ast::Expr<'_>) -> Expr {
        let loc = expr.range();
        Expr { kind: self.kind(expr, loc).unwrap_or_default(), loc }
    }

    fn boxed(&mut self, expr: Option<ast::Expr<'_>>) -> Option<Box<Expr>> {
        expr.map(|expr| Box::new(self.expr(expr)))
    }

    fn pair(&mut self, a: Option<ast::Expr<'_>>, b: Option<ast::Expr<'_>>, loc: Loc) -> Box<(Expr, Expr)> {
        Box::new((self.optional_expr(a, loc), self.optional_expr(b, loc)))
    }

    fn kind(&mut self, expr: ast::Expr<'_>, loc: Loc) -> Option<ExprKind> {
        Some(match expr {
            ast::Expr::Or(or) => ExprKind::Or(or.operands().map(|operand| self.expr(operand)).collect()),
            ast::Expr::And(and) => ExprKind::And(and.operands().map(|operand| self.expr(operand)).collect()),
            ast::Expr::Not(not) => ExprKind::Not(self.boxed(not.operand())?),
            ast::Expr::Compare(compare) => {
                let sides = self.pair(compare.left(), compare.right(), loc);
                let op = match compare.operator()? {
                    CompareOp::Is => BinaryOp::Is,
                    CompareOp::IsNot => BinaryOp::IsNot,
                    CompareOp::Less => BinaryOp::Less,
                    CompareOp::LessOrEqual | CompareOp::NotAfter => BinaryOp::LessOrEqual,
                    CompareOp::Greater => BinaryOp::Greater,
                    CompareOp::GreaterOrEqual | CompareOp::NotBefore => BinaryOp::GreaterOrEqual,
                    CompareOp::Before => BinaryOp::Before,
                    CompareOp::After => BinaryOp::After,
                };
                ExprKind::Binary(op, sides)
            }
            ast::Expr::Match(matching) => self.matching(matching)?,
            ast::Expr::In(within) => {
                let sides = self.pair(within.left(), within.right(), loc);
                negated(ExprKind::In(sides), within.is_negated(), loc)
            }
            ast::Expr::Between(between) => {
                let sides = self.pair(between.low(), between.high(), loc);
                let value = self.optional_expr(between.value(), loc);
                let all = Box::new((value, sides.0, sides.1));
                negated(ExprKind::Between(all), between.is_negated(), loc)
            }
            ast::Expr::Presence(presence) => {
                let value = self.boxed(presence.value())?;
                let kind = if presence.is_empty() { ExprKind::IsEmpty(value) } else { ExprKind::IsSet(value) };
                negated(kind, presence.is_negated(), loc)
            }
            ast::Expr::Within(within) => {
                let value = self.boxed(within.value())?;
                let what = match within.within()? {
                    ast::Within::Last(span) => Within::Last(literal::duration(span)?),
                    ast::Within::Next(span) => Within::Next(literal::duration(span)?),
                    ast::Within::Window(window) => Within::Window(self.window(window)?),
                };
                negated(ExprKind::Within(value, what), within.is_negated(), loc)
            }
            ast::Expr::Quantified(quantified) => match quantified.quantifier() {
                Some(quantifier) => {
                    let parts = quantified.list()?.elements().map(|part| self.expr(part)).collect();
                    quantify(quantifier, parts, loc)
                }
                None => {
                    let (bound, number) = quantified.bound()?;
                    let parts = quantified.list()?.elements().map(|part| self.expr(part)).collect();
                    ExprKind::NumberOf(self::bound(bound), number.text().parse().ok()?, parts)
                }
            },
            ast::Expr::Status(status) => self.status_expr(status)?,
            ast::Expr::HasTag(tag) => ExprKind::HasTag(name(tag.name()?)),
            ast::Expr::Member(member) => self.member(member)?,
            ast::Expr::Consent(consent) => {
                let channel = match consent.channel() {
                    Some(name) => Some(self.channel(name)?),
                    None => None,
                };
                ExprKind::Consents(name(consent.topic()?), channel)
            }
            ast::Expr::Did(did) => self.did(did)?,
            ast::Expr::Aggregate(aggregate) => self.aggregate(aggregate)?,
            ast::Expr::Occurrence(occurrence) => self.occurrence(occurrence)?,
            ast::Expr::Chance(chance) => ExprKind::Chance(literal::share(chance.percent()?)?),
            ast::Expr::Sum(sum) => self.arithmetic(sum.operands(), sum.operators())?,
            ast::Expr::Product(product) => self.arithmetic(product.operands(), product.operators())?,
            ast::Expr::Neg(neg) => ExprKind::Negate(self.boxed(neg.operand())?),
            ast::Expr::Paren(paren) => {
                let inner = paren.inner()?;
                return self.kind(inner, inner.range());
            }
            ast::Expr::List(list) => ExprKind::List(list.elements().map(|element| self.expr(element)).collect()),
            ast::Expr::Literal(literal) => self.literal(literal.token()?)?,
            ast::Expr::Money(money) => ExprKind::Money(self.money(money)?),
            ast::Expr::DateTime(date_time) => ExprKind::Local(literal::date_time(date_time)?),
            ast::Expr::Ago(ago) => ExprKind::Ago(literal::duration(ago.duration()?)?),
            ast::Expr::Function(function) => {
                ExprKind::Function(name(function.function()?), self.boxed(function.argument())?)
            }
            ast::Expr::Path(path) => path_expr(path)?.kind,
            ast::Expr::Changed(changed) => ExprKind::Changed(Box::new(Changed {
                attribute: super::header::attribute(changed.attribute()?)?,
                from: changed.from().map(|value| self.expr(value)),
                to: changed.to().map(|value| self.expr(value)),
                when: self.when(changed.count(), changed.within(), changed.since())?,
            })),
            ast::Expr::Reachable(reachable) => ExprKind::Reachable(self.channel(reachable.channel()?)?),
        })
    }

    fn literal(&mut self, token: Token<'_>) -> Option<ExprKind> {
        Some(match token.kind() {
            SyntaxKind::Number => ExprKind::Number(literal::number(token)?),
            SyntaxKind::Duration => ExprKind::Span(literal::duration(token)?),
            SyntaxKind::Time => ExprKind::Time(literal::time(token)?),
            SyntaxKind::Date => ExprKind::Date(literal::date(token)?),
            SyntaxKind::String => ExprKind::Text(string(token)),
            // Parts of a million are what a number counts in.
            SyntaxKind::Percent => ExprKind::Number(Number(i64::from(literal::share(token)?))),
            _ => return None,
        })
    }

    /// `email ends with any of [..]` is as many conditions as the list has values.
    fn matching(&mut self, matching: ast::MatchExpr<'_>) -> Option<ExprKind> {
        let loc = matching.range();
        let op = match matching.operator()? {
            MatchOp::Contains => BinaryOp::Contains,
            MatchOp::StartsWith => BinaryOp::StartsWith,
            MatchOp::EndsWith => BinaryOp::EndsWith,
            MatchOp::Matches => BinaryOp::Matches,
        };
        let left = self.optional_expr(matching.left(), loc);
        let kind = match (matching.quantifier(), matching.right()) {
            (Some(quantifier), Some(ast::Expr::List(list))) => {
                let mut parts = Vec::new();
                for element in list.elements() {
                    let sides = Box::new((left.clone(), self.expr(element)));
                    parts.push(Expr { kind: ExprKind::Binary(op, sides), loc });
                }
                quantify(quantifier, parts, loc)
            }
            (Some(quantifier), right) => {
                let sides = Box::new((left, self.optional_expr(right, loc)));
                match quantifier {
                    Quantifier::Any => ExprKind::Each(op, Each::Any, sides),
                    Quantifier::All => ExprKind::Each(op, Each::All, sides),
                    Quantifier::None => negated(ExprKind::Each(op, Each::Any, sides), true, loc),
                }
            }
            (None, right) => {
                let right = self.optional_expr(right, loc);
                ExprKind::Binary(op, Box::new((left, right)))
            }
        };
        Some(negated(kind, matching.is_negated(), loc))
    }

    fn arithmetic<'t>(
        &mut self,
        mut operands: impl Iterator<Item = ast::Expr<'t>>,
        operators: impl Iterator<Item = (ast::ArithmeticOp, Token<'t>)>,
    ) -> Option<ExprKind> {
        let first = self.expr(operands.next()?);
        let mut rest = Vec::new();
        for (operator, _) in operators {
            let operator = match operator {
                ast::ArithmeticOp::Add => ArithmeticOp::Add,
                ast::ArithmeticOp::Subtract => ArithmeticOp::Subtract,
                ast::ArithmeticOp::Multiply => ArithmeticOp::Multiply,
                ast::ArithmeticOp::Divide => ArithmeticOp::Divide,
            };
            rest.push((operator, self.expr(operands.next()?)));
        }
        Some(ExprKind::Arithmetic(Box::new(first), rest))
    }

    fn member(&mut self, member: ast::MemberExpr<'_>) -> Option<ExprKind> {
        Some(match (member.was(), member.journey()) {
            (false, Some(journey)) => ExprKind::InJourney(name(journey)),
            (false, None) => ExprKind::InGroup(path_name(member.group()?)),
            (true, journey) => {
                let when = Box::new(self.when(member.count(), member.within(), member.since())?);
                match journey {
                    Some(journey) => ExprKind::WasInJourney(name(journey), when),
                    None => ExprKind::WasInGroup(path_name(member.group()?), when),
                }
            }
        })
    }

    /// How often and since when.
    fn when(
        &mut self,
        count: Option<ast::CountClause<'_>>,
        within: Option<Token<'_>>,
        since: Option<ast::SinceClause<'_>>,
    ) -> Option<When> {
        let count = match count {
            Some(count) => Some(Count {
                bound: bound(count.bound()?),
                number: count.number()?.text().parse().ok()?,
                days: count.counts_days(),
                loc: count.range(),
            }),
            None => None,
        };
        let within = match within {
            Some(span) => Some(literal::duration(span)?),
            None => None,
        };
        let since = match since {
            Some(since) => Some(Since {
                from: if since.since_entry() { None } else { Some(self.expr(since.from()?)) },
                until: since.until().map(|until| self.expr(until)),
                loc: since.range(),
            }),
            None => None,
        };
        Some(When { count, within, since })
    }

    fn did(&mut self, did: ast::DidExpr<'_>) -> Option<ExprKind> {
        let when = self.when(did.count(), did.within(), did.since())?;
        let filter = did.filter().map(|filter| self.expr(filter));
        let past = Past { event: name(did.event()?), filter, when };
        Some(negated(ExprKind::Did(Box::new(past)), did.is_negated(), did.range()))
    }

    fn aggregate(&mut self, aggregate: ast::AggregateExpr<'_>) -> Option<ExprKind> {
        let function = match aggregate.function()? {
            ast::Aggregate::Count => Function::Count,
            ast::Aggregate::Sum => Function::Sum,
            ast::Aggregate::Average => Function::Average,
            ast::Aggregate::Min => Function::Min,
            ast::Aggregate::Max => Function::Max,
        };
        let (event, field) = event_and_field(aggregate.path()?)?;
        let when = self.when(None, aggregate.within(), aggregate.since())?;
        let past = Past { event, filter: aggregate.filter().map(|filter| self.expr(filter)), when };
        let distinct = aggregate.is_distinct();
        Some(ExprKind::Aggregate(Box::new(Aggregate { function, distinct, past, field })))
    }

    fn occurrence(&mut self, occurrence: ast::OccurrenceExpr<'_>) -> Option<ExprKind> {
        let function = match (occurrence.is_first(), occurrence.asks_when()) {
            (true, true) => Function::FirstAt,
            (false, true) => Function::LastAt,
            (true, false) => Function::First,
            (false, false) => Function::Last,
        };
        let (event, field) = event_and_field(occurrence.path()?)?;
        let when = self.when(None, occurrence.within(), occurrence.since())?;
        let past = Past { event, filter: occurrence.filter().map(|filter| self.expr(filter)), when };
        Some(ExprKind::Aggregate(Box::new(Aggregate { function, distinct: false, past, field })))
    }

    fn status_expr(&mut self, expr: ast::StatusExpr<'_>) -> Option<ExprKind> {
        let when = self.when(expr.count(), expr.within(), expr.since())?;
        let kind = status_kind(expr.status()?)?;
        Some(ExprKind::Status(kind, Box::new((about(expr.message()?, expr.link()), when))))
    }
}

const fn bound(bound: ast::Bound) -> Bound {
    match bound {
        ast::Bound::AtLeast => Bound::AtLeast,
        ast::Bound::AtMost => Bound::AtMost,
        ast::Bound::Exactly => Bound::Exactly,
    }
}

/// The status of this word.
pub(super) fn status_kind(word: Token<'_>) -> Option<StatusKind> {
    let word = word.text();
    StatusKind::ALL.into_iter().find(|status| status.name() == word)
}

/// Which message is meant.
pub(super) fn about(message: ast::MessageRef<'_>, link: Option<Token<'_>>) -> About {
    let kind = match message {
        ast::MessageRef::Last => AboutKind::Bare,
        ast::MessageRef::Handle(handle) => AboutKind::Named(name(handle)),
        ast::MessageRef::Any(any) => match (any.text(), Channel::parse(any.text())) {
            ("message", _) => AboutKind::Any(None),
            (_, Some(channel)) => AboutKind::Any(Some(channel)),
            _ => AboutKind::AnyNamed(name(any)),
        },
    };
    let link = link.map(|token| Name { text: string(token), loc: token.range() });
    About { kind, link }
}

/// `purchase.amount`: the event, and its field.
fn event_and_field(path: ast::Path<'_>) -> Option<(Name, Option<Name>)> {
    let mut segments = path.segments();
    let event = name_of(segments.next()?);
    Some((event, segments.next().map(name_of)))
}

/// A dotted name as an expression.
pub(super) fn path_expr(path: ast::Path<'_>) -> Option<Expr> {
    let mut segments = path.segments();
    let first = segments.next()?;
    let mut expr = Expr { kind: word(first), loc: first.range() };
    for segment in segments {
        let loc = expr.loc.cover(segment.range());
        expr = Expr { kind: ExprKind::Member(Box::new(expr), name_of(segment)), loc };
    }
    Some(expr)
}

fn word(token: Token<'_>) -> ExprKind {
    match token.text() {
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        text => ExprKind::Name(text.into()),
    }
}

fn negated(kind: ExprKind, negated: bool, loc: Loc) -> ExprKind {
    if negated { ExprKind::Not(Box::new(Expr { kind, loc })) } else { kind }
}

fn quantify(quantifier: Quantifier, parts: Vec<Expr>, loc: Loc) -> ExprKind {
    match quantifier {
        Quantifier::Any => ExprKind::Or(parts),
        Quantifier::All => ExprKind::And(parts),
        Quantifier::None => negated(ExprKind::Or(parts), true, loc),
    }
}
