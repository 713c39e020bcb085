//! Appending inputs: contacts found or created, ids checked, places given.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::Writer;
use super::rows::{Query, Rows, hex, json, list, unhex};
use crate::core::contact::ContactId;
use crate::core::input::InputKind;
use crate::store::merged::Merged;
use crate::store::{Acceptance, NewInput, Whose, suppressed_name, words_on_topics};

/// Takes inputs in one transaction; whose logs became longer. `beside` notes these for the server, which is another process.
pub(super) async fn accept(
    writer: &mut Writer,
    inputs: &[NewInput],
    now: Instant,
    beside: bool,
) -> sqlx::Result<(Vec<Acceptance>, BTreeSet<ContactId>)> {
    let connection = &mut writer.connection;
    let (mut keys, mut log) = known_contacts(connection, inputs).await?;
    let mut fingerprints = known_fingerprints(connection, inputs, &keys).await?;
    let mut next_contact = writer.next_contact;
    let mut created = Vec::new();
    let mut create = |key: &SmolStr, keys: &mut HashMap<SmolStr, ContactId>, log: &mut Log| {
        let contact = ContactId(next_contact);
        next_contact += 1;
        created.push((contact.0, key.clone(), now.0));
        keys.insert(key.clone(), contact);
        log.know(contact, 0);
        contact
    };
    let mut take = |input: &NewInput| {
        let contact = match (whose(input, &keys), key(input)) {
            (Some(known), _) if log.knows(known) => known,
            (None, Some(_)) if input.creates && log.merged.is_taken(input, &keys) => return Acceptance::AliasTaken,
            (None, Some(key)) if input.creates => create(key, &mut keys, &mut log),
            _ => return Acceptance::UnknownContact,
        };
        match input.id.as_ref().and_then(|id| fingerprints.get(&(contact, id.clone()))) {
            Some(known) if *known == input.fingerprint => return Acceptance::Duplicate,
            Some(_) => return Acceptance::Conflict,
            None => {}
        }
        let mut joins = None;
        if let InputKind::Alias { key } = &input.kind {
            let known = keys.get(key).copied();
            let alias = known.unwrap_or_else(|| create(key, &mut keys, &mut log));
            match log.merged.join(alias, contact) {
                Ok(into) => joins = Some((alias, into)),
                Err(answer) => return answer,
            }
        }
        fingerprints.extend(input.id.as_ref().map(|id| ((contact, id.clone()), input.fingerprint)));
        let id = input.id.as_ref().map(|id| (id.clone(), &input.fingerprint));
        let (contact, seq) = log.push(contact, input.at, &input.kind, id);
        if let Some((alias, into)) = joins {
            log.join(alias, into, input.at);
        }
        Acceptance::Accepted { contact, seq }
    };
    let answers = inputs.iter().map(&mut take).collect();
    if log.is_empty() {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
        return Ok((answers, BTreeSet::new()));
    }
    let changed = log.changed().collect();
    let append = concat!(
        "INSERT INTO contacts (id, key, created_at) SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?);",
        append_plain!(),
        append_words!(),
        "COMMIT"
    );
    log.bind(sqlx::query(append).bind(json(&created)), beside).execute(connection).await?;
    writer.next_contact = next_contact;
    Ok((answers, changed))
}

fn key(input: &NewInput) -> Option<&SmolStr> {
    match &input.contact {
        Whose::Key(key) => Some(key),
        Whose::Id(_) => None,
    }
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
        if let InputKind::Alias { key } = &input.kind {
            keys.insert(key.as_str());
        }
    }
    let known = "BEGIN IMMEDIATE;
         SELECT json_group_array(json_array(key, contact, accepted, merged_into, handed)) FROM (
             SELECT c.key, c.id AS contact, c.accepted, m.merged_into, m.handed
             FROM jsonb_each(?) j CROSS JOIN contacts c ON c.key = j.value LEFT JOIN merged m ON m.contact = c.id
             UNION ALL
             SELECT NULL, c.id, c.accepted, m.merged_into, m.handed
             FROM jsonb_each(?) j CROSS JOIN contacts c ON c.id = j.value LEFT JOIN merged m ON m.contact = c.id)";
    let (keys, ids): (Vec<_>, Vec<_>) = (keys.into_iter().collect(), ids.into_iter().collect());
    let rows = list::<LogRow>(sqlx::query(known).bind(json(&keys)).bind(json(&ids)), connection).await?;
    let (mut keys, mut log) = (HashMap::new(), Log::default());
    for (key, contact, ..) in &rows {
        keys.extend(key.clone().map(|key| (key, ContactId(*contact))));
    }
    log.open(connection, rows).await?;
    Ok((keys, log))
}

