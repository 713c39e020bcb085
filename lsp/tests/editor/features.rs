//! Every request that the server answers, asked by an editor that can do everything and by one that can do nothing. What
//! features say is tested in `journey-ide`; that answers are as the protocol wants them, by the editor itself.

use super::support::{Editor, MemoryDisk};
use serde_json::{Value, json};

const JOURNEY: &str = "file:///shop/hello.journey";
const MAIL: &str = "file:///shop/messages/welcome.email.md";

const TEXT: &str = "\
journey hello {
  on tag lead
  where plan is free
  reenter never

  send email welcome as first
    wait 3d
  if opened first end
  add tag custommer
  start journey bye
}
journey bye {
  on call
  reenter always
  send email welcome
  end
}
test \"greets\" {
  given contact
  at 2026-03-02 10:00 tag lead
  expect send email welcome
}
";

fn shop() -> MemoryDisk {
    let disk = MemoryDisk::default();
    disk.write("/shop/journey.toml", "name = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
        .write(
            "/shop/declarations.journey",
            "contact { email: email  plan: enum { free pro } = free }\ntags { lead customer }\n",
        )
        .write("/shop/hello.journey", TEXT)
        .write("/shop/messages/welcome.email.md", "---\nsubject: Hi\n---\nYou are on {{ plan }}.\n");
    disk
}

/// All that an editor may be able to do.
fn everything() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "window": { "workDoneProgress": true },
        "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true } },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "definition": { "linkSupport": true },
            "declaration": { "linkSupport": true },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "publishDiagnostics": {
                "relatedInformation": true, "tagSupport": { "valueSet": [1, 2] }, "codeDescriptionSupport": true,
            },
        },
        "workspace": {
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] },
            "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
    })
}

fn editor(capabilities: Value) -> Editor {
    editor_on(&shop(), capabilities)
}

fn editor_on(disk: &MemoryDisk, capabilities: Value) -> Editor {
    let mut editor = Editor::start(disk);
    let options = json!({
        "commands": ["journey.runTest", "journey.simulate", "journey.showGraph"],
        "codePage": "https://journey.example/{code}",
    });
    let params = json!({ "processId": null, "capabilities": capabilities, "initializationOptions": options });
    editor.request("initialize", params).unwrap();
    editor.notify("initialized", json!({}));
    editor.open(JOURNEY, 1, TEXT);
    editor
}

/// Asks everything there is to ask.
fn ask_everything(editor: &mut Editor) -> Vec<(String, Value)> {
    let document = json!({ "uri": JOURNEY });
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 21, "character": 0 } });
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let at = |line: u32, character: u32| json!({ "textDocument": document, "position": { "line": line, "character": character } });
    let with = |mut params: Value, key: &str, value: Value| {
        params[key] = value;
        params
    };
    let only = json!({ "textDocument": document });
    let actions = |only: Value| json!({ "textDocument": document, "range": whole, "context": { "diagnostics": [], "only": only } });
    let mut answers = Vec::new();
    let asks = [
        ("textDocument/completion", at(7, 12)),
        ("textDocument/hover", at(5, 15)),
        ("textDocument/signatureHelp", at(5, 15)),
        ("textDocument/declaration", at(5, 15)),
        ("textDocument/definition", at(2, 10)),
        ("textDocument/references", with(at(2, 10), "context", json!({ "includeDeclaration": true }))),
        ("textDocument/documentHighlight", at(5, 15)),
        ("textDocument/documentSymbol", only.clone()),
        ("workspace/symbol", json!({ "query": "wel" })),
        ("textDocument/codeAction", actions(json!(["quickfix", "refactor"]))),
        ("textDocument/codeAction", actions(json!(["source.fixAll"]))),
        ("textDocument/codeLens", only.clone()),
        ("textDocument/documentLink", only.clone()),
        ("textDocument/formatting", with(only.clone(), "options", options.clone())),
        ("textDocument/rangeFormatting", with(with(only.clone(), "options", options.clone()), "range", whole.clone())),
        ("textDocument/onTypeFormatting", with(with(at(10, 1), "ch", json!("}")), "options", options)),
        ("textDocument/prepareRename", at(2, 10)),
        ("textDocument/rename", with(at(2, 10), "newName", json!("tier"))),
        ("textDocument/foldingRange", only.clone()),
        ("textDocument/selectionRange", with(only.clone(), "positions", json!([{ "line": 2, "character": 9 }]))),
        ("textDocument/semanticTokens/full", only.clone()),
        ("textDocument/semanticTokens/full/delta", with(only.clone(), "previousResultId", json!("1"))),
        ("textDocument/semanticTokens/range", with(only.clone(), "range", whole.clone())),
        ("textDocument/inlayHint", with(only.clone(), "range", whole)),
        ("textDocument/prepareCallHierarchy", at(0, 9)),
        ("textDocument/diagnostic", only),
        ("workspace/diagnostic", json!({ "previousResultIds": [] })),
        ("workspace/executeCommand", json!({ "command": "journey.graph", "arguments": [{ "uri": JOURNEY }] })),
        ("workspace/executeCommand", json!({ "command": "journey.preview", "arguments": [{ "uri": MAIL }] })),
        ("workspace/executeCommand", json!({ "command": "journey.runnables", "arguments": [{ "uri": JOURNEY }] })),
    ];
    for (method, params) in asks {
        let answer = editor.request(method, params).unwrap();
        answers.push((method.to_owned(), answer));
    }
    answers
}

