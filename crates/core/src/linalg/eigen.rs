//! Eigenvectors of small symmetric matrices.

/// Eigenvalues of a symmetric n × n matrix from the largest to the smallest, and its eigenvectors as rows in the same
/// order, by cyclic Jacobi rotations: accurate to about 1e-15 of the largest value, n³ operations a sweep.
#[must_use]
pub fn symmetric_eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut v = vec![0.0; n * n];
    for i in 0..n {
        v[i * n + i] = 1.0;
    }
    for _ in 0..60 {
        let (mut off, mut all) = (0.0, 0.0);
        for i in 0..n {
            for j in 0..n {
                let square = a[i * n + j] * a[i * n + j];
                all += square;
                if i != j {
                    off += square;
                }
            }
        }
        if off <= 1e-30 * all || off.is_nan() {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let coupling = a[p * n + q];
                if coupling == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * coupling);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                    let (x, y) = (v[p * n + k], v[q * n + k]);
                    v[p * n + k] = c * x - s * y;
                    v[q * n + k] = s * x + c * y;
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[j * n + j].total_cmp(&a[i * n + i]));
    let mut values = Vec::with_capacity(n);
    let mut vectors = Vec::with_capacity(n * n);
    for i in order {
        values.push(a[i * n + i]);
        vectors.extend_from_slice(&v[i * n..(i + 1) * n]);
    }
    (values, vectors)
}
