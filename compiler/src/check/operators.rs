//! Comparisons, arithmetic and windows of time.

use journey_bytecode::pattern::PatternError;
use journey_bytecode::{Span, TextMatch, Type, Value};

use super::expr::{Checker, Want, next_within, shifted, to_instant, truth};
use super::types::{a, comparable};
use crate::diagnostic::Code;
use crate::hir::{self, ArithmeticOp, BinaryOp, Each, ExprKind as H, Loc, Within};
use crate::typed::{Comparison, Expr, ExprKind as T};

impl<'a> Checker<'a> {
    /// `a is b`, `a < b`, `a contains b`.
    pub(super) fn binary(&mut self, op: BinaryOp, left: &hir::Expr, right: &hir::Expr, loc: Loc) -> Expr {
        // The side that is no bare word says what the other can be: `pro is plan` is unusual, not wrong.
        let swapped =
            matches!((&left.kind, &right.kind), (H::Name(l), H::Name(r)) if !self.is_known(l) && self.is_known(r));
        let (mut a, mut b);
        if swapped {
            b = self.expr(right, Want::Any);
            a = self.against(left, &b);
        } else {
            a = self.expr(left, Want::Any);
            b = match (op, &a.ty) {
                (BinaryOp::Contains, Some(Type::List(of))) => {
                    let of = of.clone();
                    self.expr(right, Want::Type(&of))
                }
                (BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith | BinaryOp::Matches, Some(_)) => {
                    self.expr(right, Want::Type(&Type::Text))
                }
                _ => self.against(right, &a),
            };
        }
        // A field that is declared by its use has the type of what it is compared with.
        self.infer(&mut a, &b);
        self.infer(&mut b, &a);
        if a.ty.is_none() || b.ty.is_none() {
            return Expr::error(loc);
        }
        match op {
            BinaryOp::Is => self.compare(Comparison::Equal, a, b, loc),
            BinaryOp::IsNot => self.compare(Comparison::NotEqual, a, b, loc),
            BinaryOp::Less | BinaryOp::Before => self.compare(Comparison::Less, a, b, loc),
            BinaryOp::LessOrEqual => self.compare(Comparison::LessOrEqual, a, b, loc),
            BinaryOp::Greater | BinaryOp::After => self.compare(Comparison::Greater, a, b, loc),
            BinaryOp::GreaterOrEqual => self.compare(Comparison::GreaterOrEqual, a, b, loc),
            BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => self.contains(op, a, b, loc),
            BinaryOp::Matches => self.matches(a, b, loc),
        }
    }

    /// `zip matches "^\\d{5}$"`
    fn matches(&mut self, text: Expr, pattern: Expr, loc: Loc) -> Expr {
        if let Some(ty) = text.ty.as_ref().filter(|ty| !ty.is_textual() || matches!(ty, Type::Enum(_))) {
            let message = format!("`matches` looks for a pattern in text, and this is {}", a(ty));
            self.report(Code::TypeMismatch, text.loc, message).label("not text");
            return Expr::error(loc);
        }
        let T::Const(Value::Text(source)) = &pattern.kind else {
            self.report(Code::TypeMismatch, pattern.loc, "a pattern is written out, as text in quotes")
                .label("not written out")
                .help("to look for a value in a text, write `contains`");
            return Expr::error(loc);
        };
        match journey_bytecode::pattern::compile(source) {
            Ok(_) => truth(T::Matches(Box::new(text), source.clone()), loc),
            Err(PatternError::Size) => {
                self.report(Code::BadPattern, pattern.loc, "this pattern is too large")
                    .label("too large")
                    .help("ask for less: fewer repetitions, or a shorter list of alternatives");
                Expr::error(loc)
            }
            Err(PatternError::Syntax { what, start, end }) => {
                let at = inside(self.text.slice(pattern.loc), pattern.loc, start, end);
                self.report(
                    Code::BadPattern,
                    at,
                    format!("this pattern cannot be read: {}", what.replace("expression", "pattern")),
                )
                .label("here")
                .help("to look for a sign itself, write `\\\\` before it");
                Expr::error(loc)
            }
        }
    }

