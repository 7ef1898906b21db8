//! Loops over plain slices of the host, for algorithms that work there: no tensors, no threads.
//!
//! Written in lanes that the compiler puts into vector registers, and in this crate because it is compiled for speed
//! everywhere. Only IEEE operations in a fixed order, so every platform gives the same bits.

use crate::exponential::{EXP_POLY, LN2_HI, LN2_LO, ROUND};

/// Independent sums of a reduction: enough to fill the widest registers.
const LANES: usize = 16;
/// Exponents below this give 0, those above its negative are cut off: products of such numbers stay normal.
const EXP_MIN: f32 = -60.0;

/// `exp(x)` within about 2e-7 relative; 0 below -60, `exp(60)` above 60.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let top = -EXP_MIN;
    let cut = if x < EXP_MIN { EXP_MIN } else { x };
    let cut = if cut > top { top } else { cut };
    let rounded = cut * core::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (cut - n * LN2_HI) - n * LN2_LO;
    let mut p = EXP_POLY[0];
    for c in &EXP_POLY[1..] {
        p = p * r + c;
    }
    let y = p * (r * r) + (r + 1.0);
    // 2^n by adding n to the exponent field.
    let y = f32::from_bits(y.to_bits().wrapping_add(rounded.to_bits() << 23));
    if x < EXP_MIN { 0.0 } else { y }
}

/// `Σ aᵢ bᵢ` over the shorter of two slices.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (left, right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = left.remainder().iter().zip(right.remainder());
    let rest: f32 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for k in 0..LANES {
            lanes[k] += x[k] * y[k];
        }
    }
    fold(lanes) + rest
}

/// `Σ aᵢ bᵢ` over the shorter of two slices, in f64.
#[must_use]
pub fn dot_f64(a: &[f32], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = left.remainder().iter().zip(right.remainder());
    let rest: f64 = rest.map(|(x, y)| f64::from(*x) * y).sum();
    for (x, y) in left.zip(right) {
        for k in 0..8 {
            lanes[k] += f64::from(x[k]) * y[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    (((a + e) + (c + g)) + ((b + f) + (d + h))) + rest
}

/// `y += s·x` over the shorter of two slices.
pub fn add_scaled(y: &mut [f32], s: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += s * x;
    }
}

/// `y += s·x` over the shorter of two slices, in f64.
pub fn add_scaled_f64(y: &mut [f64], s: f64, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += s * f64::from(*x);
    }
}

/// A row of the kernel of entropic optimal transport: `out_j = exp((f + g_j - cost_j) · inverse)`.
///
/// Exponents are cut off at 60; below -60 the result is 0.
pub fn gibbs(cost: &[f32], f: f32, g: &[f32], inverse: f32, out: &mut [f32]) {
    for ((out, c), g) in out.iter_mut().zip(cost).zip(g) {
        *out = exp((f + (g - c)) * inverse);
    }
}

/// One iteration of matrix scaling, in one pass over `kernel` (row-major, as many rows as `scale`, as many columns as
/// `columns`): each row is scaled so that its product with `columns` is 1, and `sums` becomes the column sums of
/// `mass_i · scale_i · kernel_ij`.
///
/// Gives `Σ mass_i |scale_i · (kernel · columns)_i - 1|` with the scales as they were: how far the rows were off. A row
/// whose product underflows gets an infinite scale.
pub fn scale_rows(kernel: &[f32], columns: &[f32], mass: &[f32], scale: &mut [f32], sums: &mut [f32]) -> f64 {
    /// Rows that share a pass over `columns` and `sums`.
    const ROWS: usize = 4;
    let width = columns.len().max(1);
    let sums = &mut sums[..columns.len()];
    sums.fill(0.0);
    let mut error = 0.0;
    let mut rescale = |product: f32, mass: f32, scale: &mut f32| {
        error += f64::from(mass) * (f64::from(*scale) * f64::from(product) - 1.0).abs();
        *scale = 1.0 / product;
        mass * *scale
    };
    let blocks = kernel.chunks_exact(ROWS * width);
    let (tail, whole) = (blocks.remainder(), scale.len() / ROWS * ROWS);
    for ((rows, mass), scale) in blocks.zip(mass.chunks_exact(ROWS)).zip(scale.chunks_exact_mut(ROWS)) {
        let (a, rest) = rows.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, d) = rest.split_at(width);
        let [p, q, r, s] = [dot(a, columns), dot(b, columns), dot(c, columns), dot(d, columns)];
        let p = rescale(p, mass[0], &mut scale[0]);
        let q = rescale(q, mass[1], &mut scale[1]);
        let r = rescale(r, mass[2], &mut scale[2]);
        let s = rescale(s, mass[3], &mut scale[3]);
        for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum += (p * a + q * b) + (r * c + s * d);
        }
    }
    for ((row, mass), scale) in tail.chunks_exact(width).zip(&mass[whole..]).zip(&mut scale[whole..]) {
        let weight = rescale(dot(row, columns), *mass, scale);
        add_scaled(sums, weight, row);
    }
    error
}

