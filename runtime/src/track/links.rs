//! The addresses that stand in messages.

use smol_str::SmolStr;

use super::token::{Claim, Keys, Purport};
use crate::core::effect::MessageId;

/// Where a message points without a configured `base_url`: the server on this machine.
pub const LOCAL_BASE_URL: &str = "http://localhost:8080";

/// A longer address is not tracked; it stays in the message as it is.
pub const MAX_TRACKED_URL: usize = 2_000;

/// How many characters of a question its page shows: they stand in its address.
pub(super) const MAX_QUESTION: usize = 300;

/// Makes the addresses of a message.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
    tracked: bool,
    keys: Keys,
    /// The mailbox that gets what comes back.
    bounces: Option<(String, String)>,
}

/// A base address that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not a base address: it must begin with `https://` (or `http://`), name a host, and hold no space, quote, `?` or `#`"
)]
pub struct LinksError(pub String);

impl Links {
    /// Links that are tracked, under a base address as `https://t.example.com`.
    pub fn tracked(base_url: &str, keys: Keys) -> Result<Self, LinksError> {
        Ok(Self { tracked: true, ..Self::untracked(keys).at(base_url)? })
    }

    /// Links that stay as they are, and no pixel: for a project without a `base_url`. The unsubscribe link, which a
    /// marketing message must have, leads to [`LOCAL_BASE_URL`], or [elsewhere](Self::at).
    pub fn untracked(keys: Keys) -> Self {
        Self { base: LOCAL_BASE_URL.to_owned(), tracked: false, keys, bounces: None }
    }

    /// The same under another base address.
    pub fn at(self, base_url: &str) -> Result<Self, LinksError> {
        let base = base_url.trim_end_matches('/');
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
        let plain =
            base.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'?' | b'#'));
        if host.is_empty() || host.starts_with('/') || !plain {
            return Err(LinksError(base_url.to_owned()));
        }
        Ok(Self { base: base.to_owned(), ..self })
    }

    /// What cannot be delivered comes back to this mailbox, with a tag behind its name: `bounces+7.3.TAG@news.example.com`.
    /// Nothing changes if the text is no address.
    #[must_use]
    pub fn with_bounces(self, mailbox: &str) -> Self {
        let bounces = mailbox.rsplit_once('@').map(|(name, domain)| (name.to_owned(), domain.to_owned()));
        Self { bounces, ..self }
    }

    /// The return path of a message.
    pub fn return_path(&self, message: MessageId) -> Option<String> {
        let (name, domain) = self.bounces.as_ref()?;
        Some(format!("{name}+{}@{domain}", self.keys.return_tag(message)))
    }

    /// Whether clicks and opens are tracked.
    pub const fn is_tracked(&self) -> bool {
        self.tracked
    }

    /// The keys.
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The unsubscribe link of a message.
    pub fn unsubscribe(&self, message: MessageId, topic: Option<SmolStr>) -> String {
        let token = self.keys.sign(&Claim { message, purport: Purport::Unsubscribe { topic } });
        format!("{}/t/u/{token}", self.base)
    }

    /// The preference page of a message's reader.
    pub fn preferences(&self, message: MessageId) -> String {
        format!("{}/t/p/{}", self.base, self.keys.sign(&Claim { message, purport: Purport::Preferences }))
    }

    /// Where a provider tells what becomes of a message; nowhere without a base address that it could reach.
    pub fn report(&self, message: MessageId) -> Option<String> {
        let token = || self.keys.sign(&Claim { message, purport: Purport::Report });
        self.tracked.then(|| format!("{}/t/r/{}", self.base, token()))
    }

    /// The link that confirms a subscription to a topic.
    pub fn confirm(&self, message: MessageId, topic: SmolStr) -> String {
        format!("{}/t/s/{}", self.base, self.keys.sign(&Claim { message, purport: Purport::Confirm { topic } }))
    }

    /// Whether an address is one of our pages.
    pub fn is_own(&self, url: &str) -> bool {
        let path = url.strip_prefix(self.base.as_str()).unwrap_or_default();
        ["/t/u/", "/t/p/", "/t/s/"].iter().any(|page| path.starts_with(page))
    }

    /// The page where a colleague answers a question.
    pub fn answer(&self, message: MessageId, question: &str, answers: &[SmolStr]) -> String {
        let question = question.chars().take(MAX_QUESTION).collect();
        let purport = Purport::Answer { question, answers: answers.to_vec() };
        format!("{}/t/a/{}", self.base, self.keys.sign(&Claim { message, purport }))
    }

    /// The open pixel of a message, if opens are tracked.
    pub fn pixel(&self, message: MessageId) -> Option<String> {
        let token = self.tracked.then(|| self.keys.sign(&Claim { message, purport: Purport::Open }))?;
        Some(format!("{}/t/o/{token}.gif", self.base))
    }

    /// The tracked address of a link of a message; `None` where the link stays as it is.
    pub fn click(&self, message: MessageId, index: u32, url: &str) -> Option<String> {
        if !self.tracked || url.len() > MAX_TRACKED_URL {
            return None;
        }
        let purport = Purport::Click { index, url: url.to_owned() };
        Some(format!("{}/t/c/{}", self.base, self.keys.sign(&Claim { message, purport })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::contact::ContactId;

    #[test]
    fn base_addresses() {
        let keys = || Keys::new(["0123456789abcdef"]).unwrap();
        for bad in
            ["", "t.example", "https://", "ftp://t.example", "https://t.example/?x", "https://t .example", "http:///x"]
        {
            assert_eq!(Links::tracked(bad, keys()).err(), Some(LinksError(bad.into())));
        }
        let links = Links::tracked("https://t.example/x/", keys()).unwrap();
        let message = MessageId { contact: ContactId(1), number: 1 };
        assert!(links.pixel(message).unwrap().starts_with("https://t.example/x/t/o/"));
        assert!(links.click(message, 0, &"x".repeat(MAX_TRACKED_URL + 1)).is_none());
        assert!(Links::untracked(keys()).pixel(message).is_none());
        let elsewhere = Links::untracked(keys()).at("http://10.0.0.1:9000").unwrap();
        assert!(elsewhere.unsubscribe(message, None).starts_with("http://10.0.0.1:9000/t/u/"));
        assert!(!elsewhere.is_tracked());
        assert!(Links::untracked(keys()).unsubscribe(message, None).starts_with(LOCAL_BASE_URL));
    }
}
