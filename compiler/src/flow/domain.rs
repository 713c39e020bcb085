//! What is known of a value between two waits: enough to see that a comparison can only come out one way.

use std::cmp::Ordering;

use journey_bytecode::{Type, Value};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use crate::typed::Comparison;

/// The most values that a domain tells apart; beyond that it knows less.
pub(super) const MAX_VALUES: usize = 256;

/// The values that are still possible.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Domain {
    /// One of these; anything without.
    only: Option<Values>,
    /// None of these.
    except: Vec<Value>,
    /// Not below.
    low: Option<Bound>,
    /// Not above.
    high: Option<Bound>,
}

/// Some values: mostly one.
pub(super) type Values = SmallVec<[Value; 1]>;

/// A bound, and whether it is possible itself. Most domains have none, and all are copied where ways part.
type Bound = Box<(Value, bool)>;

impl Domain {
    /// Every value of the type.
    pub(super) fn of(ty: Option<&Type>) -> Self {
        let only = match ty {
            Some(Type::Enum(values)) if values.len() <= MAX_VALUES => {
                Some(values.iter().map(|value| Value::Text(value.clone())).collect())
            }
            Some(Type::Bool) => Some(smallvec![Value::Bool(false), Value::Bool(true)]),
            _ => None,
        };
        Self { only, ..Self::default() }
    }

    /// This value alone.
    pub(super) fn only(value: Value) -> Self {
        Self { only: Some(smallvec![value]), ..Self::default() }
    }

    /// One of these values.
    pub(super) fn one_of(values: Values) -> Self {
        Self { only: Some(values), ..Self::default() }
    }

    /// Whether it is this value alone.
    pub(super) fn is_only(&self, value: &Value) -> bool {
        self.only.as_ref().is_some_and(|only| matches!(only.as_slice(), [one] if one == value))
            && self.except.is_empty()
            && self.low.is_none()
            && self.high.is_none()
    }

    /// Whether no value is left.
    pub(super) fn is_empty(&self) -> bool {
        let crossed = match (&self.low, &self.high) {
            (Some(low), Some(high)) => match low.0.order(&high.0) {
                Some(Ordering::Greater) => true,
                Some(Ordering::Equal) => !(low.1 && high.1),
                _ => false,
            },
            _ => false,
        };
        crossed || self.only.as_ref().is_some_and(SmallVec::is_empty)
    }

    /// Whether all that is known is that the value is not below something.
    pub(super) const fn is_lower_bound(&self) -> bool {
        self.only.is_none() && self.except.is_empty() && self.low.is_some() && self.high.is_none()
    }

    /// The texts that are possible, if only some are.
    pub(super) fn texts(&self) -> Vec<SmolStr> {
        let text = |value: &Value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.only.iter().flatten().filter_map(text).collect()
    }

    /// What is left if the comparison with the constant holds.
    #[must_use]
    pub(super) fn that(&self, comparison: Comparison, constant: &Value) -> Self {
        match (comparison, &self.only) {
            (Comparison::Equal, _) if self.may_be(constant) => Self::only(constant.clone()),
            (Comparison::Equal, _) => Self { only: Some(SmallVec::new()), ..Self::default() },
            (Comparison::NotEqual, _) => self.among(std::slice::from_ref(constant), false),
            (Comparison::Less, _) => self.below(constant, false),
            (Comparison::LessOrEqual, _) => self.below(constant, true),
            (Comparison::Greater, _) => self.above(constant, false),
            (Comparison::GreaterOrEqual, _) => self.above(constant, true),
        }
    }

    fn below(&self, bound: &Value, included: bool) -> Self {
        let mut left = self.clone();
        left.high = tighter(left.high, (bound, included), Ordering::Less);
        left.within_bounds()
    }

    fn above(&self, bound: &Value, included: bool) -> Self {
        let mut left = self.clone();
        left.low = tighter(left.low, (bound, included), Ordering::Greater);
        left.within_bounds()
    }

    /// Without the values that the bounds leave out.
    fn within_bounds(mut self) -> Self {
        if let Some(mut only) = self.only.take() {
            only.retain(|value| self.may_be(value));
            self.only = Some(only);
        }
        self
    }

    /// What is left if the value is one of the constants, or if it is none of them.
    #[must_use]
    pub(super) fn among(&self, constants: &[Value], is: bool) -> Self {
        if is {
            let only = constants.iter().filter(|value| self.may_be(value)).cloned().collect();
            let Self { except, low, high, .. } = self;
            return Self { only: Some(only), except: except.clone(), low: low.clone(), high: high.clone() };
        }
        match &self.only {
            Some(only) if !constants.is_empty() => {
                let mut left = SmallVec::with_capacity(only.len().saturating_sub(constants.len()));
                left.extend(only.iter().filter(|value| !constants.contains(value)).cloned());
                Self { only: Some(left), ..Self::default() }
            }
            _ => {
                let mut left = self.clone();
                let room = MAX_VALUES.saturating_sub(left.except.len());
                left.except.extend(constants.iter().take(room).cloned());
                left
            }
        }
    }

