//! `/hooks/sms` and `/hooks/whatsapp`: what contacts write to us by these channels, as their providers tell it.
//!
//! Who says stop gets nothing more at that address, whoever else has it, before the provider is answered. Anything else is an
//! answer to the newest message that went there.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use journey_bytecode::{AfterCrash, Channel, Instant, Purpose, StatusKind, StepIx, Value, Version};
use serde_json::json;
use smol_str::SmolStr;

use super::{Api, BODY_PATIENCE, problem};
use crate::core::contact::{Contact, ContactId, SentMessage};
use crate::core::effect::{Errand, MessageId, Outgoing};
use crate::core::input::{InputKind, MessageName};
use crate::engine::SubmitError;
use crate::ingest::{Answers, Hook, NotTaken, Told, Wish, Written};
use crate::store::{Heard, Keeps, ListChange, Listed, NewInput, Whose};
use crate::track::{self, Claim, Purport, Reported};

/// The largest request of a provider that is read: 256 KiB.
const MAX_TOLD: usize = 256 * 1024;

/// So many contacts with one number hear of a word by themselves; the rest gets nothing all the same.
const MAX_SHARING: usize = 1_000;

/// The providers that may tell something, by channel.
#[derive(Clone, Default)]
pub struct Hooks(pub BTreeMap<Channel, Hooked>);

/// One provider.
#[derive(Clone)]
pub struct Hooked {
    /// How its requests are known.
    pub hook: Hook,
    /// What it answers to those who say stop, start, help.
    pub answers: Answers,
}

/// `POST /hooks/sms`
pub(super) async fn sms(State(api): State<Api>, request: Request) -> Response {
    take(&api, Channel::Sms, request).await.unwrap_or_else(|refusal| refusal)
}

/// `POST /hooks/whatsapp`
pub(super) async fn whatsapp(State(api): State<Api>, request: Request) -> Response {
    take(&api, Channel::WhatsApp, request).await.unwrap_or_else(|refusal| refusal)
}

