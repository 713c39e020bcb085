//! From the settings of the channels to what may come in by them.

use std::path::Path;

use journey_bytecode::Channel;
use journey_compiler::config::{Config, IncomingConfig, SmsConfig, SmsProvider, WhatsAppConfig};
use journey_runtime::api::{Hooked, Hooks};
use journey_runtime::ingest::{Answers, Fields, Hook};

use super::serve::secret;
use crate::failure::Failure;

/// The providers that may tell what contacts write, and what they are answered.
pub(super) fn hooks(settings: &Config, root: &Path) -> Result<Hooks, Failure> {
    let mut hooks = Hooks::default();
    let mut open = |channel, hook: Option<Hook>, incoming: Option<&IncomingConfig>| {
        if let (Some(hook), Some(IncomingConfig { stopped, started, help, .. })) = (hook, incoming) {
            let answers = Answers { stopped: stopped.clone(), started: started.clone(), help: help.clone() };
            hooks.0.insert(channel, Hooked { hook, answers });
        }
    };
    if let Some(channel) = &settings.sms {
        let hook = sms(channel, settings.track.base_url.as_deref(), root)?;
        open(Channel::Sms, hook, channel.incoming.as_ref());
    }
    if let Some(channel) = &settings.whatsapp {
        open(Channel::WhatsApp, whatsapp(channel, root)?, channel.incoming.as_ref());
    }
    Ok(hooks)
}

/// How requests about text messages are known, if any may come.
pub(super) fn sms(settings: &SmsConfig, base_url: Option<&str>, root: &Path) -> Result<Option<Hook>, Failure> {
    let Some(incoming) = &settings.incoming else { return Ok(None) };
    let lacking = |what: &str| Failure::new(format!("`[sms.incoming]` in `journey.toml` has no {what}"));
    let reference = incoming.secret.as_ref().or(settings.secret.as_ref()).ok_or_else(|| lacking("`secret`"))?;
    let secret = secret(reference, root)?;
    Ok(Some(match settings.provider {
        SmsProvider::Twilio => {
            let base_url = base_url.ok_or_else(|| lacking("address: `[track]` has no `base_url`"))?;
            Hook::Twilio { secret, url: format!("{base_url}/hooks/sms") }
        }
        SmsProvider::Webhook => Hook::Webhook { secret },
        SmsProvider::Http => {
            let header = incoming.signature.as_deref().ok_or_else(|| lacking("`signature`"))?;
            let place = |setting: &Option<String>, usual: &str| setting.clone().unwrap_or_else(|| usual.to_owned());
            let fields = Fields {
                id: place(&incoming.id, "id"),
                from: place(&incoming.from, "from"),
                text: place(&incoming.text, "text"),
            };
            Hook::described(secret, header, fields).ok_or_else(|| lacking("`signature` that can be a header's name"))?
        }
    }))
}

/// How requests about WhatsApp are known, if any may come.
pub(super) fn whatsapp(settings: &WhatsAppConfig, root: &Path) -> Result<Option<Hook>, Failure> {
    let Some(incoming) = &settings.incoming else { return Ok(None) };
    let lacking = |key: &str| Failure::new(format!("`[whatsapp.incoming]` in `journey.toml` has no `{key}`"));
    let app = secret(incoming.secret.as_ref().ok_or_else(|| lacking("secret"))?, root)?;
    let verify = secret(incoming.verify.as_ref().ok_or_else(|| lacking("verify"))?, root)?;
    Ok(Some(Hook::WhatsApp { secret: app, verify, phone_id: settings.phone_id.clone() }))
}
