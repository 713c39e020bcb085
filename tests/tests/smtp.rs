//! Real SMTP conversations of `journey serve`: with mail servers of others, and with one of our own that does what it is
//! told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::time::Duration;

use journey_bytecode::StatusKind;
use journey_runtime::core::effect::{TraceEntry, TraceEvent};
use journey_runtime::store::{DeliveryResult, SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::foreign::ForeignSink;
use journey_tests::project::{Project, walk};
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{http, wait_until};
use mail_parser::{Message, MessageParser};

fn serving(smtp: &str) -> (Project, Server) {
    let project = walk(&format!("smtp = \"smtp://{smtp}\""));
    let server = Server::start(project.path());
    (project, server)
}

/// Makes contacts and starts their journey.
fn begin(server: &Server, names: &[&str]) {
    for name in names {
        let contact = format!("{{\"id\":\"{name}\",\"attributes\":{{\"email\":\"{name}@walk.example\"}}}}");
        let answer = http::post(&server.address, "/v1/contacts", "application/json", contact.as_bytes()).unwrap();
        assert!(answer.status < 300, "{}", answer.text());
        let event = format!("{{\"id\":\"{name}-begins\",\"contact\":\"{name}\",\"tag\":\"begun\"}}");
        let answer = http::post(&server.address, "/v1/events", "application/json", event.as_bytes()).unwrap();
        assert!(answer.status < 300, "{}", answer.text());
    }
}

/// The mails at the bottom of what a foreign server wrote, by subject.
fn subjects(mails: &[Vec<u8>]) -> Vec<String> {
    let mut subjects: Vec<String> =
        mails.iter().filter_map(|mail| MessageParser::default().parse(mail)?.subject().map(str::to_owned)).collect();
    subjects.sort();
    subjects
}

const BOTH: [&str; 4] = [
    "First for ada@walk.example",
    "First for bo@walk.example",
    "Second for ada@walk.example",
    "Second for bo@walk.example",
];

#[test]
fn mails_arrive_at_a_server_of_our_own() {
    let sink = Sink::accepting();
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada", "bo"]);
    wait_until("four mails have come", Duration::from_secs(30), || sink.count() >= 4);
    let accepted = sink.accepted();
    assert_eq!(subjects(&accepted.iter().map(|mail| mail.data.clone()).collect::<Vec<_>>()), BOTH);
    for mail in &accepted {
        let parsed = parse(&mail.data);
        let to = parsed.to().unwrap().first().unwrap().address().unwrap();
        assert_eq!(mail.to, [to]);
        assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("walk@walk.example"));
        assert_eq!(parsed.message_id(), Some(mail.message_id.as_str()));
        assert!(parsed.body_text(0).unwrap().contains("step."), "{}", String::from_utf8_lossy(&mail.data));
        assert!(parsed.date().is_some());
        // Each line ends as SMTP wants it.
        assert!(!mail.data.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r'));
    }
    let (status, log) = server.terminate();
    assert!(status.success(), "{log}");
}

fn parse(data: &[u8]) -> Message<'_> {
    MessageParser::default().parse(data).unwrap()
}

#[test]
fn mails_arrive_at_postfix() {
    let Some(sink) = ForeignSink::postfix() else { return };
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada", "bo"]);
    wait_until("four mails have come", Duration::from_secs(30), || subjects(&sink.messages()).len() >= 4);
    assert_eq!(subjects(&sink.messages()), BOTH);
}

#[test]
fn mails_arrive_at_aiosmtpd() {
    let Some(sink) = ForeignSink::aiosmtpd() else { return };
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada", "bo"]);
    wait_until("four mails have come", Duration::from_secs(30), || subjects(&sink.messages()).len() >= 4);
    assert_eq!(subjects(&sink.messages()), BOTH);
}

/// Every first attempt fails in the given way: the mails come later, each under the id that it had, and once.
fn comes_later(first: Verdict) {
    let sink = Sink::scripted(move |attempt| if attempt.nth == 1 { first.clone() } else { Verdict::Accept });
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada"]);
    wait_until("both mails have come", Duration::from_secs(60), || sink.count() >= 2);
    let (status, log) = server.terminate();
    assert!(status.success(), "{log}");
    let accepted = sink.accepted();
    assert_eq!(accepted.len(), 2);
    assert_eq!(sink.refused().len(), 2);
    for mail in accepted {
        assert_eq!(mail.nth, 2);
        let refused = sink.refused().into_iter().find(|other| other.message_id == mail.message_id).unwrap();
        assert_eq!(refused.data, mail.data, "the same bytes on every attempt");
        assert!(mail.when - refused.when >= Duration::from_secs(1), "with a pause between");
    }
}

