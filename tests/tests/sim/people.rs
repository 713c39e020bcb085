//! Whoever tells us of contacts: each sends until it is answered, to one worker or another, twice or at both at once, and
//! some of it late.

use std::sync::Arc;
use std::time::Duration;

use journey_runtime::engine::Submitter;
use journey_runtime::ingest::Gate;
use journey_runtime::store::{Acceptance, NewInput};
use journey_runtime::time::rfc3339;
use journey_tests::random::Random;
use serde_json::{Value as Json, json};

use crate::world::World;

const HOUR: u64 = 3_600_000;

/// How often something is sent at most until it is answered.
const PATIENCE: usize = 20_000;

/// Something that is told us.
#[derive(Clone, Debug)]
pub struct News {
    /// When, in milliseconds after the beginning.
    pub after: u64,
    pub key: String,
    pub id: String,
    pub what: Json,
    /// When it happened, that many milliseconds before it is told.
    pub ago: u64,
    /// How often it is told at once, and how often again later.
    pub at_once: usize,
    pub later: usize,
}

/// All that is told in one life, in its order.
pub fn stories(random: &mut Random, days: u64) -> Vec<News> {
    let mut stories = Vec::new();
    for contact in 0..random.within(2..6) {
        let key = format!("c{contact}");
        let born = random.within(0..3 * HOUR);
        let mut add = |random: &mut Random, after: u64, id: String, what: Json| {
            let ago = if random.below(5) == 0 { random.within(0..HOUR) } else { 0 };
            let (at_once, later) = match random.below(4) {
                0 => (2, 0),
                1 => (1, random.below(3)),
                _ => (1, 0),
            };
            stories.push(News { after, key: key.clone(), id, what, ago: ago.min(after), at_once, later });
        };
        let mut tags = vec![];
        if random.below(4) > 0 {
            tags.push("lead");
        }
        if random.below(2) > 0 {
            tags.push("member");
        }
        let mut attributes = json!({"email": format!("{key}@x.example")});
        if random.below(3) > 0 {
            attributes["phone"] = format!("+49151234567{contact:02}").into();
        }
        add(random, born, "enter".into(), json!({"attributes": attributes, "tags": tags}));
        let any = |random: &mut Random| born + random.within(0..days * 24 * HOUR);
        for n in 1..=random.within(0..9) {
            let after = any(random);
            add(random, after, format!("v{n}"), json!({"event": "visited", "data": {"n": n}}));
        }
        for n in 1..=random.within(0..4) {
            let after = any(random);
            add(random, after, format!("b{n}"), json!({"event": "bought", "data": {"n": n}}));
        }
        for n in 0..random.below(3) {
            let message = ["hello", "more", "offer"][random.below(3)];
            let after = any(random);
            add(random, after, format!("o{n}"), json!({"opened": message}));
        }
        if random.below(3) == 0 {
            let tag = ["lead", "member"][random.below(2)];
            let after = any(random);
            add(random, after, "t".into(), json!({"tag": tag}));
        }
        for n in 0..random.below(3) {
            let from = [json!("news"), json!("offers"), json!(true)][random.below(3)].clone();
            let mut what = json!({"unsubscribed": from});
            if random.below(4) == 0 {
                what["channel"] = ["email", "sms"][random.below(2)].into();
            }
            // Most go soon, when there are messages on their way.
            let after = if random.below(2) == 0 { born + random.within(0..HOUR) } else { any(random) };
            add(random, after, format!("u{n}"), what);
        }
        if random.below(4) == 0 {
            let topic = ["news", "offers"][random.below(2)];
            let after = any(random);
            add(random, after, "s".into(), json!({"subscribed": topic}));
        }
    }
    stories.sort_by_key(|news| news.after);
    stories
}

impl World {
    /// Tells something until all who tell it are answered.
    pub fn hear(self: &Arc<Self>, news: News) {
        let at = journey_bytecode::Instant(self.now().0 - i64::try_from(news.ago).expect("a life is short"));
        let mut what = news.what.clone();
        what["at"] = rfc3339(at).into();
        for _ in 0..news.at_once {
            self.inner().senders += 1;
            let (world, news, what) = (Arc::clone(self), news.clone(), what.clone());
            tokio::spawn(async move {
                world.send(&news, &what).await;
                for _ in 0..news.later {
                    let pause = world.inner().random.within(1..20_000);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    world.send(&news, &what).await;
                }
                world.inner().senders -= 1;
            });
        }
    }

    /// Sends something until it is answered.
    async fn send(&self, news: &News, what: &Json) {
        for _ in 0..PATIENCE {
            let (pause, door) = {
                let mut inner = self.inner();
                let doors: Vec<(u32, Submitter)> = inner.doors.iter().map(|(n, door)| (*n, door.clone())).collect();
                let chosen = inner.random.below(doors.len());
                (inner.random.within(20..2_000), doors.get(chosen).cloned())
            };
            if let Some((worker, door)) = door
                && let Some(input) = self.read(news, what)
            {
                let answered = tokio::time::timeout(Duration::from_secs(3), door.submit(vec![input])).await;
                match answered {
                    Ok(Ok(answers)) if matches!(answers[..], [Acceptance::Accepted { .. } | Acceptance::Duplicate]) => {
                        self.acknowledge(news, worker);
                        return;
                    }
                    Ok(Ok(answers)) if answers[..] == [Acceptance::UnknownContact] => {}
                    Ok(Ok(answers)) => self.breaks(format!("{} {} is answered with {answers:?}", news.key, news.id)),
                    Ok(Err(_)) | Err(_) => self.inner().journal.repeated += 1,
                }
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.breaks(format!("nobody ever takes {} of {}", news.id, news.key));
    }

    /// As the newest revision that anybody knows reads it.
    fn read(&self, news: &News, what: &Json) -> Option<NewInput> {
        let (_, linked) = self.inner().linked.last_key_value().map(|(number, linked)| (*number, Arc::clone(linked)))?;
        let (gate, mut what) = (Gate::new(linked), what.clone());
        let input = if news.id == "enter" {
            what["id"] = news.key.clone().into();
            gate.contact(&what, self.now()).map(|input| NewInput { id: Some(news.id.clone().into()), ..input })
        } else {
            what["contact"] = news.key.clone().into();
            what["id"] = news.id.clone().into();
            gate.event(&what, self.now())
        };
        Some(input.unwrap_or_else(|refused| panic!("{what} is refused: {refused}")))
    }

    fn acknowledge(&self, news: &News, worker: u32) {
        let place = self.place();
        self.tell(|| format!("worker {worker} acknowledges {} of {}", news.id, news.key));
        let said = (news.key.clone().into(), news.id.clone().into());
        self.inner().journal.acknowledged.entry(said).or_insert(place);
    }
}
