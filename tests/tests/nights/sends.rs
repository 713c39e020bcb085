//! Sends by the core, put off by nobody, an outage or the gate before the wire; and the oracle, which looks at a clock on the wall.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::{TZ_VARIANTS, Tz};
use journey_bytecode::{Bundle, Channel, Date, Holiday, Instant, LocalWindow, Time, Value, WeekdaySet};
use journey_compiler::project::{File, Project};
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::effect::Outgoing;
use journey_runtime::core::input::{Input, InputKind};
use journey_runtime::core::{Linked, Window, advance};
use journey_tests::random::Random;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// 2024-01-01 and 2037-01-01: rules of zones are known ahead as far as that.
const YEARS: std::ops::Range<i64> = 1_704_067_200_000..2_114_380_800_000;

/// How many policies there are.
const RULES: usize = 60;

/// Every so many sends each minute that a message waits is looked at: it may not wait longer than it must.
const LOOKED_AT: u64 = 16;

/// A time of day to another one, in minutes; over midnight if it ends before it begins.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u32,
    to: u32,
    working_days: bool,
}

impl Span {
    fn holds(self, local: NaiveDateTime) -> bool {
        let minute = local.hour() * 60 + local.minute();
        let begins = |at: NaiveDateTime| !self.working_days || at.weekday().number_from_monday() <= 5;
        let yesterday = local - Days::new(1);
        if self.from < self.to {
            begins(local) && (self.from..self.to).contains(&minute)
        } else {
            begins(local) && minute >= self.from || begins(yesterday) && minute < self.to
        }
    }

    fn window(self) -> LocalWindow {
        let days = if self.working_days { WeekdaySet::WEEKDAYS } else { WeekdaySet::ALL };
        LocalWindow { days, from: Time(self.from * 60), to: Time(self.to * 60) }
    }
}

/// A policy and a journey's hours, as the oracle knows them, and as the core does.
struct Rule {
    quiet: Option<Span>,
    hours: Option<Span>,
    holidays: Vec<(i32, Option<&'static str>)>,
    linked: Linked,
}

const COUNTRIES: [&str; 3] = ["DE", "US", "IN"];

impl Rule {
    fn draw(random: &mut Random, bundle: &Bundle) -> Self {
        let span = |random: &mut Random, working_days| {
            let from = random.below(1_440) as u32;
            Span { from, to: (from + 1 + random.below(1_200) as u32) % 1_440, working_days }
        };
        let quiet = (random.below(8) > 0).then(|| match random.below(2) {
            0 => Span { from: 21 * 60, to: 8 * 60, working_days: false },
            _ => span(random, false),
        });
        let hours = (random.below(3) == 0).then(|| span(random, false));
        let hours = hours.map(|hours| Span { working_days: random.below(2) == 0, ..hours });
        let first = (YEARS.start / DAY) as i32;
        let last = (YEARS.end / DAY) as i32;
        let mut holidays: Vec<(i32, Option<&'static str>)> = match random.below(3) {
            0 => (first..last)
                .filter(|_| random.below(20) == 0)
                .map(|day| (day, [None, Some(COUNTRIES[day as usize % 3])][day as usize % 2]))
                .collect(),
            _ => Vec::new(),
        };
        holidays.sort_unstable();
        let mut bundle = bundle.clone();
        // What holds for one channel stands before what holds for all.
        if random.below(2) == 0 {
            bundle.policy.quiet_hours = quiet.map(Span::window);
        } else {
            bundle.policy.quiet_hours = Some(span(random, false).window()).filter(|_| quiet.is_some());
            bundle.policy.quiet_channels = quiet.map(|quiet| (Channel::Sms, quiet.window())).into_iter().collect();
        }
        let holiday =
            |(day, country): &(i32, Option<&str>)| Holiday { day: Date(*day), country: country.map(Into::into) };
        bundle.policy.holidays = holidays.iter().map(holiday).collect();
        bundle.programs[0].hours = hours.map(Span::window);
        let linked = Linked::new(bundle, []).expect("it can be verified");
        Self { quiet, hours, holidays, linked }
    }

