//! One SMTP conversation: commands out, replies in, as many at once as the server allows.

use std::error::Error as _;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use crate::send::mail::Letter;

/// The end of a mail may keep a server busy for long; who hangs up early makes duplicates (RFC 5321, 4.5.3.2).
const PATIENCE_AT_THE_DOT: u32 = 10;

/// Room for the commands of the next mail behind one, in bytes.
const ROOM: usize = 256;

/// What a server said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// Yes.
    Positive(String),
    /// No: the code, and the whole text.
    Negative(u16, String),
    /// Nothing that makes sense, or nothing at all.
    Broken(String),
}

/// Whether a mail may be sent now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ready {
    /// It may.
    Go,
    /// This one may not: the code, and the whole text.
    Refused(u16, String),
    /// The conversation is over.
    Broken(String),
}

/// An open connection.
pub(super) struct Talk {
    connection: AsyncSmtpConnection,
    patience: Duration,
    pipelining: bool,
    /// Whether a transaction that came to nothing is still open.
    unfinished: bool,
    /// How many commands announced the next mail, or why it cannot be announced.
    announced: Result<usize, String>,
    /// How many mails went over it.
    pub(super) sent: u32,
}

impl Talk {
    /// Takes over a connection that lettre has greeted.
    pub(super) async fn new(
        connection: AsyncSmtpConnection,
        hello: &ClientId,
        patience: Duration,
    ) -> Result<Self, String> {
        let mut talk = Self { connection, patience, pipelining: false, unfinished: false, announced: Ok(0), sent: 0 };
        // lettre forgets the offers that it does not use itself.
        match talk.say(&Ehlo::new(hello.clone()).to_string(), patience).await {
            Reply::Positive(offers) => {
                talk.pipelining = offers.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("PIPELINING"));
                Ok(talk)
            }
            Reply::Negative(_, cause) | Reply::Broken(cause) => Err(cause),
        }
    }

    /// Whether the next mail may be announced together with the end of this one.
    pub(super) const fn pipelines(&self) -> bool {
        self.pipelining
    }

    /// The connection itself, to log in.
    pub(super) const fn connection(&mut self) -> &mut AsyncSmtpConnection {
        &mut self.connection
    }

    /// Says who writes to whom.
    pub(super) async fn announce(&mut self, letter: &Letter) -> Ready {
        let commands = match self.commands(letter) {
            Ok(commands) => commands,
            Err(cause) => return Ready::Refused(553, cause),
        };
        if self.pipelining {
            let first = self.say(&commands.concat(), self.patience).await;
            return self.replies(commands.len(), Some(first)).await;
        }
        let last = commands.len().saturating_sub(1);
        for (place, command) in commands.iter().enumerate() {
            let reply = self.say(command, self.patience).await;
            match reply {
                Reply::Positive(_) if place == last => self.unfinished = false,
                Reply::Positive(_) => self.unfinished = place + 2 >= last,
                Reply::Negative(code, text) => return Ready::Refused(code, text),
                Reply::Broken(cause) => return Ready::Broken(cause),
            }
        }
        Ready::Go
    }

    /// Sends the announced mail, and announces the next one in the same breath: the reply is this mail's; the next one's
    /// are read by [`Self::announced`].
    pub(super) async fn send(&mut self, letter: &Letter, next: Option<&Letter>) -> Reply {
        let mut text = stuffed(&letter.text);
        let commands = next.map(|next| self.commands(next)).unwrap_or(Ok(Vec::new()));
        self.announced = commands.map(|commands| {
            commands.iter().for_each(|command| text.push_str(command));
            commands.len()
        });
        self.sent += 1;
        self.say(&text, self.patience.saturating_mul(PATIENCE_AT_THE_DOT)).await
    }

    /// What the server said to the mail that [`Self::send`] announced.
    pub(super) async fn announced(&mut self) -> Ready {
        match std::mem::replace(&mut self.announced, Ok(0)) {
            Ok(commands) => self.replies(commands, None).await,
            Err(cause) => Ready::Refused(553, cause),
        }
    }

    /// Takes leave.
    pub(super) async fn quit(mut self) {
        let _ = self.say("QUIT\r\n", self.patience.min(Duration::from_secs(5))).await;
    }

    fn commands(&self, letter: &Letter) -> Result<Vec<String>, String> {
        let mut parameters = Vec::new();
        if !letter.text.is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err("the address has letters beyond ASCII, and the server does not take those".to_owned());
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mut commands = Vec::new();
        if self.unfinished {
            commands.push(Rset.to_string());
        }
        commands.push(Mail::new(sender(&letter.envelope), parameters).to_string());
        commands.extend(letter.envelope.to().iter().map(|to| Rcpt::new(to.clone(), Vec::new()).to_string()));
        commands.push(Data.to_string());
        Ok(commands)
    }

    /// Reads the replies to as many commands; the first may have been read already.
    async fn replies(&mut self, count: usize, mut first: Option<Reply>) -> Ready {
        let mut refused = None;
        self.unfinished = false;
        for place in 0..count {
            let reply = match first.take() {
                Some(reply) => reply,
                None => {
                    let response = timeout(self.patience, self.connection.read_response()).await;
                    reply_of(response)
                }
            };
            let last = place + 1 == count;
            match (reply, &refused) {
                (Reply::Broken(cause), _) => return Ready::Broken(cause),
                // It closes the connection: what else we asked for is not answered any more.
                (Reply::Negative(421, text), _) => return Ready::Refused(421, text),
                (Reply::Negative(code, text), None) => refused = Some((code, text)),
                (Reply::Negative(..), Some(_)) => {}
                // It would take a mail that goes to nobody. An empty one ends that.
                (Reply::Positive(_), Some(_)) if last => match self.say(".\r\n", self.patience).await {
                    Reply::Broken(cause) => return Ready::Broken(cause),
                    _ => self.unfinished = false,
                },
                (Reply::Positive(_), _) => self.unfinished = !last,
            }
        }
        match refused {
            Some((code, text)) => Ready::Refused(code, text),
            None => Ready::Go,
        }
    }

    async fn say(&mut self, text: &str, patience: Duration) -> Reply {
        reply_of(timeout(patience, self.connection.command(text)).await)
    }
}

