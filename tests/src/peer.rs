//! Another system on this machine that takes HTTP requests, and remembers them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

/// What it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The path, with what stands behind its `?`.
    pub path: String,
    /// The headers; names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// The system.
#[derive(Debug)]
pub struct Peer {
    /// Where it is: `127.0.0.1:54321`.
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Peer {
    /// A system that answers each request with the next of these (status and body), the last one for ever.
    pub fn answering(answers: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for (place, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let mut raw = Vec::new();
                let whole = loop {
                    let mut chunk = [0; 4096];
                    let read = stream.read(&mut chunk).unwrap();
                    assert_ne!(read, 0, "the request ended early: {}", String::from_utf8_lossy(&raw));
                    raw.extend_from_slice(&chunk[..read]);
                    if let Some(whole) = request(&raw) {
                        break whole;
                    }
                };
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(whole);
                let (status, body) = answers.get(place).or(answers.last()).unwrap();
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        Self { address, asked }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The request, once it is whole.
fn request(raw: &[u8]) -> Option<Asked> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (String::from_utf8_lossy(&raw[..end]), &raw[end + 4..]);
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let whole = headers.get("content-length")?.parse() == Ok(body.len());
    whole.then(|| Asked { path, headers, body: String::from_utf8_lossy(body).into_owned() })
}
