use super::*;
use chrono::Datelike;
use proptest::prelude::*;

fn utc(text: &str) -> Instant {
    Zone::UTC.read(text).unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn window(text: &str, days: WeekdaySet) -> LocalWindow {
    let (from, to) = text.split_once(" to ").unwrap();
    LocalWindow { days, from: read_time(from).unwrap(), to: read_time(to).unwrap() }
}

fn days(list: &[Weekday]) -> WeekdaySet {
    list.iter().fold(WeekdaySet(0), |set, day| set.with(WeekdaySet::only(*day)))
}

fn span(months: i32, days: i32, millis: i64) -> Span {
    Span { months, days, millis }
}

#[test]
fn windows_as_in_the_table_of_truths() {
    let any = WeekdaySet(0);
    let wednesday_friday = days(&[Weekday::Wednesday, Weekday::Friday]);
    let friday_saturday = days(&[Weekday::Friday, Weekday::Saturday]);
    let all_day = "00:00 to 00:00";
    for (hours, days, zone_name, planned, expected) in [
        ("08:00 to 10:00", any, "UTC", "2018-10-19 10:00", "2018-10-20 08:00"),
        ("08:00 to 10:00", any, "UTC", "2018-10-19 12:00", "2018-10-20 08:00"),
        ("10:00 to 11:00", any, "UTC", "2018-10-19 10:00", "2018-10-19 10:00"),
        ("08:00 to 18:00", wednesday_friday, "UTC", "2018-10-21 08:00", "2018-10-24 08:00"),
        (all_day, wednesday_friday, "UTC", "2018-10-21 08:00", "2018-10-24 00:00"),
        (all_day, any, "UTC", "2018-10-21 08:00", "2018-10-21 08:00"),
        ("08:00 to 10:00", friday_saturday, "UTC", "2018-10-20 12:00", "2018-10-26 08:00"),
        // 09:00 in London is 05:00 in New York, where 08:00 is 12:00 UTC.
        ("08:00 to 10:00", any, "America/New_York", "2018-10-19 09:00", "2018-10-19 12:00"),
        // An unknown zone is the default one.
        ("08:00 to 10:00", any, "UTC2", "2018-10-19 12:00", "2018-10-20 08:00"),
        // Not the wrong way round, but overnight.
        ("10:00 to 08:00", any, "UTC", "2018-10-19 09:00", "2018-10-19 10:00"),
        ("22:00 to 06:00", any, "UTC", "2018-10-19 03:00", "2018-10-19 03:00"),
        ("22:00 to 06:00", any, "UTC", "2018-10-19 06:00", "2018-10-19 22:00"),
        // The weekday is that of the window's start: Friday's window reaches into Saturday, Saturday's does not exist.
        ("22:00 to 06:00", days(&[Weekday::Friday]), "UTC", "2018-10-20 05:59", "2018-10-20 05:59"),
        ("22:00 to 06:00", days(&[Weekday::Friday]), "UTC", "2018-10-20 22:00", "2018-10-26 22:00"),
        ("22:00 to 06:00", days(&[Weekday::Friday]), "UTC", "2018-10-19 05:00", "2018-10-19 22:00"),
    ] {
        let zone = Zone::resolve(Some(zone_name), Zone::UTC);
        let got = zone.next_within(utc(planned), window(hours, days));
        assert_eq!(Zone::UTC.show(got), format!("{expected}:00"), "{hours} {days:?} {zone_name} {planned}");
    }
}

#[test]
fn quiet_hours_end() {
    let berlin = zone("Europe/Berlin");
    let quiet = window("21:00 to 08:00", WeekdaySet::ALL);
    for (at, expected) in [
        ("2026-03-02 20:59:59", "2026-03-02 20:59:59"),
        ("2026-03-02 21:00", "2026-03-03 08:00:00"),
        ("2026-03-03 07:59", "2026-03-03 08:00:00"),
        ("2026-03-03 08:00", "2026-03-03 08:00:00"),
        // The night of the change to summer time.
        ("2026-03-28 23:00", "2026-03-29 08:00:00"),
    ] {
        assert_eq!(berlin.show(berlin.next_outside(berlin.read(at).unwrap(), quiet)), expected);
    }
    assert_eq!(berlin.next_outside(utc("2026-03-02"), window("00:00 to 00:00", WeekdaySet::ALL)), Instant::NEVER);
}

#[test]
fn gap_and_fold() {
    for (zone_name, wall, expected) in [
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00:00"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00:00"),
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30:00"),
        ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00:00"),
        // Half an hour, and a day that a zone left out.
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30:00"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00:00"),
        ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 03:00:00"),
    ] {
        let zone = zone(zone_name);
        assert_eq!(Zone::UTC.show(zone.read(wall).unwrap()), expected, "{zone_name} {wall}");
    }
}