    /// What is possible where two ways meet.
    #[must_use]
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        if self == other {
            return Some(self.clone());
        }
        let (Some(a), Some(b)) = (&self.only, &other.only) else {
            let both = Self {
                only: None,
                except: self.except.iter().filter(|value| other.except.contains(value)).cloned().collect(),
                low: looser(self.low.as_deref(), other.low.as_deref(), Ordering::Less),
                high: looser(self.high.as_deref(), other.high.as_deref(), Ordering::Greater),
            };
            let knows = both.low.is_some() || both.high.is_some() || !both.except.is_empty();
            return (knows && self.only.is_none() && other.only.is_none()).then_some(both);
        };
        let mut only = a.clone();
        only.extend(b.iter().filter(|value| !a.contains(value)).cloned());
        // Yes or no: that is to know nothing.
        let either = only.len() > 1 && only.iter().all(|value| matches!(value, Value::Bool(_)));
        (only.len() <= MAX_VALUES && !either).then(|| Self { only: Some(only), ..Self::default() })
    }

    /// Whether no value is possible in both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        match (&self.only, &other.only) {
            (Some(values), _) => !values.iter().any(|value| self.may_be(value) && other.may_be(value)),
            (None, Some(_)) => other.excludes(self),
            (None, None) => {
                let mut both = self.clone();
                if let Some((bound, included)) = other.low.as_deref() {
                    both.low = tighter(both.low, (bound, *included), Ordering::Greater);
                }
                if let Some((bound, included)) = other.high.as_deref() {
                    both.high = tighter(both.high, (bound, *included), Ordering::Less);
                }
                both.is_empty()
            }
        }
    }

    /// Whether it can be this value.
    pub(super) fn may_be(&self, value: &Value) -> bool {
        let beyond = |bound: &Option<Bound>, side: Ordering| {
            bound.as_deref().is_some_and(|(bound, included)| match value.order(bound) {
                Some(Ordering::Equal) => !included,
                Some(order) => order == side,
                None => false,
            })
        };
        self.only.as_ref().is_none_or(|only| only.contains(value))
            && !self.except.contains(value)
            && !beyond(&self.low, Ordering::Less)
            && !beyond(&self.high, Ordering::Greater)
    }
}

/// The bound that leaves more, if both are bounded.
fn looser(a: Option<&(Value, bool)>, b: Option<&(Value, bool)>, looser: Ordering) -> Option<Bound> {
    let ((a, a_in), (b, b_in)) = (a?, b?);
    Some(Box::new(match a.order(b)? {
        Ordering::Equal => (a.clone(), *a_in || *b_in),
        order if order == looser => (a.clone(), *a_in),
        _ => (b.clone(), *b_in),
    }))
}

/// The bound that leaves less.
fn tighter(known: Option<Bound>, (value, included): (&Value, bool), tighter: Ordering) -> Option<Bound> {
    let Some(mut known) = known else { return Some(Box::new((value.clone(), included))) };
    match value.order(&known.0) {
        Some(Ordering::Equal) => known.1 &= included,
        Some(order) if order == tighter => *known = (value.clone(), included),
        _ => {}
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Domain {
        Domain::of(Some(&Type::Enum(["free".into(), "pro".into()].into())))
    }

    #[test]
    fn an_enum_runs_out_of_values() {
        let not_free = plan().that(Comparison::NotEqual, &Value::text("free"));
        assert!(!not_free.is_empty());
        assert!(not_free.that(Comparison::Equal, &Value::text("free")).is_empty());
        assert!(not_free.that(Comparison::NotEqual, &Value::text("pro")).is_empty());
        assert!(plan().among(&[Value::text("free"), Value::text("pro")], false).is_empty());
    }

    #[test]
    fn bounds_cross() {
        let above = Domain::default().that(Comparison::Greater, &Value::int(5));
        assert!(above.that(Comparison::LessOrEqual, &Value::int(5)).is_empty());
        assert!(above.that(Comparison::Equal, &Value::int(5)).is_empty());
        assert!(!above.that(Comparison::Less, &Value::int(7)).is_empty());
        assert!(Domain::only(Value::int(3)).that(Comparison::Greater, &Value::int(5)).is_empty());
    }

    #[test]
    fn ways_meet() {
        let free = plan().that(Comparison::Equal, &Value::text("free"));
        let pro = plan().that(Comparison::Equal, &Value::text("pro"));
        assert!(!free.or(&pro).unwrap().that(Comparison::Equal, &Value::text("pro")).is_empty());
        assert_eq!(free.or(&Domain::default()), None);
        let above = |n| Domain::default().that(Comparison::Greater, &Value::int(n));
        assert!(above(5).or(&above(3)).unwrap().that(Comparison::LessOrEqual, &Value::int(3)).is_empty());
        assert!(!above(5).or(&above(3)).unwrap().that(Comparison::Equal, &Value::int(4)).is_empty());
    }

    #[test]
    fn what_excludes_each_other() {
        let above = Domain::default().that(Comparison::Greater, &Value::int(5));
        let below = Domain::default().that(Comparison::Less, &Value::int(3));
        assert!(above.excludes(&below) && !above.excludes(&Domain::default()));
        assert!(above.excludes(&Domain::only(Value::int(4))) && !Domain::only(Value::int(6)).excludes(&above));
        assert!(Domain::only(Value::int(4)).excludes(&Domain::only(Value::int(6))));
    }
}
