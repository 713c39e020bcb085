use std::collections::BTreeMap;

use journey_bytecode::{Bundle, Channel, Format, Instant, Message, Policy, Purpose, StepIx, Value, Variant, Version};
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;
use crate::core::contact::ContactId;
use crate::core::effect::{MessageId, Outgoing};
use crate::render::{Content, Renderer};
use crate::track::{Keys, Links};

fn variant(format: Format, subject: &str, body: &str) -> Variant {
    Variant {
        language: None,
        subject: Some(subject.into()),
        preheader: None,
        format,
        body: body.into(),
        source: "messages/story.email.md".into(),
        layout: None,
        body_line: 4,
    }
}

fn bundle(sender: &str, variant: Variant) -> Bundle {
    Bundle {
        messages: vec![Message {
            name: "story".into(),
            channel: Channel::Email,
            purpose: None,
            topic: None,
            after_crash: None,
            variants: vec![variant],
            variables: Vec::new(),
        }],
        policy: Policy {
            sender: Some(sender.into()),
            address: Some("Moosbett GmbH, Teststr. 1, 53177 Bonn".into()),
            ..Policy::default()
        },
        ..Bundle::default()
    }
}

fn letter(bundle: &Bundle, to: &str, purpose: Purpose, name: &str) -> Result<Letter, String> {
    let keys = Keys::new(["0123456789abcdef"]).unwrap();
    let renderer = Renderer::new(bundle, Links::tracked("https://t.moosbett.example", keys).unwrap()).unwrap();
    let outgoing = Outgoing {
        errand: crate::core::effect::Errand::Message,
        id: MessageId { contact: ContactId(7), number: 3 },
        at: Instant(1_772_442_000_000),
        journey: "nurture".into(),
        version: Version([0; 16]),
        step: StepIx(0),
        channel: Channel::Email,
        message: "story".into(),
        to: to.into(),
        language: Some("de".into()),
        zone: "Europe/Berlin".into(),
        country: None,
        from: None,
        subject: None,
        purpose,
        topic: Some("offers".into()),
        after_crash: journey_bytecode::AfterCrash::Resend,
        data: Value::Record([("first_name".into(), Value::text(name))].into()),
    };
    let rendered = renderer.render(&outgoing).map_err(|error| error.to_string())?;
    match &rendered.content {
        Content::Mail(mail) => build(&rendered, mail),
        other => panic!("not a mail: {other:?}"),
    }
}

const SENDER: &str = "Moosbett <hello@moosbett.example>";

#[test]
fn a_marketing_mail() {
    let text = variant(
        Format::Markdown,
        "Hallo {{ first_name }}, schön",
        "# Hallo {{ first_name }}\n\n[Warum?](https://moosbett.example/preis)\n",
    );
    let letter = letter(&bundle(SENDER, text), "ada@example.com", Purpose::Marketing, "Ada").unwrap();
    insta::assert_snapshot!(letter.text.replace("\r\n", "\n"));
}

#[test]
fn a_transactional_mail() {
    let text = variant(Format::Text, "Your order", "Dear {{ first_name }},\n\n.your order is on its way.\n");
    let letter = letter(&bundle(SENDER, text), "ada@example.com", Purpose::Transactional, "Ada").unwrap();
    insta::assert_snapshot!(letter.text.replace("\r\n", "\n"));
}

#[test]
fn addresses() {
    let show = |text: &str| mailbox(text).map(|mailbox| mailbox.to_string());
    assert_eq!(show("hello@moosbett.example").as_deref(), Ok("hello@moosbett.example"));
    assert_eq!(show("Müller & Söhne, Bonn <a@b.example>").unwrap(), "\"Müller & Söhne, Bonn\" <a@b.example>");
    assert_eq!(show("\"Quoted\" <a@b.example>").unwrap(), "Quoted <a@b.example>");
    assert_eq!(show("<a@b.example>").unwrap(), "a@b.example");
    assert_eq!(show("a@müller.example").unwrap(), "a@xn--mller-kva.example");
    assert_eq!(show("journey@localhost").unwrap(), "journey@localhost");
    for bad in [
        "",
        "a",
        "@",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b.example\r\nBcc: x@y.example",
        "a@b@c d",
        "a>b@c.example,d@e.example",
    ] {
        assert!(mailbox(bad).is_err(), "{bad:?}: {:?}", show(bad));
    }
}

#[test]
fn far_dates_are_dates() {
    for at in [i64::MIN, -1, 0, i64::MAX] {
        let mail = Mail {
            from: SENDER.into(),
            subject: "s".into(),
            html: None,
            text: "t".into(),
            unsubscribe: None,
            return_path: None,
            message_id: "1.1.x@moosbett.example".into(),
        };
        let rendered = Rendered {
            id: MessageId { contact: ContactId(7), number: 3 },
            at: Instant(at),
            channel: Channel::Email,
            message: "story".into(),
            from: None,
            to: "ada@example.com".into(),
            callback: None,
            content: Content::Mail(mail.clone()),
        };
        let letter = build(&rendered, &mail).unwrap();
        assert!(MessageParser::default().parse(letter.text.as_bytes()).unwrap().date().is_some());
    }
}

