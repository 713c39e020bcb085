//! A contact as a server left it in its database.

use std::path::Path;
use std::time::Duration;

use journey_runtime::core::contact::Contact;
use journey_runtime::store::{SqliteStore, Store, StoreError};

/// The contact of this key in a project whose server has stopped.
pub(crate) fn stored(project: &Path, contact: &str) -> Contact {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..200 {
            match SqliteStore::open(project.join("journey.db")).await {
                // A process that another test starts has our lock until it is another program.
                Err(StoreError::InUse { .. }) => std::thread::sleep(Duration::from_millis(20)),
                store => return store.unwrap().contact(contact).await.unwrap().unwrap(),
            }
        }
        panic!("the database stays in use")
    })
}
