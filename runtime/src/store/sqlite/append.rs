//! Appending inputs: contacts found or created, ids checked, places given.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::Writer;
use super::rows::{Script, json, list, unhex};
use crate::core::contact::ContactId;
use crate::core::input::InputKind;
use crate::store::merged::Merged;
use crate::store::{Acceptance, NewInput, Whose, codec, suppressed_name, words_on_topics};

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
    let mut script = Script::default();
    let contacts = "INSERT INTO contacts (id, key, created_at)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?);";
    script.each(contacts, 1, &created)?;
    log.write_to(&mut script, beside)?;
    script.say("COMMIT");
    script.query().execute(connection).await?;
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

/// Appends an input to the log of its contact, which is so long then.
pub(super) const APPENDED: &str =
    "CREATE TEMP VIEW appended AS SELECT contact, seq, at, id, fingerprint, body FROM inputs;
     CREATE TEMP TRIGGER append INSTEAD OF INSERT ON appended BEGIN
         INSERT INTO inputs (contact, seq, at, id, fingerprint, body)
             VALUES (NEW.contact, NEW.seq, NEW.at, NEW.id, NEW.fingerprint, NEW.body);
         UPDATE contacts SET accepted = NEW.seq WHERE id = NEW.contact;
     END;";

/// Words on topics: the newest place of each, none where a subscribe took it back.
const WORDS: &str = "INSERT OR REPLACE INTO unsubscribed (contact, topic, channel, seq)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?) WHERE value ->> 3 IS NOT NULL;
     DELETE FROM unsubscribed WHERE (contact, topic, channel) IN
         (SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE value ->> 3 IS NULL);
     INSERT INTO suppressed (hash, topic, contact, at)
         SELECT a.hash, j.value ->> 4, a.contact, j.value ->> 5 FROM jsonb_each(?) j
         CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NOT NULL
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = max(at, excluded.at);
     DELETE FROM suppressed WHERE (hash, topic) IN
         (SELECT a.hash, j.value ->> 4 FROM jsonb_each(?) j
          CROSS JOIN addressed a ON a.contact = j.value ->> 0 WHERE j.value ->> 3 IS NULL);";

/// Who turned out to be whom.
const MERGED: &str =
    "INSERT INTO merged (contact, merged_into, handed) SELECT value ->> 0, value ->> 1, 0 FROM jsonb_each(?);";

/// Contacts of whose logs only ids are left: all of it is applied.
const NOTED: &str =
    "UPDATE states SET applied = c.accepted FROM jsonb_each(?) j CROSS JOIN contacts c ON c.id = j.value
     WHERE states.contact = c.id;";

/// Contacts of whose new inputs the server is told.
const NUDGED: &str = "INSERT OR IGNORE INTO nudged (contact) SELECT value FROM jsonb_each(?);";

fn ids(contacts: &BTreeSet<ContactId>) -> Vec<i64> {
    contacts.iter().map(|contact| contact.0).collect()
}

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
    inputs: Vec<InputRow>,
    /// The newest word on each topic and channel, `''` for everything: the place of an unsubscribe, none for a subscribe; and
    /// when.
    topics: BTreeMap<(i64, SmolStr, &'static str), (Option<i64>, Instant)>,
}

/// An input; without a body where only its id is kept.
#[derive(Debug)]
struct InputRow {
    contact: i64,
    seq: i64,
    at: i64,
    id: Option<(SmolStr, [u8; 16])>,
    body: Vec<u8>,
}

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
        if !contacts.is_empty() {
            let rows = log_rows(connection, &ids(contacts)).await?;
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
        self.inputs.is_empty()
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
        let id = id.map(|(id, fingerprint)| (id, *fingerprint));
        let body = kind.map(codec::bytes).unwrap_or_default();
        self.inputs.push(InputRow { contact: contact.0, seq, at: at.0, id, body });
        seq
    }

    /// Appends the statements that write it; `beside` notes the contacts for the server, which is another process. Each
    /// statement wakes whoever waits for the last one: what has nothing to write is left out.
    pub(super) fn write_to(mut self, script: &mut Script, beside: bool) -> sqlx::Result<()> {
        // Neighbours share pages of the indexes.
        self.inputs.sort_unstable_by_key(|row| (row.contact, row.seq));
        let appended = "INSERT INTO appended (contact, seq, at, id, fingerprint, body)";
        script.insert(appended, 6, std::mem::take(&mut self.inputs), |script, row| {
            script.bind(row.contact)?;
            script.bind(row.seq)?;
            script.bind(row.at)?;
            script.bind(row.id.as_ref().map(|(id, _)| id.as_str()))?;
            script.bind(row.id.as_ref().map(|(_, fingerprint)| fingerprint.as_slice()))?;
            script.bind(row.body)
        })?;
        if !self.topics.is_empty() {
            let word =
                |((contact, topic, channel), (seq, at)): ((i64, SmolStr, &'static str), (Option<i64>, Instant))| {
                    let name = suppressed_name(&topic, channel);
                    (contact, topic, channel, seq, name, at.0)
                };
            let words: Vec<_> = std::mem::take(&mut self.topics).into_iter().map(word).collect();
            script.each(WORDS, 4, &words)?;
        }
        if !self.joined.is_empty() {
            script.each(MERGED, 1, &self.joined)?;
        }
        if !self.noted.is_empty() {
            script.each(NOTED, 1, &ids(&self.noted))?;
        }
        if beside {
            script.each(NUDGED, 1, &ids(&self.changed))?;
        }
        Ok(())
    }
}
