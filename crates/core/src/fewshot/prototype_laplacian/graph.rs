//! The neighbour graph, its self-loop in the monotone mode, and the bandwidth estimated from its edges.

use burn::tensor::{Device, Int, Tensor, TensorData};
use lowshot_kernels::{Csr, Neighbors, knn};

use super::config::{GraphKind, GraphParams, Inertia};
use crate::{CoreError, readback};

/// Rows up to which the smallest eigenvalue is sought (dense, f64, on the host).
const MAX_EIGEN_ROWS: usize = 1024;
/// A bandwidth estimate of 0 (all points equal) would divide by zero: this is far below any real σ².
const MIN_SIGMA_SQUARED: f32 = 1e-12;

/// What the solver needs to know about the neighbourhood of the points.
#[derive(Clone, Debug)]
pub(super) struct Neighborhood {
    /// The graph, if there is a Laplacian.
    pub graph: Option<Csr>,
    /// 2σ² of each task `[B]`, if there is a kernel.
    pub two_sigma_squared: Option<Tensor<1>>,
}

/// Finds the neighbours of all points of all tasks and makes what is asked for of them.
pub(super) async fn neighborhood(
    x: &Tensor<3>,
    params: &GraphParams,
    (with_graph, with_bandwidth): (bool, bool),
) -> Result<Neighborhood, CoreError> {
    let [b, n, _] = x.dims();
    let estimated = with_bandwidth && params.sigma.is_none();
    let neighbors = if with_graph || estimated {
        if params.edges >= n {
            let range = format!("at most {n}, the number of points in the graph");
            return Err(CoreError::range("knn", params.edges + 1, range));
        }
        Some(knn(x.clone(), params.edges))
    } else {
        None
    };
    let two_sigma_squared = match (with_bandwidth, params.sigma, &neighbors) {
        (false, ..) => None,
        (true, Some(sigma), _) => Some(Tensor::full([b], 2.0 * sigma * sigma, &x.device())),
        (true, None, None) => None,
        (true, None, Some(neighbors)) => Some(bandwidth(&neighbors.sqdist, params.sigma_divisor)),
    };
    let graph = match (with_graph, neighbors) {
        (true, Some(neighbors)) => Some(csr(neighbors, params).await?),
        _ => None,
    };
    Ok(Neighborhood { graph, two_sigma_squared })
}

/// 2σ² of each task with σ² = Σ w d² / (divisor · N). Symmetrising does not change the sum.
fn bandwidth(sqdist: &Tensor<3>, divisor: f64) -> Tensor<1> {
    let [b, n, edges] = sqdist.dims();
    let total = sqdist.clone().reshape([b, n * edges]).sum_dim(1).squeeze_dim::<1>(1);
    total.div_scalar(divisor * n as f64).clamp_min(MIN_SIGMA_SQUARED).mul_scalar(2.0)
}

async fn csr(neighbors: Neighbors, params: &GraphParams) -> Result<Csr, CoreError> {
    let [b, n, edges] = neighbors.index.dims();
    let device = neighbors.index.device();
    match params.kind {
        // Every row has the same number of edges, so nothing leaves the device.
        GraphKind::Directed => {
            let starts: Vec<i32> = (0..=n).map(|row| (row * edges) as i32).collect();
            let row_ptr = readback::indices(starts, [1, n + 1], &device).repeat_dim(0, b);
            let col = neighbors.index.reshape([b, n * edges]);
            Ok(Csr { row_ptr, col, weight: Tensor::ones([b, n * edges], &device) })
        }
        GraphKind::Symmetric => {
            let index = readback::integers("neighbours", neighbors.index).await?;
            let rows: Vec<Vec<Row>> = index
                .chunks(n * edges)
                .map(|task| with_inertia(symmetric_rows(task, n, edges), params.inertia))
                .collect();
            Ok(pack(&rows, n, &device))
        }
    }
}

/// The edges of one row: neighbour and weight, by neighbour.
pub(super) type Row = Vec<(i32, f32)>;

/// Rows of (W + Wᵀ)/2 for the directed graph whose point p points to `index[p·edges..]`.
pub(super) fn symmetric_rows(index: &[i64], n: usize, edges: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![Vec::with_capacity(2 * edges + 1); n];
    for (place, to) in index.iter().enumerate() {
        let (from, to) = (place / edges, *to as usize);
        rows[from].push((to as i32, 0.5));
        rows[to].push((from as i32, 0.5));
    }
    for row in &mut rows {
        row.sort_unstable_by_key(|(to, _)| *to);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }
    rows
}

