//! Commands that editors call for what the protocol has no words for.

use gen_lsp_types as lsp;
use journey_ide::Runnable;
use lsp_server::ResponseError;
use serde_json::{Value, json};

use super::{Ask, edit};

/// The commands. Each takes one object with a `uri`.
pub(crate) const COMMANDS: [&str; 2] = [
    // `position` too. Answers the picture of the journey there: `name`, `svg`, `nodes` with their ranges, the `active` one.
    "journey.graph",
    // Answers the tests and journeys of the file: `kind`, `name`, `range`.
    "journey.runnables",
];

pub(super) fn command(ask: &Ask, params: lsp::ExecuteCommandParams) -> Result<Option<Value>, ResponseError> {
    let argument = params.arguments.unwrap_or_default().into_iter().next().unwrap_or_default();
    match params.command.as_str() {
        "journey.graph" => graph(ask, &argument),
        "journey.runnables" => Ok(Some(runnables(ask))),
        other => Err(edit::senseless(&format!("there is no command `{other}`"))),
    }
}

fn graph(ask: &Ask, argument: &Value) -> Result<Option<Value>, ResponseError> {
    let Some(place) = &ask.place else { return Ok(None) };
    let position = argument.get("position").cloned().unwrap_or_else(|| json!(lsp::Position::default()));
    let position = serde_json::from_value(position).map_err(|e| edit::senseless(&e.to_string()))?;
    let offset = place.offset(position);
    let Some(graph) = journey_ide::graph_at(&place.view.snapshot, place.file, offset) else { return Ok(None) };
    let nodes = graph.nodes.iter().map(|node| json!({ "text": node.text, "range": place.range(node.range) }));
    Ok(Some(json!({
        "name": graph.name,
        "svg": graph.svg(),
        "nodes": nodes.collect::<Vec<_>>(),
        "active": graph.node_at(offset),
    })))
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