#[test]
fn the_message_of_a_file_and_of_a_step_can_be_previewed() {
    let mut editor = editor(everything());
    let mut preview = |uri: &str, line: u32| {
        let argument = json!({ "uri": uri, "position": { "line": line, "character": 4 } });
        editor.request("workspace/executeCommand", json!({ "command": "journey.preview", "arguments": [argument] }))
    };
    let shown = preview(MAIL, 0).unwrap();
    assert_eq!(shown["name"], "welcome");
    assert_eq!(shown["texts"][0]["title"], "/shop", "the project's folder is told: {shown}");
    assert_eq!(preview(JOURNEY, 5).unwrap(), shown, "the step sends it");
    assert_eq!(preview(JOURNEY, 6).unwrap(), Value::Null, "a wait is about no message");
}

#[test]
fn everything_is_answered_to_an_editor_that_can_do_everything() {
    let mut editor = editor(everything());
    let answers = ask_everything(&mut editor);
    for (method, answer) in &answers {
        assert!(!answer.is_null() && *answer != json!([]), "{method} says nothing");
    }
    let of = |wanted: &str| answers.iter().find(|(method, _)| method == wanted).unwrap().1.clone();
    let item = of("textDocument/prepareCallHierarchy")[0].clone();
    let out = editor.request("callHierarchy/outgoingCalls", json!({ "item": item })).unwrap();
    assert_eq!(out[0]["to"]["name"], "bye", "{out}");
    let incoming = editor.request("callHierarchy/incomingCalls", json!({ "item": out[0]["to"] })).unwrap();
    assert_eq!(incoming[0]["from"]["name"], "hello", "{incoming}");
    let offer =
        of("textDocument/completion").as_array().unwrap().iter().find(|o| o["data"].is_object()).unwrap().clone();
    let resolved = editor.request("completionItem/resolve", offer).unwrap();
    assert!(resolved["documentation"]["value"].as_str().unwrap().contains("welcome"), "{resolved}");
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&json!({
            "codeAction": of("textDocument/codeAction"),
            "codeLens": of("textDocument/codeLens"),
            "definition": of("textDocument/definition"),
            "hover": of("textDocument/hover"),
            "rename": of("textDocument/rename"),
            "inlayHint": of("textDocument/inlayHint"),
        }))
        .unwrap()
    );
}

#[test]
fn everything_is_answered_to_an_editor_that_can_do_nothing() {
    let mut editor = editor(json!({}));
    let answers = ask_everything(&mut editor);
    let of = |wanted: &str| answers.iter().find(|(method, _)| method == wanted).unwrap().1.clone();
    assert_eq!(of("textDocument/hover")["contents"]["kind"], "plaintext");
    let completions = of("textDocument/completion");
    assert!(completions.as_array().unwrap().iter().all(|offer| offer["insertTextFormat"].is_null()), "{completions}");
    assert!(of("textDocument/rename")["changes"].is_object());
}

#[test]
fn a_file_of_which_nothing_is_known_gets_empty_answers() {
    let mut editor = editor(everything());
    for method in ["textDocument/hover", "textDocument/definition", "textDocument/completion"] {
        assert_eq!(editor.ask(method, "file:///elsewhere/x.txt", 0, 0), Value::Null, "{method}");
    }
}

