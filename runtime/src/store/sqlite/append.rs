//! Appending inputs: contacts found or created, ids checked, places given.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::{Query, Rows, Writer, hex, json, list, unhex};
use crate::core::contact::ContactId;
use crate::core::input::InputKind;
use crate::store::{Acceptance, NewInput, Whose, suppressed_name, words_on_topics};

/// Takes inputs in one transaction; `beside` notes their contacts for the server, which is another process.
pub(super) async fn accept(
    writer: &mut Writer,
    inputs: &[NewInput],
    now: Instant,
    beside: bool,
) -> sqlx::Result<Vec<Acceptance>> {
    let connection = &mut writer.connection;
    let (mut keys, mut log) = known_contacts(connection, inputs).await?;
    let mut fingerprints = known_fingerprints(connection, inputs, &keys).await?;
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
                log.know(contact, 0);
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
    if log.is_empty() {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
        return Ok(answers);
    }
    let append = concat!(
        "INSERT INTO contacts (id, key, created_at) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?);",
        append_inputs!(),
        "COMMIT"
    );
    log.bind(sqlx::query(append).bind(json(&created)), beside).execute(connection).await?;
    writer.next_contact = next_contact;
    Ok(answers)
}

fn whose(input: &NewInput, keys: &HashMap<SmolStr, ContactId>) -> Option<ContactId> {
    match &input.contact {
        Whose::Id(id) => Some(*id),
        Whose::Key(key) => keys.get(key).copied(),
    }
}

