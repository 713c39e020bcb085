//! From names to places.

use gen_lsp_types as lsp;
use journey_ide::Role;
use lsp_server::ResponseError;

use super::Ask;
use crate::view::Place;

fn definition_of(place: &Place, position: lsp::Position) -> Option<Vec<lsp::LocationLink>> {
    let found = journey_ide::definition(&place.view.snapshot, place.file, place.offset(position))?;
    let links = found.targets.iter().map(|target| lsp::LocationLink {
        origin_selection_range: Some(place.range(found.origin)),
        target_uri: place.view.uri(target.name.file),
        target_range: place.view.range(target.whole),
        target_selection_range: place.view.range(target.name),
    });
    Some(links.collect())
}

fn locations(links: Vec<lsp::LocationLink>) -> Vec<lsp::Location> {
    let location = |link: lsp::LocationLink| lsp::Location { uri: link.target_uri, range: link.target_selection_range };
    links.into_iter().map(location).collect()
}

pub(super) fn definition(
    ask: &Ask,
    params: lsp::DefinitionParams,
) -> Result<Option<lsp::DefinitionResponse>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let found = definition_of(place, params.text_document_position_params.position);
    Ok(found.map(|links| match place.view.client.links {
        true => lsp::DefinitionResponse::DefinitionLinkList(links),
        false => lsp::DefinitionResponse::Definition(lsp::Definition::LocationList(locations(links))),
    }))
}

pub(super) fn declaration(
    ask: &Ask,
    params: lsp::DeclarationParams,
) -> Result<Option<lsp::DeclarationResponse>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let found = definition_of(place, params.text_document_position_params.position);
    Ok(found.map(|links| match place.view.client.declaration_links {
        true => lsp::DeclarationResponse::DeclarationLinkList(links),
        false => lsp::DeclarationResponse::Declaration(lsp::Declaration::LocationList(locations(links))),
    }))
}

pub(super) fn references(ask: &Ask, params: lsp::ReferenceParams) -> Result<Option<Vec<lsp::Location>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let declaration = params.context.include_declaration;
    let spans = journey_ide::references(&place.view.snapshot, place.file, offset, declaration);
    Ok(Some(spans.into_iter().map(|span| place.view.location(span)).collect()))
}

pub(super) fn highlights(
    ask: &Ask,
    params: lsp::DocumentHighlightParams,
) -> Result<Option<Vec<lsp::DocumentHighlight>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = place.offset(params.text_document_position_params.position);
    let found = journey_ide::highlights(&place.view.snapshot, place.file, offset).into_iter();
    let highlight = |(range, role)| lsp::DocumentHighlight {
        range: place.range(range),
        kind: Some(match role {
            Role::Reads => lsp::DocumentHighlightKind::Read,
            Role::Declares | Role::Writes => lsp::DocumentHighlightKind::Write,
        }),
    };
    Ok(Some(found.map(highlight).collect()))
}

pub(super) fn links(ask: &Ask, _: lsp::DocumentLinkParams) -> Result<Option<Vec<lsp::DocumentLink>>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let link = |link: journey_ide::Link| lsp::DocumentLink {
        range: place.range(link.range),
        target: Some(place.view.uri(link.target)),
        tooltip: Some(format!("Open `{}`", place.view.snapshot.path(link.target))),
        data: None,
    };
    Ok(Some(journey_ide::links(&place.view.snapshot, place.file).into_iter().map(link).collect()))
}
