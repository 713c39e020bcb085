//! `journey preview`: a message as it would arrive.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use journey_bytecode::{Bundle, Channel, Field, Instant, Message};
use journey_compiler::Compilation;
use journey_compiler::project::{CONTACTS, Project};
use journey_lsp::Previewed;
use journey_runtime::core::Linked;
use journey_runtime::ingest::{CsvReader, Gate};
use journey_runtime::preview::{Attributes, Guise, attributes, messages, outgoing};
use journey_runtime::render::{CallBody, Content, Rendered, Renderer};
use journey_runtime::store::Whose;
use journey_runtime::track::{Keys, Links};

use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, Terminal};
use crate::workspace::show;

/// Signs the links of previews. No server accepts them: each has a key of its own.
pub(super) const KEY: &[u8] = b"journey preview: links that lead nowhere";

/// The moment that a preview is dated: a Monday in spring.
const AT: Instant = Instant(1_772_442_000_000);

const EXAMPLES: &str = "\
Every text of the message becomes files in `outbox/preview` of the project: what its reader
sees as HTML, and the text part; `index.html` shows all of them side by side, as wide
as a desktop and as a phone. It is filled in for the first contact of `contacts.csv`,
for the one that --contact names, or for a made-up one.

Examples:
  journey preview welcome
  journey preview welcome --lang de --open
  journey preview welcome --project shop --contact ada

Exit codes: 0 written, 1 the project has errors, 2 the command could not do its work.";

/// Show a message as it would arrive
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The message's name
    #[arg(value_name = "MESSAGE")]
    message: String,

    /// The project
    #[arg(long, value_name = "PROJECT", default_value = ".")]
    project: PathBuf,

    #[command(flatten)]
    who: Who,

    /// Only the text in this language
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,

    /// Open `index.html` in a browser
    #[arg(long)]
    open: bool,
}

/// For whom a message is filled in.
#[derive(clap::Args, Debug)]
pub(super) struct Who {
    /// For the contact of this id in `contacts.csv`
    #[arg(long, value_name = "ID", conflicts_with = "sample")]
    pub(super) contact: Option<String>,

    /// For a made-up contact, also where there is a `contacts.csv`
    #[arg(long)]
    pub(super) sample: bool,

    /// Only the message on this channel: email, sms, push, webhook or whatsapp
    #[arg(long, value_name = "CHANNEL")]
    pub(super) channel: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let wanted = args.who.messages(bundle, &args.message)?;
    let contact = args.who.attributes(bundle, &workspace.root)?;
    let folder = workspace.root.join("outbox/preview").join(&args.message);
    fs::create_dir_all(&folder).map_err(|error| Failure::path("cannot make", &folder, &error))?;
    let mut shown = Vec::new();
    for message in wanted {
        for variant in &message.variants {
            if args.lang.as_deref().is_some_and(|lang| variant.language.as_deref() != Some(lang)) {
                continue;
            }
            // This text and no other, whatever the contact's language is.
            let alone = Message { variants: vec![variant.clone()], ..message.clone() };
            let language = variant.language.clone();
            let locals = locals(workspace.compilation(), message);
            let rendered = render(bundle, alone, contact.as_ref(), locals, language.as_deref())?;
            shown.push(write(&folder, rendered, language.as_deref())?);
        }
    }
    if shown.is_empty() {
        let lang = args.lang.as_deref().unwrap_or_default();
        return Err(Failure::new(format!("`{}` has no text in the language `{lang}`", args.message)));
    }
    let index = folder.join("index.html");
    let page = page(&args.message, &shown);
    fs::write(&index, page).map_err(|error| Failure::path("cannot write", &index, &error))?;
    for text in &shown {
        terminal.out(format!("{BOLD}{}{BOLD:#}  {}\n", text.title, text.subject))?;
    }
    terminal.out(format!("{} in {}\n", count(shown.len(), "text"), show(&index)))?;
    if args.open {
        open(&index)?;
    }
    Ok(Exit::CLEAN)
}