#[test]
fn spans_are_calendar_then_exact() {
    let berlin = zone("Europe/Berlin");
    for (from, span, expected) in [
        ("2026-01-31 10:00", span(1, 0, 0), "2026-02-28 10:00:00"),
        ("2024-01-31 10:00", span(1, 0, 0), "2024-02-29 10:00:00"),
        ("2024-02-29 10:00", span(12, 0, 0), "2025-02-28 10:00:00"),
        ("2026-03-31 10:00", span(-1, 0, 0), "2026-02-28 10:00:00"),
        ("2026-01-31 10:00", span(1, 1, 0), "2026-03-01 10:00:00"),
        // A day over the change keeps the wall clock, 24 hours do not.
        ("2026-03-28 10:00", span(0, 1, 0), "2026-03-29 10:00:00"),
        ("2026-03-28 10:00", span(0, 0, DAY), "2026-03-29 11:00:00"),
        ("2026-03-28 02:30", span(0, 1, 0), "2026-03-29 03:00:00"),
        ("2026-03-28 10:00", span(0, 1, 12 * 3_600_000), "2026-03-29 22:00:00"),
    ] {
        let got = berlin.add(berlin.read(from).unwrap(), span);
        assert_eq!(berlin.show(got), expected, "{from} + {span:?}");
    }
    assert_eq!(berlin.add(Instant::NEVER, span(1, 1, 1)), Instant::NEVER);
}

#[test]
fn the_next_time_of_day() {
    let berlin = zone("Europe/Berlin");
    let nine = Time(9 * 3600);
    let tuesday = WeekdaySet::only(Weekday::Tuesday);
    for (at, days, time, expected) in [
        ("2026-03-02 08:00", WeekdaySet::ALL, nine, "2026-03-02 09:00:00"),
        ("2026-03-02 09:00", WeekdaySet::ALL, nine, "2026-03-02 09:00:00"),
        ("2026-03-02 09:00:01", WeekdaySet::ALL, nine, "2026-03-03 09:00:00"),
        ("2026-03-04 12:00", tuesday, nine, "2026-03-10 09:00:00"),
        ("2026-03-03 09:00:01", tuesday, nine, "2026-03-10 09:00:00"),
        // 02:30 is left out on this day: the first moment after the gap stands for it.
        ("2026-03-29 01:00", WeekdaySet::ALL, Time(9000), "2026-03-29 03:00:00"),
        // 02:30 comes twice: the first one is meant.
        ("2026-10-25 01:00", WeekdaySet::ALL, Time(9000), "2026-10-25 02:30:00"),
    ] {
        let got = berlin.next_at(berlin.read(at).unwrap(), days, time);
        assert_eq!(berlin.show(got), expected, "{at}");
    }
    let after_the_first = Instant(utc("2026-10-25 00:30").0 + 1);
    assert_eq!(berlin.show(berlin.next_at(after_the_first, WeekdaySet::ALL, Time(9000))), "2026-10-26 02:30:00");
}

