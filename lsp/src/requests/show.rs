//! What is shown beside and above the source.

use gen_lsp_types as lsp;
use journey_ide::{Kind, Outline, OutlineKind, Runnable};
use lsp_server::ResponseError;
use serde_json::json;

use super::Ask;
use crate::convert;
use crate::view::Place;

pub(super) fn hover(ask: &Ask, params: lsp::HoverParams) -> Result<Option<lsp::Hover>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let hover = journey_ide::hover(&place.view.snapshot, place.file, offset);
    Ok(hover.map(|hover| lsp::Hover {
        contents: lsp::Contents::MarkupContent(convert::markup(&place.view.client, hover.text)),
        range: Some(place.range(hover.range)),
    }))
}

pub(super) fn signature(
    ask: &Ask,
    params: lsp::SignatureHelpParams,
) -> Result<Option<lsp::SignatureHelp>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let Some(found) = journey_ide::signature(&place.view.snapshot, place.file, offset) else { return Ok(None) };
    let parameter = |part: (u32, u32)| lsp::ParameterInformation {
        label: lsp::ParameterInformationLabel::Tuple(part),
        documentation: None,
    };
    let signature = lsp::SignatureInformation {
        label: found.text,
        documentation: Some(lsp::Documentation::String(found.meaning.to_owned())),
        parameters: Some(found.parts.into_iter().map(parameter).collect()),
        active_parameter: None,
    };
    Ok(Some(lsp::SignatureHelp {
        signatures: vec![signature],
        active_signature: Some(0),
        active_parameter: Some(lsp::ActiveParameter::Int(found.active)),
    }))
}

pub(super) fn symbols(
    ask: &Ask,
    _: lsp::DocumentSymbolParams,
) -> Result<Option<lsp::DocumentSymbolResponse>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let outline = journey_ide::outline(&place.view.snapshot, place.file);
    if place.view.client.nested_symbols {
        let symbols = outline.into_iter().map(|entry| symbol(place, entry)).collect();
        return Ok(Some(lsp::DocumentSymbolResponse::DocumentSymbolList(symbols)));
    }
    let mut flat = Vec::new();
    for entry in outline {
        flatten(place, entry, None, &mut flat);
    }
    Ok(Some(lsp::DocumentSymbolResponse::SymbolInformationList(flat)))
}

#[expect(deprecated, reason = "the field has no default")]
fn symbol(place: &Place, entry: Outline) -> lsp::DocumentSymbol {
    let children: Vec<_> = entry.children.into_iter().map(|child| symbol(place, child)).collect();
    lsp::DocumentSymbol {
        name: if entry.name.is_empty() { "?".to_owned() } else { entry.name },
        detail: (!entry.detail.is_empty()).then_some(entry.detail),
        kind: outline_kind(entry.kind),
        tags: None,
        deprecated: None,
        range: place.range(entry.whole),
        selection_range: place.range(entry.at),
        children: (!children.is_empty()).then_some(children),
    }
}

#[expect(deprecated, reason = "the field has no default")]
fn flatten(place: &Place, entry: Outline, inside: Option<&str>, flat: &mut Vec<lsp::SymbolInformation>) {
    flat.push(lsp::SymbolInformation {
        deprecated: None,
        location: lsp::Location { uri: place.uri(), range: place.range(entry.whole) },
        base_symbol_information: lsp::BaseSymbolInformation {
            name: entry.name.clone(),
            kind: outline_kind(entry.kind),
            tags: None,
            container_name: inside.map(str::to_owned),
        },
    });
    for child in entry.children {
        flatten(place, child, Some(&entry.name), flat);
    }
}

const fn outline_kind(kind: OutlineKind) -> lsp::SymbolKind {
    match kind {
        OutlineKind::Named(kind) => symbol_kind(kind),
        OutlineKind::Contact => lsp::SymbolKind::Struct,
        OutlineKind::Policy => lsp::SymbolKind::Object,
        OutlineKind::Test => lsp::SymbolKind::Method,
        OutlineKind::Send => lsp::SymbolKind::String,
    }
}

