//! Our time arithmetic against Python's `zoneinfo`: every zone, every change of its clock from 2000 to 2040, and random
//! moments. A sample of the zones is checked; `ZONEINFO=full` checks all of them and a million random moments.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use journey_bytecode::Instant;
use journey_runtime::time::{DAY, Zone};

const HOUR: i64 = 3_600_000;

/// A generator that is the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most as u64) as i64
    }
}

/// The moments from `from` to `to` at which the zone's offset changes.
fn changes(zone: Zone, from: i64, to: i64) -> Vec<i64> {
    let offset = |at: i64| zone.wall(Instant(at)) - at;
    let mut found = Vec::new();
    let mut at = from;
    while at < to {
        let next = at + 12 * HOUR;
        if offset(next) != offset(at) {
            let (mut low, mut high) = (at, next);
            while high - low > 1 {
                let middle = i64::midpoint(low, high);
                if offset(middle) == offset(at) { low = middle } else { high = middle }
            }
            found.push(high);
        }
        at = next;
    }
    found
}

#[test]
fn agrees_with_python() {
    let full = std::env::var("ZONEINFO").is_ok_and(|value| value == "full");
    let from = Zone::UTC.read("2000-01-01").unwrap().0;
    let to = Zone::UTC.read("2041-01-01").unwrap().0;
    let mut random = Random(2026);
    let zones: Vec<Zone> = chrono_tz::TZ_VARIANTS.iter().filter_map(|zone| Zone::parse(zone.name())).collect();
    let chosen: Vec<Zone> = zones.iter().copied().filter(|_| full || random.below(12) == 0).collect();

    let mut asked: Vec<(Zone, i64, i64)> = Vec::new();
    for zone in &chosen {
        for change in changes(*zone, from, to) {
            for near in [-1, 0, 1, -HOUR, HOUR, random.below(2 * HOUR), -random.below(2 * HOUR)] {
                let moment = change + near;
                // Wall values in the gap or fold itself lie on both sides of what is shown there.
                let wall = zone.wall(Instant(change - 1)) + random.below(3 * HOUR) - HOUR;
                asked.push((*zone, moment, wall));
            }
        }
    }
    let pairs = if full { 1_000_000 } else { 20_000 };
    for _ in 0..pairs {
        let zone = zones[random.below(zones.len() as i64) as usize];
        let moment = from + random.below(to - from);
        asked.push((zone, moment, zone.wall(Instant(moment)) + random.below(2 * DAY) - DAY));
    }

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wall_clock.py");
    let started = Command::new("python3").args(["-B", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = started else {
        println!("skipped: there is no python3 to compare with");
        return;
    };
    let mut questions = String::new();
    for (zone, moment, wall) in &asked {
        writeln!(questions, "{} {moment} {wall}", zone.name()).unwrap();
    }
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut answers = answers.lines();
    let theirs = answers.next().unwrap();
    // Governments change their minds: with other data only what was settled long before both can be compared.
    let settled = if theirs == chrono_tz::IANA_TZDB_VERSION {
        i64::MAX
    } else {
        println!("python has the zone data {theirs}, we have {}: compared up to 2020", chrono_tz::IANA_TZDB_VERSION);
        Zone::UTC.read("2020-01-01").unwrap().0
    };

    let mut unknown = BTreeSet::new();
    let mut compared = 0;
    for (zone, moment, wall) in &asked {
        let answer = answers.next().unwrap();
        let Some((shown, meant)) = answer.split_once(' ') else {
            unknown.insert(zone.name());
            continue;
        };
        if *moment > settled || *wall > settled {
            continue;
        }
        assert_eq!(zone.wall(Instant(*moment)).to_string(), shown, "{} at {moment}", zone.name());
        assert_eq!(zone.instant(*wall).0.to_string(), meant, "{} shows {wall}", zone.name());
        compared += 1;
    }
    println!("{compared} comparisons in {} zones; python does not know {unknown:?}", chosen.len());
    assert!(compared > pairs / 4);
}
