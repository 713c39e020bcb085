//! Mail that comes back: delivery reports (RFC 3464), complaints (RFC 5965) and answers. Each is about a message of ours only if it
//! shows a tag that we alone can make; anybody can write such mails.

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders};
use smol_str::SmolStr;

use crate::core::effect::MessageId;
use crate::send::is_dead_address;
use crate::track::Keys;

/// What a mail says about a message of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Returned {
    /// It could not be delivered, and its address never takes mail again.
    Dead,
    /// It could not be delivered.
    Refused,
    /// Its reader calls it spam.
    Complaint,
    /// Its reader answered.
    Reply,
}

/// Reads a mail; nothing if it says nothing about a message of ours, or that it only comes later. With the domain that sent the
/// message, where the mail shows it.
pub fn read_mail(raw: &[u8], keys: &Keys) -> Option<(MessageId, Returned, Option<SmolStr>)> {
    let (message, returned) = read(raw, keys)?;
    Some((message, returned, enclosed(raw, keys).filter(|(of, _)| *of == message).map(|(_, domain)| domain)))
}

fn read(raw: &[u8], keys: &Keys) -> Option<(MessageId, Returned)> {
    let mail = MessageParser::default().parse(raw)?;
    let report = mail.content_type().filter(|kind| kind.c_type.eq_ignore_ascii_case("multipart"));
    let report = report.and_then(|kind| kind.attribute("report-type")).map(str::to_ascii_lowercase);
    let message = || returned_to(&mail, keys).or_else(|| enclosed(raw, keys).map(|(message, _)| message));
    match report.as_deref() {
        Some("delivery-status") => Some((message()?, delivery_status(&mail)?)),
        Some("feedback-report") => {
            let kind = field(&part(&mail, "feedback-report")?, "feedback-type")?;
            // What is no complaint, as `not-spam`, changes nothing.
            matches!(kind.to_ascii_lowercase().as_str(), "abuse" | "fraud" | "virus" | "other")
                .then(|| Some((message()?, Returned::Complaint)))?
        }
        Some(_) => None,
        None if is_automatic(&mail) => None,
        None => Some((answered(&mail, keys)?, Returned::Reply)),
    }
}

/// The worst that a report says of a recipient; nothing while the mail is only late.
fn delivery_status(mail: &Message<'_>) -> Option<Returned> {
    let report = part(mail, "delivery-status")?;
    let failed = report.split("\n\n").filter_map(|recipient| {
        let action = field(recipient, "action")?;
        let status = field(recipient, "status").unwrap_or_default();
        action
            .eq_ignore_ascii_case("failed")
            .then(|| if is_dead_address(&status) { Returned::Dead } else { Returned::Refused })
    });
    let failed: Vec<_> = failed.collect();
    failed.iter().copied().find(|returned| *returned == Returned::Dead).or_else(|| failed.first().copied())
}

/// The text of the part of this kind, with plain line ends.
fn part(mail: &Message<'_>, subtype: &str) -> Option<String> {
    let part = mail.parts.iter().find(|part| {
        let kind = part.content_type();
        kind.is_some_and(|kind| {
            kind.c_type.eq_ignore_ascii_case("message")
                && kind.c_subtype.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(subtype))
        })
    })?;
    Some(String::from_utf8_lossy(part.contents()).replace("\r\n", "\n"))
}

/// The value of a field, up to its remarks: `Status: 5.1.1 (no such user)` is `5.1.1`.
fn field(text: &str, name: &str) -> Option<String> {
    let line =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(line.1.split(['(', ';']).next().unwrap_or_default().trim().to_owned())
}

/// The message whose return path the mail was sent to.
fn returned_to(mail: &Message<'_>, keys: &Keys) -> Option<MessageId> {
    let of_address = |address: &str| keys.message_of_return(address.split('@').next()?.rsplit_once('+')?.1);
    let recipients = mail.to().into_iter().flat_map(|to| to.iter().filter_map(|to| to.address.as_deref()));
    let found = recipients.filter_map(of_address).next();
    found.or_else(|| {
        // Where the mail server notes to whom it handed it.
        let headers = mail.headers().iter().filter(|header| {
            let name = header.name();
            ["delivered-to", "x-original-to", "x-envelope-to"].iter().any(|known| name.eq_ignore_ascii_case(known))
        });
        headers.filter_map(|header| header.value().as_text()).find_map(|text| of_address(text.trim_matches(['<', '>'])))
    })
}

/// The message whose Message-ID stands in the copy, or the headers, that a report encloses; and the domain that sent it.
fn enclosed(raw: &[u8], keys: &Keys) -> Option<(MessageId, SmolStr)> {
    let text = String::from_utf8_lossy(raw);
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let domain =
            || value.trim().trim_end_matches('>').rsplit_once('@').map(|(_, domain)| domain.to_lowercase().into());
        name.trim().eq_ignore_ascii_case("message-id").then(|| Some((of_id(value, keys)?, domain()?)))?
    })
}

/// The message that a mail answers.
fn answered(mail: &Message<'_>, keys: &Keys) -> Option<MessageId> {
    let ids = |value: &HeaderValue<'_>| match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let all = ids(mail.in_reply_to()).into_iter().chain(ids(mail.references()));
    all.into_iter().find_map(|id| of_id(&id, keys))
}

