//! Appending inputs: contacts found or created, ids checked, places given.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::{Row, SqliteConnection};

use super::{Writer, begin, json, slice};
use crate::core::contact::ContactId;
use crate::core::input::InputKind;
use crate::store::{Acceptance, NewInput, Whose};

/// An input's id with what its body was, by contact.
type Fingerprints = HashMap<(ContactId, SmolStr), [u8; 16]>;

/// Takes inputs in one transaction.
pub(super) async fn accept(writer: &mut Writer, inputs: &[NewInput], now: Instant) -> sqlx::Result<Vec<Acceptance>> {
    let mut transaction = begin(&mut writer.connection).await?;
    let mut keys = known_keys(&mut transaction, inputs).await?;
    let named = inputs.iter().filter_map(|input| whose(input, &keys));
    let mut log = Log::load(&mut transaction, named).await?;
    let mut fingerprints = known_fingerprints(&mut transaction, inputs, &keys).await?;
    let mut next_contact = writer.next_contact;
    let mut created = Vec::new();
    let mut take = |input: &NewInput| {
        let contact = match (whose(input, &keys), &input.contact) {
            (Some(known), _) if log.knows(known) => known,
            (None, Whose::Key(key)) if input.creates => {
                let contact = ContactId(next_contact);
                next_contact += 1;
                created.push((contact.0, key.clone(), now.0));
                keys.insert(key.clone(), contact);
                log.create(contact);
                contact
            }
            _ => return Acceptance::UnknownContact,
        };
        if let Some(id) = &input.id {
            match fingerprints.entry((contact, id.clone())) {
                Entry::Occupied(known) if *known.get() == input.fingerprint => return Acceptance::Duplicate,
                Entry::Occupied(_) => return Acceptance::Conflict,
                Entry::Vacant(new) => _ = new.insert(input.fingerprint),
            }
        }
        let id = input.id.as_ref().map(|id| (id.clone(), &input.fingerprint));
        Acceptance::Accepted { contact, seq: log.push(contact, input.at, &input.kind, id) }
    };
    let answers = inputs.iter().map(&mut take).collect();
    if !created.is_empty() {
        let contacts = "INSERT INTO contacts (id, key, created_at)
             SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)";
        sqlx::query(contacts).bind(json(&created)).execute(&mut *transaction).await?;
    }
    log.write(&mut transaction).await?;
    transaction.commit().await?;
    writer.next_contact = next_contact;
    Ok(answers)
}

fn whose(input: &NewInput, keys: &HashMap<SmolStr, ContactId>) -> Option<ContactId> {
    match &input.contact {
        Whose::Id(id) => Some(*id),
        Whose::Key(key) => keys.get(key).copied(),
    }
}

async fn known_keys(
    connection: &mut SqliteConnection,
    inputs: &[NewInput],
) -> sqlx::Result<HashMap<SmolStr, ContactId>> {
    let keys: BTreeSet<&str> = inputs
        .iter()
        .filter_map(|input| match &input.contact {
            Whose::Key(key) => Some(key.as_str()),
            Whose::Id(_) => None,
        })
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let known = "SELECT c.key, c.id FROM json_each(?1) j CROSS JOIN contacts c ON c.key = j.value";
    let keys = json(&keys.into_iter().collect::<Vec<_>>());
    let rows = sqlx::query(known).bind(keys).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get::<&str, _>(0)?.into(), ContactId(row.try_get(1)?)))).collect()
}

async fn known_fingerprints(
    connection: &mut SqliteConnection,
    inputs: &[NewInput],
    keys: &HashMap<SmolStr, ContactId>,
) -> sqlx::Result<Fingerprints> {
    let asked = |input: &NewInput| Some((whose(input, keys)?.0, input.id.clone()?));
    let asked: Vec<_> = inputs.iter().filter_map(asked).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let known = "SELECT i.contact, i.id, i.fingerprint FROM json_each(?1) j
         CROSS JOIN inputs i ON i.contact = j.value ->> 0 AND i.id = j.value ->> 1";
    let rows = sqlx::query(known).bind(json(&asked)).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let fingerprint = row.try_get::<&[u8], _>(2)?.try_into().unwrap_or_default();
            Ok(((ContactId(row.try_get(0)?), row.try_get::<&str, _>(1)?.into()), fingerprint))
        })
        .collect()
}

