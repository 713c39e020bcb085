//! A language server that is typed at for long does not grow: `journey lsp` as a process of its own, edits at random places
//! of 20 files with requests between them, and the memory that the kernel says it has.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a failure is a failing test")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use journey_tests::binary;
use serde_json::{Value, json};

/// How many edits there are; `JOURNEY_SOAK` asks for more.
const EDITS: usize = 1_500;
const FILES: usize = 20;

/// What may be added to what the server has after the first fifth of the edits: the allocator's slack, and files that grew.
const GROWTH: f64 = 1.3;

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
    stdout: BufReader<ChildStdout>,
    asked: usize,
}

impl Server {
    fn say(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and reads on until the answer is there.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.hear();
            if message["id"] == id && message["method"].is_null() {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the server ended");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", n)) => length = n.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// The memory that it really has, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
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
fn memory_stays_flat_over_thousands_of_edits() {
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
    let uri = |n: usize| format!("file://{}/f{n:02}.journey", root.display());
    for (n, text) in texts.iter().enumerate() {
        fs::write(root.join(format!("f{n:02}.journey")), text).unwrap();
    }

    let mut command = binary::command(["lsp"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut server = Server { child, stdin, stdout, asked: 0 };
    let folder = format!("file://{}", root.display());
    server.ask("initialize", &json!({ "processId": null, "rootUri": folder, "capabilities": {} }));
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
        });
        // One question an edit: what is written is also read, and the server is never far behind.
        let asked = ["completion", "hover", "semanticTokens/full", "definition", "codeLens", "documentSymbol"];
        server.ask(&format!("textDocument/{}", asked[random.below(asked.len())]), &place);
        if edit % (edits / 5).max(1) == 0 {
            seen.push(server.memory());
        }
    }
    println!("KiB after each fifth of {edits} edits: {seen:?}");
    let (first, most) = (seen[0], *seen.iter().max().unwrap());
    assert!((most as f64) < first as f64 * GROWTH + 4_096.0, "KiB after each fifth of {edits} edits: {seen:?}");
    server.ask("shutdown", &Value::Null);
    server.notify("exit", &Value::Null);
    assert!(server.child.wait().unwrap().success());
}

fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column: usize = before.rsplit('\n').next().unwrap_or_default().chars().map(char::len_utf16).sum();
    json!({ "line": line, "character": column })
}
