//! Which transport takes which channel.

use journey_bytecode::Channel;

use super::{FileTransport, Settle, SmtpTransport, Transport, Verdict};
use crate::render::Rendered;
use crate::track::BoxFuture;

/// The provider that every channel has without configuration: files, for development.
pub const FILES: &str = "files";

/// All ways out of the house: mail over SMTP, if there is a server, and files for everything else.
#[derive(Debug)]
pub struct Transports {
    files: FileTransport,
    smtp: Option<SmtpTransport>,
}

/// A provider that we do not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "there is no provider `{name}` for {channel} yet; without one (or with `{FILES}`), its messages become files in the outbox folder"
)]
pub struct UnknownProvider {
    /// The channel.
    pub channel: Channel,
    /// The provider.
    pub name: String,
}

impl Transports {
    /// Files for every channel.
    pub const fn to_files(files: FileTransport) -> Self {
        Self { files, smtp: None }
    }

    /// Mail goes over SMTP.
    #[must_use]
    pub fn with_smtp(self, smtp: SmtpTransport) -> Self {
        Self { smtp: Some(smtp), ..self }
    }

    /// Chooses the provider of a channel; whoever configures one that we do not have hears of it.
    pub fn with_provider(self, channel: Channel, name: &str) -> Result<Self, UnknownProvider> {
        if name == FILES { Ok(self) } else { Err(UnknownProvider { channel, name: name.to_owned() }) }
    }

    fn of(&self, channel: Channel) -> &dyn Transport {
        match (&self.smtp, channel) {
            (Some(smtp), Channel::Email) => smtp,
            _ => &self.files,
        }
    }
}

impl Transport for Transports {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let is_mail = |rendered: &Rendered| rendered.channel == Channel::Email;
            let Some(first) = batch.first() else { return };
            if self.smtp.is_none() || batch.iter().all(|rendered| is_mail(rendered) == is_mail(first)) {
                return self.of(first.channel).deliver_each(batch, settle).await;
            }
            let (mail, rest): (Vec<usize>, Vec<usize>) =
                (0..batch.len()).partition(|place| batch.get(*place).is_some_and(is_mail));
            let part = |places: Vec<usize>, channel| async move {
                let batch: Vec<Rendered> = places.iter().filter_map(|place| batch.get(*place)).cloned().collect();
                self.of(channel).deliver_each(&batch, &Part { places, settle }).await;
            };
            futures_util::future::join(part(mail, Channel::Email), part(rest, Channel::Sms)).await;
        })
    }
}

/// A part of a batch, whose places are those of the whole.
struct Part<'a> {
    places: Vec<usize>,
    settle: &'a dyn Settle,
}

impl Settle for Part<'_> {
    fn settle(&self, place: usize, verdict: Verdict) -> BoxFuture<'_, ()> {
        match self.places.get(place) {
            Some(place) => self.settle.settle(*place, verdict),
            None => Box::pin(std::future::ready(())),
        }
    }
}
