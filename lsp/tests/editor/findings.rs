//! What an editor is told of a project while it is edited.

use super::support::{Editor, MemoryDisk};
use serde_json::{Value, json};

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const DECLARATIONS: &str = "contact { email: email }\ntags { lead customer }\n";
const BROKEN: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  add tag custommer\n  end\n}\n";
const MENDED: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  add tag customer\n  end\n}\n";
const JOURNEY: &str = "file:///shop/journeys/welcome.journey";
const DECLARED: &str = "file:///shop/declarations.journey";

fn shop() -> MemoryDisk {
    let disk = MemoryDisk::default();
    disk.write("/shop/journey.toml", SETTINGS)
        .write("/shop/declarations.journey", DECLARATIONS)
        .write("/shop/journeys/welcome.journey", BROKEN);
    disk
}

/// All that an editor may be able to do.
fn everything() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-8"] },
        "textDocument": { "publishDiagnostics": { "relatedInformation": true, "tagSupport": { "valueSet": [1, 2] } } },
        "workspace": {
            "workspaceEdit": { "documentChanges": true },
            "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
    })
}

fn messages(findings: &Value) -> Vec<String> {
    let all = findings["diagnostics"].as_array().unwrap().iter();
    all.map(|d| format!("{} {}", d["code"].as_str().unwrap(), d["message"].as_str().unwrap())).collect()
}

#[test]
fn findings_come_on_open_and_go_on_change() {
    let mut editor = Editor::ready(&shop(), everything());
    editor.open(JOURNEY, 1, BROKEN);
    let findings = editor.findings(JOURNEY);
    insta::assert_snapshot!(serde_json::to_string_pretty(&findings).unwrap());

    // `custommer` loses an m.
    let range = json!({ "start": { "line": 4, "character": 15 }, "end": { "line": 4, "character": 16 } });
    editor.change(JOURNEY, 2, json!([{ "range": range, "text": "" }]));
    let findings = editor.findings(JOURNEY);
    assert_eq!((findings["version"].as_i64(), messages(&findings).len()), (Some(2), 0), "{findings}");
}

#[test]
fn a_change_in_one_file_is_seen_in_another() {
    let mut editor = Editor::ready(&shop(), everything());
    editor.open(DECLARED, 1, DECLARATIONS);
    assert_eq!(messages(&editor.findings(JOURNEY)).len(), 1, "a file that is not open is told of too");
    editor.change(DECLARED, 2, json!([{ "text": DECLARATIONS.replace("customer", "custommer") }]));
    assert_eq!(messages(&editor.findings(JOURNEY)), [""; 0], "its tag is declared now");
}

#[test]
fn a_change_on_disk_is_seen() {
    let disk = shop();
    let mut editor = Editor::ready(&disk, everything());
    editor.open(DECLARED, 1, DECLARATIONS);
    assert_eq!(messages(&editor.findings(JOURNEY)).len(), 1);
    disk.write("/shop/journeys/welcome.journey", MENDED);
    editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": JOURNEY, "type": 2 }] }));
    assert_eq!(messages(&editor.findings(JOURNEY)), [""; 0]);
    disk.write("/shop/journeys/second.journey", &BROKEN.replace("welcome", "second"));
    editor.notify("textDocument/didSave", json!({ "textDocument": { "uri": DECLARED } }));
    let second = "file:///shop/journeys/second.journey";
    assert_eq!(messages(&editor.findings(second)).len(), 1);
    disk.remove("/shop/journeys/second.journey");
    editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": second, "type": 3 }] }));
    assert_eq!(messages(&editor.findings(second)), [""; 0], "what was said of a file that is gone is taken back");
}

#[test]
fn closing_the_last_document_takes_everything_back() {
    let mut editor = Editor::ready(&shop(), everything());
    editor.open(DECLARED, 1, DECLARATIONS);
    assert_eq!(messages(&editor.findings(JOURNEY)).len(), 1);
    editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": DECLARED } }));
    assert_eq!(messages(&editor.findings(JOURNEY)), [""; 0]);
}

