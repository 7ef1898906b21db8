//! Exact optimal transport of small problems, by successive shortest paths.

use super::{CostMatrix, check_masses};
use crate::CoreError;

/// Cells of a cost matrix up to which the exact solver is offered.
pub const EXACT_CELLS: usize = 1 << 18;
/// Mass that counts as none: far below any 1 / rows, far above what sums of 2^18 masses are rounded by.
const NOTHING: f64 = 1e-13;

/// The optimum.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactTransport {
    /// `Σ P_ij C_ij`, to about 1e-12 of the range of the costs.
    pub cost: f64,
    /// The cells of an optimal plan that are not 0: source, sink, mass.
    pub plan: Vec<(usize, usize, f64)>,
    /// Optimal potentials of the sources: `f_i + g_j ≤ C_ij`, with equality where mass flows.
    pub f: Vec<f64>,
    /// Optimal potentials of the sinks.
    pub g: Vec<f64>,
}

/// The cheapest plan that moves the masses `a` of the rows onto the masses `b` of the columns.
///
/// Mass is sent along shortest paths of the residual graph (Dijkstra with potentials), each as much as the path holds:
/// a few times rows + columns paths, each in about rows · columns operations. It is the check of [`super::Sinkhorn`],
/// and fit for small problems.
///
/// # Errors
/// [`CoreError::OutOfRange`] above [`EXACT_CELLS`] cells, or if masses do not sum to 1; [`CoreError::Shape`].
pub fn exact(cost: &CostMatrix, a: &[f64], b: &[f64]) -> Result<ExactTransport, CoreError> {
    check_masses(cost, a, b)?;
    let (n, m) = (cost.rows(), cost.columns());
    if n * m > EXACT_CELLS {
        return Err(CoreError::range(
            "exact transport",
            format!("{n} × {m} cells"),
            format!("at most {EXACT_CELLS} cells: use Sinkhorn for more"),
        ));
    }
    let total = |masses: &[f64]| masses.iter().sum::<f64>();
    let (sum_a, sum_b) = (total(a), total(b));
    let mut supply: Vec<f64> = a.iter().map(|v| v / sum_a).collect();
    let mut demand: Vec<f64> = b.iter().map(|v| v / sum_b).collect();
    let mut residual = Residual::new(cost);
    loop {
        let left: f64 = supply.iter().sum();
        let open: f64 = demand.iter().sum();
        if left <= NOTHING * n as f64 || open <= NOTHING * m as f64 {
            break;
        }
        if !residual.augment(&mut supply, &mut demand) {
            break;
        }
    }
    let mut plan = Vec::new();
    let mut sum = 0.0;
    for i in 0..n {
        for (j, c) in cost.row(i).iter().enumerate() {
            let mass = residual.flow[i * m + j];
            if mass > 0.0 {
                plan.push((i, j, mass));
                sum += mass * f64::from(*c);
            }
        }
    }
    Ok(ExactTransport { cost: sum, plan, f: residual.f, g: residual.g })
}

struct Residual<'a> {
    cost: &'a CostMatrix,
    flow: Vec<f64>,
    f: Vec<f64>,
    g: Vec<f64>,
    /// Of rows first, then of columns: length of the shortest path, and the node before.
    distance: Vec<f64>,
    before: Vec<usize>,
    done: Vec<bool>,
}

impl<'a> Residual<'a> {
    fn new(cost: &'a CostMatrix) -> Self {
        let (n, m) = (cost.rows(), cost.columns());
        let mut g = vec![f64::INFINITY; m];
        for i in 0..n {
            g.iter_mut().zip(cost.row(i)).for_each(|(g, c)| *g = g.min(f64::from(*c)));
        }
        Self {
            cost,
            flow: vec![0.0; n * m],
            f: vec![0.0; n],
            g,
            distance: vec![0.0; n + m],
            before: vec![usize::MAX; n + m],
            done: vec![false; n + m],
        }
    }

    /// Sends mass along one shortest path; false if there is none.
    fn augment(&mut self, supply: &mut [f64], demand: &mut [f64]) -> bool {
        let (n, m) = (self.cost.rows(), self.cost.columns());
        self.distance.fill(f64::INFINITY);
        self.done.fill(false);
        self.before.fill(usize::MAX);
        for (i, left) in supply.iter().enumerate() {
            if *left > NOTHING {
                self.distance[i] = 0.0;
            }
        }
        let end = loop {
            let mut next = usize::MAX;
            let mut best = f64::INFINITY;
            for node in 0..n + m {
                if !self.done[node] && self.distance[node] < best {
                    (best, next) = (self.distance[node], node);
                }
            }
            if next == usize::MAX {
                return false;
            }
            self.done[next] = true;
            if next < n {
                for (j, c) in self.cost.row(next).iter().enumerate() {
                    let reduced = (f64::from(*c) - self.f[next] - self.g[j]).max(0.0);
                    if best + reduced < self.distance[n + j] {
                        self.distance[n + j] = best + reduced;
                        self.before[n + j] = next;
                    }
                }
            } else {
                let j = next - n;
                if demand[j] > NOTHING {
                    break j;
                }
                for i in 0..n {
                    if self.flow[i * m + j] > 0.0 && best < self.distance[i] {
                        self.distance[i] = best;
                        self.before[i] = next;
                    }
                }
            }
        };
        let reach = self.distance[n + end];
        for (i, f) in self.f.iter_mut().enumerate() {
            *f -= self.distance[i].min(reach);
        }
        for (j, g) in self.g.iter_mut().enumerate() {
            *g += self.distance[n + j].min(reach);
        }
        // Back along the path: how much it holds, then the change.
        let mut path = Vec::new();
        let mut node = n + end;
        while self.before[node] != usize::MAX {
            path.push((self.before[node], node));
            node = self.before[node];
        }
        let mut mass = supply[node].min(demand[end]);
        for (from, to) in &path {
            if *from >= n {
                mass = mass.min(self.flow[to * m + from - n]);
            }
        }
        supply[node] -= mass;
        demand[end] -= mass;
        for (from, to) in path {
            if from < n {
                self.flow[from * m + to - n] += mass;
            } else {
                let flow = &mut self.flow[to * m + from - n];
                *flow -= mass;
                if *flow <= NOTHING * 0.1 {
                    *flow = 0.0;
                }
            }
        }
        true
    }
}