fn sender(envelope: &Envelope) -> Option<lettre::Address> {
    envelope.from().cloned()
}

fn reply_of(response: Result<Result<Response, lettre::transport::smtp::Error>, tokio::time::error::Elapsed>) -> Reply {
    match response {
        Ok(Ok(response)) => Reply::Positive(text_of(&response)),
        Ok(Err(error)) => match error.status().and_then(|code| code.to_string().parse::<u16>().ok()) {
            Some(code) => Reply::Negative(code, cause_of(&error)),
            None => Reply::Broken(cause_of(&error)),
        },
        Err(_) => Reply::Broken("the server did not answer in time".to_owned()),
    }
}

/// What an error of lettre says, in one line: the server's own words where there are any.
pub(super) fn cause_of(error: &lettre::transport::smtp::Error) -> String {
    let detail = error.source().map(ToString::to_string).unwrap_or_else(|| error.to_string());
    let words = error.status().map(|code| code.to_string()).into_iter();
    words.chain(detail.split_whitespace().map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

fn text_of(response: &Response) -> String {
    let lines: Vec<&str> = response.message().map(str::trim).collect();
    format!("{} {}", response.code(), lines.join(" "))
}

/// The mail as it goes over the wire: every line end CRLF, dots doubled at the beginning of lines, a lone dot at the end.
pub(super) fn stuffed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16 + ROOM);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        for line in line.strip_suffix('\r').unwrap_or(line).split('\r') {
            if line.starts_with('.') {
                out.push('.');
            }
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out.push_str(".\r\n");
    out
}
