//! Appending inputs: contacts found or created, ids checked, places given.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::{PgConnection, Row};

use super::execute;
use super::write::close_gate;
use crate::core::contact::ContactId;
use crate::core::input::InputKind;
use crate::store::merged::Merged;
use crate::store::{Acceptance, NewInput, Whose, codec, suppressed_name, words_on_topics};

/// Takes inputs within a transaction. Contacts are created in the order of their keys and then locked in the order of
/// their numbers, so that transactions wait for each other and never in a circle.
pub(super) async fn accept(
    connection: &mut PgConnection,
    inputs: &[NewInput],
    now: Instant,
) -> sqlx::Result<Vec<Acceptance>> {
    let mut merged = Merged::default();
    let mut keys = known_keys(connection, inputs, &mut merged).await?;
    let created = create(connection, inputs, &mut keys, &mut merged, now).await?;
    let aliases = inputs.iter().filter_map(|input| keys.get(alias(input)?).copied());
    let ids = inputs.iter().filter_map(|input| whose(input, &keys)).chain(aliases);
    let ids: BTreeSet<i64> = ids.map(|contact| merged.log_of(contact).0).collect();
    let mut log = Log::lock_with(connection, &ids, merged).await?;
    let mut fingerprints = known_fingerprints(connection, inputs, &keys).await?;
    let mut begun = BTreeSet::new();
    let take = |input: &NewInput| {
        let Some(contact) = whose(input, &keys).filter(|contact| log.knows(*contact)) else {
            return Acceptance::UnknownContact;
        };
        // A contact of this batch is there from its first input on that may create it.
        if created.contains(&contact) && !begun.contains(&contact) && !input.creates {
            return Acceptance::UnknownContact;
        }
        match input.id.as_ref().and_then(|id| fingerprints.get(&(contact, id.clone()))) {
            Some(known) if *known == input.fingerprint => return Acceptance::Duplicate,
            Some(_) => return Acceptance::Conflict,
            None => {}
        }
        let mut joins = None;
        if let Some(key) = alias(input) {
            let Some(alias) = keys.get(key).copied() else { return Acceptance::UnknownContact };
            match log.merged.join(alias, contact) {
                Ok(into) => joins = Some((alias, into)),
                Err(answer) => return answer,
            }
        }
        fingerprints.extend(input.id.as_ref().map(|id| ((contact, id.clone()), input.fingerprint)));
        let id = input.id.as_ref().map(|id| (id, &input.fingerprint));
        begun.insert(contact);
        let (contact, seq) = log.push(contact, input.at, &input.kind, id);
        if let Some((alias, into)) = joins {
            begun.insert(alias);
            log.join(alias, into, input.at);
        }
        Acceptance::Accepted { contact, seq }
    };
    let answers = inputs.iter().map(take).collect();
    log.write(connection).await?;
    let unused: Vec<i64> = created.difference(&begun).map(|contact| contact.0).collect();
    if !unused.is_empty() {
        // What would have created them was refused.
        for forget in [
            "DELETE FROM keys k USING contacts c WHERE c.contact = ANY($1) AND k.key = c.key",
            "DELETE FROM contacts WHERE contact = ANY($1)",
        ] {
            execute(connection, sqlx::query(forget).bind(&unused)).await?;
        }
    }
    Ok(answers)
}

fn whose(input: &NewInput, keys: &HashMap<SmolStr, ContactId>) -> Option<ContactId> {
    match &input.contact {
        Whose::Id(id) => Some(*id),
        Whose::Key(key) => keys.get(key).copied(),
    }
}

/// The other id that an input gives a contact.
fn alias(input: &NewInput) -> Option<&str> {
    match &input.kind {
        InputKind::Alias { key } => Some(key),
        _ => None,
    }
}

fn key(input: &NewInput) -> Option<&str> {
    match &input.contact {
        Whose::Key(key) => Some(key),
        Whose::Id(_) => None,
    }
}

