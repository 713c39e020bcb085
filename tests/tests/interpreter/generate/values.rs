//! Values by chance, and conditions on them.

use super::{Dice, Kind, Place, aggregate, pattern, status};
use crate::program::{Cond, EVENTS, NAMES};
use crate::values::{Bound, Day, Match, Moment, Number, Order, Part, Past, Rounding, Stretch, Text, Value};

pub fn cond(dice: &mut Dice, place: &Place) -> Cond {
    match dice.below(if place.body { 20 } else { 18 }) {
        0..5 => Cond::Compared(number(dice, 2, place), order(dice), number(dice, 0, place)),
        5..8 => Cond::Days(day(dice, 2, place), order(dice), day(dice, 1, place)),
        8 | 9 => {
            let of = [Match::Is, Match::IsNot, Match::Contains, Match::StartsWith, Match::EndsWith];
            Cond::Named(text(dice, place), of[dice.up_to::<usize>(5)], dice.any(NAMES))
        }
        10 => Cond::Domain(dice.up_to(2)),
        11 => Cond::RenewalDays(order(dice), dice.between(0, 4)),
        12..15 => {
            let bound = [Bound::AtLeast, Bound::AtMost, Bound::Exactly][dice.up_to::<usize>(3)];
            Cond::DidIn(past(dice, place), bound, dice.between(1, 3))
        }
        15 => Cond::SumIn(aggregate(dice), past(dice, place), dice.between(1, 5)),
        16 => Cond::OpenedAnyIn(stretch(dice, place)),
        17 => Cond::PlanChangedIn(stretch(dice, place)),
        _ => Cond::FirstIn(status(dice), stretch(dice, place)),
    }
}

pub fn order(dice: &mut Dice) -> Order {
    [Order::Is, Order::IsNot, Order::Less, Order::AtMost, Order::More, Order::AtLeast][dice.up_to::<usize>(6)]
}

/// The name for one of that kind.
fn local(dice: &mut Dice, place: &Place, kind: Kind) -> Option<usize> {
    let known: Vec<usize> = place.locals.iter().filter(|(_, of)| *of == kind).map(|(id, _)| *id).collect();
    (!known.is_empty()).then(|| known[dice.up_to::<usize>(known.len())])
}

pub fn number(dice: &mut Dice, depth: u32, place: &Place) -> Number {
    if depth > 0 && dice.one_in(2) {
        let side = |dice: &mut Dice| number(dice, depth - 1, place);
        return match dice.below(5) {
            0 => Number::Plus(Box::new((side(dice), side(dice)))),
            1 => Number::Minus(Box::new((side(dice), side(dice)))),
            2 => Number::Times(Box::new(side(dice)), dice.between(2, 3)),
            _ => whole(dice, side),
        };
    }
    if let Some(id) = local(dice, place, Kind::Number).filter(|_| dice.one_in(2)) {
        return Number::Local(id);
    }
    match dice.below(14) {
        0 | 1 => Number::Is(dice.below(6)),
        2 if place.amount => Number::Amount,
        3 if place.batch => Number::Gathered,
        4 => Number::Interests,
        5 => Number::Length(text(dice, place)),
        6 | 7 => Number::Count(Box::new(past(dice, place))),
        8 | 9 => Number::Part([Part::Year, Part::Month, Part::Day][dice.up_to::<usize>(3)], day(dice, 1, place)),
        10 => Number::Age(day(dice, 1, place)),
        11 => Number::DaysBetween(day(dice, 1, place), day(dice, 1, place)),
        12 => Number::HourNow,
        _ => Number::Visits,
    }
}

fn whole(dice: &mut Dice, of: impl Fn(&mut Dice) -> Number) -> Number {
    let rounding = [Rounding::Round, Rounding::Floor, Rounding::Ceil][dice.up_to::<usize>(3)];
    Number::Whole(rounding, Box::new(of(dice)), dice.between(2, 4))
}

/// A number that does not grow, however often it is made of itself.
pub fn small(dice: &mut Dice, place: &Place) -> Number {
    let rounding = [Rounding::Round, Rounding::Floor, Rounding::Ceil][dice.up_to::<usize>(3)];
    let of = Number::Plus(Box::new((number(dice, 0, place), number(dice, 0, place))));
    Number::Whole(rounding, Box::new(of), 4)
}

pub fn text(dice: &mut Dice, place: &Place) -> Text {
    match dice.below(6) {
        0 => Text::Is(dice.any(NAMES)),
        1 | 2 => Text::Lower(Box::new(Text::Name)),
        3 | 4 => local(dice, place, Kind::Text).map_or(Text::Name, Text::Local),
        _ => Text::Name,
    }
}

pub fn day(dice: &mut Dice, depth: u32, place: &Place) -> Day {
    match dice.below(if depth > 0 { 12 } else { 8 }) {
        0 | 1 => Day::Is(dice.between(-2, 8)),
        2..4 => Day::Today,
        4 | 5 => Day::Born,
        6 | 7 => local(dice, place, Kind::Day).map_or(Day::Today, Day::Local),
        8..10 => Day::Later(Box::new(day(dice, depth - 1, place)), dice.between(-3, 3)),
        _ => Day::Round(Box::new(day(dice, depth - 1, place))),
    }
}

/// A value to give a name to. One that is made of others does not grow.
pub fn value(dice: &mut Dice, place: &Place) -> (Kind, Value) {
    match dice.below(5) {
        0 => (Kind::Text, Value::Text(text(dice, place))),
        1 => (Kind::Day, Value::Day(day(dice, 2, place))),
        2 => (Kind::Number, Value::Number(small(dice, place))),
        _ => {
            let alone = Place { locals: Vec::new(), ..place.clone() };
            (Kind::Number, Value::Number(number(dice, 2, &alone)))
        }
    }
}

pub fn past(dice: &mut Dice, place: &Place) -> Past {
    Past { pattern: pattern(dice), stretch: stretch(dice, place) }
}

pub fn stretch(dice: &mut Dice, place: &Place) -> Stretch {
    let since = if place.body && dice.one_in(4) { Moment::Entry } else { moment(dice, place) };
    Stretch { since, until: if dice.one_in(4) { None } else { Some(moment(dice, place)) } }
}

fn moment(dice: &mut Dice, place: &Place) -> Moment {
    match dice.below(8) {
        0 => Moment::First(dice.any(EVENTS)),
        1 | 2 => Moment::Last(dice.any(EVENTS)),
        3 | 4 if place.once => Moment::Ago(dice.between(1, 4)),
        _ => Moment::Day(day(dice, 1, place)),
    }
}
