//! The graph as an SVG picture: it needs no script and no font of its own, and follows the reader's dark mode.

use std::fmt::Write;

use super::layout::{LINE, Picture, Placed, picture};
use super::{Edge, Graph, Shape};

const STYLE: &str = "
    svg { font: 13px system-ui, sans-serif; background: #fff; color: #1f2933 }
    text { fill: currentColor; text-anchor: middle }
    .label { font-size: 12px; fill: #52606d; paint-order: stroke; stroke: #fff; stroke-width: 4px }
    .way { fill: none; stroke: #7b8794; stroke-width: 1.4 }
    .back { stroke-dasharray: 5 4 }
    .head { fill: #7b8794 }
    .node > rect, .node > polygon { stroke-width: 1.4; stroke: #9aa5b1; fill: #f5f7fa }
    .start > rect { fill: #e3f8ff; stroke: #2bb0ed }
    .message > rect { fill: #e3f9e5; stroke: #31b237 }
    .wait > rect { fill: #fffbea; stroke: #de911d; stroke-dasharray: 5 3 }
    .decision > polygon { fill: #f2ebfe; stroke: #8719e0 }
    .end > rect { fill: #e4e7eb; stroke: #616e7c }
    @media (prefers-color-scheme: dark) {
      svg { background: #1f2933; color: #f5f7fa }
      .label { fill: #cbd2d9; stroke: #1f2933 }
      .node > rect, .node > polygon { fill: #323f4b }
      .start > rect { fill: #0b4f71 } .message > rect { fill: #0f5c2e } .wait > rect { fill: #5c3d0c }
      .decision > polygon { fill: #3d1b63 } .end > rect { fill: #3e4c59 }
    }
";

impl Graph {
    /// The graph as a picture. Each node carries `data-node`, its place in [`Graph::nodes`].
    pub fn svg(&self) -> String {
        let picture = picture(self);
        let (width, height) = (picture.width.ceil(), picture.height.ceil());
        let title = escape(&self.name);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Journey {title}\">\n  <title>{title}</title>\n  \
             <style>{STYLE}  </style>\n  <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
             markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"head\" d=\"M0 0 10 5 0 10z\"/></marker></defs>\n"
        );
        for (edge, bends) in self.edges.iter().zip(&picture.bends) {
            way(&mut svg, edge, bends, &picture);
        }
        for (at, (node, placed)) in self.nodes.iter().zip(&picture.nodes).enumerate() {
            boxed(&mut svg, at, node.shape, placed);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn way(svg: &mut String, edge: &Edge, bends: &[(f64, f64)], picture: &Picture) {
    let (Some(from), Some(to)) = (picture.nodes.get(edge.from), picture.nodes.get(edge.to)) else { return };
    let (class, path, label) = if edge.back {
        let right = picture.width - 12.0;
        let (x1, x2) = (from.x + from.width / 2.0, to.x + to.width / 2.0);
        let path =
            format!("M{x1:.0} {:.0}C{right:.0} {:.0} {right:.0} {:.0} {x2:.0} {:.0}", from.y, from.y, to.y, to.y);
        ("way back", path, (x1 + 24.0, from.y - 6.0))
    } else {
        let start = (from.x, from.y + from.height / 2.0);
        let end = (to.x, to.y - to.height / 2.0);
        let mut path = format!("M{:.0} {:.0}", start.0, start.1);
        let mut last = start;
        for &point in bends.iter().chain([&end]) {
            let middle = f64::midpoint(last.1, point.1);
            // Writing to a string cannot fail.
            let _ = write!(path, "C{:.0} {middle:.0} {:.0} {middle:.0} {:.0} {:.0}", last.0, point.0, point.0, point.1);
            last = point;
        }
        let next = bends.first().copied().unwrap_or(end);
        ("way", path, (f64::midpoint(start.0, next.0), f64::midpoint(start.1, next.1) + 4.0))
    };
    let _ = writeln!(svg, "  <path class=\"{class}\" marker-end=\"url(#head)\" d=\"{path}\"/>");
    if !edge.label.is_empty() {
        let _ = writeln!(
            svg,
            "  <text class=\"label\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            label.0,
            label.1,
            escape(&edge.label)
        );
    }
}

fn boxed(svg: &mut String, at: usize, shape: Shape, placed: &Placed) {
    let Placed { lines, x, y, width, height } = placed;
    let (left, top) = (x - width / 2.0, y - height / 2.0);
    let (class, corner) = match shape {
        Shape::Start => ("start", height / 2.0),
        Shape::Message => ("message", 4.0),
        Shape::Wait => ("wait", height / 2.0),
        Shape::Decision => ("decision", 0.0),
        Shape::Action => ("action", 4.0),
        Shape::End => ("end", height / 2.0),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "  <g class=\"node {class}\" data-node=\"{at}\">");
    if shape == Shape::Decision {
        let (right, below, cut) = (left + width, top + height, 14.0);
        let _ = writeln!(
            svg,
            "    <polygon points=\"{:.0},{top:.0} {:.0},{top:.0} {right:.0},{y:.0} {:.0},{below:.0} {:.0},{below:.0} {left:.0},{y:.0}\"/>",
            left + cut,
            right - cut,
            right - cut,
            left + cut,
        );
    } else {
        let _ = writeln!(
            svg,
            "    <rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"{corner:.0}\"/>"
        );
    }
    let mut line_y = top + 9.0 + LINE * 0.75;
    for line in lines {
        let _ = writeln!(svg, "    <text x=\"{x:.0}\" y=\"{line_y:.0}\">{}</text>", escape(line));
        line_y += LINE;
    }
    svg.push_str("  </g>\n");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}
