//! What the contact wants to hear of.

use super::*;

impl World<'_> {
    /// Notes consent, perhaps for a time; whether that is news.
    pub(super) fn subscribe(&mut self, topic: usize, channel: Option<Channel>, until: Option<Instant>) -> bool {
        self.forget();
        let mut news = self.unsubscribed.remove(&topic);
        let before = self.withdrawn.len();
        self.withdrawn.retain(|(of, via)| *of != Some(topic) || channel.is_some_and(|channel| channel != *via));
        news |= before != self.withdrawn.len();
        let until = until.unwrap_or(Instant::NEVER);
        match self.consents.iter_mut().find(|(of, via, _)| *of == topic && *via == channel) {
            Some(known) => known.2 = until,
            None => {
                self.consents.push((topic, channel, until));
                news = true;
            }
        }
        news
    }

    /// Consent ends at its moment.
    fn forget(&mut self) {
        self.consents.retain(|(.., until)| *until > self.now);
    }

    pub(super) fn withdraw(&mut self, topic: Option<usize>, channel: Option<Channel>) -> bool {
        self.forget();
        let meant = |of: usize| topic.is_none_or(|topic| topic == of);
        let before = self.consents.len();
        let Some(channel) = channel else {
            self.consents.retain(|(of, ..)| !meant(*of));
            let news = match topic {
                Some(topic) => self.unsubscribed.insert(topic),
                None => !std::mem::replace(&mut self.unsubscribed_all, true),
            };
            return news || before != self.consents.len();
        };
        self.consents.retain(|(of, via, _)| !meant(*of) || *via != Some(channel));
        let mut news = before != self.consents.len();
        let everywhere: Vec<_> =
            self.consents.iter().filter(|(of, via, _)| meant(*of) && via.is_none()).map(|(of, ..)| Some(*of)).collect();
        for of in everywhere.into_iter().chain([topic]) {
            news |= self.withdrawn.insert((of, channel));
        }
        news
    }

    /// Ends the runs whose topic it was.
    pub(super) fn withdrawn(&mut self, topic: Option<usize>, channel: Option<Channel>) {
        for number in self.active() {
            let run = self.take(number).unwrap();
            if self.journey(run.journey).topic.is_some_and(|topic| self.unsubscribed_from(topic)) {
                self.end(run, "unsubscribed");
            } else {
                self.put(run);
            }
        }
        self.happen(&Happening::Unsubscribed(topic, channel));
    }

    pub(super) fn consents_to(&self, topic: usize, channel: Option<Channel>) -> bool {
        !channel.is_some_and(|channel| self.withdrawn.contains(&(Some(topic), channel)))
            && self.consents.iter().any(|(of, via, until)| {
                *of == topic && *until > self.now && (*via == channel || via.is_none() || channel.is_none())
            })
    }

    pub(super) fn unsubscribed_from(&self, topic: usize) -> bool {
        self.unsubscribed.contains(&topic) || self.unsubscribed_all && !self.consents_to(topic, None)
    }

    pub(super) fn unsubscribed_via(&self, topic: usize, channel: Channel) -> bool {
        self.unsubscribed_from(topic)
            || self.withdrawn.contains(&(Some(topic), channel))
            || self.withdrawn.contains(&(None, channel)) && !self.consents_to(topic, Some(channel))
    }
}
