//! A language server that is typed at for long: `journey lsp` as a process of its own, edits at random places of 20 files, with
//! requests between them, some of which are taken back. Each request is answered once, nothing panics, the memory that the
//! kernel says it has stays flat, and in the end the editor knows what `journey check` finds in the same files.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a failure is a failing test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use journey_tests::binary;
use serde_json::{Value, json};

/// How many edits there are; `JOURNEY_SOAK` asks for more.
const EDITS: usize = 1_500;
const FILES: usize = 20;

/// After so many edits the editor waits for what it asked for.
const BURST: usize = 8;

/// Nothing that is asked for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What may be added to what the server has after the first fifth of the edits: the allocator's slack, and files that grew.
const GROWTH: f64 = 1.3;

/// What the protocol calls a request that was taken back.
const CANCELLED: i64 = -32800;

const ASKED: [&str; 8] = [
    "completion",
    "hover",
    "semanticTokens/full",
    "definition",
    "codeLens",
    "documentSymbol",
    "references",
    "foldingRange",
];

const PIECES: [&str; 10] = [
    "\n  wait 2d",
    "\n  add tag t3",
    "\n  send email m",
    " ",
    "}",
    "{",
    "\n  on tag t1",
    "\n  if opened end",
    "// note",
    "ä𝄞",
];

struct Server {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    asked: u64,
    /// The requests that are not answered yet.
    open: BTreeSet<u64>,
    /// How many were answered, and how many of these as taken back.
    answered: (usize, usize),
    /// What was last said of each file: line, column and code of each finding.
    told: BTreeMap<String, Findings>,
}

type Findings = Vec<(u64, u64, String)>;

impl Server {
    fn start() -> Self {
        let mut command = binary::command(["lsp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || hear(stdout, |message| sender.send(message).is_ok()));
        let (open, told) = (BTreeSet::new(), BTreeMap::new());
        Self { child, stdin, messages, asked: 0, open, answered: (0, 0), told }
    }

    fn say(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and does not wait.
    fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.asked += 1;
        self.open.insert(self.asked);
        self.say(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }));
        self.asked
    }

    /// Reads until every request has its answer.
    fn answers(&mut self) {
        while !self.open.is_empty() {
            let message =
                self.messages.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {:?}", self.open));
            self.take(&message);
        }
    }

    fn take(&mut self, message: &Value) {
        match message["method"].as_str() {
            Some("textDocument/publishDiagnostics") => {
                let found = message["params"]["diagnostics"].as_array().unwrap().iter().map(|found| {
                    let start = &found["range"]["start"];
                    let place = (start["line"].as_u64().unwrap(), start["character"].as_u64().unwrap());
                    (place.0, place.1, found["code"].as_str().unwrap().to_owned())
                });
                let uri = message["params"]["uri"].as_str().unwrap();
                let name = uri.rsplit('/').next().unwrap();
                self.told.insert(name.to_owned(), found.collect());
            }
            Some(said) => panic!("the server says {said}: {message}"),
            None => {
                let id = message["id"].as_u64().unwrap();
                assert!(self.open.remove(&id), "{id} was not asked, or is answered: {message}");
                let cancelled = message["error"]["code"] == CANCELLED;
                assert!(message["error"].is_null() || cancelled, "{message}");
                self.answered.0 += 1;
                self.answered.1 += usize::from(cancelled);
            }
        }
    }

    /// The memory that it really has, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Reads until the editor knows just this.
    fn settle(&mut self, expected: &BTreeMap<String, Findings>) {
        let known = |server: &Self| -> BTreeMap<_, _> {
            server.told.clone().into_iter().filter(|(_, found)| !found.is_empty()).collect()
        };
        let began = Instant::now();
        while known(self) != *expected && began.elapsed() < PATIENCE {
            if let Ok(message) = self.messages.recv_timeout(Duration::from_millis(100)) {
                self.take(&message);
            }
        }
        assert_eq!(known(self), *expected);
    }