#[test]
fn an_unsaved_text_and_a_lone_file_are_checked_too() {
    let mut editor = Editor::ready(&MemoryDisk::default(), json!({}));
    for uri in ["untitled:Untitled-1", "file:///tmp/lone.journey"] {
        editor.open(uri, 1, "on tag X wait 2d if opened send email follow_up }");
        let findings = messages(&editor.findings(uri));
        assert!(findings.iter().any(|message| message.starts_with("J01")), "{findings:?}");
    }
    // No business of ours.
    editor.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": "file:///tmp/x.md", "languageId": "markdown", "version": 1, "text": "#" } }),
    );
    assert_eq!(editor.request("textDocument/codeAction", actions_at("file:///tmp/x.md", 0)), Ok(json!([])));
}

fn actions_at(uri: &str, line: u32) -> Value {
    let range = json!({ "start": { "line": line, "character": 0 }, "end": { "line": line, "character": 99 } });
    json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] } })
}

#[test]
fn other_places_are_pointed_at_if_the_editor_can_show_them() {
    let text = "journey welcome {\n  on tag lead\n  reenter never\n  purpose transactional\n  if opened hello end\n  \
                send email hello as hello\n  end\n}\n";
    let disk = shop();
    disk.write("/shop/messages/hello.email.md", "---\nsubject: Hello\n---\nHello!\n");
    let finding = |capabilities| {
        let mut editor = Editor::ready(&disk, capabilities);
        editor.open(JOURNEY, 1, text);
        editor.findings(JOURNEY)["diagnostics"][0].clone()
    };
    let finding_with = finding(everything());
    insta::assert_snapshot!(serde_json::to_string_pretty(&finding_with).unwrap());
    assert_eq!(finding(json!({}))["relatedInformation"], Value::Null);
}

#[test]
fn what_could_be_absent_is_marked_if_the_editor_can_fade_it() {
    let disk = shop();
    disk.write("/shop/journeys/welcome.journey", MENDED);
    let declarations = DECLARATIONS.replace("customer", "customer nobody");
    let found = |capabilities| {
        let mut editor = Editor::ready(&disk, capabilities);
        editor.open(DECLARED, 1, &declarations);
        let findings = editor.findings(DECLARED);
        let unused = findings["diagnostics"].as_array().unwrap().iter().find(|d| d["code"] == "J1072").cloned();
        unused.unwrap_or_else(|| panic!("{findings}"))
    };
    assert_eq!(found(everything())["tags"], json!([1]));
    assert_eq!(found(json!({}))["tags"], Value::Null);
    let unreachable = MENDED.replace("  end\n", "  end\n  add tag lead\n");
    let mut editor = Editor::ready(&disk, everything());
    editor.open(JOURNEY, 1, &unreachable);
    let findings = editor.findings(JOURNEY);
    let faded = findings["diagnostics"].as_array().unwrap().iter().filter(|d| d["tags"] == json!([1])).count();
    assert_eq!(faded, 1, "{findings}");
}

#[test]
fn fixes_are_offered_where_the_finding_is() {
    let mut editor = Editor::ready(&shop(), everything());
    editor.open(JOURNEY, 7, BROKEN);
    let actions = editor.request("textDocument/codeAction", actions_at(JOURNEY, 4)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&actions).unwrap());
    assert_eq!(editor.request("textDocument/codeAction", actions_at(JOURNEY, 1)), Ok(json!([])), "elsewhere");
    let mut only = actions_at(JOURNEY, 4);
    only["context"]["only"] = json!(["refactor"]);
    assert_eq!(editor.request("textDocument/codeAction", only), Ok(json!([])), "not asked for");

    let mut simple = Editor::ready(&shop(), json!({}));
    simple.open(JOURNEY, 7, BROKEN);
    let actions = simple.request("textDocument/codeAction", actions_at(JOURNEY, 4)).unwrap();
    let edit = &actions[0]["edit"]["changes"][JOURNEY][0];
    assert_eq!(edit["newText"], "customer", "for an editor that knows plain changes only");
}

#[test]
fn files_are_watched_if_the_editor_can() {
    let mut editor = Editor::ready(&shop(), everything());
    editor.open(JOURNEY, 1, MENDED);
    editor.findings(JOURNEY);
    let requests = editor.heard.iter().filter_map(|message| match message {
        lsp_server::Message::Request(request) => Some(serde_json::to_value(request).unwrap()),
        _ => None,
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&requests.collect::<Vec<_>>()).unwrap());
}

