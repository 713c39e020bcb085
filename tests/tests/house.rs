//! The rules of the house: which room may know which, and what no file may hold.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a failure is a failing test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use journey_tests::root;
use toml::{Table, Value};

/// Our own crates that each crate may use. Arrows point one way, so this is a list without a cycle.
const ARROWS: &[(&str, &[&str])] = &[
    ("journey-bytecode", &[]),
    ("journey-grammar", &[]),
    ("journey-compiler", &["journey-bytecode", "journey-grammar"]),
    ("journey-ide", &["journey-compiler", "journey-grammar"]),
    ("journey-lsp", &["journey-ide", "journey-compiler", "journey-grammar"]),
    ("journey-runtime", &["journey-bytecode"]),
    (
        "journey-cli",
        &["journey-lsp", "journey-ide", "journey-compiler", "journey-grammar", "journey-runtime", "journey-bytecode"],
    ),
    ("journey-tests", &[]),
    ("xtask", &["journey-grammar"]),
];

/// Crates of others that only some of ours may use, outside their tests.
const RESERVED: &[(&str, &[&str])] = &[
    // What reads text is in grammar.
    ("logos", &["journey-grammar"]),
    ("pest", &[]),
    ("pest_derive", &[]),
    // What talks to an editor is in lsp.
    ("lsp-server", &["journey-lsp"]),
    ("gen-lsp-types", &["journey-lsp"]),
    // What moves contacts is in runtime.
    ("sqlx", &["journey-runtime"]),
    ("axum", &["journey-runtime"]),
    ("lettre", &["journey-runtime"]),
    ("hmac", &["journey-runtime"]),
    // The compiler has neither a terminal nor threads nor an event loop.
    ("tokio", &["journey-runtime", "journey-cli"]),
    ("ariadne", &["journey-cli"]),
    ("anstream", &["journey-cli"]),
    ("comfy-table", &["journey-cli"]),
    ("clap", &["journey-cli", "xtask"]),
];

/// Crates of others that only some of ours may use in their tests.
const RESERVED_FOR_TESTS: &[(&str, &[&str])] = &[
    // The reference grammar is the oracle of the parser's tests and nothing else.
    ("pest", &["journey-grammar"]),
    ("pest_derive", &["journey-grammar"]),
    ("lsp-server", &[]),
    ("gen-lsp-types", &[]),
    ("axum", &[]),
    ("lettre", &[]),
];

/// A crate of the workspace: its manifest, and what it uses.
struct Member {
    folder: PathBuf,
    manifest: Table,
}

impl Member {
    fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap()
    }

    /// The dependencies under these headings, for every platform.
    fn uses(&self, headings: &[&str]) -> BTreeMap<String, Value> {
        let mut tables = vec![&self.manifest];
        if let Some(Value::Table(targets)) = self.manifest.get("target") {
            tables.extend(targets.values().filter_map(Value::as_table));
        }
        let mut found = BTreeMap::new();
        for table in tables {
            for heading in headings {
                if let Some(Value::Table(list)) = table.get(*heading) {
                    found.extend(list.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
            }
        }
        found
    }

    fn ships_with(&self) -> BTreeMap<String, Value> {
        self.uses(&["dependencies", "build-dependencies"])
    }

    fn tests_with(&self) -> BTreeMap<String, Value> {
        self.uses(&["dev-dependencies"])
    }
}

fn manifest(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn members() -> Vec<Member> {
    let workspace = manifest(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| {
            let folder = root().join(member.as_str().unwrap());
            Member { manifest: manifest(&folder.join("Cargo.toml")), folder }
        })
        .collect()
}

#[test]
fn arrows_between_our_crates_point_one_way() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let members = members();
    assert_eq!(
        members.iter().map(Member::name).collect::<BTreeSet<_>>(),
        allowed.keys().copied().collect(),
        "ARROWS names every crate of the workspace"
    );
    for member in &members {
        for used in member.ships_with().keys() {
            let ours = allowed.contains_key(used.as_str());
            assert!(
                !ours || allowed[member.name()].contains(&used.as_str()),
                "{} must not know {used}: see the arrows in ARCHITECTURE.md",
                member.name()
            );
        }
    }
}

#[test]
fn rooms_keep_their_tools_to_themselves() {
    for member in members() {
        for (used, rules) in [(member.ships_with(), RESERVED), (member.tests_with(), RESERVED_FOR_TESTS)] {
            for (tool, rooms) in rules {
                assert!(
                    !used.contains_key(*tool) || rooms.contains(&member.name()),
                    "{} must not use {tool}, which belongs to {rooms:?}",
                    member.name()
                );
            }
        }
    }
}

#[test]
fn every_version_is_pinned_once() {
    let workspace = manifest(&root().join("Cargo.toml"));
    for (name, value) in workspace["workspace"]["dependencies"].as_table().unwrap() {
        let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str));
        match version {
            Some(version) => {
                assert!(version.starts_with('='), "{name} is not pinned: `{version}` instead of `={version}`")
            }
            None => assert!(value.get("path").is_some(), "{name} has neither a version nor a path"),
        }
    }
    let listed = workspace["workspace"]["dependencies"].as_table().unwrap();
    let mut used = BTreeSet::new();
    for member in members() {
        for (name, value) in member.ships_with().into_iter().chain(member.tests_with()) {
            assert_eq!(
                value.get("workspace"),
                Some(&Value::Boolean(true)),
                "{} does not inherit {name} from the workspace",
                member.name()
            );
            used.insert(name);
        }
    }
    let unused: Vec<_> = listed.keys().filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "no crate uses {unused:?}: take them out of Cargo.toml");
}

