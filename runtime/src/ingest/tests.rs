use journey_bytecode::{Bundle, Channel, Event, Field, Message, Number, Schema, Topic};
use serde_json::json;

use super::*;
use crate::core::input::Input;

const NOW: Instant = Instant(1_772_442_000_000); // 2026-03-02T09:00:00Z

fn schema() -> Schema {
    let attribute = |name: &str, ty: Type, optional: bool, default: Option<Value>| Attribute {
        name: name.into(),
        ty,
        optional,
        default,
    };
    let field = |name: &str, ty: Type, optional: bool| Field { name: name.into(), ty, optional };
    let plan = Type::Enum(["free".into(), "pro".into()].into());
    Schema {
        attributes: vec![
            attribute("email", Type::Email, false, None),
            attribute("first_name", Type::Text, true, None),
            attribute("plan", plan, false, Some(Value::text("free"))),
            attribute("visits", Type::Number, false, Some(Value::int(0))),
            attribute("interests", Type::List(Type::Text.into()), true, None),
        ],
        tags: vec!["lead".into(), "mattress_lead".into()],
        events: vec![Event {
            name: "purchase".into(),
            fields: vec![
                field("amount", Type::Money, false),
                field("items", Type::List(Type::Text.into()), false),
                field("voucher", Type::Text, true),
            ],
        }],
        topics: vec![Topic { name: "offers".into(), title: "Offers".into() }],
        funnels: Vec::new(),
        vouchers: Vec::new(),
        open: false,
    }
}

fn gate_of(schema: Schema) -> Gate {
    let message = Message {
        name: "brand_story".into(),
        channel: Channel::Email,
        purpose: None,
        topic: None,
        after_crash: None,
        variants: vec![],
        variables: vec![],
    };
    let bundle = Bundle { default_zone: "Europe/Berlin".into(), schema, messages: vec![message], ..Bundle::default() };
    Gate::new(Arc::new(Linked::new(bundle, []).unwrap()))
}

fn gate() -> Gate {
    gate_of(schema())
}

fn open() -> Gate {
    gate_of(Schema { open: true, ..Schema::default() })
}

#[test]
fn contacts() {
    let json = json!({"id": "ada", "attributes": {"email": "ada@x.example", "visits": 2.5, "first_name": null},
        "tags": ["lead"], "remove_tags": ["mattress_lead"]});
    let input = gate().contact(&json, NOW).unwrap();
    assert_eq!(input.contact, Whose::Key("ada".into()));
    assert!(input.creates);
    assert_eq!(
        input.kind,
        InputKind::Upsert {
            attributes: vec![
                ("email".into(), Value::text("ada@x.example")),
                ("visits".into(), Value::Number(Number(2_500_000))),
                ("first_name".into(), Value::Unset),
            ],
            add_tags: vec!["lead".into()],
            remove_tags: vec!["mattress_lead".into()],
        }
    );
    assert!(!gate().contact(&json!({"id": 17, "tags": ["lead"]}), NOW).unwrap().creates, "it has no email");
}

#[test]
fn events() {
    let json = json!({"id": "e1", "contact": "ada", "at": "2026-03-02T08:00:00+01:00", "event": "purchase",
        "data": {"items": ["a"], "amount": "120 EUR"}});
    let input = gate().event(&json, NOW).unwrap();
    assert_eq!((input.id.as_deref(), input.at), (Some("e1"), Instant(NOW.0 - 2 * 3_600_000)));
    assert!(!input.creates);
    let InputKind::Event { name, payload } = input.kind else { panic!("{:?}", input.kind) };
    assert_eq!(name, "purchase");
    assert_eq!(crate::time::show_value(&payload, crate::time::Zone::UTC), "amount: 120 EUR, items: a");
    let kind = |json: Json| gate().event(&json, NOW).unwrap().kind;
    insta::assert_debug_snapshot!([
        kind(json!({"contact": "ada", "tag": "lead"})),
        kind(json!({"contact": "ada", "untag": "lead"})),
        kind(json!({"contact": "ada", "set": {"plan": "pro", "first_name": null}})),
        kind(json!({"contact": "ada", "opened": "brand_story"})),
        kind(json!({"contact": "ada", "clicked": "brand_story", "link": "pricing"})),
        kind(json!({"contact": "ada", "subscribed": "offers", "channel": "sms"})),
        kind(json!({"contact": "ada", "unsubscribed": "offers"})),
        kind(json!({"contact": "ada", "unsubscribed": true})),
    ]);
}

#[test]
fn moments() {
    let at = |at: &str| gate().event(&json!({"contact": "ada", "at": at, "tag": "lead"}), NOW).map(|input| input.at);
    assert_eq!(at("2026-03-02 10:00"), Ok(NOW), "the project's zone");
    assert_eq!(at("2026-03-02T09:04:00Z"), Ok(NOW), "a clock that is ahead");
    assert_eq!(at("2020-03-02T09:04:00Z").map(|at| at < NOW), Ok(true));
    assert_eq!(at("2026-03-02T09:06:00Z").unwrap_err().field.as_deref(), Some("at"));
    assert_eq!(gate().event(&json!({"contact": "ada", "tag": "lead"}), NOW).unwrap().at, NOW);
}

