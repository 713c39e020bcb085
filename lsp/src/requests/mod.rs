//! The answers to requests: what each method wants is read here, and one of the functions beside answers it.

mod calls;
mod complete;
mod diagnose;
mod edit;
mod execute;
mod navigate;
mod show;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gen_lsp_types as lsp;
use gen_lsp_types::{ErrorCodes, LspRequestMethod as Method, Request as Protocol};
use lsp_server::{Request, ResponseError};
use serde_json::Value;

use crate::view::{Place, View};

pub(crate) use execute::COMMANDS;
pub(crate) use tokens::legend;

pub(crate) type Answer = Result<Value, ResponseError>;

/// What was last said of a document's tokens, by URI: the number of the answer and its data.
pub(crate) type LastTokens = Arc<Mutex<BTreeMap<String, (u64, Vec<u32>)>>>;

/// What a request can see.
pub(crate) struct Ask {
    /// The file that it is about, if we know it.
    pub(crate) place: Option<Place>,
    /// All projects, for requests that are about no file.
    pub(crate) views: Vec<View>,
    pub(crate) last_tokens: LastTokens,
}

/// What a request is about.
pub(crate) enum About {
    /// The file of this URI.
    File(String),
    /// All projects.
    Everything,
}

/// What a request is about; none if we do not know the method.
pub(crate) fn about(request: &Request) -> Option<About> {
    let uri = |pointer: &str| request.params.pointer(pointer).and_then(Value::as_str);
    let file = |pointer: &str| Some(About::File(uri(pointer).unwrap_or_default().to_owned()));
    match Method::from(request.method.as_str()) {
        Method::TextDocumentCodeAction
        | Method::TextDocumentCodeLens
        | Method::TextDocumentCompletion
        | Method::TextDocumentDeclaration
        | Method::TextDocumentDefinition
        | Method::TextDocumentDiagnostic
        | Method::TextDocumentDocumentHighlight
        | Method::TextDocumentDocumentLink
        | Method::TextDocumentDocumentSymbol
        | Method::TextDocumentFoldingRange
        | Method::TextDocumentFormatting
        | Method::TextDocumentHover
        | Method::TextDocumentInlayHint
        | Method::TextDocumentOnTypeFormatting
        | Method::TextDocumentPrepareCallHierarchy
        | Method::TextDocumentPrepareRename
        | Method::TextDocumentRangeFormatting
        | Method::TextDocumentReferences
        | Method::TextDocumentRename
        | Method::TextDocumentSelectionRange
        | Method::TextDocumentSemanticTokensFull
        | Method::TextDocumentSemanticTokensFullDelta
        | Method::TextDocumentSemanticTokensRange
        | Method::TextDocumentSignatureHelp => file("/textDocument/uri"),
        Method::CallHierarchyIncomingCalls | Method::CallHierarchyOutgoingCalls => file("/item/uri"),
        Method::CompletionItemResolve => file("/data/uri"),
        Method::WorkspaceExecuteCommand => file("/arguments/0/uri"),
        Method::WorkspaceDiagnostic | Method::WorkspaceSymbol | Method::WorkspaceWillRenameFiles => {
            Some(About::Everything)
        }
        _ => None,
    }
}

/// Whether a request gives something another name: then the files beside the project matter too.
pub(crate) fn renames(request: &Request) -> bool {
    let method = Method::from(request.method.as_str());
    matches!(method, Method::TextDocumentRename | Method::WorkspaceWillRenameFiles)
}

