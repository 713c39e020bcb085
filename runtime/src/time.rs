//! Zones and daylight saving time: no other file knows them.
//!
//! A *wall* value is milliseconds since 1970-01-01 00:00 as the clock on a wall shows it, as in
//! [`Value::Local`](journey_bytecode::Value::Local). What lies in the gap of a change to summer time means the first
//! valid instant after it; what comes twice in a fold means the first of the two.

use chrono::{DateTime, Datelike, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};
use journey_bytecode::{Date, Instant, LocalWindow, Span, Time, Value, Weekday, WeekdaySet};

/// The milliseconds of a day without a clock change.
pub const DAY: i64 = 86_400_000;

/// Beyond this many milliseconds from 1970 (250,000 years) nothing has a calendar date any more.
const EDGE: i64 = 8_000_000_000_000_000;

/// How many days ahead to look for a day of the week: a week, and the days that a zone once skipped at the date line.
const LOOK_AHEAD: i64 = 9;

/// How many times something can come again that comes every so often: more often than any contact will see.
const MAX_TIMES: i64 = 1 << 20;

/// How many windows a wait can count through: ten years of days.
pub const MAX_WINDOWS: i32 = 3660;

/// A time zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Zone(Tz);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of this name, as `Europe/Berlin`.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The zone of this name; the default where it is missing or unknown.
    pub fn resolve(name: Option<&str>, default: Self) -> Self {
        name.and_then(Self::parse).unwrap_or(default)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What a clock on the wall shows.
    pub fn wall(self, at: Instant) -> i64 {
        let at = at.0.clamp(-EDGE, EDGE);
        let offset = self.0.offset_from_utc_datetime(&naive(at)).fix().local_minus_utc();
        at + i64::from(offset) * 1000
    }

    /// When a clock on the wall shows this.
    pub fn instant(self, wall: i64) -> Instant {
        self.instants(wall).0
    }

    /// When a clock on the wall shows this, and when it does so again in a fold.
    fn instants(self, wall: i64) -> (Instant, Option<Instant>) {
        if wall >= EDGE {
            return (Instant::NEVER, None);
        }
        let local = naive(wall.max(-EDGE));
        let millis = |moment: DateTime<Tz>| Instant(moment.timestamp_millis());
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(moment) => (millis(moment), None),
            MappedLocalTime::Ambiguous(first, second) => (millis(first), Some(millis(second))),
            MappedLocalTime::None => {
                let after = GapInfo::new(&local, &self.0).and_then(|gap| gap.end).map(millis);
                (after.unwrap_or(Instant(wall)), None)
            }
        }
    }

    /// A moment later: months first (clamped to the last day of the month), then days, at the same wall-clock time; then
    /// the exact part.
    pub fn add(self, at: Instant, span: Span) -> Instant {
        if at == Instant::NEVER {
            return at;
        }
        let moved = if span.months == 0 && span.days == 0 {
            at
        } else {
            self.instant(add_to_wall(self.wall(at), Span { millis: 0, ..span }))
        };
        Instant(moved.0.saturating_add(span.millis))
    }

    /// The day it is.
    pub fn today(self, at: Instant) -> Date {
        date_of_wall(self.wall(at))
    }

    /// The day of the week it is.
    pub fn weekday(self, at: Instant) -> Weekday {
        weekday(self.wall(at).div_euclid(DAY))
    }

    /// The hour it is, 0 to 23.
    pub fn hour(self, at: Instant) -> u32 {
        u32::try_from(self.wall(at).rem_euclid(DAY) / 3_600_000).unwrap_or(0)
    }

    /// The next full hour on the wall.
    pub fn next_hour(self, at: Instant) -> Instant {
        let past = self.wall(at).rem_euclid(3_600_000);
        Instant(at.0.saturating_add(3_600_000 - past))
    }

    /// The beginning of the next day.
    pub fn next_day(self, at: Instant) -> Instant {
        let next = self.instant((self.wall(at).div_euclid(DAY) + 1) * DAY);
        if next > at { next } else { Instant(at.0.saturating_add(DAY)) }
    }

    /// When a day begins.
    pub fn start_of(self, day: Date) -> Instant {
        self.instant(i64::from(day.0) * DAY)
    }

    /// The first moment at or after `at` that is the time on one of the days; an empty set of days means every day.
    pub fn next_at(self, at: Instant, days: WeekdaySet, time: Time) -> Instant {
        let today = self.wall(at).div_euclid(DAY);
        // A time that yesterday's clock skipped may mean a moment of today.
        (today - 1..=today + LOOK_AHEAD)
            .filter(|day| has(days, *day))
            .map(|day| self.instant(day * DAY + millis_of(time)))
            .find(|moment| *moment >= at)
            .unwrap_or(Instant::NEVER)
    }

    /// The first moment at or after `at` that is the time on a day on which `day` comes round.
    pub fn next_anniversary(self, at: Instant, day: Date, time: Time) -> Instant {
        let Some(born) = NaiveDate::from_epoch_days(day.0) else { return Instant::NEVER };
        let Some(now) = NaiveDate::from_epoch_days(self.today(at).0) else { return Instant::NEVER };
        (now.year().saturating_sub(1)..=now.year().saturating_add(2))
            .filter_map(|year| in_year(born, year))
            .map(|date| self.instant(wall_of_date(Date(date.to_epoch_days())).saturating_add(millis_of(time))))
            .find(|moment| *moment >= at)
            .unwrap_or(Instant::NEVER)
    }

    /// The first moment at or after `at` that is the time on the day or a whole number of spans later; never, for a span
    /// that is no length. Spans with an exact part count from the first moment, others from the day.
    pub fn next_every(self, at: Instant, day: Date, span: Span, time: Time) -> Instant {
        if span.months < 0 || span.days < 0 || span.rough_millis() <= 0 {
            return Instant::NEVER;
        }
        let start = wall_of_date(day).saturating_add(millis_of(time));
        let times = |n: i64| {
            let small = |part: i32| i32::try_from(i64::from(part).saturating_mul(n)).unwrap_or(i32::MAX);
            let span =
                Span { months: small(span.months), days: small(span.days), millis: span.millis.saturating_mul(n) };
            if span.millis == 0 { self.instant(add_to_wall(start, span)) } else { self.add(self.instant(start), span) }
        };
        // Later and later: the first that is late enough is found by halving.
        let (mut low, mut high) = (0i64, MAX_TIMES);
        while low < high {
            let middle = low + (high - low) / 2;
            if times(middle) >= at { high = middle } else { low = middle + 1 }
        }
        let next = times(low);
        if next >= at { next } else { Instant::NEVER }
    }

    /// The moment at which so much time inside the window is over. Days count those on which the window opens; months do
    /// not count.
    pub fn add_within(self, at: Instant, span: Span, window: LocalWindow) -> Instant {
        let mut moment = self.next_within(at, window);
        for _ in 0..span.days.clamp(0, MAX_WINDOWS) {
            let wall = self.wall(moment);
            let mut next = (1..=LOOK_AHEAD).map(|days| self.instant(wall.saturating_add(days * DAY)));
            let open = |moment: &Instant| self.is_within(*moment, window);
            moment = next.clone().find(open).or_else(|| next.next_back()).unwrap_or(Instant::NEVER);
            moment = self.next_within(moment, window);
        }
        let mut left = span.millis.max(0);
        for _ in 0..MAX_WINDOWS {
            moment = self.next_within(moment, window);
            let end = self.next_outside(moment, window);
            let open = end.0.saturating_sub(moment.0);
            if left <= open || moment == Instant::NEVER {
                return Instant(moment.0.saturating_add(left));
            }
            left -= open;
            moment = end;
        }
        Instant::NEVER
    }

    /// Whether the moment lies in the window.
    pub fn is_within(self, at: Instant, window: LocalWindow) -> bool {
        let wall = self.wall(at);
        let (day, time) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        let (from, to) = (millis_of(window.from), millis_of(window.to));
        if from < to {
            has(window.days, day) && from <= time && time < to
        } else {
            has(window.days, day) && from <= time || has(window.days, day - 1) && time < to
        }
    }

    /// The first moment at or after `at` in the window.
    pub fn next_within(self, at: Instant, window: LocalWindow) -> Instant {
        if self.is_within(at, window) {
            return at;
        }
        self.next_of(at, millis_of(window.from), |moment| self.is_within(moment, window))
    }

    /// The first moment at or after `at` outside the window; [`Instant::NEVER`] if it never closes.
    pub fn next_outside(self, at: Instant, window: LocalWindow) -> Instant {
        if !self.is_within(at, window) {
            return at;
        }
        self.next_of(at, millis_of(window.to), |moment| !self.is_within(moment, window))
    }

    /// The first moment after `at` at which the clock shows `time` and that fits.
    fn next_of(self, at: Instant, time: i64, fits: impl Fn(Instant) -> bool) -> Instant {
        let today = self.wall(at).div_euclid(DAY);
        (today - 1..=today + LOOK_AHEAD)
            .flat_map(|day| {
                let (first, second) = self.instants(day * DAY + time);
                std::iter::once(first).chain(second)
            })
            .find(|moment| *moment >= at && fits(*moment))
            .unwrap_or(Instant::NEVER)
    }

    /// The moment as a clock on the wall shows it: `2026-03-02 10:00:00`.
    pub fn show(self, at: Instant) -> String {
        if at == Instant::NEVER {
            return "never".to_owned();
        }
        naive(self.wall(at)).format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Reads a moment: RFC 3339 with its offset, or a date-time or date of this zone.
    pub fn read(self, text: &str) -> Option<Instant> {
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Some(Instant(moment.timestamp_millis()));
        }
        read_wall(text).map(|wall| self.instant(wall))
    }
}

