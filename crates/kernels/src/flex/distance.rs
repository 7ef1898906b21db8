//! All pairs and nearest neighbours, tile by tile.
//!
//! Candidates are transposed into a tile `[D][W]`, so that one vector holds one coordinate of many candidates and
//! a register block of `ROWS × VECTORS` distances needs no horizontal sums. Each distance is summed over the
//! coordinates in the same order wherever it falls, so duplicates tie exactly.

use pulp::{Simd, WithSimd};

use super::simd::{Machine, PAD, round_up};
use super::{run_tasks, split_rows};

/// Rows of a register block.
const ROWS: usize = 4;
/// Vectors of candidates in a register block.
const VECTORS: usize = 2;
/// Rows of one task of [`pairwise`].
const PAIR_BLOCK: usize = 64;

/// Candidates in a tile: at most 128, fewer when rows are long, so that the tile stays in the second-level cache, or
/// when there are not so many.
fn tile_width(d: usize, candidates: usize) -> usize {
    (32_768 / d.max(1)).clamp(PAD, 128).min(round_up(candidates, PAD)) / PAD * PAD
}

/// Copies `rows` `[len, D]` into `tile` `[D][width]`, transposed, zero in the padding.
#[inline(always)]
fn transpose(rows: &[f32], d: usize, width: usize, tile: &mut [f32]) {
    /// Rows moved together: a cache line of the tile.
    const TOGETHER: usize = 16;
    let len = rows.len() / d;
    for line in tile.chunks_exact_mut(width) {
        line[len..].fill(0.0);
    }
    for (group, rows) in rows.chunks(TOGETHER * d).enumerate() {
        let lines = tile.chunks_exact_mut(width);
        if rows.len() == TOGETHER * d {
            let mut sources: [&[f32]; TOGETHER] = [&[]; TOGETHER];
            for (source, row) in sources.iter_mut().zip(rows.chunks_exact(d)) {
                *source = row;
            }
            for (dim, line) in lines.enumerate() {
                for (to, source) in line[group * TOGETHER..][..TOGETHER].iter_mut().zip(&sources) {
                    *to = source[dim];
                }
            }
        } else {
            for (dim, line) in lines.enumerate() {
                for (to, source) in line[group * TOGETHER..].iter_mut().zip(rows.chunks_exact(d)) {
                    *to = source[dim];
                }
            }
        }
    }
}

/// The distances of `R` query rows to the `V` vectors of candidates at `at` (in vectors) of the tile.
//
// No closures from here on: a closure does not take over the instruction set of the function around it.
#[inline(always)]
fn block<S: Simd, const R: usize, const V: usize>(
    s: S,
    rows: [&[f32]; R],
    d: usize,
    tile: &[S::f32s],
    width: usize,
    at: usize,
) -> [[S::f32s; V]; R] {
    let mut acc = [[s.splat_f32s(0.0); V]; R];
    for row in rows {
        assert!(row.len() == d);
    }
    assert!(at + V <= width);
    for (dim, line) in tile.chunks_exact(width).take(d).enumerate() {
        let mut c = [s.splat_f32s(0.0); V];
        for v in 0..V {
            c[v] = line[at + v];
        }
        for r in 0..R {
            let x = s.splat_f32s(rows[r][dim]);
            for v in 0..V {
                let diff = s.sub_f32s(c[v], x);
                acc[r][v] = s.mul_add_e_f32s(diff, diff, acc[r][v]);
            }
        }
    }
    acc
}

/// [`block`] for queries that are transposed too: rows `first..first + R` of `queries` `[D][query_width]`.
#[inline(always)]
fn block_of_tile<S: Simd, const R: usize, const V: usize>(
    s: S,
    queries: &[f32],
    query_width: usize,
    first: usize,
    tile: &[S::f32s],
    width: usize,
    at: usize,
) -> [[S::f32s; V]; R] {
    let mut acc = [[s.splat_f32s(0.0); V]; R];
    assert!(at + V <= width && first + R <= query_width);
    for (x, line) in queries.chunks_exact(query_width).zip(tile.chunks_exact(width)) {
        let mut c = [s.splat_f32s(0.0); V];
        for v in 0..V {
            c[v] = line[at + v];
        }
        for r in 0..R {
            let x = s.splat_f32s(x[first + r]);
            for v in 0..V {
                let diff = s.sub_f32s(c[v], x);
                acc[r][v] = s.mul_add_e_f32s(diff, diff, acc[r][v]);
            }
        }
    }
    acc
}

/// The `R` rows from `first` on of `x` `[_, D]`.
#[inline(always)]
fn lines_of<const R: usize>(x: &[f32], first: usize, d: usize) -> [&[f32]; R] {
    let mut lines: [&[f32]; R] = [&[]; R];
    for (r, line) in lines.iter_mut().enumerate() {
        *line = &x[(first + r) * d..][..d];
    }
    lines
}

