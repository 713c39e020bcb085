//! `journey doctor`: whether a project could send, before it does.

use std::path::PathBuf;

use journey_bytecode::Bundle;
use journey_runtime::send::{Check, Identity, SmtpTransport, SystemRecords, look_up};
use journey_runtime::store::Store as _;

use super::{Exit, Outcome, compiled, hooks, senders, serve};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{FAINT, GREEN, RED, Terminal};
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Looks at the settings and their secrets, logs in to the mail server without sending
anything, and asks the DNS what a receiver would ask: SPF, DKIM, DMARC, and whether the
host of the links exists.

Examples:
  journey doctor shop
  journey doctor shop --offline     the settings and secrets alone

Exit codes: 0 all is well, 1 something is to be done, 2 the command could not do its work.";

/// Say what keeps mail from arriving
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PROJECT", default_value = ".")]
    path: PathBuf,

    /// Ask neither the mail server nor the DNS
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let mut checks = Vec::new();
    let smtp = settings(&workspace, bundle, &mut checks);
    checks.extend(held_senders(&workspace));
    if !args.offline {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
        runtime.block_on(network(&workspace, bundle, smtp.as_ref(), &mut checks));
    }
    let bad = checks.iter().filter(|check| !check.ok).count();
    for Check { ok, what, help } in &checks {
        match ok {
            true => terminal.out(format!("{GREEN}ok{GREEN:#}     {what}\n"))?,
            false => terminal.out(format!("{RED}to do{RED:#}  {what}\n"))?,
        }
        if let Some(help) = help {
            terminal.out(format!("       {FAINT}{help}{FAINT:#}\n"))?;
        }
    }
    terminal.out(match bad {
        0 => "All is well.\n".to_owned(),
        bad => format!("{} to do.\n", count(bad, "thing")),
    })?;
    Ok(if bad == 0 { Exit::CLEAN } else { Exit::FINDINGS })
}

/// The settings, their secrets and keys.
fn settings(workspace: &Workspace, bundle: &Bundle, checks: &mut Vec<Check>) -> Option<SmtpTransport> {
    let config = workspace.config();
    checks.push(match &bundle.policy.sender {
        Some(sender) => Check::good(format!("sender: {sender}")),
        None => {
            Check::bad("sender: mail has none", "write `policy { sender \"Name <address>\" }` in a `.journey` file")
        }
    });
    checks.push(match &bundle.policy.address {
        Some(_) => Check::good("postal address: marketing mail shows it"),
        None => Check::bad(
            "postal address: marketing mail has none",
            "write `policy { address \"..\" }` in a `.journey` file; the law of several countries asks for it",
        ),
    });
    if let Some(reference) = &config.track.secret {
        checks.push(match serve::secret(reference, &workspace.root) {
            Ok(_) => Check::good("secret: the key of links is there"),
            Err(failure) => Check::bad(format!("secret: {}", failure.message()), "see `secret` under `[track]`"),
        });
    }
    incoming(workspace, checks);
    let smtp = match serve::mail(&config.email, bundle.policy.sender.as_deref(), &workspace.root) {
        Ok(smtp) => smtp,
        Err(failure) => {
            checks.push(Check::bad(format!("mail: {}", failure.message()), "see `[email]` in `journey.toml`"));
            None
        }
    };
    match &config.track.base_url {
        Some(base) if base.starts_with("https://") => checks.push(Check::good(format!("links: {base}"))),
        Some(base) => checks.push(Check::bad(
            format!("links: {base} is not encrypted"),
            "write `base_url = \"https://..\"`: one-click unsubscribing asks for https (RFC 8058)",
        )),
        None if config.email.smtp.is_some() => checks.push(Check::bad(
            "links: they lead to this machine",
            "write `base_url` below `[track]`, so that contacts can unsubscribe",
        )),
        None => {}
    }
    smtp
}

/// The sending domains whose marketing is held, where there is a database already.
fn held_senders(workspace: &Workspace) -> Vec<Check> {
    let look = |database| database::beside(&database, async |store| store.senders(senders::since(workspace)).await);
    let Ok(found) = database::of(None, workspace).and_then(look) else { return Vec::new() };
    let zone = senders::zone(workspace);
    let held = found.iter().filter_map(|sender| senders::held(sender, zone));
    held.map(|held| Check::bad(held, "find out what they did not want; then `journey senders --lift DOMAIN`")).collect()
}

/// Whether anybody hears those who answer.
fn incoming(workspace: &Workspace, checks: &mut Vec<Check>) {
    let config = workspace.config();
    let base_url = config.track.base_url.as_deref();
    let sms = config.sms.as_ref().map(|sms| ("sms", hooks::sms(sms, base_url, &workspace.root)));
    let whatsapp = config.whatsapp.as_ref().map(|channel| ("whatsapp", hooks::whatsapp(channel, &workspace.root)));
    for (section, hook) in [sms, whatsapp].into_iter().flatten() {
        checks.push(match hook {
            Ok(Some(_)) => {
                let base_url = base_url.unwrap_or("http://THIS-SERVER");
                Check::good(format!(
                    "{section}: answers come in at {base_url}/hooks/{section}; name it to the provider"
                ))
            }
            Ok(None) => Check::bad(
                format!("{section}: nobody hears who answers STOP"),
                format!("write `[{section}.incoming]` in `journey.toml`; the law of several countries asks for it"),
            ),
            Err(failure) => {
                Check::bad(format!("{section}: {}", failure.message()), format!("see `[{section}.incoming]`"))
            }
        });
    }
}

/// The mail server and the DNS.
async fn network(workspace: &Workspace, bundle: &Bundle, smtp: Option<&SmtpTransport>, checks: &mut Vec<Check>) {
    let config = workspace.config();
    let Some(smtp) = smtp else { return };
    let server = config.email.smtp.as_ref().map(ToString::to_string).unwrap_or_default();
    checks.push(match smtp.check().await {
        Ok(()) => Check::good(format!("mail server: {server} answers")),
        Err(cause) => Check::bad(format!("mail server: {cause}"), "see `[email]` in `journey.toml`"),
    });
    let Some(from) = bundle.policy.sender.as_deref().and_then(domain) else { return };
    let returns = config.email.bounces.as_deref().and_then(domain).unwrap_or(from);
    let links = config.track.base_url.as_deref().and_then(host);
    match SystemRecords::new() {
        Ok(records) => {
            let identity = Identity { from, returns, dkim: smtp.dkim(), links };
            checks.extend(look_up(&records, &identity).await);
        }
        Err(cause) => checks.push(Check::bad(format!("DNS: {cause}"), "see how this machine looks up names")),
    }
}

/// The domain of `Name <address>`.
fn domain(mailbox: &str) -> Option<&str> {
    mailbox.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('>').trim())
}

/// The host of an address.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.split(['/', ':']).next()
}