async fn known_keys(
    connection: &mut PgConnection,
    inputs: &[NewInput],
    merged: &mut Merged,
) -> sqlx::Result<HashMap<SmolStr, ContactId>> {
    let asked: BTreeSet<&str> = inputs.iter().filter_map(key).chain(inputs.iter().filter_map(alias)).collect();
    find_keys(connection, &asked.into_iter().collect::<Vec<_>>(), merged).await
}

/// The contacts of keys, and which of them have handed over: those need no lock, because that never changes again.
async fn find_keys(
    connection: &mut PgConnection,
    keys: &[&str],
    merged: &mut Merged,
) -> sqlx::Result<HashMap<SmolStr, ContactId>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let known = "SELECT k.key, k.contact, CASE WHEN c.handed THEN c.merged_into END
         FROM keys k JOIN contacts c ON c.contact = k.contact WHERE k.key = ANY($1)";
    let mut known_keys = HashMap::new();
    for row in sqlx::query(known).bind(keys).fetch_all(connection).await? {
        let contact = ContactId(row.try_get(1)?);
        known_keys.insert(row.try_get::<&str, _>(0)?.into(), contact);
        if let Some(into) = row.try_get(2)? {
            merged.know(contact, ContactId(into), true);
        }
    }
    Ok(known_keys)
}

/// Creates the contacts that inputs may create, numbered in the order in which these name them; says which are new.
async fn create(
    connection: &mut PgConnection,
    inputs: &[NewInput],
    keys: &mut HashMap<SmolStr, ContactId>,
    merged: &mut Merged,
    now: Instant,
) -> sqlx::Result<BTreeSet<ContactId>> {
    let creating: BTreeSet<&str> = inputs.iter().filter(|input| input.creates).filter_map(key).collect();
    // Whoever is named as an alias of somebody may be new.
    let of_somebody = |input: &&NewInput| key(input).is_none_or(|key| keys.contains_key(key) || creating.contains(key));
    let named = inputs.iter().flat_map(|input| {
        let creates = key(input).filter(|_| input.creates);
        creates.into_iter().chain(Some(input).filter(of_somebody).and_then(alias))
    });
    let mut seen = BTreeSet::new();
    let missing = named.filter(|key| !keys.contains_key(*key));
    let missing: Vec<&str> = missing.filter(|key| seen.insert(*key)).collect();
    if missing.is_empty() {
        return Ok(BTreeSet::new());
    }
    let numbers = "SELECT nextval('contact_ids') FROM generate_series(1, $1)";
    let count = i64::try_from(missing.len()).unwrap_or(i64::MAX);
    let mut numbers: Vec<i64> = sqlx::query_scalar(numbers).bind(count).fetch_all(&mut *connection).await?;
    numbers.sort_unstable();
    let create = "WITH new AS (
             INSERT INTO keys (key, contact) SELECT key, contact FROM unnest($1::text[], $2::bigint[]) AS k (key, contact)
                 ORDER BY key ON CONFLICT DO NOTHING RETURNING key, contact),
         made AS (
             INSERT INTO contacts (contact, key, created_at, accepted) SELECT contact, key, $3, 0 FROM new)
         SELECT key, contact FROM new";
    let create = sqlx::query(create).bind(&missing).bind(numbers).bind(now.0);
    let mut created = BTreeSet::new();
    for row in create.fetch_all(&mut *connection).await? {
        let contact = ContactId(row.try_get(1)?);
        keys.insert(row.try_get::<&str, _>(0)?.into(), contact);
        created.insert(contact);
    }
    if created.len() < missing.len() {
        // Another worker was faster; its transaction is over, or we would still wait.
        keys.extend(find_keys(connection, &missing, merged).await?);
    }
    Ok(created)
}

