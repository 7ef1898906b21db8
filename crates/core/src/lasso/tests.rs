//! A worked example, the optimality conditions, and the limit of the path.

use super::{basis_pursuit, largest_lambda, lasso_path};
use crate::Rng;
use crate::linalg::{dot, symmetric_eigen};
use proptest::prelude::*;

/// Columns (1,0), (0,1), (0.8,0.8), (−0.5,0.5) and the target (1,1).
const COLUMNS: [f64; 8] = [1.0, 0.0, 0.0, 1.0, 0.8, 0.8, -0.5, 0.5];
const TARGET: [f64; 2] = [1.0, 1.0];

fn normal(count: usize, rng: &mut Rng) -> Vec<f64> {
    (0..count).map(|_| rng.normal()).collect()
}

fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() <= tolerance, "{found:?}, wanted {wanted:?}");
    }
}

#[test]
fn the_worked_example() {
    assert!((largest_lambda(&COLUMNS, &TARGET) - 1.6).abs() < 1e-12);
    for (lambda, third) in [(0.1, 1.171875), (0.5, 0.859375), (1.5, 0.078125), (1.6, 0.0), (3.0, 0.0)] {
        let path = lasso_path(&COLUMNS, &TARGET, lambda);
        let last = path.last().unwrap();
        assert!((last.lambda - lambda).abs() < 1e-12);
        near(&last.x, &[0.0, 0.0, third, 0.0], 1e-9);
    }
}

#[test]
fn optimality_of_the_worked_example() {
    let x = lasso_path(&COLUMNS, &TARGET, 0.1).pop().unwrap().x;
    let rest = [1.0 - 0.8 * x[2], 1.0 - 0.8 * x[2]];
    let pulls: Vec<f64> = COLUMNS.chunks(2).map(|column| dot(column, &rest)).collect();
    near(&pulls, &[0.0625, 0.0625, 0.1, 0.0], 1e-9);
}

#[test]
fn the_path_begins_at_zero_and_shrinks_by_its_factor() {
    let path = lasso_path(&COLUMNS, &TARGET, 0.3);
    assert!(path[0].x.iter().all(|v| *v == 0.0));
    for pair in path.windows(2).take(path.len() - 2) {
        assert!((pair[1].lambda / pair[0].lambda - 0.7).abs() < 1e-12);
    }
    assert_eq!(path.last().unwrap().lambda, 0.3);
    let flat = lasso_path(&COLUMNS, &[0.0, 0.0], 0.1);
    assert_eq!(flat.len(), 1);
    assert_eq!(flat[0].x, [0.0; 4]);
}

/// The distance to the shortest exact combination shrinks in proportion to the weight.
#[test]
fn the_path_ends_at_the_shortest_combination() {
    let (mut ratios, mut distances) = (Vec::new(), Vec::new());
    for seed in 0..12 {
        let mut rng = Rng::new(seed).split("path");
        let (columns, target) = (normal(48, &mut rng), normal(4, &mut rng));
        let exact = basis_pursuit(&columns, &target).unwrap();
        let top = largest_lambda(&columns, &target);
        let distance = |share: f64| -> f64 {
            let x = lasso_path(&columns, &target, share * top).pop().unwrap().x;
            x.iter().zip(&exact).map(|(a, b)| (a - b).abs()).sum()
        };
        let (far, close) = (distance(1e-2), distance(1e-3));
        // A combination with a change of its support between the two weights is not in proportion.
        ratios.push(far / close);
        distances.push(close);
    }
    ratios.sort_by(f64::total_cmp);
    distances.sort_by(f64::total_cmp);
    assert!((8.0..=12.0).contains(&ratios[6]), "{ratios:?}");
    assert!(distances[6] < 0.02, "{distances:?}");
}

