//! An editor and a disk, in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use journey_compiler::Date;
use journey_compiler::project::{CONFIG, DATA, File, belongs};
use journey_lsp::{Data, Disk, Ending, Preview, Previewed, run};
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

use super::protocol;

/// Nothing that is asked for takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Files by absolute path; clones share them.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<BTreeMap<PathBuf, String>>>);

impl MemoryDisk {
    pub(crate) fn write(&self, path: &str, text: &str) -> &Self {
        self.0.lock().unwrap().insert(path.into(), text.to_owned());
        self
    }

    pub(crate) fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(Path::new(path));
    }
}

impl Disk for MemoryDisk {
    fn root(&self, file: &Path) -> Option<PathBuf> {
        let files = self.0.lock().unwrap();
        file.ancestors().find(|directory| files.contains_key(&directory.join(CONFIG))).map(Path::to_path_buf)
    }

    fn projects(&self, folder: &Path) -> Vec<PathBuf> {
        let files = self.0.lock().unwrap();
        let settings = files.keys().filter(|path| path.starts_with(folder) && path.ends_with(CONFIG));
        settings.filter_map(|path| path.parent().map(Path::to_path_buf)).collect()
    }

    fn today(&self) -> Option<Date> {
        None
    }

    fn data(&self, root: &Path) -> Vec<Data> {
        let files = self.0.lock().unwrap();
        let of = |(path, text): (&PathBuf, &String)| {
            let path = path.strip_prefix(root).ok()?.to_str()?.to_owned();
            let bytes = match text.as_str() {
                "large" => Err(format!("`{path}` is too large")),
                text => Ok(text.as_bytes().into()),
            };
            DATA.contains(&path.as_str()).then_some(Data { path, bytes })
        };
        files.iter().filter_map(of).collect()
    }

    fn preview(&self) -> Option<Preview> {
        Some(|_, root, message| match root {
            Some(root) => {
                Ok(vec![Previewed { title: root.display().to_string(), text: message.into(), ..Previewed::default() }])
            }
            None => Err("nothing to show".into()),
        })
    }

    fn files(&self, root: &Path) -> Result<Vec<File>, String> {
        let files = self.0.lock().unwrap().clone();
        let below = files.iter().filter_map(|(path, text)| Some((path.strip_prefix(root).ok()?, text)));
        let mut below: Vec<_> = below
            .map(|(path, text)| File { path: path.to_str().unwrap().into(), bytes: text.as_bytes().into() })
            .filter(|file| belongs(&file.path))
            .collect();
        if below.iter().any(|file| &*file.bytes == b"unreadable") {
            return Err("cannot read a file".into());
        }
        if below.iter().any(|file| &*file.bytes == b"panic") {
            panic!("a disk that panics, on purpose");
        }
        below.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(below)
    }
}

/// An editor that talks to a server and remembers all that it hears.
pub(crate) struct Editor {
    connection: Connection,
    server: JoinHandle<Ending>,
    next: i32,
    /// The methods that were asked for, by request.
    asked: BTreeMap<RequestId, String>,
    /// What was heard since it was last taken.
    pub(crate) heard: Vec<Message>,
}

impl Editor {
    /// Starts a server; nothing is said yet.
    pub(crate) fn start(disk: &MemoryDisk) -> Self {
        let (ours, theirs) = Connection::memory();
        let disk = disk.clone();
        let server = std::thread::spawn(move || run(theirs, disk));
        Self { connection: ours, server, next: 0, asked: BTreeMap::new(), heard: Vec::new() }
    }

    /// Starts a server and introduces itself.
    pub(crate) fn ready(disk: &MemoryDisk, capabilities: Value) -> Self {
        let mut editor = Self::start(disk);
        editor.request("initialize", json!({ "processId": null, "capabilities": capabilities })).unwrap();
        editor.notify("initialized", json!({}));
        editor
    }

