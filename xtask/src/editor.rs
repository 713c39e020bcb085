//! An editor as far as measuring and training need one: it sends, and notes when what it waits for has come.

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long to wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A language server that runs.
pub(crate) struct Server {
    child: Child,
    input: ChildStdin,
    messages: Receiver<(Instant, Value)>,
    requests: u64,
}

impl Server {
    /// Starts one, up to its answer to `initialize`.
    pub(crate) fn start(mut command: Command, folder: &Path) -> Result<Self, String> {
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
            "processId": null, "rootUri": uri, "capabilities": { "textDocument": { "publishDiagnostics": { "versionSupport": true } } },
            "workspaceFolders": [{ "uri": uri, "name": "bench" }],
        });
        server.ask("initialize", &params)?;
        server.notify("initialized", &json!({}))?;
        Ok(server)
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) -> Result<(), String> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// How long the answer took; none if the server has none to give.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Option<Duration>, String> {
        self.requests += 1;
        let id = self.requests;
        let began = Instant::now();
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let (came, answer) =
            self.wait(method, |message| message.get("method").is_none() && message.get("id") == Some(&json!(id)))?;
        Ok(answer.get("error").is_none().then(|| came.duration_since(began)))
    }

    /// Opens a document, and waits for its findings.
    pub(crate) fn open(&mut self, uri: &str, language: &str, text: &str) -> Result<(), String> {
        let document = json!({ "uri": uri, "languageId": language, "version": 0, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }))?;
        self.findings(uri, 0).map(drop)
    }

    /// Puts a text in the place of whole lines.
    pub(crate) fn change(&mut self, uri: &str, version: usize, lines: Range<usize>, text: &str) -> Result<(), String> {
        let range = json!({ "start": position(lines.start, 0), "end": position(lines.end, 0) });
        self.notify(
            "textDocument/didChange",
            &json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [{ "range": range, "text": text }] }),
        )
    }

    /// When the findings of this version came; a server that names no version means the last.
    pub(crate) fn findings(&mut self, uri: &str, version: usize) -> Result<Instant, String> {
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
    pub(crate) fn stop(mut self) -> Result<(), String> {
        self.ask("shutdown", &Value::Null)?;
        self.notify("exit", &Value::Null)?;
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }
}

/// A place in a document.
pub(crate) fn position(line: usize, character: usize) -> Value {
    json!({ "line": line, "character": character })
}

/// Writes in each journey of a project so often: a step, which is taken out again, with all that an editor asks meanwhile.
pub(crate) fn write_in(program: &Path, project: &Path, times: usize) -> Result<(), String> {
    const STEP: &str = "  wait 1d\n";
    let mut command = Command::new(program);
    command.arg("lsp");
    let mut server = Server::start(command, project)?;
    for (path, text) in journeys(project)? {
        let Some(line) = text.lines().position(|line| line.starts_with("  send ") || line.starts_with("  wait "))
        else {
            continue;
        };
        let uri = format!("file://{}", path.display());
        server.open(&uri, "journey", &text)?;
        for version in 1..=2 * times {
            let (end, typed) = if version % 2 == 1 { (line, STEP) } else { (line + 1, "") };
            server.change(&uri, version, line..end, typed)?;
            server.findings(&uri, version)?;
            // Each method takes what it wants of these.
            let params = json!({
                "textDocument": { "uri": uri }, "position": position(line, 4),
                "range": { "start": position(line, 0), "end": position(end, 0) },
            });
            for method in ["completion", "hover", "semanticTokens/full", "inlayHint"] {
                server.ask(&format!("textDocument/{method}"), &params)?;
            }
        }
    }
    server.stop()
}

/// The journey files below a folder, with their texts.
fn journeys(folder: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let mut found = Vec::new();
    for path in crate::entries(folder)? {
        if path.is_dir() {
            found.extend(journeys(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "journey") {
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            found.push((path, text));
        }
    }
    Ok(found)
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