/// Answers a request that is [about](about) something.
pub(crate) fn answer(request: Request, ask: &Ask) -> Answer {
    match Method::from(request.method.as_str()) {
        Method::TextDocumentCodeAction => on::<lsp::CodeActionRequest>(request, ask, edit::code_actions),
        Method::TextDocumentCodeLens => on::<lsp::CodeLensRequest>(request, ask, show::lenses),
        Method::TextDocumentCompletion => on::<lsp::CompletionRequest>(request, ask, complete::completion),
        Method::CompletionItemResolve => on::<lsp::CompletionResolveRequest>(request, ask, complete::resolve),
        Method::TextDocumentDeclaration => on::<lsp::DeclarationRequest>(request, ask, navigate::declaration),
        Method::TextDocumentDefinition => on::<lsp::DefinitionRequest>(request, ask, navigate::definition),
        Method::TextDocumentDiagnostic => on::<lsp::DocumentDiagnosticRequest>(request, ask, diagnose::document),
        Method::WorkspaceDiagnostic => on::<lsp::WorkspaceDiagnosticRequest>(request, ask, diagnose::workspace),
        Method::TextDocumentDocumentHighlight => {
            on::<lsp::DocumentHighlightRequest>(request, ask, navigate::highlights)
        }
        Method::TextDocumentDocumentLink => on::<lsp::DocumentLinkRequest>(request, ask, navigate::links),
        Method::TextDocumentDocumentSymbol => on::<lsp::DocumentSymbolRequest>(request, ask, show::symbols),
        Method::WorkspaceSymbol => on::<lsp::WorkspaceSymbolRequest>(request, ask, show::workspace_symbols),
        Method::TextDocumentFoldingRange => on::<lsp::FoldingRangeRequest>(request, ask, show::folds),
        Method::TextDocumentSelectionRange => on::<lsp::SelectionRangeRequest>(request, ask, show::selections),
        Method::TextDocumentFormatting => on::<lsp::DocumentFormattingRequest>(request, ask, edit::format),
        Method::TextDocumentRangeFormatting => {
            on::<lsp::DocumentRangeFormattingRequest>(request, ask, edit::format_range)
        }
        Method::TextDocumentOnTypeFormatting => {
            on::<lsp::DocumentOnTypeFormattingRequest>(request, ask, edit::format_on_type)
        }
        Method::TextDocumentHover => on::<lsp::HoverRequest>(request, ask, show::hover),
        Method::TextDocumentInlayHint => on::<lsp::InlayHintRequest>(request, ask, show::inlays),
        Method::TextDocumentSignatureHelp => on::<lsp::SignatureHelpRequest>(request, ask, show::signature),
        Method::TextDocumentPrepareRename => on::<lsp::PrepareRenameRequest>(request, ask, edit::prepare_rename),
        Method::TextDocumentRename => on::<lsp::RenameRequest>(request, ask, edit::rename),
        Method::WorkspaceWillRenameFiles => on::<lsp::WillRenameFilesRequest>(request, ask, edit::will_rename),
        Method::TextDocumentReferences => on::<lsp::ReferencesRequest>(request, ask, navigate::references),
        Method::TextDocumentSemanticTokensFull => on::<lsp::SemanticTokensRequest>(request, ask, tokens::full),
        Method::TextDocumentSemanticTokensFullDelta => {
            on::<lsp::SemanticTokensDeltaRequest>(request, ask, tokens::delta)
        }
        Method::TextDocumentSemanticTokensRange => on::<lsp::SemanticTokensRangeRequest>(request, ask, tokens::range),
        Method::TextDocumentPrepareCallHierarchy => {
            on::<lsp::CallHierarchyPrepareRequest>(request, ask, calls::prepare)
        }
        Method::CallHierarchyIncomingCalls => {
            on::<lsp::CallHierarchyIncomingCallsRequest>(request, ask, calls::incoming)
        }
        Method::CallHierarchyOutgoingCalls => {
            on::<lsp::CallHierarchyOutgoingCallsRequest>(request, ask, calls::outgoing)
        }
        Method::WorkspaceExecuteCommand => on::<lsp::ExecuteCommandRequest>(request, ask, execute::command),
        _ => Err(unsupported(&request.method)),
    }
}

/// The answer to a method that we do not know.
pub(crate) fn unsupported(method: &str) -> ResponseError {
    error(ErrorCodes::MethodNotFound, format!("`{method}` is not supported"))
}

/// An error answer.
pub(crate) fn error(code: ErrorCodes, message: impl Into<String>) -> ResponseError {
    ResponseError { code: code.into(), message: message.into(), data: None }
}

fn on<R: Protocol>(
    request: Request,
    ask: &Ask,
    then: impl FnOnce(&Ask, R::Params) -> Result<R::Result, ResponseError>,
) -> Answer {
    let params: R::Params =
        serde_json::from_value(request.params).map_err(|e| error(ErrorCodes::InvalidParams, e.to_string()))?;
    let answer = then(ask, params)?;
    serde_json::to_value(answer).map_err(|e| error(ErrorCodes::InternalError, e.to_string()))
}
