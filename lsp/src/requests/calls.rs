//! Which journey sets which other one going.

use gen_lsp_types as lsp;
use journey_ide::Caller;
use lsp_server::ResponseError;

use super::Ask;
use crate::view::{Place, View};

fn item(view: &View, caller: &Caller) -> lsp::CallHierarchyItem {
    lsp::CallHierarchyItem {
        name: caller.name.clone(),
        kind: lsp::SymbolKind::Function,
        tags: None,
        detail: Some(view.snapshot.path(caller.whole.file).to_owned()),
        uri: view.uri(caller.whole.file),
        range: view.range(caller.whole),
        selection_range: view.range(caller.at),
        data: None,
    }
}

pub(super) fn prepare(
    ask: &Ask,
    params: lsp::CallHierarchyPrepareParams,
) -> Result<Option<Vec<lsp::CallHierarchyItem>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let journey = journey_ide::journey_at(&place.view.snapshot, place.file, offset);
    Ok(journey.map(|journey| vec![item(&place.view, &journey)]))
}

fn ranges(place: &Place, file: journey_compiler::project::FileId, steps: &[journey_ide::TextRange]) -> Vec<lsp::Range> {
    let span = |range: &journey_ide::TextRange| journey_compiler::diagnostic::Span {
        file,
        start: range.start,
        end: range.end,
    };
    steps.iter().map(|step| place.view.range(span(step))).collect()
}

pub(super) fn incoming(
    ask: &Ask,
    params: lsp::CallHierarchyIncomingCallsParams,
) -> Result<Option<Vec<lsp::CallHierarchyIncomingCall>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let calls = journey_ide::incoming(&place.view.snapshot, &params.item.name).into_iter();
    let call = |call: journey_ide::Call| lsp::CallHierarchyIncomingCall {
        from: item(&place.view, &call.journey),
        from_ranges: ranges(place, call.journey.whole.file, &call.steps),
    };
    Ok(Some(calls.map(call).collect()))
}

pub(super) fn outgoing(
    ask: &Ask,
    params: lsp::CallHierarchyOutgoingCallsParams,
) -> Result<Option<Vec<lsp::CallHierarchyOutgoingCall>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let calls = journey_ide::outgoing(&place.view.snapshot, &params.item.name).into_iter();
    let call = |call: journey_ide::Call| lsp::CallHierarchyOutgoingCall {
        to: item(&place.view, &call.journey),
        from_ranges: ranges(place, place.file, &call.steps),
    };
    Ok(Some(calls.map(call).collect()))
}
