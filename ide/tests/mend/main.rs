//! Fixes, taken all together, over a thousand broken files: never more errors than before, and a second time nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a failure is a failing test")]

mod broken;

use broken::{DECLARATIONS, JOURNEY, SETTINGS, broken};
use journey_compiler::compile;
use journey_compiler::diagnostic::{Applicability, Severity};
use journey_compiler::project::{File, Project};
use journey_ide::{Mended, mend};

fn project(journey: &str) -> Project {
    let file = |path: &str, text: &str| File { path: path.to_owned(), bytes: text.as_bytes().into() };
    let files = vec![
        file("declarations.journey", DECLARATIONS),
        file("journey.toml", SETTINGS),
        file("welcome.journey", journey),
    ];
    Project { files, lone: false }
}

fn errors(project: &Project) -> usize {
    let compilation = compile(project);
    compilation.hidden + compilation.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
}

#[test]
fn a_thousand_broken_files_get_no_worse() {
    assert_eq!(errors(&project(JOURNEY)), 0, "{:#?}", compile(&project(JOURNEY)).diagnostics);
    let (mut had_errors, mut helped) = (0, 0);
    for seed in 0..1_000 {
        let allowed = if seed % 2 == 0 { Applicability::Safe } else { Applicability::Unsafe };
        let before = project(&broken(seed));
        let Mended { project: after, applied } = mend(&before, allowed, |_| true, compile);
        let (was, is) = (errors(&before), errors(&after));
        let text = String::from_utf8_lossy(&after.files[2].bytes).into_owned();
        assert!(is <= was, "seed {seed}: {was} errors became {is}:\n{text}");
        assert_eq!(applied == 0, before == after, "seed {seed}");
        let again = mend(&after, allowed, |_| true, compile);
        assert!(again.applied == 0 && again.project == after, "seed {seed}: a second time changes\n{text}");
        had_errors += usize::from(was > 0);
        helped += usize::from(is < was);
    }
    assert!(had_errors > 700, "most of them are broken: {had_errors}");
    assert!(helped > 100, "and many can be mended: {helped}");
}

#[test]
fn what_is_not_wanted_stays() {
    let before = project(&JOURNEY.replace("tag lead\n", "tag leed\n").replace("add tag customer", "add tag custommer"));
    let only = mend(&before, Applicability::Safe, |d| d.message.contains("leed"), compile);
    let text = String::from_utf8_lossy(&only.project.files[2].bytes).into_owned();
    assert!(text.contains("on tag lead") && text.contains("custommer"), "{text}");
    assert_eq!(errors(&mend(&before, Applicability::Safe, |_| true, compile).project), 0);
}