/// The moment in RFC 3339, in universal time: `2026-03-02T09:00:00Z`.
pub fn rfc3339(at: Instant) -> String {
    DateTime::from_timestamp_millis(at.0.clamp(-EDGE, EDGE))
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Reads `2026-03-02 10:00`, with seconds, with a `T`, or a date alone.
pub fn read_wall(text: &str) -> Option<i64> {
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];
    formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|local| local.and_utc().timestamp_millis())
        .or_else(|| read_date(text).map(|date| i64::from(date.0) * DAY))
}

/// Reads `2026-03-02`.
pub fn read_date(text: &str) -> Option<Date> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Date(date.to_epoch_days()))
}

/// Reads `09:00` or `09:00:30`.
pub fn read_time(text: &str) -> Option<Time> {
    use chrono::Timelike;
    let read = |format| NaiveTime::parse_from_str(text, format).ok();
    let time = read("%H:%M").or_else(|| read("%H:%M:%S"))?;
    Some(Time(time.num_seconds_from_midnight()))
}

/// The day as `2026-03-02`.
pub fn show_date(date: Date) -> String {
    date.to_string()
}

/// A value as people write it, moments as a clock in the zone shows them; nothing for one that is unset.
pub fn show_value(value: &Value, zone: Zone) -> String {
    match value {
        Value::Unset => String::new(),
        Value::Text(text) => text.to_string(),
        Value::Instant(at) => zone.show(*at),
        Value::List(values) => {
            let shown: Vec<_> = values.iter().map(|value| show_value(value, zone)).collect();
            shown.join(", ")
        }
        Value::Record(fields) => {
            let show = |(name, value): &(_, _)| format!("{name}: {}", show_value(value, zone));
            let shown: Vec<_> = fields.iter().map(show).collect();
            shown.join(", ")
        }
        value => value.to_string(),
    }
}

