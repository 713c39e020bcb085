//! Servers whose disk fails once, at a chosen call, and what became of all that they had acknowledged.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use journey_runtime::store::{AnyStore, Database, Store};
use journey_tests::binary::Server;
use journey_tests::project::{Project, walk};
use journey_tests::{free_port, http, wait_until};

use crate::database;

/// How the disk fails.
pub(crate) struct Fault {
    name: &'static str,
    /// The system calls that fail.
    calls: &'static str,
    error: &'static str,
    /// Whether all later ones fail too.
    lasts: bool,
    /// So many calls make one step further: a commit writes more often than it syncs.
    stride: usize,
}

/// How many writes a commit takes, about.
const WRITES: usize = 11;

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "EIO at one sync", calls: "fdatasync,fsync", error: "EIO", lasts: false, stride: 1 },
    Fault { name: "ENOSPC at one write", calls: "pwrite64", error: "ENOSPC", lasts: false, stride: WRITES },
    Fault { name: "ENOSPC from a write on", calls: "pwrite64", error: "ENOSPC", lasts: true, stride: WRITES },
];

/// How many contacts take turns.
const CONTACTS: usize = 7;

/// After so many requests a contact is made and forgotten.
const FORGOTTEN: usize = 11;

/// How many requests come before a fault that does not come.
const PATIENCE: usize = 2_000;

/// How many requests follow the first one that was not acknowledged.
const AFTERWARDS: usize = 20;

/// What came of many faults of one kind.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    faults: usize,
    /// How many hit the start, a commit, the folder.
    at_start: usize,
    at_work: usize,
    at_folder: usize,
    acknowledged: usize,
    /// Requests that were refused, and taken all the same: the commit's sync failed, and its bytes were there.
    taken_unsaid: usize,
}

impl Sum {
    /// In a line.
    pub(crate) fn told(&self, fault: &Fault) -> String {
        let (name, Self { faults, at_start, at_work, at_folder, acknowledged, taken_unsaid }) = (fault.name, self);
        format!(
            "{name}: {faults} faults ({at_start} at the start, {at_work} at work, {at_folder} at the folder), {acknowledged} \
             requests acknowledged, 0 of them lost and 0 after the fault; {taken_unsaid} taken without saying so"
        )
    }
}

/// A request, and whether it was acknowledged.
struct Sent {
    method: &'static str,
    path: String,
    body: String,
    acknowledged: bool,
    /// What it was answered otherwise, if it was.
    refusal: String,
}

impl Sent {
    fn send(address: &str, method: &'static str, path: &str, body: String) -> Result<Self, String> {
        let (acknowledged, refusal) = match ask(address, method, path, &body) {
            Ok(answer) if answer.status == 202 && !answer.text().contains(r#""error""#) => (true, String::new()),
            Ok(answer) if answer.status == 503 => (false, answer.text()),
            Ok(answer) => return Err(format!("{method} {path} {body}: {} {}", answer.status, answer.text())),
            Err(_) => (false, String::new()),
        };
        Ok(Self { method, path: path.to_owned(), body, acknowledged, refusal })
    }

    /// Whether it is an event of a contact that stays, which nothing but its id keeps from happening twice.
    fn is_event(&self) -> bool {
        self.path == "/v1/events"
    }
}

fn ask(address: &str, method: &str, path: &str, body: &str) -> io::Result<http::Answer> {
    http::request(address, method, path, &[("Content-Type", "application/json")], body.as_bytes())
}

/// Lives through one fault each, two at a time; an error says what was wrong with which.
pub(crate) fn lives(strace: &Path, fault: &Fault, numbers: &[usize]) -> Result<Sum, String> {
    let (next, sum) = (Mutex::new(numbers.iter()), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        let work = || -> Result<(), String> {
            loop {
                let Some(number) = next.lock().unwrap().next() else { return Ok(()) };
                let told = |cause| format!("{}, number {}: {cause}", fault.name, fault.stride * number);
                live(strace, fault, fault.stride * number, &sum).map_err(told)?;
            }
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().try_for_each(|worker| worker.join().unwrap())
    })?;
    Ok(sum.into_inner().unwrap())
}

/// One server, its fault, and its successor without.
fn live(strace: &Path, fault: &Fault, number: usize, sum: &Mutex<Sum>) -> Result<(), String> {
    let project = walk("");
    let (sent, injected) = until_it_fails(strace, fault, number, &project)?;
    let taken_unsaid = look(&project, &sent)?;
    let mut sum = sum.lock().unwrap();
    sum.faults += 1;
    match injected {
        Injected::Folder => sum.at_folder += 1,
        Injected::File if sent.is_empty() => sum.at_start += 1,
        Injected::File => sum.at_work += 1,
    }
    sum.acknowledged += sent.iter().filter(|sent| sent.acknowledged).count();
    sum.taken_unsaid += taken_unsaid;
    Ok(())
}

/// What the fault hit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Injected {
    File,
    Folder,
}

