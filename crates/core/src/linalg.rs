//! Small dense factorisations on the host, in f64.
//!
//! For matrices with many rows and few columns (d up to a few hundred): the rows stream through in blocks, only d × d
//! values are kept. Written out here because a linear-algebra crate would take a good part of the size that the
//! browser engine may have, for the three routines that are needed: a QR factor that grows by blocks of rows,
//! a rank-revealing QR of that factor, and Cholesky. Matrices are row-major slices. Only IEEE operations and
//! square roots are used, so native and WebAssembly builds give the same bits.

/// Rows of a block that keeps a block of `columns` columns within the second-level cache.
#[must_use]
pub fn block_rows(columns: usize) -> usize {
    (16_384 / columns.max(1)).max(16)
}

/// Dot product in four partial sums (a fixed order, which the compiler can put into vector registers).
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

/// `y += s·x`.
pub fn add_scaled(y: &mut [f64], s: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += s * x;
    }
}

/// Adds `weight · row rowᵀ` to the lower triangle of `gram` (d × d).
pub fn add_outer(gram: &mut [f64], weight: f64, row: &[f64]) {
    let d = row.len();
    for (a, line) in gram.chunks_exact_mut(d.max(1)).enumerate() {
        add_scaled(&mut line[..=a], weight * row[a], &row[..=a]);
    }
}

/// `rows` (k × d) times `map` (d × r) into `out` (k × r).
pub fn multiply(rows: &[f64], map: &[f64], d: usize, r: usize, out: &mut [f64]) {
    for (row, out) in rows.chunks_exact(d.max(1)).zip(out.chunks_exact_mut(r.max(1))) {
        out.fill(0.0);
        for (value, line) in row.iter().zip(map.chunks_exact(r.max(1))) {
            if *value != 0.0 {
                add_scaled(out, *value, line);
            }
        }
    }
}

/// The R factor of a matrix whose rows arrive in blocks, by Householder reflections (backward stable).
#[derive(Clone, Debug)]
pub struct RowQr {
    d: usize,
    r: Vec<f64>,
    block: Vec<f64>,
}

impl RowQr {
    /// The factor of no rows yet, for `columns` columns.
    #[must_use]
    pub fn new(columns: usize) -> RowQr {
        RowQr { d: columns, r: vec![0.0; columns * columns], block: Vec::new() }
    }

    /// Takes more rows (row-major, all finite): 2·k·d² operations for k rows.
    pub fn push(&mut self, rows: &[f64]) {
        let d = self.d;
        let k = rows.len() / d.max(1);
        if k == 0 {
            return;
        }
        self.block.clear();
        self.block.resize(k * d, 0.0);
        for (i, row) in rows.chunks_exact(d.max(1)).enumerate() {
            for (j, value) in row.iter().enumerate() {
                self.block[j * k + i] = *value;
            }
        }
        for j in 0..d {
            let (head, rest) = self.block.split_at_mut((j + 1) * k);
            let v = &mut head[j * k..];
            // Scaled by the largest entry, so that squares neither overflow nor vanish.
            let alpha = self.r[j * d + j];
            let top = v.iter().fold(alpha.abs(), |top, x| top.max(x.abs()));
            if v.iter().all(|x| *x == 0.0) || top == 0.0 {
                continue;
            }
            let squares: f64 = v.iter().map(|x| (x / top) * (x / top)).sum();
            let norm = top * (squares + (alpha / top) * (alpha / top)).sqrt();
            let beta = if alpha > 0.0 { -norm } else { norm };
            let pivot = alpha - beta;
            let tau = -pivot / beta;
            v.iter_mut().for_each(|x| *x /= pivot);
            self.r[j * d + j] = beta;
            for (c, column) in (j + 1..d).zip(rest.chunks_exact_mut(k)) {
                let s = tau * (self.r[j * d + c] + dot(v, column));
                self.r[j * d + c] -= s;
                add_scaled(column, -s, v);
            }
        }
    }

    /// The upper triangular factor, d × d: its RᵀR is AᵀA.
    #[must_use]
    pub fn factor(&self) -> &[f64] {
        &self.r
    }

