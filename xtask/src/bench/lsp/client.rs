//! An editor as far as measuring needs one: it sends, and notes when what it waits for has come.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long to wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A language server that runs.
pub(super) struct Server {
    child: Child,
    input: ChildStdin,
    messages: Receiver<(Instant, Value)>,
    requests: u64,
}

impl Server {
    /// Starts one, up to its answer to `initialize`.
    pub(super) fn start(mut command: Command, folder: &Path) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("{command:?} does not start: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a server has no pipes".to_owned());
        };
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send((Instant::now(), message)).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { child, input, messages, requests: 0 };
        let uri = format!("file://{}", folder.display());
        let params = json!({
            "processId": null, "rootUri": uri, "capabilities": super::abilities(),
            "workspaceFolders": [{ "uri": uri, "name": "bench" }],
        });
        server.ask("initialize", &params)?;
        server.notify("initialized", &json!({}))?;
        Ok(server)
    }

    pub(super) fn notify(&mut self, method: &str, params: &Value) -> Result<(), String> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// How long the answer took; none if the server has none to give.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Result<Option<Duration>, String> {
        self.requests += 1;
        let id = self.requests;
        let began = Instant::now();
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let (came, answer) =
            self.wait(method, |message| message.get("method").is_none() && message.get("id") == Some(&json!(id)))?;
        Ok(answer.get("error").is_none().then(|| came.duration_since(began)))
    }

    /// When the findings of this version came; a server that names no version means the last.
    pub(super) fn findings(&mut self, uri: &str, version: usize) -> Result<Instant, String> {
        let fits = |message: &Value| {
            let params = message.get("params");
            message.get("method").and_then(Value::as_str) == Some("textDocument/publishDiagnostics")
                && params.and_then(|params| params.get("uri")).and_then(Value::as_str) == Some(uri)
                && params
                    .and_then(|params| params.get("version"))
                    .and_then(Value::as_u64)
                    .is_none_or(|told| told == version as u64)
        };
        self.wait("findings", fits).map(|(came, _)| came)
    }

    /// Waits for a message, and grants the server's own requests meanwhile.
    fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<(Instant, Value), String> {
        loop {
            let (came, message) = self.messages.recv_timeout(PATIENCE).map_err(|_| format!("no answer: {what}"))?;
            if fits(&message) {
                return Ok((came, message));
            }
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }))?;
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len())
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("a server does not listen: {error}"))
    }

    /// Ends it as the protocol wants.
    pub(super) fn stop(mut self) -> Result<(), String> {
        self.ask("shutdown", &Value::Null)?;
        self.notify("exit", &Value::Null)?;
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
