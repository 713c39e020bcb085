use std::sync::atomic::AtomicU32;

use journey_bytecode::{Channel, Instant as At};
use mail_parser::MessageParser;
use proptest::prelude::*;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::render::Mail;
use crate::send::Secret;

/// Where a conversation stands when the server decides what to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
}

/// What the server does.
#[derive(Clone, Debug)]
enum Act {
    /// What a good server does.
    Good,
    Say(&'static str),
    /// Says it and closes.
    Last(&'static str),
    Drop,
    Silence,
}

/// What the server knows when it decides.
#[derive(Clone, Copy, Debug)]
struct Moment {
    stage: Stage,
    /// The number of this connection, from 1.
    connection: u32,
    /// How often this stage came so far, over all connections, from 1.
    time: u32,
}

struct Server {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicU32,
    times: Mutex<Vec<Stage>>,
    commands: Mutex<Vec<String>>,
    /// Every mail whose end was seen, accepted or not.
    mails: Mutex<Vec<String>>,
}

type Decide = Arc<dyn Fn(Moment) -> Act + Send + Sync>;

#[derive(Clone)]
struct Setup {
    offers: &'static str,
    tls: Option<Arc<ServerConfig>>,
    implicit: bool,
    decide: Decide,
}

fn setup(decide: impl Fn(Moment) -> Act + Send + Sync + 'static) -> Setup {
    Setup { offers: "250-PIPELINING\r\n250 8BITMIME\r\n", tls: None, implicit: false, decide: Arc::new(decide) }
}

async fn serve(setup: Setup) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let connection = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
            let (setup, seen) = (setup.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                if setup.implicit {
                    let acceptor = TlsAcceptor::from(setup.tls.clone().unwrap());
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = talk(BufReader::new(stream), &setup, &seen, connection, true).await;
                    }
                } else if let Some(stream) = talk(BufReader::new(stream), &setup, &seen, connection, true).await {
                    let acceptor = TlsAcceptor::from(setup.tls.clone().unwrap());
                    if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
                        let _ = talk(BufReader::new(stream), &setup, &seen, connection, false).await;
                    }
                }
            });
        }
    });
    Server { port, seen }
}