/// Every text of a message of a project as it stands in an editor, for the first contact of `contacts.csv` or a made-up one.
pub(super) fn for_editor(project: &Project, root: Option<&Path>, name: &str) -> Result<Vec<Previewed>, String> {
    let compilation = journey_compiler::compile(project);
    let errors = "the project has errors; the message can be shown when they are mended";
    let bundle = compilation.bundle.as_ref().ok_or(errors)?;
    let who = Who { contact: None, sample: root.is_none(), channel: None };
    let said = |failure: Failure| failure.message().to_owned();
    let contact = who.attributes(bundle, root.unwrap_or(Path::new(""))).map_err(said)?;
    let mut texts = Vec::new();
    for message in who.messages(bundle, name).map_err(said)? {
        for variant in &message.variants {
            let alone = Message { variants: vec![variant.clone()], ..message.clone() };
            let language = variant.language.as_deref();
            let rendered =
                render(bundle, alone, contact.as_ref(), locals(&compilation, message), language).map_err(said)?;
            let title = title(&rendered, language);
            texts.push(match rendered.content {
                Content::Mail(mail) => {
                    Previewed { title, subject: mail.subject, from: mail.from, html: mail.html, text: mail.text }
                }
                Content::Text(text) | Content::Json(text) | Content::Call(CallBody { body: text, .. }) => {
                    Previewed { title, text, ..Previewed::default() }
                }
                Content::Notice(notice) => Previewed { title, text: notice.text, ..Previewed::default() },
            });
        }
    }
    Ok(texts)
}

/// The channel and the language of a text.
fn title(rendered: &Rendered, language: Option<&str>) -> String {
    let language = language.map(|language| format!(".{language}")).unwrap_or_default();
    format!("{}{language}", rendered.channel)
}

impl Who {
    /// The messages of this name.
    pub(super) fn messages<'a>(&self, bundle: &'a Bundle, name: &str) -> Result<Vec<&'a Message>, Failure> {
        let channel = match &self.channel {
            Some(channel) => Some(Channel::parse(channel).ok_or_else(|| {
                let names = Channel::ALL.map(Channel::name).join(", ");
                Failure::new(format!("there is no channel `{channel}`")).help(format!("the channels are {names}"))
            })?),
            None => None,
        };
        let found = messages(bundle, name, channel);
        if found.is_empty() {
            let mut names: Vec<_> = bundle.messages.iter().map(|message| message.name.as_str()).collect();
            names.dedup();
            return Err(
                Failure::new(format!("there is no message `{name}`")).help(format!("there are {}", names.join(", ")))
            );
        }
        Ok(found)
    }

    /// The attributes of the contact; none for a made-up one.
    pub(super) fn attributes(&self, bundle: &Bundle, root: &Path) -> Result<Option<Attributes>, Failure> {
        let path = root.join(CONTACTS);
        if self.sample || self.contact.is_none() && !path.is_file() {
            return Ok(None);
        }
        let bytes = fs::read(&path).map_err(|error| Failure::path("cannot read", &path, &error))?;
        let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
        let gate = Gate::new(Arc::new(linked));
        let broken = |error| Failure::new(format!("`{}` is no list of contacts: {error}", show(&path)));
        for row in CsvReader::new(&gate, bytes.as_slice(), AT).map_err(broken)? {
            let Ok(input) = row.map_err(broken)?.1 else { continue };
            let wanted = self.contact.as_ref().is_none_or(|id| input.contact == Whose::Key(id.into()));
            if wanted {
                return Ok(Some(attributes(&input)));
            }
        }
        match &self.contact {
            Some(id) => Err(Failure::new(format!("`{}` has no contact `{id}`", show(&path)))),
            None => Ok(None),
        }
    }
}

/// The local variables that the message can use.
pub(super) fn locals<'c>(compilation: &'c Compilation, message: &Message) -> &'c [Field] {
    compilation.locals.get(&(message.channel, message.name.clone())).map_or(&[], Vec::as_slice)
}

