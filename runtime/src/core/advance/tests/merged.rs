//! Two contacts turn out to be one.

use std::path::Path;

use super::decided::compiled;
use super::*;

/// One of the two.
struct Person {
    contact: Contact,
    seq: i64,
    /// What it did, in the order of the traces, without what came of messages.
    told: Vec<TraceEvent>,
}

struct World(Linked);

impl World {
    fn of(source: &str) -> Self {
        Self(Linked::new(compiled(Path::new("merged"), source), []).unwrap())
    }

    fn person(&self, id: i64, when: &str, attributes: &[(&str, &str)], tags: &[&str]) -> Person {
        let contact = Contact::new(ContactId(id), format!("c{id}"), at(when));
        let mut person = Person { contact, seq: 0, told: Vec::new() };
        self.happens(&mut person, when, upsert(attributes, tags));
        person
    }

    fn happens(&self, person: &mut Person, when: &str, kind: InputKind) -> Outcome {
        while let Some(due) = person.contact.state.due().filter(|due| *due < at(when)) {
            let out = advance(&self.0, &mut person.contact, &[], due);
            person.told.extend(out.trace.into_iter().map(|entry| entry.event));
        }
        person.seq += 1;
        let input = input(person.seq, when, kind);
        let out = advance(&self.0, &mut person.contact, &[input], at(when));
        person.told.extend(out.trace.iter().map(|entry| entry.event.clone()));
        out
    }

    /// The first one joins the second one.
    fn join(&self, mut one: Person, two: &mut Person, when: &str) -> Person {
        let out = self.happens(&mut one, when, InputKind::MergeInto { contact: two.contact.id });
        let handed = out.handed.expect("it hands over");
        assert_eq!((handed.into, out.due), (two.contact.id, None));
        self.happens(two, when, InputKind::Absorb { contact: Box::new(handed.contact) });
        one
    }
}

fn event(name: &str) -> InputKind {
    let payload = Value::Record([("amount".into(), Value::int(5))].into_iter().collect());
    InputKind::Event { name: name.into(), payload }
}

fn of(contact: i64, kind: InputKind) -> InputKind {
    kind.of_alias(ContactId(contact))
}

fn sent(person: &Person) -> Vec<&str> {
    let sent = person.told.iter().filter_map(|event| match event {
        TraceEvent::Sent { name, .. } => Some(name.as_str()),
        _ => None,
    });
    sent.collect()
}

fn ended(person: &Person) -> Vec<&EndReason> {
    let ended = person.told.iter().filter_map(|event| match event {
        TraceEvent::Ended(reason) => Some(reason),
        _ => None,
    });
    ended.collect()
}

const NURTURE: &str = "
journey nurture {
  on tag lead
  purpose transactional
  reenter after 90d
  send email story as first
  wait for opened first up to 9d else end
  send email price
  wait for purchase up to 9d else end
  send email receipt
}
journey other {
  on tag vip
  purpose transactional
  wait 9d
}";

