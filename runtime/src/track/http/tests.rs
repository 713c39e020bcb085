use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use journey_bytecode::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::core::contact::Contact;
use crate::core::effect::MessageId;
use crate::track::{BoxFuture, Links, RecentlySent};

const PERSON: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\n";

#[derive(Default)]
struct Store {
    now: AtomicI64,
    down: AtomicBool,
    stuck: AtomicBool,
    sent: RecentlySent,
    ids: Mutex<BTreeSet<String>>,
    inputs: Mutex<Vec<(i64, InputKind)>>,
}

impl Intake for Store {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::SeqCst))
    }

    fn sent_at(&self, message: MessageId) -> Option<Instant> {
        self.sent.get(message)
    }

    fn contact(&self, contact: ContactId) -> BoxFuture<'_, Result<Option<Contact>, IntakeError>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(IntakeError::Unavailable("test".into()));
            }
            Ok(Some(Contact::new(contact, "ada", Instant(0))))
        })
    }

    fn submit(
        &self,
        id: String,
        contact: ContactId,
        _at: Instant,
        kind: InputKind,
    ) -> BoxFuture<'_, Result<(), IntakeError>> {
        Box::pin(async move {
            if self.stuck.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.down.load(Ordering::SeqCst) {
                return Err(IntakeError::Unavailable("test".into()));
            }
            if self.ids.lock().unwrap().insert(id) {
                self.inputs.lock().unwrap().push((contact.0, kind));
            }
            Ok(())
        })
    }
}

struct Site {
    port: u16,
    store: Arc<Store>,
    links: Links,
}

const MESSAGE: MessageId = MessageId { contact: ContactId(7), number: 3 };

fn keys() -> Keys {
    Keys::new(["0123456789abcdef"]).unwrap()
}

async fn site() -> Site {
    let store = Arc::new(Store { now: AtomicI64::new(1_000_000), ..Store::default() });
    let titles = BTreeMap::from([("offers".into(), "Offers & <news>".to_owned())]);
    let topics = Topics { titles, opt_in: false };
    let topics = Arc::new(move || topics.clone());
    let app = router(Tracking { intake: store.clone(), keys: keys(), topics });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Site { port, store, links: Links::tracked(&format!("http://127.0.0.1:{port}"), keys()).unwrap() }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Site {
    async fn request(&self, method: &str, url: &str, headers: &str, body: &str) -> Answer {
        let path = url.strip_prefix(&format!("http://127.0.0.1:{}", self.port)).unwrap_or(url);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        assert!(!head.to_ascii_lowercase().contains("\nset-cookie"), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: answer[end + 4..].to_vec() }
    }

    async fn get(&self, url: &str) -> Answer {
        self.request("GET", url, PERSON, "").await
    }

    fn inputs(&self) -> Vec<(i64, InputKind)> {
        self.store.inputs.lock().unwrap().clone()
    }
}

fn status(status: StatusKind, link: Option<&str>, machine: bool) -> (i64, InputKind) {
    let link = link.map(SmolStr::from);
    (7, InputKind::Message { message: MessageName::Number(3), status, link, machine })
}

#[tokio::test]
async fn a_pixel_is_an_open() {
    let site = site().await;
    let url = site.links.pixel(MESSAGE).unwrap();
    for _ in 0..2 {
        let answer = site.get(&url).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, PIXEL.as_slice()));
        assert_eq!(
            (answer.header("content-type"), answer.header("cache-control")),
            (Some("image/gif"), Some("no-store"))
        );
    }
    assert_eq!(site.inputs(), [status(StatusKind::Opened, None, false)]);
}

#[tokio::test]
async fn a_click_leads_to_its_link() {
    let site = site().await;
    for (place, url, location) in [
        (0, "https://shop.example/a?b=1&c=%20d#e", "https://shop.example/a?b=1&c=%20d#e"),
        (
            1,
            "HTTP://shop.example/é \"x\"\r\nSet-Cookie: a=b",
            "HTTP://shop.example/%C3%A9%20%22x%22%0D%0ASet-Cookie:%20a=b",
        ),
    ] {
        for _ in 0..2 {
            let answer = site.get(&site.links.click(MESSAGE, place, url).unwrap()).await;
            assert_eq!((answer.status, answer.header("location")), (302, Some(location)));
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        }
        assert_eq!(site.inputs().pop(), Some(status(StatusKind::Clicked, Some(url), false)));
    }
    assert_eq!(site.inputs().len(), 2);
    let script = site.get(&site.links.click(MESSAGE, 2, "javascript:alert(1)").unwrap()).await;
    assert_eq!((script.status, script.header("location")), (404, None));
}

