//! The form of a mail: headers, parts, and the envelope around them. The same message gives the same bytes, always.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{self, ContentType, HeaderName, HeaderValue, Headers};
use lettre::message::{Mailbox, Mailboxes, SinglePart};

use crate::render::{Mail, Rendered, one_line, shortened};

/// The last second that a mail's date can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// How many headers a mail has.
const HEADERS: usize = 9;

/// Room for what stands around the bodies of a mail, in bytes.
const ROOM: usize = 2 * 1024;

/// A mail as it goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// From whom to whom.
    pub(super) envelope: Envelope,
    /// The whole, with CRLF line ends and no other. ASCII, unless the recipient's address is not.
    pub(super) text: String,
}

/// Builds a mail, or says why no server would take it.
pub(super) fn build(rendered: &Rendered, mail: &Mail) -> Result<Letter, String> {
    let from = mailbox(&mail.from).map_err(|cause| format!("the sender `{}` is not an address: {cause}", mail.from))?;
    let to = address(&rendered.to).map_err(|cause| format!("the recipient's address is not valid: {cause}"))?;
    let back = match &mail.return_path {
        Some(path) => address(path).map_err(|cause| format!("the return path `{path}` is not an address: {cause}"))?,
        None => from.email.clone(),
    };
    let envelope = Envelope::new(Some(back), vec![to.clone()]).map_err(|error| error.to_string())?;
    let seconds = u64::try_from(rendered.at.0.div_euclid(1_000)).unwrap_or(0).min(LAST_SECOND);
    let (local, domain) = mail.message_id.rsplit_once('@').unwrap_or((&mail.message_id, "localhost"));
    let message_id = format!("{}@{}", one_line(local), ascii_domain(domain)?);

    let mut headers = Headers::with_capacity(HEADERS);
    headers.set(header::From::from(Mailboxes::from(from)));
    headers.set(header::To::from(Mailboxes::from(Mailbox::new(None, to))));
    headers.set(header::Subject::from(header_text(&mail.subject)));
    headers.set(header::Date::new(UNIX_EPOCH + Duration::from_secs(seconds)));
    headers.set(header::MessageId::from(format!("<{message_id}>")));
    if let Some(url) = &mail.unsubscribe {
        let mut raw = |name, value| headers.insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        raw("List-Unsubscribe", format!("<{url}>"));
        raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
    }
    headers.set(header::MIME_VERSION_1_0);

    // lettre's builder would read each header again that it has written.
    let html = mail.html.as_deref().unwrap_or_default();
    let mut text = String::with_capacity(ROOM + (mail.text.len() + html.len()) * 5 / 4);
    if mail.html.is_some() {
        let boundary = blake3::hash(message_id.as_bytes()).to_hex();
        let boundary = boundary.get(..32).unwrap_or_default();
        let kind = ContentType::parse(&format!("multipart/alternative; boundary=\"{boundary}\""));
        headers.set(kind.map_err(|error| error.to_string())?);
        text.push_str(&format!("{headers}\r\n--{boundary}\r\n"));
        push_part(&mut text, ContentType::TEXT_PLAIN, &mail.text)?;
        text.push_str(&format!("--{boundary}\r\n"));
        push_part(&mut text, ContentType::TEXT_HTML, html)?;
        text.push_str(&format!("--{boundary}--\r\n"));
    } else {
        text.push_str(&headers.to_string());
        push_part(&mut text, ContentType::TEXT_PLAIN, &mail.text)?;
    }
    Ok(Letter { envelope, text })
}

/// Appends a part, encoded for the wire.
fn push_part(mail: &mut String, kind: ContentType, body: &str) -> Result<(), String> {
    let part = SinglePart::builder().header(kind).body(line_ends(body));
    let body = std::str::from_utf8(part.raw_body()).map_err(|_| "the mail is not text".to_owned())?;
    mail.push_str(&format!("{}\r\n", part.headers()));
    mail.push_str(body);
    mail.push_str("\r\n");
    Ok(())
}

/// Reads `Name <address>` or an address.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, String> {
    match text.trim().strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, rest)) => {
            let name = name.trim();
            let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
            let name = header_text(name);
            Ok(Mailbox::new((!name.is_empty()).then_some(name), address(rest)?))
        }
        None => Ok(Mailbox::new(None, address(text)?)),
    }
}

/// Text for a header that is only text: a value that looks like an encoded word would be decoded by its reader, and could
/// then hold what we took out.
fn header_text(text: &str) -> String {
    shortened(&one_line(text)).replace("=?", "= ?")
}

/// Reads an address; its domain is written in ASCII.
fn address(text: &str) -> Result<Address, String> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("it holds a space or a control character".to_owned());
    }
    let (user, domain) = text.rsplit_once('@').ok_or("it has no `@`")?;
    Address::new(user, ascii_domain(domain)?).map_err(|error| error.to_string())
}

fn ascii_domain(domain: &str) -> Result<String, String> {
    if domain.is_ascii() {
        return Ok(domain.to_owned());
    }
    idna::domain_to_ascii(domain).map_err(|_| format!("`{domain}` is not a domain"))
}

/// Line ends as mail has them. Lone carriage returns become such too: no mail program agrees with another on what they mean.
fn line_ends(text: &str) -> String {
    if text.contains('\r') {
        return line_ends(&text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    text.replace('\n', "\r\n")
}

#[cfg(test)]
mod tests;
