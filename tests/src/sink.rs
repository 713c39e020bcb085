//! A mail server of our own: it does to each message what the test tells it to, and remembers what it was given.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A message at the moment when its final dot has come and nothing has been answered yet.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its Message-ID, without the angle brackets.
    pub message_id: String,
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Its bytes as meant: without the dots that SMTP adds.
    pub data: Vec<u8>,
    /// How many times this Message-ID has come, this one included.
    pub nth: usize,
    /// Which connection it came over, counted from 1.
    pub connection: usize,
    /// When its transfer began: the sender was told to go on.
    pub began: Instant,
    /// When its final dot came.
    pub when: Instant,
}

/// What the server does with a message.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Takes it and says so.
    Accept,
    /// Takes it and says so after a while.
    AcceptAfter(Duration),
    /// Answers with this line and does not take it; after `421` it hangs up, as the standard says.
    Refuse(&'static str),
    /// Takes it and hangs up without a word: the sender cannot know.
    AcceptAndCut,
    /// Hangs up without a word and does not take it: to the sender the same.
    Cut,
}

type Script = dyn Fn(&Attempt) -> Verdict + Send + Sync;

/// A running mail server. Dropping it closes it.
pub struct Sink {
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<Script>,
    closed: AtomicBool,
    connections: AtomicUsize,
    open: AtomicUsize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    attempts: BTreeMap<String, usize>,
    taken: BTreeSet<String>,
    accepted: Vec<Attempt>,
    refused: Vec<Attempt>,
    logins: Vec<String>,
}

impl Sink {
    /// A server that takes everything.
    pub fn accepting() -> Self {
        Self::scripted(|_| Verdict::Accept)
    }

    /// A server that asks the script about every message.
    pub fn scripted(script: impl Fn(&Attempt) -> Verdict + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            closed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&accepting);
                let connection = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                // An error is the sender's going away, which is what some tests are about.
                shared.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    drop(converse(&shared, &stream, connection));
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, shared }
    }

    /// The address as `journey.toml` wants it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The messages that it took, in order.
    pub fn accepted(&self) -> Vec<Attempt> {
        self.shared.seen.lock().unwrap().accepted.clone()
    }

    /// How many messages it took.
    pub fn count(&self) -> usize {
        self.shared.seen.lock().unwrap().accepted.len()
    }

    /// The messages that it did not take, in order.
    pub fn refused(&self) -> Vec<Attempt> {
        self.shared.seen.lock().unwrap().refused.clone()
    }

    /// How many messages it took, counting each Message-ID once.
    pub fn distinct(&self) -> usize {
        self.shared.seen.lock().unwrap().taken.len()
    }

    /// What logins were, as they came over the wire: base64 of user and password.
    pub fn logins(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().logins.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, so that it sees the flag.
        drop(TcpStream::connect(&self.address));
    }
}

fn converse(shared: &Shared, stream: &TcpStream, connection: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream);
    let mut output = stream;
    output.write_all(b"220 sink.test ESMTP\r\n")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &str = match verb.as_str() {
            "EHLO" => {
                "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN\r\n250 ENHANCEDSTATUSCODES"
            }
            "AUTH" => {
                let login = text.rsplit(' ').next().unwrap_or_default().to_owned();
                shared.seen.lock().unwrap().logins.push(login);
                "235 2.7.0 welcome"
            }
            "HELO" | "NOOP" => "250 2.0.0 fine",
            "MAIL" => {
                from = address_in(&text);
                to.clear();
                "250 2.1.0 fine"
            }
            "RCPT" if from.is_empty() => "503 5.5.1 MAIL first",
            "RCPT" => {
                to.push(address_in(&text));
                "250 2.1.5 fine"
            }
            "RSET" => {
                from.clear();
                to.clear();
                "250 2.0.0 fine"
            }
            "DATA" if to.is_empty() => "503 5.5.1 RCPT first",
            "DATA" => {
                let began = Instant::now();
                output.write_all(b"354 go on\r\n")?;
                let data = read_data(&mut input)?;
                let attempt = shared.note(std::mem::take(&mut from), std::mem::take(&mut to), data, connection, began);
                match (shared.script)(&attempt) {
                    Verdict::Accept => {
                        shared.accept(attempt);
                        "250 2.0.0 taken"
                    }
                    Verdict::AcceptAfter(delay) => {
                        // It is taken when the delay begins: the gap in which a sender's death makes a duplicate.
                        shared.accept(attempt);
                        std::thread::sleep(delay);
                        "250 2.0.0 taken"
                    }
                    Verdict::Refuse(answer) => {
                        shared.refuse(attempt);
                        if answer.starts_with("421") {
                            output.write_all(format!("{answer}\r\n").as_bytes())?;
                            return stream.shutdown(Shutdown::Both);
                        }
                        answer
                    }
                    Verdict::AcceptAndCut => {
                        shared.accept(attempt);
                        return stream.shutdown(Shutdown::Both);
                    }
                    Verdict::Cut => {
                        shared.refuse(attempt);
                        return stream.shutdown(Shutdown::Both);
                    }
                }
            }
            "QUIT" => {
                output.write_all(b"221 2.0.0 bye\r\n")?;
                return Ok(());
            }
            _ => "502 5.5.2 not known here",
        };
        output.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