#[test]
fn every_dependency_has_its_reason_in_architecture_md() {
    let workspace = manifest(&root().join("Cargo.toml"));
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let explained: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|names| names.trim().split(", "))
        .collect();
    let listed = workspace["workspace"]["dependencies"].as_table().unwrap().iter();
    let foreign = listed.filter(|(_, value)| value.get("path").is_none()).map(|(name, _)| name.as_str());
    let missing: Vec<_> = foreign.filter(|name| !explained.contains(name)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not say why {missing:?} are there");
}

#[test]
fn every_crate_inherits_the_lints() {
    for member in members() {
        assert_eq!(
            member.manifest.get("lints").and_then(|lints| lints.get("workspace")),
            Some(&Value::Boolean(true)),
            "{} does not inherit the lints",
            member.folder.display()
        );
    }
}

/// Every file of the project that git would keep.
fn files() -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, top: &Path, files: &mut Vec<(String, PathBuf)>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if ["target", ".git", "node_modules", "outbox", "book", "corpus"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(&path, top, files);
            } else {
                files.push((path.strip_prefix(top).unwrap().to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    assert!(found.len() > 30, "the walk misses the project");
    found
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}

#[test]
fn files_stay_of_a_size_to_read() {
    const MOST_LINES: usize = 800;
    for (name, path) in files() {
        if name.ends_with(".rs") && !is_test(&name) {
            let lines = fs::read_to_string(path).unwrap().lines().count();
            assert!(lines <= MOST_LINES, "{name} has {lines} lines: it holds more than one subject");
        }
    }
}

#[test]
fn nothing_unfinished_and_no_machine_of_ours_is_left_in_a_file() {
    // Written in pieces, so that this file does not find itself.
    let forbidden = [
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["dbg", "!("].concat(),
        ["#[", "ignore"].concat(),
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/ho", "me/"].concat(),
        ["<<<<", "<<<"].concat(),
    ];
    let text = ["rs", "toml", "md", "journey", "pest", "yml", "sh", "lua", "el", "js", "scm", "ts", "json", "snap"];
    for (name, path) in files() {
        assert!(!name.ends_with(".snap.new"), "{name}: a snapshot that nobody has accepted");
        if !text.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
            continue;
        }
        let Ok(content) = fs::read_to_string(&path) else { continue };
        for (number, line) in content.lines().enumerate() {
            for word in &forbidden {
                assert!(
                    !line.contains(word.as_str()),
                    "{name}:{}: `{word}` does not belong in the project",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let pages: BTreeMap<String, String> = files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".md") && (!name.contains('/') || name.starts_with("docs/")))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect();
    let mut broken = Vec::new();
    for (name, text) in &pages {
        for link in links(text) {
            if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { name.clone() } else { join(name, path) };
            if !root().join(&target).exists() {
                broken.push(format!("{name}: {link}: there is no {target}"));
            } else if !anchor.is_empty() && pages.get(&target).is_some_and(|page| !headings(page).contains(anchor)) {
                broken.push(format!("{name}: {link}: {target} has no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_manual_lists_every_page() {
    let summary = root().join("docs/SUMMARY.md");
    let text = fs::read_to_string(&summary).unwrap();
    let listed: BTreeSet<String> = links(&text).into_iter().map(|link| join("docs/SUMMARY.md", &link)).collect();
    for (name, _) in files() {
        // Diagnostics have pages of their own, which `journey explain` lists.
        let manual = name.starts_with("docs/") && name.ends_with(".md") && !name.starts_with("docs/diagnostics/");
        if manual && name != "docs/SUMMARY.md" {
            assert!(listed.contains(&name), "{name} is not in docs/SUMMARY.md");
        }
    }
}

/// The targets of a page's links and pictures, outside code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(rest[..end].split(' ').next().unwrap().trim_matches(['<', '>']).to_owned());
            rest = &rest[end..];
        }
    }
    found
}

/// The lines that are not inside a code block; code in a line keeps its place, and rarely holds a link.
fn prose(text: &str) -> Vec<&str> {
    let mut code = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .collect()
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn headings(text: &str) -> BTreeSet<String> {
    prose(text)
        .into_iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// A link's target, seen from a page: both are paths from the root.
fn join(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
