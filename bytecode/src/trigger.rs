//! What starts runs.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::message::Channel;
use crate::program::{Clause, StatusKind};
use crate::value::Value;

/// What starts a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trigger {
    /// What happens.
    pub kind: TriggerKind,
    /// `where` of the trigger itself; sees the event's fields.
    pub filter: Option<Clause>,
}

/// The kinds of triggers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TriggerKind {
    /// `on tag X`: the tag was added and was not there before.
    Tag(SmolStr),
    /// `on untag X`: the tag was removed and was there before.
    Untag(SmolStr),
    /// `on EVENT`, a declared event.
    Event(SmolStr),
    /// `on created`
    Created,
    /// `on plan changes [from A] [to B]`
    Changes {
        /// The attribute.
        attribute: SmolStr,
        /// Its value before.
        from: Option<Value>,
        /// Its value after.
        to: Option<Value>,
    },
    /// `on enters SEGMENT`: the condition became true. It is judged when something happens to the contact and when time
    /// alone may have changed it (see [`Op::Reached`]).
    Enters(SmolStr, Clause),
    /// `on leaves SEGMENT`: the condition became false.
    Leaves(SmolStr, Clause),
    /// `on reaches FUNNEL.STAGE`
    Reaches {
        /// The funnel.
        funnel: SmolStr,
        /// The stage.
        stage: SmolStr,
    },
    /// A moment of the calendar: `birthday at 09:00`, `14d before renewal_date at 09:00`, `every monday at 09:00`. The
    /// clause gives the first such moment after [`Op::WaitStart`], unset if there is none; it is asked again after each
    /// firing and when an attribute changes. A moment before the contact or the journey was there is not made up for.
    Moment(Clause),
    /// `on EVENT` for what a message does: `clicked price link "buy"`, `replied`, `bounced`; the text is the link.
    Message(StatusKind, MessageScope, Option<SmolStr>),
    /// `on subscribed [TOPIC] [via CHANNEL]`
    Subscribed(Option<SmolStr>, Option<Channel>),
    /// `on unsubscribed [TOPIC] [via CHANNEL]`; without a channel, from all.
    Unsubscribed(Option<SmolStr>, Option<Channel>),
    /// `on message ["STOP"] [via CHANNEL]`: the contact wrote this, in upper or lower case.
    Inbound(Option<SmolStr>, Option<Channel>),
    /// `on call`: only `start journey` and the API start it.
    Call,
}

/// Which messages a trigger means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MessageScope {
    /// All.
    Any,
    /// Those of a channel.
    Channel(Channel),
    /// Those of this name.
    Named(SmolStr),
    /// Those of this topic.
    Topic(SmolStr),
}

impl fmt::Display for MessageScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any message"),
            Self::Channel(channel) => write!(f, "any {channel}"),
            Self::Named(name) => f.write_str(name),
            Self::Topic(topic) => write!(f, "any {topic}"),
        }
    }
}
