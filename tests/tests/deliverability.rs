//! Every mail of the examples as others judge it: SpamAssassin takes none for spam, and a validator finds no error in its
//! HTML.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use journey_bytecode::{Channel, Instant, Message};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::preview::{Guise, outgoing};
use journey_runtime::render::{Content, Rendered, Renderer};
use journey_runtime::send::{Dkim, Secret, SmtpSettings, SmtpTransport, Transport, Verdict};
use journey_runtime::track::{Keys, Links};
use journey_tests::foreign;
use journey_tests::project::{examples, sources};
use journey_tests::sink::Sink;

/// What a mail may score at most; SpamAssassin calls it spam from 5 on.
const HARMLESS: f64 = 2.0;

/// The same with the picture that counts opens: with a picture and few words its rules `HTML_IMAGE_ONLY` add 2.0 to 2.8.
const HARMLESS_WITH_PICTURE: f64 = 3.0;

/// What it has to recognise: whoever finds nothing wrong with this judges nothing.
const SPAM: &str = "From: W1NNER <noreply@free-money.example>\r\n\
To: undisclosed-recipients:;\r\n\
Subject: CONGRATULATIONS!!! YOU HAVE WON $$$ 1,000,000 $$$\r\n\
MIME-Version: 1.0\r\n\
Content-Type: text/html; charset=us-ascii\r\n\
\r\n\
<HTML><BODY><FONT COLOR=red SIZE=7>DEAR FRIEND, YOU ARE THE WINNER OF THE LOTTERY! CLICK HERE NOW, 100% FREE, RISK FREE, NO\r\n\
OBLIGATION!!! Viagra, Cialis, cheap meds online. Send your bank account number to claim your million dollars.</FONT>\r\n\
<img src=\"http://192.0.2.7/x.gif\"></BODY></HTML>\r\n";

/// What a mail says of style that validators do not know: Outlook alone does.
const OUTLOOKS_OWN: &str = ".*mso-hide.*";

/// Every text of every mail of the examples, for a made-up contact, and what it is called; with links that are counted, or not.
fn mails(tracked: bool) -> Vec<(String, Rendered)> {
    let mut mails = Vec::new();
    // One sentence alone in its file has neither texts nor a sender.
    for example in examples().into_iter().filter(|example| example != "sentence") {
        let files = sources(&journey_tests::root().join("examples").join(&example)).into_iter();
        let files = files.map(|(path, bytes)| File { path, bytes: bytes.into() }).collect();
        let compiled = compile(&Project { files, lone: false });
        let bundle = compiled.bundle.unwrap_or_else(|| panic!("{example}: {:?}", compiled.diagnostics));
        let (keys, address) = (Keys::new([[7; 32]]).unwrap(), format!("https://t.{example}.example"));
        let links = if tracked { Links::tracked(&address, keys) } else { Links::untracked(keys).at(&address) }.unwrap();
        for message in bundle.messages.iter().filter(|message| message.channel == Channel::Email) {
            let locals = compiled.locals.get(&(message.channel, message.name.clone())).map_or(&[][..], Vec::as_slice);
            for variant in &message.variants {
                let alone = Message { variants: vec![variant.clone()], ..message.clone() };
                let number = u32::try_from(mails.len()).unwrap();
                let language = variant.language.as_deref();
                let at = Instant(1_772_442_000_000);
                let guise = Guise { contact: None, locals, language, to: "ada@example.com", at, number };
                let outgoing = outgoing(&bundle, &alone, &guise);
                let only = journey_bytecode::Bundle { messages: vec![alone], programs: Vec::new(), ..bundle.clone() };
                let rendered = Renderer::new(&only, links.clone()).unwrap().render(&outgoing).unwrap();
                mails.push((format!("{example}/{}", variant.source), rendered));
            }
        }
    }
    assert!(mails.len() > 40, "mails are missing: {}", mails.len());
    mails
}