    /// Whether a message may leave, by the clock on the wall.
    fn allows(&self, zone: Tz, country: Option<&str>, at: Instant) -> bool {
        let local = DateTime::from_timestamp_millis(at.0).expect("a moment").with_timezone(&zone).naive_local();
        let today = local.date().to_epoch_days();
        let kept = |(day, of): &(i32, Option<&str>)| *day == today && (of.is_none() || *of == country);
        let first = self.holidays.partition_point(|(day, _)| *day < today);
        !self.quiet.is_some_and(|quiet| quiet.holds(local))
            && self.hours.is_none_or(|hours| hours.holds(local))
            && !self.holidays.iter().skip(first).take_while(|(day, _)| *day == today).any(kept)
    }
}

/// What came of it.
#[derive(Default)]
struct Figures {
    sends: u64,
    /// Within 30 hours of a moment at which the zone's clocks change.
    changes: u64,
    zones: BTreeSet<&'static str>,
    /// Left when they were decided first.
    at_once: u64,
    /// Waited for their window before they were decided.
    deferred: u64,
    /// Were late, and put off before the wire.
    put_off: u64,
    /// Of which each minute of waiting was looked at.
    looked_at: u64,
    /// Whose windows are never open together.
    never: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sends, changes, zones, at_once, deferred, put_off, looked_at, never } = self;
        write!(
            f,
            "{sends} sends in {} zones, {changes} of them around a change of the clocks: {at_once} decided at once, \
             {deferred} held until their window opened, {never} whose windows are never open together; {put_off} came \
             late and were put off at the wire; 0 left outside their windows, and of {looked_at} each minute of waiting was \
             necessary",
            zones.len()
        )
    }
}

/// The moments at which a zone's clocks change.
fn changes(zone: Tz) -> Vec<i64> {
    let offset = |at: i64| {
        let utc = DateTime::from_timestamp_millis(at).expect("a moment").naive_utc();
        zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
    };
    let mut found = Vec::new();
    for day in (YEARS.start..YEARS.end).step_by(DAY as usize) {
        let (mut before, mut after) = (day, day + DAY);
        if offset(before) == offset(after) {
            continue;
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if offset(middle) == offset(before) { before = middle } else { after = middle }
        }
        found.push(after);
    }
    found
}

fn project() -> Bundle {
    let text = "contact {\n  phone: phone\n  zone: timezone?\n  land: country?\n}\ntags { go }\ntopic news \"News\"\n\
                policy {\n  sender \"Shop <post@shop.example>\"\n  address \"Shop GmbH, Teststr. 4, 50667 Köln\"\n}\n\
                journey note {\n  on tag go\n  reenter never\n  topic news\n\n  send sms note\n}\n";
    let files = [
        ("journey.toml", "[project]\nname = \"nights\"\ntimezone = \"Europe/Berlin\"\n"),
        ("note.journey", text),
        ("messages/note.sms.txt", "A word\n"),
    ];
    let file = |(path, text): (&str, &str)| File { path: path.to_owned(), bytes: text.as_bytes().to_vec().into() };
    let project = Project { files: files.into_iter().map(file).collect(), lone: false };
    let compilation = journey_compiler::compile(&project);
    let findings: Vec<&str> = compilation.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
    compilation.bundle.unwrap_or_else(|| panic!("the project: {findings:#?}"))
}

/// Simulates so many sends; what came of it, or how the first of them broke the promise.
pub fn sends(count: u64, random: &mut Random) -> Result<String, String> {
    let bundle = project();
    let rules: Vec<Rule> = (0..RULES).map(|_| Rule::draw(random, &bundle)).collect();
    let zones: Vec<(Tz, Vec<i64>)> = TZ_VARIANTS.iter().map(|zone| (*zone, changes(*zone))).collect();
    let mut figures = Figures::default();
    for number in 0..count {
        let rule = &rules[random.below(RULES)];
        let (zone, changes) = &zones[random.below(zones.len())];
        let near = !changes.is_empty() && random.below(2) == 0;
        let moment = if near {
            changes[random.below(changes.len())] + random.within(0..60 * 3_600_000) as i64 - 30 * 3_600_000
        } else {
            random.within(YEARS.start as u64..YEARS.end as u64) as i64
        };
        let country = [None, Some(COUNTRIES[random.below(3)])][random.below(2)];
        let late = [0, random.within(0..8 * 3_600_000), random.within(0..5 * DAY as u64)][random.below(3)];
        let send = Send { rule, zone: *zone, country, moment: Instant(moment), late: late as i64 };
        figures.sends += 1;
        figures.changes += u64::from(near);
        figures.zones.insert(zone.name());
        send.simulate(number % LOOKED_AT == 0, &mut figures).map_err(|broken| {
            format!("{broken}: {zone} {country:?} {}, {:?}, {:?}", send.shown(send.moment), rule.quiet, rule.hours)
        })?;
    }
    Ok(figures.to_string())
}

