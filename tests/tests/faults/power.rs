//! What a power failure may leave of the database, made of what the server did to it.
//!
//! What was synced is there. Of what was not, anything may be there or not, and a write to a part. So each moment has many
//! outcomes; of each chosen one we look at three: nothing of it, all of it, and a part at random.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use journey_bytecode::Instant;
use journey_runtime::store::{SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::project::{Project, walk};
use journey_tests::random::Random;
use journey_tests::sink::Sink;
use journey_tests::{free_port, http};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::database;
use crate::trace::{self, Event, File, Reader};

/// What a disk writes at once, or not at all.
const SECTOR: usize = 512;

/// How many clients send at the same time, so that their commits are shared.
const CLIENTS: usize = 3;

/// One in so many contacts is erased, which folds the log into the database, and cuts it off.
const ERASED: usize = 9;

/// One in so many images is served by the real binary.
const SERVED: usize = 100;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    /// Writes, cuts and names.
    changes: usize,
    syncs: usize,
    /// Ids that were acknowledged, contacts among them.
    acknowledged: usize,
    /// Mails that left.
    mailed: usize,
    images: usize,
    served: usize,
    /// Images that SQLite or we find damaged.
    corrupt: usize,
    /// Images in which something is missing that was acknowledged, or a mail counts as not sent that had left.
    losing: usize,
    examples: Vec<String>,
}

impl Sum {
    /// Fails unless nothing was lost, and enough was there that could have been.
    pub(crate) fn holds_good(&self) {
        assert!(self.corrupt == 0 && self.losing == 0, "{}\n{:#?}", self.told(), self.examples);
        let Self { acknowledged, mailed, syncs, images, served, .. } = self;
        let enough = *acknowledged > 50 && *mailed > 10 && *syncs > 20 && *images > 100 && *served > 0;
        assert!(enough, "too little: {}", self.told());
    }

    /// In a line.
    pub(crate) fn told(&self) -> String {
        let Self { changes, syncs, acknowledged, mailed, images, served, corrupt, losing, .. } = self;
        format!(
            "power failures: {changes} changes of the disk, {syncs} syncs, {acknowledged} ids acknowledged, {mailed} mails sent; \
             {images} images, {served} of them served; {corrupt} corrupt, {losing} that lose what was acknowledged or sent"
        )
    }
}

/// Runs a server that is asked so often, in three lives, and looks at what a power failure would have left at so many moments.
pub(crate) fn fails(strace: &Path, requests: usize, moments: usize, random: &mut Random) -> Sum {
    let sink = Sink::accepting();
    let project = walk(&format!("smtp = \"{}\"", sink.url()));
    let mut reader = Reader::new(project.path());
    for life in 0..3 {
        let notes = project.path().join("notes");
        let address = format!("127.0.0.1:{}", free_port());
        let traced = trace::tracing(strace, &notes);
        let server = Server::start_under(traced, project.path(), &address)
            .unwrap_or_else(|(status, log)| panic!("it stopped with {status}:\n{log}"));
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let address = &address;
                scope.spawn(move || feed(address, life, client, requests / 3 / CLIENTS));
            }
        });
        // The second life ends without a goodbye, so that the third finds a log to recover.
        if life == 1 {
            server.kill();
        } else {
            let (status, log) = server.terminate();
            assert!(status.success(), "{status}: {log}");
        }
        reader.read(&std::fs::read_to_string(&notes).unwrap());
    }
    look(&reader.events, moments, random)
}