#[tokio::test]
async fn machines_are_told_from_people() {
    let site = site().await;
    let url = site.links.click(MESSAGE, 0, "https://shop.example/").unwrap();
    assert_eq!(site.request("HEAD", &url, PERSON, "").await.status, 302);
    assert_eq!(site.inputs(), [status(StatusKind::Clicked, Some("https://shop.example/"), true)]);
    site.request("GET", &url, "User-Agent: python-requests/2.31\r\n", "").await;
    assert_eq!(site.inputs().len(), 1, "a machine's second click");
    site.store.sent.note(MESSAGE, Instant(1_000_000));
    site.store.now.store(1_001_000, Ordering::SeqCst);
    site.get(&url).await;
    assert_eq!(site.inputs().len(), 1, "a second after sending");
    site.store.now.store(1_030_000, Ordering::SeqCst);
    site.get(&url).await;
    assert_eq!(site.inputs()[1..], [status(StatusKind::Clicked, Some("https://shop.example/"), false)]);
}

#[tokio::test]
async fn looking_at_the_unsubscribe_page_changes_nothing() {
    let site = site().await;
    let url = site.links.unsubscribe(MESSAGE, Some("offers".into()));
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let answer = site.request(method, &url, "Accept-Language: de-DE,de;q=0.9\r\n", "").await;
        assert_eq!(answer.status, if matches!(method, "GET" | "HEAD") { 200 } else { 405 });
        if method == "GET" {
            assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
            insta::assert_snapshot!("unsubscribe_page", answer.text());
        }
    }
    let all = site.get(&site.links.unsubscribe(MESSAGE, None)).await;
    assert!(all.text().contains("no more promotional messages") && !all.text().contains("value=\"topic\""));
    assert_eq!(site.inputs(), []);
}

#[tokio::test]
async fn one_click_unsubscribes() {
    let site = site().await;
    let url = site.links.unsubscribe(MESSAGE, Some("offers".into()));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let part = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let requests = [
        (form, "List-Unsubscribe=One-Click", Some("offers")),
        (multipart, part, Some("offers")),
        (form, "scope=topic", Some("offers")),
        (form, "scope=all", None),
        ("", "", Some("offers")),
    ];
    for (headers, body, topic) in requests {
        site.store.now.fetch_add(1, Ordering::SeqCst);
        let answer = site.request("POST", &url, headers, body).await;
        assert_eq!((answer.status, answer.header("location")), (200, None), "{body}");
        assert!(answer.text().contains("You are unsubscribed."));
        let expected = InputKind::Unsubscribe { topic: topic.map(SmolStr::from) };
        assert_eq!(site.inputs().pop(), Some((7, expected)), "{body}");
    }
    assert_eq!(site.inputs().len(), requests.len());
}