/// key where it was asked for, contact, inputs accepted, whom it turned out to be, whether it has handed over
pub(super) type LogRow = (Option<SmolStr>, i64, i64, Option<i64>, Option<u8>);

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
    let known = "SELECT json_group_array(json_array(i.contact, i.id, hex(i.fingerprint))) FROM jsonb_each(?1) j
         CROSS JOIN inputs i ON i.contact = j.value ->> 0 AND i.id = j.value ->> 1";
    let rows = list::<(i64, SmolStr, String)>(sqlx::query(known).bind(json(&asked)), connection).await?;
    let known = |(contact, id, fingerprint): (i64, SmolStr, String)| {
        ((ContactId(contact), id), unhex(&fingerprint).try_into().unwrap_or_default())
    };
    Ok(rows.into_iter().map(known).collect())
}

/// The logs of contacts by their numbers.
async fn log_rows(connection: &mut SqliteConnection, contacts: &[i64]) -> sqlx::Result<Vec<LogRow>> {
    let rows = "SELECT json_group_array(json_array(NULL, c.id, c.accepted, m.merged_into, m.handed))
         FROM jsonb_each(?1) j CROSS JOIN contacts c ON c.id = j.value LEFT JOIN merged m ON m.contact = c.id";
    list(sqlx::query(rows).bind(json(contacts)), connection).await
}

/// The inputs of a [`Log`], and how long it is now.
macro_rules! append_plain {
    () => {
        "INSERT INTO inputs (contact, seq, at, id, fingerprint, body)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, unhex(value ->> 4),
                 substr(?, value ->> 5, value ->> 6)
             FROM jsonb_each(?);
         UPDATE contacts SET accepted = j.value ->> 1 FROM jsonb_each(?) j WHERE contacts.id = j.value ->> 0;"
    };
}

/// What else a [`Log`] may say: words on topics, who turned out to be whom, and whose logs the server is told of.
macro_rules! append_words {
    () => {
        "INSERT OR REPLACE INTO unsubscribed (contact, topic, channel, seq)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?) WHERE value ->> 3 IS NOT NULL;
         DELETE FROM unsubscribed WHERE (contact, topic, channel) IN
             (SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE value ->> 3 IS NULL);
         INSERT INTO suppressed (hash, topic, contact, at)
             SELECT a.hash, j.value ->> 4, a.contact, j.value ->> 5 FROM jsonb_each(?) j
             CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NOT NULL
             ON CONFLICT (hash, topic, contact) DO UPDATE SET at = max(at, excluded.at);
         DELETE FROM suppressed WHERE (hash, topic) IN
             (SELECT a.hash, j.value ->> 4 FROM jsonb_each(?) j
              CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NULL);
         INSERT INTO merged (contact, merged_into, handed) SELECT value ->> 0, value ->> 1, 0 FROM jsonb_each(?);
         UPDATE states SET applied = c.accepted FROM jsonb_each(?) j CROSS JOIN contacts c ON c.id = j.value
             WHERE states.contact = c.id;
         INSERT OR IGNORE INTO nudged (contact) SELECT value ->> 0 FROM jsonb_each(?);"
    };
}

pub(super) use {append_plain, append_words};

/// Inputs to append to the logs of their contacts.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The last place given, by contact.
    accepted: BTreeMap<ContactId, i64>,
    /// Contacts that turned out to be others.
    pub(super) merged: Merged,
    /// Those of which that is new.
    joined: Vec<(i64, i64)>,
    /// Those that have handed over, and whose ids were noted.
    noted: BTreeSet<ContactId>,
    changed: BTreeSet<ContactId>,
    inputs: Rows<InputRow>,
    /// The newest word on each topic and channel, `''` for everything: the place of an unsubscribe, none for a subscribe; and
    /// when.
    topics: BTreeMap<(i64, SmolStr, &'static str), (Option<i64>, Instant)>,
}

/// contact, place, moment, id and fingerprint, start and length of the body
type InputRow = (i64, i64, i64, Option<SmolStr>, Option<String>, usize, usize);

impl Log {
    /// A contact whose log is so long.
    pub(super) fn know(&mut self, contact: ContactId, accepted: i64) {
        self.accepted.insert(contact, accepted);
    }

    /// Opens the logs of contacts, and those of whom they turned out to be.
    pub(super) async fn open(&mut self, connection: &mut SqliteConnection, mut rows: Vec<LogRow>) -> sqlx::Result<()> {
        while !rows.is_empty() {
            let mut targets = BTreeSet::new();
            for (_, contact, accepted, into, handed) in rows {
                let contact = ContactId(contact);
                self.know(contact, accepted);
                if let Some(into) = into {
                    self.merged.know(contact, ContactId(into), handed == Some(1));
                    targets.insert(into);
                }
            }
            let missing: Vec<i64> =
                targets.into_iter().filter(|into| !self.accepted.contains_key(&ContactId(*into))).collect();
            rows = if missing.is_empty() { Vec::new() } else { log_rows(connection, &missing).await? };
        }
        Ok(())
    }