/// Speaks SMTP; gives the stream back after STARTTLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufReader<S>,
    setup: &Setup,
    seen: &Seen,
    connection: u32,
    greets: bool,
) -> Option<BufReader<S>> {
    let mut recipients = 0;
    let mut in_data = false;
    let mut next = greets.then_some((Stage::Greeting, "220 ready\r\n".to_owned()));
    loop {
        let (stage, good) = match next.take() {
            Some(next) => next,
            None if in_data => {
                let mut mail = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.ok()? == 0 {
                        return None;
                    }
                    assert!(
                        line.ends_with("\r\n") && !line.trim_end_matches("\r\n").contains(['\r', '\n']),
                        "{line:?}"
                    );
                    if line == ".\r\n" {
                        break;
                    }
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                in_data = false;
                lock(&seen.mails).push(mail);
                let good = if recipients > 0 { "250 2.0.0 taken\r\n" } else { "554 5.5.1 no valid recipients\r\n" };
                (Stage::Dot, good.to_owned())
            }
            None => {
                let mut line = String::new();
                if stream.read_line(&mut line).await.ok()? == 0 {
                    return None;
                }
                lock(&seen.commands).push(line.trim_end().to_owned());
                match line.split([' ', ':', '\r']).next().unwrap() {
                    "EHLO" => (Stage::Ehlo, format!("250-test\r\n{}", setup.offers)),
                    "STARTTLS" => (Stage::StartTls, "220 go\r\n".to_owned()),
                    "AUTH" => (Stage::Auth, "235 welcome\r\n".to_owned()),
                    "MAIL" => {
                        recipients = 0;
                        (Stage::Mail, "250 2.1.0 ok\r\n".to_owned())
                    }
                    "RCPT" => (Stage::Rcpt, "250 2.1.5 ok\r\n".to_owned()),
                    "DATA" => (Stage::Data, "354 go ahead\r\n".to_owned()),
                    "RSET" => {
                        stream.write_all(b"250 2.0.0 ok\r\n").await.ok()?;
                        continue;
                    }
                    "QUIT" => {
                        stream.write_all(b"221 bye\r\n").await.ok()?;
                        return None;
                    }
                    other => panic!("the server does not know {other:?}"),
                }
            }
        };
        let time = {
            let mut times = lock(&seen.times);
            times.push(stage);
            times.iter().filter(|other| **other == stage).count() as u32
        };
        let reply = match (setup.decide)(Moment { stage, connection, time }) {
            Act::Good => {
                match stage {
                    Stage::Rcpt => recipients += 1,
                    Stage::Data => in_data = true,
                    _ => {}
                }
                good
            }
            Act::Say(reply) => {
                in_data |= reply.starts_with("354");
                format!("{reply}\r\n")
            }
            Act::Last(reply) => {
                stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
                stream.flush().await.ok()?;
                return None;
            }
            Act::Drop => return None,
            Act::Silence => std::future::pending().await,
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if stage == Stage::StartTls {
            return Some(stream);
        }
    }
}

impl Server {
    fn settings(&self) -> SmtpSettings {
        let address = format!("smtp://127.0.0.1:{}", self.port);
        SmtpSettings::parse(&address).unwrap().with_timeout(Duration::from_millis(400))
    }

    fn transport(&self, connections: usize) -> SmtpTransport {
        SmtpTransport::new(self.settings().with_connections(connections)).unwrap()
    }

    fn mails(&self) -> Vec<String> {
        lock(&self.seen.mails).clone()
    }

    fn ids(&self) -> Vec<String> {
        let ids =
            |mail: &String| MessageParser::default().parse(mail.as_bytes()).unwrap().message_id().unwrap().to_owned();
        let mut ids: Vec<String> = self.mails().iter().map(ids).collect();
        ids.sort();
        ids
    }

    fn connections(&self) -> u32 {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

fn mail(number: u32, text: &str) -> Rendered {
    Rendered {
        id: MessageId { contact: ContactId(1), number },
        at: At(1_772_442_000_000),
        channel: Channel::Email,
        message: "story".into(),
        from: None,
        to: format!("to{number}@example.com").into(),
        callback: None,
        content: Content::Mail(Mail {
            from: "Moosbett <hello@moosbett.example>".into(),
            subject: format!("Mail {number}"),
            html: None,
            text: text.into(),
            unsubscribe: None,
            return_path: None,
            message_id: format!("1.{number:03}.x@moosbett.example"),
        }),
    }
}

fn mails(count: u32) -> Vec<Rendered> {
    (1..=count).map(|number| mail(number, "Hello\n.\n..\n.x\n")).collect()
}

fn all_ids(count: u32) -> Vec<String> {
    (1..=count).map(|number| format!("1.{number:03}.x@moosbett.example")).collect()
}

fn is_delivered(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Delivered { .. })
}

/// The verdicts as letters: delivered, retry, unknown, failed.
fn letters(verdicts: &[Verdict]) -> String {
    let letter = |verdict: &Verdict| match verdict {
        Verdict::Delivered { .. } => 'd',
        Verdict::Retry { .. } => 'r',
        Verdict::Unknown { .. } => 'u',
        Verdict::Failed { .. } => 'f',
        Verdict::Answered { .. } => 'a',
        Verdict::Later { .. } => 'l',
    };
    verdicts.iter().map(letter).collect()
}

#[tokio::test]
async fn every_mail_arrives_once_over_few_connections() {
    for offers in ["250-PIPELINING\r\n250 8BITMIME\r\n", "250 8BITMIME\r\n"] {
        let server = serve(Setup { offers, ..setup(|_| Act::Good) }).await;
        let transport = server.transport(4);
        let verdicts = transport.deliver(&mails(50)).await;
        assert!(verdicts.iter().all(is_delivered), "{verdicts:?}");
        assert_eq!(verdicts[0], Verdict::Delivered { response: "250 2.0.0 taken".into() });
        assert_eq!(server.ids(), all_ids(50));
        assert!(transport.deliver(&mails(3)).await.iter().all(is_delivered));
        assert!((1..=4).contains(&server.connections()), "{}", server.connections());
        let text =
            MessageParser::default().parse(server.mails()[0].as_bytes()).unwrap().body_text(0).unwrap().into_owned();
        assert_eq!(text.replace("\r\n", "\n").trim_end(), "Hello\n.\n..\n.x");
        let commands = lock(&server.seen.commands).clone();
        assert!(commands.contains(&"RCPT TO:<to7@example.com>".to_owned()));
        assert!(commands.contains(&"MAIL FROM:<hello@moosbett.example>".to_owned()));
    }
}

#[tokio::test]
async fn a_connection_is_closed_after_many_mails() {
    let server = serve(setup(|_| Act::Good)).await;
    let verdicts = server.transport(1).deliver(&mails(MAILS_A_CONNECTION + 2)).await;
    assert!(verdicts.iter().all(is_delivered));
    assert_eq!((server.mails().len(), server.connections()), (MAILS_A_CONNECTION as usize + 2, 2));
    assert_eq!(lock(&server.seen.commands).iter().filter(|command| *command == "QUIT").count(), 1);
}

#[tokio::test]
async fn a_4xx_is_for_now() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
        let server = serve(setup(move |moment| match moment {
            Moment { stage: at, time: 2, .. } if at == stage => Act::Say("451 4.7.1 greylisted, come again"),
            _ => Act::Good,
        }))
        .await;
        let transport = server.transport(1);
        let batch = mails(3);
        let verdicts = transport.deliver(&batch).await;
        assert_eq!(letters(&verdicts), "drd", "{stage:?}: {verdicts:?}");
        let expected = Verdict::Retry { after: None, cause: "451 4.7.1 greylisted, come again".into() };
        assert_eq!(verdicts[1], expected, "{stage:?}");
        assert_eq!(letters(&transport.deliver(&batch[1..2]).await), "d");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_5xx_is_for_ever() {
    for offers in ["250-PIPELINING\r\n250 8BITMIME\r\n", "250 8BITMIME\r\n"] {
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
            let decide = move |moment| match moment {
                Moment { stage: at, time: 2, .. } if at == stage => Act::Say("550-5.1.1 no\r\n550 5.1.1 such user"),
                _ => Act::Good,
            };
            let server = serve(Setup { offers, ..setup(decide) }).await;
            let verdicts = server.transport(1).deliver(&mails(4)).await;
            assert_eq!(letters(&verdicts), "dfdd", "{stage:?} {offers:?}: {verdicts:?}");
            assert_eq!(verdicts[1], Verdict::Failed { cause: "550 5.1.1 no such user".into() }, "{stage:?}");
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn a_refused_login_is_not_the_mail_s_fault() {
    let server = serve(setup(|moment| match moment.stage {
        Stage::Mail => Act::Say("530 5.7.0 authentication required"),
        _ => Act::Good,
    }))
    .await;
    assert_eq!(letters(&server.transport(1).deliver(&mails(2)).await), "rr");
}

#[tokio::test]
async fn a_421_makes_us_keep_still() {
    for stage in [Stage::Greeting, Stage::Mail, Stage::Rcpt, Stage::Dot] {
        let server = serve(setup(move |moment| match moment.stage {
            at if at == stage => Act::Last("421 4.7.28 too fast"),
            _ => Act::Good,
        }))
        .await;
        let transport = server.transport(1);
        let verdicts = transport.deliver(&mails(5)).await;
        assert_eq!(letters(&verdicts), "rrrrr", "{stage:?}: {verdicts:?}");
        assert!(
            matches!(verdicts[0], Verdict::Retry { after: Some(after), .. } if after > Duration::from_secs(590)),
            "{verdicts:?}"
        );
        let connections = server.connections();
        let verdicts = transport.deliver(&mails(5)).await;
        assert!(
            matches!(&verdicts[4], Verdict::Retry { after: Some(_), cause } if cause.contains("too fast")),
            "{verdicts:?}"
        );
        assert_eq!(server.connections(), connections, "it kept still");
    }
}

#[tokio::test]
async fn after_many_mails_a_421_only_ends_the_connection() {
    let server = serve(setup(|moment| match moment.stage {
        Stage::Mail if moment.time % 3 == 0 => Act::Last("421 4.3.0 enough for one connection"),
        _ => Act::Good,
    }))
    .await;
    let verdicts = server.transport(1).deliver(&mails(6)).await;
    assert_eq!(letters(&verdicts), "dddddd", "{verdicts:?}");
    assert_eq!(server.ids(), all_ids(6));
}

#[tokio::test]
async fn fewer_connections_than_we_want_are_enough() {
    let server = serve(setup(|moment| match moment.stage {
        Stage::Greeting if moment.connection > 2 => Act::Last("421 4.3.2 too many connections"),
        _ => Act::Good,
    }))
    .await;
    let verdicts = server.transport(8).deliver(&mails(40)).await;
    assert!(verdicts.iter().all(is_delivered), "{verdicts:?}");
    assert_eq!(server.ids(), all_ids(40));
}

#[tokio::test]
async fn several_batches_share_the_connections_that_there_are() {
    let server = serve(setup(|moment| match moment.stage {
        Stage::Greeting if moment.connection > 2 => Act::Last("421 4.3.2 too many connections"),
        _ => Act::Good,
    }))
    .await;
    let (transport, all) = (server.transport(8), mails(60));
    let verdicts = join_all(all.chunks(6).map(|batch| transport.deliver(batch))).await.concat();
    assert!(verdicts.iter().all(is_delivered), "{verdicts:?}");
    assert_eq!(server.ids(), all_ids(60));
    assert!(lock(&transport.pace).busy == 0 && lock(&transport.idle).len() <= 2);
}

#[tokio::test]
async fn a_break_before_the_dot_loses_and_doubles_nothing() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
        for offers in ["250-PIPELINING\r\n250 8BITMIME\r\n", "250 8BITMIME\r\n"] {
            let decide = move |moment| match moment {
                Moment { stage: at, time: 3, .. } if at == stage => Act::Drop,
                _ => Act::Good,
            };
            let server = serve(Setup { offers, ..setup(decide) }).await;
            let verdicts = server.transport(1).deliver(&mails(6)).await;
            assert_eq!(letters(&verdicts), "dddddd", "{stage:?}: {verdicts:?}");
            assert_eq!(server.ids(), all_ids(6), "{stage:?}");
        }
    }
}

#[tokio::test]
async fn after_a_break_behind_the_dot_nobody_knows() {
    let server = serve(setup(|moment| match moment {
        Moment { stage: Stage::Dot, time: 2, .. } => Act::Drop,
        _ => Act::Good,
    }))
    .await;
    let transport = server.transport(1);
    let batch = mails(4);
    let verdicts = transport.deliver(&batch).await;
    assert_eq!(letters(&verdicts), "dudd", "{verdicts:?}");
    assert_eq!(letters(&transport.deliver(&batch[1..2]).await), "d");
    let mut expected = all_ids(4);
    expected.insert(1, "1.002.x@moosbett.example".into());
    assert_eq!(server.ids(), expected);
}

#[tokio::test]
async fn a_server_that_always_breaks_ends_the_attempt() {
    let server = serve(setup(|moment| if moment.stage == Stage::Mail { Act::Drop } else { Act::Good })).await;
    assert_eq!(letters(&server.transport(2).deliver(&mails(5)).await), "rrrrr");
}

#[tokio::test]
async fn silence_is_not_waited_for_for_ever() {
    for stage in [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Data] {
        let server = serve(setup(move |moment| if moment.stage == stage { Act::Silence } else { Act::Good })).await;
        let settings = server.settings().with_connections(1).with_timeout(Duration::from_millis(60));
        let verdicts = SmtpTransport::new(settings).unwrap().deliver(&mails(1)).await;
        assert!(
            matches!(
                &verdicts[0],
                Verdict::Retry { after: None, cause } | Verdict::Unknown { cause } if cause.contains("in time")
            ),
            "{stage:?}: {verdicts:?}"
        );
    }
}

#[tokio::test]
async fn no_server_is_a_reason_to_try_again() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let transport = SmtpTransport::new(SmtpSettings::parse(&format!("smtp://127.0.0.1:{port}")).unwrap()).unwrap();
    let verdicts = transport.deliver(&mails(3)).await;
    assert_eq!(letters(&verdicts), "rrr");
    assert!(matches!(&verdicts[2], Verdict::Retry { cause, .. } if cause.contains(&format!("127.0.0.1:{port}"))));
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_replaced() {
    let server = serve(setup(|moment| match moment {
        Moment { stage: Stage::Mail, connection: 1, time: 2 } => Act::Last("421 4.4.2 idle for too long"),
        _ => Act::Good,
    }))
    .await;
    let transport = server.transport(1);
    assert_eq!(letters(&transport.deliver(&mails(1)).await), "d");
    assert_eq!(letters(&transport.deliver(&mails(1)).await), "d");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn nonsense_does_not_bring_us_down() {
    for reply in ["hello", "250- \r\n250 x", "999 x", "\u{ff}\u{fe}", "250-a"] {
        for stage in [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Dot] {
            let reply: &'static str = reply;
            let server =
                serve(setup(move |moment| if moment.stage == stage { Act::Last(reply) } else { Act::Good })).await;
            let verdicts = server.transport(1).deliver(&mails(2)).await;
            assert_eq!(verdicts.len(), 2);
            assert!(
                !verdicts.contains(&Verdict::Retry { after: None, cause: "the transport lost the message".into() })
            );
        }
    }
}

#[tokio::test]
async fn a_mail_for_nobody_is_not_sent() {
    // This server refuses the recipient and asks for the mail all the same.
    let server = serve(setup(|moment| match moment {
        Moment { stage: Stage::Rcpt, time: 1, .. } => Act::Say("550 5.1.1 no such user"),
        _ => Act::Good,
    }))
    .await;
    let verdicts = server.transport(1).deliver(&mails(2)).await;
    assert_eq!(letters(&verdicts), "fd", "{verdicts:?}");
    assert_eq!(server.mails()[0], "");
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn the_next_mail_waits_until_the_last_one_is_settled() {
    struct Watch<'a>(&'a Server, AtomicU32);
    impl Settle for Watch<'_> {
        fn settle(&self, _: usize, verdict: Verdict) -> BoxFuture<'_, ()> {
            Box::pin(async move {
                assert!(is_delivered(&verdict));
                tokio::time::sleep(Duration::from_millis(5)).await;
                let settled = self.1.fetch_add(1, Ordering::SeqCst) + 1;
                assert_eq!(self.0.mails().len() as u32, settled, "a mail went out too early");
            })
        }
    }
    let server = serve(setup(|_| Act::Good)).await;
    let watch = Watch(&server, AtomicU32::new(0));
    server.transport(1).deliver_each(&mails(10), &watch).await;
    assert_eq!(watch.1.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn letters_beyond_ascii_in_an_address() {
    let mut rendered = mail(1, "x");
    rendered.to = "jörg@müller.example".into();
    let server = serve(setup(|_| Act::Good)).await;
    let verdicts = server.transport(1).deliver(std::slice::from_ref(&rendered)).await;
    assert!(matches!(&verdicts[0], Verdict::Failed { cause } if cause.contains("beyond ASCII")), "{verdicts:?}");
    let offers = "250-SMTPUTF8\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
    let server = serve(Setup { offers, ..setup(|_| Act::Good) }).await;
    assert_eq!(letters(&server.transport(1).deliver(&[rendered]).await), "d");
    let commands = lock(&server.seen.commands).clone();
    assert!(commands.contains(&"RCPT TO:<jörg@xn--mller-kva.example>".to_owned()), "{commands:?}");
    assert!(commands.iter().any(|command| command.contains("SMTPUTF8")));
}

#[tokio::test]
async fn what_is_no_mail_of_ours_fails() {
    let server = serve(setup(|_| Act::Good)).await;
    let mut text = mail(1, "x");
    text.content = Content::Text("x".into());
    let mut nobody = mail(2, "x");
    nobody.to = "nobody".into();
    let mut default = mail(3, "x");
    if let Content::Mail(mail) = &mut default.content {
        mail.from = DEFAULT_SENDER.into();
    }
    let verdicts = server.transport(1).deliver(&[text, nobody, default, mail(4, "x")]).await;
    assert_eq!(letters(&verdicts), "fffd", "{verdicts:?}");
}

struct Authority {
    certificate: String,
    server: Arc<ServerConfig>,
}

fn authority() -> Authority {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    Authority { certificate, server: Arc::new(server) }
}

#[tokio::test]
async fn encryption() {
    let authority = authority();
    let offers = "250-STARTTLS\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
    for (scheme, implicit) in [("smtps", true), ("smtp+starttls", false)] {
        let tls = Some(Arc::clone(&authority.server));
        let server = serve(Setup { offers, tls, implicit, ..setup(|_| Act::Good) }).await;
        let settings = |host: &str| {
            let address = format!("{scheme}://{host}:{}", server.port);
            SmtpSettings::parse(&address).unwrap().with_timeout(Duration::from_secs(5)).with_connections(2)
        };
        let trusting =
            SmtpTransport::new(settings("localhost").with_certificates(authority.certificate.clone().into()));
        let verdicts = trusting.unwrap().deliver(&mails(5)).await;
        assert!(verdicts.iter().all(is_delivered), "{scheme}: {verdicts:?}");

        let verdicts = SmtpTransport::new(settings("localhost")).unwrap().deliver(&mails(1)).await;
        assert!(
            matches!(&verdicts[0], Verdict::Retry { cause, .. } if cause.contains("the encryption failed")),
            "an unknown certificate, {scheme}: {verdicts:?}"
        );
        assert_eq!(server.mails().len(), 5);
    }
}

#[tokio::test]
async fn no_starttls_no_mail() {
    let server = serve(setup(|_| Act::Good)).await;
    let address = format!("smtp+starttls://127.0.0.1:{}", server.port);
    let transport = SmtpTransport::new(SmtpSettings::parse(&address).unwrap()).unwrap();
    let verdicts = transport.deliver(&mails(1)).await;
    assert!(matches!(&verdicts[0], Verdict::Retry { cause, .. } if cause.contains("STARTTLS")), "{verdicts:?}");
    assert!(server.mails().is_empty());

    // Somebody in between answers for what is said later.
    let offers = "250-STARTTLS\r\n250 8BITMIME\r\n";
    let decide = |moment: Moment| match moment.stage {
        Stage::StartTls => Act::Say("220 go\r\n250 injected"),
        _ => Act::Good,
    };
    let server = serve(Setup { offers, tls: Some(authority().server), ..setup(decide) }).await;
    let address = format!("smtp+starttls://127.0.0.1:{}", server.port);
    let transport = SmtpTransport::new(SmtpSettings::parse(&address).unwrap()).unwrap();
    let verdicts = transport.deliver(&mails(1)).await;
    assert!(matches!(&verdicts[0], Verdict::Retry { cause, .. } if cause.contains("more than")), "{verdicts:?}");
}

#[tokio::test]
async fn logins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "canary-password").unwrap();
    let secret = || Secret::file(&path).unwrap();
    let offers = "250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n";
    let server = serve(Setup { offers, ..setup(|_| Act::Good) }).await;
    let transport = SmtpTransport::new(server.settings().with_login("ada", secret())).unwrap();
    assert_eq!(letters(&transport.deliver(&mails(2)).await), "dd");
    let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "\0ada\0canary-password");
    assert!(lock(&server.seen.commands).contains(&format!("AUTH PLAIN {expected}")));

    let decide = |moment: Moment| if moment.stage == Stage::Auth { Act::Say("535 5.7.8 no") } else { Act::Good };
    let server = serve(Setup { offers, ..setup(decide) }).await;
    let transport = SmtpTransport::new(server.settings().with_login("ada", secret())).unwrap();
    let verdicts = transport.deliver(&mails(2)).await;
    assert_eq!(letters(&verdicts), "rr");
    assert!(matches!(&verdicts[0], Verdict::Retry { cause, .. } if cause.contains("the login failed: 535 5.7.8 no")));
    assert!(!format!("{verdicts:?} {transport:?}").contains("canary"));
}

proptest! {
    #[test]
    fn no_body_ends_a_mail_early(body in "([a-z.]|\r|\n|\r\n|\r\n\\.\r\n|\n\\.\n|\r\\.\r|\n\\.\r\n){0,60}") {
        let wire = talk::stuffed(&body);
        let lines: Vec<&str> = wire.split("\r\n").collect();
        prop_assert!(!wire.replace("\r\n", "").contains(['\r', '\n']));
        let ends = lines.iter().filter(|line| **line == ".").count();
        prop_assert_eq!((ends, lines[lines.len() - 2], lines[lines.len() - 1]), (1, ".", ""));
        let unstuffed: Vec<&str> = lines[..lines.len() - 2].iter().map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
        let plain = body.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(unstuffed.join("\n"), plain.strip_suffix('\n').unwrap_or(&plain));
    }
}