#[tokio::test]
async fn an_unsubscribe_that_is_not_stored_is_not_confirmed() {
    let site = site().await;
    site.store.down.store(true, Ordering::SeqCst);
    let answer = site.request("POST", &site.links.unsubscribe(MESSAGE, None), "", "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("60")));
}

#[tokio::test]
async fn redirects_work_while_the_store_is_down() {
    for stuck in [false, true] {
        let site = site().await;
        let down = if stuck { &site.store.stuck } else { &site.store.down };
        down.store(true, Ordering::SeqCst);
        let answer = site.get(&site.links.click(MESSAGE, 0, "https://shop.example/").unwrap()).await;
        assert_eq!((answer.status, answer.header("location")), (302, Some("https://shop.example/")));
        assert_eq!(site.get(&site.links.pixel(MESSAGE).unwrap()).await.status, 200);
        assert_eq!(site.inputs(), []);
        if stuck {
            // A submission that never ends is not tried again; none may hold up an answer.
            continue;
        }
        down.store(false, Ordering::SeqCst);
        for _ in 0..200 {
            sleep(Duration::from_millis(10)).await;
            if site.inputs().len() == 2 {
                break;
            }
        }
        assert_eq!(
            site.inputs(),
            [
                status(StatusKind::Clicked, Some("https://shop.example/"), false),
                status(StatusKind::Opened, None, false)
            ]
        );
    }
}

#[tokio::test]
async fn what_is_not_ours_gets_one_answer() {
    let site = site().await;
    let click = site.links.click(MESSAGE, 0, "https://shop.example/").unwrap();
    let pixel = site.links.pixel(MESSAGE).unwrap();
    let unsubscribe = site.links.unsubscribe(MESSAGE, None);
    let foreign = Links::tracked("http://x.example", Keys::new(["another key of 16"]).unwrap()).unwrap();
    let foreign = foreign.click(MESSAGE, 0, "https://evil.example/").unwrap().replace("http://x.example", "");
    let mut flipped = click.clone();
    let last = flipped.pop().unwrap();
    flipped.push(if last == 'A' { 'B' } else { 'A' });
    let bad = [
        "/t/c/x".to_owned(),
        "/t/x/y".to_owned(),
        "/t/c/x/y".to_owned(),
        "/t/c/%ff%fe".to_owned(),
        "/t/u/x".to_owned(),
        "/t/o/x.gif".to_owned(),
        format!("/t/c/{}", "A".repeat(5_000)),
        foreign,
        flipped,
        click.get(..click.len() - 4).unwrap().to_owned(),
        click.replace("/t/c/", "/t/u/"),
        pixel.replace("/t/o/", "/t/c/").replace(".gif", ""),
        pixel.replace(".gif", ""),
        unsubscribe.replace("/t/u/", "/t/c/"),
        format!("{click}?url=https://evil.example").replace("/t/c/", "/t/c/x"),
    ];
    let date =
        |answer: &Answer| answer.head.lines().filter(|line| !line.starts_with("date")).collect::<Vec<_>>().join("\n");
    let expected = site.get("/t/c/forged").await;
    assert_eq!((expected.status, expected.text()), (404, "not found\n"));
    for url in bad {
        for method in ["GET", "POST"] {
            let answer = site.request(method, &url, PERSON, "").await;
            if method == "POST" && ["/t/c/", "/t/o/"].iter().any(|route| url.contains(route)) && !url.contains("/x/y") {
                assert_eq!(answer.status, 405);
                continue;
            }
            assert_eq!((date(&answer), &answer.body), (date(&expected), &expected.body), "{method} {url}");
        }
    }
    assert_eq!(site.inputs(), []);
}

#[tokio::test]
async fn a_scanner_that_fetches_everything_changes_nothing() {
    let site = site().await;
    for number in 0..50 {
        let message = MessageId { contact: ContactId(number), number: 1 };
        site.store.sent.note(message, Instant(1_000_000));
        for url in [
            site.links.pixel(message).unwrap(),
            site.links.click(message, 0, "https://shop.example/").unwrap(),
            site.links.unsubscribe(message, None),
        ] {
            for method in ["HEAD", "GET"] {
                site.request(method, &url, PERSON, "").await;
            }
        }
    }
    assert!(site.inputs().iter().all(|(_, kind)| matches!(kind, InputKind::Message { machine: true, .. })));
}

#[tokio::test]
async fn a_choice_of_topics_is_shown_and_taken() {
    let site = site().await;
    let url = site.links.preferences(MESSAGE);
    let page = site.get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("value=\"offers\" checked> Offers &amp; &lt;news&gt;"), "{}", page.text());
    assert_eq!(site.inputs(), [], "looking changes nothing");
    let page = site.request("POST", &url, PERSON, "topic=offers").await;
    assert_eq!((page.status, site.inputs().len()), (200, 0), "nothing changed");
    let page = site.request("POST", &url, &format!("{PERSON}Accept-Language: de\r\n"), "").await;
    assert!(page.text().contains("Gespeichert.") && !page.text().contains("checked"), "{}", page.text());
    site.store.now.fetch_add(1, Ordering::SeqCst);
    site.request("POST", &url, PERSON, "topic=offers&all=off").await;
    assert_eq!(
        site.inputs(),
        [(7, InputKind::Unsubscribe { topic: Some("offers".into()) }), (7, InputKind::Unsubscribe { topic: None }),]
    );
    site.store.down.store(true, Ordering::SeqCst);
    assert_eq!(site.get(&url).await.status, 503);
}

#[tokio::test]
async fn only_the_button_confirms() {
    let site = site().await;
    let url = site.links.confirm(MESSAGE, "offers".into());
    for method in ["GET", "HEAD", "OPTIONS"] {
        site.request(method, &url, PERSON, "").await;
    }
    let page = site.get(&url).await;
    assert!(page.text().contains("Offers &amp; &lt;news&gt;") && page.text().contains("<form method=\"post\">"));
    assert_eq!(site.inputs(), []);
    assert_eq!(site.request("POST", &url, PERSON, "").await.status, 200);
    let evidence = Evidence {
        basis: "double opt-in".into(),
        wording: "Offers & <news>".into(),
        source: "confirmation page".into(),
        until: None,
    };
    let consent = InputKind::Subscribe { topic: "offers".into(), channel: Some(Channel::Email), evidence };
    assert_eq!(site.inputs(), [(7, consent)]);
}

#[tokio::test]
async fn a_token_opens_its_own_page_alone() {
    let site = site().await;
    let token = |url: String| url.rsplit('/').next().unwrap().to_owned();
    let tokens = [
        token(site.links.unsubscribe(MESSAGE, None)),
        token(site.links.preferences(MESSAGE)),
        token(site.links.confirm(MESSAGE, "offers".into())),
        "forged".to_owned(),
    ];
    for (place, page) in ["u", "p", "s"].into_iter().enumerate() {
        for (other, token) in tokens.iter().enumerate() {
            let url = format!("/t/{page}/{token}");
            for method in ["GET", "POST"] {
                let status = site.request(method, &url, PERSON, "").await.status;
                assert_eq!(status, if place == other { 200 } else { 404 }, "{method} {url}");
            }
        }
    }
}
