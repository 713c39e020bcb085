//! How people behave in a forecast: what is known of them, what happens to them, what they do with messages.

use std::collections::BTreeMap;

use journey_bytecode::{Channel, Time};
use serde::Deserialize;

/// Everything that a forecast assumes. What is left out has the defaults of the manual.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Behaviour {
    /// What is known of contacts, by attribute.
    #[serde(default)]
    pub contacts: BTreeMap<String, Known>,
    /// How often things happen to a contact in 30 days: `purchase`, `tag lead`.
    #[serde(default)]
    pub happens: BTreeMap<String, f64>,
    /// What people do with messages, by the channel or the name of the message.
    #[serde(default)]
    pub messages: BTreeMap<String, Reactions>,
    /// When people look at messages.
    #[serde(default)]
    pub awake: Awake,
}

/// What is known of an attribute.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Known {
    /// This share of the contacts has it.
    Share(f64),
    /// Each value, with its share.
    Shares(BTreeMap<String, f64>),
    /// Numbers from the first to the second, evenly.
    Between([f64; 2]),
    /// Each value equally often.
    OneOf(Vec<String>),
}

/// The shares of messages to which something happens.
#[derive(Clone, Copy, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reactions {
    /// Persons open it.
    pub opened: Option<f64>,
    /// They click in it, which opens it too.
    pub clicked: Option<f64>,
    /// They answer.
    pub replied: Option<f64>,
    /// They unsubscribe from everything.
    pub unsubscribed: Option<f64>,
    /// It comes back.
    pub bounced: Option<f64>,
}

/// When people look at messages, on their own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Awake {
    /// The first hour, 0 to 23.
    pub from: u32,
    /// The hour at which they stop, 1 to 24.
    pub to: u32,
}

impl Default for Awake {
    fn default() -> Self {
        Self { from: 7, to: 22 }
    }
}

impl Awake {
    /// The first moment of the day at which they look.
    pub(super) const fn opens(self) -> Time {
        Time(self.from * 3_600)
    }
}

impl Behaviour {
    /// What makes no sense in it: where, and why.
    pub fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut share = |place: &str, share: f64| {
            if !(0.0..=1.0).contains(&share) {
                wrong.push(format!("`{place}` is {share}: a share lies between 0 and 1"));
            }
        };
        for (name, known) in &self.contacts {
            match known {
                Known::Share(one) => share(&format!("contacts.{name}"), *one),
                Known::Shares(shares) => {
                    shares.iter().for_each(|(value, one)| share(&format!("contacts.{name}.{value}"), *one));
                }
                Known::Between(_) | Known::OneOf(_) => {}
            }
        }
        for (name, reactions) in &self.messages {
            for (what, one) in reactions.all() {
                share(&format!("messages.{name}.{what}"), one.unwrap_or_default());
            }
        }
        for (name, known) in &self.contacts {
            let nothing = match known {
                Known::Shares(shares) => shares.is_empty() || shares.values().sum::<f64>() > 1.000_001,
                Known::OneOf(values) => values.is_empty(),
                Known::Between([from, to]) => from > to,
                Known::Share(_) => false,
            };
            if nothing {
                wrong.push(format!("`contacts.{name}` needs values, whose shares come to 1 at most"));
            }
        }
        for (name, times) in &self.happens {
            if !(0.0..=1_000.0).contains(times) {
                wrong.push(format!("`happens.{name}` is {times}: how often in 30 days lies between 0 and 1000"));
            }
        }
        if self.awake.from >= self.awake.to || self.awake.to > 24 {
            wrong.push("`awake` goes from an hour to a later one, of 24".to_owned());
        }
        wrong
    }

    /// What people do with a message: as its name says, else as its channel does, else as is usual.
    pub(super) fn reactions(&self, name: &str, channel: &str) -> [f64; 5] {
        let usual = Reactions::usual(channel);
        let said = [self.messages.get(name), self.messages.get(channel), Some(&usual)];
        let pick = |of: fn(&Reactions) -> Option<f64>| said.iter().flatten().find_map(|one| of(one)).unwrap_or(0.0);
        [pick(|r| r.opened), pick(|r| r.clicked), pick(|r| r.replied), pick(|r| r.unsubscribed), pick(|r| r.bounced)]
    }
}

impl Reactions {
    fn all(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("opened", self.opened),
            ("clicked", self.clicked),
            ("replied", self.replied),
            ("unsubscribed", self.unsubscribed),
            ("bounced", self.bounced),
        ]
    }

    /// Ordinary shares; every list is another one, so a forecast that matters gives its own.
    fn usual(channel: &str) -> Self {
        let of = |opened, clicked, replied, unsubscribed, bounced| Self {
            opened,
            clicked,
            replied: Some(replied),
            unsubscribed: Some(unsubscribed),
            bounced: Some(bounced),
        };
        match Channel::parse(channel) {
            Some(Channel::Email) => of(Some(0.35), Some(0.05), 0.005, 0.003, 0.01),
            Some(Channel::Sms) => of(None, None, 0.02, 0.005, 0.01),
            Some(Channel::Push) => of(Some(0.08), Some(0.03), 0.0, 0.002, 0.02),
            Some(Channel::WhatsApp) => of(Some(0.6), Some(0.05), 0.03, 0.005, 0.01),
            _ => Self::default(),
        }
    }
}
