//! Semantic tokens: all, what changed, or those of a range.

use std::sync::PoisonError;

use gen_lsp_types as lsp;
use journey_ide::{Coloured, Kind, Role, TextRange, TokenKind};
use lsp_server::ResponseError;

use super::Ask;
use crate::view::Place;

/// The types by number. The first of the standard's that fits; editors have colours for these.
const TYPES: [&str; 15] = [
    "comment",
    "keyword",
    "number",
    "operator",
    "string",
    "type",
    "function",
    "property",
    "enumMember",
    "event",
    "namespace",
    "enum",
    "class",
    "variable",
    "label",
];

const MODIFIERS: [&str; 3] = ["declaration", "modification", "documentation"];

/// What the numbers mean.
pub(crate) fn legend() -> lsp::SemanticTokensLegend {
    lsp::SemanticTokensLegend {
        token_types: TYPES.map(str::to_owned).to_vec(),
        token_modifiers: MODIFIERS.map(str::to_owned).to_vec(),
    }
}

fn type_of(kind: TokenKind) -> u32 {
    let name = match kind {
        TokenKind::Comment => "comment",
        TokenKind::Keyword => "keyword",
        TokenKind::Number => "number",
        TokenKind::Operator => "operator",
        TokenKind::String => "string",
        TokenKind::Type => "type",
        TokenKind::Function | TokenKind::Name(Kind::Journey | Kind::Message | Kind::Part) => "function",
        TokenKind::Name(kind) => match kind {
            Kind::Attribute | Kind::Field | Kind::Score => "property",
            Kind::Tag | Kind::Value | Kind::Stage | Kind::Side => "enumMember",
            Kind::Event => "event",
            Kind::Topic => "namespace",
            Kind::Funnel | Kind::Split => "enum",
            Kind::Segment => "class",
            Kind::Step => "label",
            _ => "variable",
        },
    };
    TYPES.iter().position(|known| *known == name).and_then(|at| u32::try_from(at).ok()).unwrap_or_default()
}

fn encode(place: &Place, range: Option<TextRange>) -> Vec<lsp::SemanticToken> {
    let mut last = lsp::Position::default();
    let encode = |token: Coloured| {
        let range = place.range(token.range);
        let delta_line = range.start.line.saturating_sub(last.line);
        let delta_start =
            if delta_line == 0 { range.start.character.saturating_sub(last.character) } else { range.start.character };
        last = range.start;
        let role = match token.role {
            Some(Role::Declares) => 1,
            Some(Role::Writes) => 2,
            _ => 0,
        };
        lsp::SemanticToken {
            delta_line,
            delta_start,
            length: range.end.character.saturating_sub(range.start.character),
            token_type: type_of(token.kind),
            token_modifiers_bitset: role | if token.documentation { 4 } else { 0 },
        }
    };
    journey_ide::tokens(&place.view.snapshot, place.file, range).into_iter().map(encode).collect()
}

fn flat(tokens: &[lsp::SemanticToken]) -> Vec<u32> {
    let numbers =
        |t: &lsp::SemanticToken| [t.delta_line, t.delta_start, t.length, t.token_type, t.token_modifiers_bitset];
    tokens.iter().flat_map(numbers).collect()
}

/// Keeps what is said, and gives it a name.
fn keep(ask: &Ask, place: &Place, data: Vec<u32>) -> String {
    let mut last = ask.last_tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let number = last.values().map(|(number, _)| *number).max().unwrap_or_default() + 1;
    last.insert(place.uri().0, (number, data));
    number.to_string()
}

pub(super) fn full(ask: &Ask, _: lsp::SemanticTokensParams) -> Result<Option<lsp::SemanticTokens>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let data = encode(place, None);
    let result_id = Some(keep(ask, place, flat(&data)));
    Ok(Some(lsp::SemanticTokens { result_id, data }))
}

pub(super) fn range(
    ask: &Ask,
    params: lsp::SemanticTokensRangeParams,
) -> Result<Option<lsp::SemanticTokens>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let data = encode(place, Some(place.text_range(params.range)));
    Ok(Some(lsp::SemanticTokens { result_id: None, data }))
}

pub(super) fn delta(
    ask: &Ask,
    params: lsp::SemanticTokensDeltaParams,
) -> Result<Option<lsp::SemanticTokensDeltaResponse>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let before = {
        let last = ask.last_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.get(&place.uri().0).filter(|(number, _)| number.to_string() == params.previous_result_id);
        known.map(|(_, data)| data.clone())
    };
    let tokens = encode(place, None);
    let data = flat(&tokens);
    let result_id = Some(keep(ask, place, data.clone()));
    let Some(before) = before else {
        return Ok(Some(lsp::SemanticTokensDeltaResponse::SemanticTokens(lsp::SemanticTokens {
            result_id,
            data: tokens,
        })));
    };
    let same = before.iter().zip(&data).take_while(|(a, b)| a == b).count();
    let rest = before.len().min(data.len()) - same;
    let tail = before.iter().rev().zip(data.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let edits = if same == before.len() && same == data.len() {
        Vec::new()
    } else {
        vec![lsp::SemanticTokensEdit {
            start: u32::try_from(same).unwrap_or_default(),
            delete_count: u32::try_from(before.len() - same - tail).unwrap_or_default(),
            data: Some(data.get(same..data.len() - tail).unwrap_or_default().to_vec()),
        }]
    };
    Ok(Some(lsp::SemanticTokensDeltaResponse::SemanticTokensDelta(lsp::SemanticTokensDelta { result_id, edits })))
}