/// Inputs to append to the logs of their contacts.
#[derive(Debug)]
pub(super) struct Log {
    /// The last place given, by contact.
    accepted: BTreeMap<ContactId, i64>,
    changed: BTreeSet<ContactId>,
    rows: Vec<InputRow>,
    blob: Vec<u8>,
    /// The newest word on each topic, `''` for everything: the place of an unsubscribe, none for a subscribe.
    topics: BTreeMap<(i64, SmolStr), Option<i64>>,
}

/// contact, place, moment, id, start of the fingerprint, start and length of the body
type InputRow = (i64, i64, i64, Option<SmolStr>, usize, usize, usize);

impl Log {
    /// The logs of these contacts.
    pub(super) async fn load(
        connection: &mut SqliteConnection,
        contacts: impl Iterator<Item = ContactId>,
    ) -> sqlx::Result<Self> {
        let contacts: BTreeSet<i64> = contacts.map(|contact| contact.0).collect();
        let mut accepted = BTreeMap::new();
        if !contacts.is_empty() {
            let known = "SELECT r.contact, r.accepted FROM json_each(?1) j CROSS JOIN ready r ON r.contact = j.value";
            let contacts = json(&contacts.into_iter().collect::<Vec<_>>());
            for row in sqlx::query(known).bind(contacts).fetch_all(connection).await? {
                accepted.insert(ContactId(row.try_get(0)?), row.try_get(1)?);
            }
        }
        Ok(Self { accepted, changed: BTreeSet::new(), rows: Vec::new(), blob: Vec::new(), topics: BTreeMap::new() })
    }

    pub(super) fn knows(&self, contact: ContactId) -> bool {
        self.accepted.contains_key(&contact)
    }

    fn create(&mut self, contact: ContactId) {
        self.accepted.insert(contact, 0);
    }

    /// Gives the input its place.
    pub(super) fn push(
        &mut self,
        contact: ContactId,
        at: Instant,
        kind: &InputKind,
        id: Option<(SmolStr, &[u8; 16])>,
    ) -> i64 {
        let accepted = self.accepted.entry(contact).or_default();
        *accepted += 1;
        let seq = *accepted;
        self.changed.insert(contact);
        match kind {
            InputKind::Unsubscribe { topic } => {
                self.topics.insert((contact.0, topic.clone().unwrap_or_default()), Some(seq));
            }
            InputKind::Subscribe { topic, .. } => _ = self.topics.insert((contact.0, topic.clone()), None),
            _ => {}
        }
        let fingerprint = self.blob.len() + 1;
        let id = id.map(|(id, fingerprint)| {
            self.blob.extend_from_slice(fingerprint);
            id
        });
        let (start, length) = slice(kind, &mut self.blob);
        self.rows.push((contact.0, seq, at.0, id, fingerprint, start, length));
        seq
    }

    /// Writes the rows.
    pub(super) async fn write(mut self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        // Neighbours share pages of the indexes.
        self.rows.sort_unstable_by_key(|row| (row.0, row.1));
        let inputs = "INSERT INTO inputs (contact, seq, at, id, fingerprint, body)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
                 CASE WHEN value ->> 3 IS NOT NULL THEN substr(?2, value ->> 4, 16) END,
                 substr(?2, value ->> 5, value ->> 6)
             FROM json_each(?1)";
        sqlx::query(inputs).bind(json(&self.rows)).bind(self.blob).execute(&mut *connection).await?;
        let ready = "INSERT INTO ready (contact, due, accepted, applied)
             SELECT value ->> 0, ?2, value ->> 1, 0 FROM json_each(?1) WHERE true
             ON CONFLICT (contact) DO UPDATE SET accepted = excluded.accepted";
        let changed: Vec<_> = self.changed.iter().filter_map(|id| Some((id.0, *self.accepted.get(id)?))).collect();
        sqlx::query(ready).bind(json(&changed)).bind(Instant::NEVER.0).execute(&mut *connection).await?;
        if !self.topics.is_empty() {
            let rows: Vec<_> = self.topics.iter().map(|((contact, topic), seq)| (contact, topic, seq)).collect();
            let rows = json(&rows);
            let unsubscribe = "INSERT OR REPLACE INTO unsubscribed (contact, topic, seq)
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE value ->> 2 IS NOT NULL";
            sqlx::query(unsubscribe).bind(rows.clone()).execute(&mut *connection).await?;
            let subscribe = "DELETE FROM unsubscribed WHERE (contact, topic) IN
                 (SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE value ->> 2 IS NULL)";
            sqlx::query(subscribe).bind(rows).execute(connection).await?;
        }
        Ok(())
    }
}
