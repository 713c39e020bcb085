//! What a file's name says: `messages/NAME[.LANGUAGE].CHANNEL.EXTENSION`.

use journey_bytecode::{Channel, Format};
use journey_grammar::SyntaxKind;
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic, Span, nearest, one_of, quote};
use crate::project::FileId;

/// Files that people keep beside messages, and that nobody takes for one.
const ASSETS: &[&str] = &["avif", "bmp", "css", "gif", "ico", "jpeg", "jpg", "pdf", "png", "psd", "svg", "webp"];

const SHAPE: &str =
    "messages are called `NAME.CHANNEL.EXTENSION`, as `welcome.email.md`, or `welcome.de.email.md` for one language";

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Markup {
    /// HTML.
    Html,
    /// MJML, which becomes HTML.
    Mjml,
    /// Markdown.
    Markdown,
    /// Plain text.
    Text,
    /// JSON.
    Json,
}

impl Markup {
    /// All of them, by the ending of their files.
    const ENDINGS: [(&str, Self); 5] =
        [("md", Self::Markdown), ("mjml", Self::Mjml), ("html", Self::Html), ("txt", Self::Text), ("json", Self::Json)];

    /// The markup of this ending, without its dot.
    pub fn of_ending(ending: &str) -> Option<Self> {
        Self::ENDINGS.into_iter().find(|(known, _)| *known == ending).map(|(_, markup)| markup)
    }

    /// The ending of its files, without a dot.
    pub fn ending(self) -> &'static str {
        Self::ENDINGS.into_iter().find(|(_, markup)| *markup == self).map_or("", |(ending, _)| ending)
    }

    /// What the runtime fills in.
    pub const fn format(self) -> Format {
        match self {
            Self::Html | Self::Mjml => Format::Html,
            Self::Markdown => Format::Markdown,
            Self::Text => Format::Text,
            Self::Json => Format::Json,
        }
    }
}

/// A file's name, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileName {
    /// The message.
    pub name: SmolStr,
    /// The language.
    pub language: Option<SmolStr>,
    /// The channel.
    pub channel: Channel,
    /// The markup.
    pub markup: Markup,
}

/// Whether a file below `messages/` could be a message; images, hidden files and a README are left alone.
pub fn is_message(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    !hidden && !name.to_ascii_lowercase().starts_with("readme") && !ASSETS.contains(&extension.as_str())
}

/// What the messages of each channel are written in.
const fn markups(channel: Channel) -> &'static [Markup] {
    match channel {
        Channel::Email => &[Markup::Markdown, Markup::Mjml, Markup::Html, Markup::Text],
        Channel::Sms => &[Markup::Text],
        Channel::Push => &[Markup::Json, Markup::Text],
        Channel::Webhook => &[Markup::Json],
        Channel::WhatsApp => &[Markup::Text, Markup::Json],
    }
}

