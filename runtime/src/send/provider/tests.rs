use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use journey_bytecode::{Channel, Instant};
use serde_json::{Value, json};
use web_push_native::p256::ecdsa::signature::Verifier;
use web_push_native::p256::ecdsa::{Signature, VerifyingKey};
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::{PublicKey, SecretKey};
use web_push_native::{Auth, decrypt};

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::render::Content;
use crate::send::{Secret, signing};

fn secret(text: &str) -> Secret {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    Secret::document(&path).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

fn message(channel: Channel, to: &str, content: Content) -> Rendered {
    Rendered {
        id: MessageId { contact: ContactId(7), number: 3 },
        at: Instant(1_772_442_000_000),
        channel,
        message: "nudge".into(),
        to: to.into(),
        from: None,
        callback: Some("https://t.example/t/r/TOKEN".to_owned()),
        content,
    }
}

fn text(to: &str, says: &str) -> Rendered {
    message(Channel::Sms, to, Content::Text(says.to_owned()))
}

#[derive(Clone, Debug)]
struct Asked {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

type Answers = fn(&str) -> (u16, &'static str);

type Fits = fn(&Verdict) -> bool;

#[derive(Clone)]
struct Peer {
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Answers,
}

/// A provider on this machine, and what it was asked.
async fn peer(answers: Answers) -> (String, Peer) {
    let peer = Peer { asked: Arc::default(), answers };
    let take = async |State(peer): State<Peer>, uri: Uri, headers: HeaderMap, body: Bytes| {
        let (status, answer) = (peer.answers)(uri.path());
        peer.asked.lock().unwrap().push(Asked { path: uri.path().to_owned(), headers, body });
        (StatusCode::from_u16(status).unwrap(), answer)
    };
    let router = Router::new().fallback(take).with_state(peer.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, peer)
}

impl Peer {
    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn client() -> HttpClient {
    HttpClient::new(true).unwrap()
}

async fn deliver<P: Provider>(provider: P, rendered: Rendered) -> Verdict {
    ProviderTransport::new(client(), provider).deliver(&[rendered]).await.pop().unwrap()
}

#[tokio::test]
async fn twilio_gets_a_form_with_a_login_and_where_to_report() {
    let (url, peer) = peer(|_| (201, r#"{"sid": "SM1", "status": "queued"}"#)).await;
    let twilio = || Described::twilio(Some(&url), "AC7", secret("token"), "+4930123");
    let verdict = deliver(twilio(), text("+4915112345678", "Hallo & tschüß {from} 50 %")).await;
    assert_eq!(verdict, Verdict::Delivered { response: "201 Created: SM1".into() });
    let asked = &peer.asked()[0];
    assert_eq!(asked.path, "/2010-04-01/Accounts/AC7/Messages.json");
    assert_eq!(asked.header("authorization"), "Basic QUM3OnRva2Vu");
    assert_eq!(asked.header("idempotency-key"), "7.3");
    let body = String::from_utf8(asked.body.to_vec()).unwrap();
    assert_eq!(
        body,
        "To=%2B4915112345678&From=%2B4930123&Body=Hallo%20%26%20tsch%C3%BC%C3%9F%20%7Bfrom%7D%2050%20%25&\
         StatusCallback=https%3A%2F%2Ft%2Eexample%2Ft%2Fr%2FTOKEN",
        "what a message says is never filled in again"
    );
    let without = Rendered { callback: None, ..text("+49151", "x") };
    deliver(Described::twilio(Some(&url), "AC7", secret("token"), "MG9"), without).await;
    assert_eq!(peer.asked()[0].body, "To=%2B49151&MessagingServiceSid=MG9&Body=x");
}

#[tokio::test]
async fn what_a_provider_answers_is_understood() {
    let twilio = |url: &str| Described::twilio(Some(url), "AC7", secret("token"), "+4930123");
    let cases: [(Answers, Fits); 5] = [
        (
            |_| (400, r#"{"code": 21211, "message": "invalid"}"#),
            |verdict| matches!(verdict, Verdict::Failed { cause } if cause.starts_with("400 5.1.1 ") && cause.ends_with("error 21211")),
        ),
        (
            |_| (400, r#"{"code": 21610, "message": "unsubscribed"}"#),
            |verdict| matches!(verdict, Verdict::Failed { cause } if cause.contains("21610") && !cause.contains("5.1.1")),
        ),
        (
            |_| (429, "slow down"),
            |verdict| matches!(verdict, Verdict::Retry { cause, .. } if cause.contains("slow down")),
        ),
        (|_| (503, ""), |verdict| matches!(verdict, Verdict::Retry { .. })),
        (|_| (200, "<html>"), |verdict| matches!(verdict, Verdict::Delivered { .. })),
    ];
    for (answers, fits) in cases {
        let (url, _peer) = peer(answers).await;
        let verdict = deliver(twilio(&url), text("+49151", "x")).await;
        assert!(fits(&verdict), "{verdict:?}");
    }
    let mail = message(Channel::Sms, "+49151", Content::Json("{}".to_owned()));
    let verdict = deliver(twilio("http://127.0.0.1:9"), mail).await;
    assert!(matches!(&verdict, Verdict::Failed { cause } if cause.contains("text alone")), "{verdict:?}");
}

#[tokio::test]
async fn a_description_is_filled_in_and_nothing_else() {
    let (url, peer) = peer(|_| (202, "")).await;
    let body =
        json!({ "recipients": ["{to}"], "text": "{from}: {text}", "ttl": 60, "x": "{unknown} {", "ref": "{id}" });
    let headers = vec![("X-Key".to_owned(), "key {secret}".to_owned())];
    let mut described = Described::new(format!("{url}/send/{{to}}"), Body::Json(body));
    described.from = Some("Moosbett".to_owned());
    described.secret = Some(secret("canary"));
    described.headers = headers;
    let all = journey_bytecode::PLACEHOLDERS.map(|name| format!("{{{name}}}")).concat();
    assert!(!described.fill(&all, &text("49151", "x"), "7.3", "x").contains('{'), "each is filled in");
    assert!(!format!("{described:?}").contains("canary"));
    let verdict = deliver(described, text("49151", "\"quoted\"\n{secret}")).await;
    assert_eq!(verdict, Verdict::Delivered { response: "202 Accepted".into() });
    let asked = &peer.asked()[0];
    assert_eq!((asked.path.as_str(), asked.header("x-key")), ("/send/49151", "key canary"));
    let expected = json!({
        "recipients": ["49151"], "text": "Moosbett: \"quoted\"\n{secret}", "ttl": 60, "x": "{unknown} {", "ref": "7.3"
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn whatsapp_gets_texts_and_templates() {
    let (url, peer) = peer(|_| (200, r#"{"messages": [{"id": "wamid.1"}]}"#)).await;
    let whatsapp = || Described::whatsapp(Some(&url), "1055", secret("token"));
    let verdict = deliver(whatsapp(), message(Channel::WhatsApp, "+49151", Content::Text("Hi".into()))).await;
    assert_eq!(verdict, Verdict::Delivered { response: "200 OK: wamid.1".into() });
    let template = r#"{"type": "template", "template": {"name": "welcome", "language": {"code": "de"}}}"#;
    deliver(whatsapp(), message(Channel::WhatsApp, "+49151", Content::Json(template.into()))).await;
    let asked = peer.asked();
    assert_eq!(asked[0].path, "/1055/messages");
    assert_eq!(asked[0].header("authorization"), "Bearer token");
    insta::assert_snapshot!(format!("{:#}\n{:#}", asked[0].json(), asked[1].json()));
    for (answer, later) in [
        ((|_| (400, r#"{"error": {"code": 130429, "message": "rate"}}"#)) as Answers, true),
        (|_| (400, r#"{"error": {"code": 131026, "message": "undeliverable"}}"#), false),
    ] {
        let (url, _peer) = self::peer(answer).await;
        let whatsapp = Described::whatsapp(Some(&url), "1055", secret("token"));
        let verdict = deliver(whatsapp, message(Channel::WhatsApp, "+49151", Content::Text("Hi".into()))).await;
        assert_eq!(matches!(verdict, Verdict::Retry { .. }), later, "{verdict:?}");
        assert_eq!(matches!(&verdict, Verdict::Failed { cause } if cause.starts_with("400 5.1.1")), !later);
    }
}

#[tokio::test]
async fn webhooks_are_signed_over_what_they_say() {
    let (url, peer) = peer(|_| (204, "")).await;
    let key = secret("a key for webhooks");
    let rendered = message(Channel::Webhook, "", Content::Json(r#"{"segment": "a"}"#.into()));
    let verdict = deliver(Webhook::new(url, Some(key.clone()), clock()), rendered).await;
    assert_eq!(verdict, Verdict::Delivered { response: "204 No Content".into() });
    let asked = &peer.asked()[0];
    let seconds = asked.header("webhook-timestamp").parse().unwrap();
    assert!((clock().now().0 / 1_000).abs_diff(seconds) < 60, "each attempt says when it was");
    let ours = signing::headers("7.3", Some(&key), seconds, std::str::from_utf8(&asked.body).unwrap());
    assert_eq!(asked.headers["webhook-signature"], ours["webhook-signature"]);
    assert_eq!(asked.header("idempotency-key"), "7.3");
    insta::assert_snapshot!(format!("{:#}", asked.json()));
}

/// A key made for this test alone: `openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt`.
const RSA_KEY: &str = include_str!("../../../../tests/tests/keys/rsa.pem");

fn account(token_uri: &str) -> Secret {
    let account = json!({
        "type": "service_account", "project_id": "moosbett", "client_email": "journey@moosbett.example",
        "private_key": RSA_KEY, "token_uri": token_uri,
    });
    secret(&account.to_string())
}

#[tokio::test]
async fn firebase_is_asked_for_access_once_and_for_each_message() {
    let (url, peer) = peer(|path| match path {
        "/token" => (200, r#"{"access_token": "let-me-in", "expires_in": 3600, "token_type": "Bearer"}"#),
        _ => (200, r#"{"name": "projects/moosbett/messages/1"}"#),
    })
    .await;
    let fcm = Fcm::new(&account(&format!("{url}/token")), Some(&url), client(), clock()).unwrap();
    let content = r#"{"title": "Sale", "body": "50 %", "link": "https://moosbett.example/sale", "badge": 3}"#;
    let batch = [
        message(Channel::Push, "device-1", Content::Json(content.into())),
        message(Channel::Push, "device-2", Content::Text("Hello".into())),
    ];
    let verdicts = ProviderTransport::new(client(), fcm).deliver(&batch).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Delivered { .. })), "{verdicts:?}");
    let mut asked = peer.asked();
    asked.sort_by_key(|asked| asked.path != "/token");
    assert_eq!(asked.iter().filter(|asked| asked.path == "/token").count(), 1);
    let form = String::from_utf8(asked[0].body.to_vec()).unwrap();
    let assertion = form.split_once("&assertion=").unwrap().1;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["iss"], "journey@moosbett.example");
    assert_eq!(claims["aud"], format!("{url}/token"));
    let mut sent: Vec<_> = asked[1..].iter().map(|asked| (asked.path.clone(), asked.json())).collect();
    sent.sort_by_key(|(_, body)| body["message"]["token"].to_string());
    assert!(sent.iter().all(|(path, _)| path == "/v1/projects/moosbett/messages:send"));
    assert!(asked[1..].iter().all(|asked| asked.header("authorization") == "Bearer let-me-in"));
    insta::assert_snapshot!(format!("{:#}\n{:#}", sent[0].1, sent[1].1));
}

#[tokio::test]
async fn what_firebase_refuses_is_understood() {
    let wrong = Fcm::new(&secret("{\"project_id\": 1, \"private_key\": \"canary\"}"), None, client(), clock());
    let said = wrong.unwrap_err().to_string();
    assert!(said.contains("service account") && !said.contains("canary"), "{said}");
    let cases: [(Answers, &str); 4] = [
        (
            |path| {
                if path == "/token" {
                    (200, r#"{"access_token": "x"}"#)
                } else {
                    (404, r#"{"error": {"details": [{"errorCode": "UNREGISTERED"}]}}"#)
                }
            },
            "dead",
        ),
        (|path| if path == "/token" { (200, r#"{"access_token": "x"}"#) } else { (401, "") }, "later"),
        (|path| if path == "/token" { (200, r#"{"access_token": "x"}"#) } else { (400, "bad") }, "never"),
        (|_| (400, r#"{"error": "invalid_grant"}"#), "later"),
    ];
    for (answers, expected) in cases {
        let (url, _peer) = peer(answers).await;
        let fcm = Fcm::new(&account(&format!("{url}/token")), Some(&url), client(), clock()).unwrap();
        let verdict = deliver(fcm, message(Channel::Push, "device", Content::Text("x".into()))).await;
        let found = match &verdict {
            Verdict::Retry { .. } => "later",
            Verdict::Failed { cause } if cause.starts_with("404 5.1.1") => "dead",
            Verdict::Failed { .. } => "never",
            _ => "?",
        };
        assert_eq!(found, expected, "{verdict:?}");
    }
}

/// What a browser does with a push message: it checks who sends, and decrypts.
#[tokio::test]
async fn browsers_can_read_what_they_get() {
    let (url, peer) = peer(|_| (201, "")).await;
    let vapid = "RS0WdYWWo1HajXg3NZR1olzCf31i-ZBGDkFyCs7j1jw";
    let web_push = || WebPush::new(&secret(vapid), "mailto:push@moosbett.example", clock()).unwrap();
    let browser = SecretKey::from_slice(&[7; 32]).unwrap();
    let p256dh = URL_SAFE_NO_PAD.encode(browser.public_key().to_encoded_point(false));
    let subscription = json!({
        "endpoint": format!("{url}/push/1"), "expirationTime": null,
        "keys": { "p256dh": p256dh, "auth": URL_SAFE_NO_PAD.encode([9; 16]) },
    })
    .to_string();
    let content = Content::Json(r#"{"title": "Sale", "body": "50 % — grüße"}"#.into());
    let verdict = deliver(web_push(), message(Channel::Push, &subscription, content)).await;
    assert_eq!(verdict, Verdict::Delivered { response: "201 Created".into() });
    let asked = &peer.asked()[0];
    assert_eq!((asked.path.as_str(), asked.header("content-encoding")), ("/push/1", "aes128gcm"));
    assert_eq!(asked.header("ttl"), "2419200");
    let plain = decrypt(asked.body.to_vec(), &browser, Auth::from_slice(&[9; 16])).unwrap();
    assert_eq!(String::from_utf8(plain).unwrap(), r#"{"title":"Sale","body":"50 % — grüße"}"#);

    let (token, key) = asked.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, web_push().public_key());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = PublicKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(key).unwrap()).unwrap();
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    VerifyingKey::from(key).verify(signed.as_bytes(), &signature).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (claims["aud"].as_str(), claims["sub"].as_str()),
        (Some(url.as_str()), Some("mailto:push@moosbett.example"))
    );

    for wrong in ["a-device-of-firebase", "{}", r#"{"endpoint": "x y", "keys": {"p256dh": "", "auth": ""}}"#] {
        let verdict = deliver(web_push(), message(Channel::Push, wrong, Content::Text("x".into()))).await;
        assert!(matches!(&verdict, Verdict::Failed { cause } if cause.starts_with("400 5.1.1 ")), "{verdict:?}");
    }
    let long = Content::Text("x".repeat(4_000));
    let verdict = deliver(web_push(), message(Channel::Push, &subscription, long)).await;
    assert!(matches!(&verdict, Verdict::Failed { cause } if cause.contains("at most 3993")), "{verdict:?}");
    let (gone, _peer) = self::peer(|_| (410, "")).await;
    let subscription = subscription.replace(&url, &gone);
    let verdict = deliver(web_push(), message(Channel::Push, &subscription, Content::Text("x".into()))).await;
    assert!(matches!(&verdict, Verdict::Failed { cause } if cause.starts_with("410 5.1.1 ")), "{verdict:?}");
    assert!(WebPush::new(&secret("nonsense"), "mailto:x@y.example", clock()).is_err());
}

#[tokio::test]
async fn addresses_choose_their_way_and_verdicts_find_their_place() {
    struct Says(&'static str);
    impl Transport for Says {
        fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
            Box::pin(async move {
                for (place, rendered) in batch.iter().enumerate().rev() {
                    settle.settle(place, Verdict::Delivered { response: format!("{} {}", self.0, rendered.to) }).await;
                }
            })
        }
    }
    let either = EitherWay { is_first: |to| to.starts_with('{'), ways: [Box::new(Says("web")), Box::new(Says("app"))] };
    let batch = ["a", "{b", "c", "{d"].map(|to| text(to, "x"));
    let say = |verdict| match verdict {
        Verdict::Delivered { response } => response,
        other => format!("{other:?}"),
    };
    let said: Vec<_> = either.deliver(&batch).await.into_iter().map(say).collect();
    assert_eq!(said, ["app a", "web {b", "app c", "web {d"]);
}
