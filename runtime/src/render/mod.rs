//! From a decided message to what a person reads: the variant in their language, the template filled in, links signed.
//!
//! Rendering is a pure function of the bundle, the [`Outgoing`] and the links: every attempt to send a message gives the
//! same bytes. What cannot be rendered is an error with its cause, for the list of dead letters.

mod filters;
mod html;
mod languages;
mod layout;
mod locale;
mod templates;
mod values;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use journey_bytecode::{Bundle, CONTENT, Channel, Field, Format, Instant, Purpose, Value, Variant};
use minijinja::Environment;
use smol_str::SmolStr;

use crate::core::effect::{Errand, MessageId, Outgoing};
use crate::ingest::json_of;
use crate::time::{Zone, rfc3339};
use crate::track::Links;
use filters::{Reader, reading};
use html::Document;
use locale::{Locale, fallbacks, normal_tag};
use templates::Escape;
use values::Variables;

pub(crate) use locale::words;
pub(crate) use templates::escape_html;

/// The sender of a project that names none; such mail goes to files and to this machine alone.
pub const DEFAULT_SENDER: &str = "journey@localhost";

/// How many characters of a notice's first line are the subject of its mail.
const NOTICE_SUBJECT: usize = 78;

/// A message, ready for a transport.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// Its id.
    pub id: MessageId,
    /// When it was decided; the date that it bears, on every attempt.
    pub at: Instant,
    /// Its channel.
    pub channel: Channel,
    /// The message's name.
    pub message: SmolStr,
    /// Who sends it, where the journey or the policy says that for the channel; mail says it itself.
    pub from: Option<String>,
    /// The address on that channel.
    pub to: SmolStr,
    /// Where a provider may tell what becomes of it.
    pub callback: Option<String>,
    /// What it says.
    pub content: Content,
}

/// What a rendered message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A mail.
    Mail(Mail),
    /// Plain text, for a text message or a push.
    Text(String),
    /// JSON, for a push or a webhook.
    Json(String),
    /// A call of another system.
    Call(CallBody),
    /// Words for a colleague.
    Notice(NoticeBody),
}

/// Words for a colleague.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeBody {
    /// Whom the settings know: `owner`, `slack #sales`.
    pub place: SmolStr,
    /// The words; of a question, with the address where it is answered.
    pub text: String,
    /// The same as a mail.
    pub mail: Mail,
}

/// A call of another system, ready for the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallBody {
    /// Its id, the same on every attempt.
    pub id: String,
    /// What the other system gets: JSON.
    pub body: String,
    /// The fields of the answer.
    pub answer: Vec<Field>,
    /// When no answer counts any more.
    pub until: Instant,
}

/// A rendered mail. No field but the bodies holds a control character.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The sender, `Name <address>`.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// The body as HTML; without, the mail is plain text.
    pub html: Option<String>,
    /// The body as text.
    pub text: String,
    /// The unsubscribe link of a marketing mail, for its headers.
    pub unsubscribe: Option<String>,
    /// Where it comes back to if it cannot be delivered; to the sender without.
    pub return_path: Option<String>,
    /// The Message-ID without brackets: the same on every attempt, and no other message's.
    pub message_id: String,
}

/// Why a message cannot be rendered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenderError {
    /// The template's file, where there is one.
    pub file: Option<SmolStr>,
    /// The line, where it is known.
    pub line: Option<u32>,
    /// What is wrong.
    pub cause: String,
}

impl Rendered {
    /// The domain that sends it, if it is marketing mail.
    pub fn marketing_domain(&self) -> Option<SmolStr> {
        let Content::Mail(mail) = &self.content else { return None };
        mail.unsubscribe.as_ref()?;
        Some(mail.message_id.rsplit_once('@')?.1.to_lowercase().into())
    }
}

impl RenderError {
    fn new(cause: impl Into<String>) -> Self {
        Self { file: None, line: None, cause: cause.into() }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: {}", self.cause),
            (Some(file), None) => write!(f, "{file}: {}", self.cause),
            (None, _) => f.write_str(&self.cause),
        }
    }
}

impl std::error::Error for RenderError {}

