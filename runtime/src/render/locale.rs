//! How people of a language write dates, numbers and money. A language that is not listed gets ISO forms, which nobody
//! misreads.

use journey_bytecode::{Date, Instant, Money, Number, Time, check_date_format};

use super::languages::{ALL, Currency, NBSP, OTHER, Ways, Words};
use crate::time::{self, Zone};

/// A contact's language and zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Locale {
    ways: &'static Ways,
    zone: Zone,
    plain: bool,
}

/// A language tag in the form in which we compare them: `de_at`.
pub(crate) fn normal_tag(tag: &str) -> String {
    tag.trim().replace('-', "_").to_ascii_lowercase()
}

/// The tag and the ones that it falls back to: `de_at`, `de`.
pub(crate) fn fallbacks(tag: &str) -> Vec<String> {
    let mut tag = normal_tag(tag);
    let mut all = Vec::new();
    while !tag.is_empty() {
        all.push(tag.clone());
        tag = tag.rsplit_once('_').map(|(rest, _)| rest.to_owned()).unwrap_or_default();
    }
    all
}

/// The words of the default layout, and the language that they are in: English where we do not know the wanted one.
pub(crate) fn words(language: Option<&str>) -> (&'static str, &'static Words) {
    let ways = ways(language);
    let tag = ways.tag.split('_').next().filter(|tag| !tag.is_empty());
    (tag.unwrap_or("en"), ways.words)
}

fn ways(language: Option<&str>) -> &'static Ways {
    let Some(language) = language else { return ALL.iter().find(|ways| ways.tag == "en").unwrap_or(&OTHER) };
    fallbacks(language).iter().find_map(|tag| ALL.iter().find(|ways| ways.tag == tag)).unwrap_or(&OTHER)
}

impl Locale {
    /// The ways of a language (English without one) in a zone. `plain` puts common spaces for unbreakable ones: those
    /// would make a text message cost twice.
    pub(crate) fn new(language: Option<&str>, zone: Zone, plain: bool) -> Self {
        Self { ways: ways(language), zone, plain }
    }

