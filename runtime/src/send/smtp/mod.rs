//! Mail over SMTP: a few connections at once, each as fast as the server's pipelining allows.

mod settings;
mod talk;
mod wire;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::mail::{Letter, build};
use super::{Dkim, Settle, Transport, Verdict};
use crate::render::{Content, DEFAULT_SENDER, Rendered};
use crate::track::BoxFuture;
use talk::{Ready, Reply, Talk};

pub use settings::{SmtpError, SmtpSettings};
pub(super) use wire::trust;

/// How many connections are open at once, at most, unless the settings say otherwise.
pub const CONNECTIONS: usize = 4;

/// A connection that carried so many mails is closed; some servers ask for it, and none mind.
const MAILS_A_CONNECTION: u32 = 1_000;

/// A connection that was idle for longer is not used again: the server may be about to close it.
const IDLE: Duration = Duration::from_secs(20);

/// How long we keep still when the server says 421.
const PAUSE: Duration = Duration::from_secs(60);

/// The same where it says that we send too fast (4.7.x).
const LONG_PAUSE: Duration = Duration::from_secs(600);

/// Sends mail to one SMTP server.
pub struct SmtpTransport {
    settings: SmtpSettings,
    tls: Arc<rustls::ClientConfig>,
    idle: Mutex<Vec<(Talk, Instant)>>,
    pace: Mutex<Pace>,
    /// Tells who waits for a connection that there is room for one more.
    room: Notify,
}

/// How much the server lets us do.
struct Pace {
    /// How many connections, whatever number of batches is under way; one after a 421, then one more after every batch that
    /// went well.
    connections: usize,
    /// How many are at work.
    busy: usize,
    /// Until when to keep still, and why.
    pause: Option<(Instant, String)>,
}

/// A mail that waits for a connection.
struct Waiting {
    place: usize,
    letter: Letter,
    /// How many connections broke under it before it was on its way.
    broken: u32,
}

/// The place of a mail, made for the wire, or why it cannot be.
type Made = (usize, Result<Waiting, String>);

/// What is left of a batch.
struct Batch<'a> {
    mails: &'a [Rendered],
    dkim: Option<&'a Dkim>,
    next: AtomicUsize,
    /// Taken, and given back: no further connection could be had for them.
    returned: Mutex<Vec<Made>>,
    settle: &'a dyn Settle,
    /// Once set, the rest gets this verdict.
    stopped: Mutex<Option<Verdict>>,
}

/// A connection's right to work; dropping it lets another one in.
struct Slot<'a>(&'a SmtpTransport);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        lock(&self.0.pace).busy -= 1;
        self.0.room.notify_one();
    }
}

/// How a conversation came to its end.
enum End {
    /// Everything is sent.
    Done,
    /// The connection is used up; this one is still to be sent.
    Full(Waiting),
    /// The connection broke; this one was not yet on its way.
    Broken(Option<Waiting>, String),
    /// The server wants peace; this one was not yet on its way.
    Peace(Option<Waiting>, String),
}

impl SmtpTransport {
    /// A transport to the server of the settings. It connects when there is something to send.
    pub fn new(settings: SmtpSettings) -> Result<Self, SmtpError> {
        let tls = wire::trust(settings.certificates()).map_err(SmtpError::Certificates)?;
        let pace = Mutex::new(Pace { connections: settings.connections(), busy: 0, pause: None });
        Ok(Self { settings, tls, idle: Mutex::default(), pace, room: Notify::new() })
    }

    /// Connects, encrypts and logs in, to see whether that works.
    pub async fn check(&self) -> Result<(), String> {
        let talk = self.talk(true).await.map_err(|(_, cause)| cause)?;
        talk.quit().await;
        Ok(())
    }

    /// What signs the mails.
    pub fn dkim(&self) -> Option<&Dkim> {
        self.settings.dkim()
    }

    /// How many mails can be on the wire at once.
    pub fn connections(&self) -> usize {
        self.settings.connections()
    }

