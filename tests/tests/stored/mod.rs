//! A contact as a server left it in its database.

use std::path::Path;

use journey_runtime::core::contact::Contact;
use journey_runtime::store::{SqliteStore, Store};

/// The contact of this key in a project whose server has stopped.
pub(crate) fn stored(project: &Path, contact: &str) -> Contact {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(project.join("journey.db")).await.unwrap();
        store.contact(contact).await.unwrap().unwrap()
    })
}
