//! What goes through several requests: colours that follow edits, work that is shown, folders that stay apart, texts that
//! are not saved.

use super::support::{Editor, MemoryDisk};
use serde_json::{Value, json};

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const JOURNEY: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  add tag customer\n}\n";

fn shop(disk: &MemoryDisk, root: &str, tags: &str) {
    disk.write(&format!("{root}/journey.toml"), SETTINGS)
        .write(&format!("{root}/declarations.journey"), &format!("contact {{ email: email }}\ntags {{ {tags} }}\n"))
        .write(&format!("{root}/welcome.journey"), JOURNEY);
}

fn capabilities() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-8"] },
        "window": { "workDoneProgress": true },
        "workspace": { "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] } },
    })
}

/// An editor in which the shop is open.
fn in_shop() -> Editor {
    let disk = MemoryDisk::default();
    shop(&disk, "/shop", "lead customer");
    Editor::ready(&disk, capabilities())
}

/// The numbers after the edits of a delta.
fn applied(mut numbers: Vec<Value>, delta: &Value) -> Vec<Value> {
    for edit in delta["edits"].as_array().unwrap().iter().rev() {
        let (start, gone) = (edit["start"].as_u64().unwrap() as usize, edit["deleteCount"].as_u64().unwrap() as usize);
        numbers.splice(start..start + gone, edit["data"].as_array().unwrap().iter().cloned());
    }
    numbers
}

#[test]
fn colours_after_edits_are_those_of_the_whole() {
    let mut editor = in_shop();
    let uri = "file:///shop/welcome.journey";
    editor.open(uri, 1, JOURNEY);
    let document = json!({ "textDocument": { "uri": uri } });
    let mut told = editor.request("textDocument/semanticTokens/full", document.clone()).unwrap();
    let mut numbers = told["data"].as_array().unwrap().clone();
    let texts = [
        JOURNEY.replace("wait 2d\n", "wait 2d\n  remove tag lead\n"),
        JOURNEY.replace("lead", "customer"),
        JOURNEY.to_owned(),
        JOURNEY.to_owned(),
        "journey {\n".to_owned(),
        String::new(),
        format!("// 𝄞\n{JOURNEY}"),
    ];
    for (version, text) in (2..).zip(texts) {
        editor.change(uri, version, json!([{ "text": text }]));
        let mut params = document.clone();
        params["previousResultId"] = told["resultId"].clone();
        told = editor.request("textDocument/semanticTokens/full/delta", params).unwrap();
        numbers = applied(numbers, &told);
        let whole = editor.request("textDocument/semanticTokens/full", document.clone()).unwrap();
        assert_eq!(Value::from(numbers.clone()), whole["data"], "after {text:?}");
        told = whole;
    }
    // What was never said cannot be built on.
    let mut params = document;
    params["previousResultId"] = json!("of another session");
    let all = editor.request("textDocument/semanticTokens/full/delta", params).unwrap();
    assert_eq!(all["data"], Value::from(numbers));
}

#[test]
fn the_first_check_is_shown_as_work_or_is_over_before() {
    let mut editor = in_shop();
    let uri = "file:///shop/welcome.journey";
    editor.open(uri, 1, JOURNEY);
    editor.wait_for_request("window/workDoneProgress/create");
    editor.findings(uri);
    // The editor's leave comes after the check is over: then there is nothing to show, and no second question.
    editor.grant_all();
    editor.change(uri, 2, json!([{ "text": format!("{JOURNEY}\n// more\n") }]));
    editor.findings(uri);
    let heard = editor.drain();
    let progress = heard.iter().filter_map(|message| match message {
        lsp_server::Message::Notification(n) if n.method == "$/progress" => Some(n.params["value"]["kind"].clone()),
        _ => None,
    });
    let progress: Vec<_> = progress.collect();
    assert!(progress.is_empty() || progress == ["begin", "end"], "{progress:?}");
    let asked = heard.iter().any(
        |message| matches!(message, lsp_server::Message::Request(r) if r.method == "window/workDoneProgress/create"),
    );
    assert!(!asked, "only the first check is worth a word");
}

