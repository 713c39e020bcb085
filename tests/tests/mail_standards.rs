//! Mails as others read them: Python's parser finds nothing wrong in them, whatever contacts are called, and dkimpy verifies
//! their signatures. `JOURNEY_MAILS=10000` makes it more than the sample that every run takes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use journey_bytecode::{
    AfterCrash, Bundle, Channel, Format, Instant, Message, Policy, Purpose, StepIx, Value, Variant, Version,
};
use journey_runtime::core::contact::ContactId;
use journey_runtime::core::effect::{Errand, MessageId, Outgoing};
use journey_runtime::render::{Rendered, Renderer};
use journey_runtime::send::{Dkim, Secret, SmtpSettings, SmtpTransport, Transport, Verdict};
use journey_runtime::track::{Keys, Links};
use journey_tests::foreign::python_with;
use journey_tests::sink::Sink;

const DOMAIN: &str = "moosbett.example";

/// Pieces of names that people, and attackers, have.
const PIECES: &[&str] = &[
    "Ada",
    "Zoë",
    "Łukasz",
    "李小龍",
    "محمد",
    "\u{202e}evil",
    "👩🏽‍💻",
    "e\u{301}",
    "\r\nBcc: x@evil.example",
    "\nX-Evil: 1",
    "\0",
    "\u{7f}",
    "\u{2028}",
    "=?utf-8?q?=0d=0aBcc:_x?=",
    "<script>",
    "\"quoted\"",
    "\\",
    ".",
    "\r\n.\r\n",
    "From ",
    "a, b",
    "(remark)",
    "\t",
    "\u{feff}",
    "ﬁ",
    "%0d%0a",
    "{{ 7 * 7 }}",
    "x@y",
    "'",
    "&amp;",
];

fn name(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let pieces: String = (0..=next() % 6).map(|_| PIECES[(next() % PIECES.len() as u64) as usize]).collect();
    if seed % 50 == 49 { pieces.repeat(40) } else { pieces }
}

fn mails(count: u64) -> Vec<Rendered> {
    let variant = Variant {
        language: None,
        subject: Some("Hallo {{ first_name }}, schön!".into()),
        preheader: Some("Für {{ first_name }}".into()),
        format: Format::Markdown,
        body: "# Hallo {{ first_name }}\n\n{{ first_name }}\n\n[Warum?](https://moosbett.example/preis)\n".into(),
        layout: None,
        source: "messages/story.email.md".into(),
        body_line: 4,
    };
    let message = Message {
        name: "story".into(),
        channel: Channel::Email,
        purpose: None,
        topic: None,
        after_crash: None,
        variants: vec![variant],
        variables: Vec::new(),
    };
    let bundle = Bundle {
        messages: vec![message],
        policy: Policy {
            sender: Some(format!("Moosbett & Söhne <hello@{DOMAIN}>")),
            address: Some("Moosbett GmbH, Teststr. 1, 53177 Bonn".into()),
            ..Policy::default()
        },
        ..Bundle::default()
    };
    let links = Links::tracked("https://t.moosbett.example", Keys::new(["0123456789abcdef"]).unwrap()).unwrap();
    let renderer = Renderer::new(&bundle, links).unwrap();
    let outgoing = |number: u64| Outgoing {
        id: MessageId { contact: ContactId(number as i64), number: 1 },
        at: Instant(1_772_442_000_000),
        journey: "nurture".into(),
        version: Version([0; 16]),
        step: StepIx(0),
        channel: Channel::Email,
        message: "story".into(),
        to: format!("contact{number}@example.com").into(),
        language: Some("de".into()),
        zone: "Europe/Berlin".into(),
        country: None,
        from: None,
        subject: None,
        purpose: Purpose::Marketing,
        topic: Some("offers".into()),
        after_crash: AfterCrash::Resend,
        data: Value::Record([("first_name".into(), Value::text(name(number)))].into()),
        errand: Errand::Message,
    };
    (0..count).map(|number| renderer.render(&outgoing(number)).unwrap()).collect()
}

fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_them_and_dkimpy_verifies_them() {
    let Some(python) = python_with("dkim, nacl") else { return };
    let count: u64 = std::env::var("JOURNEY_MAILS").map_or(200, |count| count.parse().unwrap());
    let dkim = Dkim::new(DOMAIN).unwrap();
    let dkim = dkim.with_key("rsa", &Secret::document(&key("rsa.pem")).unwrap()).unwrap();
    let dkim = dkim.with_key("ed", &Secret::document(&key("ed25519.pem")).unwrap()).unwrap();
    let records: serde_json::Map<_, _> = (dkim.public_keys())
        .map(|(selector, key)| (format!("{selector}._domainkey.{DOMAIN}"), key.record().into()))
        .collect();

    let sink = Sink::accepting();
    let settings = SmtpSettings::parse(&format!("smtp://{}", sink.address)).unwrap().with_dkim(dkim);
    let transport = SmtpTransport::new(settings).unwrap();
    for batch in mails(count).chunks(100) {
        for verdict in transport.deliver(batch).await {
            assert!(matches!(verdict, Verdict::Delivered { .. }), "{verdict:?}");
        }
    }

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("records.json"), serde_json::to_string(&records).unwrap()).unwrap();
    for (place, mail) in sink.accepted().iter().enumerate() {
        std::fs::write(folder.path().join(format!("{place:06}.eml")), &mail.data).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail_standards.py");
    let said = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("read {count}\n"), "{errors}");
}
