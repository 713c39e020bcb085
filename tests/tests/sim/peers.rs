//! The other side: mail servers, providers of text messages, systems that are called. They take, refuse, fall silent, and
//! take without saying so.

use std::sync::Arc;
use std::time::Duration;

use journey_bytecode::{Number, Value};
use journey_runtime::render::{Content, Rendered};
use journey_runtime::send::{Settle, Transport, Verdict};
use journey_runtime::track::BoxFuture;

use crate::world::World;

/// Whoever a worker talks to.
pub struct Peer {
    pub world: Arc<World>,
    pub worker: u32,
}

/// What a peer does with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Takes,
    RefusesForNow,
    RefusesForGood,
    /// Nobody has this address.
    KnowsNobody,
    /// The connection breaks before anything was taken, and nobody can know.
    FallsSilent,
    /// It is taken, and the connection breaks before the answer.
    TakesInSilence,
}

impl Answer {
    pub const fn takes(self) -> bool {
        matches!(self, Self::Takes | Self::TakesInSilence)
    }

    pub const fn hides(self) -> bool {
        matches!(self, Self::FallsSilent | Self::TakesInSilence)
    }

    fn verdict(self, rendered: &Rendered) -> Verdict {
        match (self, &rendered.content) {
            (Self::Takes, Content::Call(_)) => Verdict::Answered {
                answer: Value::Record([("left".into(), Value::Number(Number::from_int(3)))].into_iter().collect()),
            },
            (Self::Takes, _) => Verdict::Delivered { response: "250 2.0.0 Ok".to_owned() },
            (Self::RefusesForNow, _) => Verdict::Retry { after: None, cause: "421 4.7.0 later".to_owned() },
            (Self::RefusesForGood, _) => Verdict::Failed { cause: "554 5.7.1 not here".to_owned() },
            (Self::KnowsNobody, _) => Verdict::Failed { cause: "550 5.1.1 nobody has this address".to_owned() },
            (Self::FallsSilent | Self::TakesInSilence, _) => {
                Verdict::Unknown { cause: "the connection broke before the answer".to_owned() }
            }
        }
    }
}

impl Transport for Peer {
    fn asks(&self) -> bool {
        true
    }

    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for (place, rendered) in batch.iter().enumerate() {
                self.world.survives(self.worker).await;
                let asked = self.world.place();
                if !settle.may_go(place).await {
                    continue;
                }
                let left = self.world.now();
                self.world.survives(self.worker).await;
                let answer = self.world.takes(self.worker, rendered.id, asked, left);
                if answer.hides() {
                    // Nobody waits longer for an answer.
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                self.world.survives(self.worker).await;
                settle.settle(place, answer.verdict(rendered)).await;
            }
        })
    }
}
