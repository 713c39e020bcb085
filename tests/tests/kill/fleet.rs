//! Workers on one database, fed with contacts while something happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use journey_runtime::store::{AnyStore, Database, Kept, Store};
use journey_tests::binary::Server;
use journey_tests::project::{Project, walk};
use journey_tests::random::Random;
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{free_port, http};

use crate::figures::{Figures, look_at_contacts, look_at_mails};

/// Contacts in one request.
const BATCH: usize = 50;
/// The pings that each contact sends, counted by a journey of their own.
pub(crate) const PINGS: usize = 2;
/// One in so many contacts unsubscribes soon after it came.
const LEAVES: usize = 10;

/// How long a worker is frozen: longer than PostgreSQL bears a silent session.
const FROZEN: Duration = Duration::from_secs(8);

/// How long after the last blow all must be done, at least; and for each contact.
const PATIENCE: Duration = Duration::from_secs(180);
const PATIENCE_EACH: Duration = Duration::from_millis(20);

/// How much is done.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) contacts: usize,
    /// How often something is killed, stopped or crashed.
    pub(crate) blows: usize,
    /// Whether messages that may have arrived are held, so that nobody gets one twice.
    pub(crate) hold: bool,
}

impl Size {
    /// How many mails come: two to everybody, and a third unless the contact unsubscribes.
    pub(crate) fn mails(&self) -> usize {
        2 * self.contacts + (0..self.contacts).filter(|n| !leaves(*n)).count()
    }
}

/// The id of a contact.
pub(crate) fn id(number: usize) -> String {
    format!("c{number:06}")
}

/// Whether a contact unsubscribes.
pub(crate) const fn leaves(number: usize) -> bool {
    number.is_multiple_of(LEAVES)
}

/// Beside the walk's two messages, a second apart, a third one of a topic.
const LETTER: &str = r#"
topic news "News"

journey letter {
  on tag begun
  reenter never
  topic news
  wait 2s
  send email third
  end
}
"#;

fn project(smtp: &str, hold: bool) -> Project {
    let rule = if hold { "hold" } else { "resend" };
    let project = walk(&format!(
        "smtp = \"{smtp}\"\n\n[track]\nbase_url = \"https://t.walk.example\"\n\n\
         [outbox]\ntransactional = \"{rule}\"\nmarketing = \"{rule}\"\n"
    ));
    project.write("journeys/letter.journey", LETTER);
    project.write(
        "messages/third.email.txt",
        "---\nsubject: Third for {{ email }}\n---\nOne more step.\n[Unsubscribe]({{ unsubscribe_url }})\n",
    );
    project
}

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Acknowledged {
    /// How many inputs.
    pub(crate) inputs: usize,
    /// How many requests had to be sent again.
    pub(crate) repeated: usize,
    /// Since when a contact wants no more, by mail address.
    pub(crate) left: BTreeMap<String, Instant>,
}