/// Renders the messages of a bundle.
#[derive(Debug)]
pub struct Renderer {
    env: Environment<'static>,
    messages: BTreeMap<(Channel, SmolStr), Vec<Text>>,
    /// Who sends mail.
    sender: String,
    /// Who sends on other channels.
    senders: BTreeMap<Channel, String>,
    postal_address: Option<String>,
    /// The language of texts that name none: what a contact speaks who did not say.
    default_language: Option<SmolStr>,
    /// Whether a message without a template is taken as declared by its use.
    open: bool,
    links: Links,
}

/// One variant of a message: its texts are templates of the engine, by name.
#[derive(Debug)]
struct Text {
    /// The tag as the file says it, and in the form in which we compare.
    language: Option<(SmolStr, String)>,
    subject: Option<String>,
    preheader: Option<String>,
    body: String,
    /// The layout of its own that a body in Markdown has.
    layout: Option<String>,
    format: Format,
    file: SmolStr,
    /// The line of the file where the body begins, if it stands in one file.
    body_line: Option<u32>,
    /// Whether it names the addresses of the preference page and of the confirmation: what nobody reads need not be signed.
    has_preferences: bool,
    has_confirm: bool,
    /// Whether the body itself may show the unsubscribe link or the postal address.
    has_footer: bool,
}

impl Renderer {
    /// Compiles the templates of a bundle.
    pub fn new(bundle: &Bundle, links: Links) -> Result<Self, RenderError> {
        let mut env = templates::environment();
        let mut messages = BTreeMap::new();
        for message in &bundle.messages {
            let mut texts = Vec::new();
            for (place, variant) in message.variants.iter().enumerate() {
                let name = format!("{}.{}.{place}", message.name, message.channel);
                texts.push(compile(&mut env, &name, variant)?);
            }
            messages.insert((message.channel, message.name.clone()), texts);
        }
        let senders = Channel::ALL.into_iter().filter(|channel| *channel != Channel::Email);
        let senders = senders.filter_map(|channel| Some((channel, one_line(bundle.policy.sender(channel)?)))).collect();
        let sender = bundle.policy.sender(Channel::Email).map(one_line).unwrap_or_else(|| DEFAULT_SENDER.to_owned());
        let postal_address = bundle.policy.address.as_deref().map(str::trim).map(str::to_owned);
        let postal_address = postal_address.filter(|address| !address.is_empty());
        let default_language = bundle.schema.language_attribute().and_then(|attribute| match &attribute.default {
            Some(Value::Text(language)) => Some(language.clone()),
            _ => None,
        });
        Ok(Self { env, messages, sender, senders, postal_address, default_language, open: bundle.schema.open, links })
    }

    /// The links that messages carry.
    pub const fn links(&self) -> &Links {
        &self.links
    }

    /// Renders one message.
    pub fn render(&self, outgoing: &Outgoing) -> Result<Rendered, RenderError> {
        if let Errand::Call { answer, until } = &outgoing.errand {
            return Ok(self.call(outgoing, answer, *until));
        }
        if let Errand::Notice { place } | Errand::Question { place, .. } = &outgoing.errand {
            return self.notice(outgoing, place);
        }
        if let (Errand::Answer, Value::Text(words)) = (&outgoing.errand, &outgoing.data) {
            return Ok(bare(outgoing, Content::Text(words.to_string())));
        }
        let content = match self.messages.get(&(outgoing.channel, outgoing.message.clone())) {
            Some(texts) if !texts.is_empty() || !self.open => self.content(outgoing, choose(texts, outgoing)?)?,
            _ if self.open => self.by_name(outgoing),
            _ => {
                let (channel, name) = (outgoing.channel, &outgoing.message);
                return Err(RenderError::new(format!("there is no message `{name}` for {channel} any more")));
            }
        };
        Ok(Rendered {
            from: outgoing.from.as_deref().map(one_line).or_else(|| self.senders.get(&outgoing.channel).cloned()),
            callback: self.links.report(outgoing.id),
            ..bare(outgoing, content)
        })
    }

