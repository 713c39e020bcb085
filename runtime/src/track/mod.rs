//! What comes back from a message: opens, clicks and unsubscribes, over signed addresses.

mod http;
mod links;
mod machine;
mod page;
mod recent;
mod report;
mod token;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use journey_bytecode::Instant;

use crate::core::contact::{Contact, ContactId};
use crate::core::effect::MessageId;
use crate::core::input::InputKind;

pub use http::{Topics, Tracking, router};
pub use links::{LOCAL_BASE_URL, Links, LinksError, MAX_TRACKED_URL};
pub use machine::HUMAN_DELAY_MILLIS;
pub use recent::RecentlySent;
pub use report::Reported;
pub(crate) use report::{form_text, report_input, reported};
pub use token::{Claim, Keys, MIN_KEY, Purport};

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where tracking hands its inputs: the engine.
pub trait Intake: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Instant;

    /// When the message left, if that was a moment ago ([`RecentlySent`]); it tells scanners from people.
    fn sent_at(&self, message: MessageId) -> Option<Instant>;

    /// A contact as it stands; none if there is no such contact.
    fn contact(&self, contact: ContactId) -> BoxFuture<'_, Result<Option<Contact>, IntakeError>>;

    /// Keeps an input. When the future is ready with `Ok`, the input is durable. An input of the same id changes nothing.
    fn submit(
        &self,
        id: String,
        contact: ContactId,
        at: Instant,
        kind: InputKind,
    ) -> BoxFuture<'_, Result<(), IntakeError>>;
}

/// An input could not be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IntakeError {
    /// The store cannot take it now; later it may.
    Unavailable(String),
    /// It will never be taken: there is no such contact.
    Unknown,
}

impl fmt::Display for IntakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(cause) => write!(f, "the store is not available: {cause}"),
            Self::Unknown => f.write_str("there is no such contact"),
        }
    }
}

impl std::error::Error for IntakeError {}