/// One send.
struct Send<'a> {
    rule: &'a Rule,
    zone: Tz,
    country: Option<&'static str>,
    moment: Instant,
    /// How long after it was decided the message comes to the wire.
    late: i64,
}

impl Send<'_> {
    fn simulate(&self, look: bool, figures: &mut Figures) -> Result<(), String> {
        let Some(outgoing) = self.decide() else {
            figures.never += 1;
            let minutes = (0..8 * DAY / MINUTE).map(|minute| Instant(self.moment.0 + minute * MINUTE));
            return match minutes.into_iter().find(|at| look && self.allows(*at)) {
                Some(open) => Err(format!("it never leaves, and may at {}", self.shown(open))),
                None => Ok(()),
            };
        };
        *if outgoing.at == self.moment { &mut figures.at_once } else { &mut figures.deferred } += 1;
        self.fits(self.moment, outgoing.at, look)?;

        let comes = Instant(outgoing.at.0 + self.late);
        let window = Window::of(&self.rule.linked, &outgoing).expect("it goes to the contact");
        let policy = &self.rule.linked.bundle().policy;
        let leaves = window.closed(policy, comes).map_or(comes, |(until, _)| until);
        if window.closed(policy, leaves).is_some() {
            return Err(format!("{} is no end of its waiting", self.shown(leaves)));
        }
        figures.put_off += u64::from(leaves > comes);
        figures.looked_at += u64::from(look);
        self.fits(comes, leaves, look)
    }

    /// The message, when the core has decided it; none if its windows are never open together.
    fn decide(&self) -> Option<Outgoing> {
        let mut contact = Contact::new(ContactId(1), "ada", self.moment);
        let text = |text: &str| Value::Text(text.into());
        let mut attributes = vec![("phone".into(), text("+4915112345678")), ("zone".into(), text(self.zone.name()))];
        attributes.extend(self.country.map(|country| ("land".into(), text(country))));
        let kind = InputKind::Upsert { attributes, add_tags: vec!["go".into()], remove_tags: Vec::new() };
        let input = Input { seq: 1, at: self.moment, kind };
        let mut out = advance(&self.rule.linked, &mut contact, &[input], self.moment);
        for _ in 0..4 {
            if let Some(outgoing) = out.outgoing.pop() {
                return Some(outgoing);
            }
            out = advance(&self.rule.linked, &mut contact, &[], out.due?);
        }
        None
    }

    /// It may leave at `leaves`, and at no minute from `comes` on before; a window that opens once more because the clocks went back
    /// need not be seen.
    fn fits(&self, comes: Instant, leaves: Instant, look: bool) -> Result<(), String> {
        if !self.allows(leaves) {
            return Err(format!("it leaves at {}", self.shown(leaves)));
        }
        let whole = (comes.0 / MINUTE + 1) * MINUTE;
        let minutes = std::iter::once(comes.0).chain((whole..leaves.0).step_by(MINUTE as usize));
        let early = minutes
            .filter(|at| look && *at < leaves.0)
            .find(|at| self.allows(Instant(*at)) && !self.comes_again(Instant(*at)));
        early.map_or(Ok(()), |early| {
            Err(format!("it leaves at {}, and may at {}", self.shown(leaves), self.shown(Instant(early))))
        })
    }

    /// Whether the clock on the wall has shown the same time before.
    fn comes_again(&self, at: Instant) -> bool {
        let utc = DateTime::from_timestamp_millis(at.0).expect("a moment");
        let shown = self.zone.from_local_datetime(&utc.with_timezone(&self.zone).naive_local());
        shown.earliest().is_some_and(|first| first < utc)
    }

    fn allows(&self, at: Instant) -> bool {
        self.rule.allows(self.zone, self.country, at)
    }

    fn shown(&self, at: Instant) -> String {
        DateTime::from_timestamp_millis(at.0).map_or("never".to_owned(), |at| at.with_timezone(&self.zone).to_rfc3339())
    }
}