fn fold(lanes: [f32; LANES]) -> f32 {
    let mut sums = lanes;
    for half in [8, 4, 2, 1] {
        for k in 0..half {
            sums[k] += sums[k + half];
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..n).map(|_| next() * 2.0 - 1.0).collect()
    }

    #[test]
    fn the_exponential_is_one() {
        for step in -6000..6000 {
            let x = step as f32 * 0.01;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 4e-7, "{x}: {} is not {right}", exp(x));
        }
        assert_eq!((exp(-60.1), exp(f32::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!(exp(1e9), exp(60.0));
    }

    #[test]
    fn products_and_sums_of_any_length() {
        for n in [0, 1, 7, 16, 33, 100] {
            let (a, b) = (numbers(n, 1), numbers(n, 2));
            let wide: Vec<f64> = b.iter().map(|v| f64::from(*v)).collect();
            let right: f64 = a.iter().zip(&wide).map(|(x, y)| f64::from(*x) * y).sum();
            assert!((f64::from(dot(&a, &b)) - right).abs() < 1e-5);
            assert!((dot_f64(&a, &wide) - right).abs() < 1e-12);
            let (mut y, mut z) = (b.clone(), wide.clone());
            add_scaled(&mut y, 0.5, &a);
            add_scaled_f64(&mut z, 0.5, &a);
            assert!(y.iter().zip(&z).all(|(y, z)| (f64::from(*y) - z).abs() < 1e-6));
        }
    }

    #[test]
    fn rows_are_scaled_and_columns_summed() {
        for rows in [1, 3, 4, 5, 11] {
            let columns: Vec<f32> = numbers(6, 3).iter().map(|v| v + 1.5).collect();
            let kernel: Vec<f32> = numbers(rows * 6, 4).iter().map(|v| v + 1.1).collect();
            let mass = vec![1.0 / rows as f32; rows];
            let (mut scale, mut sums) = (vec![1.0; rows], vec![9.0; 6]);
            let first = scale_rows(&kernel, &columns, &mass, &mut scale, &mut sums);
            assert!(first > 0.1);
            for (row, scale) in kernel.chunks_exact(6).zip(&scale) {
                assert!((scale * dot(row, &columns) - 1.0).abs() < 1e-6);
            }
            let right = |column: usize| -> f32 {
                (0..rows).map(|row| mass[row] * scale[row] * kernel[row * 6 + column]).sum()
            };
            assert!(sums.iter().enumerate().all(|(column, sum)| (sum - right(column)).abs() < 1e-5));
            assert!(scale_rows(&kernel, &columns, &mass, &mut scale, &mut sums) < 1e-6);
        }
    }

    #[test]
    fn kernel_rows_by_hand() {
        let mut out = [0.0; 3];
        gibbs(&[1.0, 2.0, 100.0], 0.5, &[0.5, 0.0, 0.0], 2.0, &mut out);
        assert_eq!((out[0], out[2]), (1.0, 0.0));
        assert!((out[1] - (-3.0f32).exp()).abs() < 1e-7);
    }
}
