//! The form of a mail: headers, parts, and the envelope around them. The same message gives the same bytes, always.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::render::{Mail, Rendered, one_line, shortened};

/// The last second that a mail's date can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// A mail as it goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// From whom to whom.
    pub(super) envelope: Envelope,
    /// The whole, with CRLF line ends. ASCII, unless the recipient's address is not.
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

    let mut builder = lettre::Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(header_text(&mail.subject))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{message_id}>")))
        .envelope(envelope.clone());
    if let Some(url) = &mail.unsubscribe {
        let one_click = "List-Unsubscribe=One-Click".to_owned();
        builder = builder
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("List-Unsubscribe"), format!("<{url}>")))
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("List-Unsubscribe-Post"), one_click));
    }
    let part = |kind, body: &str| SinglePart::builder().header(kind).body(line_feeds(body));
    let text = part(ContentType::TEXT_PLAIN, &mail.text);
    let message = match &mail.html {
        None => builder.singlepart(text),
        Some(html) => {
            let boundary = blake3::hash(message_id.as_bytes()).to_hex();
            let boundary = boundary.get(..32).unwrap_or_default().to_owned();
            let parts = MultiPart::alternative().boundary(boundary).singlepart(text);
            builder.multipart(parts.singlepart(part(ContentType::TEXT_HTML, html)))
        }
    };
    let bytes = message.map_err(|error| error.to_string())?.formatted();
    let text = String::from_utf8(bytes).map_err(|_| "the mail is not text".to_owned())?;
    Ok(Letter { envelope, text })
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

/// Lone carriage returns become line ends too: no mail program agrees with another on what they mean.
fn line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests;
