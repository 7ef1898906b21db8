//! Nodes and edges with given positions.

use crate::canvas::{Canvas, MARGIN};
use crate::scatter::{choose, cloud, entries, label, left_out};
use lowshot_protocol::{Graph, Role};

/// Nodes that may have their names written.
const NAMES: usize = 60;

pub(crate) fn draw(canvas: &mut Canvas, graph: &Graph) {
    let nodes = &graph.nodes;
    let mut legend = entries(nodes, &graph.classes, canvas.width);
    if graph.classes.is_empty() && legend.iter().all(|e| e.name.starts_with("class ") || e.name == "no class")
    {
        legend.clear();
    }
    canvas.legend(&legend);
    let kept = choose(nodes);
    left_out(canvas, kept.len(), nodes.len(), graph.edges.len());
    let finite = || nodes.iter().filter(|n| n.x.is_finite() && n.y.is_finite());
    let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for n in finite() {
        for (k, v) in [n.x, n.y].into_iter().enumerate() {
            let v = v.clamp(-1e300, 1e300);
            lo[k] = lo[k].min(v);
            hi[k] = hi[k].max(v);
        }
    }
    if lo[0] > hi[0] {
        return canvas.no_data("");
    }
    // Both directions have the same scale: positions of a graph carry distances.
    let (left, top) = (MARGIN + 12.0, canvas.top + 14.0);
    let (right, bottom) =
        (canvas.width - MARGIN - 12.0, (canvas.height - canvas.bottom() - 14.0).max(top + 20.0));
    let stretch = [0, 1].map(|k| if hi[k] - lo[k] > 1e-290 { hi[k] - lo[k] } else { 0.0 });
    let per = (stretch[0] / (right - left)).max(stretch[1] / (bottom - top));
    let middle = [0, 1].map(|k| lo[k] + (hi[k] - lo[k]) / 2.0);
    let (cx, cy) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let mut places = vec![None; nodes.len()];
    for i in kept {
        let n = &nodes[i];
        if n.x.is_finite() && n.y.is_finite() {
            let from = |v: f64, k: usize| {
                if per > 0.0 { (v.clamp(-1e300, 1e300) - middle[k]) / per } else { 0.0 }
            };
            places[i] = Some([cx + from(n.x, 0), cy - from(n.y, 1)]);
        }
    }
    let bounds = [2.0, canvas.top, canvas.width - 2.0, canvas.height - canvas.bottom() + 6.0];
    // Names of nodes take the place of names of classes.
    cloud(canvas, nodes, &[], &places, &graph.edges, &graph.classes, bounds, graph.names.is_empty(), "ls-x");
    let mut taken: Vec<[f64; 4]> =
        places.iter().flatten().map(|[x, y]| [x - 5.0, y - 5.0, x + 5.0, y + 5.0]).collect();
    for (i, place) in places.iter().enumerate().take(NAMES) {
        if let (Some(at), Some(name)) = (place, graph.names.get(i).filter(|n| !n.is_empty())) {
            let away = if nodes[i].role == Role::Query { 7.0 } else { 11.0 };
            label(canvas, name, "ls-t", *at, away, bounds, &mut taken);
        }
    }
}
