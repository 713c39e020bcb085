//! Messages over a pair of streams. Input that is no message is answered with an error and skipped: one bad message
//! must not end the session.

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::unbounded;
use gen_lsp_types::ErrorCodes;
use lsp_server::{Connection, Message};
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest header line that we read as one.
const MAX_HEADER: u64 = 8 << 10;
/// The longest message that we accept.
const MAX_MESSAGE: u64 = 256 << 20;

/// Starts the threads that read and write. The second one ends when the connection is dropped.
pub(crate) fn connect<R, W>(input: R, output: W) -> io::Result<(Connection, JoinHandle<io::Result<()>>)>
where
    R: BufRead + Send + 'static,
    W: Write + Send + 'static,
{
    let ((sender, from_editor), (to_editor, receiver)) = (unbounded(), unbounded());
    let server = Connection { sender: to_editor, receiver: from_editor };
    // A message is one write: its header alone would wake the editor for nothing.
    let output = Arc::new(Mutex::new(BufWriter::new(output)));

    let answers = output.clone();
    let mut input = input;
    thread::Builder::new().name("lsp-read".into()).spawn(move || {
        // An input that breaks is an editor that went away; the server sees its channel close.
        while let Ok(Some(frame)) = read_frame(&mut input) {
            match decode(&frame) {
                Ok(message) => {
                    let exit = matches!(&message, Message::Notification(n) if n.method == "exit");
                    if sender.send(message).is_err() || exit {
                        break;
                    }
                }
                Err(answer) => {
                    let mut output = answers.lock().unwrap_or_else(PoisonError::into_inner);
                    if write_frame(&mut *output, &answer.to_string()).is_err() {
                        break;
                    }
                }
            }
        }
    })?;
    let writer = thread::Builder::new().name("lsp-write".into()).spawn(move || {
        receiver.into_iter().try_for_each(|message| {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            message.write(&mut *output)
        })
    })?;
    Ok((server, writer))
}

/// What came in: a message's text, or its length if it was too long.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Text(Vec<u8>),
    TooLong(u64),
}

/// Reads a message; none at the end. Lines that are no header are passed over until one is, so that a message with a
/// wrong length costs itself and its neighbour, not the session.
fn read_frame(input: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match (line.trim_ascii().is_empty(), length) {
            (true, Some(length)) if length > MAX_MESSAGE => {
                io::copy(&mut input.by_ref().take(length), &mut io::sink())?;
                return Ok(Some(Frame::TooLong(length)));
            }
            (true, Some(length)) => {
                let mut text = Vec::new();
                let read = input.by_ref().take(length).read_to_end(&mut text)?;
                return Ok((read as u64 == length).then_some(Frame::Text(text)));
            }
            (true, None) => {}
            (false, _) => length = content_length(&line).or(length),
        }
    }
}

fn content_length(line: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    let at = line.windows(NAME.len()).rposition(|part| part.eq_ignore_ascii_case(NAME))?;
    std::str::from_utf8(line.get(at + NAME.len()..)?.trim_ascii()).ok()?.parse().ok()
}

fn write_frame(output: &mut impl Write, text: &str) -> io::Result<()> {
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

/// The message, or the answer to what is none.
fn decode(frame: &Frame) -> Result<Message, Value> {
    let text = match frame {
        Frame::Text(text) => text,
        Frame::TooLong(length) => {
            let message = format!("a message of {length} bytes is longer than the {MAX_MESSAGE} that are accepted");
            return Err(error(&Value::Null, ErrorCodes::InvalidRequest, &message));
        }
    };
    let value: Value = serde_json::from_slice(text)
        .map_err(|e| error(&Value::Null, ErrorCodes::ParseError, &format!("this is not JSON: {e}")))?;
    Message::deserialize(&value).map_err(|_| {
        let id = value.get("id").filter(|id| id.is_i64() || id.is_string()).unwrap_or(&Value::Null);
        error(id, ErrorCodes::InvalidRequest, "this is neither a request nor a notification nor a response")
    })
}

fn error(id: &Value, code: ErrorCodes, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": i32::from(code), "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut input: &[u8]) -> Vec<String> {
        std::iter::from_fn(|| read_frame(&mut input).unwrap())
            .map(|frame| match frame {
                Frame::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                Frame::TooLong(length) => format!("too long: {length}"),
            })
            .collect()
    }

    #[test]
    fn frames_are_read_whatever_stands_between() {
        assert_eq!(frames(b"Content-Length: 2\r\n\r\n{}content-length:3\r\nX: y\r\n\r\n[1]"), ["{}", "[1]"]);
        assert_eq!(frames(b"garbage\r\n\r\nContent-Length: 2\r\n\r\n{}"), ["{}"]);
        assert_eq!(frames(b"Content-Length: what\r\n\r\n{}Content-Length: 2\r\n\r\n[]"), ["[]"], "resynchronised");
        assert_eq!(frames(b"Content-Length: 9\r\n\r\n{}"), [""; 0], "cut off");
        assert_eq!(frames(b""), [""; 0]);
    }

    #[test]
    fn what_is_no_message_gets_an_answer() {
        let decode = |text: &str| decode(&Frame::Text(text.into()));
        assert!(decode(r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#).is_ok());
        assert!(decode(r#"{"jsonrpc":"2.0","method":"exit","params":null}"#).is_ok());
        assert_eq!(decode("{").unwrap_err()["error"]["code"], -32700);
        assert_eq!(decode("[]").unwrap_err()["error"]["code"], -32600);
        let answer = decode(r#"{"id":"x","method":7}"#).unwrap_err();
        assert_eq!((answer["id"].clone(), answer["error"]["code"].clone()), (json!("x"), json!(-32600)));
    }
}