    /// `interests contains any of wanted`
    pub(super) fn each(&mut self, op: BinaryOp, each: Each, left: &hir::Expr, right: &hir::Expr, loc: Loc) -> Expr {
        let how = match op {
            BinaryOp::StartsWith => TextMatch::StartsWith,
            BinaryOp::EndsWith => TextMatch::EndsWith,
            BinaryOp::Contains => TextMatch::Contains,
            _ => {
                self.report(Code::TypeMismatch, right.loc, "patterns are written out, as a list of texts in quotes")
                    .label("not written out")
                    .help("write `matches any of [\"..\", \"..\"]`");
                return Expr::error(loc);
            }
        };
        let (left, right) = (self.expr(left, Want::Any), self.expr(right, Want::Any));
        let (Some(of), Some(parts)) = (left.ty.clone(), right.ty.clone()) else { return Expr::error(loc) };
        let Type::List(part) = parts else {
            let message = format!("`any of` and the like take a list, and this is {}", a(&parts));
            self.report(Code::TypeMismatch, right.loc, message)
                .label("not a list")
                .help(format!("leave `any of` out: `{} ..`", how.name()));
            return Expr::error(loc);
        };
        let fits = match (&of, how) {
            (Type::List(of), TextMatch::Contains) => comparable(of, &part),
            (of, _) => of.is_textual() && part.is_textual() && !matches!(of, Type::Enum(_)),
        };
        if !fits {
            let message = format!("`{}` cannot be asked of {} and a list of {part}", how.name(), a(&of));
            self.report(Code::TypeMismatch, loc, message).label("they do not go together");
            return Expr::error(loc);
        }
        truth(T::Each(how, each, Box::new((left, right))), loc)
    }

    /// An expression that is compared with another.
    pub(super) fn against(&mut self, e: &hir::Expr, other: &Expr) -> Expr {
        if let Some(ty) = &other.ty {
            return self.expr(e, Want::Type(ty));
        }
        if self.open_field(other).is_none() {
            return self.expr(e, Want::Unknown);
        }
        match &e.kind {
            // A bare word beside a field that nobody declared: a value of an enum that nobody declared.
            H::Name(name) if !self.is_known(name) => Expr::constant(Value::Text(name.clone()), Type::Text, e.loc),
            _ => self.expr(e, Want::Any),
        }
    }

    pub(super) fn contains(&mut self, op: BinaryOp, left: Expr, right: Expr, loc: Loc) -> Expr {
        let (Some(of), Some(part)) = (&left.ty, &right.ty) else { return Expr::error(loc) };
        let fits = match (op, of) {
            (BinaryOp::Contains, Type::List(of)) => comparable(of, part),
            (_, of) => of.is_textual() && part.is_textual() && !matches!(of, Type::Enum(_)),
        };
        if !fits {
            let word = match op {
                BinaryOp::StartsWith => "starts with",
                BinaryOp::EndsWith => "ends with",
                _ => "contains",
            };
            let message = format!(
                "`{word}` looks for text in text{}: this is {} and {}",
                if op == BinaryOp::Contains { ", or for a value in a list" } else { "" },
                a(of),
                a(part)
            );
            self.report(Code::TypeMismatch, loc, message).label("they do not go together");
            return Expr::error(loc);
        }
        let sides = Box::new((left, right));
        truth(
            match op {
                BinaryOp::StartsWith => T::StartsWith(sides),
                BinaryOp::EndsWith => T::EndsWith(sides),
                _ => T::Contains(sides),
            },
            loc,
        )
    }

