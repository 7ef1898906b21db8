//! Nearest prototype: the assignment step of Lloyd's algorithm.
//!
//! Prototypes are transposed into `[D][M padded]` panels, so that one vector holds one coordinate of many
//! prototypes, and a register block keeps `R` rows × `V` vectors of scores `x·m - |m|²/2` through all coordinates:
//! one multiply-add per coordinate and prototype, no N×M matrix. The winner's distance is then summed directly.

use pulp::{Simd, WithSimd};

use super::simd::{Machine, round_up, sqdist};
use super::{run_tasks, split_rows};

/// Rows of one task.
const BLOCK: usize = 512;
/// The score of padding, below that of every finite prototype.
const NEVER: f32 = f32::NEG_INFINITY;

/// The prototypes of one episode, ready for the kernel.
struct Panels {
    /// `[D][width]`, `width` being `M` padded to whole vectors; zero in the padding.
    columns: Vec<f32>,
    /// `-|m|²/2`, [`NEVER`] in the padding, `[width]`.
    bias: Vec<f32>,
}

impl Panels {
    fn new(prototypes: &[f32], m: usize, d: usize, lanes: usize) -> Self {
        let width = round_up(m, lanes);
        let mut columns = vec![0.0f32; d * width];
        let mut bias = vec![NEVER; width];
        for (j, row) in prototypes.chunks_exact(d).enumerate().take(m) {
            for (dim, &value) in row.iter().enumerate() {
                columns[dim * width + j] = value;
            }
            let norm: f64 = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            bias[j] = (-0.5 * norm) as f32;
        }
        Panels { columns, bias }
    }
}

struct NearestBlock<'a> {
    x: &'a [f32],
    prototypes: &'a [f32],
    panels: &'a Panels,
    d: usize,
    label: &'a mut [i32],
    sqdist: &'a mut [f32],
}

/// The running best of one row: score and number of the vector it came from, lane by lane.
#[derive(Clone, Copy)]
struct Lanes<S: Simd> {
    score: S::f32s,
    vector: S::f32s,
}

