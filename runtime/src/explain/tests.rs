use serde_json::json;

use super::*;
use crate::ingest::Gate;
use crate::sim::{self, Scenario, Until};
use crate::store::{MemoryStore, Store};
use crate::testing::{Recorder, linked};

#[tokio::test]
async fn what_happened_is_told_with_its_reasons() {
    let (linked, gate) = (linked(), Gate::new(linked()));
    let contact = |json| gate.contact(&json, Instant::NEVER).unwrap();
    let event = |json| gate.event(&json, Instant::NEVER).unwrap();
    let scenario = Scenario {
        contacts: vec![
            contact(json!({"id": "ada", "attributes": {"email": "ada@x.example", "zone": "Europe/Lisbon"}})),
            contact(json!({"id": "bob", "attributes": {"email": "bob@x.example", "first_name": "Bob"}})),
            contact(json!({"id": "cy", "attributes": {"email": "cy@x.example"}})),
        ],
        events: vec![
            event(json!({"contact": "ada", "at": "2026-03-02 10:00", "tag": "lead"})),
            event(json!({"contact": "ada", "at": "2026-03-03 11:00", "opened": "story"})),
            event(json!({"contact": "bob", "at": "2026-03-02 10:00", "tag": "lead"})),
            event(json!({"contact": "ada", "at": "2026-03-03 12:00", "untag": "lead"})),
            event(json!({"contact": "ada", "at": "2026-03-03 12:01", "tag": "lead"})),
            event(json!({"contact": "ada", "at": "2026-03-03 13:00", "unsubscribed": true})),
        ],
        until: Some(Until::Moment(crate::time::Zone::UTC.read("2026-03-06 12:00").unwrap())),
        ..Scenario::default()
    };
    let store = MemoryStore::default();
    let report = sim::run(&store, &linked, &Recorder::new().outlet(), scenario).await.unwrap();
    assert_eq!((report.refused_contacts, report.refused_events), (vec![], vec![]));
    let mut all = Vec::new();
    for key in ["ada", "bob", "cy"] {
        let contact = store.contact(key).await.unwrap().unwrap();
        let (trace, deliveries) = (store.trace(contact.id).await.unwrap(), store.deliveries(contact.id).await.unwrap());
        let known = Known { contact: &contact, trace: &trace, deliveries: &deliveries };
        all.push(explain(&linked, &known, None));
        assert!(explain(&linked, &known, Some("nothing")).journeys.is_empty());
    }
    insta::assert_json_snapshot!(all);
}