#[test]
fn a_project_that_cannot_be_read_is_said_once() {
    let disk = shop();
    disk.write("/shop/messages/secret.email.md", "unreadable");
    let mut editor = Editor::ready(&disk, json!({}));
    editor.open(JOURNEY, 1, BROKEN);
    let shown = editor.wait("window/showMessage", |_| true);
    assert_eq!(shown, json!({ "type": 1, "message": "cannot read a file" }));
    disk.remove("/shop/messages/secret.email.md");
    editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert_eq!(messages(&editor.findings(JOURNEY)).len(), 1);
}

#[test]
fn edits_in_every_encoding_give_the_same_text() {
    // A clef takes four bytes and two units of UTF-16.
    let text = "journey welcome {\n  // 𝄞 x\n  on tag lead\n  reenter never\n  end\n}\n";
    for (encoding, column) in [("utf-8", 9), ("utf-16", 7), ("utf-32", 6)] {
        let mut editor = Editor::ready(&shop(), json!({ "general": { "positionEncodings": [encoding] } }));
        editor.open(JOURNEY, 1, text);
        editor.findings(JOURNEY);
        // Behind the clef comes a line end and a tag that does not exist.
        let place = json!({ "line": 1, "character": column });
        let insert = json!([{ "range": { "start": place, "end": place }, "text": "\n  where has tag nobody //" }]);
        editor.change(JOURNEY, 2, insert);
        let findings = editor.findings(JOURNEY);
        assert_eq!(findings["diagnostics"][0]["range"]["start"], json!({ "line": 2, "character": 16 }), "{findings}");
    }
}

/// The place of a byte as an editor that counts bytes names it.
fn place(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    json!({ "line": line, "character": at - before.rfind('\n').map_or(0, |end| end + 1) })
}

#[test]
fn after_many_edits_the_findings_are_those_of_a_fresh_start() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    let pieces =
        ["{", "}", "\n", "  wait 2d\n", "  add tag lead\n", "custommer", "\"", "if has tag lead end\n", " ", "end"];
    let mut texts = [(DECLARED, DECLARATIONS.to_owned()), (JOURNEY, MENDED.to_owned())];
    let mut editor = Editor::ready(&shop(), everything());
    for (uri, text) in &texts {
        editor.open(uri, 0, text);
    }
    for version in 1..=300 {
        let (uri, text) = &mut texts[random(2)];
        let (a, b) = (random(text.len() + 1), random(text.len() + 1));
        // Mostly a word more, sometimes a few bytes less.
        let (start, end, new) = match random(3) {
            0 => (a.min(b), a.max(b).min(a.min(b) + 9), ""),
            _ => (a, a, pieces[random(pieces.len())]),
        };
        let range = json!({ "start": place(text, start), "end": place(text, end) });
        editor.change(uri, version, json!([{ "range": range, "text": new }]));
        text.replace_range(start..end, new);
    }
    // One change more in each: the findings that come with the last one are of all that went before.
    let mut fresh = Editor::ready(&shop(), everything());
    let mut told = [Vec::new(), Vec::new()];
    for (uri, text) in &mut texts {
        text.push('\n');
        editor.change(uri, 1_000, json!([{ "text": text }]));
        fresh.open(uri, 1_000, text);
        for (editor, told) in [&mut editor, &mut fresh].into_iter().zip(&mut told) {
            let findings = |p: &Value| p["uri"] == *uri && p["version"] == 1_000;
            told.push(editor.wait("textDocument/publishDiagnostics", findings)["diagnostics"].clone());
        }
    }
    // The first file may have been told of again when the second one changed.
    for (editor, told) in [&mut editor, &mut fresh].into_iter().zip(&mut told) {
        let again = editor.heard.drain(..).filter_map(|message| match message {
            lsp_server::Message::Notification(n) if n.params["uri"] == DECLARED && n.params["version"] == 1_000 => {
                Some(n.params["diagnostics"].clone())
            }
            _ => None,
        });
        told[0] = again.reduce(|_, last| last).unwrap_or(told[0].clone());
    }
    assert_eq!(told[0], told[1]);
    assert!(!told[0][1].as_array().unwrap().is_empty(), "there is something to find");
}
