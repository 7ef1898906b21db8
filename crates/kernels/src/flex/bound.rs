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
/// Rows of a group: their products are summed in `f32` before they join an `f64` total.
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
            return self.rows(z, next, 0);
        }
        let mut sums = vec![Sums::default(); self.n.div_ceil(BLOCK)];
        let tasks: Vec<_> = next.chunks_mut(BLOCK * self.stride).zip(&mut sums).enumerate().collect();
        run_tasks(tasks, work, |(i, (next, sum))| {
            *sum = self.rows(z, next, i * BLOCK);
        });
        sums.into_iter().fold(Sums::default(), |t, s| Sums {
            pairwise: t.pairwise + s.pairwise,
            pull: t.pull + s.pull,
            lse: t.lse + s.lse,
        })
    }

    /// The rows of a pass from `first` on. Not inlined: the code for every width of a row is needed once.
    #[inline(never)]
    fn rows(&self, z: &[f32], next: &mut [f32], first: usize) -> Sums {
        self.machine.run(Pass { problem: self, z, next, first })
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
        match problem.stride / S::F32_LANES {
            1 => pass_rows::<S, 1>(s, problem, z, next, first),
            2 => pass_rows::<S, 2>(s, problem, z, next, first),
            3 => pass_rows::<S, 3>(s, problem, z, next, first),
            c => {
                let mut sums = PassSums::new(s);
                let (mut pull, mut e) = (vec![s.splat_f32s(0.0); c], vec![s.splat_f32s(0.0); c]);
                for (i, out) in next.chunks_exact_mut(c).enumerate() {
                    update_row(s, problem, z, out, first + i, &mut pull, &mut e, &mut sums);
                }
                sums.finish(s)
            }
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

/// The sums of a pass while it runs.
struct PassSums<S: Simd> {
    pairwise: Total<S>,
    pull: Total<S>,
    product: LogProduct,
    shifted: f64,
}

impl<S: Simd> PassSums<S> {
    #[inline(always)]
    fn new(s: S) -> Self {
        PassSums { pairwise: Total::new(s), pull: Total::new(s), product: LogProduct::new(), shifted: 0.0 }
    }

    #[inline(always)]
    fn flush(&mut self, s: S) {
        self.pairwise.flush(s);
        self.pull.flush(s);
        self.product.normalize();
    }

    #[inline(always)]
    fn finish(mut self, s: S) -> Sums {
        self.flush(s);
        Sums { pairwise: self.pairwise.sum(), pull: self.pull.sum(), lse: self.product.ln() + self.shifted }
    }
}

/// The rows of a pass, `C` vectors each. Free rows go in groups of [`FLUSH`]: their chains of dependent operations
/// overlap, and constants are loaded once a group.
#[inline(always)]
fn pass_rows<S: Simd, const C: usize>(
    s: S,
    problem: &Problem<'_>,
    z: &[S::f32s],
    next: &mut [S::f32s],
    first: usize,
) -> Sums {
    let mut sums = PassSums::new(s);
    let zero = [s.splat_f32s(0.0); C];
    let fixed = problem.fixed.saturating_sub(first).min(next.len() / C);
    let (head, free) = next.split_at_mut(fixed * C);
    let mut p = first;
    for out in head.chunks_exact_mut(C) {
        update_row(s, problem, z, out, p, &mut zero.clone(), &mut zero.clone(), &mut sums);
        p += 1;
    }
    let mut groups = free.chunks_exact_mut(FLUSH * C);
    for out in groups.by_ref() {
        update_group::<S, C>(s, problem, z, out, p, &mut sums);
        p += FLUSH;
    }
    for out in groups.into_remainder().chunks_exact_mut(C) {
        update_row(s, problem, z, out, p, &mut zero.clone(), &mut zero.clone(), &mut sums);
        p += 1;
    }
    sums.finish(s)
}

/// `(W z)` of row `p` into `pull`, and its part of the pairwise sum.
#[inline(always)]
fn pull_row<S: Simd>(
    s: S,
    edges: &Edges<'_>,
    z: &[S::f32s],
    p: usize,
    pull: &mut [S::f32s],
    pairwise: &mut Total<S>,
) {
    let c = pull.len();
    pull.fill(s.splat_f32s(0.0));
    let span = edges.row_ptr[p] as usize..edges.row_ptr[p + 1] as usize;
    if let (Some(col), Some(weight)) = (edges.col.get(span.clone()), edges.weight.get(span)) {
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
}

/// [`FLUSH`] free rows from `p` on, stage by stage.
#[inline(always)]
fn update_group<S: Simd, const C: usize>(
    s: S,
    problem: &Problem<'_>,
    z: &[S::f32s],
    out: &mut [S::f32s],
    p: usize,
    sums: &mut PassSums<S>,
) {
    let mut pull = [[s.splat_f32s(0.0); C]; FLUSH];
    for (r, pull) in pull.iter_mut().enumerate() {
        pull_row(s, &problem.edges, z, p + r, pull, &mut sums.pairwise);
    }
    let lambda = s.splat_f32s(problem.lambda);
    let costs = &S::as_simd_f32s(&problem.cost).0[p * C..][..FLUSH * C];
    let mut e = [[s.splat_f32s(0.0); C]; FLUSH];
    for r in 0..FLUSH {
        for j in 0..C {
            e[r][j] = s.mul_add_e_f32s(lambda, pull[r][j], costs[r * C + j]);
        }
    }
    if problem.shift {
        for e in &mut e {
            sums.shifted += subtract_maximum(s, e);
        }
    }
    let mut total = [s.splat_f32s(0.0); FLUSH];
    for r in 0..FLUSH {
        for j in 0..C {
            e[r][j] = exp(s, e[r][j]);
            total[r] = s.add_f32s(total[r], e[r][j]);
        }
    }
    let mut product = 1.0f64;
    for r in 0..FLUSH {
        let sum = s.reduce_sum_f32s(total[r]);
        product *= f64::from(sum);
        let scale = s.splat_f32s(1.0 / sum);
        for j in 0..C {
            let value = s.mul_f32s(e[r][j], scale);
            out[r * C + j] = value;
            sums.pull.open = s.mul_add_e_f32s(value, pull[r][j], sums.pull.open);
        }
    }
    sums.product.mantissa *= product;
    sums.flush(s);
}

/// Subtracts the largest entry of a row, and gives it.
#[inline(always)]
fn subtract_maximum<S: Simd>(s: S, e: &mut [S::f32s]) -> f64 {
    let mut top = e[0];
    for &e in &e[1..] {
        top = s.max_f32s(top, e);
    }
    let top = s.reduce_max_f32s(top);
    for e in e {
        *e = s.sub_f32s(*e, s.splat_f32s(top));
    }
    f64::from(top)
}

/// One row, fixed or free; `pull` and `e` are scratch of one row.
#[inline(always)]
fn update_row<S: Simd>(
    s: S,
    problem: &Problem<'_>,
    z: &[S::f32s],
    out: &mut [S::f32s],
    p: usize,
    pull: &mut [S::f32s],
    e: &mut [S::f32s],
    sums: &mut PassSums<S>,
) {
    let c = pull.len();
    pull_row(s, &problem.edges, z, p, pull, &mut sums.pairwise);
    if p < problem.fixed {
        out.copy_from_slice(&z[p * c..][..c]);
    } else {
        let lambda = s.splat_f32s(problem.lambda);
        let cost = &S::as_simd_f32s(&problem.cost).0[p * c..][..c];
        for j in 0..c {
            e[j] = s.mul_add_e_f32s(lambda, pull[j], cost[j]);
        }
        if problem.shift {
            sums.shifted += subtract_maximum(s, e);
        }
        let mut sum = s.splat_f32s(0.0);
        for j in 0..c {
            e[j] = exp(s, e[j]);
            sum = s.add_f32s(sum, e[j]);
        }
        let sum = s.reduce_sum_f32s(sum);
        sums.product.mantissa *= f64::from(sum);
        let scale = s.splat_f32s(1.0 / sum);
        for j in 0..c {
            out[j] = s.mul_f32s(e[j], scale);
            sums.pull.open = s.mul_add_e_f32s(out[j], pull[j], sums.pull.open);
        }
    }
    sums.flush(s);
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
