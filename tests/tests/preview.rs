//! `journey preview`: every text of a message as it would arrive, whatever its journey comes by on its way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is a failing test")]

use std::fs;

use journey_tests::binary::{Finished, run};
use journey_tests::project::Project;

fn project() -> Project {
    Project::of(&[
        ("journey.toml", "[project]\nname = \"preview\"\ntimezone = \"Europe/Berlin\"\n"),
        (
            "main.journey",
            "contact { email: email  first_name: text? }
             topic offers \"Offers\"
             policy { address \"Teststr. 1, 53177 Bonn\"  sender \"Moosbett <hello@moosbett.example>\" }
             event posted { title: text, at: datetime }
             score heat { posted +5 }
             voucher ten \"10 % off\" generate \"TEN-########\"
             journey digest {
               on posted
               reenter never
               collect for 1h as news
               topic offers
               voucher ten as code expires 3d
               let twice = heat * 2
               send email digest
             }",
        ),
        (
            "messages/digest.email.md",
            "---\nsubject: \"{{ news | length }} for {{ first_name | default(\"you\") }}\"\n---\n\
             {% for one in news %}\n- {{ one.title }}, {{ one.at | date(\"short\") }}\n{% endfor %}\n\n\
             Code {{ code }} until {{ code_expires | date(\"short\") }}, {{ heat }} of {{ twice }}.\n",
        ),
        ("messages/digest.de.email.md", "---\nsubject: Neues\n---\nNeues: {{ news | length }}\n"),
    ])
}

fn preview(project: &Project, args: &[&str]) -> Finished {
    let place = project.path().display().to_string();
    run(["preview", "--project", place.as_str()].iter().chain(args))
}

#[test]
fn what_a_run_comes_by_is_made_up() {
    let project = project();
    let shown = preview(&project, &["digest", "--sample"]).success().stdout;
    assert!(shown.contains("2 texts in"), "{shown}");
    let folder = project.path().join("outbox/preview/digest");
    let mut texts: Vec<_> = (fs::read_dir(&folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    texts.sort();
    let [general, german] = texts.as_slice() else { panic!("{texts:?}") };
    assert!(german.contains("Neues: 3"), "{german}");
    for words in ["- title, ", "Code code until ", "12 of 3."] {
        assert!(general.contains(words), "{words}: {general}");
    }
}

#[test]
fn a_message_that_is_not_there_is_told() {
    let project = project();
    let told = preview(&project, &["digests"]);
    assert_eq!(told.code, Some(2));
    assert!(told.stderr.contains("`digests`"), "{}", told.stderr);
}