    /// An amount: `1.299,00 €`.
    pub(crate) fn money(&self, money: &Money) -> String {
        let places = match money.currency.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        };
        let unit = 10_u64.pow(6 - places);
        let rounded = (money.amount.0.unsigned_abs() + unit / 2) / unit;
        let digits = format!("{rounded:0width$}", width = places as usize + 1);
        let (whole, fraction) = digits.split_at_checked(digits.len() - places as usize).unwrap_or((&digits, ""));
        let mut amount = self.group(whole);
        if !fraction.is_empty() {
            amount.push(self.ways.marks.1);
            amount.push_str(fraction);
        }
        let sign = if money.amount.0 < 0 && rounded > 0 { "-" } else { "" };
        let symbol = self.symbol(&money.currency);
        let out = match self.ways.currency {
            Currency::Before if symbol.chars().any(char::is_alphanumeric) => format!("{sign}{symbol}{NBSP}{amount}"),
            Currency::Before => format!("{sign}{symbol}{amount}"),
            Currency::BeforeApart => format!("{sign}{symbol}{NBSP}{amount}"),
            Currency::After => format!("{sign}{amount}{NBSP}{symbol}"),
        };
        self.finish(out)
    }

    fn symbol<'a>(&self, currency: &'a str) -> &'a str {
        match (currency, self.ways.tag) {
            (code, "") => code,
            ("EUR", _) => "€",
            ("USD", _) => "$",
            ("GBP", _) => "£",
            ("JPY", _) => "¥",
            ("INR", _) => "₹",
            ("PLN", "pl") => "zł",
            ("BRL", "pt_br" | "pt") => "R$",
            (code, _) => code,
        }
    }

    fn group(&self, whole: &str) -> String {
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
        let mut out = sign.to_owned();
        let grouped = digits.len() >= self.ways.grouped_from && self.ways.marks.0 != '\0';
        for (place, digit) in digits.chars().enumerate() {
            if grouped && place > 0 && (digits.len() - place) % 3 == 0 {
                out.push(self.ways.marks.0);
            }
            out.push(digit);
        }
        out
    }

    fn finish(&self, text: String) -> String {
        if self.plain { text.replace(NBSP, " ") } else { text }
    }

    /// The wall clock of a moment.
    pub(crate) fn wall(&self, at: Instant) -> i64 {
        self.zone.wall(at)
    }

    /// A wall-clock date-time in a format: `long` (also the one without a name), `full`, `short`, `time`, `datetime`, or
    /// a pattern of `%d %e %m %Y %y %H %M %S %A %B %I %p`. The other formats are an error that says so.
    pub(crate) fn date_time(&self, wall: i64, format: &str) -> Result<String, String> {
        check_date_format(format)?;
        let ways = self.ways;
        Ok(match format {
            "long" => self.pattern(wall, ways.long),
            "full" => self.pattern(wall, ways.full),
            "short" => self.pattern(wall, ways.short),
            "time" => self.pattern(wall, ways.time),
            "datetime" => self.pattern(wall, &format!("{}, {}", ways.long, ways.time)),
            pattern => self.pattern(wall, pattern),
        })
    }

    /// A day as people write it.
    pub(crate) fn long_date(&self, date: Date) -> String {
        self.pattern(time::wall_of_date(date), self.ways.long)
    }

    /// A moment as people write it.
    pub(crate) fn moment(&self, wall: i64) -> String {
        self.date_time(wall, "datetime").unwrap_or_default()
    }

    /// A time of day as people write it.
    pub(crate) fn time(&self, time: Time) -> String {
        self.pattern(i64::from(time.0) * 1000, self.ways.time)
    }

    fn pattern(&self, wall: i64, pattern: &str) -> String {
        let date = time::date_of_wall(wall);
        let iso = time::show_date(date);
        let mut parts = iso.rsplitn(3, '-');
        let (day, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let year = parts.next().unwrap_or_default();
        let seconds = wall.div_euclid(1000).rem_euclid(86_400);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let name_of_month = || {
            let place = month.parse::<usize>().unwrap_or(1).saturating_sub(1);
            self.ways.months.get(place).copied().unwrap_or_default()
        };
        let mut out = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('d') => out.push_str(day),
                Some('e') => out.push_str(day.trim_start_matches('0')),
                Some('m') => out.push_str(month),
                Some('Y') => out.push_str(year),
                Some('y') => out.extend(year.chars().skip(year.chars().count().saturating_sub(2))),
                Some('H') => out.push_str(&format!("{hour:02}")),
                Some('I') => out.push_str(&(if hour % 12 == 0 { 12 } else { hour % 12 }).to_string()),
                Some('p') => out.push_str(if hour < 12 { "AM" } else { "PM" }),
                Some('M') => out.push_str(&format!("{minute:02}")),
                Some('S') => out.push_str(&format!("{second:02}")),
                Some('A') => {
                    let place = time::weekday_of_date(date) as usize;
                    out.push_str(self.ways.weekdays.get(place).copied().unwrap_or_default());
                }
                Some('B') => out.push_str(name_of_month()),
                Some(other) => out.push(other),
                None => {}
            }
        }
        out
    }
}