    /// A call says who calls what for whom, beside what the journey hands over.
    fn call(&self, outgoing: &Outgoing, answer: &[Field], until: Instant) -> Rendered {
        let MessageId { contact, number } = outgoing.id;
        let body = serde_json::json!({
            "type": outgoing.message.as_str(),
            "timestamp": rfc3339(outgoing.at),
            "contact": outgoing.to.as_str(),
            "journey": outgoing.journey.as_str(),
            "data": json_of(&outgoing.data),
        });
        let id = format!("{}.{number}.{}", contact.0, self.links.keys().tag(outgoing.id));
        bare(outgoing, Content::Call(CallBody { id, body: body.to_string(), answer: answer.to_vec(), until }))
    }

    /// Words for a colleague; a question with the address of the page where it is answered.
    fn notice(&self, outgoing: &Outgoing, place: &SmolStr) -> Result<Rendered, RenderError> {
        let texts = self.messages.get(&(outgoing.channel, outgoing.message.clone())).map_or(&[][..], Vec::as_slice);
        let Content::Text(said) = self.content(outgoing, choose(texts, outgoing)?)? else {
            return Err(RenderError::new("a notice is plain text"));
        };
        let text = match &outgoing.errand {
            Errand::Question { answers, .. } => format!("{said}\n\n{}", self.links.answer(outgoing.id, &said, answers)),
            _ => said.clone(),
        };
        let first = said.lines().next().unwrap_or_default();
        let mut subject: String = first.chars().take(NOTICE_SUBJECT).collect();
        if subject.len() < first.len() {
            subject.push('…');
        }
        let footer = format!("{text}\n\n-- \n{}", outgoing.journey);
        let mail = self.mail(outgoing, one_line(&subject), None, footer, None);
        Ok(bare(outgoing, Content::Notice(NoticeBody { place: place.clone(), text, mail })))
    }

    /// The message of a lone file, where using a name declares it: it says its own name.
    fn by_name(&self, outgoing: &Outgoing) -> Content {
        let says = outgoing.message.replace('_', " ");
        match outgoing.channel {
            Channel::Email => {
                let subject = one_line(outgoing.subject.as_deref().unwrap_or(&says));
                let unsubscribe = Some(self.unsubscribe(outgoing)).filter(|_| is_marketing(outgoing));
                let footer = layout::text_footer(
                    outgoing.language.as_deref(),
                    self.postal_address.as_deref(),
                    unsubscribe.as_deref(),
                );
                Content::Mail(self.mail(outgoing, subject, None, format!("{says}{footer}"), unsubscribe))
            }
            Channel::Sms | Channel::Push | Channel::WhatsApp => Content::Text(says),
            Channel::Webhook => Content::Json(serde_json::json!({ "message": outgoing.message.as_str() }).to_string()),
        }
    }

    fn content(&self, outgoing: &Outgoing, text: &Text) -> Result<Content, RenderError> {
        let zone = Zone::parse(&outgoing.zone).unwrap_or(Zone::UTC);
        let language = self.language_of(outgoing, text);
        let plain = matches!(text.format, Format::Text | Format::Json);
        let locale = Locale::new(language, zone, plain);
        let reader = Reader { contact: outgoing.id.contact, language, locale };
        let unsubscribe = self.unsubscribe(outgoing);
        let mut builtins = vec![
            ("sender", minijinja::Value::from(sender_name(&self.from(outgoing)))),
            ("unsubscribe_url", unsubscribe.as_str().into()),
        ];
        if text.has_preferences {
            builtins.push(("preferences_url", self.links.preferences(outgoing.id).into()));
        }
        if let Some(topic) = outgoing.topic.as_ref().filter(|_| text.has_confirm) {
            builtins.push(("confirm_url", self.links.confirm(outgoing.id, topic.clone()).into()));
        }
        if let Some(address) = &self.postal_address {
            builtins.push(("postal_address", address.as_str().into()));
        }
        let mut fill = Fill { env: &self.env, reader, text, data: &outgoing.data, builtins };
        match outgoing.channel {
            Channel::Email => self.render_mail(outgoing, &mut fill, &unsubscribe),
            Channel::Sms => Ok(Content::Text(clean(fill.body()?).trim().to_owned())),
            Channel::Push | Channel::WhatsApp if text.format != Format::Json => {
                Ok(Content::Text(clean(fill.body()?).trim().to_owned()))
            }
            Channel::Push | Channel::WhatsApp | Channel::Webhook => {
                let body = fill.body()?;
                match serde_json::from_str::<serde_json::Value>(&body) {
                    Ok(_) => Ok(Content::Json(body)),
                    Err(error) => Err(RenderError {
                        file: Some(text.file.clone()),
                        line: (text.body_line.zip(u32::try_from(error.line()).ok()))
                            .map(|(first, line)| first + line.saturating_sub(1)),
                        cause: format!("the filled-in template is not JSON ({error})"),
                    }),
                }
            }
        }
    }