fn with_inertia(mut rows: Vec<Row>, inertia: Option<Inertia>) -> Vec<Row> {
    let Some(inertia) = inertia else { return rows };
    let delta = match inertia {
        Inertia::MinEigenvalue if rows.len() <= MAX_EIGEN_ROWS => smallest_inertia(&rows),
        _ => largest_row_sum(&rows),
    };
    if delta > 0.0 {
        for (at, row) in rows.iter_mut().enumerate() {
            let place = row.partition_point(|(to, _)| (*to as usize) < at);
            row.insert(place, (at as i32, delta));
        }
    }
    rows
}

fn largest_row_sum(rows: &[Row]) -> f32 {
    rows.iter().map(|row| row.iter().map(|(_, w)| w).sum::<f32>()).fold(0.0, f32::max)
}

/// The smallest δ (to 1e-6 of the row sum, from above) for which W + δI has a Cholesky factor.
pub(super) fn smallest_inertia(rows: &[Row]) -> f32 {
    let n = rows.len();
    let mut dense = vec![0.0f64; n * n];
    for (row, edges) in rows.iter().enumerate() {
        edges.iter().for_each(|(to, w)| dense[row * n + *to as usize] = f64::from(*w));
    }
    let (mut low, mut high) = (0.0, f64::from(largest_row_sum(rows)));
    let resolution = 1e-6 * high.max(1.0);
    while high - low > resolution {
        let middle = 0.5 * (low + high);
        if is_positive_definite(&dense, n, middle) { high = middle } else { low = middle }
    }
    high as f32 + resolution as f32
}

/// Whether `dense + shift·I` (symmetric, row-major, n × n) has a Cholesky factor.
fn is_positive_definite(dense: &[f64], n: usize, shift: f64) -> bool {
    let mut factor = dense.to_vec();
    for column in 0..n {
        let mut pivot = factor[column * n + column] + shift;
        for k in 0..column {
            pivot -= factor[column * n + k] * factor[column * n + k];
        }
        if pivot <= 0.0 {
            return false;
        }
        let pivot = pivot.sqrt();
        factor[column * n + column] = pivot;
        for row in column + 1..n {
            let mut value = factor[row * n + column];
            for k in 0..column {
                value -= factor[row * n + k] * factor[column * n + k];
            }
            factor[row * n + column] = value / pivot;
        }
    }
    true
}

/// One CSR batch of graphs; shorter ones are padded with edges of weight 0 that belong to no row.
pub(super) fn pack(tasks: &[Vec<Row>], n: usize, device: &Device) -> Csr {
    let b = tasks.len();
    let edges = |task: &Vec<Row>| task.iter().map(Vec::len).sum::<usize>();
    // At least one column, since a device may refuse an empty buffer.
    let width = tasks.iter().map(edges).max().unwrap_or(0).max(1);
    let mut row_ptr = Vec::with_capacity(b * (n + 1));
    let (mut col, mut weight) = (Vec::with_capacity(b * width), Vec::with_capacity(b * width));
    for (task, rows) in tasks.iter().enumerate() {
        let mut end = 0;
        row_ptr.push(0);
        for row in rows {
            end += row.len() as i32;
            row_ptr.push(end);
            col.extend(row.iter().map(|(to, _)| *to));
            weight.extend(row.iter().map(|(_, w)| *w));
        }
        col.resize((task + 1) * width, 0);
        weight.resize((task + 1) * width, 0.0);
    }
    Csr {
        row_ptr: readback::indices(row_ptr, [b, n + 1], device),
        col: readback::indices(col, [b, width], device),
        weight: Tensor::from_data(TensorData::new(weight, [b, width]), device),
    }
}

/// The graphs of the tasks `index`.
pub(super) fn select(graph: &Csr, index: &Tensor<1, Int>) -> Csr {
    Csr {
        row_ptr: graph.row_ptr.clone().select(0, index.clone()),
        col: graph.col.clone().select(0, index.clone()),
        weight: graph.weight.clone().select(0, index.clone()),
    }
}
