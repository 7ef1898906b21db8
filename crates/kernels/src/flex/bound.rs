//! The bound update and its loop, an episode at a time.
//!
//! Assignments are kept row by row, each row padded to whole vectors (5 classes fill one AVX2 vector), so that the
//! sparse product `W z` is a few vector loads and multiply-adds per row, without a gather. Costs are stored as
//! `-(a - min a)` with -1e30 in the padding: the row minimum changes no softmax, and with weights ≥ 0 it bounds the
//! exponent from below, so that the row maximum is needed only when λ·(row sum of W) is large.
//!
//! The energy costs no logarithm per entry. With `u = -a + λ b`, `b = W z_{t-1}` and `z_t = softmax(u)`,
//! `log z_t = u - lse`, hence `Σ z log z + Σ z a = λ Σ z_t·b - Σ lse`, and the product of the row sums, kept as
//! mantissa and exponent, needs one logarithm a block.

use pulp::{Simd, WithSimd};

use super::simd::{Machine, exp, round_up};
use super::{PARALLEL_FROM, run_tasks};
use crate::bound::BoundOptions;
use crate::extension::STATE;

/// The cost of a padding class: its exponential is 0.
const NO_CLASS: f32 = -1e30;
/// Rows of one task within an episode; fixed, so that sums do not depend on the number of threads.
const BLOCK: usize = 2048;
/// Rows whose products are summed in `f32` before they join an `f64` total.
const FLUSH: usize = 4;
/// `exp(60)·K` and its products over [`FLUSH`] rows stay far inside `f32` and `f64`.
const SAFE_EXPONENT: f32 = 60.0;

/// The graphs of a batch as slices.
pub(super) struct Graph<'a> {
    /// `[B, N + 1]`.
    pub row_ptr: &'a [i32],
    /// `[B, edges]`.
    pub col: &'a [i32],
    /// `[B, edges]`.
    pub weight: &'a [f32],
    /// Edges of an episode, padding included.
    pub edges: usize,
}

/// The graph of one episode with every index checked once.
struct Edges<'a> {
    row_ptr: Vec<u32>,
    col: Vec<u32>,
    weight: &'a [f32],
}

impl<'a> Edges<'a> {
    fn new(graph: &Graph<'a>, episode: usize, n: usize) -> Self {
        let limit = graph.edges as i32;
        let row_ptr = &graph.row_ptr[episode * (n + 1)..][..n + 1];
        let span = episode * graph.edges..(episode + 1) * graph.edges;
        let last = n.saturating_sub(1) as i32;
        Edges {
            row_ptr: row_ptr.iter().map(|&p| p.clamp(0, limit) as u32).collect(),
            col: graph.col[span.clone()].iter().map(|&c| c.clamp(0, last) as u32).collect(),
            weight: &graph.weight[span],
        }
    }

    /// The largest row sum of `W`, and whether no weight is negative.
    fn row_sum(&self) -> (f32, bool) {
        let rows = self.row_ptr.windows(2);
        let sums =
            rows.map(|w| self.weight.get(w[0] as usize..w[1] as usize).unwrap_or(&[]).iter().sum::<f32>());
        (sums.fold(0.0, f32::max), self.weight.iter().all(|&w| w >= 0.0))
    }
}

/// One episode's problem, rows padded to `stride` floats.
struct Problem<'a> {
    machine: Machine,
    edges: Edges<'a>,
    /// `-(a - min a)`, `[N][stride]`.
    cost: Vec<f32>,
    /// `min a` of each row.
    low: Vec<f32>,
    n: usize,
    k: usize,
    stride: usize,
    lambda: f32,
    fixed: usize,
    /// Whether the row maximum has to be subtracted.
    shift: bool,
}

impl<'a> Problem<'a> {
    fn new(
        machine: Machine,
        a: &[f32],
        z: &[f32],
        k: usize,
        edges: Edges<'a>,
        lambda: f32,
        fixed: usize,
    ) -> Self {
        let (n, stride) = (a.len() / k, round_up(k, machine.lanes()));
        let mut cost = vec![NO_CLASS; n * stride];
        let mut low = Vec::with_capacity(n);
        for (line, row) in cost.chunks_exact_mut(stride).zip(a.chunks_exact(k)) {
            // Unlike `f32::min` this lets a NaN through, so that it shows in the energy and the row.
            let min = row.iter().fold(f32::INFINITY, |m, &v| if v < m || v.is_nan() { v } else { m });
            line.iter_mut().zip(row).for_each(|(c, &v)| *c = min - v);
            low.push(min);
        }
        let (row_sum, no_negative) = edges.row_sum();
        let largest = z.iter().fold(1.0f32, |m, &v| m.max(v));
        let plain = no_negative
            && lambda >= 0.0
            && lambda * row_sum * largest <= SAFE_EXPONENT
            && z.iter().all(|&v| v >= 0.0);
        Problem { machine, edges, cost, low, n, k, stride, lambda, fixed: fixed.min(n), shift: !plain }
    }

