//! Two principal directions, for pictures.

/// Rounds of orthogonal iteration; a picture needs no more digits.
const ROUNDS: usize = 40;

/// A projection onto the first two principal directions of some rows.
///
/// Directions are found by orthogonal iteration in f64 from a fixed start, with the sign that makes the component of
/// largest magnitude positive, so that the same rows give the same picture everywhere. Eigenvalues that are equal
/// leave the directions undetermined; any two of their plane are then as good.
#[derive(Clone, Debug)]
pub struct Plane {
    mean: Vec<f64>,
    axes: [Vec<f64>; 2],
}

impl Plane {
    /// The plane of `rows` (row-major, `dims` values a row). Without rows or dimensions everything projects to 0.
    pub fn fit(rows: &[f32], dims: usize) -> Plane {
        let count = rows.len().checked_div(dims).unwrap_or(0);
        let mut mean = vec![0.0; dims];
        for row in rows.chunks_exact(dims.max(1)).take(count) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / count as f64);
        }
        let centred: Vec<f64> =
            rows.iter().enumerate().map(|(i, v)| f64::from(*v) - mean[i % dims]).collect();
        let start =
            |stride: usize| (0..dims).map(|d| if d % 2 == stride { 1.0 } else { 0.5 }).collect::<Vec<f64>>();
        let mut axes = [start(0), start(1)];
        for _ in 0..ROUNDS {
            axes = axes.map(|axis| covariance_times(&centred, dims, &axis));
            orthonormalise(&mut axes);
        }
        for axis in &mut axes {
            let largest = axis.iter().fold(0.0f64, |best, v| if v.abs() > best.abs() { *v } else { best });
            if largest < 0.0 {
                axis.iter_mut().for_each(|v| *v = -*v);
            }
        }
        Plane { mean, axes }
    }

    /// The place of a row of as many values as the plane was fitted on.
    pub fn project(&self, row: &[f32]) -> [f64; 2] {
        let along = |axis: &Vec<f64>| {
            row.iter().zip(&self.mean).zip(axis).map(|((v, m), a)| (f64::from(*v) - m) * a).sum()
        };
        [along(&self.axes[0]), along(&self.axes[1])]
    }
}

fn covariance_times(centred: &[f64], dims: usize, axis: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; dims];
    for row in centred.chunks_exact(dims.max(1)) {
        let along: f64 = row.iter().zip(axis).map(|(v, a)| v * a).sum();
        out.iter_mut().zip(row).for_each(|(o, v)| *o += along * v);
    }
    out
}

/// Gram-Schmidt; a direction without length becomes 0.
fn orthonormalise([first, second]: &mut [Vec<f64>; 2]) {
    normalise(first);
    let along: f64 = first.iter().zip(second.iter()).map(|(a, b)| a * b).sum();
    second.iter_mut().zip(first.iter()).for_each(|(b, a)| *b -= along * a);
    normalise(second);
}

fn normalise(v: &mut [f64]) {
    let norm = libm::sqrt(v.iter().map(|x| x * x).sum());
    let scale = if norm > 1e-150 { 1.0 / norm } else { 0.0 };
    v.iter_mut().for_each(|x| *x *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_directions_come_first() {
        // A cloud stretched by 3 along (0, 1, 0) and by 1 along (1, 0, 0), nothing along (0, 0, 1).
        let rows: Vec<f32> = [(3.0, 0.0), (-3.0, 0.0), (0.0, 1.0), (0.0, -1.0)]
            .iter()
            .flat_map(|(b, a)| [*a, *b + 5.0, 2.0])
            .collect();
        let plane = Plane::fit(&rows, 3);
        let [x, y] = plane.project(&rows[0..3]);
        assert!((x - 3.0).abs() < 1e-9 && y.abs() < 1e-9, "{x} {y}");
        let [x, y] = plane.project(&rows[6..9]);
        assert!(x.abs() < 1e-9 && (y - 1.0).abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn nothing_and_equal_rows_project_to_the_origin() {
        assert_eq!(Plane::fit(&[], 3).project(&[0.0; 3]), [0.0, 0.0]);
        assert_eq!(Plane::fit(&[1.0, 2.0, 1.0, 2.0], 2).project(&[1.0, 2.0]), [0.0, 0.0]);
        assert_eq!(Plane::fit(&[], 0).project(&[]), [0.0, 0.0]);
    }
}
