//! The addresses in messages, as HTTP answers them.
//!
//! What is not ours gets one and the same answer, whatever is wrong with it. Nothing here sets a cookie, and no GET or HEAD
//! changes what a contact wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use journey_bytecode::{Bundle, Channel, StatusKind};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use smol_str::SmolStr;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::machine::is_machine;
use super::page::{self, Wish};
use super::report;
use super::{Claim, Intake, IntakeError, Keys, Purport};
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::core::input::{Answer, Evidence, InputKind, MessageName};

/// A transparent picture of one pixel.
const PIXEL: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// How long an answer waits for the store. Opens and clicks are kept and tried again; nobody waits for them.
const PATIENCE: Duration = Duration::from_millis(300);

/// How many opens and clicks are kept while the store is down; more are lost.
const MAX_LATER: usize = 10_000;

/// The pause before what the store could not take is tried again, doubled up to the longer one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// The largest body of an unsubscribe request that is read.
const MAX_BODY: usize = 64 * 1024;

/// What no address may hold in a header.
const NOT_IN_ADDRESSES: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// What tracking needs to know.
#[derive(Clone)]
pub struct Tracking {
    /// Where inputs go.
    pub intake: Arc<dyn Intake>,
    /// The keys of tokens.
    pub keys: Keys,
    /// What can be subscribed to, at present.
    pub topics: Arc<dyn Fn() -> Topics + Send + Sync>,
}

/// What can be subscribed to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Topics {
    /// The words for topics, by name, for the pages.
    pub titles: BTreeMap<SmolStr, String>,
    /// Whether mail needs consent beforehand.
    pub opt_in: bool,
}

impl Topics {
    /// Of a project.
    pub fn of(bundle: &Bundle) -> Self {
        let titles = bundle.schema.topics.iter().map(|topic| (topic.name.clone(), topic.title.clone())).collect();
        Self { titles, opt_in: bundle.policy.opt_in.contains(&Channel::Email) }
    }

    /// The words for a topic.
    fn title(&self, topic: &SmolStr) -> String {
        self.titles.get(topic).cloned().unwrap_or_else(|| topic.to_string())
    }
}

#[derive(Clone)]
struct Shared {
    tracking: Arc<Tracking>,
    later: mpsc::Sender<Noted>,
}

/// An input on its way to the store.
#[derive(Clone, Debug)]
struct Noted {
    id: String,
    contact: ContactId,
    at: journey_bytecode::Instant,
    kind: InputKind,
}

/// The routes `/t/o/…`, `/t/c/…`, `/t/u/…`, `/t/p/…`, `/t/s/…`, `/t/a/…` and `/t/r/…`. It starts a task; call it within the runtime.
pub fn router(tracking: Tracking) -> Router {
    let (later, waiting) = mpsc::channel(MAX_LATER);
    let tracking = Arc::new(tracking);
    tokio::spawn(submit_later(Arc::clone(&tracking.intake), waiting));
    Router::new()
        .route("/t/o/{token}", get(opened))
        .route("/t/c/{token}", get(clicked))
        .route("/t/u/{token}", get(ask).post(unsubscribe))
        .route("/t/p/{token}", get(preferences).post(choose))
        .route("/t/s/{token}", get(ask_to_confirm).post(confirm))
        .route("/t/a/{token}", get(question).post(decide))
        .route("/t/r/{token}", post(take_report))
        .route("/t/{*other}", any(|| std::future::ready(not_found())))
        .with_state(Shared { tracking, later })
}

/// The token, as it stands in the address: what needs decoding is none of ours.
fn token(request: &Request) -> &str {
    request.uri().path().rsplit('/').next().unwrap_or_default()
}

async fn opened(State(shared): State<Shared>, request: Request) -> Response {
    let token = token(&request).strip_suffix(".gif").unwrap_or_default();
    let Some(claim) = shared.tracking.keys.verify(token) else { return not_found() };
    if claim.purport != Purport::Open {
        return not_found();
    }
    shared.note(&claim, request.method(), request.headers(), StatusKind::Opened, None).await;
    answer(StatusCode::OK, "image/gif", Body::from(PIXEL.as_slice()))
}