fn render(
    bundle: &Bundle,
    message: Message,
    contact: Option<&Attributes>,
    locals: &[Field],
    language: Option<&str>,
) -> Result<Rendered, Failure> {
    let guise = Guise { contact, locals, language, to: "preview@example.com", at: AT, number: 0 };
    let outgoing = outgoing(bundle, &message, &guise);
    let only = Bundle { messages: vec![message], programs: Vec::new(), ..bundle.clone() };
    let keys = Keys::new([KEY]).ok_or_else(|| Failure::new("the key of previews is too short"))?;
    let renderer = Renderer::new(&only, Links::untracked(keys)).map_err(|error| Failure::new(error.to_string()))?;
    renderer.render(&outgoing).map_err(|error| Failure::new(error.to_string()))
}

/// A text that was written.
struct Shown {
    title: String,
    subject: String,
    from: String,
    /// The file with the HTML, where there is one.
    html: Option<String>,
    text: String,
}

fn write(folder: &Path, rendered: Rendered, language: Option<&str>) -> Result<Shown, Failure> {
    let title = title(&rendered, language);
    let save = |ending: &str, content: &str| {
        let name = format!("{title}.{ending}");
        let path = folder.join(&name);
        fs::write(&path, content).map_err(|error| Failure::path("cannot write", &path, &error))?;
        Ok::<_, Failure>(name)
    };
    Ok(match rendered.content {
        Content::Mail(mail) => {
            let html = mail.html.as_deref().map(|html| save("html", html)).transpose()?;
            save("txt", &mail.text)?;
            Shown { subject: mail.subject, from: mail.from, html, text: mail.text, title }
        }
        Content::Text(text) => {
            save("txt", &text)?;
            Shown { subject: String::new(), from: String::new(), html: None, text, title }
        }
        Content::Json(text) | Content::Call(CallBody { body: text, .. }) => {
            save("json", &text)?;
            Shown { subject: String::new(), from: String::new(), html: None, text, title }
        }
        Content::Notice(notice) => {
            save("txt", &notice.text)?;
            Shown { subject: String::new(), from: String::new(), html: None, text: notice.text, title }
        }
    })
}

/// All texts side by side.
fn page(name: &str, shown: &[Shown]) -> String {
    let mut body = String::new();
    for text in shown {
        // Writing to a string cannot fail.
        let _ = writeln!(body, "<section>\n<h2>{}</h2>", escape(&text.title));
        if !text.subject.is_empty() {
            let (from, subject) = (escape(&text.from), escape(&text.subject));
            let _ = writeln!(body, "<p><b>{subject}</b><br>{from}</p>");
        }
        body.push_str("<div class=\"row\">\n");
        if let Some(html) = &text.html {
            let (html, title) = (escape(html), escape(&text.title));
            for (what, width) in [("desktop", 760), ("phone", 375)] {
                let _ = writeln!(
                    body,
                    "<iframe src=\"{html}\" title=\"{title}, {what}\" width=\"{width}\" height=\"800\" sandbox></iframe>"
                );
            }
        }
        let _ = write!(body, "<pre>{}</pre>\n</div>\n</section>\n", escape(&text.text));
    }
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>{name}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; background: #eef0f3; color: #1d2025; }}
.row {{ display: flex; gap: 1.5rem; overflow-x: auto; align-items: flex-start; }}
iframe {{ border: 1px solid #c4c7cc; background: #fff; flex: none; }}
pre {{ background: #fff; border: 1px solid #c4c7cc; padding: 1rem; margin: 0; max-width: 40rem; white-space: pre-wrap; }}
</style>
</head>
<body>
<h1>{name}</h1>
{body}</body>
</html>
",
        name = escape(name)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn open(path: &Path) -> Result<(), Failure> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    if cfg!(windows) {
        command = Command::new("explorer");
    }
    let started = command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started
        .map(drop)
        .map_err(|error| Failure::new(format!("no browser can be opened: {error}")).help("open the file yourself"))
}