#[test]
fn renaming_an_attribute_reaches_templates_and_a_message_its_files() {
    let mut editor = editor(everything());
    let params = |line: u32, character: u32, name: &str| json!({ "textDocument": { "uri": JOURNEY }, "position": { "line": line, "character": character }, "newName": name });
    let renamed = editor.request("textDocument/rename", params(2, 10, "tier")).unwrap();
    let files: Vec<_> =
        renamed["documentChanges"].as_array().unwrap().iter().map(|c| c["textDocument"]["uri"].clone()).collect();
    assert!(files.contains(&json!(MAIL)), "{renamed}");
    let renamed = editor.request("textDocument/rename", params(5, 15, "greeting")).unwrap();
    let changes = renamed["documentChanges"].as_array().unwrap();
    let file = changes.iter().find(|change| change["kind"] == "rename").unwrap();
    assert_eq!(file["newUri"], "file:///shop/messages/greeting.email.md");
    let refused = editor.request("textDocument/rename", params(2, 10, "a-b")).unwrap_err();
    assert_eq!(refused["code"], -32803, "{refused}");
    let files = json!({ "files": [{ "oldUri": MAIL, "newUri": "file:///shop/messages/hi.email.md" }] });
    let edit = editor.request("workspace/willRenameFiles", files).unwrap();
    assert_eq!(edit["documentChanges"][0]["edits"][0]["newText"], "hi", "{edit}");
}

/// The edits of an answer in a file: the places that they replace and the texts.
fn edits_in(edit: &Value, uri: &str) -> Vec<Value> {
    let of_file = |change: &&Value| change["textDocument"]["uri"] == uri;
    let changes = edit["documentChanges"].as_array().unwrap().iter().filter(of_file);
    changes.flat_map(|change| change["edits"].as_array().unwrap().clone()).collect()
}

#[test]
fn renaming_reaches_the_files_beside_the_project() {
    let disk = shop();
    // As spreadsheets write it.
    disk.write("/shop/contacts.csv", "\u{feff}id,email,plan,tags\nada,ada@example.com,free,lead\n")
        .write("/shop/events.ndjson", "{\"contact\":\"ada\",\"set\":{\"plan\":\"pro\"}}\n");
    let mut editor = editor_on(&disk, everything());
    let rename = |editor: &mut Editor| {
        let position = json!({ "line": 2, "character": 10 });
        let params = json!({ "textDocument": { "uri": JOURNEY }, "position": position, "newName": "tier" });
        editor.request("textDocument/rename", params)
    };
    let (contacts, events) = ("file:///shop/contacts.csv", "file:///shop/events.ndjson");
    let column = |edit: &Value| (edit["range"]["start"]["character"].clone(), edit["newText"].clone());
    let renamed = rename(&mut editor).unwrap();
    let in_contacts = edits_in(&renamed, contacts);
    assert_eq!(in_contacts.iter().map(column).collect::<Vec<_>>(), [(json!(9), json!("tier"))], "{renamed}");
    assert_eq!(edits_in(&renamed, events).iter().map(column).collect::<Vec<_>>(), [(json!(25), json!("tier"))]);

    editor.open(contacts, 1, "plan,id\n");
    let renamed = rename(&mut editor).unwrap();
    let in_contacts = edits_in(&renamed, contacts);
    assert_eq!(in_contacts.iter().map(column).collect::<Vec<_>>(), [(json!(0), json!("tier"))], "as it is unsaved");

    disk.write("/shop/events.ndjson", "large");
    let refused = rename(&mut editor).unwrap_err();
    assert_eq!(refused["message"], "`events.ndjson` is too large");
}