impl FileName {
    /// Understands the path of a file below `messages/`.
    pub fn read(file: FileId, path: &str) -> Result<Self, Diagnostic> {
        let bad = |message: String| Diagnostic::new(Code::MessagePath, Span::beginning(file), message).help(SHAPE);
        let file_name = path.rsplit('/').next().unwrap_or(path);
        let parts: Vec<&str> = file_name.split('.').collect();
        let (name, language, channel, extension) = match parts.as_slice() {
            [name, channel, extension] => (*name, None, *channel, *extension),
            [name, language, channel, extension] => (*name, Some(*language), *channel, *extension),
            _ => return Err(bad(format!("{path} does not say which message it is", path = quote(path)))),
        };
        let Some(channel) = Channel::parse(channel) else {
            let channels = || Channel::ALL.iter().map(|channel| channel.name());
            let near = nearest(channel, channels()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let found = bad(format!(
                "{path} names no channel: {channel} is none{near}",
                path = quote(path),
                channel = quote(channel)
            ));
            return Err(found.note(format!("The channels are {}.", one_of(channels()).replace(" or ", " and "))));
        };
        let known = markups(channel);
        let Some(markup) = Markup::of_ending(extension).filter(|markup| known.contains(markup)) else {
            let endings = one_of(known.iter().map(|markup| markup.ending()));
            let message =
                format!("{path} has an ending that {channel} messages do not have: `.{extension}`", path = quote(path));
            return Err(Diagnostic::new(Code::UnsupportedFormat, Span::beginning(file), message).help(format!(
                "{channel} messages end in {}",
                endings.replace('`', "").split(' ').map(dotted).collect::<Vec<_>>().join(" ")
            )));
        };
        if !is_identifier(name) {
            let message = format!(
                "{name} cannot be the name of a message, because journeys could not name it",
                name = quote(name)
            );
            let found = Diagnostic::new(Code::MessagePath, Span::beginning(file), message);
            let better: String = name.chars().map(|c| if is_word(c) { c } else { '_' }).collect();
            return Err(match is_identifier(&better) {
                true => found.help(format!(
                    "names are made of letters, digits and `_`: rename the file to `{}`",
                    file_name.replacen(name, &better, 1)
                )),
                false => found.help("names are made of letters, digits and `_`, and begin with a letter"),
            });
        }
        if SyntaxKind::of_keyword(name).is_some_and(SyntaxKind::is_reserved) {
            let message = format!("`{name}` is a word of the language, so that no journey can send this message");
            let better = file_name.replacen(name, &format!("my_{name}"), 1);
            let found = Diagnostic::new(Code::MessagePath, Span::beginning(file), message);
            return Err(found.help(format!("rename the file, as to `{better}`")));
        }
        if SyntaxKind::of_keyword(name).is_some_and(SyntaxKind::is_line_alone) {
            let message = format!("a message cannot be called `{name}`, because no test could expect it by that name");
            let better = file_name.replacen(name, &format!("my_{name}"), 1);
            let found = Diagnostic::new(Code::MessagePath, Span::beginning(file), message);
            return Err(found
                .note(format!("In a test, `{name}` says that something happens, also behind `expect send email`."))
                .help(format!("rename the file, as to `{better}`")));
        }
        let language = match language {
            Some(language) => match language_tag(language) {
                Some(tag) => Some(tag),
                None => {
                    let message = format!(
                        "{language} in {file_name} is not the code of a language",
                        language = quote(language),
                        file_name = quote(file_name)
                    );
                    return Err(bad(message).note("Languages have codes such as `de`, `en` or `pt_BR`."));
                }
            },
            None => None,
        };
        Ok(Self { name: SmolStr::new(name), language, channel, markup })
    }
}

fn dotted(word: &str) -> String {
    match word {
        "or" => "or".to_owned(),
        word => format!("`.{}`{}", word.trim_end_matches(','), if word.ends_with(',') { "," } else { "" }),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_word)
}

/// `de`, `pt_BR`; `pt-BR` is the same.
pub(super) fn language_tag(tag: &str) -> Option<SmolStr> {
    let tag = tag.replace('-', "_");
    let (language, region) = tag.split_once('_').map_or((tag.as_str(), None), |(l, r)| (l, Some(r)));
    let lower = |s: &str| (2..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_lowercase());
    let upper = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_uppercase());
    (lower(language) && region.is_none_or(upper)).then(|| SmolStr::new(&tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are() {
        let read = |path: &str| FileName::read(FileId(0), path).map_err(|d| d.message);
        let name = read("messages/brand_story.de.email.md").unwrap();
        assert_eq!((name.name.as_str(), name.language.as_deref()), ("brand_story", Some("de")));
        assert_eq!((name.channel, name.markup), (Channel::Email, Markup::Markdown));
        assert_eq!(read("messages/spring/x.pt-BR.sms.txt").unwrap().language.as_deref(), Some("pt_BR"));
        insta::assert_debug_snapshot!(
            [
                "messages/x.md",
                "messages/x.mail.md",
                "messages/x.sms.mjml",
                "messages/x.email.docx",
                "messages/brand-story.email.md",
                "messages/1st.email.md",
                "messages/send.email.md",
                "messages/x.german.email.md",
                "messages/a.b.c.d.e",
                "messages/",
            ]
            .map(|path| read(path).unwrap_err())
        );
    }

    #[test]
    fn what_nobody_takes_for_a_message_is_left_alone() {
        for path in ["messages/logo.PNG", "messages/.DS_Store", "messages/README.md", "messages/.git/x.email.md"] {
            assert!(!is_message(path), "{path}");
        }
        assert!(is_message("messages/x.email.md"));
        assert!(is_message("messages/notes.doc"));
    }
}
