//! Where the nodes stand. The layering is Sugiyama's, by a library; here it learns how large the nodes are, and long ways
//! get bends in the layers that they cross, so that no way runs through a box.

use std::collections::{BTreeMap, BTreeSet};

use rust_sugiyama::configure::Config;
use rust_sugiyama::from_vertices_and_edges;

use super::words::lines;
use super::{Graph, Shape};

/// The width of a character of the picture's font, with some room.
const CHARACTER: f64 = 7.4;
/// The height of a line.
pub(super) const LINE: f64 = 17.0;
/// How many characters a line of a node may have.
const WRAP: usize = 30;
/// The room between nodes.
const SPACING: f64 = 44.0;

/// A node in the picture.
pub(super) struct Placed {
    /// Its text, in lines.
    pub(super) lines: Vec<String>,
    /// Its middle.
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The picture's geometry.
pub(super) struct Picture {
    pub(super) nodes: Vec<Placed>,
    /// The bends of each way, from its start to its end.
    pub(super) bends: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

pub(super) fn picture(graph: &Graph) -> Picture {
    let mut nodes: Vec<Placed> = graph.nodes.iter().map(|node| sized(node.shape, &node.text)).collect();
    let first = positions(&nodes, &forward(graph));
    let layers = layers(&first);
    // A second round, with a point in each layer that a way crosses.
    let mut links = Vec::new();
    let mut points: Vec<Vec<u32>> = Vec::new();
    let mut sizes: Vec<(u32, (f64, f64))> = sizes(&nodes);
    for edge in &graph.edges {
        let mut chain = Vec::new();
        if !edge.back {
            let (from, to) = (place(edge.from), place(edge.to));
            let crossed = layer(&layers, &first, to).saturating_sub(layer(&layers, &first, from)).saturating_sub(1);
            for _ in 0..crossed {
                let point = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
                sizes.push((point, (CHARACTER, CHARACTER)));
                chain.push(point);
            }
            let ends = std::iter::once(from).chain(chain.iter().copied()).zip(chain.iter().copied().chain([to]));
            links.extend(ends);
        }
        points.push(chain);
    }
    let placed = run(&sizes, &links);
    let (left, top) = corner(&placed, &sizes);
    let at = |vertex: u32| placed.get(&vertex).map_or((0.0, 0.0), |(x, y)| (x - left + SPACING, y - top + SPACING));
    for (node, vertex) in nodes.iter_mut().zip(0u32..) {
        (node.x, node.y) = at(vertex);
    }
    let bends = points.iter().map(|chain| chain.iter().map(|point| at(*point)).collect()).collect();
    let right = nodes.iter().map(|node| node.x + node.width / 2.0).fold(0.0, f64::max);
    let below = nodes.iter().map(|node| node.y + node.height / 2.0).fold(0.0, f64::max);
    Picture { nodes, bends, width: right + SPACING * 2.0, height: below + SPACING }
}

fn sized(shape: Shape, text: &str) -> Placed {
    let lines = lines(text, WRAP);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let padding = if shape == Shape::Decision { 44.0 } else { 28.0 };
    #[expect(clippy::cast_precision_loss, reason = "a label has far fewer characters")]
    let (width, height) = (longest as f64 * CHARACTER + padding, lines.len() as f64 * LINE + 18.0);
    Placed { lines, x: 0.0, y: 0.0, width: width.max(60.0), height }
}

type Positions = BTreeMap<u32, (f64, f64)>;

fn positions(nodes: &[Placed], links: &[(u32, u32)]) -> Positions {
    run(&sizes(nodes), links)
}

fn sizes(nodes: &[Placed]) -> Vec<(u32, (f64, f64))> {
    (0u32..).zip(nodes).map(|(at, node)| (at, (node.width, node.height))).collect()
}

/// The library's positions, with the first node on top.
fn run(sizes: &[(u32, (f64, f64))], links: &[(u32, u32)]) -> Positions {
    let config = Config { vertex_spacing: SPACING, dummy_vertices: false, ..Config::default() };
    // The library does not come to an end where two ways join the same two nodes.
    let links: Vec<_> = links.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let mut positions = Positions::new();
    let mut offset = 0.0;
    for (part, width, _) in from_vertices_and_edges(sizes, &links, &config) {
        for (vertex, (x, y)) in part {
            positions.insert(u32::try_from(vertex).unwrap_or(u32::MAX), (x + offset, y));
        }
        offset += width + SPACING;
    }
    let top = positions.get(&0).map_or(0.0, |(_, y)| *y);
    if positions.values().any(|(_, y)| *y < top - 0.5) {
        positions.values_mut().for_each(|(_, y)| *y = -*y);
    }
    positions
}

/// The distinct heights, from the top.
fn layers(positions: &Positions) -> Vec<f64> {
    let mut heights: Vec<f64> = positions.values().map(|(_, y)| *y).collect();
    heights.sort_by(f64::total_cmp);
    heights.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    heights
}

fn layer(layers: &[f64], positions: &Positions, vertex: u32) -> usize {
    let y = positions.get(&vertex).map_or(0.0, |(_, y)| *y);
    layers.iter().position(|height| (height - y).abs() < 1.0).unwrap_or(0)
}

fn corner(positions: &Positions, sizes: &[(u32, (f64, f64))]) -> (f64, f64) {
    let corners = sizes.iter().filter_map(|(vertex, (width, height))| {
        positions.get(vertex).map(|(x, y)| (x - width / 2.0, y - height / 2.0))
    });
    corners.fold((f64::MAX, f64::MAX), |(left, top), (x, y)| (left.min(x), top.min(y)))
}

fn forward(graph: &Graph) -> Vec<(u32, u32)> {
    graph.edges.iter().filter(|edge| !edge.back).map(|edge| (place(edge.from), place(edge.to))).collect()
}

fn place(node: usize) -> u32 {
    u32::try_from(node).unwrap_or(u32::MAX)
}
