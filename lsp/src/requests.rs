//! The answers to requests, one function each.

use std::collections::HashMap;

use gen_lsp_types as lsp;
use gen_lsp_types::{ErrorCodes, Request as _};
use journey_compiler::diagnostic::{Edit, Span};
use journey_compiler::project::FileId;
use journey_ide::{Action, Snapshot};
use lsp_server::{Request, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Disk;
use crate::convert::{self, Client};
use crate::documents::{Documents, Key};

pub(crate) type Answer = Result<Value, ResponseError>;

/// Answers a request.
pub(crate) fn answer<D: Disk>(request: Request, documents: &mut Documents<D>, client: Client) -> Answer {
    match lsp::LspRequestMethod::from(request.method.as_str()) {
        lsp::CodeActionRequest::METHOD => to_value(code_actions(params(request.params)?, documents, client)?),
        _ => Err(error(ErrorCodes::MethodNotFound, format!("`{}` is not supported", request.method))),
    }
}

/// An error answer.
pub(crate) fn error(code: ErrorCodes, message: impl Into<String>) -> ResponseError {
    ResponseError { code: code.into(), message: message.into(), data: None }
}

fn params<P: DeserializeOwned>(params: Value) -> Result<P, ResponseError> {
    serde_json::from_value(params).map_err(|e| error(ErrorCodes::InvalidParams, e.to_string()))
}

fn to_value(answer: impl serde::Serialize) -> Answer {
    serde_json::to_value(answer).map_err(|e| error(ErrorCodes::InternalError, e.to_string()))
}

/// The changes that findings in the range offer.
fn code_actions<D: Disk>(
    params: lsp::CodeActionParams,
    documents: &mut Documents<D>,
    client: Client,
) -> Result<Vec<lsp::CodeActionResponse>, ResponseError> {
    let wanted = |kind: lsp::CodeActionKind| {
        let kind = String::from(kind);
        kind.is_empty() || kind == "quickfix"
    };
    if params.context.only.is_some_and(|only| !only.into_iter().any(wanted)) {
        return Ok(Vec::new());
    }
    let found = documents.find(&params.text_document.uri.0);
    let Some((key, snapshot, file)) = found.map_err(|e| error(ErrorCodes::InternalError, e))? else {
        return Ok(Vec::new());
    };
    let Some(lines) = snapshot.lines(file) else { return Ok(Vec::new()) };
    let offset = |position| lines.offset(convert::from_position(position), client.encoding);
    let actions = journey_ide::fixes(&snapshot, file, offset(params.range.start)..offset(params.range.end));
    let edits = Edits { documents, key: &key, snapshot: &snapshot, client };
    Ok(actions.into_iter().map(|action| edits.code_action(action).into()).collect())
}

/// Makes the protocol's edits of ours.
struct Edits<'a, D> {
    documents: &'a Documents<D>,
    key: &'a Key,
    snapshot: &'a Snapshot,
    client: Client,
}

impl<D: Disk> Edits<'_, D> {
    fn code_action(&self, Action { diagnostic, fix, preferred }: Action<'_>) -> lsp::CodeAction {
        let uri = |span: Span| lsp::Uri(self.documents.uri(self.key, self.snapshot, span.file).0);
        lsp::CodeAction {
            title: fix.title.clone(),
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![convert::diagnostic(self.snapshot, diagnostic, self.client, uri)]),
            is_preferred: preferred.then_some(true),
            edit: Some(self.workspace_edit(&fix.edits)),
            ..lsp::CodeAction::default()
        }
    }

    fn workspace_edit(&self, edits: &[Edit]) -> lsp::WorkspaceEdit {
        let mut files: Vec<FileId> = edits.iter().map(|edit| edit.span.file).collect();
        files.sort();
        files.dedup();
        let text_edits = |file| {
            edits.iter().filter(move |edit| edit.span.file == file).map(|edit| lsp::TextEdit {
                range: convert::range(self.snapshot, edit.span, self.client.encoding),
                new_text: edit.text.clone(),
            })
        };
        let uri = |file| self.documents.uri(self.key, self.snapshot, file);
        if self.client.versioned_edits {
            let changes = files.into_iter().map(|file| {
                let (uri, version) = uri(file);
                let text_document_identifier = lsp::TextDocumentIdentifier { uri: lsp::Uri(uri) };
                lsp::DocumentChange::from(lsp::TextDocumentEdit {
                    text_document: lsp::OptionalVersionedTextDocumentIdentifier { version, text_document_identifier },
                    edits: text_edits(file).map(lsp::Edit::from).collect(),
                })
            });
            lsp::WorkspaceEdit { document_changes: Some(changes.collect()), ..lsp::WorkspaceEdit::default() }
        } else {
            let changes = files.into_iter().map(|file| (lsp::Uri(uri(file).0), text_edits(file).collect()));
            lsp::WorkspaceEdit { changes: Some(changes.collect::<HashMap<_, _>>()), ..lsp::WorkspaceEdit::default() }
        }
    }
}