struct PairTile<'a> {
    x: &'a [f32],
    y: &'a [f32],
    d: usize,
    out: &'a mut [f32],
}

impl WithSimd for PairTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let PairTile { x, y, d, out } = self;
        if d == 0 || y.is_empty() {
            out.fill(0.0);
            return;
        }
        let m = y.len() / d;
        let width = tile_width(d, m);
        let mut tile = vec![0.0f32; d * width];
        for (t, candidates) in y.chunks(width * d).enumerate() {
            transpose(candidates, d, width, &mut tile);
            let (start, len) = (t * width, candidates.len() / d);
            let vectors = S::as_simd_f32s(&tile).0;
            if len <= S::F32_LANES {
                pair_tile::<S, { 2 * ROWS }, 1>(s, x, d, vectors, width / S::F32_LANES, out, m, start, len);
            } else {
                pair_tile::<S, ROWS, VECTORS>(s, x, d, vectors, width / S::F32_LANES, out, m, start, len);
            }
        }
    }
}

/// The distances of all rows of `x` to the `len` candidates of a tile, into columns `start..start + len` of `out`.
#[inline(always)]
fn pair_tile<S: Simd, const R: usize, const V: usize>(
    s: S,
    x: &[f32],
    d: usize,
    tile: &[S::f32s],
    width: usize,
    out: &mut [f32],
    m: usize,
    start: usize,
    len: usize,
) {
    for (rows, lines) in x.chunks(R * d).zip(out.chunks_mut(R * m)) {
        for at in (0..len.div_ceil(S::F32_LANES)).step_by(V) {
            let here = (len - at * S::F32_LANES).min(V * S::F32_LANES);
            let to = start + at * S::F32_LANES;
            if rows.len() == R * d {
                let acc = block::<S, R, V>(s, lines_of(rows, 0, d), d, tile, width, at);
                for (acc, line) in acc.iter().zip(lines.chunks_exact_mut(m)) {
                    let values: &[f32] = bytemuck::cast_slice(acc);
                    line[to..to + here].copy_from_slice(&values[..here]);
                }
            } else {
                for (row, line) in rows.chunks_exact(d).zip(lines.chunks_exact_mut(m)) {
                    let [acc] = block::<S, 1, V>(s, [row], d, tile, width, at);
                    let values: &[f32] = bytemuck::cast_slice(&acc);
                    line[to..to + here].copy_from_slice(&values[..here]);
                }
            }
        }
    }
}

/// `[B, N, M]` squared distances of `x` `[B, N, D]` and `y` `[B, M, D]`.
pub(super) fn pairwise(machine: Machine, x: &[f32], y: &[f32], [b, n, m, d]: [usize; 4]) -> Vec<f32> {
    let mut out = vec![0.0f32; b * n * m];
    if out.is_empty() || d == 0 {
        return out;
    }
    let per_episode = n.div_ceil(PAIR_BLOCK);
    let tasks: Vec<_> = split_rows(&mut out, b, n, m, PAIR_BLOCK).into_iter().enumerate().collect();
    run_tasks(tasks, b * n * m * d, |(i, out)| {
        let (episode, first) = (i / per_episode, i % per_episode * PAIR_BLOCK);
        let x = &x[(episode * n + first) * d..][..out.len() / m * d];
        let y = &y[episode * m * d..][..m * d];
        machine.run(PairTile { x, y, d, out });
    });
    out
}

/// The running best list of one query row, ascending by (distance, index).
struct Best<'a> {
    index: &'a mut [i32],
    sqdist: &'a mut [f32],
}

impl Best<'_> {
    /// Takes candidate `j` in; candidates come in ascending order, so an equal distance stays behind.
    #[inline(always)]
    fn offer(&mut self, j: i32, distance: f32) {
        let k = self.sqdist.len();
        if distance < self.sqdist[k - 1] {
            let mut slot = k - 1;
            while slot > 0 && distance < self.sqdist[slot - 1] {
                self.sqdist[slot] = self.sqdist[slot - 1];
                self.index[slot] = self.index[slot - 1];
                slot -= 1;
            }
            self.sqdist[slot] = distance;
            self.index[slot] = j;
        }
    }
}

struct KnnBlock<'a> {
    x: &'a [f32],
    d: usize,
    k: usize,
    /// The first query row.
    first: usize,
    index: &'a mut [i32],
    sqdist: &'a mut [f32],
}

