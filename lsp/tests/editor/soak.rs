//! A long session of random edits, with requests between them, some of them taken back: in the end the editor knows what
//! a cold check of the same texts finds, and every request has its answer.

use std::collections::BTreeMap;

use journey_compiler::project::{File, Project};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

use super::support::{Editor, MemoryDisk};

/// How many edits there are; `JOURNEY_SOAK` asks for more.
const EDITS: usize = 400;
const FILES: usize = 20;

const PIECES: [&str; 16] = [
    "\n  wait 2d",
    "\n  add tag t3",
    "\n  send email m",
    " ",
    "}",
    "{",
    "journey x {",
    "\n",
    "if opened end",
    "\"",
    "t5",
    "// note",
    "\n  on tag t1",
    "ä𝄞",
    "end",
    "tags { t9 }",
];

struct Random(TestRng);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n as u64) as usize
    }
}

#[test]
fn random_edits_end_where_a_cold_check_does() {
    let edits = std::env::var("JOURNEY_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(EDITS);
    let mut random = Random(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let disk = MemoryDisk::default();
    let settings = "name = \"shop\"\ntimezone = \"UTC\"\n";
    disk.write("/shop/journey.toml", settings);
    let mut texts = BTreeMap::new();
    for n in 0..FILES {
        let text = format!(
            "tags {{ t{n} }}\n/// Number {n}.\njourney j{n} {{\n  on tag t{n}\n  reenter never\n  wait {n}h\n  add tag t{}\n  end\n}}\n",
            (n + 1) % FILES
        );
        disk.write(&format!("/shop/f{n:02}.journey"), &text);
        texts.insert(n, text);
    }
    let mut editor = Editor::ready(&disk, json!({ "general": { "positionEncodings": ["utf-16"] } }));
    let uri = |n: usize| format!("file:///shop/f{n:02}.journey");
    for (n, text) in &texts {
        editor.open(&uri(*n), 0, text);
    }
    let mut published: BTreeMap<String, Value> = BTreeMap::new();
    let mut open = Vec::new();
    for edit in 0..edits {
        let n = random.below(FILES);
        let text = texts.get_mut(&n).unwrap();
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let start = random.below(places.len());
        let end = (start + random.below(4)).min(places.len() - 1);
        let piece = if random.below(3) == 0 { "" } else { PIECES[random.below(PIECES.len())] };
        let range = json!({ "start": position(text, places[start]), "end": position(text, places[end]) });
        editor.change(&uri(n), edit as i32 + 1, json!([{ "range": range, "text": piece }]));
        text.replace_range(places[start]..places[end], piece);
        if text.len() > 4_000 {
            text.truncate(0);
            editor.change(&uri(n), edit as i32 + 1, json!([{ "text": "" }]));
        }
        let at = json!({ "line": random.below(12), "character": random.below(12) });
        let asked = match random.below(6) {
            0 => "textDocument/completion",
            1 => "textDocument/hover",
            2 => "textDocument/semanticTokens/full",
            3 => "textDocument/definition",
            _ => continue,
        };
        let id = editor.send(asked, json!({ "textDocument": { "uri": uri(n) }, "position": at }));
        if random.below(3) == 0 {
            editor.notify("$/cancelRequest", json!({ "id": id.to_string().parse::<i32>().unwrap() }));
        }
        open.push(id);
        // The answers are read now and then, as an editor does.
        if open.len() > 20 {
            for id in open.drain(..) {
                let answer = editor.answer(&id);
                assert!(answer.is_ok() || answer.as_ref().unwrap_err()["code"] == -32800, "{answer:?}");
            }
        }
    }
    for id in open {
        let answer = editor.answer(&id);
        assert!(answer.is_ok() || answer.unwrap_err()["code"] == -32800);
    }
    let last: Value = json!({ "textDocument": { "uri": uri(0) }, "position": { "line": 0, "character": 0 } });
    editor.request("textDocument/hover", last).unwrap();

    let mut files = vec![File { path: "journey.toml".into(), bytes: settings.as_bytes().into() }];
    files
        .extend(texts.iter().map(|(n, text)| File { path: format!("f{n:02}.journey"), bytes: text.as_bytes().into() }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let project = Project { files, lone: false };
    let cold = journey_compiler::compile(&project);
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for d in &cold.diagnostics {
        let path = &project.files[d.primary.span.file.0 as usize].path;
        expected.entry(format!("file:///shop/{path}")).or_default().push(d.code.to_string());
    }
    // The last check may still be under way: what counts is what is said in the end.
    for _ in 0..100 {
        for message in editor.drain() {
            if let lsp_server::Message::Notification(n) = message
                && n.method == "textDocument/publishDiagnostics"
            {
                published.insert(n.params["uri"].as_str().unwrap().to_owned(), n.params["diagnostics"].clone());
            }
        }
        if said(&published) == expected {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(said(&published), expected);
}

fn said(published: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<String>> {
    let codes = |found: &Value| -> Vec<String> {
        found.as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect()
    };
    let all = published.iter().map(|(uri, found)| (uri.clone(), codes(found)));
    all.filter(|(_, codes)| !codes.is_empty()).collect()
}

fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column: usize = before.rsplit('\n').next().unwrap_or_default().chars().map(char::len_utf16).sum();
    json!({ "line": line, "character": column })
}