#[test]
fn texts() {
    assert_eq!(rfc3339(utc("2026-03-02 10:00")), "2026-03-02T10:00:00Z");
    assert_eq!(zone("Europe/Berlin").read("2026-03-02T10:00:00+05:00"), Some(utc("2026-03-02 05:00")));
    assert_eq!(Zone::UTC.read("2026-02-30"), None);
    assert_eq!(read_time("9:00"), Some(Time(9 * 3600)));
    assert_eq!(read_time("24:00"), None);
    let values = Value::List([Value::text("tea"), Value::int(3), Value::Instant(Instant(0)), Value::Unset].into());
    assert_eq!(show_value(&values, Zone::UTC), "tea, 3, 1970-01-01 00:00:00, ");
    assert_eq!(Zone::UTC.show(Instant::NEVER), "never");
}

/// Any zone, and moments around a change of its clock or anywhere.
fn moments() -> impl Strategy<Value = (Zone, Instant)> {
    let from = utc("2000-01-01").0;
    let to = utc("2040-12-31").0;
    (0..chrono_tz::TZ_VARIANTS.len(), from..to, -DAY..DAY, any::<bool>()).prop_map(|(zone, at, near, change)| {
        let zone = Zone(chrono_tz::TZ_VARIANTS[zone]);
        let at = if change { next_change(zone, at).unwrap_or(at) + near } else { at };
        (zone, Instant(at))
    })
}

/// The first moment at which the zone's offset differs, to the second.
fn next_change(zone: Zone, at: i64) -> Option<i64> {
    let offset = |at: i64| zone.wall(Instant(at)) - at;
    let mut low = at;
    let mut high = (1..400).map(|n| at + n * DAY).find(|&later| offset(later) != offset(at))?;
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        if offset(middle) == offset(at) { low = middle } else { high = middle }
    }
    Some(high)
}

fn day_sets() -> impl Strategy<Value = WeekdaySet> {
    (0u8..=127).prop_map(WeekdaySet)
}