impl Shared {
    fn note(&self, from: String, to: Vec<String>, data: Vec<u8>, connection: usize, began: Instant) -> Attempt {
        let message_id = message_id(&data);
        let mut seen = self.seen.lock().unwrap();
        let nth = seen.attempts.entry(message_id.clone()).or_default();
        *nth += 1;
        Attempt { message_id, from, to, data, nth: *nth, connection, began, when: Instant::now() }
    }

    fn accept(&self, attempt: Attempt) {
        let mut seen = self.seen.lock().unwrap();
        seen.taken.insert(attempt.message_id.clone());
        seen.accepted.push(attempt);
    }

    fn refuse(&self, attempt: Attempt) {
        self.seen.lock().unwrap().refused.push(attempt);
    }
}

fn read_data(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let start = data.len();
        if input.read_until(b'\n', &mut data)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if &data[start..] == b".\r\n" {
            data.truncate(start);
            return Ok(data);
        }
        if data[start] == b'.' {
            data.remove(start);
        }
    }
}

/// The Message-ID of a message, without the angle brackets; a message without one fails the test that looks.
fn message_id(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines()
        .find_map(|line| line.strip_prefix("Message-ID: "))
        .map(|id| id.trim_matches(['<', '>']).to_owned())
        .unwrap_or_default()
}

/// The address between angle brackets of `MAIL FROM:<..>` or `RCPT TO:<..>`.
fn address_in(line: &str) -> String {
    let start = line.find('<').map_or(line.len(), |at| at + 1);
    let end = line.find('>').unwrap_or(line.len());
    line.get(start..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(sink: &Sink, lines: &str) -> String {
        let mut stream = TcpStream::connect(&sink.address).unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        let mut answer = String::new();
        io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    }

    const MAIL: &str =
        "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nMessage-ID: <1@x>\r\n\r\n..hidden\r\n.\r\n";

    #[test]
    fn takes_a_message_and_undoes_the_dots() {
        let sink = Sink::accepting();
        let answer = talk(&sink, &format!("EHLO me\r\n{MAIL}QUIT\r\n"));
        assert!(answer.ends_with("354 go on\r\n250 2.0.0 taken\r\n221 2.0.0 bye\r\n"), "{answer}");
        let accepted = sink.accepted();
        assert_eq!(accepted.len(), 1);
        assert_eq!(accepted[0].message_id, "1@x");
        assert_eq!(accepted[0].to, ["b@y.test"]);
        assert_eq!(accepted[0].data, b"Message-ID: <1@x>\r\n\r\n.hidden\r\n");
    }

    #[test]
    fn does_what_the_script_says() {
        let sink = Sink::scripted(|attempt| match attempt.nth {
            1 => Verdict::Refuse("451 4.3.0 later"),
            2 => Verdict::Cut,
            3 => Verdict::AcceptAndCut,
            _ => Verdict::Refuse("421 4.7.0 go away"),
        });
        assert!(talk(&sink, &format!("HELO me\r\n{MAIL}QUIT\r\n")).contains("451 4.3.0 later\r\n221"));
        assert!(talk(&sink, &format!("HELO me\r\n{MAIL}")).ends_with("354 go on\r\n"));
        assert!(talk(&sink, &format!("HELO me\r\n{MAIL}")).ends_with("354 go on\r\n"));
        assert!(talk(&sink, &format!("HELO me\r\n{MAIL}")).ends_with("421 4.7.0 go away\r\n"));
        assert_eq!((sink.count(), sink.refused().len(), sink.connections()), (1, 3, 4));
    }

    #[test]
    fn wants_the_commands_in_order() {
        let sink = Sink::accepting();
        let answer = talk(&sink, "RCPT TO:<b@y.test>\r\nDATA\r\nWHAT\r\nQUIT\r\n");
        assert_eq!(
            answer,
            "220 sink.test ESMTP\r\n503 5.5.1 MAIL first\r\n503 5.5.1 RCPT first\r\n502 5.5.2 not known here\r\n\
             221 2.0.0 bye\r\n"
        );
    }
}