#[test]
fn folders_with_the_same_files_stay_apart() {
    let disk = MemoryDisk::default();
    shop(&disk, "/one", "lead customer");
    shop(&disk, "/two", "lead");
    let mut editor = Editor::start(&disk);
    let folders = json!([{ "uri": "file:///one", "name": "one" }, { "uri": "file:///two", "name": "two" }]);
    let params = json!({ "processId": null, "capabilities": capabilities(), "workspaceFolders": folders });
    editor.request("initialize", params).unwrap();
    editor.notify("initialized", json!({}));
    let two = editor.findings("file:///two/welcome.journey");
    assert_eq!(two["diagnostics"][0]["code"], "J0201", "its tags are its own: {two}");
    let found = editor.request("workspace/symbol", json!({ "query": "welcome" })).unwrap();
    let uris: Vec<_> = found.as_array().unwrap().iter().map(|f| f["location"]["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["file:///one/welcome.journey", "file:///two/welcome.journey"]);
    for root in ["one", "two"] {
        let uri = format!("file:///{root}/welcome.journey");
        editor.open(&uri, 1, JOURNEY);
        let definition = editor.ask("textDocument/definition", &uri, 1, 10);
        assert_eq!(definition[0]["uri"], format!("file:///{root}/declarations.journey"));
        let mut params = json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 10 } });
        params["newName"] = json!("guest");
        let renamed = editor.request("textDocument/rename", params).unwrap();
        let changed: Vec<_> = (renamed["documentChanges"].as_array().unwrap().iter())
            .map(|change| change["textDocument"]["uri"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(changed, ["declarations", "welcome"].map(|name| format!("file:///{root}/{name}.journey")));
    }
}

#[test]
fn texts_that_are_not_saved_count_everywhere() {
    let mut editor = in_shop();
    let (journey, declarations) = ("file:///shop/welcome.journey", "file:///shop/declarations.journey");
    let message = "file:///shop/messages/hello.email.md";
    editor.open(journey, 1, JOURNEY);
    // Three lines further down than on disk, and with an attribute that the disk knows nothing of.
    editor.open(declarations, 5, "\n\n\ncontact { email: email  plan: text? }\ntags { lead customer }\n");
    // A message that is not on disk at all.
    editor.open(message, 7, "---\nsubject: Hi\n---\nYou are on {{ plan | default(\"none\") }}.\n");
    let definition = editor.ask("textDocument/definition", journey, 1, 10);
    assert_eq!(definition[0]["range"]["start"], json!({ "line": 4, "character": 7 }));
    let definition = editor.ask("textDocument/definition", message, 3, 15);
    assert_eq!(definition[0]["range"]["start"], json!({ "line": 3, "character": 24 }));
    let position = json!({ "line": 3, "character": 15 });
    let params = json!({ "textDocument": { "uri": message }, "position": position, "newName": "tier" });
    let renamed = editor.request("textDocument/rename", params).unwrap();
    let changed: Vec<_> = (renamed["documentChanges"].as_array().unwrap().iter())
        .map(|change| (change["textDocument"]["uri"].clone(), change["textDocument"]["version"].clone()))
        .collect();
    assert_eq!(
        changed,
        [(json!(declarations), json!(5)), (json!(message), json!(7))],
        "for the versions that were seen"
    );
    editor.change(journey, 2, json!([{ "text": JOURNEY.replace("wait 2d\n", "send email hello\n") }]));
    let offered = editor.ask("textDocument/completion", journey, 3, 15);
    assert!(offered.as_array().unwrap().iter().any(|offer| offer["label"] == "hello"), "{offered}");
}

#[test]
fn saving_can_mend_all_that_needs_no_look() {
    let mut editor = in_shop();
    let uri = "file:///shop/welcome.journey";
    let slips = JOURNEY.replace("tag lead", "tag leed").replace("tag customer", "tag custommer");
    editor.open(uri, 1, &slips);
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 6, "character": 0 } });
    let context = json!({ "diagnostics": [], "only": ["source.fixAll"] });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    let actions = editor.request("textDocument/codeAction", params.clone()).unwrap();
    assert_eq!(actions[0]["kind"], "source.fixAll.journey");
    let edits = actions[0]["edit"]["documentChanges"][0]["edits"].as_array().unwrap();
    let edits: Vec<_> = edits.iter().map(|edit| (edit["newText"].clone(), edit["range"]["start"].clone())).collect();
    let place = |line: u32, character: u32| json!({ "line": line, "character": character });
    assert_eq!(edits, [(json!("lead"), place(1, 9)), (json!("customer"), place(4, 10))]);
    editor.change(uri, 2, json!([{ "text": JOURNEY }]));
    assert_eq!(editor.request("textDocument/codeAction", params), Ok(json!([])), "nothing is left to mend");
}