/// Which of the forms of a word stands beside a number: with two forms, one and many; with three, one, few and many as in
/// Polish.
pub(crate) fn plural_form(language: Option<&str>, number: Number, forms: usize) -> usize {
    let magnitude = number.0.unsigned_abs();
    let scale = Number::SCALE.unsigned_abs();
    let base = language.map(|tag| fallbacks(tag).pop().unwrap_or_default()).unwrap_or_default();
    if forms < 3 {
        let one = match base.as_str() {
            // In French and Portuguese nothing and one and a half are singular.
            "fr" | "pt" => magnitude < 2 * scale,
            _ => magnitude == scale,
        };
        return usize::from(!one);
    }
    let whole = magnitude / scale;
    match (whole % 10, whole % 100) {
        _ if magnitude == scale => 0,
        (2..=4, tens) if magnitude.is_multiple_of(scale) && !(12..=14).contains(&tens) => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(language: &str) -> Locale {
        Locale::new(Some(language), Zone::parse("Europe/Berlin").unwrap(), true)
    }

    fn money(amount: &str, currency: &str) -> Money {
        Money { amount: Number::parse(amount).unwrap(), currency: currency.into() }
    }

    #[test]
    fn amounts() {
        let cases = [
            ("de", "1299", "EUR", "1.299,00 €"),
            ("de-AT", "1299", "EUR", "€ 1.299,00"),
            ("de_CH", "1299.5", "CHF", "CHF 1’299.50"),
            ("en", "1299", "EUR", "€1,299.00"),
            ("en", "-1234567.895", "USD", "-$1,234,567.90"),
            ("en", "5", "CHF", "CHF 5.00"),
            ("en", "1299.5", "JPY", "¥1,300"),
            ("en", "0.0005", "KWD", "KWD 0.001"),
            ("en", "-0.001", "EUR", "€0.00"),
            ("fr", "1299", "EUR", "1 299,00 €"),
            ("es", "1299", "EUR", "1299,00 €"),
            ("es", "12990", "EUR", "12.990,00 €"),
            ("nl", "0.5", "EUR", "€ 0,50"),
            ("pt_BR", "10", "BRL", "R$ 10,00"),
            ("ja", "1299", "EUR", "1299.00 EUR"),
        ];
        for (language, amount, currency, shown) in cases {
            assert_eq!(locale(language).money(&money(amount, currency)), shown, "{language} {amount} {currency}");
        }
        let largest = Money { amount: Number(i64::MIN), currency: "EUR".into() };
        assert_eq!(locale("en").money(&largest), "-€9,223,372,036,854.78");
        assert_eq!(Locale::new(Some("de"), Zone::UTC, false).money(&money("1", "EUR")), "1,00\u{a0}€");
    }

    #[test]
    fn dates() {
        // 2026-03-02 09:00:00 UTC, a Monday; 10:00 in Berlin.
        let at = Instant(1_772_442_000_000);
        let shows = |language, format| {
            let locale = locale(language);
            locale.date_time(locale.wall(at), format).unwrap()
        };
        assert_eq!(shows("de", "long"), "2. März 2026");
        assert_eq!(shows("de", "full"), "Montag, 2. März 2026");
        assert_eq!(shows("de", "short"), "02.03.2026");
        assert_eq!(shows("de", "datetime"), "2. März 2026, 10:00");
        assert_eq!(shows("en", "long"), "2 March 2026");
        assert_eq!(shows("en_US", "datetime"), "March 2, 2026, 10:00 AM");
        assert_eq!(shows("es", "long"), "2 de marzo de 2026");
        assert_eq!(shows("pl", "full"), "poniedziałek, 2 marca 2026");
        assert_eq!(shows("ja", "full"), "2026-03-02");
        assert_eq!(shows("fr", "%A %e %B %y à %H:%M:%S, 100 %%"), "lundi 2 mars 26 à 10:00:00, 100 %");
        assert!(locale("de").date_time(0, "iso").unwrap_err().contains("`iso`"));
        assert!(locale("de").date_time(0, "%Q").unwrap_err().contains("`%Q`"));
        assert!(locale("de").date_time(0, "100%").unwrap_err().contains("%%"));
        for wall in [i64::MIN, i64::MAX, 0, -1] {
            assert!(locale("en").date_time(wall, "datetime").is_ok());
        }
    }

    #[test]
    fn plurals() {
        let form = |language, number: &str, forms| plural_form(Some(language), Number::parse(number).unwrap(), forms);
        assert_eq!([form("en", "0", 2), form("en", "1", 2), form("en", "2", 2), form("en", "1.5", 2)], [1, 0, 1, 1]);
        assert_eq!([form("fr", "0", 2), form("fr", "1.5", 2), form("pt_BR", "2", 2)], [0, 0, 1]);
        let polish = ["0", "1", "2", "4", "5", "12", "22", "1.5"].map(|number| form("pl", number, 3));
        assert_eq!(polish, [2, 0, 1, 1, 2, 2, 1, 2]);
    }
}
