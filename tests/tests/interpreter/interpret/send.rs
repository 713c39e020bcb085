//! Who gets a message, and who does not.

use super::*;

impl<'p> World<'p> {
    /// An address that takes messages.
    pub(super) fn address(&self, channel: Channel) -> Option<usize> {
        let place = channel as usize;
        self.addresses[place].filter(|address| self.dead[place] != Some(*address))
    }

    /// Sends or refuses; until when it must be held otherwise.
    pub(super) fn send(
        &mut self,
        run: &mut Run<'p>,
        channels: &[Channel],
        mail: usize,
        first: bool,
        as_said: &str,
    ) -> Option<Instant> {
        let journey = self.journey(run.journey);
        let refuses = |channel: Channel| journey.topic.is_some_and(|topic| self.unsubscribed_via(topic, channel));
        let reaches =
            |channel: &&Channel| (channels.len() == 1 || !refuses(**channel)) && self.address(**channel).is_some();
        let found = channels.iter().find(reaches);
        let channel = *found.unwrap_or(&channels[0]);
        let capped = |(most, days, only): &(usize, i32, Option<Channel>)| {
            let counts = |message: &&Message| {
                message.marketing
                    && !message.has(Status::Skipped)
                    && only.is_none_or(|only| only == message.channel)
                    && self.days(message.at, *days) > self.now
            };
            only.is_none_or(|only| only == channel) && self.messages.iter().filter(counts).count() >= *most
        };
        let marketing = journey.topic.is_some();
        let refusal = if self.suppressed {
            Some("suppressed")
        } else if refuses(channel) {
            Some("unsubscribed")
        } else if found.is_none() && self.dead[channel as usize].is_some() {
            Some("suppressed")
        } else if found.is_none() {
            Some("address")
        } else if marketing && CAPS.iter().any(capped) {
            Some("cap")
        } else {
            None
        };
        if refusal.is_none() {
            let open = self.open(journey, marketing);
            if open > self.now {
                return Some(open);
            }
        }
        let place = self.messages.len();
        let statuses = refusal.map(|_| (Status::Skipped, self.now)).into_iter().collect();
        self.messages.push(Message { name: mail, channel, at: self.now, marketing, statuses });
        run.last = Some(place);
        if first {
            run.first = Some(place);
        }
        let what = format!("{} {}", channel.name(), MAILS[mail]);
        match refusal {
            Some(why) => self.say(run.journey, &format!("skips {what}: {why}")),
            None => {
                self.say(run.journey, &format!("sends {what}{as_said}"));
                // Only who listens has anything of it.
                if self.program.journeys.iter().any(|journey| journey.on.iter().any(|on| matches!(on, On::Sent(_)))) {
                    self.follows(Pending::Happened(Happening::Sent(place)));
                }
            }
        }
        None
    }

    /// When a message may leave.
    fn open(&self, journey: &Journey, marketing: bool) -> Instant {
        let mut at = self.now;
        loop {
            let awake = if marketing { self.zone.next_outside(at, QUIET) } else { at };
            let next = journey.hours.map_or(awake, |hours| self.zone.next_within(awake, window(hours)));
            if next == at {
                return at;
            }
            at = next;
        }
    }
}