    /// `z` `[N, K]` in padded rows.
    fn pack(&self, z: &[f32]) -> Vec<f32> {
        let mut packed = vec![0.0; self.n * self.stride];
        for (line, row) in packed.chunks_exact_mut(self.stride).zip(z.chunks_exact(self.k)) {
            line[..self.k].copy_from_slice(row);
        }
        packed
    }

    /// Padded rows as `[N, K]`; rows whose costs hold a NaN become NaN.
    fn unpack(&self, packed: &[f32], out: &mut [f32]) {
        let rows = packed.chunks_exact(self.stride).zip(out.chunks_exact_mut(self.k));
        for ((p, (line, row)), low) in rows.enumerate().zip(&self.low) {
            row.copy_from_slice(&line[..self.k]);
            if low.is_nan() && p >= self.fixed {
                row.fill(f32::NAN);
            }
        }
    }

    /// One pass over all rows: `next` from `z`, with the sums of both.
    fn pass(&self, z: &[f32], next: &mut [f32]) -> Sums {
        let work = self.edges.col.len().max(self.n) * self.stride * 8;
        if self.n <= BLOCK || work < PARALLEL_FROM {
            return self.machine.run(Pass { problem: self, z, next, first: 0 });
        }
        let mut sums = vec![Sums::default(); self.n.div_ceil(BLOCK)];
        let tasks: Vec<_> = next.chunks_mut(BLOCK * self.stride).zip(&mut sums).enumerate().collect();
        run_tasks(tasks, work, |(i, (next, sum))| {
            *sum = self.machine.run(Pass { problem: self, z, next, first: i * BLOCK });
        });
        sums.into_iter().fold(Sums::default(), |t, s| Sums {
            pairwise: t.pairwise + s.pairwise,
            pull: t.pull + s.pull,
            lse: t.lse + s.lse,
        })
    }

    /// `Σ z·a` over rows, from the padded costs.
    fn unary(&self, z: &[f32], rows: core::ops::Range<usize>) -> f64 {
        let k = self.k;
        rows.map(|p| {
            let (z, cost) = (&z[p * self.stride..][..k], &self.cost[p * self.stride..][..k]);
            let low = f64::from(self.low[p]);
            z.iter().zip(cost).map(|(&z, &c)| f64::from(z) * (low - f64::from(c))).sum::<f64>()
        })
        .sum()
    }

    /// `Σ z log max(z, 1e-20)` over rows.
    fn entropy(&self, z: &[f32], rows: core::ops::Range<usize>) -> f64 {
        let entry = |&v: &f32| f64::from(v) * f64::from(v).max(1e-20).ln();
        rows.map(|p| z[p * self.stride..][..self.k].iter().map(entry).sum::<f64>()).sum()
    }
}

/// What one pass over all rows sums up.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// `Σ z·(Wz)` of the input, over all rows.
    pairwise: f64,
    /// `Σ z'·(Wz)` of the output, over the rows that move.
    pull: f64,
    /// `Σ log Σ exp` of the rows that move.
    lse: f64,
}

/// One pass over the rows from `first` on that `next` holds.
struct Pass<'a, 'g> {
    problem: &'a Problem<'g>,
    z: &'a [f32],
    next: &'a mut [f32],
    first: usize,
}

impl WithSimd for Pass<'_, '_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) -> Sums {
        let Pass { problem, z, next, first } = self;
        let (z, next) = (S::as_simd_f32s(z).0, S::as_mut_simd_f32s(next).0);
        let zero = s.splat_f32s(0.0);
        // Scratch as arrays of a constant length stays in registers.
        match problem.stride / S::F32_LANES {
            1 => pass_rows(s, problem, z, next, first, &mut [zero; 1], &mut [zero; 1]),
            2 => pass_rows(s, problem, z, next, first, &mut [zero; 2], &mut [zero; 2]),
            3 => pass_rows(s, problem, z, next, first, &mut [zero; 3], &mut [zero; 3]),
            c => pass_rows(s, problem, z, next, first, &mut vec![zero; c], &mut vec![zero; c]),
        }
    }
}

