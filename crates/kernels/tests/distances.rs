//! Distances, neighbours, nearest prototypes and class sums against plain loops, on every device and in the
//! reference form.

#![allow(clippy::single_range_in_vec_init, reason = "that is how a part of a tensor is written")]

mod common;

use common::{Rng, close, devices, float, int, read, read_int, sqdist};
use lowshot_kernels::{Nearest, Neighbors, knn, nearest, pairwise_sqdist, reference, segment_sum};
use proptest::prelude::*;

type Form<F> = (&'static str, F);

/// Inputs: `lattice` gives many exact ties and duplicates.
fn rows(rng: &mut Rng, n: usize, lattice: bool) -> Vec<f32> {
    if lattice { rng.lattice(n) } else { rng.floats(n) }
}

fn expected_neighbors(x: &[f32], n: usize, d: usize, k: usize) -> Vec<Vec<(f64, usize)>> {
    (0..n)
        .map(|i| {
            let mut others: Vec<(f64, usize)> = (0..n)
                .filter(|&j| j != i)
                .map(|j| (sqdist(&x[i * d..(i + 1) * d], &x[j * d..(j + 1) * d]), j))
                .collect();
            others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            others.truncate(k);
            others
        })
        .collect()
}

fn check_knn(what: &str, found: Neighbors, x: &[f32], [b, n, d]: [usize; 3], k: usize, lattice: bool) {
    let (index, distance) = (read_int(found.index), read(found.sqdist));
    for episode in 0..b {
        let x = &x[episode * n * d..][..n * d];
        for (i, expected) in expected_neighbors(x, n, d, k).iter().enumerate() {
            let at = (episode * n + i) * k;
            let (got, got_distance) = (&index[at..at + k], &distance[at..at + k]);
            let sorted: Vec<f64> = expected.iter().map(|e| e.0).collect();
            close(&format!("{what} row {i}"), got_distance, &sorted, 1e-5, 1e-5);
            if lattice {
                let order: Vec<i32> = expected.iter().map(|e| e.1 as i32).collect();
                assert_eq!(got, order, "{what}: order of ties, row {i}");
            }
            for (s, &j) in got.iter().enumerate() {
                assert!((0..n as i32).contains(&j) && j as usize != i, "{what}: row {i} has neighbour {j}");
                assert!(!got[..s].contains(&j), "{what}: row {i} has {j} twice");
                let own = sqdist(&x[i * d..(i + 1) * d], &x[j as usize * d..(j as usize + 1) * d]);
                assert!(
                    (own - f64::from(got_distance[s])).abs() <= 1e-5 + 1e-5 * own,
                    "{what}: {j} is not there"
                );
            }
        }
    }
}

fn check_nearest(what: &str, found: Nearest, x: &[f32], p: &[f32], [b, n, m, d]: [usize; 4], lattice: bool) {
    let (label, distance) = (read_int(found.label), read(found.sqdist));
    for row in 0..b * n {
        let x = &x[row * d..(row + 1) * d];
        let p = &p[row / n * m * d..][..m * d];
        let all: Vec<f64> = p.chunks_exact(d).map(|p| sqdist(x, p)).collect();
        let best = all.iter().copied().fold(f64::INFINITY, f64::min);
        let got = usize::try_from(label[row]).expect("a label");
        assert!(all[got] <= best + 1e-5, "{what}: row {row} took {got} at {} instead of {best}", all[got]);
        close(&format!("{what} row {row}"), &distance[row..row + 1], &[all[got]], 1e-5, 1e-5);
        if lattice {
            assert_eq!(Some(got), all.iter().position(|&v| v == best), "{what}: ties go to the lower number");
        }
    }
}

fn check_segments(
    what: &str,
    x: &[f32],
    label: &[i32],
    [b, n, d]: [usize; 3],
    k: usize,
    sum: &[f32],
    count: &[f32],
) {
    let (mut expected, mut members) = (vec![0.0f64; b * k * d], vec![0.0f64; b * k]);
    for row in 0..b * n {
        if let Some(c) = usize::try_from(label[row]).ok().filter(|&c| c < k) {
            members[row / n * k + c] += 1.0;
            for dim in 0..d {
                expected[(row / n * k + c) * d + dim] += f64::from(x[row * d + dim]);
            }
        }
    }
    close(&format!("{what} count"), count, &members, 0.0, 0.0);
    close(&format!("{what} sum"), sum, &expected, 1e-5, 1e-4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distances_agree(seed: u64, b in 1usize..4, n in 1usize..70, m in 1usize..90, d in 1usize..40, lattice: bool) {
        let mut rng = Rng(seed);
        let (x, y) = (rows(&mut rng, b * n * d, lattice), rows(&mut rng, b * m * d, lattice));
        let mut expected = Vec::new();
        for e in 0..b {
            for i in 0..n {
                for j in 0..m {
                    expected.push(sqdist(&x[(e * n + i) * d..][..d], &y[(e * m + j) * d..][..d]));
                }
            }
        }
        for (name, device) in devices() {
            let forms: [Form<fn(_, _) -> _>; 2] =
                [("fused", pairwise_sqdist), ("reference", reference::pairwise_sqdist)];
            for (form, f) in forms {
                let got = read(f(float(&x, [b, n, d], device), float(&y, [b, m, d], device)));
                prop_assert!(got.iter().all(|&v| v >= 0.0));
                close(&format!("{form} on {name}"), &got, &expected, 1e-5, 1e-5);
            }
        }
    }

    #[test]
    fn neighbors_agree(seed: u64, b in 1usize..4, n in 2usize..90, d in 1usize..40, k in 1usize..8, lattice: bool) {
        let k = k.min(n - 1);
        let x = rows(&mut Rng(seed), b * n * d, lattice);
        for (name, device) in devices() {
            let forms: [Form<fn(_, _) -> _>; 2] = [("fused", knn), ("reference", reference::knn)];
            for (form, f) in forms {
                let found = f(float(&x, [b, n, d], device), k);
                check_knn(&format!("{form} on {name}"), found, &x, [b, n, d], k, lattice);
            }
        }
    }

    #[test]
    fn prototypes_agree(seed: u64, b in 1usize..4, n in 1usize..90, m in 1usize..70, d in 1usize..40, lattice: bool) {
        let mut rng = Rng(seed);
        let (x, p) = (rows(&mut rng, b * n * d, lattice), rows(&mut rng, b * m * d, lattice));
        for (name, device) in devices() {
            let forms: [Form<fn(_, _) -> _>; 2] = [("fused", nearest), ("reference", reference::nearest)];
            for (form, f) in forms {
                let found = f(float(&x, [b, n, d], device), float(&p, [b, m, d], device));
                check_nearest(&format!("{form} on {name}"), found, &x, &p, [b, n, m, d], lattice);
            }
        }
    }

    #[test]
    fn class_sums_agree(seed: u64, b in 1usize..4, n in 1usize..600, d in 1usize..70, k in 1usize..70) {
        let mut rng = Rng(seed);
        let x = rng.floats(b * n * d);
        // Some labels are outside 0..k on both sides.
        let label: Vec<i32> = (0..b * n).map(|_| rng.below(k + 3) as i32 - 1).collect();
        for (name, device) in devices() {
            let forms: [Form<fn(_, _, _) -> _>; 2] =
                [("fused", segment_sum), ("reference", reference::segment_sum)];
            for (form, f) in forms {
                let (sum, count) = f(float(&x, [b, n, d], device), int(&label, [b, n], device), k);
                let (sum, count) = (read(sum), read(count));
                check_segments(&format!("{form} on {name}"), &x, &label, [b, n, d], k, &sum, &count);
            }
        }
    }
}

#[test]
fn as_many_neighbors_as_there_are_and_the_most_allowed() {
    for (name, device) in devices() {
        let x = Rng(1).floats(5 * 3);
        check_knn(name, knn(float(&x, [1, 5, 3], device), 4), &x, [1, 5, 3], 4, false);
        let x = Rng(2).lattice(200 * 2);
        check_knn(name, knn(float(&x, [1, 200, 2], device), 32), &x, [1, 200, 2], 32, true);
    }
}

#[test]
fn a_row_is_not_its_own_neighbor_among_duplicates() {
    for (name, device) in devices() {
        let found = knn(float(&[0.5; 6 * 4], [1, 6, 4], device), 2);
        let expected = [1, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1];
        assert_eq!(read_int(found.index), expected, "{name}");
        assert_eq!(read(found.sqdist), [0.0; 12], "{name}");
    }
}

#[test]
fn the_same_tensor_twice_and_views_are_read_rightly() {
    for (name, device) in devices() {
        let data = Rng(3).floats(2 * 9 * 8);
        let x = float(&data, [2, 9, 8], device);
        let expected: Vec<f64> = (0..2 * 9 * 9)
            .map(|i| (i / 81, i / 9 % 9, i % 9))
            .map(|(e, i, j)| sqdist(&data[(e * 9 + i) * 8..][..8], &data[(e * 9 + j) * 8..][..8]))
            .collect();
        close(name, &read(pairwise_sqdist(x.clone(), x.clone())), &expected, 1e-5, 1e-5);

        // A slice, a permutation and a repeated view of the rows.
        let slice = x.clone().slice([1..2, 2..7, 0..8]);
        let copied = data[(9 + 2) * 8..(9 + 7) * 8].to_vec();
        check_knn(name, knn(slice, 2), &copied, [1, 5, 8], 2, false);
        let turned = x.clone().swap_dims(1, 2);
        let copied: Vec<f32> = (0..2 * 8 * 9).map(|i| data[(i / 72 * 9 + i % 9) * 8 + i / 9 % 8]).collect();
        check_knn(name, knn(turned, 3), &copied, [2, 8, 9], 3, false);
        let spread = x.clone().slice([0..1]).expand([3, 9, 8]);
        check_knn(name, knn(spread, 3), &data[..72].repeat(3), [3, 9, 8], 3, false);
    }
}

#[test]
fn many_rows_go_through_all_blocks() {
    let (n, d, k) = (9_000, 5, 9);
    let mut rng = Rng(4);
    let x = rng.floats(n * d);
    let p = rng.floats(k * d);
    for (name, device) in devices() {
        let found = nearest(float(&x, [1, n, d], device), float(&p, [1, k, d], device));
        let label = read_int(found.label.clone());
        check_nearest(name, found, &x, &p, [1, n, k, d], false);
        let (sum, count) = segment_sum(float(&x, [1, n, d], device), int(&label, [1, n], device), k);
        check_segments(name, &x, &label, [1, n, d], k, &read(sum), &read(count));
    }
}

#[test]
fn non_finite_rows_keep_valid_numbers() {
    for (name, device) in devices() {
        let mut x = Rng(5).floats(70 * 3);
        x[30] = f32::NAN;
        x[60] = f32::INFINITY;
        let index = read_int(knn(float(&x, [1, 70, 3], device), 4).index);
        for (row, line) in index.chunks_exact(4).enumerate() {
            assert!(
                line.iter().all(|&j| (0..70).contains(&j) && j as usize != row),
                "{name}: row {row}: {line:?}"
            );
        }
        let label =
            read_int(nearest(float(&x, [1, 70, 3], device), float(&x[..15], [1, 5, 3], device)).label);
        assert!(label.iter().all(|l| (0..5).contains(l)), "{name}");
    }
}

#[test]
fn empty_batches_give_empty_results() {
    for (name, device) in devices() {
        let x = float(&[], [0, 4, 3], device);
        assert_eq!(pairwise_sqdist(x.clone(), x.clone()).dims(), [0, 4, 4], "{name}");
        assert_eq!(knn(x.clone(), 2).index.dims(), [0, 4, 2], "{name}");
        assert_eq!(segment_sum(x, int(&[], [0, 4], device), 2).0.dims(), [0, 2, 3], "{name}");
    }
}
