use insta::assert_snapshot;
use journey_grammar::{ast, parse};
use proptest::prelude::*;

use super::{Graph, Shape};

const NURTURE: &str = r#"journey nurture {
  on tag lead
  where country in [DE, AT]
  exit when purchase

  send email brand_story as story
  wait 3d
  if opened story {
    wait 4d
  } else {
    send sms "Hi & <welcome>"
    wait for opened story up to 2d else end
  }
  repeat up to 2 times until has tag vip {
    send email reminder
    wait 1d12h
  }
  choose plan {
    free, pro { add tag customer }
    else { end }
  }
}
"#;

fn graph(source: &str) -> Graph {
    let parse = parse(source);
    let journey = ast::File::of(&parse.tree).journeys().next().unwrap();
    Graph::of(journey, "file_name")
}

#[test]
fn as_mermaid() {
    assert_snapshot!(graph(NURTURE).mermaid());
}

#[test]
fn as_dot() {
    assert_snapshot!(graph(NURTURE).dot());
}

#[test]
fn as_svg() {
    assert_snapshot!(graph(NURTURE).svg());
}

#[test]
fn a_bare_journey_has_the_files_name() {
    let graph = graph("on tag X wait 2d if opened send email follow_up");
    assert_eq!(graph.name, "file_name");
    let texts: Vec<_> = graph.nodes.iter().map(|node| node.text.as_str()).collect();
    assert_eq!(texts, ["On tag X", "Wait 2 days", "Opened?", "Send email follow_up", "End"]);
}

#[test]
fn the_cursor_finds_the_innermost_step() {
    let graph = graph(NURTURE);
    let at = |text: &str| {
        let offset = u32::try_from(NURTURE.find(text).unwrap()).unwrap();
        graph.node_at(offset + 1).map(|node| graph.nodes[node].text.as_str())
    };
    assert_eq!(at("wait 4d"), Some("Wait 4 days"));
    assert_eq!(at("if opened"), Some("Opened story?"));
    assert_eq!(at("exit when"), Some("On tag lead, where country in [DE, AT], (exit when purchase)"));
}

proptest! {
    /// Whatever the source, each way joins two nodes, all but the first are reached, and every picture can be drawn.
    #[test]
    fn every_graph_is_sound(words in prop::collection::vec(
        prop::sample::select(vec![
            "journey j {", "on tag x", "send email m as h", "wait 2d", "if opened h {", "} else {", "}", "end",
            "wait for clicked h up to 1d else {", "repeat up to 3 times {", "split s { 50% a {", "} 50% b {", "add tag t",
            "wait for first { purchase {", "} after 3d {", "choose plan { free {", "else", "&<>\"",
        ]), 0..30))
    {
        let source = words.join(" ");
        let parse = parse(&source);
        for journey in ast::File::of(&parse.tree).journeys() {
            let graph = Graph::of(journey, "x");
            prop_assert_eq!(graph.nodes.first().map(|node| node.shape), Some(Shape::Start));
            for edge in &graph.edges {
                prop_assert!(edge.from < graph.nodes.len() && edge.to < graph.nodes.len());
                prop_assert_eq!(edge.back, edge.to <= edge.from);
            }
            for node in 1..graph.nodes.len() {
                prop_assert!(graph.edges.iter().any(|edge| edge.to == node && !edge.back));
            }
            let svg = graph.svg();
            prop_assert_eq!(svg.matches("<g ").count(), graph.nodes.len());
            let _ = (graph.mermaid(), graph.dot());
        }
    }
}