/// An `f64` total fed in vectors of `f32`.
struct Total<S: Simd> {
    open: S::f32s,
    lanes: [f64; 16],
}

impl<S: Simd> Total<S> {
    #[inline(always)]
    fn new(s: S) -> Self {
        Total { open: s.splat_f32s(0.0), lanes: [0.0; 16] }
    }

    #[inline(always)]
    fn flush(&mut self, s: S) {
        let open: &[f32] = bytemuck::cast_slice(core::slice::from_ref(&self.open));
        for (total, &v) in self.lanes.iter_mut().zip(open) {
            *total += f64::from(v);
        }
        self.open = s.splat_f32s(0.0);
    }

    fn sum(&self) -> f64 {
        self.lanes.iter().sum()
    }
}

/// A product of many factors ≥ tiny, as mantissa and exponent, for one logarithm at the end.
struct LogProduct {
    mantissa: f64,
    exponent: i64,
}

impl LogProduct {
    fn new() -> Self {
        LogProduct { mantissa: 1.0, exponent: 0 }
    }

    /// Moves the exponent of the mantissa out.
    #[inline(always)]
    fn normalize(&mut self) {
        let bits = self.mantissa.to_bits();
        self.exponent += (bits >> 52 & 0x7ff) as i64 - 1023;
        // Infinite and NaN products keep their exponent field, so that they stay what they are.
        if self.mantissa.is_finite() {
            self.mantissa = f64::from_bits(bits & !(0x7ff << 52) | 1023 << 52);
        }
    }

    fn ln(&self) -> f64 {
        self.mantissa.ln() + self.exponent as f64 * core::f64::consts::LN_2
    }
}

/// The rows of a pass; `pull` and `e` are scratch of one row. With arrays for scratch everything stays in registers.
#[inline(always)]
fn pass_rows<S: Simd>(
    s: S,
    problem: &Problem<'_>,
    z: &[S::f32s],
    next: &mut [S::f32s],
    first: usize,
    pull: &mut [S::f32s],
    e: &mut [S::f32s],
) -> Sums {
    let c = pull.len();
    let lambda = s.splat_f32s(problem.lambda);
    let costs = S::as_simd_f32s(&problem.cost).0;
    let (mut pairwise, mut pulled) = (Total::new(s), Total::new(s));
    let (mut product, mut shifted) = (LogProduct::new(), 0.0f64);
    let Edges { row_ptr, col, weight } = &problem.edges;
    for (i, out) in next.chunks_exact_mut(c).enumerate() {
        let p = first + i;
        pull.fill(s.splat_f32s(0.0));
        let span = row_ptr[p] as usize..row_ptr[p + 1] as usize;
        if let (Some(col), Some(weight)) = (col.get(span.clone()), weight.get(span)) {
            for (&q, &w) in col.iter().zip(weight) {
                let w = s.splat_f32s(w);
                let neighbor = &z[q as usize * c..][..c];
                for j in 0..c {
                    pull[j] = s.mul_add_e_f32s(w, neighbor[j], pull[j]);
                }
            }
        }
        let own = &z[p * c..][..c];
        for j in 0..c {
            pairwise.open = s.mul_add_e_f32s(own[j], pull[j], pairwise.open);
        }
        if p < problem.fixed {
            out.copy_from_slice(own);
        } else {
            let cost = &costs[p * c..][..c];
            for j in 0..c {
                e[j] = s.mul_add_e_f32s(lambda, pull[j], cost[j]);
            }
            if problem.shift {
                let mut top = e[0];
                for j in 1..c {
                    top = s.max_f32s(top, e[j]);
                }
                let top = s.reduce_max_f32s(top);
                shifted += f64::from(top);
                for j in 0..c {
                    e[j] = s.sub_f32s(e[j], s.splat_f32s(top));
                }
            }
            let mut sum = s.splat_f32s(0.0);
            for j in 0..c {
                e[j] = exp(s, e[j]);
                sum = s.add_f32s(sum, e[j]);
            }
            let sum = s.reduce_sum_f32s(sum);
            product.mantissa *= f64::from(sum);
            let scale = s.splat_f32s(1.0 / sum);
            for j in 0..c {
                out[j] = s.mul_f32s(e[j], scale);
                pulled.open = s.mul_add_e_f32s(out[j], pull[j], pulled.open);
            }
        }
        if i % FLUSH == FLUSH - 1 {
            pairwise.flush(s);
            pulled.flush(s);
            product.normalize();
        }
    }
    pairwise.flush(s);
    pulled.flush(s);
    Sums { pairwise: pairwise.sum(), pull: pulled.sum(), lse: product.ln() + shifted }
}