    pub(super) fn compare(&mut self, comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
        let (Some(x), Some(y)) = (&left.ty, &right.ty) else { return Expr::error(loc) };
        if !comparable(x, y) {
            self.unlike(x, left.loc, y, right.loc);
            return Expr::error(loc);
        }
        if let (T::Const(Value::Money(x)), T::Const(Value::Money(y))) = (&left.kind, &right.kind)
            && x.currency != y.currency
        {
            let message = format!("`{}` and `{}` are two currencies", x.currency, y.currency);
            self.report(Code::TypeMismatch, loc, message).label("they cannot be compared");
            return Expr::error(loc);
        }
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered && !(x.is_ordered() && y.is_ordered()) {
            let message = format!("{} has no order", a(x));
            self.report(Code::NotOrdered, loc, message)
                .label("neither more nor less")
                .help("only numbers, money, dates, times, moments and durations are ordered; to ask for some values, write `in [a, b]`");
            return Expr::error(loc);
        }
        Self::compared(comparison, left, right, loc)
    }

    /// Says that two values cannot be compared.
    pub(super) fn unlike(&mut self, x: &Type, x_loc: Loc, y: &Type, y_loc: Loc) {
        let (left, right) = (self.text.show(x_loc), self.text.show(y_loc));
        let message = format!("`{left}` and `{right}` cannot be compared");
        let at = self.text.span(y_loc);
        let report = self.report(Code::TypeMismatch, x_loc, message).label(a(x)).also(at, a(y));
        match (x, y) {
            (Type::DateTime, Type::Time) => report.help(format!("write `{left} is within 09:00 to 17:00`")),
            (Type::Money, Type::Number) | (Type::Number, Type::Money) => {
                report.help("an amount of money has a currency: `100 EUR`");
            }
            (Type::Duration, Type::DateTime | Type::Date) | (Type::DateTime | Type::Date, Type::Duration) => {
                report
                    .note("A duration is a length, not a moment.")
                    .help("write a moment, such as `now - 30d` or `30d ago`");
            }
            _ => {}
        }
    }

    pub(super) fn negate(&mut self, inner: &hir::Expr, loc: Loc) -> Expr {
        let inner = self.expr(inner, Want::Any);
        let nothing = match &inner.ty {
            None => return Expr::error(loc),
            Some(Type::Number) => match inner.kind {
                T::Const(Value::Number(n)) => {
                    let negative = journey_bytecode::Number(n.0.saturating_neg());
                    return Expr::constant(Value::Number(negative), Type::Number, loc);
                }
                _ => Expr::constant(Value::int(0), Type::Number, loc),
            },
            Some(Type::Money) => match &inner.kind {
                T::Const(Value::Money(money)) => {
                    let mut money = money.clone();
                    money.amount = journey_bytecode::Number(money.amount.0.saturating_neg());
                    return Expr::constant(Value::Money(money), Type::Money, loc);
                }
                _ => Expr::constant(Value::int(0), Type::Number, loc),
            },
            Some(Type::Duration) => Expr::constant(Value::Span(Span::default()), Type::Duration, loc),
            Some(ty) => {
                let message = format!("`-` needs a number, and this is {}", a(ty));
                self.report(Code::TypeMismatch, inner.loc, message).label("not a number");
                return Expr::error(loc);
            }
        };
        if inner.ty == Some(Type::Money) {
            let minus_one = Expr::constant(Value::int(-1), Type::Number, loc);
            return Expr {
                kind: T::Arithmetic(Box::new(inner), vec![(ArithmeticOp::Multiply, minus_one)]),
                ty: Some(Type::Money),
                loc,
            };
        }
        let ty = inner.ty.clone();
        Expr { kind: T::Arithmetic(Box::new(nothing), vec![(ArithmeticOp::Subtract, inner)]), ty, loc }
    }

