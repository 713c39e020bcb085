//! Tells the editor that a project is being checked for the first time, if that takes long enough to be worth a word.

use gen_lsp_types as lsp;
use gen_lsp_types::{Notification as _, Request as _};
use lsp_server::{Message, Notification, Request, RequestId};
use serde_json::json;

/// What the editor knows of our work.
#[derive(Default)]
pub(crate) struct Progress {
    /// The request for a token that the editor has not answered yet.
    asked: Option<RequestId>,
    /// Whether the work began for the editor.
    shown: bool,
    /// Whether there was work before: only the first is told of.
    over: bool,
}

const TOKEN: &str = "journey/checking";

impl Progress {
    /// Work begins: asks the editor whether it may be shown.
    pub(crate) fn begin(&mut self, id: RequestId) -> Option<Message> {
        if self.over || self.asked.is_some() || self.shown {
            return None;
        }
        self.asked = Some(id.clone());
        let method = lsp::WorkDoneProgressCreateRequest::METHOD.as_str().to_owned();
        Some(Request::new(id, method, json!({ "token": TOKEN })).into())
    }

    /// The editor answered a request: if it was ours and the work still goes on, it is shown.
    pub(crate) fn answered(&mut self, id: &RequestId, granted: bool) -> Option<Message> {
        if self.asked.as_ref() != Some(id) {
            return None;
        }
        self.asked = None;
        self.shown = granted && !self.over;
        let begin = json!({ "kind": "begin", "title": "Journey", "message": "checking the project" });
        self.shown.then(|| report(&begin))
    }

    /// The work is done.
    pub(crate) fn end(&mut self) -> Option<Message> {
        self.over = true;
        std::mem::take(&mut self.shown).then(|| report(&json!({ "kind": "end" })))
    }
}

fn report(value: &serde_json::Value) -> Message {
    let method = lsp::ProgressNotification::METHOD.as_str().to_owned();
    Notification::new(method, json!({ "token": TOKEN, "value": value })).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(message: Option<Message>) -> Option<String> {
        match message? {
            Message::Notification(n) => Some(n.params["value"]["kind"].as_str()?.to_owned()),
            Message::Request(request) => Some(request.method),
            Message::Response(_) => None,
        }
    }

    fn asked() -> (Progress, RequestId) {
        let (mut progress, id) = (Progress::default(), RequestId::from(1));
        assert_eq!(kind(progress.begin(id.clone())).as_deref(), Some("window/workDoneProgress/create"));
        assert_eq!(kind(progress.begin(RequestId::from(2))), None, "one question is enough");
        (progress, id)
    }

    #[test]
    fn work_that_the_editor_lets_us_show_begins_and_ends() {
        let (mut progress, id) = asked();
        assert_eq!(kind(progress.answered(&RequestId::from(7), true)), None, "another request");
        assert_eq!(kind(progress.answered(&id, true)).as_deref(), Some("begin"));
        assert_eq!(kind(progress.end()).as_deref(), Some("end"));
        assert_eq!(kind(progress.begin(RequestId::from(3))), None, "only the first work is told of");
    }

    #[test]
    fn work_that_is_over_or_not_wanted_is_not_shown() {
        let (mut progress, id) = asked();
        assert_eq!(kind(progress.end()), None);
        assert_eq!(kind(progress.answered(&id, true)), None, "it was over before");
        let (mut progress, id) = asked();
        assert_eq!(kind(progress.answered(&id, false)), None, "the editor does not want it");
        assert_eq!(kind(progress.end()), None);
    }
}