#[test]
fn targets_outside_of_the_span_have_no_exact_combination() {
    assert!(basis_pursuit(&[1.0, 0.0, 2.0, 0.0], &[1.0, 1.0]).is_none());
    // A row that says nothing is no obstacle.
    near(&basis_pursuit(&[1.0, 0.0, 2.0, 0.0], &[-1.0, 0.0]).unwrap(), &[0.0, -0.5], 1e-12);
    assert!(basis_pursuit(&[f64::NAN, 1.0], &[1.0, 1.0]).is_none());
    assert_eq!(basis_pursuit(&[1.0, 2.0, 3.0, 4.0], &[0.0, 0.0]).unwrap(), [0.0, 0.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn optimality_conditions(seed in 0u64..10_000, rows in 1usize..6, count in 1usize..20, share in 0.01f64..0.9) {
        let mut rng = Rng::new(seed);
        let (columns, target) = (normal(rows * count, &mut rng), normal(rows, &mut rng));
        let lambda = share * largest_lambda(&columns, &target);
        let x = lasso_path(&columns, &target, lambda).pop().unwrap().x;
        let mut rest = target.clone();
        for (t, column) in columns.chunks(rows).enumerate() {
            crate::linalg::add_scaled(&mut rest, -x[t], column);
        }
        for (t, column) in columns.chunks(rows).enumerate() {
            let pull = dot(column, &rest);
            prop_assert!(pull.abs() <= lambda + 1e-6);
            if x[t] != 0.0 {
                prop_assert!((pull - lambda * x[t].signum()).abs() < 1e-6, "{} {}", pull, lambda);
            }
        }
    }

    /// Feasible, at most K entries, and no longer than what any y with |Aᵀy| ≤ 1 proves: ‖x‖₁ = max bᵀy. The dual point
    /// is made from the support, so the test does not trust the method's own prices.
    #[test]
    fn the_shortest_combination_is_proved_by_its_dual(seed in 0u64..10_000, rows in 1usize..6, more in 0usize..20) {
        let mut rng = Rng::new(seed);
        let count = rows + more;
        let (columns, target) = (normal(rows * count, &mut rng), normal(rows, &mut rng));
        let x = basis_pursuit(&columns, &target).unwrap();
        let mut image = vec![0.0; rows];
        for (t, column) in columns.chunks(rows).enumerate() {
            crate::linalg::add_scaled(&mut image, x[t], column);
        }
        for (a, b) in image.iter().zip(&target) {
            prop_assert!((a - b).abs() < 1e-8);
        }
        let support: Vec<usize> = (0..count).filter(|t| x[*t] != 0.0).collect();
        prop_assert!(support.len() <= rows);
        if support.len() == rows {
            let mut square = Vec::new();
            for t in &support {
                square.extend_from_slice(&columns[t * rows..(t + 1) * rows]);
            }
            let inverse = crate::linalg::invert(&square, rows).unwrap();
            let signs: Vec<f64> = support.iter().map(|t| x[*t].signum()).collect();
            let y: Vec<f64> = inverse.chunks(rows).map(|line| dot(line, &signs)).collect();
            for column in columns.chunks(rows) {
                prop_assert!(dot(column, &y).abs() <= 1.0 + 1e-7);
            }
            let length: f64 = x.iter().map(|v| v.abs()).sum();
            prop_assert!((dot(&y, &target) - length).abs() < 1e-7 * (1.0 + length));
        }
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix(seed in 0u64..10_000, n in 1usize..12) {
        let mut rng = Rng::new(seed);
        let half = normal(n * n, &mut rng);
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                matrix[i * n + j] = half[i * n + j] + half[j * n + i];
            }
        }
        let (values, vectors) = symmetric_eigen(&matrix, n);
        prop_assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        for i in 0..n {
            for j in 0..n {
                let product = dot(&vectors[i * n..(i + 1) * n], &vectors[j * n..(j + 1) * n]);
                prop_assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
                let rebuilt: f64 = (0..n).map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j]).sum();
                prop_assert!((rebuilt - matrix[i * n + j]).abs() < 1e-11);
            }
        }
    }
}
