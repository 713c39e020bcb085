//! Words for colleagues: as mail, or through the incoming webhook of a chat.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use journey_bytecode::Channel;
use smol_str::SmolStr;

use super::http::HttpClient;
use super::{Secret, Settle, Transport, Verdict};
use crate::render::{Content, NoticeBody, Rendered};
use crate::track::BoxFuture;

/// How long an incoming webhook may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where words for a colleague go.
#[derive(Clone, Debug)]
pub enum Place {
    /// To a mail address.
    Mail(SmolStr),
    /// To an incoming webhook: its address is a secret.
    Webhook(Secret),
}

/// Brings words to colleagues.
pub struct NoticeTransport {
    mail: Arc<dyn Transport>,
    client: HttpClient,
    places: BTreeMap<SmolStr, Place>,
}

impl fmt::Debug for NoticeTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoticeTransport").field("places", &self.places.keys()).finish_non_exhaustive()
    }
}

impl NoticeTransport {
    /// A transport to places by name, such as `owner` and `slack #sales`; mail goes this way.
    pub fn new(mail: Arc<dyn Transport>, client: HttpClient, places: BTreeMap<SmolStr, Place>) -> Self {
        Self { mail, client, places }
    }

    async fn tell(&self, rendered: &Rendered) -> Verdict {
        let Content::Notice(notice) = &rendered.content else {
            return Verdict::Failed { cause: "only notices go this way".to_owned() };
        };
        if !rendered.to.is_empty() {
            return self.write(rendered, notice, &rendered.to).await;
        }
        match self.places.get(&notice.place) {
            Some(Place::Mail(address)) => self.write(rendered, notice, address).await,
            Some(Place::Webhook(address)) => self.post(address, notice).await,
            None => Verdict::Failed { cause: format!("the settings do not know `{}`", notice.place) },
        }
    }

    async fn write(&self, rendered: &Rendered, notice: &NoticeBody, address: &SmolStr) -> Verdict {
        let (to, content) = (bare(address), Content::Mail(notice.mail.clone()));
        let mail = Rendered { to, channel: Channel::Email, content, ..rendered.clone() };
        let lost = || Verdict::Retry { after: None, cause: "the transport lost the message".to_owned() };
        self.mail.deliver(std::slice::from_ref(&mail)).await.pop().unwrap_or_else(lost)
    }

    /// Slack and Teams both take `{"text": ..}`.
    async fn post(&self, address: &Secret, notice: &NoticeBody) -> Verdict {
        let body = serde_json::json!({ "text": notice.text }).to_string().into_bytes();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        match self.client.post(address.reveal(), headers, body, PATIENCE).await {
            Ok(answer) if answer.status.is_success() => {
                Verdict::Delivered { response: format!("{} answered {}", notice.place, answer.status) }
            }
            Ok(answer) => answer.refusal(),
            Err(error) => error.into(),
        }
    }
}

/// The address of `Name <address>`.
fn bare(mailbox: &str) -> SmolStr {
    let inner = mailbox.trim().strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    SmolStr::new(inner.map_or(mailbox.trim(), |(_, address)| address))
}

impl Transport for NoticeTransport {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for (place, rendered) in batch.iter().enumerate() {
                settle.settle(place, self.tell(rendered).await).await;
            }
        })
    }
}