    async fn send_all(&self, mails: &[Rendered], settle: &dyn Settle) {
        let batch = Batch {
            mails,
            dkim: self.settings.dkim(),
            next: AtomicUsize::new(0),
            returned: Mutex::default(),
            settle,
            stopped: Mutex::default(),
        };
        let connections = {
            let pace = lock(&self.pace);
            if let Some((until, cause)) = &pace.pause {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    batch.stop(Verdict::Retry { after: Some(left), cause: cause.clone() });
                }
            }
            // Where all work already, one is enough: several batches share them, and each has its own rhythm.
            pace.connections.saturating_sub(pace.busy).clamp(1, mails.len().max(1))
        };
        join_all((0..connections).map(|_| self.work(&batch))).await;
        while !lock(&batch.returned).is_empty() {
            self.work(&batch).await;
        }
        let went_well = lock(&batch.stopped).is_none();
        let mut pace = lock(&self.pace);
        if went_well && pace.connections < self.settings.connections() {
            pace.connections += 1;
            self.room.notify_one();
        }
    }

    /// Waits for room for one more connection.
    async fn slot(&self) -> Slot<'_> {
        loop {
            let room = self.room.notified();
            {
                let mut pace = lock(&self.pace);
                if pace.busy < pace.connections {
                    pace.busy += 1;
                    return Slot(self);
                }
            }
            room.await;
        }
    }

    /// One connection's share of a batch.
    async fn work(&self, batch: &Batch<'_>) {
        let _slot = self.slot().await;
        let mut fresh = false;
        let mut waiting = batch.take().await;
        while let Some(first) = waiting.take() {
            let mut talk = match self.talk(fresh).await {
                Ok(talk) => talk,
                // The server may take no more connections, and yet serve those that it has.
                Err(_) if self.do_others_work() => {
                    batch.give_back(Some(first));
                    break;
                }
                Err((after, cause)) => {
                    if after.is_some() {
                        self.keep_still(&cause);
                    }
                    let verdict = Verdict::Retry { after, cause };
                    batch.stop(verdict.clone());
                    batch.settle.settle(first.place, verdict).await;
                    waiting = batch.take().await;
                    continue;
                }
            };
            waiting = match self.converse(&mut talk, first, batch).await {
                End::Done => {
                    lock(&self.idle).push((talk, Instant::now()));
                    None
                }
                End::Full(next) => {
                    talk.quit().await;
                    Some(next)
                }
                End::Broken(Some(mut next), cause) => {
                    next.broken += 1;
                    fresh = true;
                    if next.broken > 1 {
                        batch.settle.settle(next.place, Verdict::Retry { after: None, cause }).await;
                        batch.take().await
                    } else {
                        Some(next)
                    }
                }
                End::Broken(None, _) => batch.take().await,
                End::Peace(next, cause) => {
                    let verdict = Verdict::Retry { after: Some(self.keep_still(&cause)), cause };
                    batch.stop(verdict.clone());
                    if let Some(next) = next {
                        batch.settle.settle(next.place, verdict).await;
                    }
                    batch.take().await
                }
            };
        }
    }

    /// Whether others are at work beside one that could not connect; then there is no room for more than they are.
    fn do_others_work(&self) -> bool {
        let mut pace = lock(&self.pace);
        let others = pace.busy.saturating_sub(1);
        if others > 0 {
            pace.connections = pace.connections.min(others);
        }
        others > 0
    }

    /// Sends mails over one connection until it ends or there are no more.
    async fn converse(&self, talk: &mut Talk, first: Waiting, batch: &Batch<'_>) -> End {
        let mut mail = first;
        // Connecting may have taken its time.
        if !batch.settle.may_go(mail.place).await {
            match batch.take().await {
                Some(next) => mail = next,
                None => return End::Done,
            }
        }
        let mut ready = talk.announce(&mail.letter).await;
        // What goes behind it.
        let mut next = None;
        loop {
            let mut announced = None;
            match ready {
                Ready::Broken(cause) => return End::Broken(batch.keep(Some(mail), next), cause),
                // So many mails a connection, or it was idle for too long: a fresh one may go on.
                Ready::Refused(421, cause) if talk.sent > 0 && !is_about_rate(&cause) => {
                    return End::Broken(batch.keep(Some(mail), next), cause);
                }
                Ready::Refused(421, cause) => return End::Peace(batch.keep(Some(mail), next), cause),
                Ready::Refused(code, cause) => batch.settle.settle(mail.place, refusal(code, cause)).await,
                Ready::Go => {
                    if talk.pipelines() && talk.sent + 1 < MAILS_A_CONNECTION {
                        announced = match next.take() {
                            Some(next) => Some(next),
                            None => batch.take().await,
                        };
                    }
                    let sending = talk.send(&mail.letter, announced.as_ref().map(|next| &next.letter));
                    // While the server takes this one, the next but one is made and signed.
                    let making = async { if next.is_some() { None } else { batch.pull() } };
                    let (reply, made) = join(sending, making).await;
                    let verdict = match &reply {
                        Reply::Positive(response) => Verdict::Delivered { response: response.clone() },
                        Reply::Negative(421, cause) => {
                            Verdict::Retry { after: Some(self.keep_still(cause)), cause: cause.clone() }
                        }
                        Reply::Negative(code, cause) => refusal(*code, cause.clone()),
                        // It may have arrived. If there is a next attempt, it bears the same Message-ID.
                        Reply::Broken(cause) => Verdict::Unknown { cause: cause.clone() },
                    };
                    let ends = matches!(reply, Reply::Negative(421, _) | Reply::Broken(_));
                    let following = async {
                        if ends || next.is_some() {
                            lock(&batch.returned).extend(made);
                            return None;
                        }
                        batch.take_made(made).await
                    };
                    // Whether that one may go is asked in the same breath in which this one's result is written down.
                    let (following, ()) = join(following, batch.settle.settle(mail.place, verdict)).await;
                    next = next.or(following);
                    match reply {
                        Reply::Negative(421, cause) => return End::Peace(batch.keep(announced, next), cause),
                        Reply::Broken(cause) => return End::Broken(batch.keep(announced, next), cause),
                        _ => {}
                    }
                }
            }
            (mail, ready) = match announced {
                Some(next) => {
                    let ready = talk.announced().await;
                    (next, ready)
                }
                None => {
                    let following = match next.take() {
                        Some(next) => Some(next),
                        None => batch.take().await,
                    };
                    match following {
                        None => return End::Done,
                        Some(next) if talk.sent >= MAILS_A_CONNECTION => return End::Full(next),
                        Some(next) => {
                            let ready = talk.announce(&next.letter).await;
                            (next, ready)
                        }
                    }
                }
            };
        }
    }

    fn keep_still(&self, cause: &str) -> Duration {
        let pause = pause_for(cause);
        let mut pace = lock(&self.pace);
        pace.connections = 1;
        pace.pause = Some((Instant::now() + pause, cause.to_owned()));
        pause
    }

    /// A connection: an idle one, or a fresh one. Otherwise: how long to keep still, and why.
    async fn talk(&self, fresh: bool) -> Result<Talk, (Option<Duration>, String)> {
        let idle = {
            let mut idle = lock(&self.idle);
            idle.retain(|(_, since)| since.elapsed() < IDLE);
            if fresh { None } else { idle.pop() }
        };
        if let Some((talk, _)) = idle {
            return Ok(talk);
        }
        let patience = self.settings.timeout();
        // lettre panics at some greetings that no honest server sends.
        let connecting = AssertUnwindSafe(timeout(patience.saturating_mul(2), self.connect())).catch_unwind();
        let cause = match connecting.await {
            Ok(Ok(Ok(talk))) => return Ok(talk),
            Ok(Ok(Err(cause))) => cause,
            Ok(Err(_)) => "the server did not answer in time".to_owned(),
            Err(_) => "the server's greeting makes no sense".to_owned(),
        };
        let after = cause.starts_with("421").then(|| pause_for(&cause));
        Err((after, format!("cannot connect to {}: {cause}", self.settings.server())))
    }

    async fn connect(&self) -> Result<Talk, String> {
        let settings = &self.settings;
        let hello = settings.hello();
        let wire =
            wire::connect(settings.host(), settings.port(), settings.security(), &hello.to_string(), &self.tls).await?;
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await;
        let connection = connected.map_err(|error| talk::cause_of(&error))?;
        let mut talk = Talk::new(connection, &hello, settings.timeout()).await?;
        if let Some((user, password)) = settings.login() {
            let credentials = Credentials::new(user.to_owned(), password.reveal().to_owned());
            let login = talk.connection().auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            login.map_err(|error| format!("the login failed: {}", talk::cause_of(&error)))?;
        }
        Ok(talk)
    }
}