/// Contacts come, begin and ping, several lines in a request; a few are forgotten.
fn feed(address: &str, life: usize, client: usize, requests: usize) {
    let acknowledged = |answer: http::Answer| assert_eq!(answer.status, 202, "{}", answer.text());
    let post = |path, body: &str| http::post(address, path, "application/x-ndjson", body.as_bytes()).unwrap();
    for n in 0..requests.div_ceil(3) {
        let contact = format!("c{life}-{client}-{n}");
        // A contact that is forgotten must not be missed.
        let erased = n % ERASED == ERASED - 1;
        let id = if erased { "gone" } else { "e" };
        let contact = if erased { contact.replace('c', "gone") } else { contact };
        let attributes = format!(r#"{{"email":"{contact}@walk.example"}}"#);
        acknowledged(post("/v1/contacts", &format!(r#"{{"id":"{contact}","attributes":{attributes}}}"#)));
        acknowledged(post(
            "/v1/events",
            &format!(r#"{{"id":"{id}-{contact}-begun","contact":"{contact}","tag":"begun"}}"#),
        ));
        let ping = |k| {
            format!(r#"{{"id":"{id}-{contact}-{k}","contact":"{contact}","event":"ping","data":{{"n":{k}}}}}"#) + "\n"
        };
        acknowledged(post("/v1/events", &(0..3).map(ping).collect::<String>()));
        if erased {
            let answer = http::request(address, "DELETE", &format!("/v1/contacts/{contact}"), &[], b"").unwrap();
            assert!(answer.status < 300, "{} {}", answer.status, answer.text());
        }
    }
}

/// The disk: what is on it for sure, and what was done to it since.
#[derive(Clone, Default)]
struct Disk {
    names: BTreeMap<String, File>,
    files: BTreeMap<File, Vec<u8>>,
    /// With the numbers of their events.
    since: Vec<(usize, Event)>,
}

impl Disk {
    fn hear(&mut self, number: usize, event: &Event) {
        match event {
            Event::Synced(file, began) => self.settle(|at, event| at < *began && of_file(event) == Some(*file)),
            Event::FolderSynced(began) => self.settle(|at, event| at < *began && of_file(event).is_none()),
            Event::Acknowledged(_) | Event::Mailed(..) => {}
            event => self.since.push((number, event.clone())),
        }
    }

    /// Puts on disk what is meant.
    fn settle(&mut self, meant: impl Fn(usize, &Event) -> bool) {
        let (done, open) = std::mem::take(&mut self.since).into_iter().partition(|(at, event)| meant(*at, event));
        self.since = open;
        let done: Vec<(usize, Event)> = done;
        done.iter().for_each(|(_, event)| self.take(event, 0..usize::MAX));
    }

    /// Takes a change; of a write only a range of its bytes.
    fn take(&mut self, event: &Event, range: std::ops::Range<usize>) {
        match event {
            Event::Named(name, file) => _ = self.names.insert(name.clone(), *file),
            Event::Unnamed(name) => _ = self.names.remove(name),
            Event::Written(file, at, bytes) => {
                let bytes = &bytes[range.start.min(bytes.len())..range.end.min(bytes.len())];
                let (content, at) = (self.files.entry(*file).or_default(), at + range.start);
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                content[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Event::Cut(file, length) => self.files.entry(*file).or_default().resize(*length, 0),
            Event::Synced(..) | Event::FolderSynced(_) | Event::Acknowledged(_) | Event::Mailed(..) => {}
        }
    }

    /// What may be there after a power failure: nothing of what was not synced, all, or a part.
    fn outcomes(&self, random: &mut Random) -> [Self; 3] {
        let mut all = self.clone();
        let mut part = self.clone();
        for (_, event) in &self.since {
            all.take(event, 0..usize::MAX);
            let length = if let Event::Written(_, _, bytes) = event { bytes.len() } else { 0 };
            match random.below(4) {
                0 | 1 => part.take(event, 0..usize::MAX),
                2 => {}
                _ if length <= SECTOR => {}
                _ => {
                    let cut = SECTOR * (1 + random.below(length / SECTOR));
                    part.take(event, if random.below(2) == 0 { 0..cut } else { cut..length });
                }
            }
        }
        [self.clone(), all, part]
    }

    fn write(&self, folder: &Path) {
        for (name, file) in &self.names {
            let content = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
            std::fs::write(folder.join(name), content).unwrap();
        }
    }
}

fn of_file(event: &Event) -> Option<File> {
    match event {
        Event::Written(file, ..) | Event::Cut(file, _) => Some(*file),
        _ => None,
    }
}

/// Looks at so many moments: a half of them right after an acknowledgement, or when a mail has left.
fn look(events: &[Event], moments: usize, random: &mut Random) -> Sum {
    let is_promise = |number: &usize| matches!(events[*number], Event::Acknowledged(_) | Event::Mailed(..));
    let answers: Vec<usize> = (0..events.len()).filter(is_promise).collect();
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    if moments >= events.len() {
        chosen.extend(0..events.len());
    } else {
        chosen.extend((0..moments.div_ceil(2)).map(|_| answers[random.below(answers.len())]));
        chosen.extend((0..moments / 2).map(|_| random.below(events.len())));
    }
    let mut sum = Sum::default();
    let (mut disk, mut acknowledged, mut mailed) = (Disk::default(), BTreeSet::new(), BTreeSet::new());
    for (number, event) in events.iter().enumerate() {
        disk.hear(number, event);
        match event {
            Event::Acknowledged(ids) => acknowledged.extend(ids.iter().filter(|id| !id.starts_with("gone")).cloned()),
            Event::Mailed(contact, number) if !contact.starts_with("gone") => {
                mailed.insert((contact.clone(), *number));
            }
            Event::Mailed(..) => {}
            Event::Synced(..) | Event::FolderSynced(_) => sum.syncs += 1,
            _ => sum.changes += 1,
        }
        if chosen.contains(&number) {
            for (outcome, name) in disk.outcomes(random).iter().zip(["nothing", "all", "a part"]) {
                sum.images += 1;
                let served = sum.images.is_multiple_of(SERVED);
                sum.served += usize::from(served);
                let place = format!("after event {number} with {name} of {} changes", disk.since.len());
                let missing = judge(outcome, &acknowledged, served);
                match missing.and_then(|missing| Ok([missing, unsent(outcome, &mailed)?].concat())) {
                    Ok(missing) if missing.is_empty() => continue,
                    Ok(missing) => {
                        sum.losing += 1;
                        sum.examples.push(format!("{place}: {missing:?} are missing"));
                    }
                    Err(cause) => {
                        sum.corrupt += 1;
                        sum.examples.push(format!("{place}: {cause}"));
                    }
                }
                sum.examples.truncate(10);
            }
        }
    }
    (sum.acknowledged, sum.mailed) = (acknowledged.len(), mailed.len());
    sum
}

/// What is missing of an image, though it was acknowledged; an error if it is damaged.
fn judge(image: &Disk, acknowledged: &BTreeSet<String>, served: bool) -> Result<Vec<String>, String> {
    let project: Project = walk("");
    image.write(project.path());
    let file = project.path().join("journey.db");
    if served {
        let (status, log) = Server::start(project.path()).terminate();
        if !status.success() {
            return Err(format!("it is not served: {log}"));
        }
    }
    database::blocking(async {
        let store = SqliteStore::open(&file).await.map_err(|error| error.to_string())?;
        store.counts().await.map_err(|error| error.to_string())?;
        store.close().await;
        database::is_whole(&file).await?;
        let told = |error: sqlx::Error| error.to_string();
        let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.map_err(told)?;
        let there = "SELECT key FROM contacts UNION ALL SELECT id FROM inputs WHERE id IS NOT NULL";
        let there: Vec<String> = sqlx::query_scalar(there).fetch_all(&mut connection).await.map_err(told)?;
        connection.close().await.map_err(told)?;
        let there: BTreeSet<String> = there.into_iter().collect();
        Ok(acknowledged.difference(&there).cloned().collect())
    })
}

/// Which mails of an image count as not sent, though they had left.
fn unsent(image: &Disk, mailed: &BTreeSet<(String, u32)>) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    image.write(folder.path());
    let file = folder.path().join("journey.db");
    // The image lies on the machine that made it: a mark says that what was written last may be lost, as another boot would.
    std::fs::write(folder.path().join("journey.db.lock"), "?").unwrap();
    database::blocking(async {
        let store = SqliteStore::open(&file).await.map_err(|error| error.to_string())?;
        let again = store.take_over(Instant(0)).await.map_err(|error| error.to_string())?.again;
        store.close().await;
        let told = |error: sqlx::Error| error.to_string();
        let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.map_err(told)?;
        let done = "SELECT c.key, c.id, d.number FROM contacts c LEFT JOIN deliveries d ON d.contact = c.id";
        let done: Vec<(String, i64, Option<u32>)> =
            sqlx::query_as(done).fetch_all(&mut connection).await.map_err(told)?;
        connection.close().await.map_err(told)?;
        let ids: BTreeMap<i64, &String> = done.iter().map(|(key, id, _)| (*id, key)).collect();
        let again = again.iter().filter_map(|id| Some(((*ids.get(&id.contact.0)?).clone(), id.number)));
        let known = done.iter().filter_map(|(key, _, number)| Some((key.clone(), (*number)?))).chain(again);
        let known: BTreeSet<(String, u32)> = known.collect();
        Ok(mailed.difference(&known).map(|(contact, number)| format!("mail {number} of {contact}")).collect())
    })
}
