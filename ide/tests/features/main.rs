//! Every feature on small projects: each file of `fixtures` is a project with a cursor, and a snapshot says what is shown.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a failure is a failing test"
)]

mod completing;
mod fixture;
mod renaming;

use std::collections::BTreeSet;
use std::fmt::Write;

use fixture::Fixture;
use journey_compiler::diagnostic::Edit;
use journey_ide::{self as ide, Change, Outline, TextRange};

#[test]
fn fixtures() {
    insta::glob!("../fixtures", "*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (features, project) = text.split_once('\n').unwrap();
        let fixture = Fixture::new(project);
        let mut out = String::new();
        for feature in features.split_whitespace() {
            let (feature, argument) = feature.split_once(':').unwrap_or((feature, ""));
            writeln!(out, "# {feature} {argument}").unwrap();
            out.push_str(&show(&fixture, feature, argument));
            out.push('\n');
        }
        insta::assert_snapshot!(out);
    });
}

/// What a feature says at the fixture's cursor.
fn show(fixture: &Fixture, feature: &str, argument: &str) -> String {
    let (snapshot, file, at) = (&fixture.snapshot, fixture.file, fixture.range.start);
    let place = |range: TextRange| fixture.place(file, range);
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{}", text.trim_end()).unwrap();
    match feature {
        "hover" => {
            if let Some(hover) = ide::hover(snapshot, file, at) {
                line(place(hover.range));
                line(hover.text);
            }
        }
        "definition" => {
            for target in ide::definition(snapshot, file, at).into_iter().flat_map(|found| found.targets) {
                line(fixture.span(target.name));
            }
        }
        "references" => {
            for span in ide::references(snapshot, file, at, true) {
                line(fixture.span(span));
            }
        }
        "highlights" => {
            for (range, role) in ide::highlights(snapshot, file, at) {
                line(format!("{} {role:?}", place(range)));
            }
        }
        "rename" => match ide::rename(snapshot, file, at, argument) {
            Ok(change) => line(changed(fixture, &change)),
            Err(why) => line(format!("refused: {why}")),
        },
        "complete" => {
            for offer in ide::completions(snapshot, file, at) {
                let insert = offer.insert.replace('\n', "\\n");
                line(format!("{:?} {} → {insert}   {}", offer.kind, offer.label, offer.detail));
            }
        }
        "outline" => {
            for entry in ide::outline(snapshot, file) {
                outline(&entry, 0, &mut line);
            }
        }
        "search" => {
            for found in ide::search(snapshot, argument) {
                line(format!("{:?} {} {}", found.kind, found.name, fixture.span(found.at)));
            }
        }
        "folds" => {
            for fold in ide::folds(snapshot, file) {
                line(format!("{} {}", place(fold.range), if fold.comment { "comment" } else { "" }));
            }
        }
        "selections" => {
            for range in ide::selections(snapshot, file, at) {
                line(place(range));
            }
        }
        "tokens" => {
            for token in ide::tokens(snapshot, file, None) {
                line(format!("{} {:?} {:?}", place(token.range), token.kind, token.role));
            }
        }
        "format" => line(fixture.apply(file, &ide::format(snapshot, file))),
        "format_range" => line(fixture.apply(file, &ide::format_range(snapshot, file, fixture.range))),
        "format_on_type" => line(fixture.apply(file, &ide::format_on_type(snapshot, file, at))),
        "fix_all" => line(fixture.apply(file, &ide::fix_all(snapshot, file))),
        "assists" => {
            for assist in ide::assists(snapshot, file, fixture.range) {
                line(format!("{:?} {}", assist.kind, assist.title));
                line(changed(fixture, &assist.change));
            }
        }
        "inlays" => {
            let whole = TextRange::new(0, u32::MAX);
            for inlay in ide::inlays(snapshot, file, whole) {
                line(format!("{} {}", place(TextRange::at(inlay.at)), inlay.text));
            }
        }
        "links" => {
            for link in ide::links(snapshot, file) {
                line(format!("{} {}", place(link.range), snapshot.path(link.target)));
            }
        }
        "runnables" => {
            for (range, runnable) in ide::runnables(snapshot, file) {
                line(format!("{} {runnable:?}", place(range)));
            }
        }
        "signature" => {
            if let Some(found) = ide::signature(snapshot, file, at) {
                let (start, end) = found.parts[found.active as usize];
                line(format!("{}   now: {}", found.text, &found.text[start as usize..end as usize]));
            }
        }
        "diagnostics" => {
            for of in ide::diagnostics(snapshot) {
                for found in of.diagnostics {
                    line(format!("{} {}: {}", found.code, fixture.span(found.primary.span), found.message));
                }
            }
        }
        // At the end and at the beginning of every line that says something.
        "signatures" | "line_hovers" => {
            let mut begin = 0;
            for source in snapshot.text(file).split_inclusive('\n') {
                let start = begin + (source.len() - source.trim_start().len()) as u32;
                let end = begin + source.trim_end().len() as u32;
                begin += source.len() as u32;
                let said = match feature {
                    "signatures" => ide::signature(snapshot, file, end).map(|found| {
                        let (start, end) = found.parts[found.active as usize];
                        format!("{}   now: {}", found.text, &found.text[start as usize..end as usize])
                    }),
                    _ => ide::hover(snapshot, file, start).map(|hover| hover.text.lines().last().unwrap().to_owned()),
                };
                line(format!("{:<50} {}", source.trim(), said.unwrap_or_default()));
            }
        }
        "calls" => {
            let journey = ide::journey_at(snapshot, file, at).unwrap();
            for call in ide::incoming(snapshot, &journey.name) {
                line(format!("from {} by {}", call.journey.name, call.steps.len()));
            }
            for call in ide::outgoing(snapshot, &journey.name) {
                let steps: Vec<_> = call.steps.iter().map(|range| place(*range)).collect();
                line(format!("to {} by {}", call.journey.name, steps.join(", ")));
            }
        }
        other => panic!("there is no feature {other}"),
    }
    out
}

fn outline(entry: &Outline, depth: usize, line: &mut impl FnMut(String)) {
    line(format!("{:depth$}{:?} {} {}", "", entry.kind, entry.name, entry.detail, depth = depth * 2));
    for child in &entry.children {
        outline(child, depth + 1, line);
    }
}

/// The project after a change: what is new in it.
fn changed(fixture: &Fixture, change: &Change) -> String {
    let mut out = String::new();
    for (path, text) in &change.create {
        writeln!(out, "+ {path}\n{text}").unwrap();
    }
    let files: BTreeSet<_> = change.edits.iter().map(|edit| edit.span.file).collect();
    for file in files {
        let edits: Vec<Edit> = change.edits.iter().filter(|edit| edit.span.file == file).cloned().collect();
        if !edits.is_empty() {
            let (before, after) = (fixture.snapshot.text(file), fixture.apply(file, &edits));
            writeln!(out, "~ {}", fixture.snapshot.path(file)).unwrap();
            let known: Vec<_> = before.lines().collect();
            for new in after.lines().filter(|line| !known.contains(line)) {
                writeln!(out, "  {new}").unwrap();
            }
        }
    }
    for (file, path) in &change.rename {
        writeln!(out, "> {} → {path}", fixture.snapshot.path(*file)).unwrap();
    }
    out
}
