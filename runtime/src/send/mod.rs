//! Transports: they take rendered messages out of the house, and say what became of each.

mod call;
mod dkim;
mod doctor;
mod files;
mod http;
mod mail;
mod notice;
mod provider;
mod rate;
mod secret;
mod signing;
mod smtp;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use journey_bytecode::Value;

use crate::render::Rendered;
use crate::track::BoxFuture;

pub use call::{CallTransport, Service};
pub use dkim::{Dkim, DkimError};
pub use doctor::{Check, Identity, PublicKey, Records, SystemRecords, look_up};
pub use files::{FileTransport, file_name};
pub use http::{HttpAnswer, HttpClient, HttpError, MAX_ANSWER};
pub use notice::{NoticeTransport, Place};
pub use provider::{
    Body, Described, EitherWay, Fcm, FcmError, Provider, ProviderRequest, ProviderTransport, WebPush, WebPushError,
    Webhook,
};
pub use rate::{Limit, Limited, limited};
pub use secret::{Secret, SecretError};
pub(crate) use signing::is_signed;
pub use smtp::{CONNECTIONS, SmtpError, SmtpSettings, SmtpTransport};

/// What became of one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was taken; this is what the other side said.
    Delivered {
        /// As `250 2.0.0 Ok: queued as 4F2`.
        response: String,
    },
    /// Not now. The same message, under the same id, may go later.
    Retry {
        /// The other side wants peace at least this long; without, [`backoff`] says when.
        after: Option<Duration>,
        /// Why.
        cause: String,
    },
    /// Not before so long: more would leave than the policy's rate allows. Nothing was tried.
    Later {
        /// How long.
        after: Duration,
    },
    /// It may have been taken: the other side fell silent at the wrong moment.
    Unknown {
        /// Why nobody knows.
        cause: String,
    },
    /// Never.
    Failed {
        /// Why.
        cause: String,
    },
    /// A call was answered.
    Answered {
        /// The answer, a record.
        answer: Value,
    },
}

/// Takes verdicts as they come in.
pub trait Settle: Sync {
    /// The verdict on the message at this place of the batch. A connection puts no further message on the wire before
    /// the future is ready: whoever makes it ready after the verdict is durable has at most one message a connection on
    /// the wire whose fate a crash would hide.
    fn settle(&self, place: usize, verdict: Verdict) -> BoxFuture<'_, ()>;

    /// Whether the message at this place may still go: a transport asks right before it puts it on the wire. One that may
    /// not has its result already; the transport forgets it.
    fn may_go(&self, _place: usize) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }
}

/// Hears of a part of a batch, and tells its places by those in the whole.
struct Part<'a> {
    settle: &'a dyn Settle,
    places: &'a [usize],
}

impl Settle for Part<'_> {
    fn settle(&self, place: usize, verdict: Verdict) -> BoxFuture<'_, ()> {
        match self.places.get(place) {
            Some(place) => self.settle.settle(*place, verdict),
            None => Box::pin(std::future::ready(())),
        }
    }

    fn may_go(&self, place: usize) -> BoxFuture<'_, bool> {
        match self.places.get(place) {
            Some(place) => self.settle.may_go(*place),
            None => Box::pin(std::future::ready(false)),
        }
    }
}

/// A way out of the house.
pub trait Transport: Send + Sync + 'static {
    /// Whether it asks [`Settle::may_go`] right before it sends a message.
    fn asks(&self) -> bool {
        false
    }

    /// Delivers a batch: one verdict a message, in any order. It never fails as a whole.
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()>;

    /// Delivers a batch: one verdict a message, in the batch's order.
    fn deliver<'a>(&'a self, batch: &'a [Rendered]) -> BoxFuture<'a, Vec<Verdict>> {
        Box::pin(async move {
            let verdicts = Collect(Mutex::new(vec![None; batch.len()]));
            self.deliver_each(batch, &verdicts).await;
            let verdicts = verdicts.0.into_inner().unwrap_or_else(PoisonError::into_inner);
            let forgotten = || Verdict::Retry { after: None, cause: "the transport lost the message".to_owned() };
            verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(forgotten)).collect()
        })
    }
}

struct Collect(Mutex<Vec<Option<Verdict>>>);

impl Settle for Collect {
    fn settle(&self, place: usize, verdict: Verdict) -> BoxFuture<'_, ()> {
        let mut verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = verdicts.get_mut(place) {
            *slot = Some(verdict);
        }
        Box::pin(std::future::ready(()))
    }
}

/// Why a message did not go, without what others said of it: they name people, and a log is read by many. The codes of a mail
/// server stay, and of anything else our own words.
pub fn cause_for_log(cause: &str) -> String {
    let is_code = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let codes: Vec<&str> = cause.split_whitespace().take(2).take_while(is_code).collect();
    if codes.is_empty() { cause.split(": ").next().unwrap_or_default().to_owned() } else { codes.join(" ") }
}

/// Whether an enhanced status code (RFC 3463), as `5.1.1`, says that the address itself takes no mail, now or ever.
pub fn is_dead_address(status: &str) -> bool {
    matches!(status, "5.1.0" | "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1")
}

/// The longest pause between two attempts.
pub const MAX_BACKOFF: Duration = Duration::from_secs(4_000);

/// A message that no attempt brought out for so long has failed.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3_600);

/// The pause after so many failed attempts: 5 s, 20 s, 80 s, 320 s, 1,280 s, then [`MAX_BACKOFF`].
pub fn backoff(attempts: u32) -> Duration {
    let factor = 4_u32.saturating_pow(attempts.saturating_sub(1));
    Duration::from_secs(5).saturating_mul(factor).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_hears_no_words_of_others() {
        for (cause, told) in [
            ("550 5.1.1 <ada@x.example>: user unknown", "550 5.1.1"),
            ("421 4.7.0 later", "421 4.7.0"),
            ("554 Ada is not here", "554"),
            ("it answered 503 Service Unavailable: Ada sleeps", "it answered 503 Service Unavailable"),
            ("the recipient's address is not valid: ada", "the recipient's address is not valid"),
            ("the transport lost the message", "the transport lost the message"),
        ] {
            assert_eq!(cause_for_log(cause), told);
        }
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<u64> = (0..8).map(|attempts| backoff(attempts).as_secs()).collect();
        assert_eq!(pauses, [5, 5, 20, 80, 320, 1_280, 4_000, 4_000]);
        assert_eq!(backoff(u32::MAX), MAX_BACKOFF);
    }
}
