//! The session: messages are taken in order by one thread, which alone knows the documents. Requests are answered from
//! snapshots by a few others; projects are checked on one more, the latest state only, one at a time, as fast as it goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, Sender, select_biased, unbounded};
use gen_lsp_types as lsp;
use gen_lsp_types::{ErrorCodes, Notification as _, Request as _};
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::capabilities;
use crate::convert::Client;
use crate::documents::{Documents, Key};
use crate::pool::Pool;
use crate::progress::Progress;
use crate::requests::{self, About, Answer, Ask, LastTokens};
use crate::view::{Place, View};
use crate::{Disk, Ending};
use journey_ide::Snapshot;

/// What the protocol calls a request that the editor took back.
const REQUEST_CANCELLED: i32 = -32800;

const BUG: &str = "journey has a bug: checking failed; the server's log says where";

/// What the session waits for.
enum Event {
    Client(Message),
    /// The editor is gone.
    Gone,
    /// A project has been checked, after these documents changed; false if the checker panicked.
    Checked(View, BTreeSet<String>, bool),
    /// A request has been answered.
    Answered(RequestId, Answer),
}

/// What the checker has to do.
enum Job {
    /// To check a project, after these documents changed.
    Check(View, BTreeSet<String>),
    /// To put away a state that nobody needs any more.
    Forget(Snapshot),
}

/// Where the session is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    ShutDown,
}

/// Serves one editor until it leaves.
pub fn run(connection: Connection, disk: impl Disk) -> Ending {
    let Connection { sender, receiver } = connection;
    let (events, done) = unbounded();
    let (jobs, work) = unbounded();

    let checked = events.clone();
    thread::spawn(move || {
        // What it does on several cores it begins by itself: to wake a thread takes as long as to judge a page.
        let _others = rayon::ThreadPoolBuilder::new().use_current_thread().build();
        for job in work {
            match job {
                Job::Check(view, edited) => {
                    let done = catch_unwind(AssertUnwindSafe(|| {
                        view.snapshot.compilation();
                    }));
                    if checked.send(Event::Checked(view, edited, done.is_ok())).is_err() {
                        return;
                    }
                }
                Job::Forget(snapshot) => drop(snapshot),
            }
        }
    });

    let send = move |message: Message| {
        // If the editor does not listen any more, its going away is on its way to us.
        let _ = sender.send(message);
    };
    let session = Session {
        send: Box::new(send),
        phase: Phase::New,
        client: Arc::default(),
        documents: Documents::new(disk),
        events,
        pool: Pool::new(),
        pending: HashMap::new(),
        jobs,
        checking: false,
        published: BTreeMap::new(),
        told: BTreeMap::new(),
        last_tokens: Arc::new(Mutex::default()),
        progress: Progress::default(),
        requests: 0,
    };
    session.run(&Inbox { client: receiver, done })
}

/// What the session hears.
struct Inbox {
    client: Receiver<Message>,
    done: Receiver<Event>,
}

impl Inbox {
    /// What there is already.
    fn waiting(&self) -> Option<Event> {
        select_biased! {
            recv(self.done) -> event => event.ok(),
            recv(self.client) -> message => Some(message.map_or(Event::Gone, Event::Client)),
            default => None,
        }
    }

    /// What comes next.
    fn next(&self) -> Event {
        select_biased! {
            // The session itself can send, so this never ends.
            recv(self.done) -> event => event.unwrap_or(Event::Gone),
            recv(self.client) -> message => message.map_or(Event::Gone, Event::Client),
        }
    }
}

/// The answer to a request that we panicked over.
fn bug(method: &str) -> lsp_server::ResponseError {
    let message = format!("journey has a bug: `{method}` failed; the server's log says where");
    requests::error(ErrorCodes::InternalError, message)
}

struct Session<D> {
    send: Box<dyn Fn(Message)>,
    phase: Phase,
    client: Arc<Client>,
    documents: Documents<D>,
    events: Sender<Event>,
    pool: Pool,
    /// The requests that are not answered yet, and whether the editor still wants to know.
    pending: HashMap<RequestId, Arc<AtomicBool>>,
    jobs: Sender<Job>,
    /// Whether the other thread is at work.
    checking: bool,
    /// What the editor was last told of each file, by URI.
    published: BTreeMap<String, (Key, lsp::PublishDiagnosticsParams)>,
    /// The projects as the editor was last told of them.
    told: BTreeMap<Key, Snapshot>,
    last_tokens: LastTokens,
    progress: Progress,
    /// How many requests we sent.
    requests: i32,
}