/// Feeds a server until the fault comes, and looks at how it ends.
fn until_it_fails(
    strace: &Path,
    fault: &Fault,
    number: usize,
    project: &Project,
) -> Result<(Vec<Sent>, Injected), String> {
    let trace = project.path().join("trace");
    let Fault { calls, error, lasts, .. } = fault;
    let from_on = if *lasts { "+" } else { "" };
    let mut traced = Command::new(strace);
    // -D: the server is our child, not strace's. Only what fails is written.
    traced.args(["-D", "-f", "--seccomp-bpf", "-qq", "-y", "-e", "status=failed", "-e"]).arg(format!("trace={calls}"));
    traced.arg("-e").arg(format!("inject={calls}:error={error}:when={number}{from_on}")).arg("-o").arg(&trace);
    let address = format!("127.0.0.1:{}", free_port());
    let (status, log, sent) = match Server::start_under(traced, project.path(), &address) {
        Err((status, log)) => (status, log, Vec::new()),
        Ok(server) => {
            let sent = feed(&address, &trace)?;
            let refused = sent.iter().any(|sent| !sent.acknowledged);
            let (status, log) = if refused { server.end() } else { server.terminate() };
            (status, log, sent)
        }
    };
    let Some(injected) = injected(&trace) else {
        return Err(format!("the fault never came: {status}\n{log}"));
    };
    // SQLite does not look at what became of its sync of a folder.
    if injected == Injected::Folder && status.success() {
        return Ok((sent, injected));
    }
    let says = ["the database failed (", "cannot be opened: "].iter().any(|words| log.contains(words));
    if status.code() != Some(2) || !says {
        return Err(format!("it ends with {status}, and says:\n{log}"));
    }
    Ok((sent, injected))
}

fn injected(trace: &Path) -> Option<Injected> {
    let text = std::fs::read_to_string(trace).unwrap_or_default();
    let first = text.lines().find(|line| line.contains("(INJECTED)"))?;
    Some(if first.contains("journey.db") { Injected::File } else { Injected::Folder })
}