/// A wall-clock date-time later, on the wall.
pub fn add_to_wall(wall: i64, span: Span) -> i64 {
    let date = add_to_date(date_of_wall(wall), span);
    wall_of_date(date).saturating_add(wall.rem_euclid(DAY)).saturating_add(span.millis)
}

/// A day later: months first, clamped to the last day of the month, then days; the exact part does not count.
pub fn add_to_date(date: Date, span: Span) -> Date {
    let months = Months::new(span.months.unsigned_abs());
    let moved = NaiveDate::from_epoch_days(date.0).and_then(|date| {
        if span.months < 0 { date.checked_sub_months(months) } else { date.checked_add_months(months) }
    });
    let moved = moved.map_or(date, |moved| Date(moved.to_epoch_days()));
    Date(moved.0.saturating_add(span.days))
}

/// Whether a day comes round on another, in any year; 29 February does on 28 February where there is none.
pub fn comes_round(day: Date, on: Date) -> bool {
    let (Some(day), Some(on)) = (NaiveDate::from_epoch_days(day.0), NaiveDate::from_epoch_days(on.0)) else {
        return false;
    };
    in_year(day, on.year()) == Some(on)
}

/// The day in another year.
fn in_year(day: NaiveDate, year: i32) -> Option<NaiveDate> {
    day.with_year(year).or_else(|| day.pred_opt()?.with_year(year))
}

/// Year, month and day of the month.
pub fn year_month_day(day: Date) -> (i32, u32, u32) {
    let day = NaiveDate::from_epoch_days(day.0).unwrap_or_default();
    (day.year(), day.month(), day.day())
}

/// How many whole years have passed from a day to another; 29 February comes round on 28 February.
pub fn whole_years(from: Date, to: Date) -> i64 {
    let (Some(from), Some(to)) = (NaiveDate::from_epoch_days(from.0), NaiveDate::from_epoch_days(to.0)) else {
        return 0;
    };
    let years = i64::from(to.year()) - i64::from(from.year());
    let early = in_year(from, to.year()).is_some_and(|round| round > to);
    years - i64::from(early)
}

/// The day of a wall-clock date-time.
pub fn date_of_wall(wall: i64) -> Date {
    Date(i32::try_from(wall.div_euclid(DAY)).unwrap_or(if wall < 0 { i32::MIN } else { i32::MAX }))
}

/// The beginning of a day on the wall.
pub fn wall_of_date(date: Date) -> i64 {
    i64::from(date.0) * DAY
}

/// The weekday of a day.
pub fn weekday_of_date(date: Date) -> Weekday {
    weekday(i64::from(date.0))
}

fn weekday(day: i64) -> Weekday {
    // 1970-01-01 was a Thursday.
    match (day + 3).rem_euclid(7) {
        0 => Weekday::Monday,
        1 => Weekday::Tuesday,
        2 => Weekday::Wednesday,
        3 => Weekday::Thursday,
        4 => Weekday::Friday,
        5 => Weekday::Saturday,
        _ => Weekday::Sunday,
    }
}

fn has(days: WeekdaySet, day: i64) -> bool {
    days.0 == 0 || days.contains(weekday(day))
}

fn millis_of(time: Time) -> i64 {
    i64::from(time.0) * 1000
}

fn naive(millis: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(millis.clamp(-EDGE - DAY, EDGE + DAY)).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests;