/// One update of every episode: the new assignments `[B, N, K]` and the energies of `z` `[B, 3]`.
pub(super) fn step(
    machine: Machine,
    a: &[f32],
    z: &[f32],
    [b, n, k]: [usize; 3],
    graph: &Graph<'_>,
    lambda: f32,
    fixed: usize,
) -> (Vec<f32>, Vec<f32>) {
    let (mut out, mut energy) = (vec![0.0f32; b * n * k], vec![0.0f32; b * 3]);
    if out.is_empty() {
        return (out, energy);
    }
    let tasks: Vec<_> = out.chunks_exact_mut(n * k).zip(energy.chunks_exact_mut(3)).enumerate().collect();
    run_tasks(tasks, 8 * b * (n + graph.edges) * k, |(i, (out, energy))| {
        let (a, z) = (&a[i * n * k..][..n * k], &z[i * n * k..][..n * k]);
        let problem = Problem::new(machine, a, z, k, Edges::new(graph, i, n), lambda, fixed);
        let z = problem.pack(z);
        let mut next = vec![0.0; z.len()];
        let sums = problem.pass(&z, &mut next);
        problem.unpack(&next, out);
        energy[0] = problem.entropy(&z, 0..n) as f32;
        energy[1] = problem.unary(&z, 0..n) as f32;
        energy[2] = sums.pairwise as f32;
    });
    (out, energy)
}

/// Every episode to its end: the assignments `[B, N, K]` and the states `[B, STATE]`.
pub(super) fn run(
    machine: Machine,
    a: &[f32],
    z: &[f32],
    [b, n, k]: [usize; 3],
    graph: &Graph<'_>,
    options: &BoundOptions,
) -> (Vec<f32>, Vec<f32>) {
    let (mut out, mut state) = (vec![0.0f32; b * n * k], vec![0.0f32; b * STATE]);
    if out.is_empty() {
        return (out, state);
    }
    let tasks: Vec<_> = out.chunks_exact_mut(n * k).zip(state.chunks_exact_mut(STATE)).enumerate().collect();
    // About ten iterations at least.
    run_tasks(tasks, 80 * b * (n + graph.edges) * k, |(i, (out, state))| {
        let (a, z) = (&a[i * n * k..][..n * k], &z[i * n * k..][..n * k]);
        let problem = Problem::new(machine, a, z, k, Edges::new(graph, i, n), options.lambda, options.fixed);
        let (z, found) = iterate(&problem, problem.pack(z), options);
        problem.unpack(&z, out);
        state.copy_from_slice(&found);
    });
    (out, state)
}

/// The loop of one episode.
fn iterate(problem: &Problem<'_>, mut z: Vec<f32>, options: &BoundOptions) -> (Vec<f32>, [f32; STATE]) {
    let lambda = f64::from(problem.lambda);
    let factor = f64::from(options.pairwise_factor) * lambda;
    // Rows that never move add constants.
    let fixed_entropy = problem.entropy(&z, 0..problem.fixed);
    let fixed_unary = problem.unary(&z, 0..problem.fixed);
    let low: f64 = problem.low[problem.fixed..].iter().map(|&v| f64::from(v)).sum();

    let mut next = z.clone();
    // Pass t makes z_{t+1} from z_t and, with what pass t-1 summed while it made z_t, gives the energy of z_t.
    let mut made = problem.pass(&z, &mut next);
    core::mem::swap(&mut z, &mut next);
    let mut previous = 0.0f64;
    let mut t = 1;
    loop {
        let sums = problem.pass(&z, &mut next);
        let energy =
            fixed_entropy + fixed_unary + low + lambda * made.pull - made.lse - factor * sums.pairwise;
        let settled = t > 2 && (energy - previous).abs() <= options.tolerance * previous.abs();
        if settled || t == options.max_iterations {
            let unary = problem.unary(&z, problem.fixed..problem.n);
            let entropy = low + lambda * made.pull - made.lse - unary;
            return (
                z,
                [
                    t as f32,
                    energy as f32,
                    1.0,
                    (fixed_entropy + entropy) as f32,
                    (fixed_unary + unary) as f32,
                    sums.pairwise as f32,
                ],
            );
        }
        previous = energy;
        made = sums;
        core::mem::swap(&mut z, &mut next);
        t += 1;
    }
}