/// One request after the other: contacts are made, told to begin, and ping; now and then another one is made and forgotten,
/// which folds the log into the database. Nothing is acknowledged after the first request that was not.
fn feed(address: &str, trace: &Path) -> Result<Vec<Sent>, String> {
    let mut sent: Vec<Sent> = Vec::new();
    let mut refused = 0;
    for n in 0..PATIENCE {
        let contact = n % CONTACTS;
        let made = |id: &str| format!(r#"{{"id":"{id}","attributes":{{"email":"{id}@walk.example"}}}}"#);
        let event = |what: &str| format!(r#"{{"id":"e{n}","contact":"c{contact}",{what}}}"#);
        let mut requests = vec![match n / CONTACTS {
            0 => ("POST", "/v1/contacts".to_owned(), made(&format!("c{contact}"))),
            1 => ("POST", "/v1/events".to_owned(), event(r#""tag":"begun""#)),
            _ => ("POST", "/v1/events".to_owned(), event(&format!(r#""event":"ping","data":{{"n":{n}}}"#))),
        }];
        if n % FORGOTTEN == FORGOTTEN - 1 {
            requests.push(("POST", "/v1/contacts".to_owned(), made(&format!("gone{n}"))));
            requests.push(("DELETE", format!("/v1/contacts/gone{n}"), String::new()));
        }
        for (method, path, body) in requests {
            // Whom the database does not know cannot be forgotten.
            if method == "DELETE" && refused > 0 {
                continue;
            }
            let request = Sent::send(address, method, &path, body)?;
            if request.acknowledged && refused > 0 {
                return Err(format!("{path} {} was acknowledged after the database had failed", request.body));
            }
            refused += usize::from(!request.acknowledged);
            sent.push(request);
        }
        // A folder's sync may fail unseen.
        if refused > AFTERWARDS || (n % 50 == 49 && injected(trace) == Some(Injected::Folder)) {
            break;
        }
    }
    Ok(sent)
}

/// Starts the server without faults. All that was acknowledged is there, everything that is sent again counts once, and the
/// file is whole. Says how much was there that was not acknowledged.
fn look(project: &Project, sent: &[Sent]) -> Result<usize, String> {
    let file: PathBuf = project.path().join("journey.db");
    let server = Server::start(project.path());
    let known = |contact: &str| http::get(&server.address, &format!("/v1/contacts/{contact}")).unwrap().status == 200;
    let forgotten: BTreeSet<&str> =
        sent.iter().filter(|sent| sent.method == "DELETE").filter_map(|sent| sent.path.rsplit('/').next()).collect();
    // Making a contact again would hide that it was lost.
    for Sent { path, body, .. } in sent.iter().filter(|sent| sent.acknowledged && !sent.is_event()) {
        let contact = body.split('"').nth(3).or_else(|| path.rsplit('/').next()).unwrap_or_default();
        if !forgotten.contains(contact) && !known(contact) {
            return Err(format!("{body} was acknowledged and is lost"));
        }
    }
    let mut taken_unsaid = 0;
    for request in sent.iter().filter(|sent| !sent.body.contains("gone")) {
        let Sent { method, path, body, acknowledged, refusal } = request;
        if *method == "DELETE" {
            wait_until("an erased contact is gone", Duration::from_secs(60), || {
                !acknowledged || !known(path.rsplit('/').next().unwrap_or_default())
            });
            continue;
        }
        let answer = ask(&server.address, method, path, body).unwrap();
        let was_there = answer.text().contains(r#""duplicates":1"#);
        if *acknowledged && request.is_event() && !was_there {
            return Err(format!("{body} was acknowledged and is lost: {}", answer.text()));
        }
        if was_there && refusal.contains("nothing was taken") {
            return Err(format!("{body} is there, and was answered with {refusal}"));
        }
        taken_unsaid += usize::from(was_there && !acknowledged);
    }
    wait_until("all is applied", Duration::from_secs(60), || database::blocking(is_applied(&file)));
    let (status, log) = server.terminate();
    if !status.success() {
        return Err(format!("without a fault it ends with {status}:\n{log}"));
    }
    let sent: Vec<&Sent> =
        sent.iter().filter(|sent| !sent.path.contains("gone") && !sent.body.contains("gone")).collect();
    let pings = |contact: usize| sent.iter().skip(2 * CONTACTS).skip(contact).step_by(CONTACTS).count();
    database::blocking(async {
        database::is_whole(&file).await?;
        let store = AnyStore::beside(&Database::Sqlite(file.clone())).await.map_err(|error| error.to_string())?;
        for contact in 0..CONTACTS.min(sent.len()) {
            let key = format!("c{contact}");
            let found = store.contact(&key).await.map_err(|error| error.to_string())?;
            let found = found.ok_or_else(|| format!("{key} is lost"))?;
            let counted = database::pings(&found);
            if counted != pings(contact) {
                return Err(format!("{key} has counted {counted} pings of {}", pings(contact)));
            }
        }
        Ok(taken_unsaid)
    })
}

async fn is_applied(file: &Path) -> bool {
    let Ok(store) = AnyStore::beside(&Database::Sqlite(file.to_owned())).await else { return false };
    store.counts().await.is_ok_and(|counts| counts.pending == 0)
}

/// SQLite does not look whether the sync of the folder failed, in which the names of its files stand. We do.
pub(crate) fn no_folder(strace: &Path) {
    let project = walk("");
    let mut traced = Command::new(strace);
    traced.args([
        "-D",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
        "inject=fdatasync,fsync:error=EIO",
        "-P",
    ]);
    traced.arg(project.path()).args(["-o", "/dev/null"]);
    let (status, log) = match Server::start_under(traced, project.path(), &format!("127.0.0.1:{}", free_port())) {
        Err(ended) => ended,
        Ok(server) => server.terminate(),
    };
    assert!(status.code() == Some(2) && log.contains("cannot be opened: "), "{status}: {log}");
}
