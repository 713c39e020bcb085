//! The session: messages are taken in order by one thread, which alone knows the documents; projects are checked on a
//! second one, the latest state only, one at a time, as fast as it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;

use gen_lsp_types as lsp;
use gen_lsp_types::{ErrorCodes, Notification as _, Request as _};
use journey_ide::Snapshot;
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::convert::{self, Client};
use crate::documents::{Documents, Key};
use crate::requests::{self, Answer};
use crate::{Disk, Ending};

const BUG: &str = "journey has a bug: checking failed; the server's log says where";

/// What the session waits for.
enum Event {
    Client(Message),
    /// The editor is gone.
    Gone,
    /// A project has been checked; false if the checker panicked.
    Checked(Key, Snapshot, bool),
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
    let (events, inbox) = mpsc::channel();
    let (jobs, work) = mpsc::channel::<(Key, Snapshot)>();

    let from_client = events.clone();
    thread::spawn(move || {
        for message in receiver {
            if from_client.send(Event::Client(message)).is_err() {
                return;
            }
        }
        let _ = from_client.send(Event::Gone);
    });
    thread::spawn(move || {
        for (key, snapshot) in work {
            let done = catch_unwind(AssertUnwindSafe(|| {
                snapshot.compilation();
            }));
            if events.send(Event::Checked(key, snapshot, done.is_ok())).is_err() {
                return;
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
        client: Client::default(),
        documents: Documents::new(disk),
        jobs,
        checking: false,
        published: BTreeMap::new(),
        requests: 0,
    };
    session.run(&inbox)
}

struct Session<D> {
    send: Box<dyn Fn(Message)>,
    phase: Phase,
    client: Client,
    documents: Documents<D>,
    jobs: Sender<(Key, Snapshot)>,
    /// Whether the other thread is at work.
    checking: bool,
    /// What the editor was last told of each file, by URI.
    published: BTreeMap<String, (Key, lsp::PublishDiagnosticsParams)>,
    /// How many requests we sent.
    requests: i32,
}

impl<D: Disk> Session<D> {
    fn run(mut self, inbox: &Receiver<Event>) -> Ending {
        loop {
            // Checking starts when there is nothing left to read, so that a burst of edits costs one check.
            let event = match inbox.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Disconnected) => return Ending::Abrupt,
                Err(TryRecvError::Empty) => {
                    if catch_unwind(AssertUnwindSafe(|| self.check())).is_err() {
                        self.show(lsp::MessageType::Error, BUG.to_owned());
                    }
                    match inbox.recv() {
                        Ok(event) => event,
                        Err(_) => return Ending::Abrupt,
                    }
                }
            };
            match event {
                Event::Gone => return Ending::Abrupt,
                Event::Checked(key, snapshot, done) => {
                    let told = catch_unwind(AssertUnwindSafe(|| self.checked(&key, &snapshot, done)));
                    if told.is_err() {
                        self.show(lsp::MessageType::Error, BUG.to_owned());
                    }
                }
                Event::Client(Message::Notification(n)) if n.method == lsp::ExitNotification::METHOD.as_str() => {
                    return if self.phase == Phase::ShutDown { Ending::Asked } else { Ending::Abrupt };
                }
                Event::Client(Message::Notification(n)) => self.notification(n),
                Event::Client(Message::Request(request)) => self.request(request),
                Event::Client(Message::Response(response)) => self.response(response),
            }
        }
    }

    /// Answers a request, exactly once, whatever happens on the way.
    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        let method = request.method.clone();
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(request))).unwrap_or_else(|_| {
            let message = format!("journey has a bug: `{method}` failed; the server's log says where");
            Err(requests::error(ErrorCodes::InternalError, message))
        });
        (self.send)(Response { id, response_result: answer }.into());
    }

    fn answer(&mut self, request: Request) -> Answer {
        let initialize = request.method == lsp::InitializeRequest::METHOD.as_str();
        match self.phase {
            Phase::New if initialize => self.initialize(&request.params),
            Phase::New => Err(requests::error(ErrorCodes::ServerNotInitialized, "`initialize` comes first")),
            Phase::ShutDown => Err(requests::error(ErrorCodes::InvalidRequest, "the server is shutting down")),
            Phase::Running if initialize => Err(requests::error(ErrorCodes::InvalidRequest, "already initialized")),
            Phase::Running if request.method == lsp::ShutdownRequest::METHOD.as_str() => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            Phase::Running => requests::answer(request, &mut self.documents, self.client),
        }
    }

    fn initialize(&mut self, params: &Value) -> Answer {
        self.client = Client::new(params);
        self.phase = Phase::Running;
        let sync = lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(true.into()),
            ..lsp::TextDocumentSyncOptions::default()
        };
        let actions = lsp::CodeActionOptions {
            code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix]),
            ..lsp::CodeActionOptions::default()
        };
        let capabilities = lsp::ServerCapabilities {
            position_encoding: Some(convert::encoding_kind(self.client.encoding)),
            text_document_sync: Some(sync.into()),
            code_action_provider: Some(actions.into()),
            ..lsp::ServerCapabilities::default()
        };
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
            Method::TextDocumentDidSave | Method::WorkspaceDidChangeWatchedFiles => {
                self.documents.refresh();
                self.take_back();
            }
            Method::Initialized if self.client.watches => self.watch_files(),
            _ => {}
        }
    }

    fn with<P: DeserializeOwned>(&mut self, params: Value, then: impl FnOnce(&mut Self, P)) {
        match serde_json::from_value(params) {
            Ok(params) => then(self, params),
            Err(error) => self.log(lsp::MessageType::Warning, format!("a notification makes no sense: {error}")),
        }
    }

    fn response(&self, response: Response) {
        if let Err(error) = response.response_result {
            self.log(lsp::MessageType::Warning, format!("the editor refused a request: {}", error.message));
        }
    }

    /// Hands the next changed project to the other thread.
    fn check(&mut self) {
        if self.checking {
            return;
        }
        while let Some((key, snapshot)) = self.documents.next_unchecked() {
            match snapshot {
                Ok(snapshot) => {
                    self.checking = self.jobs.send((key, snapshot)).is_ok();
                    return;
                }
                Err(why) => self.show(lsp::MessageType::Error, why),
            }
        }
    }

    /// Tells the editor about a checked project, unless it has changed meanwhile: then it is checked again at once.
    fn checked(&mut self, key: &Key, snapshot: &Snapshot, done: bool) {
        self.checking = false;
        if !done {
            self.show(lsp::MessageType::Error, BUG.to_owned());
        } else if self.documents.is_current(key) {
            self.publish(key, snapshot);
        }
    }

    fn publish(&mut self, key: &Key, snapshot: &Snapshot) {
        let mut seen = Vec::new();
        for file in journey_ide::diagnostics(snapshot) {
            let (uri, version) = self.documents.uri(key, snapshot, file.file);
            let of =
                |span: journey_compiler::diagnostic::Span| lsp::Uri(self.documents.uri(key, snapshot, span.file).0);
            let found = file.diagnostics.into_iter();
            let diagnostics = found.map(|d| convert::diagnostic(snapshot, d, self.client, of)).collect();
            let params = lsp::PublishDiagnosticsParams { uri: lsp::Uri(uri.clone()), version, diagnostics };
            // Nothing is said of a clean file that is not open, and nothing is said twice.
            let known = match self.published.get(&uri) {
                Some((_, known)) => *known == params,
                None => version.is_none() && params.diagnostics.is_empty(),
            };
            if !known {
                self.notify(lsp::PublishDiagnosticsNotification::METHOD.as_str(), &params);
                self.published.insert(uri.clone(), (key.clone(), params));
            }
            seen.push(uri);
        }
        seen.sort();
        self.clear(|uri, owner| owner == key && seen.binary_search_by(|s| s.as_str().cmp(uri)).is_err());
    }

    /// Takes back what was said of projects that are not open any more.
    fn take_back(&mut self) {
        let closed: BTreeSet<_> = self.published.values().map(|(key, _)| key.clone()).collect();
        let closed: BTreeSet<_> = closed.into_iter().filter(|key| !self.documents.is_open(key)).collect();
        self.clear(|_, key| closed.contains(key));
    }

    fn clear(&mut self, gone: impl Fn(&str, &Key) -> bool) {
        let gone: Vec<_> = (self.published.iter())
            .filter(|(uri, (key, _))| gone(uri, key))
            .map(|(uri, (_, last))| (uri.clone(), !last.diagnostics.is_empty()))
            .collect();
        for (uri, had_findings) in gone {
            self.published.remove(&uri);
            if had_findings {
                let params = lsp::PublishDiagnosticsParams::new(lsp::Uri(uri), None, Vec::new());
                self.notify(lsp::PublishDiagnosticsNotification::METHOD.as_str(), &params);
            }
        }
    }

    /// Asks the editor to tell us when a project's files change on disk.
    fn watch_files(&mut self) {
        let watchers = ["**/*.journey", "**/journey.toml", "**/messages/**"].map(|glob| lsp::FileSystemWatcher {
            glob_pattern: lsp::GlobPattern::Pattern(glob.to_owned()),
            kind: None,
        });
        let options = lsp::DidChangeWatchedFilesRegistrationOptions { watchers: watchers.into() };
        let registration = lsp::Registration {
            id: "files".to_owned(),
            method: lsp::DidChangeWatchedFilesNotification::METHOD.as_str().to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let params = lsp::RegistrationParams { registrations: vec![registration] };
        self.requests += 1;
        let id = RequestId::from(self.requests);
        let method = lsp::RegistrationRequest::METHOD.as_str().to_owned();
        (self.send)(Request::new(id, method, params).into());
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
