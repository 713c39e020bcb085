use axum::http::HeaderValue;
use journey_bytecode::StatusKind;

use super::*;

fn secret(text: &str) -> Secret {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    Secret::file(&path).unwrap()
}

/// Words that are no wish.
fn plain(id: &str, from: &str, text: &str) -> Written {
    Written { id: id.into(), from: from.into(), text: text.into(), wish: Wish::Other, answered: false }
}

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
}

/// The worked example of https://www.twilio.com/docs/usage/security.
#[test]
fn twilio_signs_address_and_fields() {
    let body = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212";
    let form = read::form(body);
    let (key, url) = (secret("12345"), "https://example.com/myapp.php");
    let signed = |signature: &str, query, form: &[(String, String)]| {
        signature::twilio(&headers("x-twilio-signature", signature), &key, url, query, form)
    };
    assert!(signed("L/OH5YylLD5NRKLltdqwSvS0BnU=", Some("foo=1&bar=2"), &form));
    assert!(!signed("L/OH5YylLD5NRKLltdqwSvS0BnU=", Some("foo=1&bar=3"), &form));
    assert!(!signed("L/OH5YylLD5NRKLltdqwSvS0BnU=", None, &form));
    assert!(!signed("L/OH5YylLD5NRKLltdqwSvS0BnU=", Some("foo=1&bar=2"), &form[1..]));
    assert!(!signed("", Some("foo=1&bar=2"), &form));
}