#[test]
fn the_same_body_has_the_same_fingerprint() {
    let print = |json: Json, now| gate().event(&json, now).unwrap().fingerprint;
    let tag = json!({"id": "1", "contact": "ada", "tag": "lead"});
    assert_eq!(print(tag.clone(), NOW), print(tag.clone(), Instant(NOW.0 + 1)), "sent again later");
    let other = json!({"id": "1", "contact": "ada", "tag": "mattress_lead"});
    assert_ne!(print(tag.clone(), NOW), print(other, NOW));
    let at = json!({"id": "1", "contact": "ada", "tag": "lead", "at": "2026-03-01 10:00"});
    assert_ne!(print(tag, NOW), print(at, NOW));
}

#[test]
fn what_is_wrong_is_said() {
    let contacts = [
        json!([]),
        json!({"attributes": {}}),
        json!({"id": ""}),
        json!({"id": "a\nb"}),
        json!({"id": "erased:5"}),
        json!({"id": "ada", "atributes": {}}),
        json!({"id": "ada", "attributes": []}),
        json!({"id": "ada", "attributes": {"emial": "x"}}),
        json!({"id": "ada", "attributes": {"email": "not an address"}}),
        json!({"id": "ada", "attributes": {"email": null}}),
        json!({"id": "ada", "attributes": {"plan": "prro"}}),
        json!({"id": "ada", "attributes": {"visits": "2"}}),
        json!({"id": "ada", "attributes": {"interests": ["a", 2]}}),
        json!({"id": "ada", "tags": "lead"}),
        json!({"id": "ada", "tags": ["leda"]}),
    ];
    let events = [
        json!("purchase"),
        json!({"contact": "ada"}),
        json!({"contact": "ada", "event": "purchase", "tag": "lead"}),
        json!({"event": "purchase"}),
        json!({"contact": "ada", "event": "purchse"}),
        json!({"contact": "ada", "event": "opened"}),
        json!({"contact": "ada", "event": "purchase"}),
        json!({"contact": "ada", "event": "purchase", "data": []}),
        json!({"contact": "ada", "event": "purchase", "data": {"amount": 120, "items": []}}),
        json!({"contact": "ada", "event": "purchase", "data": {"amount": "120 EUR", "items": [], "vaucher": "x"}}),
        json!({"contact": "ada", "tag": "unheard_of_thing"}),
        json!({"contact": "ada", "set": {"plan": 1}}),
        json!({"contact": "ada", "opened": "brand_stroy"}),
        json!({"contact": "ada", "opened": "brand_story", "link": "x"}),
        json!({"contact": "ada", "unsubscribed": false}),
        json!({"contact": "ada", "subscribed": "offers", "channel": "fax"}),
        json!({"contact": "ada", "unsubscribed": "offer"}),
        json!({"contact": "ada", "at": "yesterday", "tag": "lead"}),
        json!({"contact": "ada", "alias": "ada"}),
        json!({"contact": "ada", "alias": ["web-1"]}),
    ];
    let refused = |json: &Json, result: Result<NewInput, Refused>| format!("{json}\n    {}\n", result.unwrap_err());
    let mut all: String = contacts.iter().map(|json| refused(json, gate().contact(json, NOW))).collect();
    all.extend(events.iter().map(|json| refused(json, gate().event(json, NOW))));
    let nobody = gate().event(&json!({"contact": "ada", "tag": "lead"}), NOW).unwrap();
    all.push_str(&format!("{}\n", gate().unknown_contact(&nobody)));
    let alias = gate().event(&json!({"contact": "ada", "alias": "web-1"}), NOW).unwrap();
    all.push_str(&format!("{}\n", gate().not_taken(&alias, &Acceptance::AliasTaken).unwrap()));
    insta::assert_snapshot!(all);
}

#[test]
fn a_lone_file_takes_what_comes() {
    let input = open().contact(&json!({"id": "ada", "attributes": {"x": [1, "a"]}, "tags": ["anything"]}), NOW);
    assert!(input.unwrap().creates);
    let input =
        open().event(&json!({"contact": "ada", "event": "bought", "data": {"n": 1, "deep": {"er": true}}}), NOW);
    assert!(input.unwrap().creates);
    assert!(open().event(&json!({"contact": "ada", "event": "opened"}), NOW).is_err());
}