    /// Ends it as the protocol wants; what it wrote beside.
    fn stop(mut self) -> String {
        self.ask("shutdown", &Value::Null);
        self.answers();
        self.notify("exit", &Value::Null);
        assert!(self.child.wait().unwrap().success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

/// Hands on all that the server says.
fn hear(mut stdout: BufReader<ChildStdout>, take: impl Fn(Value) -> bool) {
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                return;
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", n)) => length = n.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        stdout.read_exact(&mut body).unwrap();
        if !take(serde_json::from_slice(&body).unwrap()) {
            return;
        }
    }
}

/// What `journey check` finds, by file.
fn cold_check(root: &Path) -> BTreeMap<String, Findings> {
    let report = binary::command(["check", "--no-cache", "--output-format", "json"]).arg(root).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let mut found: BTreeMap<String, Findings> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let name = finding["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let place = |of: &str| finding["start"][of].as_u64().unwrap() - 1;
        let code = finding["code"].as_str().unwrap().to_owned();
        found.entry(name).or_default().push((place("line"), place("column"), code));
    }
    found
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn thousands_of_edits_leave_nothing_behind() {
    let edits = std::env::var("JOURNEY_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(EDITS);
    let project = tempfile::tempdir().unwrap();
    let root = project.path().canonicalize().unwrap();
    fs::write(root.join("journey.toml"), "name = \"shop\"\ntimezone = \"UTC\"\n").unwrap();
    let begin = |n: usize| {
        let next = (n + 1) % FILES;
        format!(
            "tags {{ t{n} }}\njourney j{n} {{\n  on tag t{n}\n  reenter never\n  wait {n}h\n  add tag t{next}\n  end\n}}\n"
        )
    };
    let mut texts: Vec<String> = (0..FILES).map(begin).collect();
    let path = |n: usize| root.join(format!("f{n:02}.journey"));
    let uri = |n: usize| format!("file://{}", path(n).display());
    texts.iter().enumerate().for_each(|(n, text)| fs::write(path(n), text).unwrap());

    let mut server = Server::start();
    let folder = format!("file://{}", root.display());
    let capabilities = json!({ "general": { "positionEncodings": ["utf-32"] } });
    server.ask("initialize", &json!({ "processId": null, "rootUri": folder, "capabilities": capabilities }));
    server.answers();
    server.notify("initialized", &json!({}));
    for (n, text) in texts.iter().enumerate() {
        let document = json!({ "uri": uri(n), "languageId": "journey", "version": 0, "text": text });
        server.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    let mut random = Random(7);
    let mut seen = Vec::new();
    for edit in 1..=edits {
        let n = random.below(FILES);
        let text = &mut texts[n];
        // A file that has grown begins anew, so that what the server has to keep does not grow.
        let changes = if text.len() > 2_000 {
            *text = begin(n);
            json!([{ "text": text }])
        } else {
            let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let start = random.below(places.len());
            let end = (start + random.below(4)).min(places.len() - 1);
            let range = json!({ "start": position(text, places[start]), "end": position(text, places[end]) });
            let piece = PIECES[random.below(PIECES.len())];
            text.replace_range(places[start]..places[end], piece);
            json!([{ "range": range, "text": piece }])
        };
        let document = json!({ "uri": uri(n), "version": edit });
        server.notify("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": changes }));
        let place = json!({
            "textDocument": { "uri": uri(n) },
            "position": { "line": random.below(12), "character": random.below(12) },
            "context": { "includeDeclaration": true, "triggerKind": 1 },
        });
        let id = server.ask(&format!("textDocument/{}", ASKED[random.below(ASKED.len())]), &place);
        match random.below(4) {
            0 => server.notify("$/cancelRequest", &json!({ "id": id })),
            // What is long answered, or was never asked, can be taken back as well.
            1 => server.notify("$/cancelRequest", &json!({ "id": random.below(edits) })),
            _ => {}
        }
        // What was asked is also waited for now and then, so that the server is never far behind.
        if edit % BURST == 0 {
            server.answers();
        }
        if edit % (edits / 5).max(1) == 0 {
            server.answers();
            seen.push(server.memory());
        }
    }
    server.answers();
    println!("KiB after each fifth of {edits} edits: {seen:?}; answers, and those taken back: {:?}", server.answered);
    let (first, most) = (seen[0], *seen.iter().max().unwrap());
    assert!((most as f64) < first as f64 * GROWTH + 4_096.0, "KiB after each fifth of {edits} edits: {seen:?}");
    assert!(server.answered.1 > edits / 50, "only {} requests were taken back in time", server.answered.1);

    texts.iter().enumerate().for_each(|(n, text)| fs::write(path(n), text).unwrap());
    let expected = cold_check(&root);
    assert!(expected.len() > FILES / 2, "random edits break files: {expected:?}");
    server.settle(&expected);
    assert_eq!(server.stop(), "");
}

fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    json!({ "line": line, "character": column })
}
