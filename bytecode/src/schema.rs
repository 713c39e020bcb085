//! What a project declares: the shape of contacts and events, and the policy that every send obeys.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::value::{Date, Span, Time, Type, Value};

/// The name of the attribute that holds where push messages go.
pub const PUSH: &str = "push_token";

/// All declarations of a project.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The contact's attributes, in order of declaration.
    pub attributes: Vec<Attribute>,
    /// The closed set of tags, sorted.
    pub tags: Vec<SmolStr>,
    /// The declared events, sorted by name; built-in ones are not listed.
    pub events: Vec<Event>,
    /// Topics that contacts consent to, sorted by name.
    pub topics: Vec<Topic>,
    /// Vouchers, sorted by name.
    pub vouchers: Vec<Voucher>,
    /// Funnels and their stages, sorted by name.
    pub funnels: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Whether names are taken as declared by their use (a lone file without a project): then unknown attributes,
    /// events and tags are accepted at ingest.
    pub open: bool,
}

impl Schema {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The attribute that holds a contact's language: the first of that type, or the one called `language`.
    pub fn language_attribute(&self) -> Option<&Attribute> {
        let of_type = self.attributes.iter().find(|a| a.ty == Type::Language);
        of_type.or_else(|| self.attributes.iter().find(|a| a.name == "language" && a.ty.is_textual()))
    }

    /// The attribute that holds where a contact's mail goes: of several addresses the one called `email`.
    pub fn email_attribute(&self) -> Option<&Attribute> {
        self.address(&Type::Email, "email")
    }

    /// The attribute that holds where a contact's text messages go: of several numbers the one called `phone`.
    pub fn phone_attribute(&self) -> Option<&Attribute> {
        self.address(&Type::Phone, "phone")
    }

    fn address(&self, ty: &Type, name: &str) -> Option<&Attribute> {
        let named = self.attribute(name).filter(|attribute| attribute.ty == *ty);
        named.or_else(|| self.attributes.iter().find(|attribute| attribute.ty == *ty))
    }

    /// The attribute that holds where a contact's push messages go: the one called `push_token`.
    pub fn push_attribute(&self) -> Option<&Attribute> {
        self.attribute(PUSH).filter(|attribute| attribute.ty.is_textual())
    }

    /// The declared event of this name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|e| e.name == name)
    }
}

/// One attribute of the contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: SmolStr,
    /// What it holds.
    pub ty: Type,
    /// Whether it may be unset (`?`).
    pub optional: bool,
    /// What it holds when nothing was given.
    pub default: Option<Value>,
}

/// One declared event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub name: SmolStr,
    /// Its payload, in order of declaration.
    pub fields: Vec<Field>,
}

/// One field of an event's payload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: SmolStr,
    /// What it holds.
    pub ty: Type,
    /// Whether it may be missing (`?`).
    pub optional: bool,
}

/// Something that a contact consents to, per channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: SmolStr,
    /// The words that a contact reads.
    pub title: String,
}

/// Codes of which each contact gets one of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Voucher {
    /// Its name.
    pub name: SmolStr,
    /// What it is worth, for people.
    pub title: String,
    /// Where its codes come from.
    pub codes: Codes,
}

/// Where the codes of a voucher come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Codes {
    /// A file of the project, with `/`: a code a line, or the first column of a CSV file.
    File(SmolStr),
    /// A pattern: each `#` becomes a letter or a digit.
    Generated(SmolStr),
}

impl Codes {
    /// The codes of a file, each with its place in the text: one a line, or the first column of a CSV file; a first line
    /// that says `code` is none.
    pub fn listed(text: &str) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        let lines = text.split_inclusive('\n').enumerate().map(move |(place, line)| {
            let begin = at;
            at += line.len();
            (place, begin, line)
        });
        lines.filter_map(|(place, begin, line)| {
            let line = if place == 0 { line.trim_start_matches('\u{feff}') } else { line };
            let cell = line.split([',', ';', '\t']).next().unwrap_or_default();
            let code = cell.trim().trim_matches('"').trim();
            let none = code.is_empty() || place == 0 && code.eq_ignore_ascii_case("code");
            let mark = if place == 0 { text.len() - text.trim_start_matches('\u{feff}').len() } else { 0 };
            (!none).then(|| (begin + mark + cell.find(code).unwrap_or_default(), code))
        })
    }
}