/// Offers the scores of `V` vectors of prototypes, from `at` on, to `R` rows.
#[inline(always)]
fn panel<S: Simd, const R: usize, const V: usize>(
    s: S,
    rows: [&[f32]; R],
    d: usize,
    columns: &[S::f32s],
    bias: &[S::f32s],
    at: usize,
    best: &mut [Lanes<S>; R],
) {
    let width = bias.len();
    let mut acc = [[s.splat_f32s(0.0); V]; R];
    for r in 0..R {
        assert!(rows[r].len() == d);
        for v in 0..V {
            acc[r][v] = bias[at + v];
        }
    }
    assert!(at + V <= width);
    for (dim, line) in columns.chunks_exact(width).take(d).enumerate() {
        let mut c = [s.splat_f32s(0.0); V];
        for v in 0..V {
            c[v] = line[at + v];
        }
        for r in 0..R {
            let x = s.splat_f32s(rows[r][dim]);
            for v in 0..V {
                acc[r][v] = s.mul_add_e_f32s(x, c[v], acc[r][v]);
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            let better = s.greater_than_f32s(acc[r][v], best[r].score);
            best[r].score = s.select_f32s(better, acc[r][v], best[r].score);
            best[r].vector = s.select_f32s(better, s.splat_f32s((at + v) as f32), best[r].vector);
        }
    }
}

/// The labels of `R` rows: panels of four, then what is left.
#[inline(always)]
fn rows<S: Simd, const R: usize>(
    s: S,
    x: [&[f32]; R],
    d: usize,
    columns: &[S::f32s],
    bias: &[S::f32s],
) -> [usize; R] {
    let none = Lanes { score: s.splat_f32s(NEVER), vector: s.splat_f32s(0.0) };
    let mut best = [none; R];
    let width = bias.len();
    let mut at = 0;
    while at + 4 <= width {
        panel::<S, R, 4>(s, x, d, columns, bias, at, &mut best);
        at += 4;
    }
    match width - at {
        1 => panel::<S, R, 1>(s, x, d, columns, bias, at, &mut best),
        2 => panel::<S, R, 2>(s, x, d, columns, bias, at, &mut best),
        3 => panel::<S, R, 3>(s, x, d, columns, bias, at, &mut best),
        _ => {}
    }
    let mut labels = [0; R];
    for r in 0..R {
        // Among the lanes that hold the best score the lowest prototype number wins.
        let top = s.reduce_max_f32s(best[r].score);
        let score: &[f32] = bytemuck::cast_slice(core::slice::from_ref(&best[r].score));
        let vector: &[f32] = bytemuck::cast_slice(core::slice::from_ref(&best[r].vector));
        let mut label = usize::MAX;
        for (lane, (&value, &vector)) in score.iter().zip(vector).enumerate() {
            let id = vector as usize * S::F32_LANES + lane;
            label = if value == top { label.min(id) } else { label };
        }
        labels[r] = label;
    }
    labels
}

/// The rows `first..first + R` of a block: their labels and the distances to their prototypes.
#[inline(always)]
fn settle<S: Simd, const R: usize>(s: S, block: &mut NearestBlock<'_>, first: usize) {
    let (d, x, prototypes) = (block.d, block.x, block.prototypes);
    let columns = S::as_simd_f32s(&block.panels.columns).0;
    let bias = S::as_simd_f32s(&block.panels.bias).0;
    let mut lines: [&[f32]; R] = [&[]; R];
    for (r, line) in lines.iter_mut().enumerate() {
        *line = &x[(first + r) * d..][..d];
    }
    let labels = rows::<S, R>(s, lines, d, columns, bias);
    for r in 0..R {
        // NaN scores leave no winner: class 0, with the distance showing the NaN.
        let id = if labels[r] < prototypes.len() / d { labels[r] } else { 0 };
        block.label[first + r] = id as i32;
        block.sqdist[first + r] = sqdist(s, lines[r], &prototypes[id * d..][..d]);
    }
}

impl WithSimd for NearestBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        /// Rows of a register block: 3 × 4 accumulators fit 16 registers, 6 × 4 fit 32.
        const WIDE: usize = 6;
        const NARROW: usize = 3;
        let n = self.label.len();
        let mut i = 0;
        if S::REGISTER_COUNT >= 32 {
            while i + WIDE <= n {
                settle::<S, WIDE>(s, &mut self, i);
                i += WIDE;
            }
        }
        while i + NARROW <= n {
            settle::<S, NARROW>(s, &mut self, i);
            i += NARROW;
        }
        while i < n {
            settle::<S, 1>(s, &mut self, i);
            i += 1;
        }
    }
}

/// `[B, N]` labels and squared distances.
pub(super) fn nearest(
    machine: Machine,
    x: &[f32],
    prototypes: &[f32],
    [b, n, m, d]: [usize; 4],
) -> (Vec<i32>, Vec<f32>) {
    let mut label = vec![0i32; b * n];
    let mut sqdist = vec![0.0f32; b * n];
    if b * n == 0 || d == 0 {
        return (label, sqdist);
    }
    let lanes = machine.lanes();
    let panels: Vec<Panels> = prototypes.chunks_exact(m * d).map(|p| Panels::new(p, m, d, lanes)).collect();
    let per_episode = n.div_ceil(BLOCK);
    let tasks: Vec<_> = split_rows(&mut label, b, n, 1, BLOCK)
        .into_iter()
        .zip(split_rows(&mut sqdist, b, n, 1, BLOCK))
        .enumerate()
        .collect();
    run_tasks(tasks, b * n * m * d, |(i, (label, sqdist))| {
        let (episode, first) = (i / per_episode, i % per_episode * BLOCK);
        machine.run(NearestBlock {
            x: &x[(episode * n + first) * d..][..label.len() * d],
            prototypes: &prototypes[episode * m * d..][..m * d],
            panels: &panels[episode],
            d,
            label,
            sqdist,
        });
    });
    (label, sqdist)
}