#[test]
fn a_4xx_is_tried_again() {
    comes_later(Verdict::Refuse("451 4.3.0 the disk is being changed"));
}

/// After 421 the server is left in peace for a minute, and then gets everything.
#[test]
fn a_421_makes_a_pause() {
    let sink = Sink::scripted(|attempt| match attempt.connection {
        1 => Verdict::Refuse("421 4.3.2 closing for lunch"),
        _ => Verdict::Accept,
    });
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada"]);
    wait_until("both mails have come", Duration::from_secs(120), || sink.count() >= 2);
    drop(server);
    let (refused, accepted) = (sink.refused(), sink.accepted());
    assert_eq!((refused.len(), accepted.len()), (1, 2));
    assert!(accepted[0].when - refused[0].when >= Duration::from_secs(55), "a minute's peace");
    assert!(accepted.iter().any(|mail| mail.message_id == refused[0].message_id && mail.data == refused[0].data));
}

#[test]
fn a_connection_cut_before_the_answer_is_tried_again() {
    comes_later(Verdict::Cut);
}

#[test]
fn a_mail_that_was_taken_without_a_word_comes_twice_under_one_id() {
    let sink = Sink::scripted(|attempt| if attempt.nth == 1 { Verdict::AcceptAndCut } else { Verdict::Accept });
    let (_project, server) = serving(&sink.address);
    begin(&server, &["ada"]);
    wait_until("both mails have come twice", Duration::from_secs(60), || sink.count() >= 4);
    drop(server);
    let accepted = sink.accepted();
    for mail in &accepted {
        let same: Vec<_> = accepted.iter().filter(|other| other.message_id == mail.message_id).collect();
        assert_eq!(same.len(), 2);
        assert_eq!(same[0].data, same[1].data);
    }
}

/// A 5xx is final: the message is not tried again, and its contact's trace and the list of deliveries say why.
#[test]
fn an_address_that_takes_no_mail_is_left_alone() {
    let sink = Sink::scripted(|attempt| match attempt.to[0].as_str() {
        "bo@walk.example" => Verdict::Refuse("550 5.1.1 there is no Bo here"),
        _ => Verdict::Accept,
    });
    let (project, server) = serving(&sink.address);
    begin(&server, &["bo", "ada"]);
    wait_until("ada has both", Duration::from_secs(30), || sink.count() >= 2);
    std::thread::sleep(Duration::from_secs(2));
    let (status, log) = server.terminate();
    assert!(status.success(), "{log}");
    assert_eq!((sink.count(), sink.refused().len()), (2, 1), "the second mail to bo is not even tried");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bo = runtime.block_on(async {
        let store = SqliteStore::open(project.path().join("journey.db")).await.unwrap();
        store.contact("bo").await.unwrap().unwrap()
    });
    assert!(bo.state.unreachable.values().any(|address| address == "bo@walk.example"), "{bo:?}");
}

#[test]
fn a_5xx_is_recorded() {
    let sink = Sink::scripted(|attempt| match attempt.to[0].as_str() {
        "bo@walk.example" => Verdict::Refuse("550 5.7.1 Bo wants none of this"),
        _ => Verdict::Accept,
    });
    let (project, server) = serving(&sink.address);
    begin(&server, &["ada", "bo"]);
    wait_until("ada has both, and bo's were tried", Duration::from_secs(30), || {
        sink.count() >= 2 && sink.refused().len() >= 2
    });
    // Long enough for the first retry of what could be tried again.
    std::thread::sleep(Duration::from_secs(7));
    let (status, log) = server.terminate();
    assert!(status.success(), "{log}");
    assert_eq!((sink.count(), sink.refused().len()), (2, 2));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (counts, deliveries, trace) = runtime.block_on(async {
        let store = SqliteStore::open(project.path().join("journey.db")).await.unwrap();
        let bo = store.contact("bo").await.unwrap().unwrap().id;
        (store.counts().await.unwrap(), store.deliveries(bo).await.unwrap(), store.trace(bo).await.unwrap())
    });
    assert_eq!((counts.delivered, counts.failed, counts.queued), (2, 2, 0));
    assert_eq!(deliveries.len(), 2);
    for delivery in deliveries {
        assert_eq!(delivery.attempts, 1);
        let DeliveryResult::Failed { cause, .. } = delivery.result else { panic!("{delivery:?}") };
        assert!(cause.contains("550") && cause.contains("Bo wants none of this"), "{cause}");
    }
    let bounced = |line: &&TraceEntry| matches!(line.event, TraceEvent::Message { status: StatusKind::Bounced, .. });
    assert_eq!(trace.iter().filter(bounced).count(), 2, "{trace:?}");
}