/// Sends a request again and again, to one worker after the other, until it is acknowledged; says how often it was not.
fn until_acknowledged(addresses: &[String], path: &str, body: &str) -> usize {
    let start = Instant::now();
    let mut failures = 0;
    while start.elapsed() < Duration::from_secs(120) {
        let address = &addresses[failures % addresses.len()];
        match http::post(address, path, "application/x-ndjson", body.as_bytes()) {
            Ok(answer) if answer.status < 300 => {
                assert!(answer.text().contains("\"refused\":[]"), "{path}: {}", answer.text());
                return failures;
            }
            // The database may be away for a moment.
            Ok(answer) if answer.status == 503 => failures += 1,
            Ok(answer) => panic!("{path}: {} {}", answer.status, answer.text()),
            Err(_) => failures += 1,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{path} is not acknowledged");
}

/// Sends all contacts and what happens to them, a part of it between any two blows.
fn feed(mut addresses: Vec<String>, size: Size, blows: &AtomicUsize) -> Acknowledged {
    let mut acknowledged = Acknowledged::default();
    let batches = size.contacts.div_ceil(BATCH);
    for batch in 0..batches {
        while blows.load(Ordering::SeqCst) * batches < batch * size.blows {
            std::thread::sleep(Duration::from_millis(1));
        }
        let contacts = || batch * BATCH..size.contacts.min((batch + 1) * BATCH);
        // What happens to one contact is told to several workers.
        let mut send = |path: &str, line: &dyn Fn(usize) -> Option<String>| {
            let lines: Vec<String> = contacts().filter_map(line).collect();
            if !lines.is_empty() {
                acknowledged.inputs += lines.len();
                acknowledged.repeated += until_acknowledged(&addresses, path, &(lines.join("\n") + "\n"));
                addresses.rotate_left(1);
            }
        };
        let event = |n: usize, name: &str, what: &str| {
            let id = id(n);
            Some(format!("{{\"id\":\"{id}-{name}\",\"contact\":\"{id}\",{what}}}"))
        };
        send("/v1/contacts", &|n| {
            let id = id(n);
            Some(format!("{{\"id\":\"{id}\",\"attributes\":{{\"email\":\"{id}@walk.example\"}}}}"))
        });
        send("/v1/events", &|n| event(n, "tag", "\"tag\":\"begun\""));
        for ping in 0..PINGS {
            let what = format!("\"event\":\"ping\",\"data\":{{\"n\":{ping}}}");
            send("/v1/events", &|n| event(n, &format!("ping{ping}"), &what));
        }
        send("/v1/events", &|n| event(n, "leaves", "\"unsubscribed\":\"news\"").filter(|_| leaves(n)));
        let now = Instant::now();
        let left = contacts().filter(|n| leaves(*n)).map(|n| (format!("{}@walk.example", id(n)), now));
        acknowledged.left.extend(left);
    }
    acknowledged
}

/// A mail server: between its taking a mail and its saying so lie up to 4 ms, the gap that a blow may hit.
fn slow_sink() -> Sink {
    Sink::scripted(|attempt| {
        let spread = attempt.data.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        Verdict::AcceptAfter(Duration::from_micros(spread % 4000))
    })
}

/// Workers on one database.
pub(crate) struct Fleet {
    pub(crate) sink: Sink,
    project: Project,
    /// The address of a PostgreSQL; without, one worker has a SQLite of its own.
    database: Option<String>,
    addresses: Vec<String>,
    workers: Vec<Server>,
    size: Size,
    /// How many connections to the mail server may have been cut.
    pub(crate) cut: usize,
    /// Whether a cut connection explains more than one copy: a worker that comes back meets those who took over.
    pub(crate) shared: bool,
}

impl Fleet {
    pub(crate) fn start(workers: usize, database: Option<String>, size: Size) -> Self {
        let sink = slow_sink();
        let project = project(&sink.url(), size.hold);
        let addresses: Vec<String> = (0..workers).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let mut fleet = Self { sink, project, database, addresses, workers: Vec::new(), size, cut: 0, shared: false };
        fleet.workers = (0..workers).map(|worker| fleet.worker(worker)).collect();
        fleet
    }

    fn worker(&self, number: usize) -> Server {
        let environment: Vec<_> = self.database.iter().map(|url| ("DATABASE_URL", url.as_str())).collect();
        Server::start_at(self.project.path(), &self.addresses[number], &environment)
    }

    /// Kills a worker and starts it again.
    pub(crate) fn kill(&mut self, number: usize) {
        self.cut += self.sink.open_connections();
        self.workers.remove(number).kill();
        let again = self.worker(number);
        self.workers.insert(number, again);
    }

    /// Stops a worker in whatever it does, and lets it go on later.
    pub(crate) fn freeze(&mut self, number: usize) {
        let pid = self.workers[number].pid();
        signal(pid, "STOP");
        // One mail on the wire, and one announced, a connection of the frozen worker.
        self.cut += 2 * self.sink.open_connections();
        std::thread::sleep(FROZEN);
        signal(pid, "CONT");
    }

    fn database(&self) -> Database {
        match &self.database {
            Some(url) => Database::parse(url).unwrap(),
            None => self.project.path().join("journey.db").into(),
        }
    }

    /// The messages that are held: recipient and message.
    fn held(&self) -> BTreeSet<(String, String)> {
        if !self.size.hold {
            return BTreeSet::new();
        }
        let kept = blocking(async {
            let store = AnyStore::beside(&self.database()).await.unwrap();
            store.outbox(Kept::Held, usize::MAX).await.unwrap()
        });
        kept.into_iter().map(|kept| (kept.outgoing.to.to_string(), kept.outgoing.message.to_string())).collect()
    }

    /// What the database still holds, for whoever looks for what is missing.
    fn standing(&self) -> String {
        blocking(async {
            let store = AnyStore::beside(&self.database()).await.unwrap();
            let mut told = format!("{:?}", store.counts().await.unwrap());
            for kind in Kept::ALL {
                let kept = store.outbox(kind, 5).await.unwrap();
                let kept: Vec<_> = kept.iter().map(|kept| (kept.outgoing.id, kept.attempts, kept.at)).collect();
                told.push_str(&format!("; {}: {kept:?}", kind.name()));
            }
            told
        })
    }

    /// Whether all that was accepted is applied, and nothing but what is held is in the outbox.
    fn is_done(&self, held: usize) -> bool {
        let counts = blocking(async { AnyStore::beside(&self.database()).await.ok()?.counts().await.ok() });
        counts.is_some_and(|counts| counts.pending == 0 && counts.queued == held as u64)
    }

    /// Feeds the fleet while the blows fall, waits until all is done, and looks at what became of it.
    pub(crate) fn run(mut self, name: &str, mut blow: impl FnMut(&mut Self, &mut Random)) -> Figures {
        let mut random = Random::seeded(name);
        let (size, start) = (self.size, Instant::now());
        let blows = Arc::new(AtomicUsize::new(0));
        let feeder = {
            let (addresses, blows) = (self.addresses.clone(), Arc::clone(&blows));
            std::thread::spawn(move || feed(addresses, size, &blows))
        };
        for _ in 0..size.blows {
            std::thread::sleep(Duration::from_millis(random.within(150..900)));
            blow(&mut self, &mut random);
            blows.fetch_add(1, Ordering::SeqCst);
        }
        let acknowledged = feeder.join().expect("the feeder ends");

        // What was decided before a blow is sent after it: in the end each contact has all its mails, but for those held.
        let everybody = size.mails();
        let patience = PATIENCE + PATIENCE_EACH * u32::try_from(size.contacts).unwrap();
        let (fed, mut seen) = (Instant::now(), None);
        loop {
            let there = self.sink.distinct();
            let held = self.held().len();
            let done = there + held >= everybody && self.is_done(held);
            // Twice the same, three seconds apart: no run waits longer, and a third mail or a copy that no blow explains
            // would have come.
            if done && seen == Some(self.sink.count()) {
                break;
            }
            seen = done.then(|| self.sink.count());
            if fed.elapsed() > patience {
                eprintln!("{name}: not done after {patience:?}: {}", self.standing());
                break;
            }
            std::thread::sleep(if done { Duration::from_secs(3) } else { Duration::from_millis(200) });
        }
        for worker in self.workers.drain(..) {
            let (status, log) = worker.terminate();
            assert!(status.success(), "{status}: {log}");
        }
        let mut figures = Figures::of(name, size, &acknowledged);
        (figures.cut, figures.shared) = (self.cut, self.shared);
        let held = self.held();
        look_at_mails(&mut figures, &self.sink.accepted(), size, &held, &acknowledged);
        blocking(look_at_contacts(&mut figures, &self.database(), size));
        figures.seconds = start.elapsed().as_secs_f64();
        eprintln!("{}", figures.told());
        figures
    }
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}