    fn render_mail(&self, outgoing: &Outgoing, fill: &mut Fill<'_>, unsubscribe: &str) -> Result<Content, RenderError> {
        let (text, language) = (fill.text, fill.reader.language);
        let wrong = |cause: &str| RenderError { file: Some(text.file.clone()), line: None, cause: cause.to_owned() };
        let subject = match (&outgoing.subject, &text.subject) {
            (Some(given), _) => one_line(given),
            (None, Some(template)) => one_line(&fill.template(template, false)?),
            (None, None) => String::new(),
        };
        if subject.is_empty() {
            return Err(wrong("the mail has no subject"));
        }
        fill.builtins.push(("subject", subject.as_str().into()));
        let preheader = text.preheader.as_ref().map(|template| fill.template(template, false)).transpose()?;
        let preheader = preheader.map(|text| one_line(&text)).filter(|text| !text.is_empty());
        let mut body = clean(fill.body()?);
        if text.format == Format::Markdown {
            body = clean(layout::markdown(&body));
        }
        if let Some(layout) = &text.layout {
            body = clean(fill.template(layout, false)?).replacen(CONTENT, &body, 1);
        }

        let marketing = is_marketing(outgoing);
        let header = marketing.then(|| unsubscribe.to_owned());
        // A marketing mail shows its sender's address and the link, wherever its template would rather not.
        let missing = |shown: &str| {
            if !marketing {
                return (None, None);
            }
            let shown = if text.has_footer { one_line(shown) } else { String::new() };
            let address = self.postal_address.as_deref().filter(|address| !shown.contains(&one_line(address)));
            (address, Some(unsubscribe).filter(|url| !shown.contains(url)))
        };
        let (document, begin, end, text) = match text.format {
            Format::Text => {
                let (address, link) = missing(&body);
                let text = format!("{}{}", body.trim(), layout::text_footer(language, address, link));
                return Ok(Content::Mail(self.mail(outgoing, subject, None, text, header)));
            }
            Format::Json => return Err(wrong("a mail cannot be JSON")),
            Format::Markdown if text.layout.is_none() => {
                let shown = if text.has_footer { Document::read(&body).text("") } else { String::new() };
                let (address, link) = missing(&shown);
                body = layout::page(&layout::Page {
                    language,
                    subject: &subject,
                    preheader: preheader.as_deref(),
                    body: &body,
                    footer: &layout::footer(language, address, link),
                });
                let document = Document::read(&body);
                let text = document.text("");
                (document, String::new(), String::new(), text)
            }
            Format::Html | Format::Markdown => {
                let document = Document::read(&body);
                let mut text = document.text("");
                let (address, link) = missing(&text);
                let footer = layout::footer(language, address, link);
                if !footer.is_empty() {
                    text = document.text(&footer);
                }
                let preheader = preheader.map(|text| layout::preheader(&text)).unwrap_or_default();
                (document, preheader, footer, text)
            }
        };
        // What somebody else opens and clicks is not the contact's doing.
        let html = match outgoing.errand {
            Errand::Elsewhere => document.html(&begin, &end, None),
            _ => self.tracked(outgoing.id, &document, &begin, end, unsubscribe),
        };
        Ok(Content::Mail(self.mail(outgoing, subject, Some(html), text, header)))
    }