#[test]
fn what_twilio_tells() {
    let read = |body: &str| read::twilio(&read::form(body.as_bytes()));
    let text = "MessageSid=SM1&From=%2B4915112345678&To=%2B4930&Body=Gerne+%26+bald+%F0%9F%91%8D";
    assert_eq!(read(text), Ok(plain("SM1", "+4915112345678", "Gerne & bald 👍")));
    assert_eq!(read("MessageSid=SM1&From=%2B4915112345678&Body=stop").unwrap().wish, Wish::Stop);
    let by_twilio = read("MessageSid=SM1&From=%2B4915112345678&Body=Ende&OptOutType=STOP").unwrap();
    assert_eq!((by_twilio.wish, by_twilio.answered), (Wish::Stop, true));
    assert_eq!(read("MessageSid=SM1&From=%2B4915112345678").unwrap().text, "", "a picture alone");
    let wrong = |body: &str| match read(body) {
        Err(NotTaken::Malformed(why)) => why,
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(wrong("From=%2B4915112345678&Body=x"), "it has no `MessageSid`");
    assert_eq!(wrong("MessageSid=SM1&Body=x"), "it has no `From`");
    assert_eq!(wrong("MessageSid=SM1&From=12345&Body=x"), "`From` is not an international phone number");
    assert_eq!(wrong("MessageSid=%00&From=%2B4915112345678&Body=x"), "`MessageSid` is not an id");
    let long = format!("MessageSid=1&From=%2B4915112345678&Body={}", "x".repeat(100_000));
    assert!(wrong(&long).starts_with("`Body` is longer than"), "{}", wrong(&long));
    for body in ["", "&&&", "=", "%", "%zz=%zz&\u{0}", "From", "\u{feff}"] {
        wrong(body);
    }
}

#[test]
fn others_sign_the_body() {
    let body = br#"{"data": {"from": "+49 151 12345678", "words": "STOP", "no": 7}}"#;
    let fields = Fields { id: "data.no".into(), from: "data.from".into(), text: "data.words".into() };
    let header = HeaderName::from_static("x-signature");
    let hook = Hook::Described { secret: secret("a key"), header, fields };
    let hex = "9ec1ba9c8fcb2ed4d3d94d2ee3dd8ea7d7e6ef3f9e8d9ee4b6a1a2f8c3e7f3a1";
    let read = |signature: &str, body: &[u8]| hook.read(&headers("x-signature", signature), None, body, 0);
    assert_eq!(read(hex, body), Err(NotTaken::Forged));
    assert_eq!(hook.read(&HeaderMap::new(), None, body, 0), Err(NotTaken::Forged));
    let ours = hmac_of("a key", body);
    let told = read(&ours, body).unwrap();
    let [Told::Wrote(written)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((written.id.as_str(), written.from.as_str(), written.wish), ("7", "+4915112345678", Wish::Stop));
    assert_eq!(read(&format!("sha256={}", ours.to_uppercase()), body).as_ref(), Ok(&told));
    assert_eq!(read(&ours, b"{}"), Err(NotTaken::Forged));
    for body in ["[]", "7", "{}", "", r#"{"data": []}"#, "data.from=%2B49151"] {
        assert!(
            matches!(read(&hmac_of("a key", body.as_bytes()), body.as_bytes()), Err(NotTaken::Malformed(_))),
            "{body}"
        );
    }
    let form = "data.no=7&data.from=%2B4915112345678&data.words=hi";
    assert!(read(&hmac_of("a key", form.as_bytes()), form.as_bytes()).is_ok());
}

fn hmac_of(key: &str, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_meta_tells() {
    let hook = Hook::WhatsApp { secret: secret("app"), verify: secret("shown"), phone_id: "1055".into() };
    let read = |body: &str| {
        hook.read(
            &headers("x-hub-signature-256", &format!("sha256={}", hmac_of("app", body.as_bytes()))),
            None,
            body.as_bytes(),
            0,
        )
    };
    let of = |number: &str| {
        format!(
            r#"{{"object": "whatsapp_business_account", "entry": [{{"id": "1", "changes": [{{"field": "messages", "value": {{
                "messaging_product": "whatsapp", "metadata": {{"display_phone_number": "1", "phone_number_id": "{number}"}},
                "messages": [
                    {{"from": "4915112345678", "id": "wamid.1", "timestamp": "1", "type": "text", "text": {{"body": "Hallo"}}}},
                    {{"from": "4915112345678", "id": "wamid.2", "type": "button", "button": {{"text": "Stop"}}}},
                    {{"from": "4915112345678", "id": "wamid.3", "type": "image", "image": {{}}}}],
                "statuses": [
                    {{"id": "wamid.0", "status": "sent", "biz_opaque_callback_data": "https://t.example/t/r/x"}},
                    {{"id": "wamid.0", "status": "read", "biz_opaque_callback_data": "https://t.example/t/r/x"}},
                    {{"id": "wamid.0", "status": "read"}},
                    {{"id": "wamid.0", "status": "failed", "errors": [{{"code": 131026}}], "biz_opaque_callback_data": "y"}}]
            }}}}]}}]}}"#
        )
    };
    let told = read(&of("1055")).unwrap();
    let report = |callback: &str, reported| Told::Report { callback: callback.into(), reported };
    assert_eq!(
        told,
        [
            Told::Wrote(plain("wamid.1", "+4915112345678", "Hallo")),
            Told::Wrote(Written { wish: Wish::Stop, ..plain("wamid.2", "+4915112345678", "Stop") }),
            Told::Wrote(plain("wamid.3", "+4915112345678", "")),
            report("https://t.example/t/r/x", Reported::Status(StatusKind::Opened)),
            report("y", Reported::Dead),
        ]
    );
    assert_eq!(read(&of("2066")), Ok(vec![]), "another number of the same app");
    assert_eq!(read("{}"), Ok(vec![]));
    assert!(matches!(read("nonsense"), Err(NotTaken::Malformed(_))));
    assert_eq!(hook.read(&HeaderMap::new(), None, b"{}", 0), Err(NotTaken::Forged));

    let asked = |query| hook.challenge(Some(query));
    assert_eq!(asked("hub.mode=subscribe&hub.verify_token=shown&hub.challenge=42").as_deref(), Some("42"));
    assert_eq!(asked("hub.mode=subscribe&hub.verify_token=other&hub.challenge=42"), None);
    assert_eq!(asked("hub.mode=other&hub.verify_token=shown&hub.challenge=42"), None);
    assert_eq!(hook.challenge(None), None);
}