/// What must hold of every mail, whatever its contact is called.
fn check(raw: &str) -> Result<(), TestCaseError> {
    prop_assert!(raw.is_ascii());
    let without_pairs = raw.replace("\r\n", "");
    prop_assert!(!without_pairs.contains(['\r', '\n']), "a bare line end");
    let (head, _) = raw.split_once("\r\n\r\n").unwrap();
    for line in raw.split("\r\n") {
        prop_assert!(line.len() <= 998, "a line of {} bytes", line.len());
    }
    for word in head.split([' ', '\r', '\n', '\t']).filter(|word| word.starts_with("=?")) {
        prop_assert!(word.len() <= 75, "an encoded word of {} bytes", word.len());
    }

    let message = MessageParser::default().parse(raw.as_bytes()).unwrap();
    let mut counts = BTreeMap::new();
    for header in message.headers() {
        *counts.entry(header.name().to_ascii_lowercase()).or_insert(0) += 1;
    }
    let expected = [
        "content-type",
        "date",
        "from",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ];
    prop_assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    prop_assert!(counts.values().all(|count| *count == 1), "{:?}", counts);

    for text in [message.subject(), message.from().unwrap().first().unwrap().name()].into_iter().flatten() {
        prop_assert!(!text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{:?}", text);
    }
    prop_assert_eq!(message.to().unwrap().as_list().unwrap().len(), 1);
    prop_assert_eq!(message.to().unwrap().first().unwrap().address(), Some("ada@example.com"));
    prop_assert_eq!(message.from().unwrap().first().unwrap().address(), Some("hello@moosbett.example"));
    prop_assert_eq!(message.message_id().map(|id| id.ends_with("@moosbett.example")), Some(true));

    prop_assert_eq!((message.text_body_count(), message.html_body_count(), message.attachment_count()), (1, 1, 0));
    for part in &message.parts {
        prop_assert!(!part.is_encoding_problem);
    }
    prop_assert!(message.root_part().content_type().unwrap().attribute("boundary").is_some());
    for body in [message.body_text(0).unwrap(), message.body_html(0).unwrap()] {
        prop_assert!(!body.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')), "{:?}", body);
    }
    Ok(())
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "\\PC{0,20}",
        Just("\r\nBcc: evil@evil.example\r\n\r\nbody".to_owned()),
        Just("=?utf-8?q?=0D=0ABcc:_x?=".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("\n.\n\r.\r".to_owned()),
        Just("\u{202e}\u{2066}שלום עולם".to_owned()),
        Just("👩‍👩‍👧‍👦🇩🇪".to_owned()),
        Just("\0\u{1}\u{7f}\u{85}\u{2028}\u{2029}".to_owned()),
        Just("e\u{301}\u{323}\u{300}".to_owned()),
        Just("<script>\"'&;--".to_owned()),
        Just("漢字".repeat(80)),
        Just("a".repeat(1_200)),
        Just("\",<x@y.example>,(comment)\\".to_owned()),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_name_breaks_a_mail(name in hostile(), sender in hostile(), format in prop_oneof![Just(Format::Html), Just(Format::Markdown)]) {
        let sender = format!("{sender} <hello@moosbett.example>");
        let text = variant(format, "For {{ first_name }}", "Dear {{ first_name }}, [x](https://x.example)\n.\n");
        let letter = letter(&bundle(&sender, text), "ada@example.com", Purpose::Marketing, &name).map_err(TestCaseError::fail)?;
        check(&letter.text)?;
    }

    #[test]
    fn the_subject_arrives(name in "[a-zA-Zäöüß€漢字👍 ]{1,60}") {
        let text = variant(Format::Markdown, "For {{ first_name }}", "x");
        let letter = letter(&bundle(SENDER, text), "ada@example.com", Purpose::Marketing, &name).map_err(TestCaseError::fail)?;
        let message = MessageParser::default().parse(letter.text.as_bytes()).unwrap();
        let expected = one_line(&format!("For {name}"));
        prop_assert_eq!(message.subject(), Some(expected.as_str()));
    }

    #[test]
    fn a_text_arrives(body in "([a-zé.=\r\n\t ]|\r\n|\n\\.\n|\n\\.\r\n){0,200}") {
        let text = variant(Format::Text, "s", "{{ first_name }}");
        let letter = letter(&bundle(SENDER, text), "ada@example.com", Purpose::Transactional, &body).map_err(TestCaseError::fail)?;
        let message = MessageParser::default().parse(letter.text.as_bytes()).unwrap();
        let got = message.body_text(0).unwrap().replace("\r\n", "\n");
        let expected = body.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(got.trim(), expected.trim());
    }
}
