//! `journey send-test`: one message to oneself.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use journey_bytecode::{Channel, Instant};
use journey_runtime::preview::{Guise, outgoing};
use journey_runtime::render::{Content, Renderer};
use journey_runtime::send::{FileTransport, Transport, Verdict};
use journey_runtime::track::{Keys, Links};

use super::preview::{KEY, Who, locals};
use super::{Exit, Outcome, compiled, serve};
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{GREEN, RED, Terminal, YELLOW};

const EXAMPLES: &str = "\
The mail goes through the mail server of `journey.toml`, signed as every mail; without one it
becomes a file in `outbox`. It is filled in as `journey preview` does. Nothing is recorded:
no contact gets it, and its links unsubscribe nobody.

Examples:
  journey send-test welcome --to me@example.com
  journey send-test welcome --to me@example.com --lang de --contact ada

Exit codes: 0 sent, 1 the project has errors or the server refused the mail, 2 the command
could not do its work.";

/// Send one mail of the project to yourself
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The message's name
    #[arg(value_name = "MESSAGE")]
    message: String,

    /// Where it goes
    #[arg(long, value_name = "ADDRESS")]
    to: String,

    /// The project
    #[arg(long, value_name = "PROJECT", default_value = ".")]
    project: PathBuf,

    /// For the contact of this id in `contacts.csv`
    #[arg(long, value_name = "ID", conflicts_with = "sample")]
    contact: Option<String>,

    /// For a made-up contact, also where there is a `contacts.csv`
    #[arg(long)]
    sample: bool,

    /// The text in this language, whatever the contact's is
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let who =
        Who { contact: args.contact.clone(), sample: args.sample, channel: Some(Channel::Email.name().to_owned()) };
    let message = *who.messages(bundle, &args.message)?.first().ok_or_else(|| Failure::new("there is no such mail"))?;
    let contact = who.attributes(bundle, &workspace.root)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let guise = Guise {
        contact: contact.as_ref(),
        locals: locals(workspace.compilation(), message),
        language: args.lang.as_deref(),
        to: &args.to,
        at: Instant(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)),
        // Two tests in one second would bear one Message-ID; mail programs show one of them.
        number: u32::try_from(now.as_secs()).unwrap_or(u32::MAX),
    };
    let outgoing = outgoing(bundle, message, &guise);
    let keys = Keys::new([KEY]).ok_or_else(|| Failure::new("the key of previews is too short"))?;
    let config = workspace.config();
    let links = Links::untracked(keys);
    let links = match &config.track.base_url {
        Some(base) => links.at(base).map_err(|error| Failure::new(error.to_string()))?,
        None => links,
    };
    let renderer = Renderer::new(bundle, links).map_err(|error| Failure::new(error.to_string()))?;
    let mut rendered = renderer.render(&outgoing).map_err(|error| Failure::new(error.to_string()))?;
    if let Content::Mail(mail) = &mut rendered.content {
        mail.subject = format!("[Test] {}", mail.subject);
    }
    let smtp = serve::mail(&config.email, bundle.policy.sender.as_deref(), &workspace.root)?;
    let transport: Box<dyn Transport> = match smtp {
        Some(smtp) => Box::new(smtp),
        None => Box::new(FileTransport::new(workspace.root.join("outbox"))),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let verdicts = runtime.block_on(transport.deliver(std::slice::from_ref(&rendered)));
    match verdicts.into_iter().next() {
        Some(Verdict::Delivered { response }) => {
            terminal.out(format!("{GREEN}Sent{GREEN:#} to {}: {response}\n", args.to))?;
            Ok(Exit::CLEAN)
        }
        Some(Verdict::Retry { cause, .. }) => {
            terminal.err(format!("{YELLOW}not now{YELLOW:#}: {cause}\n"));
            Ok(Exit::FINDINGS)
        }
        Some(Verdict::Later { .. }) => {
            terminal.err(format!("{YELLOW}not now{YELLOW:#}: the policy's rate is reached\n"));
            Ok(Exit::FINDINGS)
        }
        Some(Verdict::Unknown { cause }) => {
            terminal.err(format!("{YELLOW}it may have arrived{YELLOW:#}: {cause}\n"));
            Ok(Exit::FINDINGS)
        }
        Some(Verdict::Failed { cause }) => {
            terminal.err(format!("{RED}refused{RED:#}: {cause}\n"));
            Ok(Exit::FINDINGS)
        }
        Some(Verdict::Answered { .. }) | None => Err(Failure::new("the transport lost the mail")),
    }
}