impl Transport for SmtpTransport {
    fn asks(&self) -> bool {
        true
    }

    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(self.send_all(batch, settle))
    }
}

impl std::fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpTransport").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Batch<'_> {
    /// The next mail; those that cannot be sent get their verdict on the way.
    async fn take(&self) -> Option<Waiting> {
        self.take_made(None).await
    }

    /// The same where the next one is made already.
    async fn take_made(&self, mut made: Option<Made>) -> Option<Waiting> {
        loop {
            let (place, waiting) = made.take().or_else(|| self.pull())?;
            let stopped = lock(&self.stopped).clone();
            let verdict = match (stopped, waiting) {
                (Some(verdict), _) => verdict,
                (None, Ok(waiting)) if self.settle.may_go(place).await => return Some(waiting),
                (None, Ok(_)) => continue,
                (None, Err(cause)) => Verdict::Failed { cause },
            };
            self.settle.settle(place, verdict).await;
        }
    }

    fn pull(&self) -> Option<Made> {
        if let Some(returned) = lock(&self.returned).pop() {
            return Some(returned);
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let letter = letter(self.mails.get(place)?, self.dkim);
        Some((place, letter.map(|letter| Waiting { place, letter, broken: 0 })))
    }

    /// Of two mails that a conversation had in hand when it ended, the first one; the other is given back.
    fn keep(&self, first: Option<Waiting>, second: Option<Waiting>) -> Option<Waiting> {
        if first.is_none() {
            return second;
        }
        self.give_back(second);
        first
    }

    fn give_back(&self, waiting: Option<Waiting>) {
        lock(&self.returned).extend(waiting.map(|waiting| (waiting.place, Ok(waiting))));
    }

    fn stop(&self, verdict: Verdict) {
        lock(&self.stopped).get_or_insert(verdict);
    }
}

