//! Advice beyond errors: what a journey does that its author probably did not mean, and what journeys do together. Each
//! finding has a group and a level, which `[lint]` sets, and which comments let pass.
//!
//! Every journey is looked at by itself, once; what several do together is judged from a [`Summary`] of each.

mod allow;
mod clock;
mod consent;
mod cycles;
mod header;
mod pressure;
mod steps;
mod texts;
mod unused;

use std::collections::BTreeSet;
use std::sync::Arc;

use journey_bytecode::{Cap, Channel, Date, Purpose, TestCase};
use smol_str::SmolStr;

use crate::check::{Checked, Index, Named, OwnTerms, Source, UseCounts, Uses};
use crate::config::LintConfig;
use crate::diagnostic::{Diagnostic, Level, Severity, Span};
use crate::flow::Entry;
use crate::hir;
use crate::shift::Shift;
use crate::sources::{JourneyFile, Sources};
use crate::text::Text;
use crate::typed::Journey;
use cycles::{Happening, Summary};

/// What a journey is looked at with.
pub(crate) struct Scene<'a> {
    pub(crate) index: &'a Index<'a>,
    pub(crate) config: &'a LintConfig,
    /// The present day, if somebody says it.
    pub(crate) today: Option<Date>,
    pub(crate) text: &'a Text<'a>,
}

impl Scene<'_> {
    /// What a journey sends the message for.
    fn purpose(&self, journey: &Journey, channel: Channel, message: &SmolStr) -> Purpose {
        let own = self.terms(channel, message).and_then(|own| own.purpose);
        own.or(journey.purpose).unwrap_or_default()
    }

    /// What the message says of itself, if it does.
    fn terms(&self, channel: Channel, message: &SmolStr) -> Option<&OwnTerms> {
        let terms = &self.index.terms;
        // Most projects leave it to their journeys.
        if terms.is_empty() { None } else { terms.get(&(channel, message.clone())) }
    }
}

/// What journeys are judged together with.
struct Together<'a> {
    caps: &'a [Cap],
}

/// A finding that counts only if nobody uses a name after all.
#[derive(Clone)]
struct Unless {
    kind: Named,
    name: SmolStr,
    finding: Diagnostic,
}

/// Gathers what is found.
#[derive(Clone, Default)]
pub(crate) struct Lints {
    found: Vec<Diagnostic>,
    unless: Vec<Unless>,
    /// Shared with the next state of the project.
    summaries: Vec<Arc<Summary>>,
    /// Names used anywhere.
    pub(crate) uses: Uses,
    /// What tests let happen.
    tested: BTreeSet<Happening>,
    /// Tags that tests give to contacts.
    given_tags: BTreeSet<SmolStr>,
    /// The first marketing mail.
    first_mail: Option<Span>,
    /// The journeys that send marketing.
    marketing: usize,
    /// Not all of the project is understood.
    partial: bool,
}

impl Lints {
    /// Looks at a journey; `entry` is what is known of those who enter, none if its ways were not followed.
    pub(crate) fn journey(
        &mut self,
        scene: &Scene<'_>,
        (source, body): (&hir::Journey, &hir::Block),
        checked: &Checked,
        entry: Option<Entry>,
    ) {
        let Some(entry) = entry.filter(|_| !source.broken) else {
            self.partial = true;
            return;
        };
        let journey = &checked.journey;
        let counts = pressure::journey(scene, journey, &mut self.found);
        consent::journey(scene, source, journey, &checked.sends, &mut self.found);
        header::journey(scene, source, journey, &mut self.found);
        clock::journey(scene, journey, &mut self.found);
        steps::journey(scene, (source, body), journey, &mut self.found, &mut self.unless);
        // Whoever judges the next state of the project carries along what is kept.
        self.found.retain(|found| scene.config.level(found.code) != Level::Off);
        let summary = Summary::of(scene, journey, entry, counts);
        let marketing = |channel, message: &SmolStr| scene.purpose(journey, channel, message) == Purpose::Marketing;
        let mut sends =
            checked.sends.iter().filter(|sent| !sent.elsewhere && marketing(sent.channel, &sent.message)).peekable();
        self.marketing += usize::from(sends.peek().is_some());
        let mail = sends.find(|sent| sent.channel == Channel::Email).map(|sent| sent.at);
        self.first_mail = self.first_mail.or(mail);
        self.summaries.push(Arc::new(summary));
    }

    /// Looks at a test.
    pub(crate) fn test(&mut self, case: Option<&TestCase>, uses: &Uses) {
        self.uses.merge(uses);
        match case {
            Some(case) => unused::tested(case, &mut self.tested, &mut self.given_tags),
            None => self.partial = true,
        }
    }