    pub(crate) fn notify(&self, method: &str, params: Value) {
        self.connection.sender.send(Notification::new(method.into(), params).into()).unwrap();
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.send(method, params);
        self.answer(&id)
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.asked.insert(id.clone(), method.to_owned());
        self.connection.sender.send(Request::new(id.clone(), method.into(), params).into()).unwrap();
        id
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&mut self, id: &RequestId) -> Result<Value, Value> {
        loop {
            let heard = self.heard.iter().position(|message| matches!(message, Message::Response(r) if r.id == *id));
            let message = match heard {
                Some(at) => self.heard.remove(at),
                None => self.receive(),
            };
            match message {
                Message::Response(Response { id: answered, response_result }) if answered == *id => {
                    return response_result.map_err(|e| json!({ "code": e.code, "message": e.message }));
                }
                other => self.heard.push(other),
            }
        }
    }

    /// Asks about a place in a document.
    pub(crate) fn ask(&mut self, method: &str, uri: &str, line: u32, character: u32) -> Value {
        let position = json!({ "line": line, "character": character });
        self.request(method, json!({ "textDocument": { "uri": uri }, "position": position })).unwrap()
    }

    /// Waits for a notification of this method that fits, and gives its parameters.
    pub(crate) fn wait(&mut self, method: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let at = self.heard.iter().position(
                |message| matches!(message, Message::Notification(n) if n.method == method && fits(&n.params)),
            );
            if let Some(at) = at {
                let Message::Notification(n) = self.heard.remove(at) else { unreachable!() };
                return n.params;
            }
            let message = self.receive();
            self.heard.push(message);
        }
    }

    /// Waits for a request of the server.
    pub(crate) fn wait_for_request(&mut self, method: &str) {
        let asked = |message: &Message| matches!(message, Message::Request(request) if request.method == method);
        while !self.heard.iter().any(asked) {
            let message = self.receive();
            self.heard.push(message);
        }
    }

    /// Lets the server do all that it asked for.
    pub(crate) fn grant_all(&mut self) {
        let (asked, rest) = std::mem::take(&mut self.heard).into_iter().partition(|m| matches!(m, Message::Request(_)));
        self.heard = rest;
        let asked: Vec<Message> = asked;
        for message in asked {
            let Message::Request(request) = message else { unreachable!() };
            self.connection.sender.send(Response::new_ok(request.id, Value::Null).into()).unwrap();
        }
    }

    /// All that was said and not yet taken.
    pub(crate) fn drain(&mut self) -> Vec<Message> {
        let mut all = std::mem::take(&mut self.heard);
        while !self.connection.receiver.is_empty() {
            all.push(self.receive());
        }
        all
    }

    /// Waits for the findings of a file.
    pub(crate) fn findings(&mut self, uri: &str) -> Value {
        self.wait("textDocument/publishDiagnostics", |params| params["uri"] == uri)
    }

    pub(crate) fn open(&self, uri: &str, version: i32, text: &str) {
        let document = json!({ "uri": uri, "languageId": "journey", "version": version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn change(&self, uri: &str, version: i32, changes: Value) {
        let document = json!({ "uri": uri, "version": version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Leaves in the order that the protocol wants.
    pub(crate) fn leave(mut self) -> Ending {
        self.request("shutdown", Value::Null).unwrap();
        self.exit()
    }

    /// Leaves at once.
    pub(crate) fn exit(self) -> Ending {
        self.notify("exit", Value::Null);
        self.server.join().unwrap()
    }

    /// The next message, which must be as the protocol wants it.
    fn receive(&mut self) -> Message {
        let message = self.connection.receiver.recv_timeout(PATIENCE).expect("the server says something");
        match &message {
            Message::Notification(n) => protocol::check_params(&n.method, &n.params),
            Message::Request(request) => protocol::check_params(&request.method, &request.params),
            Message::Response(Response { id, response_result }) => {
                let method = self.asked.remove(id).unwrap_or_else(|| panic!("{id} was not asked, or is answered"));
                if let Ok(result) = response_result {
                    protocol::check_result(&method, result);
                }
            }
        }
        message
    }
}