#[test]
fn runs_go_on_with_their_messages() {
    let world = World::of(NURTURE);
    let anon = world.person(1, "2026-03-01 10:00", &[("email", "a@b.example")], &["lead"]);
    assert_eq!(sent(&anon), ["story"]);
    let mut ada = world.person(2, "2026-03-02 10:00", &[("email", "ada@b.example")], &["vip"]);
    let left = world.join(anon, &mut ada, "2026-03-03 10:00");
    assert!(left.contact.is_merged() && left.contact.state.runs.is_empty() && left.contact.tags.is_empty());
    let journeys: Vec<_> = ada.contact.state.runs.iter().map(|run| (run.number, run.journey.as_str())).collect();
    assert_eq!(journeys, [(0, "other"), (1, "nurture")]);
    assert!(ada.contact.tags.contains("lead") && ended(&ada).is_empty(), "{:?}", ada.told);
    assert_eq!(ada.contact.attributes.get("email"), Some(&Value::text("ada@b.example")), "what is known wins");
    assert_eq!(ada.contact.created_at, at("2026-03-01 10:00"));

    world.happens(&mut ada, "2026-03-04 10:00", of(3, opened(0)));
    assert_eq!(sent(&ada), [""; 0], "that is nobody's");
    world.happens(&mut ada, "2026-03-04 10:00", of(1, opened(0)));
    world.happens(&mut ada, "2026-03-05 10:00", event("purchase"));
    assert_eq!(sent(&ada), ["price", "receipt"]);
    let numbers: Vec<_> = ada.contact.state.messages.iter().map(|message| message.number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    // `reenter after` counts from when the run began under the other id.
    world.happens(
        &mut ada,
        "2026-05-29 10:00",
        InputKind::Upsert { attributes: vec![], add_tags: vec![], remove_tags: vec!["lead".into()] },
    );
    world.happens(&mut ada, "2026-05-29 11:00", upsert(&[], &["lead"]));
    assert!(
        matches!(ada.told.last(), Some(TraceEvent::NotEntered { reason: NotEntered::TooEarly { .. } })),
        "{:?}",
        ada.told
    );
}

#[test]
fn of_two_runs_of_one_journey_the_older_goes_on() {
    let world = World::of(NURTURE);
    for (anon, ada, stays) in [("2026-03-01 10:00", "2026-03-02 10:00", 1), ("2026-03-02 10:00", "2026-03-01 10:00", 0)]
    {
        let anon = world.person(1, anon, &[("email", "a@b.example")], &["lead"]);
        let mut ada = world.person(2, ada, &[("email", "b@b.example")], &["lead"]);
        world.join(anon, &mut ada, "2026-03-03 10:00");
        assert_eq!(ada.contact.state.runs.iter().map(|run| run.number).collect::<Vec<_>>(), [stays]);
        assert_eq!(ended(&ada), [&EndReason::Merged]);
        let number = ada.contact.state.runs[0].handles[0].1;
        assert_eq!(number, stays);
    }
}

#[test]
fn no_journey_begins_by_joining_and_runs_hear_what_is_new() {
    let world = World::of(
        "segment buyers = has tag customer
         journey begins { on tag customer  reenter always  add tag done }
         journey enters { on enters buyers  reenter always  add tag done }
         journey waits { on tag lead  reenter always  wait for tag customer up to 30d else end  add tag other }
         journey changes { on plan changes  reenter always  add tag done }
         journey back { on tag vip  reenter always  wait for plan changes up to 30d else end  add tag other }",
    );
    let mut anon = world.person(1, "2026-03-01 10:00", &[], &["customer", "vip"]);
    world.happens(
        &mut anon,
        "2026-03-01 11:00",
        InputKind::Upsert { attributes: vec![], add_tags: vec![], remove_tags: vec!["done".into()] },
    );
    let mut ada = world.person(2, "2026-03-01 10:00", &[("plan", "pro")], &["lead"]);
    world.join(anon, &mut ada, "2026-03-03 10:00");
    assert!(!ada.contact.tags.contains("done"), "{:?}", ada.told);
    assert!(ada.contact.tags.contains("other"), "{:?}", ada.told);
    assert_eq!(ended(&ada), [&EndReason::Ended; 2], "both that waited: {:?}", ada.told);
}

#[test]
fn the_more_restrictive_consent_holds() {
    let world = World::of(NURTURE);
    let person = |id| world.person(id, "2026-03-01 10:00", &[("email", "a@b.example")], &[]);
    let subscribed = |topic: &str, channel, until: Option<&str>| {
        let evidence = Evidence { until: until.map(at), ..Evidence::default() };
        InputKind::Subscribe { topic: topic.into(), channel, evidence }
    };
    let sms = Some(Channel::Sms);
    let (mut anon, mut ada) = (person(1), person(2));
    for kind in [
        subscribed("offers", None, Some("2026-06-01 10:00")),
        subscribed("events", None, None),
        InputKind::UnsubscribeVia { topic: None, channel: Channel::Push },
    ] {
        world.happens(&mut anon, "2026-03-01 11:00", kind);
    }
    for kind in [
        subscribed("offers", None, None),
        subscribed("offers", sms, None),
        InputKind::Unsubscribe { topic: Some("events".into()) },
        InputKind::UnsubscribeVia { topic: Some("offers".into()), channel: Channel::Webhook },
    ] {
        world.happens(&mut ada, "2026-03-01 12:00", kind);
    }
    world.join(anon, &mut ada, "2026-03-03 10:00");
    let (state, now) = (&ada.contact.state, at("2026-03-03 11:00"));
    let (offers, events) = (Some(&"offers".into()), Some(&"events".into()));
    assert!(!state.unsubscribed_from(offers, now) && state.consents_to("offers", Some(Channel::Email), now));
    assert!(state.consents_to("offers", sms, at("2026-07-01 10:00")), "only that for all channels ends");
    assert!(!state.consents_to("offers", Some(Channel::Email), at("2026-07-01 10:00")), "the earlier end counts");
    assert!(state.unsubscribed_from(events, now) && !state.consents_to("events", None, now));
    assert!(
        state.unsubscribed_via(offers, Channel::Push, now) && state.unsubscribed_via(offers, Channel::Webhook, now)
    );
    let lost: Vec<_> = state.ledger.iter().filter(|entry| entry.evidence.source == "alias c1").collect();
    assert!(lost.iter().all(|entry| entry.act == Act::Withdrawn && entry.at == at("2026-03-03 10:00")));
    assert!(lost.iter().any(|entry| entry.topic.as_deref() == Some("events")), "{:?}", state.ledger);
    assert!(state.ledger.is_sorted_by_key(|entry| entry.at));
    assert_eq!(state.ledger.iter().filter(|entry| entry.act == Act::Given).count(), 4, "nothing is lost of the proof");

    // Whoever wanted nothing at all wants nothing, and a run of the other one whose topic it was ends.
    let world = World::of("journey j { on tag lead  topic offers  wait 9d }");
    let (mut anon, mut ada) = (person(1), world.person(2, "2026-03-01 10:00", &[], &["lead"]));
    world.happens(&mut anon, "2026-03-01 11:00", InputKind::Unsubscribe { topic: None });
    world.happens(&mut ada, "2026-03-01 12:00", subscribed("offers", None, None));
    world.join(anon, &mut ada, "2026-03-03 10:00");
    assert!(ada.contact.state.unsubscribed_from(offers, now));
    assert_eq!(ended(&ada), [&EndReason::Unsubscribed]);
}

#[test]
fn whoever_is_erased_takes_the_aliases_along() {
    let world = World::of(NURTURE);
    let person = |id| world.person(id, "2026-03-01 10:00", &[("email", "a@b.example")], &["lead"]);
    let (mut two, mut three) = (person(2), person(3));
    world.join(person(1), &mut two, "2026-03-02 10:00");
    world.join(two, &mut three, "2026-03-03 10:00");
    let aliases: Vec<_> =
        three.contact.state.identities.aliases.iter().map(|a| (a.contact.0, a.messages, a.runs)).collect();
    assert_eq!(aliases, [(2, 1, 1), (1, 2, 2)]);
    let late = person(4);
    let out = world.happens(&mut three, "2026-03-04 10:00", InputKind::Delete);
    assert_eq!((out.erase, out.erased), (true, vec![ContactId(2), ContactId(1)]));
    let out = world.happens(&mut three, "2026-03-05 10:00", InputKind::Absorb { contact: Box::new(late.contact) });
    assert_eq!((out.erase, out.erased), (true, vec![ContactId(4)]));
    assert_eq!(three.contact.state.identities, Identities::default());
}

#[test]
fn a_contact_from_before_there_were_aliases_can_be_read() {
    let world = World::of(NURTURE);
    let person = world.person(1, "2026-03-01 10:00", &[("email", "a@b.example")], &["lead"]);
    let bytes = postcard::to_stdvec(&person.contact).unwrap();
    let none = postcard::to_stdvec(&Identities::default()).unwrap();
    let before = bytes.strip_suffix(none.as_slice()).unwrap();
    assert_eq!(postcard::from_bytes::<Contact>(before).unwrap(), person.contact);
    assert_eq!(postcard::from_bytes::<Contact>(&bytes).unwrap(), person.contact);
}
