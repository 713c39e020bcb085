//! Who is in what: segments, stages of a funnel, journeys, topics.

use std::collections::BTreeMap;

use journey_bytecode::{Type, Value, past_journey, past_segment, past_stage};
use smol_str::SmolStr;

use super::expr::Checker;
use super::index::{Index, Source};
use super::uses::{Named, Uses};
use crate::diagnostic::{Code, Diagnostic};
use crate::flow;
use crate::hir::{self, Bound, ExprKind as H, Loc, Name, When};
use crate::typed::{Comparison, Expr, ExprKind, History};

/// The conditions of all segments, checked; none for one with something wrong with it.
pub(crate) fn segments(
    index: &Index<'_>,
    sources: &[Source<'_>],
    uses: &mut Uses,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<SmolStr, Option<Expr>> {
    let mut checked = BTreeMap::new();
    let mut path = Vec::new();
    for name in index.segments.keys() {
        segment(index, sources, name, &mut path, &mut checked, uses, diagnostics);
    }
    checked
}

/// Checks a segment after those that it asks for.
fn segment(
    index: &Index<'_>,
    sources: &[Source<'_>],
    name: &SmolStr,
    path: &mut Vec<SmolStr>,
    checked: &mut BTreeMap<SmolStr, Option<Expr>>,
    uses: &mut Uses,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(info) = index.segments.get(name).filter(|_| !checked.contains_key(name)) else { return };
    let Some(source) = sources.get(info.file) else { return };
    if let Some(place) = path.iter().position(|known| known == name) {
        let ring: Vec<_> = path.iter().skip(place).chain([name]).map(|name| format!("`{name}`")).collect();
        let span = source.text.span(info.declaration.name.loc);
        diagnostics.push(
            Diagnostic::new(Code::SegmentCycle, span, format!("the segment `{name}` asks for itself"))
                .label("never decided")
                .note(format!("It goes round: {}.", ring.join(" asks for ")))
                .help("take one of the questions out"),
        );
        checked.insert(name.clone(), None);
        return;
    }
    path.push(name.clone());
    let mut asked = Vec::new();
    groups(&info.declaration.condition, &mut asked);
    for other in asked {
        segment(index, sources, &other, path, checked, uses, diagnostics);
    }
    path.pop();
    if checked.contains_key(name) {
        return;
    }
    let mut checker = Checker::new(index, &source.text);
    checker.in_segment = true;
    checker.segments = Some(checked);
    let mut condition = checker.condition(&info.declaration.condition);
    uses.merge(&std::mem::take(&mut checker.uses));
    let mut found = std::mem::take(&mut checker.diagnostics);
    flow::follow_condition(&mut condition, &source.text, index, &mut found);
    let sound = found.is_empty() && condition.ty.is_some();
    diagnostics.append(&mut found);
    checked.insert(name.clone(), sound.then_some(condition));
}

/// The segments that a condition asks for.
fn groups(e: &hir::Expr, found: &mut Vec<SmolStr>) {
    match &e.kind {
        H::InGroup(name) | H::WasInGroup(name, _) => found.push(name.text.clone()),
        H::Not(inner) => groups(inner, found),
        H::And(parts) | H::Or(parts) | H::NumberOf(_, _, parts) => parts.iter().for_each(|part| groups(part, found)),
        _ => {}
    }
}

impl Checker<'_> {
    /// `in engaged`, `in sales.prospect`
    pub(super) fn in_group(&mut self, name: &Name, loc: Loc) -> Expr {
        if let Some((funnel, stage)) = name.text.split_once('.') {
            let Some((funnel, stage)) = self.stage(name, funnel, stage) else { return Expr::error(loc) };
            let now = Expr { kind: ExprKind::Stage(funnel), ty: Some(Type::Text), loc };
            let stage = Expr::constant(Value::Text(stage), Type::Text, loc);
            return Expr::truth(ExprKind::Compare(Comparison::Equal, Box::new((now, stage))), loc);
        }
        match self.segment(name) {
            Some(condition) => condition.put_at(loc),
            None => Expr::error(loc),
        }
    }

    /// `was in engaged within 30d`: it is in it now, or dropped out of it since.
    pub(super) fn was_in_group(&mut self, name: &Name, when: &When, loc: Loc) -> Expr {
        let now = self.in_group(name, loc);
        if now.ty.is_none() {
            return Expr::error(loc);
        }
        let (event, watched) = match name.text.split_once('.') {
            Some((funnel, stage)) => (past_stage(funnel, stage), None),
            None => (past_segment(&name.text), Some((name.text.clone(), now.clone()))),
        };
        self.was_in(now, event, watched, when, loc)
    }

    /// `was in journey winback within 30d`
    pub(super) fn was_in_journey(&mut self, name: &Name, when: &When, loc: Loc) -> Expr {
        let Some(journey) = self.journey_named(name) else { return Expr::error(loc) };
        if when.count.is_none() && when.since.is_none() {
            return Expr::truth(ExprKind::WasInJourney(journey, when.within), loc);
        }
        let now = Expr::truth(ExprKind::InJourney(journey.clone()), loc);
        self.was_in(now, past_journey(&journey), None, when, loc)
    }

    /// So often it was inside: each time that it left, and once more if it is inside now.
    fn was_in(&mut self, now: Expr, event: SmolStr, watched: Option<(SmolStr, Expr)>, when: &When, loc: Loc) -> Expr {
        let Some(stretch) = self.stretch(when) else { return Expr::error(loc) };
        let left = |number: u32| {
            let history = History {
                event: event.clone(),
                filter: None,
                stretch: stretch.clone(),
                aggregate: journey_bytecode::Aggregate::Count,
                watched: watched.clone(),
            };
            let count = Expr { kind: ExprKind::History(Box::new(history)), ty: Some(Type::Number), loc };
            (count, Expr::constant(Value::int(i64::from(number)), Type::Number, loc))
        };
        let compared = |comparison, number| Expr::truth(ExprKind::Compare(comparison, Box::new(left(number))), loc);
        let Some(count) = when.count else {
            let before = compared(Comparison::GreaterOrEqual, 1);
            return Expr::truth(ExprKind::Or(vec![now, before]), loc);
        };
        if count.days {
            self.no_days(count.loc, "being inside");
            return Expr::error(loc);
        }
        let comparison = super::history::comparison(count.bound);
        let inside = match count.number.checked_sub(1) {
            Some(less) => compared(comparison, less),
            None => Expr::constant(Value::Bool(count.bound == Bound::AtLeast), Type::Bool, loc),
        };
        let outside = compared(comparison, count.number);
        let not = Expr::truth(ExprKind::Not(Box::new(now.clone())), loc);
        let ways = [vec![now, inside], vec![not, outside]];
        Expr::truth(ExprKind::Or(ways.map(|way| Expr::truth(ExprKind::And(way), loc)).into()), loc)
    }

    /// The condition of a segment.
    pub(super) fn segment(&mut self, name: &Name) -> Option<Expr> {
        let known = match self.segments {
            Some(known) => known.get(&name.text),
            None => self.index.conditions.get(&name.text),
        };
        if let Some(condition) = known {
            self.uses.note(Named::Segment, &name.text);
            condition.iter().for_each(|condition| self.size.inlined(condition));
            return condition.clone();
        }
        if self.index.segments.contains_key(&name.text) || self.index.unsure.segments {
            return None;
        }
        let names: Vec<SmolStr> = self.index.segments.keys().cloned().collect();
        let funnel = self.index.funnels.get(&name.text).and_then(|funnel| funnel.stages.first()).cloned();
        let report = self.report(Code::UnknownSegment, name.loc, format!("there is no segment `{}`", name.text));
        match funnel {
            Some(stage) => {
                report.label("a funnel").help(format!("name a stage of the funnel: `in {}.{stage}`", name.text))
            }
            None => report.suggest_or(
                &name.text,
                names.iter().map(SmolStr::as_str),
                "no such segment",
                format!("declare it in a `.journey` file: `segment {} = has tag vip`", name.text),
            ),
        }
        None
    }

    /// A stage of a funnel.
    pub(super) fn stage(&mut self, name: &Name, funnel: &str, stage: &str) -> Option<(SmolStr, SmolStr)> {
        let Some(known) = self.index.funnels.get(funnel) else {
            if !self.index.unsure.funnels {
                let names: Vec<SmolStr> = self.index.funnels.keys().cloned().collect();
                let at = Loc { start: name.loc.start, end: name.loc.start + width(funnel) };
                self.report(Code::UnknownStage, at, format!("there is no funnel `{funnel}`")).suggest_or(
                    funnel,
                    names.iter().map(SmolStr::as_str),
                    "no such funnel",
                    format!("declare it in a `.journey` file: `funnel {funnel} {{ new -> {stage} }}`"),
                );
            }
            return None;
        };
        if known.stages.iter().any(|known| known == stage) {
            self.uses.note(Named::Funnel, &funnel.into());
            return Some((funnel.into(), stage.into()));
        }
        let stages = known.stages.clone();
        let at = Loc { start: name.loc.end.saturating_sub(width(stage)), end: name.loc.end };
        let list = crate::diagnostic::one_of(stages.iter().map(SmolStr::as_str)).replace(" or ", " and ");
        self.report(Code::UnknownStage, at, format!("the funnel `{funnel}` has no stage `{stage}`")).suggest_or(
            stage,
            stages.iter().map(SmolStr::as_str),
            "no such stage",
            format!("its stages are {list}"),
        );
        None
    }

    /// A stage by its dotted name.
    pub(super) fn stage_of(&mut self, name: &Name) -> Option<(SmolStr, SmolStr)> {
        if let Some((funnel, stage)) = name.text.split_once('.') {
            return self.stage(name, funnel, stage);
        }
        let funnels = self.index.funnels.iter();
        let fits: Vec<_> = funnels.filter(|(_, funnel)| funnel.stages.contains(&name.text)).map(|(f, _)| f).collect();
        let report = self.report(Code::UnknownStage, name.loc, format!("`{}` does not say of which funnel", name.text));
        match fits.as_slice() {
            [funnel] => {
                let instead = format!("{funnel}.{}", name.text);
                report.label(format!("did you mean `{instead}`?")).replace(
                    name.loc,
                    &instead,
                    format!("Replace `{}` with `{instead}`", name.text),
                );
            }
            _ => report.label("of which funnel?").help("write funnel and stage: `sales.prospect`"),
        }
        None
    }

    /// A journey of the project.
    pub(super) fn journey_named(&mut self, name: &Name) -> Option<SmolStr> {
        if self.index.journeys.contains_key(&name.text) {
            self.uses.note(Named::Journey, &name.text);
            return Some(name.text.clone());
        }
        let names: Vec<SmolStr> = self.index.journeys.keys().cloned().collect();
        self.report(Code::UnknownJourney, name.loc, format!("there is no journey `{}`", name.text)).suggest_or(
            &name.text,
            names.iter().map(SmolStr::as_str),
            "no such journey",
            "every journey has the name behind the word `journey`, or that of its file",
        );
        None
    }

    /// Says that something is asked of a run where there is none.
    pub(super) fn needs_a_run(&mut self, loc: Loc, what: &str) {
        self.report(Code::NeedsARun, loc, format!("`{what}` asks about a run, and a segment is about contacts"))
            .label("no run here")
            .help("ask of the contact, as `opened any email within 30d` or `did purchase within 30d`");
    }
}

fn width(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
