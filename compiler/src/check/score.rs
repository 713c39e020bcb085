//! Scores: what happenings are worth.

use super::expr::Checker;
use super::index::{Index, Source};
use super::uses::Uses;
use crate::diagnostic::{Code, Diagnostic};
use crate::flow;
use crate::hir::EventKind;
use crate::typed::Score;

/// The shortest half-life: an hour, in milliseconds.
const LEAST_HALF_LIFE: i64 = 3_600_000;

/// The scores of a project; none of them if something is wrong with one.
pub(crate) fn scores(
    index: &Index<'_>,
    sources: &[Source<'_>],
    uses: &mut Uses,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Score> {
    let mut scores = Vec::new();
    for (name, info) in index.scores.iter() {
        let Some(source) = sources.get(info.file) else { continue };
        let mut checker = Checker::new(index, &source.text);
        checker.in_score = true;
        let declaration = info.declaration;
        if declaration.rules.is_empty() {
            checker
                .report(Code::UselessPart, declaration.name.loc, format!("nothing counts for the score `{name}`"))
                .label("always 0")
                .help("say what happenings are worth: `opened +2  purchase +20`");
        }
        let halves = declaration.halves.map(|(span, loc)| {
            let millis = span.rough_millis();
            if millis < LEAST_HALF_LIFE {
                checker
                    .report(Code::ImpossibleValue, loc, "a score fades by half in an hour at least")
                    .label("too fast")
                    .help("write a longer time: `halves every 30d`");
            }
            millis
        });
        let mut rules = Vec::with_capacity(declaration.rules.len());
        for (pattern, points) in &declaration.rules {
            if points.0 == 0 {
                checker
                    .report(Code::UselessPart, pattern.loc, "this happening is worth nothing")
                    .label("+0")
                    .help("give it points, or remove the line");
            }
            if matches!(pattern.kind, EventKind::Segment(..)) {
                checker
                    .report(Code::ImpossibleValue, pattern.loc, "a score does not count segments that come and go")
                    .label("not counted")
                    .note("A segment may itself ask for the score.")
                    .help("count what brings contacts into the segment");
                continue;
            }
            let Some(mut pattern) = checker.pattern(pattern) else { continue };
            if let Some(filter) = &mut pattern.filter {
                flow::follow_condition(filter, &source.text, index, &mut checker.diagnostics);
            }
            rules.push((pattern, *points));
        }
        uses.merge(&std::mem::take(&mut checker.uses));
        diagnostics.append(&mut checker.diagnostics);
        scores.push(Score { name: name.clone(), halves, rules });
    }
    scores
}
