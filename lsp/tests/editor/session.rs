//! The life of a session: what is answered when, and how it ends.

use std::io::{self, BufReader, Write};
use std::sync::{Arc, Mutex};

use super::support::{Editor, MemoryDisk};
use journey_lsp::{Ending, serve};
use serde_json::{Value, json};

#[test]
fn an_ordinary_session() {
    let mut editor = Editor::start(&MemoryDisk::default());
    let answer = editor.request("initialize", json!({ "processId": null, "capabilities": {} })).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
    editor.notify("initialized", json!({}));
    assert_eq!(editor.leave(), Ending::Asked);
}

#[test]
fn the_encoding_is_agreed_on() {
    let agreed = |offered: Value| {
        let mut editor = Editor::start(&MemoryDisk::default());
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let answer = editor.request("initialize", json!({ "capabilities": capabilities })).unwrap();
        answer["capabilities"]["positionEncoding"].clone()
    };
    assert_eq!(agreed(json!(["utf-16", "utf-8"])), "utf-8");
    assert_eq!(agreed(json!(["utf-32", "utf-16"])), "utf-32");
    assert_eq!(agreed(json!(["utf-7"])), "utf-16");
    assert_eq!(agreed(Value::Null), "utf-16");
}

#[test]
fn every_request_gets_one_answer_whatever_its_time() {
    let mut editor = Editor::start(&MemoryDisk::default());
    let code = |answer: Result<Value, Value>| answer.unwrap_err()["code"].as_i64().unwrap();
    assert_eq!(code(editor.request("textDocument/hover", json!({}))), -32002, "before initialize");
    editor.request("initialize", json!({ "capabilities": {} })).unwrap();
    assert_eq!(code(editor.request("initialize", json!({ "capabilities": {} }))), -32600, "a second time");
    assert_eq!(code(editor.request("textDocument/nonsense", json!({}))), -32601, "unknown");
    assert_eq!(code(editor.request("$/nonsense", json!({}))), -32601, "unknown and optional");
    assert_eq!(code(editor.request("textDocument/codeAction", json!({ "range": 7 }))), -32602, "senseless");
    editor.request("shutdown", Value::Null).unwrap();
    assert_eq!(code(editor.request("textDocument/codeAction", json!({}))), -32600, "after shutdown");
    assert_eq!(editor.exit(), Ending::Asked);
}

#[test]
fn notifications_that_make_no_sense_are_survived() {
    let mut editor = Editor::ready(&MemoryDisk::default(), json!({}));
    editor.notify("textDocument/didOpen", json!({ "textDocument": [] }));
    editor.notify("textDocument/didChange", Value::Null);
    editor.change("file:///never/opened.journey", 1, json!([{ "text": "x" }]));
    editor.notify("$/whatever", json!({}));
    let logged: Vec<_> = (0..3).map(|_| editor.wait("window/logMessage", |_| true)["type"].clone()).collect();
    assert_eq!(logged, [2, 2, 2]);
    assert_eq!(editor.leave(), Ending::Asked);
}

#[test]
fn a_panic_does_not_end_the_session() {
    let disk = MemoryDisk::default();
    disk.write("/shop/journey.toml", "panic");
    let mut editor = Editor::ready(&disk, json!({}));
    let uri = "file:///shop/a.journey";
    editor.open(uri, 1, "");
    let shown = editor.wait("window/showMessage", |_| true)["message"].as_str().unwrap().to_owned();
    assert!(shown.contains("bug"), "{shown}");
    let place = json!({ "line": 0, "character": 0 });
    let ask = json!({
        "textDocument": { "uri": uri },
        "range": { "start": place, "end": place },
        "context": { "diagnostics": [] },
    });
    let answer = editor.request("textDocument/codeAction", ask.clone()).unwrap_err();
    assert_eq!(answer["code"], -32603, "{answer}");
    disk.write("/shop/journey.toml", "[project]\nname = \"shop\"\ntimezone = \"UTC\"\n");
    assert_eq!(editor.request("textDocument/codeAction", ask), Ok(json!([])), "it works again");
    assert_eq!(editor.leave(), Ending::Asked);
}

#[test]
fn exit_without_shutdown_is_abrupt() {
    assert_eq!(Editor::start(&MemoryDisk::default()).exit(), Ending::Abrupt);
    assert_eq!(Editor::ready(&MemoryDisk::default(), json!({})).exit(), Ending::Abrupt);
}

/// What was written, for all to read.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_no_message_does_not_end_the_session() {
    let frame = |text: &str| format!("Content-Length: {}\r\n\r\n{text}", text.len());
    let request = |id: i32, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": {} });
    let input = [
        frame(&request(1, "initialize").to_string()),
        frame("{ not json"),
        frame("[]"),
        frame(r#"{"jsonrpc":"2.0","id":7,"method":1}"#),
        "Content-Length: nine\r\n\r\n{}".to_owned(),
        frame(&request(2, "shutdown").to_string()),
        frame(r#"{"jsonrpc":"2.0","method":"exit"}"#),
    ];
    let output = Output::default();
    let input = io::Cursor::new(input.concat().into_bytes());
    assert_eq!(serve(BufReader::new(input), output.clone(), MemoryDisk::default()).unwrap(), Ending::Asked);

    let output = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    let answers = output.split("Content-Length: ").filter_map(|frame| frame.split_once("\r\n\r\n"));
    let mut answers: Vec<Value> = answers.map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    // Errors in the stream are answered by the thread that reads it, which does not wait for the others.
    answers.sort_by_key(|answer| (answer["id"].to_string(), answer["error"]["code"].to_string()));
    let ids: Vec<_> = answers.iter().map(|a| (a["id"].clone(), a["error"]["code"].clone())).collect();
    assert_eq!(
        ids,
        [
            (json!(1), Value::Null),
            (json!(2), Value::Null),
            (json!(7), json!(-32600)),
            (Value::Null, json!(-32600)),
            (Value::Null, json!(-32700)),
        ]
    );
}
