//! Emacs with eglot and the mode in `editors/emacs` shows what `journey lsp` finds, applies what it offers, and gets answers
//! to what people ask most: `emacs --batch`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failure is a failing test")]

use std::fs;
use std::process::{Command, Stdio};

use journey_grammar::{CONNECTIVES, RESERVED};
use journey_tests::project::{BROKEN, DECLARATIONS};
use journey_tests::{binary, foreign, root};
use serde_json::Value;

#[test]
fn emacs_does_what_an_editor_does() {
    let Some(emacs) = foreign::emacs_with_eglot() else { return };
    let project = tempfile::tempdir().unwrap();
    fs::create_dir(project.path().join("journeys")).unwrap();
    let write = |path: &str, text: &str| fs::write(project.path().join(path), text).unwrap();
    write("journey.toml", "name = \"nurture\"\ntimezone = \"Europe/Berlin\"\n");
    write("journeys/declarations.journey", DECLARATIONS);
    write("journeys/nurture.journey", BROKEN);

    let output = Command::new(emacs)
        .args(["--batch", "-l"])
        .arg(root().join("tests/tests/emacs.el"))
        .current_dir(project.path())
        .env("HOME", project.path())
        .env("JOURNEY", binary::journey())
        .env("JOURNEY_MODE", root().join("editors/emacs/journey-mode.el"))
        .env("JOURNEY_FILE", "journeys/nurture.journey")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));

    assert_eq!(seen["root"], project.path().file_name().unwrap().to_string_lossy().as_ref());
    let finding = &seen["finding"];
    assert_eq!((finding["line"].as_u64(), finding["text"].as_str()), (Some(5), Some("nurtrued")), "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("nurtrued"), "{finding}");
    assert_eq!(seen["actions"][0], "Replace `nurtrued` with `nurtured`");
    assert!(seen["hover"].as_str().unwrap().starts_with("2 days"), "{}", seen["hover"]);
    assert_eq!(seen["completion"], serde_json::json!(["mattress_lead", "nurtured"]));
    assert_eq!(seen["definition"], "declarations.journey");
    assert_eq!(seen["face"], "font-lock-keyword-face");
    let formatted = seen["formatted"].as_str().unwrap();
    assert!(formatted.contains("\n  wait 2d\n  add tag nurtured\n"), "{formatted}");
    let text = seen["text"].as_str().unwrap();
    assert!(text.contains("\n  add tag taught\n"), "the tag is renamed: {text}");
    let declarations = seen["declarations"].as_str().unwrap();
    assert!(declarations.contains("taught"), "and where it is declared: {declarations}");
}

#[test]
fn the_mode_knows_the_words_of_the_language() {
    let mode = fs::read_to_string(root().join("editors/emacs/journey-mode.el")).unwrap();
    let missing: Vec<_> =
        RESERVED.iter().chain(CONNECTIVES).filter(|word| !mode.contains(&format!("\"{word}\""))).collect();
    assert!(missing.is_empty(), "journey-mode.el misses {missing:?}");
}