#[test]
fn contacts_from_csv() {
    let text = "\u{feff}id, email ,first_name,visits,interests,tags\n\
                ada,ada@x.example,Ada,3,a; b,lead;mattress_lead\n\
                bob,bob@x.example,,,,\n\
                \"c,y\",nobody,,,,\n\
                dee,dee@x.example\n\
                ,e@x.example,,,,\n\
                fay,fay@x.example,,many,,\n\
                gus,gus@x.example,,,,leed\n";
    let gate = gate();
    let rows: String = CsvReader::new(&gate, text.as_bytes(), NOW)
        .unwrap()
        .map(|row| match row.unwrap() {
            (line, Ok(input)) => format!("{line}: {:?} {:?}\n", input.contact, input.kind),
            (line, Err(error)) => format!("{line}: {error}\n"),
        })
        .collect();
    insta::assert_snapshot!(rows);
    let refused = |text: &str| CsvReader::new(&gate, text.as_bytes(), NOW).err().unwrap().to_string();
    insta::assert_snapshot!(
        [refused("id,emial\n"), refused("email\n"), refused(""), refused("id,email,id\n")].join("\n")
    );
    let aliases = "id,email,aliases\nada,ada@x.example,web-1; web-2\nbob,bob@x.example,\ncy,cy@x.example,cy\n";
    let rows: Vec<_> = CsvReader::new(&gate, aliases.as_bytes(), NOW)
        .unwrap()
        .map(|row| match row.unwrap() {
            (line, Ok(NewInput { kind: InputKind::Alias { key }, .. })) => format!("{line} {key}"),
            (line, Ok(_)) => line.to_string(),
            (line, Err(error)) => format!("{line} {error}"),
        })
        .collect();
    let itself = "4 aliases: it is the id of the contact itself; an alias is another id of the same person";
    assert_eq!(rows, ["2", "2 web-1", "2 web-2", "3", itself]);
    let latin = b"id,email\n\xe4,a@x.example\nada,ada@x.example\n";
    let rows: Vec<_> =
        CsvReader::new(&gate, latin.as_slice(), NOW).unwrap().map(|row| row.unwrap().1.is_ok()).collect();
    assert_eq!(rows, [false, true]);
}

#[test]
fn what_is_recorded_reads_back() {
    let at = Instant(NOW.0 - 90_061_001);
    let lines = [
        json!({"id": "ada", "at": "2026-03-01 08:00", "attributes": {"email": "ada@x.example", "first_name": null},
            "tags": ["lead"], "remove_tags": ["mattress_lead"]}),
        json!({"contact": "ada", "event": "purchase", "data": {"amount": "20 EUR", "items": ["a"]}}),
        json!({"contact": "ada", "clicked": "brand_story", "link": "https://x.example/"}),
        json!({"contact": "ada", "opened": "brand_story"}),
        json!({"contact": "ada", "bounced": "brand_story"}),
        json!({"contact": "ada", "alias": "web-1"}),
        json!({"contact": "ada", "subscribed": "offers", "channel": "email", "basis": "express", "until": "2027-01-01 00:00"}),
        json!({"contact": "ada", "subscribed": "offers"}),
        json!({"contact": "ada", "unsubscribed": "offers", "channel": "sms"}),
        json!({"contact": "ada", "unsubscribed": true}),
        json!({"contact": "ada", "message": "STOP", "channel": "sms"}),
    ];
    let gate = gate();
    for json in lines {
        let read = gate.recorded(&json, at).unwrap_or_else(|error| panic!("{json}: {error}"));
        let input = Input { seq: 1, at: read.at, kind: read.kind.clone() };
        let written = line("ada", &input, &Numbers::default()).unwrap_or_else(|| panic!("{json} is left out"));
        let again = gate.recorded(&written, NOW).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!((again.contact, again.at, again.kind), (read.contact, read.at, read.kind), "{written}");
    }
}

#[test]
fn a_line_goes_without_what_it_names_beside_others() {
    let mut json =
        json!({"id": "ada", "attributes": {"email": "ada@x.example", "town": "Bonn"}, "tags": ["lead", "old"]});
    let unknown: Vec<Part> = parts(&json).into_iter().filter(|part| !gate().knows(part)).collect();
    assert_eq!(unknown, [Part::Attribute("town".into()), Part::Tag("old".into())]);
    assert!(gate().recorded(&json, NOW).is_err());
    unknown.iter().for_each(|part| without(&mut json, part));
    assert!(gate().recorded(&json, NOW).is_ok(), "{json}");
    let event = json!({"contact": "ada", "event": "purchase", "data": {"amount": "20 EUR", "items": [], "shop": "a"}});
    let unknown: Vec<String> =
        parts(&event).iter().filter(|part| !gate().knows(part)).map(ToString::to_string).collect();
    assert_eq!(unknown, ["the field `shop` of event `purchase`"]);
    assert!(parts(&json!({"contact": "ada", "event": "gone", "data": {"a": 1}})).iter().all(|part| gate().knows(part)));
    let early = json!({"id": "ada", "at": "2026-04-02 10:00", "attributes": {"email": "ada@x.example"}});
    assert!(gate().contact(&early, NOW).unwrap_err().to_string().contains("lies in the future"));
}