/// What was accepted under the ids of inputs, by contact and id.
async fn known_fingerprints(
    connection: &mut PgConnection,
    inputs: &[NewInput],
    keys: &HashMap<SmolStr, ContactId>,
) -> sqlx::Result<HashMap<(ContactId, SmolStr), [u8; 16]>> {
    let asked = |input: &'_ NewInput| Some((whose(input, keys)?.0, input.id.clone()?.to_string()));
    let (contacts, ids): (Vec<i64>, Vec<String>) = inputs.iter().filter_map(asked).unzip();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let known = "SELECT i.contact, i.id, i.fingerprint FROM unnest($1::bigint[], $2::text[]) AS u (contact, id)
         JOIN input_ids i ON i.contact = u.contact AND i.id = u.id";
    let rows = sqlx::query(known).bind(contacts).bind(ids).fetch_all(connection).await?;
    let known = |row: &sqlx::postgres::PgRow| {
        let fingerprint = row.try_get::<&[u8], _>(2)?.try_into().unwrap_or_default();
        Ok(((ContactId(row.try_get(0)?), row.try_get::<&str, _>(1)?.into()), fingerprint))
    };
    rows.iter().map(known).collect()
}

/// Inputs to append to the logs of contacts, whose rows this transaction holds.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The last place given, by contact.
    accepted: BTreeMap<ContactId, i64>,
    /// Contacts that turned out to be others.
    pub(super) merged: Merged,
    /// Those of which that is new.
    joined: (Vec<i64>, Vec<i64>),
    changed: BTreeSet<ContactId>,
    contacts: Vec<i64>,
    places: Vec<i64>,
    moments: Vec<i64>,
    bodies: Vec<Vec<u8>>,
    ids: (Vec<i64>, Vec<String>, Vec<Vec<u8>>),
    /// The newest word on each topic and channel, `''` for everything: the place of an unsubscribe, none for a subscribe; and
    /// when.
    topics: BTreeMap<(i64, SmolStr, &'static str), (Option<i64>, Instant)>,
}

impl Log {
    /// Takes the logs of contacts for this transaction, and those of whom they turned out to be.
    pub(super) async fn lock(connection: &mut PgConnection, contacts: &BTreeSet<i64>) -> sqlx::Result<Self> {
        Self::lock_with(connection, contacts, Merged::default()).await
    }

    async fn lock_with(connection: &mut PgConnection, contacts: &BTreeSet<i64>, merged: Merged) -> sqlx::Result<Self> {
        let mut log = Self { merged, ..Self::default() };
        let lock = "SELECT contact, accepted, merged_into, handed FROM contacts WHERE contact = ANY($1)
             ORDER BY contact FOR NO KEY UPDATE";
        let mut next: Vec<i64> = contacts.iter().copied().collect();
        while !next.is_empty() {
            let mut targets = BTreeSet::new();
            for row in sqlx::query(lock).bind(std::mem::take(&mut next)).fetch_all(&mut *connection).await? {
                let contact = ContactId(row.try_get(0)?);
                log.accepted.insert(contact, row.try_get(1)?);
                if let Some(into) = row.try_get::<Option<i64>, _>(2)? {
                    log.merged.know(contact, ContactId(into), row.try_get(3)?);
                    targets.insert(into);
                }
            }
            next.extend(targets.into_iter().filter(|into| !log.accepted.contains_key(&ContactId(*into))));
        }
        Ok(log)
    }

    fn knows(&self, contact: ContactId) -> bool {
        self.accepted.contains_key(&self.merged.log_of(contact))
    }

    /// Notes that a contact turned out to be another one, and tells it so.
    fn join(&mut self, alias: ContactId, into: ContactId, at: Instant) {
        self.merged.know(alias, into, false);
        self.joined.0.push(alias.0);
        self.joined.1.push(into.0);
        self.push(alias, at, &InputKind::MergeInto { contact: into }, None);
    }

    /// Gives the input its place in the log of a contact, or of whom it turned out to be. Its id stays the contact's own.
    pub(super) fn push(
        &mut self,
        of: ContactId,
        at: Instant,
        kind: &InputKind,
        id: Option<(&SmolStr, &[u8; 16])>,
    ) -> (ContactId, i64) {
        let contact = self.merged.log_of(of);
        let own;
        let kind = if contact == of {
            kind
        } else {
            own = kind.clone().of_alias(of);
            &own
        };
        let accepted = self.accepted.entry(contact).or_default();
        *accepted += 1;
        let seq = *accepted;
        self.changed.insert(contact);
        let words = words_on_topics(kind).into_iter();
        self.topics.extend(words.map(|(topic, channel, out)| ((contact.0, topic, channel), (out.then_some(seq), at))));
        self.contacts.push(contact.0);
        self.places.push(seq);
        self.moments.push(at.0);
        self.bodies.push(codec::bytes(kind));
        if let Some((id, fingerprint)) = id {
            self.ids.0.push(of.0);
            self.ids.1.push(id.to_string());
            self.ids.2.push(fingerprint.to_vec());
        }
        (contact, seq)
    }

