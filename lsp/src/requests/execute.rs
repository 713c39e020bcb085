//! Commands that editors call for what the protocol has no words for.

use gen_lsp_types as lsp;
use journey_ide::Runnable;
use lsp_server::ResponseError;
use serde_json::{Value, json};

use super::{Ask, edit};
use crate::Previewed;
use crate::documents::Key;
use crate::view::Place;

/// The commands. Each takes one object with a `uri`.
pub(crate) const COMMANDS: [&str; 3] = [
    // `position` too. Answers the picture of the journey there: `name`, `svg`, `nodes` with their ranges, the `active` one.
    "journey.graph",
    // `position` too. Answers the message there, of the file or in the step: its `name` and its `texts`, rendered, each with
    // `title`, `subject`, `from`, `html` and `text`.
    "journey.preview",
    // Answers the tests and journeys of the file: `kind`, `name`, `range`.
    "journey.runnables",
];

pub(super) fn command(ask: &Ask, params: lsp::ExecuteCommandParams) -> Result<Option<Value>, ResponseError> {
    let argument = params.arguments.unwrap_or_default().into_iter().next().unwrap_or_default();
    match params.command.as_str() {
        "journey.graph" => graph(ask, &argument),
        "journey.preview" => preview(ask, &argument),
        "journey.runnables" => Ok(Some(runnables(ask))),
        other => Err(edit::senseless(&format!("there is no command `{other}`"))),
    }
}

fn graph(ask: &Ask, argument: &Value) -> Result<Option<Value>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let offset = offset(place, argument)?;
    let Some(graph) = journey_ide::graph_at(&place.view.snapshot, place.file, offset) else { return Ok(None) };
    let nodes = graph.nodes.iter().map(|node| json!({ "text": node.text, "range": place.range(node.range) }));
    Ok(Some(json!({
        "name": graph.name,
        "svg": graph.svg(),
        "nodes": nodes.collect::<Vec<_>>(),
        "active": graph.node_at(offset),
    })))
}

/// The place that is asked about; the beginning of the file if none is named.
fn offset(place: &Place, argument: &Value) -> Result<u32, ResponseError> {
    let position = argument.get("position").cloned().unwrap_or_else(|| json!(lsp::Position::default()));
    let position = serde_json::from_value(position).map_err(|e| edit::senseless(&e.to_string()))?;
    Ok(place.offset(position))
}

fn preview(ask: &Ask, argument: &Value) -> Result<Option<Value>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let (Some(render), snapshot) = (place.view.client.preview, &place.view.snapshot) else { return Ok(None) };
    let Some(name) = journey_ide::message_at(snapshot, place.file, offset(place, argument)?) else { return Ok(None) };
    let root = match &place.view.key {
        Key::Project(root) => Some(root.as_path()),
        Key::Lone(_) => None,
    };
    let texts = render(snapshot.project(), root, &name).map_err(|why| edit::impossible(&why))?;
    let text = |Previewed { title, subject, from, html, text }: Previewed| json!({ "title": title, "subject": subject, "from": from, "html": html, "text": text });
    Ok(Some(json!({ "name": name, "texts": texts.into_iter().map(text).collect::<Vec<_>>() })))
}

fn runnables(ask: &Ask) -> Value {
    let Some(place) = &ask.place else { return json!([]) };
    let found = journey_ide::runnables(&place.view.snapshot, place.file).into_iter();
    let runnable = |(range, runnable): (_, Runnable)| {
        let (kind, name) = match runnable {
            Runnable::Test(name) => ("test", name),
            Runnable::Journey(name) => ("journey", name),
        };
        json!({ "kind": kind, "name": name, "range": place.range(range) })
    };
    found.map(runnable).collect()
}