/// `GET /hooks/whatsapp`: Meta asks whether the address is ours, before it tells anything.
pub(super) async fn challenge(State(api): State<Api>, request: Request) -> Response {
    let Some(hooked) = api.hooks.0.get(&Channel::WhatsApp) else { return nothing_here() };
    match hooked.hook.challenge(request.uri().query()) {
        Some(challenge) => {
            let headers = [(header::CONTENT_TYPE, "text/plain"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
            (headers, challenge).into_response()
        }
        None => forged(Channel::WhatsApp),
    }
}

fn nothing_here() -> Response {
    problem(StatusCode::NOT_FOUND, "nothing comes in by this channel: the settings have no `incoming` for it")
}

/// Whoever tries it learns nothing; we learn that somebody did.
fn forged(channel: Channel) -> Response {
    tracing::warn!(channel = channel.name(), "a request to a hook was not signed by its provider; it was refused");
    problem(StatusCode::FORBIDDEN, "forbidden")
}

async fn take(api: &Api, channel: Channel, request: Request) -> Result<Response, Response> {
    let hooked = api.hooks.0.get(&channel).ok_or_else(nothing_here)?;
    let (head, body) = request.into_parts();
    let body: Bytes = match tokio::time::timeout(BODY_PATIENCE, to_bytes(body, MAX_TOLD)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or ended early")),
        Err(_) => return Err(problem(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    };
    let now = api.submitter.now();
    let told = hooked.hook.read(&head.headers, head.uri.query(), &body, now.0).map_err(|why| match why {
        NotTaken::Forged => forged(channel),
        NotTaken::Malformed(why) => problem(StatusCode::BAD_REQUEST, why),
    })?;
    let mut answers = Vec::new();
    for told in told {
        let heard = match told {
            Told::Wrote(written) => hear(api, channel, hooked, &written, now).await,
            Told::Report { callback, reported } => report(api, &callback, reported, now).await.map(|()| None),
        };
        // What was taken before this one counts once when the provider tells all of it again.
        answers.extend(heard.map_err(|error| unavailable(&error))?);
    }
    Ok(match &hooked.hook {
        Hook::Twilio { .. } => {
            let message = |text: &String| format!("<Message>{}</Message>", html_escape::encode_text(text));
            let messages: String = answers.iter().map(message).collect();
            let answer = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>{messages}</Response>\n");
            ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], answer).into_response()
        }
        _ => axum::Json(json!({"status": "taken"})).into_response(),
    })
}

fn unavailable(error: &SubmitError) -> Response {
    tracing::error!(%error, "what a provider told could not be stored");
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "it could not be stored; tell it again");
    response.headers_mut().insert(header::RETRY_AFTER, axum::http::HeaderValue::from_static("10"));
    response
}

/// Takes what somebody wrote; what they are answered, where the provider takes that as the answer to its request. Elsewhere it
/// goes into the outbox in the transaction that takes the word.
async fn hear(
    api: &Api,
    channel: Channel,
    hooked: &Hooked,
    written: &Written,
    now: Instant,
) -> Result<Option<String>, SubmitError> {
    let answers = &hooked.answers;
    let Written { id, from, text, wish, answered } = written;
    let id: SmolStr = format!("{channel}:{id}").into();
    if api.inside.was_heard(&id).await? {
        return Ok(None);
    }
    let contacts = api.inside.contacts_at(channel, from, MAX_SHARING).await?;
    let inputs = inputs(channel, &contacts, written);
    let input = |(place, (contact, kind)): (usize, (ContactId, InputKind))| NewInput {
        contact: Whose::Id(contact),
        // The first character keeps our ids apart from everybody else's, which hold no control characters.
        id: Some(format!("\u{1}hook:{id}:{place}").into()),
        fingerprint: [0; 16],
        at: now,
        kind,
        creates: false,
    };
    let inputs: Vec<_> = inputs.into_iter().enumerate().map(input).collect();
    if !inputs.is_empty() {
        api.submitter.submit(inputs).await?;
    }
    let listed = || Listed { channel, addresses: vec![from.clone()], keeps: Keeps::Everything };
    let change = match wish {
        Wish::Stop => ListChange::Suppress(listed()),
        Wish::Start => ListChange::Lift(listed()),
        Wish::Help | Wish::Other => ListChange::Nothing,
    };
    let words = match wish {
        Wish::Stop => answers.stopped.as_ref(),
        Wish::Start => answers.started.as_ref(),
        Wish::Help => answers.help.as_ref(),
        Wish::Other => None,
    };
    let words = words.filter(|_| !answered);
    let at_once = matches!(hooked.hook, Hook::Twilio { .. });
    let answer = words.filter(|_| !at_once).map(|words| answer(channel, from, words, now));
    // Last, so that nothing is taken for heard that is not stored.
    let heard = Heard { id, at: now, change, answer };
    let changed = api.inside.hear(&heard).await?;
    tracing::info!(channel = channel.name(), contacts = contacts.len(), wish = ?wish, bytes = text.len(), "somebody wrote");
    Ok(words.filter(|_| at_once && changed.is_some_and(|changed| heard.is_news(changed))).cloned())
}

/// What the contacts with a number hear of what was written there.
fn inputs(channel: Channel, contacts: &[Contact], written: &Written) -> Vec<(ContactId, InputKind)> {
    let Written { from: address, text, wish, .. } = written;
    let words = || (address.clone(), text.clone());
    let to_all = |kind: &dyn Fn() -> InputKind| contacts.iter().map(|contact| (contact.id, kind())).collect();
    let mut inputs: Vec<(ContactId, InputKind)> = match wish {
        Wish::Stop => to_all(&|| {
            let (address, words) = words();
            InputKind::Silence { channel, address, words }
        }),
        Wish::Start => to_all(&|| {
            let (address, words) = words();
            InputKind::EndSilence { channel, address, words }
        }),
        Wish::Help | Wish::Other => Vec::new(),
    };
    // Of several contacts with a number, whoever was written to last has answered.
    let newest = |contact: &Contact| newest(contact, channel).map(|message| message.at);
    let Some(writer) = contacts.iter().max_by_key(|contact| (newest(contact), contact.id)) else { return inputs };
    if *wish == Wish::Other
        && let Some(message) = self::newest(writer, channel)
    {
        let message = MessageName::Number(message.number);
        inputs
            .push((writer.id, InputKind::Message { message, status: StatusKind::Replied, link: None, machine: false }));
    }
    inputs.push((writer.id, InputKind::Inbound { channel, text: text.clone() }));
    inputs
}

/// The newest message to a contact on a channel, among those that still matter.
fn newest(contact: &Contact, channel: Channel) -> Option<&SentMessage> {
    let sent = contact.state.messages.iter().filter(|message| message.channel == channel);
    sent.filter(|message| !message.has(StatusKind::Skipped)).max_by_key(|message| (message.at, message.number))
}

/// Takes what became of a message, which shows the address that it carried; nothing if that is none of ours.
async fn report(api: &Api, callback: &str, reported: Reported, now: Instant) -> Result<(), SubmitError> {
    let token = callback.rsplit('/').next().unwrap_or_default();
    let Some(Claim { message, purport: Purport::Report }) = api.keys.verify(token) else { return Ok(()) };
    let (id, kind) = track::report_input(message, reported);
    let id = Some(format!("\u{1}{id}").into());
    let contact = Whose::Id(message.contact);
    api.submitter
        .submit(vec![NewInput { contact, id, fingerprint: [0; 16], at: now, kind, creates: false }])
        .await
        .map(|_| ())
}

/// An answer, which no journey decided and which is about no contact.
fn answer(channel: Channel, to: &SmolStr, words: &str, at: Instant) -> Outgoing {
    Outgoing {
        id: MessageId { contact: ContactId(0), number: 0 },
        at,
        journey: SmolStr::default(),
        version: Version([0; 16]),
        step: StepIx(0),
        channel,
        message: SmolStr::new_static("answer"),
        to: to.clone(),
        language: None,
        zone: SmolStr::default(),
        subject: None,
        from: None,
        purpose: Purpose::Transactional,
        topic: None,
        after_crash: AfterCrash::Resend,
        data: Value::text(words),
        errand: Errand::Answer,
        country: None,
    }
}