    /// Writes it; whether there was anything to write.
    pub(super) async fn write(self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        if self.contacts.is_empty() {
            return Ok(false);
        }
        let lengths = self.changed.iter().filter_map(|contact| Some((contact.0, *self.accepted.get(contact)?)));
        let (changed, lengths): (Vec<i64>, Vec<i64>) = lengths.unzip();
        let write = "WITH longer AS (
                 UPDATE contacts c SET accepted = u.accepted
                     FROM unnest($5::bigint[], $6::bigint[]) AS u (contact, accepted) WHERE c.contact = u.contact)
             INSERT INTO inputs (contact, seq, at, body)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])";
        let write = sqlx::query(write).bind(self.contacts).bind(self.places).bind(self.moments).bind(self.bodies);
        execute(connection, write.bind(changed).bind(lengths)).await?;
        let (contacts, ids, fingerprints) = self.ids;
        if !ids.is_empty() {
            let note = "INSERT INTO input_ids (contact, id, fingerprint)
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])";
            execute(connection, sqlx::query(note).bind(contacts).bind(ids).bind(fingerprints)).await?;
        }
        let (aliases, into) = self.joined;
        if !aliases.is_empty() {
            let join = "UPDATE contacts c SET merged_into = u.merged_into
                 FROM unnest($1::bigint[], $2::bigint[]) AS u (contact, merged_into) WHERE c.contact = u.contact";
            execute(connection, sqlx::query(join).bind(aliases).bind(into)).await?;
        }
        if !self.topics.is_empty() {
            write_topics(connection, self.topics).await?;
        }
        Ok(true)
    }
}

/// Writes what contacts say about topics.
async fn write_topics(
    connection: &mut PgConnection,
    words: BTreeMap<(i64, SmolStr, &'static str), (Option<i64>, Instant)>,
) -> sqlx::Result<()> {
    close_gate(connection).await?;
    let (mut contacts, mut topics, mut channels, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut names, mut moments) = (Vec::new(), Vec::new());
    for ((contact, topic, channel), (seq, at)) in words {
        moments.push(at.0);
        names.push(suppressed_name(&topic, channel).to_string());
        contacts.push(contact);
        topics.push(topic.to_string());
        channels.push(channel);
        places.push(seq);
    }
    for change in [
        "INSERT INTO unsubscribed (contact, topic, channel, seq)
             SELECT contact, topic, channel, seq
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS u (contact, topic, channel, seq, name, at)
                 WHERE seq IS NOT NULL
             ON CONFLICT (contact, topic, channel) DO UPDATE SET seq = excluded.seq",
        "DELETE FROM unsubscribed u USING unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
                 AS t (contact, topic, channel, seq, name, at)
             WHERE u.contact = t.contact AND u.topic = t.topic AND u.channel = t.channel AND t.seq IS NULL",
        "INSERT INTO suppressed AS s (hash, topic, contact, at)
             SELECT a.hash, t.name, a.contact, t.at
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS t (contact, topic, channel, seq, name, at)
             JOIN addressed a ON a.contact = t.contact WHERE t.seq IS NOT NULL
             ON CONFLICT (hash, topic, contact) DO UPDATE SET at = greatest(s.at, excluded.at)",
        "DELETE FROM suppressed s
             USING unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS t (contact, topic, channel, seq, name, at)
             JOIN addressed a ON a.contact = t.contact
             WHERE s.hash = a.hash AND s.topic = t.name AND t.seq IS NULL",
    ] {
        let change = sqlx::query(change).bind(&contacts).bind(&topics).bind(&channels).bind(&places).bind(&names);
        execute(connection, change.bind(&moments)).await?;
    }
    Ok(())
}
