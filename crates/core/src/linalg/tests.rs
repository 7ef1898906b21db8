use super::*;
use crate::Rng;

fn normal(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| rng.normal()).collect()
}

fn gram(a: &[f64], d: usize) -> Vec<f64> {
    let mut g = vec![0.0; d * d];
    a.chunks_exact(d).for_each(|row| add_outer(&mut g, 1.0, row));
    g
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} is not {b}");
}

#[test]
fn the_factor_does_not_depend_on_the_blocks_and_has_the_gram_matrix_of_the_rows() {
    let (n, d) = (57, 5);
    let a = normal(n * d, 1);
    for block in [1, 3, 20, 57] {
        let mut qr = RowQr::new(d);
        a.chunks(block * d).for_each(|rows| qr.push(rows));
        let r = qr.factor();
        for i in 0..d {
            assert!((0..i).all(|j| r[i * d + j] == 0.0), "upper triangular");
        }
        // RᵀR = Σ of outer products of the rows of R.
        for (x, y) in gram(r, d).iter().zip(gram(&a, d)) {
            close(*x, y, 1e-12);
        }
    }
}

#[test]
fn whitening_gives_orthonormal_columns_even_for_columns_of_very_different_size() {
    let (n, d) = (200, 4);
    let mut a = normal(n * d, 2);
    a.chunks_exact_mut(d).for_each(|row| {
        row[0] *= 1e12;
        row[1] *= 1e-9;
        row[3] += 1e6;
    });
    let mut qr = RowQr::new(d);
    qr.push(&a);
    let (map, rank) = qr.whitening(1e-10);
    assert_eq!(rank, d);
    let mut u = vec![0.0; n * d];
    multiply(&a, &map, d, rank, &mut u);
    let g = gram(&u, d);
    for i in 0..d {
        for j in 0..=i {
            close(g[i * d + j], f64::from(u8::from(i == j)), 1e-8);
        }
    }
}

#[test]
fn dependent_and_empty_columns_lower_the_rank() {
    let n = 40;
    let base = normal(n * 2, 3);
    let rows: Vec<f64> =
        base.chunks_exact(2).flat_map(|r| [r[0], 2.0 * r[0] - 3.0 * r[1], 0.0, r[1], r[0] + r[1]]).collect();
    let mut qr = RowQr::new(5);
    qr.push(&rows);
    let (map, rank) = qr.whitening(1e-10);
    assert_eq!((rank, map.len()), (2, 10));
    let none = RowQr::new(3).whitening(1e-10);
    assert_eq!(none.1, 0);
}

#[test]
fn extreme_values_neither_overflow_nor_vanish() {
    for scale in [1e200, 1e-200] {
        let mut qr = RowQr::new(2);
        qr.push(&[3.0 * scale, 0.0, 4.0 * scale, 0.0, 0.0, scale]);
        close(qr.factor()[0].abs() / scale, 5.0, 1e-14);
        assert_eq!(qr.whitening(1e-10).1, 2);
    }
}

#[test]
fn triangular_inverse_and_cholesky_by_hand() {
    let mut r = vec![2.0, 1.0, -1.0, 0.0, 4.0, 3.0, 0.0, 0.0, 5.0];
    invert_upper(&mut r, 3);
    let expected = [0.5, -0.125, 0.175, 0.0, 0.25, -0.15, 0.0, 0.0, 0.2];
    r.iter().zip(expected).for_each(|(x, y)| close(*x, y, 1e-15));
    // 4 2 / 2 5 = L Lᵀ with L = 2 0 / 1 2; solved for (8, 9) by x = (11/8, 10/8).
    let mut g = vec![4.0, f64::NAN, 2.0, 5.0];
    assert!(cholesky(&mut g, 2));
    assert_eq!([g[0], g[2], g[3]], [2.0, 1.0, 2.0]);
    let mut b = vec![8.0, 9.0];
    solve_cholesky(&g, 2, &mut b);
    assert_eq!(b, [1.375, 1.25]);
}

#[test]
fn cholesky_solves_random_systems() {
    let d = 7;
    let mut g = gram(&normal(60, 4)[..56], d);
    let x = normal(d, 5);
    let full = |i: usize, j: usize| if j <= i { g[i * d + j] } else { g[j * d + i] };
    let mut b: Vec<f64> = (0..d).map(|i| (0..d).map(|j| full(i, j) * x[j]).sum()).collect();
    assert!(cholesky(&mut g, d));
    solve_cholesky(&g, d, &mut b);
    b.iter().zip(&x).for_each(|(b, x)| close(*b, *x, 1e-9));
}

#[test]
fn a_singular_matrix_is_refused_or_mended_by_a_trace_of_a_ridge() {
    let g = vec![1.0, 0.0, 1.0, 1.0];
    assert!(!cholesky(&mut g.clone(), 2));
    let mut factor = Vec::new();
    let ridge = cholesky_with_ridge(&g, 2, &mut factor).unwrap();
    assert!(ridge > 0.0 && ridge < 1e-9, "{ridge}");
    assert_eq!(cholesky_with_ridge(&[4.0], 1, &mut factor), Some(0.0));
    assert_eq!(cholesky_with_ridge(&[f64::NAN], 1, &mut factor), None);
}

#[test]
fn an_inverse_times_its_matrix_is_one() {
    let n = 4;
    let mut a = normal(n * n, 6);
    a[0] = 0.0;
    let inverse = invert(&a, n).unwrap();
    let mut product = vec![0.0; n * n];
    multiply(&inverse, &a, n, n, &mut product);
    for (at, value) in product.iter().enumerate() {
        close(*value, f64::from(u8::from(at % (n + 1) == 0)), 1e-12);
    }
    assert_eq!(invert(&[1.0, 2.0, 2.0, 4.0], 2), None);
}
