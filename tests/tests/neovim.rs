//! A real editor shows what `journey lsp` finds, applies what it offers, and gets answers to what people ask most: headless
//! Neovim, Debian's (0.7 or newer) and 0.11.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use journey_tests::project::{BROKEN, DECLARATIONS};
use journey_tests::{binary, foreign, root};
use serde_json::Value;

#[test]
fn neovim_does_what_an_editor_does() {
    if let Some(nvim) = foreign::program("nvim") {
        does_what_an_editor_does(&nvim);
    }
}

#[test]
fn a_newer_neovim_does_so_too() {
    if let Some(nvim) = foreign::newer_neovim() {
        does_what_an_editor_does(&nvim);
    }
}

fn does_what_an_editor_does(nvim: &Path) {
    let project = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(project.path().join(path), text).unwrap();
    write("journey.toml", "name = \"nurture\"\ntimezone = \"Europe/Berlin\"\n");
    write("declarations.journey", DECLARATIONS);
    write("nurture.journey", BROKEN);

    let output = Command::new(nvim)
        .args(["--headless", "-u", "NONE", "-i", "NONE", "-n", "-S"])
        .arg(root().join("tests/tests/neovim.lua"))
        .current_dir(project.path())
        .env("HOME", project.path())
        .env("XDG_CACHE_HOME", project.path())
        .env("XDG_STATE_HOME", project.path())
        .env("JOURNEY", binary::journey())
        .env("JOURNEY_FILE", "nurture.journey")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");

    // Neovim ends what it prints with line ends of its own.
    let seen: Value = serde_json::from_slice(output.stdout.trim_ascii()).unwrap();
    let finding = &seen["findings"][0];
    assert_eq!((finding["line"].as_u64(), finding["column"].as_u64()), (Some(4), Some(10)), "{finding}");
    assert_eq!((finding["code"].as_str(), finding["source"].as_str()), (Some("J0201"), Some("journey")));
    assert!(finding["message"].as_str().unwrap().contains("nurtrued"), "{finding}");
    assert_eq!(seen["actions"][0], "Replace `nurtrued` with `nurtured`");
    assert!(seen["hover"].as_str().unwrap().starts_with("2 days"), "{}", seen["hover"]);
    let offered: Vec<_> = seen["completion"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(offered, ["mattress_lead", "nurtured"]);
    let definition = seen["definition"].to_string();
    assert!(definition.contains("declarations.journey"), "{definition}");
    let lines = |of: &str| -> Vec<String> {
        let lines = seen[of].as_array().unwrap().iter();
        lines.filter_map(|line| line.as_str().map(str::to_owned)).collect()
    };
    assert!(lines("formatted").contains(&"  wait 2d".to_owned()), "{:?}", lines("formatted"));
    assert!(lines("formatted").contains(&"  add tag nurtured".to_owned()), "the fix is applied");
    assert!(lines("text").contains(&"  add tag taught".to_owned()), "the tag is renamed: {:?}", lines("text"));
}