    /// The logs of these contacts, and those of whom they turned out to be, within a transaction.
    pub(super) async fn of(connection: &mut SqliteConnection, contacts: &BTreeSet<ContactId>) -> sqlx::Result<Self> {
        let mut log = Self::default();
        let ids: Vec<i64> = contacts.iter().map(|contact| contact.0).collect();
        if !ids.is_empty() {
            let rows = log_rows(connection, &ids).await?;
            log.open(connection, rows).await?;
        }
        Ok(log)
    }

    /// Whose logs became longer.
    pub(super) fn changed(&self) -> impl Iterator<Item = ContactId> {
        self.changed.iter().copied().filter(|contact| !self.noted.contains(contact))
    }

    fn knows(&self, contact: ContactId) -> bool {
        self.accepted.contains_key(&self.merged.log_of(contact))
    }

    /// Notes that a contact turned out to be another one, and tells it so.
    fn join(&mut self, alias: ContactId, into: ContactId, at: Instant) {
        self.merged.know(alias, into, false);
        self.joined.push((alias.0, into.0));
        self.push(alias, at, &InputKind::MergeInto { contact: into }, None);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inputs.rows.is_empty()
    }

    /// Gives the input its place in the log of a contact, or of whom it turned out to be. Its id stays the contact's own.
    pub(super) fn push(
        &mut self,
        of: ContactId,
        at: Instant,
        kind: &InputKind,
        id: Option<(SmolStr, &[u8; 16])>,
    ) -> (ContactId, i64) {
        let contact = self.merged.log_of(of);
        if contact == of {
            return (contact, self.write(contact, at, Some(kind), id));
        }
        if id.is_some() {
            self.noted.insert(of);
            self.write(of, at, None, id);
        }
        (contact, self.write(contact, at, Some(&kind.clone().of_alias(of)), None))
    }

    /// Writes an input, or only its id.
    fn write(
        &mut self,
        contact: ContactId,
        at: Instant,
        kind: Option<&InputKind>,
        id: Option<(SmolStr, &[u8; 16])>,
    ) -> i64 {
        let accepted = self.accepted.entry(contact).or_default();
        *accepted += 1;
        let seq = *accepted;
        self.changed.insert(contact);
        let words = kind.map(words_on_topics).unwrap_or_default().into_iter();
        self.topics.extend(words.map(|(topic, channel, out)| ((contact.0, topic, channel), (out.then_some(seq), at))));
        let (id, fingerprint) = id.unzip();
        let fingerprint = fingerprint.map(|bytes| hex(bytes));
        let (start, length) = kind.map_or((1, 0), |kind| self.inputs.add(kind));
        self.inputs.rows.push((contact.0, seq, at.0, id, fingerprint, start, length));
        seq
    }

    /// Whether it is written by the statements of [`append_plain`] alone.
    pub(super) fn is_plain(&self) -> bool {
        self.topics.is_empty() && self.joined.is_empty() && self.noted.is_empty()
    }

    /// Binds the parameters of [`append_plain`].
    pub(super) fn bind_plain(&mut self, query: Query) -> Query {
        // Neighbours share pages of the indexes.
        self.inputs.rows.sort_unstable_by_key(|row| (row.0, row.1));
        let query = std::mem::take(&mut self.inputs).bind(query);
        query.bind(json(&self.lengths()))
    }

    /// The contacts whose logs became longer, and how long these are.
    fn lengths(&self) -> Vec<(i64, i64)> {
        self.changed.iter().filter_map(|id| Some((id.0, *self.accepted.get(id)?))).collect()
    }

    /// Binds the parameters of [`append_plain`] and [`append_words`]; `beside` notes the contacts for the server, which is another process.
    pub(super) fn bind(mut self, query: Query, beside: bool) -> Query {
        let query = self.bind_plain(query);
        let word = |((contact, topic, channel), (seq, at)): ((i64, SmolStr, &'static str), (Option<i64>, Instant))| {
            let name = suppressed_name(&topic, channel);
            (contact, topic, channel, seq, name, at.0)
        };
        let nudged = if beside { self.lengths() } else { Vec::new() };
        let topics: Vec<_> = self.topics.into_iter().map(word).collect();
        let topics = json(&topics);
        let (nudged, joined) = (json(&nudged), json(&self.joined));
        let noted = json(&self.noted.iter().map(|contact| contact.0).collect::<Vec<_>>());
        let query = query.bind(topics.clone()).bind(topics.clone()).bind(topics.clone()).bind(topics);
        query.bind(joined).bind(noted).bind(nudged)
    }
}