    /// The HTML with its links signed, and the pixel at its end.
    fn tracked(
        &self,
        id: MessageId,
        document: &Document<'_>,
        begin: &str,
        mut end: String,
        unsubscribe: &str,
    ) -> String {
        let mut index = 0;
        let mut sign = |url: &str| {
            // Whether these are followed is nobody's business.
            if url == unsubscribe || self.links.is_own(url) {
                return None;
            }
            let tracked = self.links.click(id, index, url);
            index += 1;
            tracked
        };
        if let Some(url) = self.links.pixel(id) {
            let url = escape_html(&url);
            end.push_str(&format!(
                "<img src=\"{url}\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0\">\n"
            ));
        }
        document.html(begin, &end, Some(&mut sign))
    }

    /// The language that a text is in, with the contact's own region where it is of that language. A text without a language
    /// is in the project's default one; where there is none, it is taken for the contact's.
    fn language_of<'a>(&'a self, outgoing: &'a Outgoing, text: &'a Text) -> Option<&'a str> {
        let contact = outgoing.language.as_deref();
        let own = text.language.as_ref().map(|(tag, _)| tag).or(self.default_language.as_ref());
        let Some(own) = own.map(SmolStr::as_str) else { return contact };
        let normal = normal_tag(own);
        let same = contact.filter(|contact| fallbacks(contact).contains(&normal));
        Some(same.unwrap_or(own))
    }

    fn unsubscribe(&self, outgoing: &Outgoing) -> String {
        self.links.unsubscribe(outgoing.id, outgoing.topic.clone())
    }

    fn mail(
        &self,
        outgoing: &Outgoing,
        subject: String,
        html: Option<String>,
        text: String,
        unsubscribe: Option<String>,
    ) -> Mail {
        let from = self.from(outgoing);
        let domain = from.rsplit('@').next().unwrap_or_default().trim_end_matches('>').trim();
        let MessageId { contact, number } = outgoing.id;
        let message_id = format!("{}.{number}.{}@{domain}", contact.0, self.links.keys().tag(outgoing.id));
        let return_path = self.links.return_path(outgoing.id);
        Mail { from, subject, html, text, unsubscribe, return_path, message_id }
    }

    /// The domain of whom the policy names as sender of mail.
    pub fn sender_domain(&self) -> Option<SmolStr> {
        let (_, domain) = self.sender.rsplit_once('@')?;
        Some(domain.trim_end_matches('>').trim().to_lowercase().into())
    }

    /// Who sends a mail: whom the journey names, else whom the policy does.
    fn from(&self, outgoing: &Outgoing) -> String {
        outgoing.from.as_deref().map_or_else(|| self.sender.clone(), one_line)
    }
}

/// A message as it was decided, from nobody in particular, and without a way to report on it.
fn bare(outgoing: &Outgoing, content: Content) -> Rendered {
    Rendered {
        id: outgoing.id,
        at: outgoing.at,
        channel: outgoing.channel,
        message: outgoing.message.clone(),
        from: None,
        to: outgoing.to.clone(),
        callback: None,
        content,
    }
}

fn is_marketing(outgoing: &Outgoing) -> bool {
    outgoing.purpose == Purpose::Marketing
}

fn compile(env: &mut Environment<'static>, name: &str, variant: &Variant) -> Result<Text, RenderError> {
    let wrong = |error: &minijinja::Error, first_line| template_error(error, &variant.source, first_line);
    let mut add = |part: &str, escape: Escape, source: &str, first_line| {
        let name = format!("{name}.{part}{}", escape.suffix());
        env.add_template_owned(name.clone(), source.to_owned()).map_err(|error| wrong(&error, first_line))?;
        Ok(name)
    };
    let subject = variant.subject.as_ref().map(|source| add("subject", Escape::None, source, None)).transpose()?;
    let preheader =
        variant.preheader.as_ref().map(|source| add("preheader", Escape::None, source, None)).transpose()?;
    let body_line = Some(variant.body_line).filter(|line| *line > 0);
    let body = add("body", Escape::of(variant.format), &variant.body, body_line)?;
    let layout = variant.layout.as_ref().map(|source| add("layout", Escape::Html, source, None)).transpose()?;
    let used: HashSet<_> = (std::iter::once(&body).chain(&layout))
        .filter_map(|name| env.get_template(name).ok())
        .flat_map(|template| template.undeclared_variables(false))
        .collect();
    let beside = [&variant.subject, &variant.preheader, &variant.layout].into_iter().flatten();
    let names = |variable: &str| beside.clone().chain([&variant.body]).any(|source| source.contains(variable));
    Ok(Text {
        language: variant.language.as_ref().map(|tag| (tag.clone(), normal_tag(tag))),
        subject,
        preheader,
        body,
        layout,
        format: variant.format,
        file: variant.source.clone(),
        body_line,
        has_preferences: names("preferences_url"),
        has_confirm: names("confirm_url"),
        has_footer: ["unsubscribe_url", "postal_address"].into_iter().any(|name| used.contains(name)),
    })
}