/// Begins the transaction: the contacts that inputs name, and the logs of those. Somebody beside the server may append as
/// well, so that what is read must hold until it is written.
async fn known_contacts(
    connection: &mut SqliteConnection,
    inputs: &[NewInput],
) -> sqlx::Result<(HashMap<SmolStr, ContactId>, Log)> {
    let (mut keys, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for input in inputs {
        match &input.contact {
            Whose::Key(key) => _ = keys.insert(key.as_str()),
            Whose::Id(id) => _ = ids.insert(id.0),
        }
    }
    let known = "BEGIN IMMEDIATE;
         SELECT json_group_array(json_array(key, contact, accepted)) FROM (
             SELECT c.key, r.contact, r.accepted FROM json_each(?) j CROSS JOIN contacts c ON c.key = j.value
             CROSS JOIN ready r ON r.contact = c.id
             UNION ALL
             SELECT NULL, r.contact, r.accepted FROM json_each(?) j CROSS JOIN ready r ON r.contact = j.value)";
    let (keys, ids): (Vec<_>, Vec<_>) = (keys.into_iter().collect(), ids.into_iter().collect());
    let rows = list::<(Option<SmolStr>, i64, i64)>(sqlx::query(known).bind(json(&keys)).bind(json(&ids)), connection);
    let (mut keys, mut log) = (HashMap::new(), Log::default());
    for (key, contact, accepted) in rows.await? {
        log.know(ContactId(contact), accepted);
        if let Some(key) = key {
            keys.insert(key, ContactId(contact));
        }
    }
    Ok((keys, log))
}

/// What was accepted under the ids of inputs, by contact and id.
async fn known_fingerprints(
    connection: &mut SqliteConnection,
    inputs: &[NewInput],
    keys: &HashMap<SmolStr, ContactId>,
) -> sqlx::Result<HashMap<(ContactId, SmolStr), [u8; 16]>> {
    let asked = |input: &NewInput| Some((whose(input, keys)?.0, input.id.clone()?));
    let asked: Vec<_> = inputs.iter().filter_map(asked).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let known = "SELECT json_group_array(json_array(i.contact, i.id, hex(i.fingerprint))) FROM json_each(?1) j
         CROSS JOIN inputs i ON i.contact = j.value ->> 0 AND i.id = j.value ->> 1";
    let rows = list::<(i64, SmolStr, String)>(sqlx::query(known).bind(json(&asked)), connection).await?;
    let known = |(contact, id, fingerprint): (i64, SmolStr, String)| {
        ((ContactId(contact), id), unhex(&fingerprint).try_into().unwrap_or_default())
    };
    Ok(rows.into_iter().map(known).collect())
}

/// The statements that write a [`Log`].
macro_rules! append_inputs {
    () => {
        "INSERT INTO inputs (contact, seq, at, id, fingerprint, body)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4),
                 substr(?, value ->> 5, value ->> 6)
             FROM json_each(?);
         INSERT INTO ready (contact, due, accepted, applied)
             SELECT value ->> 0, ?, value ->> 1, 0 FROM json_each(?) WHERE true
             ON CONFLICT (contact) DO UPDATE SET accepted = excluded.accepted;
         INSERT OR REPLACE INTO unsubscribed (contact, topic, channel, seq)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE value ->> 3 IS NOT NULL;
         DELETE FROM unsubscribed WHERE (contact, topic, channel) IN
             (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE value ->> 3 IS NULL);
         INSERT OR IGNORE INTO suppressed (hash, topic, contact)
             SELECT a.hash, j.value ->> 4, a.contact FROM json_each(?) j
             CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NOT NULL;
         DELETE FROM suppressed WHERE (hash, topic) IN
             (SELECT a.hash, j.value ->> 4 FROM json_each(?) j
              CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NULL);
         INSERT OR IGNORE INTO nudged (contact) SELECT value ->> 0 FROM json_each(?);"
    };
}
pub(super) use append_inputs;

/// Inputs to append to the logs of their contacts.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The last place given, by contact.
    accepted: BTreeMap<ContactId, i64>,
    changed: BTreeSet<ContactId>,
    inputs: Rows<InputRow>,
    /// The newest word on each topic and channel, `''` for everything: the place of an unsubscribe, none for a subscribe.
    topics: BTreeMap<(i64, SmolStr, &'static str), Option<i64>>,
}

/// contact, place, moment, id and fingerprint, start and length of the body
type InputRow = (i64, i64, i64, Option<SmolStr>, Option<String>, usize, usize);

impl Log {
    /// A contact whose log is so long.
    pub(super) fn know(&mut self, contact: ContactId, accepted: i64) {
        self.accepted.insert(contact, accepted);
    }

    fn knows(&self, contact: ContactId) -> bool {
        self.accepted.contains_key(&contact)
    }

    fn is_empty(&self) -> bool {
        self.inputs.rows.is_empty()
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
        let words = words_on_topics(kind).into_iter();
        self.topics.extend(words.map(|(topic, channel, out)| ((contact.0, topic, channel), out.then_some(seq))));
        let (id, fingerprint) = id.unzip();
        let fingerprint = fingerprint.map(|bytes| hex(bytes));
        let (start, length) = self.inputs.add(kind);
        self.inputs.rows.push((contact.0, seq, at.0, id, fingerprint, start, length));
        seq
    }

    /// Binds the parameters of [`append_inputs`]; `beside` notes the contacts for the server, which is another process.
    pub(super) fn bind(mut self, query: Query, beside: bool) -> Query {
        // Neighbours share pages of the indexes.
        self.inputs.rows.sort_unstable_by_key(|row| (row.0, row.1));
        let length = |id: &ContactId| Some((id.0, *self.accepted.get(id)?));
        let lengths: Vec<_> = self.changed.iter().filter_map(length).collect();
        let word = |((contact, topic, channel), seq): (&(i64, SmolStr, &'static str), &Option<i64>)| {
            (*contact, topic.clone(), *channel, *seq, suppressed_name(topic, channel))
        };
        let topics: Vec<_> = self.topics.iter().map(word).collect();
        let query = self.inputs.bind(query).bind(Instant::NEVER.0).bind(json(&lengths));
        let topics = json(&topics);
        let nudged = if beside { lengths.as_slice() } else { &[] };
        let nudged = json(nudged);
        query.bind(topics.clone()).bind(topics.clone()).bind(topics.clone()).bind(topics).bind(nudged)
    }
}