/// As they arrive over SMTP, signed.
async fn arrived(mails: &[(String, Rendered)]) -> Vec<Vec<u8>> {
    let sink = Sink::accepting();
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys/rsa.pem");
    let dkim = Dkim::new("example.com").unwrap().with_key("mail", &Secret::document(&key).unwrap()).unwrap();
    let settings = SmtpSettings::parse(&format!("smtp://{}", sink.address)).unwrap().with_dkim(dkim);
    let rendered: Vec<Rendered> = mails.iter().map(|(_, rendered)| rendered.clone()).collect();
    // One after the other, so that they arrive in this order.
    let transport = SmtpTransport::new(settings.with_connections(1)).unwrap();
    for ((name, _), verdict) in mails.iter().zip(transport.deliver(&rendered).await) {
        assert!(matches!(verdict, Verdict::Delivered { .. }), "{name}: {verdict:?}");
    }
    sink.accepted().iter().map(|mail| mail.data.clone()).collect()
}

/// The score of each mail, by its Message-ID, and what SpamAssassin found in it; of what has no Message-ID under an empty one.
fn scores(program: &Path, mails: &[Vec<u8>]) -> BTreeMap<String, (f64, String)> {
    let begin = "From journey@localhost Mon Mar  2 10:00:00 2026\n";
    let mut mailbox = Vec::new();
    for mail in mails {
        mailbox.extend_from_slice(begin.as_bytes());
        mailbox.extend(mail.iter().filter(|byte| **byte != b'\r'));
        mailbox.push(b'\n');
    }
    let home = tempfile::tempdir().unwrap();
    let mut judge = std::process::Command::new(program)
        // Nothing is asked of others, and nothing learnt from one mail for the next.
        .args(["--local", "--nocreate-prefs", "--cf", "use_bayes 0", "--cf", "report_safe 0", "--mbox"])
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = judge.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&mailbox));
    let judged = judge.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let judged = String::from_utf8_lossy(&judged.stdout).replace("\n\t", " ");
    let mut scores = BTreeMap::new();
    for mail in judged.split("From journey@localhost ").skip(1) {
        let verdict = mail.lines().find(|line| line.starts_with("X-Spam-Status: ")).unwrap_or_else(|| panic!("{mail}"));
        let score = verdict.split_once("score=").and_then(|(_, rest)| rest.split(' ').next());
        let score = score.and_then(|score| score.parse().ok()).unwrap_or_else(|| panic!("{verdict}"));
        scores.insert(id(mail), (score, verdict.to_owned()));
    }
    assert_eq!(scores.len(), mails.len(), "{judged}");
    scores
}

fn id(mail: &str) -> String {
    let line = mail.lines().find(|line| line.starts_with("Message-ID: "));
    line.unwrap_or_default().trim_end().to_owned()
}

#[tokio::test]
async fn none_looks_like_spam() {
    let Some(program) = foreign::program("spamassassin") else { return };
    for (tracked, limit) in [(false, HARMLESS), (true, HARMLESS_WITH_PICTURE)] {
        let mails = mails(tracked);
        let mut arrived = arrived(&mails).await;
        arrived.push(SPAM.into());
        let scores = scores(&program, &arrived);
        let (spam, verdict) = &scores[""];
        assert!(*spam > HARMLESS_WITH_PICTURE, "it takes anything: {verdict}");
        let wrong: Vec<String> = (mails.iter().zip(&arrived))
            .map(|((name, _), mail)| (name, &scores[&id(&String::from_utf8_lossy(mail))]))
            .filter(|(_, (score, _))| *score >= limit)
            .map(|(name, (_, verdict))| format!("{name}: {verdict}"))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_validator_finds_no_error_in_their_html() {
    let Some(mut checker) = foreign::html_checker() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (place, (name, rendered)) in mails(true).iter().enumerate() {
        let Content::Mail(mail) = &rendered.content else { panic!("{name}") };
        let Some(html) = &mail.html else { continue };
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        std::fs::write(folder.path().join(format!("{place:02}-{name}.html")), html).unwrap();
    }
    // What it has to find: whoever overlooks this validates nothing.
    std::fs::write(folder.path().join("wrong.html"), "<!doctype html><title>x</title><p><b>never closed").unwrap();
    let found = checker.args(["--errors-only", "--format", "gnu", "--filterpattern", OUTLOOKS_OWN]).arg(folder.path());
    let found = found.output().unwrap();
    let found = String::from_utf8_lossy(&found.stderr).into_owned();
    let (wrong, others): (Vec<&str>, Vec<&str>) = found.lines().partition(|line| line.contains("/wrong.html"));
    assert!(!wrong.is_empty(), "it finds nothing at all");
    assert!(others.is_empty(), "{}", others.join("\n"));
}
