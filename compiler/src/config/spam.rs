//! `[spam]`: when the marketing mail of a sending domain is held, because too many of its readers call it spam.

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::read::Reader;

/// Complaints among a million delivered mails that large receivers bear at most.
const HOLD_AT: u32 = 3_000;

/// `[spam]`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpamConfig {
    /// `hold_at`: the share of delivered marketing mails that are called spam, as `0.3%`, in millionths; `never` is none.
    pub hold_at: Option<u32>,
    /// `at_least`: so many must have been delivered.
    pub at_least: u32,
    /// `within`: in so long, as `7d` or `24h`; in hours.
    pub hours: u32,
}

impl Default for SpamConfig {
    fn default() -> Self {
        Self { hold_at: Some(HOLD_AT), at_least: 1_000, hours: 7 * 24 }
    }
}

impl Reader<'_> {
    pub(super) fn spam(&mut self) -> SpamConfig {
        let mut config = SpamConfig::default();
        if let Some((text, span)) = self.string("spam", "hold_at") {
            match share(text) {
                Some(share) => config.hold_at = share,
                None => {
                    let help = "write `hold_at = \"0.3%\"`, more than 0% and at most 100%; or `\"never\"`";
                    self.bad::<()>(span, "`hold_at` must be a share of the delivered mails", help);
                }
            }
        }
        if let Some(value) = self.value("spam", "at_least") {
            let span = self.span(value.span());
            let number = match value.get_ref() {
                DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
                _ => None,
            };
            match number.filter(|number| *number > 0) {
                Some(number) => config.at_least = number,
                None => {
                    let help = "write `at_least = 1000`: one complaint among few mails says nothing";
                    self.bad::<()>(span, "`at_least` must be a whole number above 0", help);
                }
            }
        }
        if let Some((text, span)) = self.string("spam", "within") {
            match hours(text) {
                Some(hours) => config.hours = hours,
                None => {
                    let help = "write `within = \"7d\"`, or `\"24h\"`; from 1h to 90d";
                    self.bad::<()>(span, "`within` must be a length in days or hours", help);
                }
            }
        }
        config
    }
}

/// `0.3%` in millionths, `never` as none; nothing if it is neither.
#[expect(clippy::option_option, reason = "what cannot be read is not the same as `never`")]
fn share(text: &str) -> Option<Option<u32>> {
    if text.trim() == "never" {
        return Some(None);
    }
    let number = text.trim().strip_suffix('%')?.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 4 {
        return None;
    }
    let part: u32 = format!("{part:0<4}").parse().ok()?;
    let share = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(part)?;
    (1..=1_000_000).contains(&share).then_some(Some(share))
}

fn hours(text: &str) -> Option<u32> {
    let text = text.trim();
    let (number, hours) =
        text.strip_suffix('d').map(|days| (days, 24)).or_else(|| Some((text.strip_suffix('h')?, 1)))?;
    let hours = number.parse::<u32>().ok()?.checked_mul(hours)?;
    (1..=90 * 24).contains(&hours).then_some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_lengths() {
        let shares = ["0.3%", "100%", "0.0001 %", "never", "0%", "100.1%", "0.3", "-1%", "1e3%", "%", "0.00001%"];
        let read: Vec<_> = shares.iter().map(|text| share(text)).collect();
        let right = [Some(Some(3_000)), Some(Some(1_000_000)), Some(Some(1)), Some(None)];
        assert_eq!(read, right.into_iter().chain([None; 7]).collect::<Vec<_>>());
        let read: Vec<_> = ["7d", "24h", "90d", "91d", "0h", "7", "d", ""].iter().map(|text| hours(text)).collect();
        assert_eq!(read, [Some(168), Some(24), Some(2_160), None, None, None, None, None]);
    }
}