fn letter(rendered: &Rendered, dkim: Option<&Dkim>) -> Result<Letter, String> {
    match &rendered.content {
        Content::Mail(mail) if mail.from == DEFAULT_SENDER => {
            Err("the project has no sender; add `policy { sender \"Name <address>\" }`".to_owned())
        }
        Content::Mail(mail) => {
            let mut letter = build(rendered, mail)?;
            if let Some(dkim) = dkim {
                // A server that has to rewrite a mail would break its signature; ours is ASCII unless the address is not.
                letter.text = dkim.sign(&letter.text)? + &letter.text;
            }
            Ok(letter)
        }
        Content::Text(_) | Content::Json(_) | Content::Call(_) | Content::Notice(_) => {
            Err(format!("{} cannot go over SMTP", rendered.channel))
        }
    }
}

/// What a refusal means for a mail: 4xx is for now, 5xx for ever, unless it is about us and not about the mail.
fn refusal(code: u16, cause: String) -> Verdict {
    match code {
        // Login and encryption: whoever mends the settings still wants the mail sent.
        530 | 534 | 535 | 538 => Verdict::Retry { after: None, cause },
        500..=599 => Verdict::Failed { cause },
        _ => Verdict::Retry { after: None, cause },
    }
}

fn is_about_rate(cause: &str) -> bool {
    cause.contains("4.7.")
}

fn pause_for(cause: &str) -> Duration {
    if is_about_rate(cause) { LONG_PAUSE } else { PAUSE }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