#[test]
fn a_file_that_gets_another_name_keeps_its_readers() {
    let disk = shop();
    let declarations = "contact { email: email  plan: enum { free pro } = free }\ntags { lead customer }\n\
                        voucher spring \"10 %\" from file \"vouchers/spring.txt\"\n";
    disk.write("/shop/declarations.journey", declarations)
        .write("/shop/vouchers/spring.txt", "A\n")
        .write("/shop/messages/partials/foot.html", "<p>Bye</p>\n")
        .write("/shop/messages/late.email.html", "---\nsubject: Late\n---\n{% include \"partials/foot.html\" %}\n")
        .write("/shop/follow_up.journey", "on tag lead wait 2d send sms \"Hello\"\n")
        .write("/shop/starts.journey", "journey starts {\n  on tag customer\n  start journey follow_up\n}\n");
    let mut editor = editor_on(&disk, everything());
    let mut will_rename = |from: &str, to: &str| {
        let files = json!([{ "oldUri": format!("file:///shop/{from}"), "newUri": format!("file:///shop/{to}") }]);
        editor.request("workspace/willRenameFiles", json!({ "files": files })).unwrap()
    };
    let text = |edit: &Value, uri: &str| {
        let edits = edits_in(edit, &format!("file:///shop/{uri}"));
        edits.iter().map(|edit| edit["newText"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let edit = will_rename("vouchers/spring.txt", "vouchers/summer.txt");
    assert_eq!(text(&edit, "declarations.journey"), ["vouchers/summer.txt"]);
    let edit = will_rename("messages/partials/foot.html", "messages/partials/mail/end.html");
    assert_eq!(text(&edit, "messages/late.email.html"), ["partials/mail/end.html"]);
    let edit = will_rename("follow_up.journey", "again.journey");
    assert_eq!(text(&edit, "starts.journey"), ["again"]);
    assert_eq!(will_rename("starts.journey", "other.journey"), Value::Null, "its journey has a name of its own");
}

#[test]
fn a_cancelled_request_is_answered_once() {
    let mut editor = editor(everything());
    let ids: Vec<_> = (0..50)
        .map(|n| {
            editor.send(
                "textDocument/completion",
                json!({ "textDocument": { "uri": JOURNEY }, "position": { "line": n % 20, "character": 3 } }),
            )
        })
        .collect();
    for n in 1..=50 {
        editor.notify("$/cancelRequest", json!({ "id": n + 1 }));
    }
    let mut cancelled = 0;
    for id in &ids {
        // An answer to something that is answered already fails the editor.
        match editor.answer(id) {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error["code"], -32800);
                cancelled += 1;
            }
        }
    }
    assert!(cancelled > 0);
}

#[test]
fn an_editor_that_asks_for_findings_is_not_told_of_them() {
    let mut capabilities = everything();
    capabilities["textDocument"]["diagnostic"] = json!({});
    capabilities["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
    let mut editor = editor(capabilities);
    let document = json!({ "textDocument": { "uri": JOURNEY } });
    let first = editor.request("textDocument/diagnostic", document.clone()).unwrap();
    assert_eq!(first["kind"], "full");
    let unknown = first["items"].as_array().unwrap().iter().find(|d| d["code"] == "J0201").unwrap();
    assert_eq!(unknown["codeDescription"]["href"], "https://journey.example/J0201");
    let mut again = document;
    again["previousResultId"] = first["resultId"].clone();
    assert_eq!(editor.request("textDocument/diagnostic", again).unwrap()["kind"], "unchanged");
    // A change in another file is worth asking again.
    let declarations = "file:///shop/declarations.journey";
    editor.open(declarations, 1, "contact { email: email  plan: enum { free pro } = free }\ntags { lead custommer }\n");
    editor.wait_for_request("workspace/diagnostic/refresh");
    let whole = editor.request("workspace/diagnostic", json!({ "previousResultIds": [] })).unwrap();
    assert!(whole["items"].as_array().unwrap().len() >= 4, "{whole}");
    assert!(
        !editor.heard.iter().any(
            |m| matches!(m, lsp_server::Message::Notification(n) if n.method == "textDocument/publishDiagnostics")
        )
    );
}

fn knows_nothing_of_a_tag(findings: &Value) -> bool {
    findings["diagnostics"].as_array().unwrap().iter().any(|d| d["code"] == "J0201")
}

#[test]
fn folders_are_checked_without_an_open_file() {
    let disk = shop();
    disk.write("/other/journey.toml", "name = \"other\"\ntimezone = \"UTC\"\n")
        .write("/other/a.journey", "journey a { on tag nothing end }\n");
    let mut editor = Editor::start(&disk);
    let folders = json!([{ "uri": "file:///shop", "name": "shop" }]);
    editor
        .request("initialize", json!({ "processId": null, "capabilities": everything(), "workspaceFolders": folders }))
        .unwrap();
    editor.notify("initialized", json!({}));
    assert!(knows_nothing_of_a_tag(&editor.findings(JOURNEY)));
    let added = json!({ "event": { "added": [{ "uri": "file:///other", "name": "other" }], "removed": [] } });
    editor.notify("workspace/didChangeWorkspaceFolders", added);
    assert!(knows_nothing_of_a_tag(&editor.findings("file:///other/a.journey")));
    let removed = json!({ "event": { "added": [], "removed": [{ "uri": "file:///other", "name": "other" }] } });
    editor.notify("workspace/didChangeWorkspaceFolders", removed);
    assert_eq!(editor.findings("file:///other/a.journey")["diagnostics"], json!([]));
}