impl KnnBlock<'_> {
    #[inline(always)]
    fn scan<S: Simd>(&mut self, s: S, query: usize, start: usize, len: usize, acc: &[S::f32s]) {
        let k = self.k;
        let mut best = Best {
            index: &mut self.index[query * k..(query + 1) * k],
            sqdist: &mut self.sqdist[query * k..(query + 1) * k],
        };
        let own = (self.first + query) as i32;
        for (v, &values) in acc.iter().enumerate() {
            let bound = s.splat_f32s(best.sqdist[k - 1]);
            if s.first_true_m32s(s.less_than_f32s(values, bound)) == S::F32_LANES {
                continue;
            }
            let lanes: &[f32] = bytemuck::cast_slice(core::slice::from_ref(&values));
            for (lane, &distance) in lanes.iter().enumerate() {
                let j = v * S::F32_LANES + lane;
                let id = (start + j) as i32;
                if j < len && id != own {
                    best.offer(id, distance);
                }
            }
        }
    }

    /// All rows of an episode that is in one tile: each distance is computed once and stands on both sides of the
    /// diagonal.
    #[inline(always)]
    fn scan_triangle<S: Simd>(&mut self, s: S, tile: &[f32], width: usize) {
        /// Rows of a register block of one vector.
        const TALL: usize = 2 * ROWS;
        let n = self.sqdist.len() / self.k;
        let (lanes, vectors) = (S::F32_LANES, S::as_simd_f32s(tile).0);
        let mut all = vec![0.0f32; width * width];
        for at in 0..n.div_ceil(lanes) {
            let column = at * lanes;
            for first in (0..n.min(column + lanes)).step_by(TALL) {
                let acc: [_; TALL] =
                    block_of_tile::<S, TALL, 1>(s, tile, width, first, vectors, width / lanes, at);
                for r in 0..TALL {
                    let values: &[f32] = bytemuck::cast_slice(&acc[r]);
                    all[(first + r) * width + column..][..lanes].copy_from_slice(values);
                    if first < column {
                        for (lane, &value) in values.iter().enumerate() {
                            all[(column + lane) * width + first + r] = value;
                        }
                    }
                }
            }
        }
        let all = S::as_simd_f32s(&all).0;
        for (row, line) in all.chunks_exact(width / lanes).take(n).enumerate() {
            self.scan(s, row, 0, n, &line[..n.div_ceil(lanes)]);
        }
    }
}

impl WithSimd for KnnBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let (x, d) = (self.x, self.d);
        let n = x.len() / d;
        let queries = self.sqdist.len() / self.k;
        let width = tile_width(d, n);
        let mut tile = vec![0.0f32; d * width];
        if n <= width {
            transpose(x, d, width, &mut tile);
            self.scan_triangle(s, &tile, width);
            return;
        }
        let mut own = vec![0.0f32; d * width];
        transpose(&x[self.first * d..(self.first + queries) * d], d, width, &mut own);
        for (t, candidates) in x.chunks(width * d).enumerate() {
            transpose(candidates, d, width, &mut tile);
            let (start, len) = (t * width, candidates.len() / d);
            let vectors = S::as_simd_f32s(&tile).0;
            for at in (0..len.div_ceil(S::F32_LANES)).step_by(VECTORS) {
                let lane = at * S::F32_LANES;
                // The last rows of a group may be padding: computed, but not looked at.
                for first in (0..queries).step_by(ROWS) {
                    let acc: [_; ROWS] = block_of_tile::<S, ROWS, VECTORS>(
                        s,
                        &own,
                        width,
                        first,
                        vectors,
                        width / S::F32_LANES,
                        at,
                    );
                    for r in 0..ROWS.min(queries - first) {
                        self.scan(s, first + r, start + lane, len - lane, &acc[r]);
                    }
                }
            }
        }
        debug_assert!(self.first + queries <= n);
    }
}

/// `[B, N, k]` neighbours and their squared distances.
pub(super) fn knn(machine: Machine, x: &[f32], [b, n, d]: [usize; 3], k: usize) -> (Vec<i32>, Vec<f32>) {
    // A row whose distances are all infinite or NaN keeps these valid numbers.
    let mut index = Vec::with_capacity(b * n * k);
    for _ in 0..b {
        for row in 0..n {
            index.extend((row + 1..=row + k).map(|j| if j < n { j as i32 } else { (j - n) as i32 }));
        }
    }
    if d == 0 {
        let rows = index.chunks_exact_mut(k).enumerate();
        rows.for_each(|(row, line)| {
            let others = (0..n as i32).filter(|&j| j != (row % n) as i32);
            line.iter_mut().zip(others).for_each(|(slot, j)| *slot = j);
        });
        return (index, vec![0.0; b * n * k]);
    }
    let mut sqdist = vec![f32::INFINITY; b * n * k];
    let block = tile_width(d, n);
    let per_episode = n.div_ceil(block);
    let tasks: Vec<_> = split_rows(&mut index, b, n, k, block)
        .into_iter()
        .zip(split_rows(&mut sqdist, b, n, k, block))
        .enumerate()
        .collect();
    run_tasks(tasks, b * n * n * d, |(i, (index, sqdist))| {
        let (episode, first) = (i / per_episode, i % per_episode * block);
        machine.run(KnnBlock { x: &x[episode * n * d..][..n * d], d, k, first, index, sqdist });
    });
    (index, sqdist)
}

// A tile is a whole number of register blocks on every machine.
const _: () = assert!(PAD.is_multiple_of(16 * VECTORS));
