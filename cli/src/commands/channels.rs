//! From the settings of the channels to the ways out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use journey_bytecode::Channel;
use journey_compiler::config::{Config, Encoding, PushConfig, SmsConfig, SmsProvider};
use journey_runtime::clock::{Clock, SystemClock};
use journey_runtime::send::{
    Body, Described, EitherWay, Fcm, HttpClient, Provider, ProviderTransport, Secret, Transport, WebPush, Webhook,
};

use super::serve::{document, secret};
use crate::failure::Failure;

/// The ways out that the settings describe, beside mail.
pub(super) fn transports(
    settings: &Config,
    root: &Path,
    client: &HttpClient,
) -> Result<BTreeMap<Channel, Arc<dyn Transport>>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let mut transports: BTreeMap<Channel, Arc<dyn Transport>> = BTreeMap::new();
    if let Some(settings) = &settings.sms {
        transports.insert(Channel::Sms, sms(settings, root, client, &clock)?);
    }
    if let Some(settings) = &settings.push {
        transports.insert(Channel::Push, push(settings, root, client, &clock)?);
    }
    if let Some(settings) = &settings.whatsapp {
        let token = secret(&settings.secret, root)?;
        let whatsapp = Described::whatsapp(settings.url.as_deref(), &settings.phone_id, token);
        transports.insert(Channel::WhatsApp, provider(client, whatsapp));
    }
    if let Some(settings) = &settings.webhook {
        let key = settings.secret.as_ref().map(|reference| secret(reference, root)).transpose()?;
        transports.insert(Channel::Webhook, provider(client, Webhook::new(&settings.url, key, clock)));
    }
    Ok(transports)
}

fn sms(
    settings: &SmsConfig,
    root: &Path,
    client: &HttpClient,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, Failure> {
    let key = settings.secret.as_ref().map(|reference| secret(reference, root)).transpose()?;
    let lacking = |key: &str| Failure::new(format!("`[sms]` in `journey.toml` has no `{key}`"));
    Ok(match settings.provider {
        SmsProvider::Twilio => {
            let (account, from) = (settings.account.as_deref(), settings.from.as_deref());
            let (account, from) = (account.ok_or_else(|| lacking("account"))?, from.ok_or_else(|| lacking("from"))?);
            let key = key.ok_or_else(|| lacking("secret"))?;
            provider(client, Described::twilio(settings.url.as_deref(), account, key, from))
        }
        SmsProvider::Http => {
            let fields = settings.body.as_object().into_iter().flatten();
            let texts = fields.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
            let body = match settings.encoding {
                Encoding::Json => Body::Json(settings.body.clone()),
                Encoding::Form => Body::Form(texts.collect()),
            };
            let mut described = Described::new(settings.url.clone().ok_or_else(|| lacking("url"))?, body);
            described.account.clone_from(&settings.account);
            described.from.clone_from(&settings.from);
            described.headers.clone_from(&settings.headers);
            described.secret = key;
            provider(client, described)
        }
        SmsProvider::Webhook => {
            let url = settings.url.as_deref().ok_or_else(|| lacking("url"))?;
            provider(client, Webhook::new(url, key, Arc::clone(clock)))
        }
    })
}

/// Apps by Firebase, browsers by their push services: an address in braces is a browser's subscription.
fn push(
    settings: &PushConfig,
    root: &Path,
    client: &HttpClient,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(format!("push messages cannot be sent: {error}")).help("see `[push]` in `journey.toml`")
    };
    let apps = match &settings.firebase {
        Some(reference) => {
            let account: Secret = document(reference, root)?;
            let fcm = Fcm::new(&account, settings.url.as_deref(), client.allowing_private(), Arc::clone(clock));
            Some(ProviderTransport::new(client.allowing_private(), fcm.map_err(|error| wrong(&error))?))
        }
        None => None,
    };
    let browsers = match (&settings.web_key, &settings.web_contact) {
        (Some(reference), Some(contact)) => {
            let key = WebPush::new(&secret(reference, root)?, contact, Arc::clone(clock));
            // Where a browser's messages go is said by whoever signs up: it must not lead into the house.
            Some(ProviderTransport::new(client.clone(), key.map_err(|error| wrong(&error))?))
        }
        _ => None,
    };
    match (apps, browsers) {
        (Some(apps), Some(browsers)) => {
            let is_first = |to: &str| to.trim_start().starts_with('{');
            Ok(Arc::new(EitherWay { is_first, ways: [Box::new(browsers), Box::new(apps)] }))
        }
        (Some(apps), None) => Ok(Arc::new(apps)),
        (None, Some(browsers)) => Ok(Arc::new(browsers)),
        (None, None) => Err(wrong(&"neither `firebase` nor `web_key` is set")),
    }
}

/// The address of a provider stands in the settings, as that of the mail server does: it may be on this machine.
fn provider(client: &HttpClient, provider: impl Provider) -> Arc<dyn Transport> {
    Arc::new(ProviderTransport::new(client.allowing_private(), provider))
}