    pub(super) fn arithmetic(&mut self, first: &hir::Expr, rest: &[(ArithmeticOp, hir::Expr)], loc: Loc) -> Expr {
        let first = self.expr(first, Want::Any);
        let mut ty = first.ty.clone();
        let mut operands = Vec::with_capacity(rest.len());
        let mut so_far = first.loc;
        for (op, operand) in rest {
            let want = if ty.is_none() { Want::Unknown } else { Want::Any };
            let operand = self.expr(operand, want);
            let (Some(x), Some(y)) = (&ty, &operand.ty) else {
                ty = None;
                continue;
            };
            let result = calculated(*op, x, y);
            if result.is_none() {
                let (x, y) = (a(x), a(y));
                let (message, label) = match op {
                    ArithmeticOp::Add => (format!("{} and {y} cannot be added", x), "cannot be added"),
                    ArithmeticOp::Subtract => (format!("{} cannot be taken from {x}", y), "cannot be subtracted"),
                    ArithmeticOp::Multiply => (format!("{} and {y} cannot be multiplied", x), "cannot be multiplied"),
                    ArithmeticOp::Divide => (format!("{} cannot be divided by {y}", x), "cannot be divided"),
                };
                let at = self.text.span(so_far);
                self.report(Code::TypeMismatch, operand.loc, message).label(label).also(at, x);
            }
            so_far = so_far.cover(operand.loc);
            ty = result;
            operands.push((*op, operand));
        }
        if ty.is_none() {
            return Expr::error(loc);
        }
        Expr { kind: T::Arithmetic(Box::new(first), operands), ty, loc }
    }

    /// `created within last 30d`, `now within weekdays 09:00 to 17:00`.
    pub(super) fn within(&mut self, value: &hir::Expr, within: Within, loc: Loc) -> Expr {
        let value = self.expr(value, Want::Any);
        match &value.ty {
            None => return Expr::error(loc),
            Some(Type::DateTime | Type::Date) => {}
            Some(ty) => {
                let message = format!("only a moment or a day is within a time, and this is {}", a(ty));
                self.report(Code::NotAMoment, value.loc, message).label("no moment");
                return Expr::error(loc);
            }
        }
        let moment = if value.ty == Some(Type::Date) { to_instant(value) } else { value };
        let reached = |e: Expr| truth(T::Reached(Box::new(e)), loc);
        match within {
            Within::Last(span) => {
                let since = reached(shifted(moment.clone(), span));
                truth(T::And(vec![reached(moment), truth(T::Not(Box::new(since)), loc)]), loc)
            }
            Within::Next(span) => {
                let soon = reached(shifted(moment.clone(), span.negated()));
                truth(T::And(vec![truth(T::Not(Box::new(reached(moment))), loc), soon]), loc)
            }
            Within::Window(window) => {
                let next = next_within(window, moment.clone());
                truth(T::Compare(Comparison::Equal, Box::new((next, moment))), loc)
            }
        }
    }
}

/// The place of a piece of a text inside its quotes; an escape counts as the sign that it stands for.
fn inside(quoted: &str, loc: Loc, start: usize, end: usize) -> Loc {
    let mut places = Vec::new();
    let mut signs = quoted.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        let meant = if sign == '\\' { signs.next().map_or(sign, |(_, escaped)| escaped) } else { sign };
        places.extend(std::iter::repeat_n(at, meant.len_utf8()));
    }
    let place = |offset: usize| {
        let at = places.get(offset).or(places.last()).copied().unwrap_or_default();
        loc.start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    };
    let (from, to) = (place(start), place(end.max(start + 1)));
    if from < to { Loc { start: from, end: to } } else { loc }
}

/// The type of what an operator gives.
fn calculated(op: ArithmeticOp, x: &Type, y: &Type) -> Option<Type> {
    use ArithmeticOp::{Add, Divide, Multiply, Subtract};
    Some(match (op, x, y) {
        (_, Type::Number, Type::Number) => Type::Number,
        (Add | Subtract, Type::Money, Type::Money) => Type::Money,
        (Add | Subtract, Type::Duration, Type::Duration) => Type::Duration,
        (Add | Subtract, Type::DateTime, Type::Duration) => Type::DateTime,
        (Add, Type::Duration, Type::DateTime) => Type::DateTime,
        (Add | Subtract, Type::Date, Type::Duration) => Type::Date,
        (Add, Type::Duration, Type::Date) => Type::Date,
        (Subtract, Type::DateTime, Type::DateTime) | (Subtract, Type::Date, Type::Date) => Type::Duration,
        (Multiply, Type::Money, Type::Number) | (Multiply, Type::Number, Type::Money) => Type::Money,
        (Divide, Type::Money, Type::Number) => Type::Money,
        (Divide, Type::Money, Type::Money) => Type::Number,
        _ => return None,
    })
}
