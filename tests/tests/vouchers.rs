//! Vouchers by `journey serve`: each contact gets a code of its own, over a restart too, and an empty pool is a reason.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::collections::BTreeSet;
use std::time::Duration;

use journey_runtime::core::contact::EndReason;
use journey_runtime::store::{SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use mail_parser::MessageParser;
use serde_json::json;

fn contact(server: &Server, key: &str) {
    let contact = json!({"id": key, "attributes": {"email": format!("{key}@walk.example")}, "tags": ["lead"]});
    http::post(&server.address, "/v1/contacts", "application/json", contact.to_string().as_bytes()).unwrap();
}

/// The lines of the mails that were sent.
fn mails(project: &Project) -> Vec<String> {
    let names = std::fs::read_dir(project.path().join("outbox")).into_iter().flatten();
    let names = names.map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            MessageParser::default().parse(&bytes).unwrap().body_text(0).unwrap().into_owned()
        })
        .collect()
}

#[test]
fn each_contact_gets_a_code_of_its_own_until_there_is_none() {
    let project = Project::of(&[
        ("journey.toml", "[project]\nname = \"vouchers\"\ntimezone = \"Europe/Berlin\"\n"),
        (
            "lead.journey",
            "contact { email: email }
             tags { lead }
             voucher shelf \"10 % off\" from file \"vouchers/shelf.csv\"
             voucher made \"5 % off\" generate \"MADE-########\"
             journey lead {
               on tag lead
               reenter never
               purpose transactional
               voucher made expires 3d
               voucher shelf as code
               send email codes
             }",
        ),
        ("messages/codes.email.txt", "---\nsubject: Codes\npurpose: transactional\n---\n{{ code }} {{ made }}\n"),
    ]);
    std::fs::create_dir_all(project.path().join("vouchers")).unwrap();
    project.write("vouchers/shelf.csv", "code,worth\nA-1,10\nA-2,10\n");
    let server = Server::start(project.path());
    contact(&server, "ada");
    wait_until("the first codes are out", Duration::from_secs(30), || mails(&project).len() == 1);
    assert!(server.terminate().0.success());
    let server = Server::start(project.path());
    contact(&server, "bo");
    contact(&server, "cy");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    wait_until("the second codes are out", Duration::from_secs(30), || mails(&project).len() == 2);
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.terminate().0.success());

    let words: Vec<Vec<String>> =
        mails(&project).iter().map(|mail| mail.split_whitespace().take(2).map(str::to_owned).collect()).collect();
    let of = |place: usize| words.iter().map(|words| words[place].clone()).collect::<BTreeSet<String>>();
    assert_eq!(of(0), ["A-1", "A-2"].map(str::to_owned).into());
    assert_eq!(of(1).len(), 2);
    assert!(of(1).iter().all(|code| code.starts_with("MADE-") && code.len() == 13), "{words:?}");
    let ended = runtime.block_on(async {
        let store = SqliteStore::open(project.path().join("journey.db")).await.unwrap();
        let mut reasons = Vec::new();
        for key in ["ada", "bo", "cy"] {
            reasons.extend(store.contact(key).await.unwrap().unwrap().state.ended.into_iter().map(|run| run.reason));
        }
        reasons
    });
    let failed: Vec<_> = ended.iter().filter(|reason| matches!(reason, EndReason::Failed(_))).collect();
    assert_eq!(failed, [&EndReason::Failed("`voucher shelf` failed: no code of `shelf` is left".to_owned())]);
}