async fn clicked(State(shared): State<Shared>, request: Request) -> Response {
    let Some(claim) = shared.tracking.keys.verify(token(&request)) else { return not_found() };
    let Purport::Click { url, .. } = &claim.purport else { return not_found() };
    let Some(location) = location(url) else { return not_found() };
    shared.note(&claim, request.method(), request.headers(), StatusKind::Clicked, Some(url.into())).await;
    let mut response = answer(StatusCode::FOUND, "text/plain; charset=utf-8", Body::empty());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// GET: asks. Nothing happens.
async fn ask(State(shared): State<Shared>, request: Request) -> Response {
    let Some(Claim { purport: Purport::Unsubscribe { topic }, .. }) = shared.tracking.keys.verify(token(&request))
    else {
        return not_found();
    };
    let topic = topic.map(|topic| shared.title(&topic));
    html(StatusCode::OK, page::question(language(request.headers()).as_deref(), topic.as_deref()))
}

/// POST: does it, and answers when it is durable. Mail programs post `List-Unsubscribe=One-Click` as a form or as
/// multipart; our own page may post `scope=all`.
async fn unsubscribe(State(shared): State<Shared>, request: Request) -> Response {
    let Some(claim) = shared.tracking.keys.verify(token(&request)) else { return not_found() };
    let Purport::Unsubscribe { topic } = &claim.purport else { return not_found() };
    let language = language(request.headers());
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.unwrap_or_default();
    let everything = body.split(|byte| *byte == b'&').any(|field| field == b"scope=all");
    let topic = topic.clone().filter(|_| !everything);
    let at = shared.tracking.intake.now();
    // With the time in it: whoever subscribed again may unsubscribe again by the same link.
    let id = format!("track:unsubscribe:{}:{}:{}", show(&claim), topic.as_deref().unwrap_or("*"), at.0);
    let kind = InputKind::Unsubscribe { topic };
    match shared.tracking.intake.submit(id, claim.message.contact, at, kind).await {
        // A contact that is gone gets nothing more: just what was asked for.
        Ok(()) | Err(IntakeError::Unknown) => html(StatusCode::OK, page::done(language.as_deref())),
        Err(IntakeError::Unavailable(cause)) => sorry(language.as_deref(), &cause),
    }
}

/// Shows what the contact gets. Nothing happens.
async fn preferences(State(shared): State<Shared>, request: Request) -> Response {
    let language = language(request.headers());
    let Some(Claim { message, purport: Purport::Preferences }) = shared.tracking.keys.verify(token(&request)) else {
        return not_found();
    };
    match shared.wishes(message.contact).await {
        Ok(wishes) => html(StatusCode::OK, page::preferences(language.as_deref(), &wishes, false)),
        Err(cause) => sorry(language.as_deref(), &cause),
    }
}

/// Takes what the contact wants, and answers when it is durable.
async fn choose(State(shared): State<Shared>, request: Request) -> Response {
    let language = language(request.headers());
    let Some(Claim { message, purport: Purport::Preferences }) = shared.tracking.keys.verify(token(&request)) else {
        return not_found();
    };
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.unwrap_or_default();
    let wanted = |name: &str| body.split(|byte| *byte == b'&').any(|field| field == format!("topic={name}").as_bytes());
    let everything_off = body.split(|byte| *byte == b'&').any(|field| field == b"all=off");
    let before = match shared.wishes(message.contact).await {
        Ok(wishes) => wishes,
        Err(cause) => return sorry(language.as_deref(), &cause),
    };
    let mut inputs = Vec::new();
    if everything_off {
        inputs.push(InputKind::Unsubscribe { topic: None });
    } else {
        for wish in &before {
            match (wish.wanted, wanted(&wish.topic)) {
                (false, true) => inputs.push(given(&wish.topic, &wish.title, "express", "preference page")),
                (true, false) => inputs.push(InputKind::Unsubscribe { topic: Some(wish.topic.clone()) }),
                _ => {}
            }
        }
    }
    let after = before
        .into_iter()
        .map(|wish| Wish { wanted: !everything_off && wanted(&wish.topic), ..wish })
        .collect::<Vec<_>>();
    match shared.keep(message, "preferences", inputs).await {
        Ok(()) => html(StatusCode::OK, page::preferences(language.as_deref(), &after, true)),
        Err(cause) => sorry(language.as_deref(), &cause),
    }
}

/// GET: asks whether the subscription is meant. Nothing happens: what follows links in mails is often a program.
async fn ask_to_confirm(State(shared): State<Shared>, request: Request) -> Response {
    let Some(Claim { purport: Purport::Confirm { topic }, .. }) = shared.tracking.keys.verify(token(&request)) else {
        return not_found();
    };
    let title = shared.title(&topic);
    html(StatusCode::OK, page::confirm(language(request.headers()).as_deref(), &title))
}

/// POST: subscribes, and answers when it is durable.
async fn confirm(State(shared): State<Shared>, request: Request) -> Response {
    let Some(Claim { message, purport: Purport::Confirm { topic } }) = shared.tracking.keys.verify(token(&request))
    else {
        return not_found();
    };
    let language = language(request.headers());
    let consent = given(&topic, &shared.title(&topic), "double opt-in", "confirmation page");
    match shared.keep(message, "confirm", vec![consent]).await {
        Ok(()) => html(StatusCode::OK, page::confirmed(language.as_deref())),
        Err(cause) => sorry(language.as_deref(), &cause),
    }
}

/// POST: a provider tells what became of a message. What tells nothing is taken as well, so that nobody sends it again.
async fn take_report(State(shared): State<Shared>, request: Request) -> Response {
    let Some(Claim { message, purport: Purport::Report }) = shared.tracking.keys.verify(token(&request)) else {
        return not_found();
    };
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.unwrap_or_default();
    let Some(reported) = report::read(&body) else { return StatusCode::NO_CONTENT.into_response() };
    let (id, kind) = report::report_input(message, reported);
    let at = shared.tracking.intake.now();
    match shared.tracking.intake.submit(id, message.contact, at, kind).await {
        Ok(()) | Err(IntakeError::Unknown) => StatusCode::NO_CONTENT.into_response(),
        Err(IntakeError::Unavailable(cause)) => sorry(None, &cause),
    }
}

/// Consent to mail about a topic, in the words that the page showed.
fn given(topic: &SmolStr, title: &str, basis: &'static str, source: &'static str) -> InputKind {
    let evidence = Evidence {
        basis: SmolStr::new_static(basis),
        wording: title.into(),
        source: SmolStr::new_static(source),
        until: None,
    };
    InputKind::Subscribe { topic: topic.clone(), channel: Some(Channel::Email), evidence }
}

/// The answer while the store is down.
fn sorry(language: Option<&str>, cause: &str) -> Response {
    tracing::error!(%cause, "what a contact wants could not be read or stored");
    let mut response = html(StatusCode::SERVICE_UNAVAILABLE, page::sorry(language));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

/// GET: asks a colleague. Nothing happens.
async fn question(State(shared): State<Shared>, request: Request) -> Response {
    match shared.tracking.keys.verify(token(&request)).map(|claim| claim.purport) {
        Some(Purport::Answer { question, answers }) => html(StatusCode::OK, page::decide(&question, &answers)),
        _ => not_found(),
    }
}

/// POST: takes the answer, and says so when it is durable.
async fn decide(State(shared): State<Shared>, request: Request) -> Response {
    let Some(claim) = shared.tracking.keys.verify(token(&request)) else { return not_found() };
    let Purport::Answer { question, answers } = &claim.purport else { return not_found() };
    let language = language(request.headers());
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.unwrap_or_default();
    let given = |answer: &&SmolStr| body.split(|byte| *byte == b'&').any(|field| is_answer(field, answer));
    let Some(answer) = answers.iter().find(given) else {
        return html(StatusCode::BAD_REQUEST, page::decide(question, answers));
    };
    let at = shared.tracking.intake.now();
    let kind = InputKind::Answer {
        number: claim.message.number,
        answer: Answer::Given(journey_bytecode::Value::Text(answer.clone())),
    };
    let id = format!("track:answer:{}:{answer}", show(&claim));
    match shared.tracking.intake.submit(id, claim.message.contact, at, kind).await {
        // A contact that is gone needs no answer any more.
        Ok(()) | Err(IntakeError::Unknown) => html(StatusCode::OK, page::decided(question, answer)),
        Err(IntakeError::Unavailable(cause)) => {
            tracing::error!(%cause, "an answer could not be stored");
            let mut response = html(StatusCode::SERVICE_UNAVAILABLE, page::sorry(language.as_deref()));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
    }
}

/// Whether a field of a form is this answer.
fn is_answer(field: &[u8], answer: &str) -> bool {
    let Some(value) = field.strip_prefix(b"answer=") else { return false };
    percent_encoding::percent_decode(value).decode_utf8().is_ok_and(|value| value == answer)
}

impl Shared {
    /// The words for a topic.
    fn title(&self, topic: &SmolStr) -> String {
        (self.tracking.topics)().title(topic)
    }

    /// What a contact gets by mail, topic by topic; nobody's wishes are none.
    async fn wishes(&self, contact: ContactId) -> Result<Vec<Wish>, String> {
        let contact = self.tracking.intake.contact(contact).await.map_err(|error| error.to_string())?;
        let topics = (self.tracking.topics)();
        let now = self.tracking.intake.now();
        let wanted = |topic: &SmolStr| {
            contact.as_ref().is_some_and(|contact| match topics.opt_in {
                true => contact.state.consents_to(topic, Some(Channel::Email), now),
                false => !contact.state.unsubscribed_from(Some(topic), now),
            })
        };
        Ok((topics.titles.iter())
            .map(|(topic, title)| Wish { topic: topic.clone(), title: title.clone(), wanted: wanted(topic) })
            .collect())
    }

    /// Keeps what a page's reader wants. A contact that is gone gets nothing more: that is kept already.
    async fn keep(&self, message: MessageId, page: &str, inputs: Vec<InputKind>) -> Result<(), String> {
        let at = self.tracking.intake.now();
        for (place, kind) in inputs.into_iter().enumerate() {
            // With the time in it: whoever changes their mind may change it again.
            let id = format!("track:{page}:{}.{}:{place}:{}", message.contact.0, message.number, at.0);
            match self.tracking.intake.submit(id, message.contact, at, kind).await {
                Ok(()) | Err(IntakeError::Unknown) => {}
                Err(IntakeError::Unavailable(cause)) => return Err(cause),
            }
        }
        Ok(())
    }

    /// Notes what happened to a message. The first one counts: the id is that of the thing, not of the request.
    async fn note(
        &self,
        claim: &Claim,
        method: &Method,
        headers: &HeaderMap,
        status: StatusKind,
        link: Option<SmolStr>,
    ) {
        let intake = &self.tracking.intake;
        let at = intake.now();
        let machine = is_machine(method, headers, intake.sent_at(claim.message), at);
        let by = if machine { "machine" } else { "person" };
        let noted = Noted {
            id: format!("track:{}:{}:{by}", status.name(), show(claim)),
            contact: claim.message.contact,
            at,
            kind: InputKind::Message { message: MessageName::Number(claim.message.number), status, link, machine },
        };
        let Noted { id, contact, at, kind } = noted.clone();
        match timeout(PATIENCE, intake.submit(id, contact, at, kind)).await {
            Ok(Ok(()) | Err(IntakeError::Unknown)) => {}
            Ok(Err(IntakeError::Unavailable(_))) | Err(_) => {
                if self.later.try_send(noted).is_err() {
                    tracing::warn!("an open or a click was lost: the store is down, and {MAX_LATER} wait already");
                }
            }
        }
    }
}

/// Submits what the store could not take, in order, until it can.
async fn submit_later(intake: Arc<dyn Intake>, mut waiting: mpsc::Receiver<Noted>) {
    while let Some(noted) = waiting.recv().await {
        let mut pause = PAUSES.0;
        loop {
            let Noted { id, contact, at, kind } = noted.clone();
            match intake.submit(id, contact, at, kind).await {
                Ok(()) | Err(IntakeError::Unknown) => break,
                Err(IntakeError::Unavailable(cause)) => tracing::warn!(%cause, "the store takes no opens and clicks"),
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }
}

/// The message, and for a click the link, in an id.
fn show(claim: &Claim) -> String {
    let message = format!("{}.{}", claim.message.contact.0, claim.message.number);
    match &claim.purport {
        Purport::Click { index, .. } => format!("{message}.{index}"),
        _ => message,
    }
}

/// An address as a header may hold it.
fn location(url: &str) -> Option<HeaderValue> {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    if !lower.starts_with("https://") && !lower.starts_with("http://") {
        return None;
    }
    HeaderValue::from_str(&utf8_percent_encode(url, NOT_IN_ADDRESSES).to_string()).ok()
}

/// The language that the reader likes best.
fn language(headers: &HeaderMap) -> Option<String> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let first = accepted.split([',', ';']).next()?.trim();
    (!first.is_empty() && first != "*").then(|| first.to_owned())
}

fn html(status: StatusCode, page: String) -> Response {
    let mut response = answer(status, "text/html; charset=utf-8", Body::from(page));
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// The answer to everything that is not ours.
fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", Body::from("not found\n"))
}

fn answer(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests;