impl<D: Disk> Session<D> {
    fn run(mut self, inbox: &Inbox) -> Ending {
        loop {
            // Checking starts when there is nothing left to read, so that a burst of edits costs one check.
            let event = inbox.waiting().unwrap_or_else(|| {
                if catch_unwind(AssertUnwindSafe(|| self.check())).is_err() {
                    self.show(lsp::MessageType::Error, BUG.to_owned());
                }
                inbox.next()
            });
            match event {
                Event::Gone => return Ending::Abrupt,
                Event::Checked(view, edited, done) => {
                    let told = catch_unwind(AssertUnwindSafe(|| self.checked(&view, &edited, done)));
                    if told.is_err() {
                        self.show(lsp::MessageType::Error, BUG.to_owned());
                    }
                }
                Event::Answered(id, answer) => self.answered(id, answer),
                Event::Client(Message::Notification(n)) if n.method == lsp::ExitNotification::METHOD.as_str() => {
                    return if self.phase == Phase::ShutDown { Ending::Asked } else { Ending::Abrupt };
                }
                Event::Client(Message::Notification(n)) => self.notification(n),
                Event::Client(Message::Request(request)) => self.request(request),
                Event::Client(Message::Response(response)) => self.response(response),
            }
        }
    }

    /// Takes a request, which is answered exactly once, whatever happens on the way.
    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        if self.pending.contains_key(&id) {
            return self.log(lsp::MessageType::Warning, format!("the request {id} came twice"));
        }
        self.pending.insert(id.clone(), Arc::default());
        let method = request.method.clone();
        let taken = catch_unwind(AssertUnwindSafe(|| self.take(request)));
        match taken {
            Ok(Some(answer)) => self.answered(id, answer),
            Ok(None) => {}
            Err(_) => self.answered(id, Err(bug(&method))),
        }
    }

    /// Answers a request at once, or hands it to the pool.
    fn take(&mut self, request: Request) -> Option<Answer> {
        let refuse = |code, message: &str| Some(Err(requests::error(code, message)));
        let initialize = request.method == lsp::InitializeRequest::METHOD.as_str();
        match self.phase {
            Phase::New if initialize => Some(self.initialize(&request.params)),
            Phase::New => refuse(ErrorCodes::ServerNotInitialized, "`initialize` comes first"),
            Phase::ShutDown => refuse(ErrorCodes::InvalidRequest, "the server is shutting down"),
            Phase::Running if initialize => refuse(ErrorCodes::InvalidRequest, "already initialized"),
            Phase::Running if request.method == lsp::ShutdownRequest::METHOD.as_str() => {
                self.phase = Phase::ShutDown;
                Some(Ok(Value::Null))
            }
            Phase::Running => match self.ask(&request) {
                Ok(ask) => {
                    self.hand_out(request, ask);
                    None
                }
                Err(error) => Some(Err(error)),
            },
        }
    }

    /// What a request can see, as things are now: later changes do not concern it.
    fn ask(&mut self, request: &Request) -> Result<Ask, lsp_server::ResponseError> {
        let (mut place, mut views) = match requests::about(request) {
            None => return Err(requests::unsupported(&request.method)),
            Some(About::Everything) => (None, self.documents.views(&self.client)),
            Some(About::File(uri)) => {
                let found = self.documents.find(&uri, &self.client);
                (found.map_err(|why| requests::error(ErrorCodes::InternalError, why))?, Vec::new())
            }
        };
        if requests::renames(request) {
            place = place.map(|Place { view, file }| Place { view: self.documents.with_data(view), file });
            views = views.into_iter().map(|view| self.documents.with_data(view)).collect();
        }
        Ok(Ask { place, views, last_tokens: Arc::clone(&self.last_tokens) })
    }

    fn hand_out(&self, request: Request, ask: Ask) {
        let (id, method) = (request.id.clone(), request.method.clone());
        let unwanted = self.pending.get(&id).cloned().unwrap_or_default();
        let events = self.events.clone();
        self.pool.run(move || {
            if unwanted.load(Ordering::Relaxed) {
                return;
            }
            let answer = catch_unwind(AssertUnwindSafe(|| requests::answer(request, &ask)));
            // If the session is over, nobody waits for the answer.
            let _ = events.send(Event::Answered(id, answer.unwrap_or_else(|_| Err(bug(&method)))));
        });
    }

    /// Answers a request unless it is answered already, because the editor took it back.
    fn answered(&mut self, id: RequestId, answer: Answer) {
        if self.pending.remove(&id).is_some() {
            (self.send)(Response { id, response_result: answer }.into());
        }
    }

    /// The editor does not want the answer any more.
    fn cancel(&mut self, params: &Value) {
        let id = match params.get("id") {
            Some(Value::Number(number)) => number.as_i64().and_then(|n| i32::try_from(n).ok()).map(RequestId::from),
            Some(Value::String(text)) => Some(RequestId::from(text.clone())),
            _ => None,
        };
        let Some(id) = id else { return };
        if let Some(unwanted) = self.pending.get(&id) {
            unwanted.store(true, Ordering::Relaxed);
            self.answered(id, Err(requests::error(ErrorCodes::from(REQUEST_CANCELLED), "cancelled")));
        }
    }

    fn initialize(&mut self, params: &Value) -> Answer {
        self.client = Arc::new(Client { preview: self.documents.preview(), ..Client::new(params) });
        self.phase = Phase::Running;
        let capabilities = capabilities::of(&self.client);
        let info = lsp::ServerInfo { name: "journey".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
        let result = lsp::InitializeResult { capabilities, server_info: Some(info) };
        serde_json::to_value(result).map_err(|e| requests::error(ErrorCodes::InternalError, e.to_string()))
    }

    fn notification(&mut self, notification: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        let method = notification.method.clone();
        if catch_unwind(AssertUnwindSafe(|| self.notified(notification))).is_err() {
            self.log(lsp::MessageType::Error, format!("journey has a bug: `{method}` failed"));
        }
    }

    fn notified(&mut self, notification: Notification) {
        use lsp::LspNotificationMethod as Method;
        let params = notification.params;
        match Method::from(notification.method.as_str()) {
            Method::TextDocumentDidOpen => self.with(params, |session, p: lsp::DidOpenTextDocumentParams| {
                let lsp::TextDocumentItem { uri, language_id, version, text } = p.text_document;
                let is_journey = language_id.to_string() == "journey";
                session.documents.open(uri.0, version, text, is_journey);
            }),
            Method::TextDocumentDidChange => self.with(params, |session, p: lsp::DidChangeTextDocumentParams| {
                let lsp::VersionedTextDocumentIdentifier { version, text_document_identifier } = p.text_document;
                let uri = text_document_identifier.uri.0;
                if !session.documents.edit(&uri, version, p.content_changes, session.client.encoding) {
                    session.log(lsp::MessageType::Warning, format!("`{uri}` was changed and is not open"));
                }
            }),
            Method::TextDocumentDidClose => self.with(params, |session, p: lsp::DidCloseTextDocumentParams| {
                session.documents.close(&p.text_document.uri.0);
                session.take_back();
            }),
            Method::TextDocumentDidSave | Method::WorkspaceDidChangeWatchedFiles | Method::WorkspaceDidRenameFiles => {
                self.documents.refresh();
                self.take_back();
            }
            Method::WorkspaceDidChangeWorkspaceFolders => {
                self.with(params, |session, p: lsp::DidChangeWorkspaceFoldersParams| {
                    p.event.removed.iter().for_each(|folder| session.documents.remove_folder(&folder.uri.0));
                    p.event.added.iter().for_each(|folder| session.documents.add_folder(&folder.uri.0));
                    session.take_back();
                });
            }
            Method::Initialized => {
                if self.client.watches {
                    self.watch_files();
                }
                let client = Arc::clone(&self.client);
                client.folders.iter().for_each(|folder| self.documents.add_folder(folder));
            }
            Method::CancelRequest => self.cancel(&params),
            _ => {}
        }
    }

    fn with<P: DeserializeOwned>(&mut self, params: Value, then: impl FnOnce(&mut Self, P)) {
        match serde_json::from_value(params) {
            Ok(params) => then(self, params),
            Err(error) => self.log(lsp::MessageType::Warning, format!("a notification makes no sense: {error}")),
        }
    }

    fn response(&mut self, response: Response) {
        let granted = response.response_result.is_ok();
        if let Some(message) = self.progress.answered(&response.id, granted) {
            (self.send)(message);
        }
        if let Err(error) = response.response_result {
            self.log(lsp::MessageType::Warning, format!("the editor refused a request: {}", error.message));
        }
    }

    /// Hands the next changed project to the other thread.
    fn check(&mut self) {
        if self.checking {
            return;
        }
        while let Some((key, edited)) = self.documents.next_unchecked() {
            match self.documents.view(&key, &self.client) {
                Ok(view) => {
                    if self.client.progress {
                        let id = self.next_id();
                        self.progress.begin(id).into_iter().for_each(|message| (self.send)(message));
                    }
                    self.checking = self.jobs.send(Job::Check(view, edited)).is_ok();
                    return;
                }
                Err(why) => self.show(lsp::MessageType::Error, why),
            }
        }
    }

    /// Tells the editor about a checked project, unless it has changed meanwhile: then it is checked again at once.
    fn checked(&mut self, view: &View, edited: &BTreeSet<String>, done: bool) {
        self.checking = false;
        self.progress.end().into_iter().for_each(|message| (self.send)(message));
        if !done {
            self.show(lsp::MessageType::Error, BUG.to_owned());
        } else if self.documents.is_current(&view.key) {
            self.publish(view, edited);
        }
    }

    /// Tells what is new. An editor that asks for findings itself is only told to ask again, if they changed in a file
    /// that it does not know to have changed.
    fn publish(&mut self, view: &View, edited: &BTreeSet<String>) {
        let mut seen = Vec::new();
        let mut stale = false;
        let before = self.told.insert(view.key.clone(), view.snapshot.clone());
        let same =
            before.as_ref().map(|before| journey_ide::same_as_before(&view.snapshot, before)).unwrap_or_default();
        for file in journey_ide::diagnostics(&view.snapshot) {
            let (uri, version) = (view.uri(file.file), view.version(file.file));
            // Most changes concern few files.
            let told = match self.published.get(&uri.0) {
                Some((_, known)) => known.version == version,
                None => version.is_none() && file.diagnostics.is_empty(),
            };
            if told && same.get(file.file.0 as usize).is_some_and(|same| *same) {
                seen.push(uri.0);
                continue;
            }
            let diagnostics = file.diagnostics.into_iter().map(|d| view.diagnostic(d)).collect();
            let params = lsp::PublishDiagnosticsParams { uri: uri.clone(), version, diagnostics };
            // Nothing is said of a clean file that is not open, and nothing is said twice.
            let known = match self.published.get(&uri.0) {
                Some((_, known)) => *known == params,
                None => version.is_none() && params.diagnostics.is_empty(),
            };
            if !known {
                let before = self.published.get(&uri.0).map_or(&[][..], |(_, before)| before.diagnostics.as_slice());
                stale |= before != params.diagnostics && !edited.contains(&uri.0);
                if !self.client.pulls {
                    self.notify(lsp::PublishDiagnosticsNotification::METHOD.as_str(), &params);
                }
                self.published.insert(uri.0.clone(), (view.key.clone(), params));
            }
            seen.push(uri.0);
        }
        // It is large, and the editor waits for the next answer; the checker has time now, and memory goes back fastest to the
        // thread that took it.
        if let Some(before) = before {
            let _ = self.jobs.send(Job::Forget(before));
        }
        seen.sort();
        self.clear(|uri, owner| *owner == view.key && seen.binary_search_by(|s| s.as_str().cmp(uri)).is_err());
        if stale && self.client.pulls {
            let id = self.next_id();
            let method = lsp::DiagnosticRefreshRequest::METHOD.as_str().to_owned();
            (self.send)(Request::new(id, method, Value::Null).into());
        }
    }

    /// Takes back what was said of projects that are not open any more.
    fn take_back(&mut self) {
        let closed: BTreeSet<_> = self.published.values().map(|(key, _)| key.clone()).collect();
        let closed: BTreeSet<_> = closed.into_iter().filter(|key| !self.documents.is_open(key)).collect();
        self.told.retain(|key, _| self.documents.is_open(key));
        self.clear(|_, key| closed.contains(key));
    }

    fn clear(&mut self, gone: impl Fn(&str, &Key) -> bool) {
        let gone: Vec<_> = (self.published.iter())
            .filter(|(uri, (key, _))| gone(uri, key))
            .map(|(uri, (_, last))| (uri.clone(), !last.diagnostics.is_empty()))
            .collect();
        for (uri, had_findings) in gone {
            self.published.remove(&uri);
            if had_findings && !self.client.pulls {
                let params = lsp::PublishDiagnosticsParams::new(lsp::Uri(uri), None, Vec::new());
                self.notify(lsp::PublishDiagnosticsNotification::METHOD.as_str(), &params);
            }
        }
    }

    /// Asks the editor to tell us when a project's files change on disk.
    fn watch_files(&mut self) {
        let watchers =
            ["**/*.journey", "**/journey.toml", "**/holidays.txt", "**/messages/**", "**/vouchers/**"].map(|glob| {
                lsp::FileSystemWatcher { glob_pattern: lsp::GlobPattern::Pattern(glob.to_owned()), kind: None }
            });
        let options = lsp::DidChangeWatchedFilesRegistrationOptions { watchers: watchers.into() };
        let registration = lsp::Registration {
            id: "files".to_owned(),
            method: lsp::DidChangeWatchedFilesNotification::METHOD.as_str().to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let params = lsp::RegistrationParams { registrations: vec![registration] };
        let id = self.next_id();
        let method = lsp::RegistrationRequest::METHOD.as_str().to_owned();
        (self.send)(Request::new(id, method, params).into());
    }

    fn next_id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::from(self.requests)
    }

    fn notify(&self, method: &str, params: &impl Serialize) {
        (self.send)(Notification::new(method.to_owned(), params).into());
    }

    fn log(&self, kind: lsp::MessageType, message: String) {
        self.notify(lsp::LogMessageNotification::METHOD.as_str(), &lsp::LogMessageParams { kind, message });
    }

    fn show(&self, kind: lsp::MessageType, message: String) {
        self.notify(lsp::ShowMessageNotification::METHOD.as_str(), &lsp::ShowMessageParams { kind, message });
    }
}