fn of_id(id: &str, keys: &Keys) -> Option<MessageId> {
    keys.message_of_id(id.trim().trim_matches(['<', '>']).rsplit_once('@')?.0)
}

/// Whether a program answered (RFC 3834): an absence note is no reply.
fn is_automatic(mail: &Message<'_>) -> bool {
    let text = |name: &str| {
        let header = mail.headers().iter().find(|header| header.name().eq_ignore_ascii_case(name))?;
        Some(header.value().as_text().unwrap_or("yes").trim().to_ascii_lowercase())
    };
    text("auto-submitted").is_some_and(|value| value != "no")
        || text("precedence").is_some_and(|value| matches!(value.as_str(), "bulk" | "junk" | "list" | "auto_reply"))
        || ["x-autoreply", "x-autorespond", "x-auto-response-suppress"].iter().any(|name| text(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::contact::ContactId;

    fn keys() -> Keys {
        Keys::new(["0123456789abcdef"]).unwrap()
    }

    const ID: MessageId = MessageId { contact: ContactId(7), number: 3 };

    /// As Postfix writes it.
    fn bounce(to: &str, status: &str, action: &str, enclosed: &str) -> String {
        format!(
            "Return-Path: <>\r\nTo: {to}\r\nFrom: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\
             Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"b\"\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\r\n\
             --b\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example\r\nArrival-Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\n\
             Final-Recipient: rfc822; ada@example.com\r\nAction: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 {status} no\r\n\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Hi\r\nMessage-ID: <{enclosed}>\r\n\r\n--b--\r\n"
        )
    }

    fn read(mail: &str) -> Option<(MessageId, Returned)> {
        super::read(mail.as_bytes(), &keys())
    }

    #[test]
    fn delivery_reports() {
        let verp = format!("bounces+{}@news.example", keys().return_tag(ID));
        let of_id = format!("7.3.{}@news.example", keys().tag(ID));
        assert_eq!(read(&bounce(&verp, "5.1.1", "failed", "x@y")), Some((ID, Returned::Dead)));
        assert_eq!(read(&bounce(&verp.to_uppercase(), "5.2.2", "failed", "x@y")), Some((ID, Returned::Refused)));
        assert_eq!(read(&bounce("bounces@news.example", "5.1.1", "failed", &of_id)), Some((ID, Returned::Dead)));
        assert_eq!(read(&bounce(&verp, "4.4.1", "delayed", "x@y")), None);
        assert_eq!(read(&bounce(&verp, "4.4.7", "failed", "x@y")), Some((ID, Returned::Refused)));
    }

    #[test]
    fn forged_reports_are_nothing() {
        let other = Keys::new(["another key of 16"]).unwrap();
        let verp = format!("bounces+{}@news.example", other.return_tag(ID));
        assert_eq!(read(&bounce(&verp, "5.1.1", "failed", "7.3.0123456789abcdef@news.example")), None);
        // The tag of a Message-ID, which others see, is none of a return path.
        let verp = format!("bounces+7.3.{}@news.example", keys().tag(ID));
        assert_eq!(read(&bounce(&verp, "5.1.1", "failed", "x@y")), None);
        for text in ["", "\0", "Content-Type: multipart/report; report-type=delivery-status\r\n\r\n"] {
            assert_eq!(read(text), None);
        }
    }

    #[test]
    fn complaints() {
        let of_id = format!("7.3.{}@news.example", keys().tag(ID));
        let complaint = |kind: &str| {
            format!(
                "To: fbl@news.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=\"feedback-report\"; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
                 Feedback-Type: {kind}\r\nUser-Agent: FBL/1.0\r\nVersion: 1\r\n\r\n\
                 --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{of_id}>\r\nSubject: Hi\r\n\r\nHello\r\n--b--\r\n"
            )
        };
        assert_eq!(read(&complaint("abuse")), Some((ID, Returned::Complaint)));
        let told = read_mail(complaint("abuse").as_bytes(), &keys());
        assert_eq!(told, Some((ID, Returned::Complaint, Some("news.example".into()))));
        assert_eq!(read(&complaint("not-spam")), None);
    }

    #[test]
    fn replies() {
        let of_id = format!("7.3.{}@news.example", keys().tag(ID));
        let reply = |header: &str| format!("To: hello@news.example\r\n{header}\r\nSubject: Re: Hi\r\n\r\nThanks\r\n");
        assert_eq!(read(&reply(&format!("In-Reply-To: <{of_id}>"))), Some((ID, Returned::Reply)));
        assert_eq!(read(&reply(&format!("References: <a@b> <{of_id}>"))), Some((ID, Returned::Reply)));
        assert_eq!(read(&reply("In-Reply-To: <7.3.0123456789abcdef@news.example>")), None);
        for automatic in ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes"] {
            assert_eq!(read(&reply(&format!("In-Reply-To: <{of_id}>\r\n{automatic}"))), None, "{automatic}");
        }
        assert_eq!(read(&reply(&format!("In-Reply-To: <{of_id}>\r\nAuto-Submitted: no"))), Some((ID, Returned::Reply)));
    }
}
