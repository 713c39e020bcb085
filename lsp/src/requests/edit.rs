//! Changes of the source: formatting, renaming, and what findings and places offer.

use gen_lsp_types as lsp;
use gen_lsp_types::ErrorCodes;
use journey_compiler::diagnostic::Edit;
use journey_ide::{AssistKind, Change};
use lsp_server::ResponseError;

use super::{Ask, error};
use crate::view::Place;

type Edits = Result<Option<Vec<lsp::TextEdit>>, ResponseError>;

fn edits(place: &Place, edits: &[Edit]) -> Vec<lsp::TextEdit> {
    edits.iter().map(|edit| place.view.text_edit(edit)).collect()
}

pub(super) fn format(ask: &Ask, _: lsp::DocumentFormattingParams) -> Edits {
    let Some(place) = &ask.place else { return Ok(None) };
    Ok(Some(edits(place, &journey_ide::format(&place.view.snapshot, place.file))))
}

pub(super) fn format_range(ask: &Ask, params: lsp::DocumentRangeFormattingParams) -> Edits {
    let Some(place) = &ask.place else { return Ok(None) };
    let range = place.text_range(params.range);
    Ok(Some(edits(place, &journey_ide::format_range(&place.view.snapshot, place.file, range))))
}

pub(super) fn format_on_type(ask: &Ask, params: lsp::DocumentOnTypeFormattingParams) -> Edits {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.position);
    Ok(Some(edits(place, &journey_ide::format_on_type(&place.view.snapshot, place.file, offset))))
}

pub(super) fn prepare_rename(
    ask: &Ask,
    params: lsp::PrepareRenameParams,
) -> Result<Option<lsp::PrepareRenameResult>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    // An editor that may not rename says so itself.
    let found = journey_ide::prepare_rename(&place.view.snapshot, place.file, offset).ok();
    Ok(found.map(|(range, placeholder)| {
        let range = place.range(range);
        lsp::PrepareRenameResult::PrepareRenamePlaceholder(lsp::PrepareRenamePlaceholder { range, placeholder })
    }))
}

pub(super) fn rename(ask: &Ask, params: lsp::RenameParams) -> Result<Option<lsp::WorkspaceEdit>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let change = journey_ide::rename(&place.view.snapshot, place.file, offset, &params.new_name)
        .map_err(|why| impossible(&why))?;
    match place.view.workspace_edit(&change) {
        Some(edit) => Ok(Some(edit)),
        None => Err(impossible("this renames files, which your editor does not let the language server do")),
    }
}

pub(super) fn will_rename(
    ask: &Ask,
    params: lsp::RenameFilesParams,
) -> Result<Option<lsp::WorkspaceEdit>, ResponseError> {
    for view in &ask.views {
        let mut change = Change::default();
        for renamed in &params.files {
            let paths = view.path_of(&renamed.old_uri.0).zip(view.path_of(&renamed.new_uri.0));
            if let Some((old, new)) = paths
                && let Some(file) = view.snapshot.file(&old)
            {
                change
                    .edits
                    .extend(journey_ide::file_renamed(&view.snapshot, file, &new).map_err(|why| impossible(&why))?);
            }
        }
        if !change.edits.is_empty() {
            return Ok(view.workspace_edit(&change));
        }
    }
    Ok(None)
}

/// What mends everything at once, when a file is saved or by command.
const FIX_ALL: &str = "source.fixAll.journey";

pub(super) fn code_actions(
    ask: &Ask,
    params: lsp::CodeActionParams,
) -> Result<Option<Vec<lsp::CodeActionResponse>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(Some(Vec::new())) };
    let only: Option<Vec<String>> = params.context.only.map(|only| only.into_iter().map(String::from).collect());
    // A kind asks for all kinds below it; without one, all but those of whole files are meant.
    let wanted = |kind: &str| match &only {
        None => !kind.starts_with("source"),
        Some(only) => only.iter().any(|o| o.is_empty() || kind == o || kind.starts_with(&format!("{o}."))),
    };
    let view = &place.view;
    let range = place.text_range(params.range);
    let mut actions: Vec<lsp::CodeAction> = Vec::new();
    if wanted("quickfix") {
        let found = journey_ide::fixes(&view.snapshot, place.file, range.start..range.end);
        for journey_ide::Action { diagnostic, fix, preferred } in found {
            let change = Change { edits: fix.edits.clone(), ..Change::default() };
            actions.push(lsp::CodeAction {
                title: fix.title.clone(),
                kind: Some(lsp::CodeActionKind::QuickFix),
                diagnostics: Some(vec![view.diagnostic(diagnostic)]),
                is_preferred: preferred.then_some(true),
                edit: view.workspace_edit(&change),
                ..lsp::CodeAction::default()
            });
        }
    }
    for assist in journey_ide::assists(&view.snapshot, place.file, range) {
        let kind = match assist.kind {
            AssistKind::Fix => lsp::CodeActionKind::QuickFix,
            AssistKind::Extract => lsp::CodeActionKind::RefactorExtract,
            AssistKind::Rewrite => lsp::CodeActionKind::RefactorRewrite,
            AssistKind::Add => lsp::CodeActionKind::Refactor,
        };
        let Some(edit) = view.workspace_edit(&assist.change).filter(|_| wanted(&String::from(kind.clone()))) else {
            continue;
        };
        let mended = assist.mends.and_then(|number| view.snapshot.compilation().diagnostics.get(number));
        actions.push(lsp::CodeAction {
            title: assist.title,
            kind: Some(kind),
            diagnostics: mended.map(|d| vec![view.diagnostic(d)]),
            edit: Some(edit),
            ..lsp::CodeAction::default()
        });
    }
    if wanted(FIX_ALL) {
        let edits = journey_ide::fix_all(&view.snapshot, place.file);
        if !edits.is_empty() {
            actions.push(lsp::CodeAction {
                title: "Mend all that can be mended without looking".to_owned(),
                kind: Some(lsp::CodeActionKind::from(FIX_ALL.to_owned())),
                edit: view.workspace_edit(&Change { edits, ..Change::default() }),
                ..lsp::CodeAction::default()
            });
        }
    }
    Ok(Some(actions.into_iter().map(Into::into).collect()))
}

/// A request that was right and cannot be done.
pub(super) fn impossible(why: &str) -> ResponseError {
    const REQUEST_FAILED: i32 = -32803;
    ResponseError { code: REQUEST_FAILED, message: why.to_owned(), data: None }
}

/// An error answer to a command with senseless arguments.
pub(super) fn senseless(message: &str) -> ResponseError {
    error(ErrorCodes::InvalidParams, message)
}