    /// The map T (d × r) for which A·T has orthonormal columns that span the columns of A, and the rank r.
    ///
    /// Columns are compared at unit length; one that depends on the others up to `tolerance` (for example 1e-10)
    /// is left out, which gives its row of T zeros. By QR with column pivoting of the factor.
    #[must_use]
    pub fn whitening(&self, tolerance: f64) -> (Vec<f64>, usize) {
        let d = self.d;
        // Columns as vectors, at unit length: `column[j][i]` is R[i, j].
        let mut columns: Vec<Vec<f64>> =
            (0..d).map(|j| (0..d).map(|i| self.r[i * d + j]).collect()).collect();
        let mut lengths = vec![0.0; d];
        for (column, length) in columns.iter_mut().zip(&mut lengths) {
            let top = column.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
            if top > 0.0 {
                *length = top * column.iter().map(|x| (x / top) * (x / top)).sum::<f64>().sqrt();
                column.iter_mut().for_each(|x| *x /= *length);
            }
        }
        let mut order: Vec<usize> = (0..d).collect();
        let mut rank = 0;
        while rank < d {
            let rest = |at: usize| dot(&columns[order[at]], &columns[order[at]]);
            let best = (rank..d).fold(rank, |best, at| if rest(at) > rest(best) { at } else { best });
            let length = rest(best).sqrt();
            if length <= tolerance {
                break;
            }
            order.swap(rank, best);
            let pivot: Vec<f64> = columns[order[rank]].iter().map(|x| x / length).collect();
            rank += 1;
            for later in &order[rank..] {
                let s = dot(&pivot, &columns[*later]);
                add_scaled(&mut columns[*later], -s, &pivot);
            }
        }
        let chosen = &order[..rank];
        // The chosen columns once more by Householder: their factor is accurate whatever the pivoting lost.
        let mut reduced = RowQr::new(rank);
        let lines = self.r.chunks_exact(d.max(1));
        let rows: Vec<f64> = lines.flat_map(|line| chosen.iter().map(|j| line[*j] / lengths[*j])).collect();
        reduced.push(&rows);
        let mut inverse = reduced.r;
        invert_upper(&mut inverse, rank);
        let mut map = vec![0.0; d * rank];
        for (k, j) in chosen.iter().enumerate() {
            for c in 0..rank {
                map[j * rank + c] = inverse[k * rank + c] / lengths[*j];
            }
        }
        (map, rank)
    }
}

/// Inverts an upper triangular matrix (n × n) with a diagonal without zeros, in place.
pub fn invert_upper(r: &mut [f64], n: usize) {
    for j in 0..n {
        let diagonal = 1.0 / r[j * n + j];
        r[j * n + j] = diagonal;
        // The leading j × j block is inverted already: column j of the inverse is −(that block)·u_j / u_jj.
        let column: Vec<f64> = (0..j).map(|k| r[k * n + j]).collect();
        for i in 0..j {
            let sum: f64 = (i..j).map(|k| r[i * n + k] * column[k]).sum();
            r[i * n + j] = -sum * diagonal;
        }
    }
}

/// Cholesky: the lower triangle of `g` (n × n, symmetric, only the lower triangle is read) becomes L with L·Lᵀ = g.
/// False, and `g` is spoilt, if a pivot is not positive.
#[must_use]
pub fn cholesky(g: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        for j in 0..=i {
            let (row_i, row_j) = (&g[i * n..i * n + j], &g[j * n..j * n + j]);
            let value = g[i * n + j] - dot(row_i, row_j);
            if i == j {
                // Also false for NaN.
                if !(value > 0.0 && value.is_finite()) {
                    return false;
                }
                g[i * n + i] = value.sqrt();
            } else {
                g[i * n + j] = value / g[j * n + j];
            }
        }
    }
    true
}

/// Solves L·Lᵀ·x = b in place, L from [`cholesky`].
pub fn solve_cholesky(l: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let value = (b[i] - dot(&l[i * n..i * n + i], &b[..i])) / l[i * n + i];
        b[i] = value;
    }
    for i in (0..n).rev() {
        let value = b[i] / l[i * n + i];
        b[i] = value;
        for j in 0..i {
            b[j] -= value * l[i * n + j];
        }
    }
}

/// Cholesky of `g` (lower triangle) into `factor`; if it is not positive definite to rounding, with as little added to
/// the diagonal as helps. Gives the share of the mean diagonal that was added (0 normally), or nothing if `g` is not finite.
#[must_use]
pub fn cholesky_with_ridge(g: &[f64], n: usize, factor: &mut Vec<f64>) -> Option<f64> {
    let mean = (0..n).map(|i| g[i * n + i]).sum::<f64>() / n.max(1) as f64;
    let mut ridge = 0.0;
    while ridge < 1.0 && mean.is_finite() {
        factor.clear();
        factor.extend_from_slice(g);
        (0..n).for_each(|i| factor[i * n + i] += ridge * mean);
        if cholesky(factor, n) {
            return Some(ridge);
        }
        ridge = if ridge == 0.0 { 1e-15 } else { ridge * 100.0 };
    }
    None
}

/// The inverse of an n × n matrix by elimination with pivots; nothing if it is singular to rounding.
#[must_use]
pub fn invert(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut a = matrix.to_vec();
    let mut inverse = vec![0.0; n * n];
    (0..n).for_each(|i| inverse[i * n + i] = 1.0);
    let size = a.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
    for k in 0..n {
        let pivot =
            (k..n).fold(k, |best, i| if a[i * n + k].abs() > a[best * n + k].abs() { i } else { best });
        let value = a[pivot * n + k];
        if !(value.abs() > 1e-13 * size && value.is_finite()) {
            return None;
        }
        for j in 0..n {
            a.swap(k * n + j, pivot * n + j);
            inverse.swap(k * n + j, pivot * n + j);
            a[k * n + j] /= value;
            inverse[k * n + j] /= value;
        }
        for i in (0..n).filter(|i| *i != k) {
            let factor = a[i * n + k];
            for j in 0..n {
                a[i * n + j] -= factor * a[k * n + j];
                inverse[i * n + j] -= factor * inverse[k * n + j];
            }
        }
    }
    Some(inverse)
}

mod eigen;

pub use eigen::symmetric_eigen;

#[cfg(test)]
mod tests;