/// The text in the contact's language: `de_AT`, else `de`, else the one without a language.
fn choose<'a>(texts: &'a [Text], outgoing: &Outgoing) -> Result<&'a Text, RenderError> {
    let of =
        |tag: Option<&str>| texts.iter().find(|text| text.language.as_ref().map(|(_, normal)| normal.as_str()) == tag);
    let tags = outgoing.language.as_deref().map(fallbacks).unwrap_or_default();
    tags.iter().find_map(|tag| of(Some(tag))).or_else(|| of(None)).ok_or_else(|| {
        let (channel, name) = (outgoing.channel, &outgoing.message);
        let language = match &outgoing.language {
            Some(language) => format!("for the language `{language}`"),
            None => "for a contact without a language".to_owned(),
        };
        RenderError::new(format!(
            "the message `{name}` for {channel} has no text {language}, and none for all languages"
        ))
    })
}

/// One message being filled in.
struct Fill<'a> {
    env: &'a Environment<'static>,
    reader: Reader<'a>,
    text: &'a Text,
    data: &'a Value,
    builtins: Vec<(&'static str, minijinja::Value)>,
}

impl Fill<'_> {
    fn body(&self) -> Result<String, RenderError> {
        self.template(&self.text.body, true)
    }

    fn template(&self, name: &str, body: bool) -> Result<String, RenderError> {
        let first_line = self.text.body_line.filter(|_| body);
        let variables = Arc::new(Variables {
            data: self.data.clone(),
            builtins: self.builtins.clone(),
            locale: self.reader.locale,
        });
        let filled = self.env.get_template(name).and_then(|template| {
            reading(&self.reader, || template.render(minijinja::Value::from_dyn_object(variables)))
        });
        filled.map_err(|error| template_error(&error, &self.text.file, first_line))
    }
}

fn template_error(error: &minijinja::Error, file: &SmolStr, first_line: Option<u32>) -> RenderError {
    use minijinja::ErrorKind;
    let detail = error.detail().map(str::to_owned);
    let cause = match error.kind() {
        ErrorKind::UndefinedError => {
            let what = detail.unwrap_or_else(|| "a variable that the template uses has no value".to_owned());
            format!("{what}; give it a `default`, or ask with `{{% if %}}`")
        }
        ErrorKind::OutOfFuel => "the template does too much work; is there a loop over a very long list?".to_owned(),
        kind => detail.unwrap_or_else(|| kind.to_string()),
    };
    let line = first_line
        .zip(error.line())
        .map(|(first, line)| first.saturating_add(u32::try_from(line).unwrap_or(u32::MAX).saturating_sub(1)));
    RenderError { file: Some(file.clone()), line, cause }
}

/// The name in `Name <address>`, or the address.
fn sender_name(sender: &str) -> &str {
    let name = sender.split('<').next().unwrap_or(sender).trim().trim_matches('"').trim();
    if name.is_empty() { sender } else { name }
}

/// The longest text of a header, in characters; a longer one is cut. A line of a mail ends at 998 bytes.
pub const MAX_HEADER: usize = 250;

/// Text for a header: control characters and line ends become spaces, runs of spaces one.
pub(crate) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text as far as it fits into a header.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_HEADER) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Text for a body: line ends are `\n`, and no other control character is left but the tab.
fn clean(text: String) -> String {
    // In UTF-8 the later control characters begin with C2.
    let doubtful = |byte: u8| byte < b' ' && !matches!(byte, b'\n' | b'\t') || matches!(byte, 0x7f | 0xc2);
    if !text.bytes().any(doubtful) {
        return text;
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests;