/// What every send of the project obeys.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Policy {
    /// The `From` of mail: `Name <address>`.
    pub sender: Option<String>,
    /// Who sends on other channels, as far as they have a sender of their own.
    pub senders: Vec<(crate::Channel, String)>,
    /// The postal address under marketing mail.
    pub address: Option<String>,
    /// No marketing message leaves within, in the contact's own time.
    pub quiet_hours: Option<LocalWindow>,
    /// Quiet hours of single channels; they stand in for those of all.
    pub quiet_channels: Vec<(crate::Channel, LocalWindow)>,
    /// The most marketing messages that one contact gets, over all journeys.
    pub caps: Vec<Cap>,
    /// The most messages that leave the whole system; the outbox sees to it.
    pub rates: Vec<Rate>,
    /// Channels on which marketing needs consent beforehand; on the others it may be sent until the contact objects.
    pub opt_in: Vec<crate::Channel>,
    /// Days on which no marketing message leaves, in the contact's own time; sorted.
    pub holidays: Vec<Holiday>,
}

/// A day on which people want their peace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Holiday {
    /// The day.
    pub day: Date,
    /// The country whose people keep it; everybody without.
    pub country: Option<SmolStr>,
}

impl Policy {
    /// Whether people of the country keep the day.
    pub fn is_holiday(&self, day: Date, country: Option<&str>) -> bool {
        let first = self.holidays.partition_point(|holiday| holiday.day < day);
        let of_day = self.holidays.iter().skip(first).take_while(|holiday| holiday.day == day);
        of_day.map(|holiday| holiday.country.as_deref()).any(|of| of.is_none() || of == country)
    }

    /// When no marketing leaves on the channel.
    pub fn quiet(&self, channel: crate::Channel) -> Option<LocalWindow> {
        let own = self.quiet_channels.iter().find(|(of, _)| *of == channel).map(|(_, window)| *window);
        own.or(self.quiet_hours)
    }

    /// Who sends on the channel.
    pub fn sender(&self, channel: crate::Channel) -> Option<&str> {
        let own = self.senders.iter().find(|(of, _)| *of == channel).map(|(_, sender)| sender.as_str());
        own.or_else(|| self.sender.as_deref().filter(|_| channel == crate::Channel::Email))
    }
}

/// `rate email 1000 messages per 1h`: the most messages that leave within a length of time, over all contacts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rate {
    /// The channel it counts; every channel without.
    pub channel: Option<crate::Channel>,
    /// How many at most.
    pub most: u32,
    /// Within how many milliseconds.
    pub per: i64,
}

/// The most messages within a length of time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cap {
    /// The channel it counts; every channel without.
    pub channel: Option<crate::Channel>,
    /// How many at most.
    pub most: u32,
    /// Within how long.
    pub per: Span,
}

/// A daily window on the wall clock, half-open `[from, to)`; `22:00 to 06:00` runs overnight, and its weekday is that of
/// its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalWindow {
    /// On which days it begins.
    pub days: WeekdaySet,
    /// When it begins.
    pub from: Time,
    /// When it is over; not part of it.
    pub to: Time,
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All, from Monday on.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The word in the language: `monday`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

/// A set of weekdays, one bit each, Monday lowest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct WeekdaySet(pub u8);

impl WeekdaySet {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WEEKDAYS: Self = Self(0b001_1111);
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0b110_0000);

    /// One day.
    pub const fn only(day: Weekday) -> Self {
        Self(1 << day as u8)
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the day is in it.
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day as u8) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_of_codes_holds() {
        let all = |text: &'static str| Codes::listed(text).collect::<Vec<_>>();
        assert_eq!(all("A-1\nA-2\r\n\nA-3"), [(0, "A-1"), (4, "A-2"), (10, "A-3")]);
        let table = all("\u{feff}code;worth\n\"A-1\";10\nA-2;10\n A-3 ;10\n");
        assert_eq!(table, [(15, "A-1"), (23, "A-2"), (31, "A-3")]);
        assert_eq!(all("\u{feff}A-1"), [(3, "A-1")]);
        assert_eq!(all(""), []);
    }
}
