//! The transport for development: every message becomes a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Settle, Transport, Verdict, mail};
use crate::render::{CallBody, Content, NoticeBody, Rendered};
use crate::time::rfc3339;
use crate::track::BoxFuture;

/// The most characters of an address or a name that a file's name shows.
const SHOWN: usize = 24;

/// Writes messages into a folder: mail as `.eml`, texts as `.txt`, the rest as `.json`.
#[derive(Clone, Debug)]
pub struct FileTransport {
    folder: PathBuf,
}

impl FileTransport {
    /// A transport into a folder, which is made when it is first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Transport for FileTransport {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for (place, rendered) in batch.iter().enumerate() {
                let verdict = match bytes(rendered) {
                    Err(cause) => Verdict::Failed { cause },
                    Ok(bytes) => {
                        let (folder, name) = (self.folder.clone(), file_name(rendered));
                        let shown = name.clone();
                        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
                        match written.map_err(io::Error::other).and_then(|result| result) {
                            Ok(()) => Verdict::Delivered { response: format!("wrote {shown}") },
                            Err(error) => {
                                let cause = format!("cannot write `{}`: {error}", self.folder.join(shown).display());
                                Verdict::Retry { after: None, cause }
                            }
                        }
                    }
                };
                settle.settle(place, verdict).await;
            }
        })
    }
}

fn bytes(rendered: &Rendered) -> Result<Vec<u8>, String> {
    match &rendered.content {
        Content::Mail(mail) => mail::build(rendered, mail).map(|letter| letter.text.into_bytes()),
        Content::Notice(notice) => Ok(format!("To: {}\n\n{}\n", whom(rendered, notice), notice.text).into_bytes()),
        Content::Text(text) => {
            let from = rendered.from.as_ref().map(|from| format!("From: {from}\n")).unwrap_or_default();
            Ok(format!("{from}To: {}\n\n{text}\n", rendered.to).into_bytes())
        }
        Content::Json(body) | Content::Call(CallBody { body, .. }) => {
            let body: serde_json::Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
            let whole = serde_json::json!({ "to": rendered.to.as_str(), "body": body });
            serde_json::to_vec_pretty(&whole).map_err(|error| error.to_string())
        }
    }
}

/// Sorts by time, then by contact; no two messages share one: `20260302T090000Z-000007-003-ada-brand_story.eml`.
pub fn file_name(rendered: &Rendered) -> String {
    let at: String = rfc3339(rendered.at).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let at = at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let (contact, number) = (rendered.id.contact.0, rendered.id.number);
    let to = match &rendered.content {
        Content::Notice(notice) => whom(rendered, notice),
        _ => &rendered.to,
    };
    let (whom, what) = (to.split('@').next().unwrap_or_default(), &rendered.message);
    let end = match rendered.content {
        Content::Mail(_) => "eml",
        Content::Text(_) | Content::Notice(_) => "txt",
        Content::Json(_) | Content::Call(_) => "json",
    };
    format!("{at}Z-{contact:06}-{number:03}-{}-{}.{end}", shown(whom), shown(what))
}

/// Whom words for a colleague are for: the address, or what the settings call the place.
fn whom<'a>(rendered: &'a Rendered, notice: &'a NoticeBody) -> &'a str {
    if rendered.to.is_empty() { &notice.place } else { &rendered.to }
}

/// A name that every file system takes.
fn shown(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let shown: String = text.chars().take(SHOWN).map(safe).collect();
    let shown = shown.trim_matches('_');
    if shown.is_empty() { "x".to_owned() } else { shown.to_owned() }
}

/// Whoever looks sees the whole file or none.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.part"));
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, folder.join(name))
}

#[cfg(test)]
mod tests {
    use journey_bytecode::{Channel, Instant};
    use proptest::prelude::*;

    use super::*;
    use crate::core::contact::ContactId;
    use crate::core::effect::MessageId;

    fn text(to: &str, message: &str) -> Rendered {
        Rendered {
            id: MessageId { contact: ContactId(7), number: 3 },
            at: Instant(1_772_442_000_123),
            channel: Channel::Sms,
            message: message.into(),
            from: None,
            to: to.into(),
            callback: None,
            content: Content::Text("Hi Ada".into()),
        }
    }

    #[test]
    fn names() {
        assert_eq!(file_name(&text("+4915112345678", "nudge")), "20260302T090000Z-000007-003-4915112345678-nudge.txt");
        assert_eq!(file_name(&text("../../É@x", "..")), "20260302T090000Z-000007-003-x-x.txt");
    }

    #[tokio::test]
    async fn a_second_attempt_writes_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let transport = FileTransport::new(folder.path().join("deep/outbox"));
        let json = Rendered { content: Content::Json("{\"a\": 1}".into()), ..text("https://x.example", "hook") };
        let bad = Rendered { content: Content::Json("{".into()), ..text("x", "bad") };
        let batch = [text("+49", "nudge"), json, bad];
        for _ in 0..2 {
            let verdicts = transport.deliver(&batch).await;
            assert!(matches!(
                verdicts.as_slice(),
                [Verdict::Delivered { .. }, Verdict::Delivered { .. }, Verdict::Failed { .. }]
            ));
        }
        let mut files: Vec<_> = fs::read_dir(folder.path().join("deep/outbox"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(
            files,
            ["20260302T090000Z-000007-003-49-nudge.txt", "20260302T090000Z-000007-003-https___x_example-hook.json"]
        );
        let content = fs::read_to_string(folder.path().join("deep/outbox").join(&files[0])).unwrap();
        assert_eq!(content, "To: +49\n\nHi Ada\n");
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let verdicts = FileTransport::new(&file).deliver(&[text("+49", "nudge")]).await;
        assert!(matches!(&verdicts[0], Verdict::Retry { cause, .. } if cause.contains("file")), "{verdicts:?}");
    }

    proptest! {
        #[test]
        fn names_are_safe(to in "\\PC{0,60}|[./\\\\\0\n]{0,9}", message in "\\PC{0,60}") {
            let name = file_name(&text(&to, &message));
            prop_assert!(name.len() < 100);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')), "{name}");
        }
    }
}