    /// Moves the places behind a change.
    pub(crate) fn shift(&mut self, shift: Shift) {
        self.found.iter_mut().for_each(|found| shift.diagnostic(found));
        self.unless.iter_mut().for_each(|unless| shift.diagnostic(&mut unless.finding));
        self.summaries.iter_mut().for_each(|summary| *summary = Arc::new(summary.shifted(shift)));
        self.first_mail.iter_mut().for_each(|at| shift.span(at));
    }

    /// Adds what was gathered of the next journey or test, but for the names that it uses.
    pub(crate) fn add(&mut self, next: &Self) {
        self.found.extend_from_slice(&next.found);
        self.unless.extend_from_slice(&next.unless);
        self.summaries.extend_from_slice(&next.summaries);
        unite(&mut self.tested, &next.tested);
        unite(&mut self.given_tags, &next.given_tags);
        self.first_mail = self.first_mail.or(next.first_mail);
        self.marketing += next.marketing;
        self.partial |= next.partial;
    }

    /// What the journeys are and use together; `used` are the names of each journey and test.
    pub(crate) fn finish(
        mut self,
        used: &[&Uses],
        index: &Index<'_>,
        files: &[Source<'_>],
        sources: &Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Pressure> {
        let together = Together { caps: &index.policy.caps };
        cycles::project(&together, &self.summaries, &mut self.found);
        texts::project(sources, &mut self.found);
        if !index.lone {
            consent::project(sources, index.policy.address.as_deref(), self.first_mail, &mut self.found);
        }
        // What cannot be understood may use anything.
        for part in sources.messages.iter().flat_map(|message| message.parts()).map(|(_, part)| part) {
            let names = part.template.uses.iter().filter_map(|usage| usage.path.first());
            names.for_each(|name| self.uses.note(Named::Variable, name));
        }
        let sound = !self.partial && diagnostics.iter().all(|d| d.severity != Severity::Error);
        if sound {
            let unless = std::mem::take(&mut self.unless);
            let own = std::mem::take(&mut self.uses);
            let uses = UseCounts::of(used.iter().copied().chain([&own]));
            let unused = unless.into_iter().filter(|unless| uses.count(unless.kind, &unless.name) == 0);
            self.found.extend(unused.map(|unless| unless.finding));
            if !index.lone {
                unused::project(&mut self, &uses, index, files, sources);
            }
        }
        diagnostics.append(&mut self.found);
        let pressure = self.summaries.into_iter().map(|summary| Pressure {
            journey: summary.name.clone(),
            per_day: summary.counts.day,
            per_week: summary.counts.week,
        });
        pressure.collect()
    }
}

/// Adds what is not among them; most is.
fn unite<T: Ord + Clone>(all: &mut BTreeSet<T>, more: &BTreeSet<T>) {
    for thing in more {
        if !all.contains(thing) {
            all.insert(thing.clone());
        }
    }
}

/// The most marketing messages that one run of a journey can send to a contact, over all ways through it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pressure {
    /// The journey.
    pub journey: SmolStr,
    /// In any 24 hours.
    pub per_day: usize,
    /// In any 7 days.
    pub per_week: usize,
}

/// Gives findings the levels that the project sets, and lets pass what its comments allow.
pub(crate) fn settle(files: &[Arc<JourneyFile>], config: &LintConfig, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.retain_mut(|d| set_level(config, d));
    allow::apply(files, config, diagnostics);
    // What is said about the comments has levels too.
    diagnostics.retain_mut(|d| set_level(config, d));
}

/// Whether the finding is told.
fn set_level(config: &LintConfig, d: &mut Diagnostic) -> bool {
    if !d.code.is_lint() {
        return true;
    }
    match config.level(d.code).severity() {
        // What a finding makes of itself, milder than others of its code, stays unless the project says otherwise.
        Some(severity) if config.is_set(d.code) || d.severity > severity => d.severity = severity,
        Some(_) => {}
        None => return false,
    }
    true
}

/// A length of time in words: `7 days`, `36 hours`, `2 days 3 hours`.
fn length(millis: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")];
    // A day and some hours are hours.
    let skip = usize::from(millis < 2 * 86_400_000 && millis % 86_400_000 != 0);
    let mut rest = millis;
    let mut parts = Vec::new();
    for (unit, name) in UNITS.into_iter().skip(skip) {
        let count = rest / unit;
        rest %= unit;
        if count > 0 && parts.len() < 2 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "no time".to_owned() } else { parts.join(" ") }
}
