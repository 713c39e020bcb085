//! Completions.

use gen_lsp_types as lsp;
use journey_ide::{Completion, CompletionKind, Kind, Symbol};
use lsp_server::ResponseError;
use serde_json::{Value, json};

use super::Ask;
use crate::convert;
use crate::view::Place;

pub(super) fn completion(
    ask: &Ask,
    params: lsp::CompletionParams,
) -> Result<Option<lsp::CompletionResponse>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let found = journey_ide::completions(&place.view.snapshot, place.file, offset);
    let items = found.into_iter().map(|offer| item(place, offer)).collect();
    Ok(Some(lsp::CompletionResponse::CompletionItemList(items)))
}

fn item(place: &Place, offer: Completion) -> lsp::CompletionItem {
    let client = &place.view.client;
    let snippet = offer.snippet && client.snippets;
    let new_text = if client.snippets { offer.insert.clone() } else { offer.text() };
    let edit = lsp::TextEdit { range: place.range(offer.replace), new_text };
    let data = offer.symbol.as_ref().map(|symbol| {
        json!({ "uri": place.uri(), "kind": convert::kind_name(symbol.kind), "owner": symbol.owner, "name": symbol.name })
    });
    lsp::CompletionItem {
        kind: Some(kind(offer.kind)),
        detail: (!offer.detail.is_empty()).then_some(offer.detail),
        sort_text: Some(format!("{}{}", offer.rank, offer.label)),
        insert_text_format: snippet.then_some(lsp::InsertTextFormat::Snippet),
        text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(edit)),
        data,
        label: offer.label,
        ..lsp::CompletionItem::default()
    }
}

const fn kind(kind: CompletionKind) -> lsp::CompletionItemKind {
    match kind {
        CompletionKind::Keyword => lsp::CompletionItemKind::Keyword,
        CompletionKind::Snippet => lsp::CompletionItemKind::Snippet,
        CompletionKind::Function => lsp::CompletionItemKind::Function,
        CompletionKind::Constant => lsp::CompletionItemKind::Constant,
        CompletionKind::Setting => lsp::CompletionItemKind::Property,
        CompletionKind::Type => lsp::CompletionItemKind::TypeParameter,
        CompletionKind::Name(kind) => match kind {
            Kind::Attribute | Kind::Field | Kind::Score => lsp::CompletionItemKind::Field,
            Kind::Tag | Kind::Value | Kind::Stage | Kind::Side => lsp::CompletionItemKind::EnumMember,
            Kind::Event => lsp::CompletionItemKind::Event,
            Kind::Topic => lsp::CompletionItemKind::Module,
            Kind::Funnel | Kind::Split => lsp::CompletionItemKind::Enum,
            Kind::Segment => lsp::CompletionItemKind::Class,
            Kind::Voucher => lsp::CompletionItemKind::Value,
            Kind::Journey => lsp::CompletionItemKind::Function,
            Kind::Message | Kind::Part => lsp::CompletionItemKind::File,
            Kind::Handle | Kind::Local | Kind::Contact => lsp::CompletionItemKind::Variable,
            Kind::Step => lsp::CompletionItemKind::Reference,
        },
    }
}

pub(super) fn resolve(ask: &Ask, mut item: lsp::CompletionItem) -> Result<lsp::CompletionItem, ResponseError> {
    let symbol = item.data.as_ref().and_then(|data| {
        let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Symbol { kind: convert::kind_named(&text("kind")?)?, owner: text("owner")?, name: text("name")? })
    });
    if let Some((place, symbol)) = ask.place.as_ref().zip(symbol) {
        let text = journey_ide::documentation(&place.view.snapshot, &symbol);
        item.documentation = Some(lsp::Documentation::MarkupContent(convert::markup(&place.view.client, text)));
    }
    Ok(item)
}