const fn symbol_kind(kind: Kind) -> lsp::SymbolKind {
    match kind {
        Kind::Attribute | Kind::Field | Kind::Score => lsp::SymbolKind::Field,
        Kind::Tag | Kind::Value | Kind::Stage | Kind::Side => lsp::SymbolKind::EnumMember,
        Kind::Event => lsp::SymbolKind::Event,
        Kind::Topic => lsp::SymbolKind::Namespace,
        Kind::Funnel | Kind::Split => lsp::SymbolKind::Enum,
        Kind::Segment => lsp::SymbolKind::Class,
        Kind::Journey => lsp::SymbolKind::Function,
        Kind::Message | Kind::Part => lsp::SymbolKind::File,
        Kind::Step => lsp::SymbolKind::Key,
        Kind::Handle | Kind::Local | Kind::Contact | Kind::Voucher => lsp::SymbolKind::Variable,
    }
}

pub(super) fn workspace_symbols(
    ask: &Ask,
    params: lsp::WorkspaceSymbolParams,
) -> Result<Option<lsp::WorkspaceSymbolResponse>, ResponseError> {
    let mut found = Vec::new();
    for view in &ask.views {
        found.extend(journey_ide::search(&view.snapshot, &params.query).into_iter().map(|symbol| {
            lsp::WorkspaceSymbol {
                location: lsp::WorkspaceSymbolLocation::Location(view.location(symbol.at)),
                data: None,
                base_symbol_information: lsp::BaseSymbolInformation {
                    name: symbol.name,
                    kind: symbol_kind(symbol.kind),
                    tags: None,
                    container_name: (!symbol.owner.is_empty()).then_some(symbol.owner),
                },
            }
        }));
    }
    Ok(Some(lsp::WorkspaceSymbolResponse::WorkspaceSymbolList(found)))
}

pub(super) fn folds(ask: &Ask, _: lsp::FoldingRangeParams) -> Result<Option<Vec<lsp::FoldingRange>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let fold = |fold: journey_ide::Fold| {
        let range = place.range(fold.range);
        lsp::FoldingRange {
            start_line: range.start.line,
            start_character: None,
            // The line with the closing bracket stays.
            end_line: if fold.comment {
                range.end.line
            } else {
                range.end.line.saturating_sub(1).max(range.start.line)
            },
            end_character: None,
            kind: fold.comment.then_some(lsp::FoldingRangeKind::Comment),
            collapsed_text: None,
        }
    };
    Ok(Some(journey_ide::folds(&place.view.snapshot, place.file).into_iter().map(fold).collect()))
}

pub(super) fn selections(
    ask: &Ask,
    params: lsp::SelectionRangeParams,
) -> Result<Option<Vec<lsp::SelectionRange>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let selection = |position| {
        let ranges = journey_ide::selections(&place.view.snapshot, place.file, place.offset(position));
        let grow = |parent: Option<lsp::SelectionRange>, range: &journey_ide::TextRange| {
            Some(lsp::SelectionRange { range: place.range(*range), parent: parent.map(Box::new) })
        };
        ranges.iter().rev().fold(None, grow)
    };
    Ok(Some(params.positions.into_iter().filter_map(selection).collect()))
}

pub(super) fn inlays(ask: &Ask, params: lsp::InlayHintParams) -> Result<Option<Vec<lsp::InlayHint>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let inlay = |inlay: journey_ide::Inlay| lsp::InlayHint {
        position: place.position(inlay.at),
        label: lsp::Label::String(inlay.text),
        kind: None,
        text_edits: None,
        tooltip: Some(lsp::Tooltip::String(inlay.tooltip)),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    };
    let found = journey_ide::inlays(&place.view.snapshot, place.file, place.text_range(params.range));
    Ok(Some(found.into_iter().map(inlay).collect()))
}

/// What an editor that says so can run from where it stands.
pub(super) fn lenses(ask: &Ask, _: lsp::CodeLensParams) -> Result<Option<Vec<lsp::CodeLens>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let uri = place.uri();
    let mut lenses = Vec::new();
    for (range, runnable) in journey_ide::runnables(&place.view.snapshot, place.file) {
        let offers: &[(&str, &str)] = match &runnable {
            Runnable::Test(_) => &[("Run test", "journey.runTest")],
            Runnable::Journey(_) => &[("Simulate", "journey.simulate"), ("Show graph", "journey.showGraph")],
        };
        let (Runnable::Test(name) | Runnable::Journey(name)) = runnable;
        for (title, command) in offers {
            if place.view.client.commands.iter().any(|known| known == command) {
                lenses.push(lsp::CodeLens {
                    range: place.range(range),
                    command: Some(lsp::Command {
                        title: (*title).to_owned(),
                        tooltip: None,
                        command: (*command).to_owned(),
                        arguments: Some(vec![json!({ "uri": uri, "name": name })]),
                    }),
                    data: None,
                });
            }
        }
    }
    Ok(Some(lenses))
}
