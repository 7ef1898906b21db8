//! Distances to a few prototypes.
//!
//! With few candidates a vector of candidates would stay mostly empty, so here a vector holds coordinates of one row:
//! a register block keeps the sums of `R` rows × `M` prototypes, and each sum is added up across its lanes at the end.
//! Every distance is summed in the same order wherever it falls, so duplicates tie exactly.

use pulp::{Simd, WithSimd};

use super::simd::Machine;
use super::{run_tasks, split_rows};

/// The most prototypes for which this form is taken.
pub(super) const FEW: usize = 8;
/// Rows of one task.
const BLOCK: usize = 512;

struct FewBlock<'a> {
    x: &'a [f32],
    y: &'a [f32],
    d: usize,
    /// `[rows, M]`.
    out: &'a mut [f32],
}

impl WithSimd for FewBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        // As many sums at once as fit sixteen registers beside the rows.
        match self.y.len() / self.d {
            1 => self.rows::<S, 4, 1>(s),
            2 => self.rows::<S, 4, 2>(s),
            3 => self.rows::<S, 3, 3>(s),
            4 => self.rows::<S, 3, 4>(s),
            5 => self.rows::<S, 2, 5>(s),
            6 => self.rows::<S, 2, 6>(s),
            7 => self.rows::<S, 1, 7>(s),
            _ => self.rows::<S, 1, 8>(s),
        }
    }
}

impl FewBlock<'_> {
    #[inline(always)]
    fn rows<S: Simd, const R: usize, const M: usize>(self, s: S) {
        let FewBlock { x, y, d, out } = self;
        let mut y_rows: [&[f32]; M] = [&[]; M];
        for (m, row) in y_rows.iter_mut().enumerate() {
            *row = &y[m * d..][..d];
        }
        let blocks = x.chunks_exact(R * d);
        let mut lines = out.chunks_exact_mut(R * M);
        let rest = blocks.remainder();
        for (block, line) in blocks.zip(lines.by_ref()) {
            distances::<S, R, M>(s, block, y_rows, d, line);
        }
        for (row, line) in rest.chunks_exact(d).zip(lines.into_remainder().chunks_exact_mut(M)) {
            distances::<S, 1, M>(s, row, y_rows, d, line);
        }
    }
}

/// The distances of `R` rows to `M` prototypes.
#[inline(always)]
fn distances<S: Simd, const R: usize, const M: usize>(
    s: S,
    x: &[f32],
    y: [&[f32]; M],
    d: usize,
    out: &mut [f32],
) {
    let whole = d / S::F32_LANES * S::F32_LANES;
    let mut acc = [[s.splat_f32s(0.0); M]; R];
    let mut heads: [&[S::f32s]; R] = [&[]; R];
    for (r, head) in heads.iter_mut().enumerate() {
        *head = &S::as_simd_f32s(&x[r * d..][..whole]).0[..d / S::F32_LANES];
    }
    let mut candidates: [&[S::f32s]; M] = [&[]; M];
    for m in 0..M {
        candidates[m] = &S::as_simd_f32s(&y[m][..whole]).0[..d / S::F32_LANES];
    }
    for i in 0..d / S::F32_LANES {
        for r in 0..R {
            for m in 0..M {
                let diff = s.sub_f32s(heads[r][i], candidates[m][i]);
                acc[r][m] = s.mul_add_e_f32s(diff, diff, acc[r][m]);
            }
        }
    }
    for r in 0..R {
        for m in 0..M {
            let mut sum = s.reduce_sum_f32s(acc[r][m]);
            for (a, b) in x[r * d + whole..][..d - whole].iter().zip(&y[m][whole..]) {
                sum += (a - b) * (a - b);
            }
            out[r * M + m] = sum;
        }
    }
}

/// `[B, N, M]` squared distances of `x` `[B, N, D]` and `y` `[B, M, D]`, `1 ≤ M ≤` [`FEW`], `D > 0`.
pub(super) fn pairwise(machine: Machine, x: &[f32], y: &[f32], [b, n, m, d]: [usize; 4]) -> Vec<f32> {
    let mut out = vec![0.0f32; b * n * m];
    if out.is_empty() {
        return out;
    }
    let per_episode = n.div_ceil(BLOCK);
    let tasks: Vec<_> = split_rows(&mut out, b, n, m, BLOCK).into_iter().enumerate().collect();
    run_tasks(tasks, b * n * m * d, |(i, out)| {
        let (episode, first) = (i / per_episode, i % per_episode * BLOCK);
        let x = &x[(episode * n + first) * d..][..out.len() / m * d];
        machine.run(FewBlock { x, y: &y[episode * m * d..][..m * d], d, out });
    });
    out
}

/// `[B, N]` labels of the nearest prototype and their squared distances, `1 ≤ M ≤` [`FEW`], `D > 0`.
pub(super) fn nearest(machine: Machine, x: &[f32], y: &[f32], shape: [usize; 4]) -> (Vec<i32>, Vec<f32>) {
    let all = pairwise(machine, x, y, shape);
    let rows = all.chunks_exact(shape[2]);
    // A NaN wins against nothing: a row of them has label 0, and shows its NaN.
    rows.map(|row| {
        row.iter().enumerate().skip(1).fold((0, row[0]), |best, (j, &distance)| {
            if distance < best.1 { (j as i32, distance) } else { best }
        })
    })
    .unzip()
}