proptest! {
    #[test]
    fn an_instant_survives_the_wall_or_comes_earlier_in_a_fold((zone, at) in moments()) {
        let back = zone.instant(zone.wall(at));
        prop_assert!(back == at || back < at && zone.wall(back) == zone.wall(at));
        let ambiguous = zone.instants(zone.wall(at)).1;
        prop_assert!(back == at || ambiguous == Some(at));
    }

    #[test]
    fn a_wall_survives_the_instant_or_comes_later_in_a_gap((zone, at) in moments(), shift in -DAY..DAY) {
        let wall = zone.wall(at) + shift;
        let instant = zone.instant(wall);
        let shown = zone.wall(instant);
        prop_assert!(shown >= wall);
        if shown > wall {
            // The moment before shows less than what was asked for: nothing between was left out.
            prop_assert!(zone.wall(Instant(instant.0 - 1)) < wall);
        }
    }

    #[test]
    fn days_keep_the_wall_clock((zone, at) in moments(), days in -800i32..800) {
        let later = zone.add(at, span(0, days, 0));
        let expected = zone.wall(at) + i64::from(days) * DAY;
        prop_assert!(days == 0 || later == zone.instant(expected));
    }

    #[test]
    fn months_clamp((zone, at) in moments(), months in -300i32..300) {
        let start = NaiveDate::from_epoch_days(zone.today(at).0).unwrap();
        let end = NaiveDate::from_epoch_days(add_to_date(zone.today(at), span(months, 0, 0)).0).unwrap();
        let counted = (end.year() - start.year()) * 12 + end.month() as i32 - start.month() as i32;
        prop_assert_eq!(counted, months);
        prop_assert!(end.day() == start.day() || end.day() < start.day() && end.succ_opt().unwrap().day() == 1);
    }

    #[test]
    fn next_at_is_the_first_of_its_kind((zone, at) in moments(), days in day_sets(), time in 0u32..86_400) {
        let next = zone.next_at(at, days, Time(time));
        prop_assert!(next >= at);
        // No day before the found one offers a moment, and the found one is what some day means by the time.
        let day = zone.today(at).0;
        let offered: Vec<_> = (day - 1..day + 10)
            .filter(|day| days.0 == 0 || days.contains(weekday_of_date(Date(*day))))
            .map(|day| zone.instant(i64::from(day) * DAY + i64::from(time) * 1000))
            .filter(|moment| *moment >= at)
            .collect();
        prop_assert_eq!(Some(&next), offered.iter().min());
    }

    #[test]
    fn windows_open_and_close(
        (zone, at) in moments(),
        days in day_sets(),
        from in 0u32..1440,
        to in 0u32..1440,
    ) {
        let window = LocalWindow { days, from: Time(from * 60), to: Time(to * 60) };
        let open = zone.next_within(at, window);
        prop_assert!(open >= at);
        prop_assert!(open == Instant::NEVER || zone.is_within(open, window));
        prop_assert_eq!(open == at, zone.is_within(at, window));
        let closed = zone.next_outside(at, window);
        prop_assert!(closed >= at);
        prop_assert!(closed == Instant::NEVER || !zone.is_within(closed, window));
    }

    #[test]
    fn days_and_hours_go_on((zone, at) in moments()) {
        let (hour, day) = (zone.next_hour(at), zone.next_day(at));
        prop_assert!(hour > at && hour.0 - at.0 <= 3_600_000);
        prop_assert!(day > at && day.0 - at.0 <= 27 * 3_600_000);
        prop_assert!(zone.today(day) > zone.today(at) || zone.today(Instant(day.0 - 1)) > zone.today(day));
    }

    #[test]
    fn total(at: i64, wall: i64, months: i32, days: i32, millis: i64, bits: u8, from: u32, to: u32) {
        for zone in [Zone::UTC, zone("Pacific/Apia"), zone("Europe/Berlin")] {
            let at = Instant(at);
            let window = LocalWindow { days: WeekdaySet(bits), from: Time(from), to: Time(to) };
            let _ = (zone.wall(at), zone.instant(wall), zone.add(at, Span { months, days, millis }));
            let _ = (zone.next_at(at, WeekdaySet(bits), Time(from)), zone.next_within(at, window));
            let _ = (zone.next_outside(at, window), zone.show(at), zone.today(at), zone.hour(at), zone.weekday(at));
            let _ = (add_to_wall(wall, Span { months, days, millis }), rfc3339(at), zone.next_hour(at), zone.next_day(at));
            let _ = (add_to_date(Date(days), Span { months, days, millis }), show_date(Date(months)));
        }
    }
}

#[test]
fn birthdays_come_round() {
    let day = |text: &str| read_date(text).unwrap();
    assert!(comes_round(day("1984-03-01"), day("2026-03-01")));
    assert!(!comes_round(day("1984-03-01"), day("2026-03-02")));
    assert!(comes_round(day("1984-02-29"), day("2026-02-28")), "in a year without the day");
    assert!(comes_round(day("1984-02-29"), day("2028-02-29")));
    assert!(!comes_round(day("1984-02-29"), day("2028-02-28")));
}

#[test]
fn the_next_birthday_is_found() {
    let zone = zone("Europe/Berlin");
    let next = |at: &str, day: &str| {
        zone.show(zone.next_anniversary(zone.read(at).unwrap(), read_date(day).unwrap(), Time(32_400)))
    };
    assert_eq!(next("2026-03-01 08:59", "1984-03-01"), "2026-03-01 09:00:00");
    assert_eq!(next("2026-03-01 09:00", "1984-03-01"), "2026-03-01 09:00:00");
    assert_eq!(next("2026-03-01 09:01", "1984-03-01"), "2027-03-01 09:00:00");
    assert_eq!(next("2026-01-01 00:00", "1984-02-29"), "2026-02-28 09:00:00");
    assert_eq!(next("2028-01-01 00:00", "1984-02-29"), "2028-02-29 09:00:00");
}
