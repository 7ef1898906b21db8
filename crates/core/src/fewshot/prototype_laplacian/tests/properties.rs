//! The invariants of the sheet on random problems.

use lowshot_kernels::{BoundOptions, bound_loop};
use proptest::prelude::*;

use super::super::graph::{pack, smallest_inertia, symmetric_rows};
use super::super::solver::{Support, first_assignments};
use super::*;
use crate::Rng;

fn any_mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(&Mode::ALL[..])
}

fn permuted_rows(tasks: &Tasks, order: &[usize]) -> Tensor<3> {
    let at: Vec<i32> = order.iter().map(|i| *i as i32).collect();
    tasks.x.clone().select(1, ints(&at, [order.len()]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn property_1_rows_lie_on_the_simplex(
        seed in 0u64..1000, mode in any_mode(), shots in 1usize..4, lambda in 0.0f64..3.0, clamp: bool, monotone: bool,
    ) {
        let tasks = random_tasks(seed, 3, 3, shots, 12, 4);
        let config =
            PrototypeLaplacianConfig { mode, lambda, clamp_support: clamp, monotone, ..Default::default() };
        let z = values(&classify(&config, &tasks).z);
        for row in z.chunks(3) {
            prop_assert!(row.iter().all(|v| *v >= 0.0));
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{:?}", row);
        }
    }

    #[test]
    fn property_2_k_means_is_lloyds_algorithm(seed in 0u64..1000, shots in 1usize..4, query in 5usize..30) {
        let tasks = random_tasks(seed, 2, 3, shots, query, 3);
        // SLK-Means with λ = 0 must be the same thing.
        for mode in [Mode::KMeans, Mode::SlkMeans] {
            let config = PrototypeLaplacianConfig {
                mode, lambda: 0.0, query_shift: false, tol_outer: 0.0, ..Default::default()
            };
            let found = classify(&config, &tasks);
            let (x, labels, support) = (values(&tasks.x), int_values(&found.label), int_values(&tasks.labels));
            let n = tasks.rows();
            for t in 0..2 {
                let rows: Vec<&[f32]> = x[t * n * 3..(t + 1) * n * 3].chunks(3).collect();
                let expected = lloyd(&rows, &support[t * tasks.support..(t + 1) * tasks.support], 3);
                prop_assert_eq!(&labels[t * n..(t + 1) * n], &expected[..]);
            }
        }
    }

    #[test]
    fn property_3_monotone_mode_never_increases_r(
        seed in 0u64..1000,
        mode in prop::sample::select(vec![Mode::KMeans, Mode::SlkMeans, Mode::SlkMs]),
        lambda in 0.1f64..8.0,
        clamp: bool,
        inertia in prop::sample::select(vec![Inertia::RowSum, Inertia::MinEigenvalue]),
    ) {
        let tasks = random_tasks(seed, 1, 3, 2, 14, 4);
        let config = PrototypeLaplacianConfig {
            mode, lambda, clamp_support: clamp, monotone: true, inertia, max_inner: Some(60), ..Default::default()
        };
        let mut seen = Recorder::default();
        block_on(PrototypeLaplacian::new(config.check().unwrap()).classify(&tasks, &mut seen)).unwrap();
        // From the first inner step on: before it, support rows are one-hot and the others are not comparable.
        let r: Vec<f64> = seen.steps[1..].iter().map(|s| s.relaxed[0]).collect();
        prop_assert!(r.len() > 2);
        for pair in r.windows(2) {
            prop_assert!(pair[1] <= pair[0] + 2e-5 * pair[0].abs().max(1.0), "{} after {}", pair[1], pair[0]);
        }
    }

    #[test]
    fn property_5_permuting_queries_permutes_labels(seed in 0u64..1000, mode in any_mode()) {
        let tasks = random_tasks(seed, 1, 3, 2, 15, 4);
        let n = tasks.rows();
        let mut order: Vec<usize> = (0..n).collect();
        Rng::new(seed).shuffle(&mut order[tasks.support..]);
        let config = PrototypeLaplacianConfig { mode, ..Default::default() };
        let plain = int_values(&classify(&config, &tasks).label);
        let moved = Tasks { x: permuted_rows(&tasks, &order), ..tasks.clone() };
        let found = int_values(&classify(&config, &moved).label);
        let expected: Vec<i64> = order.iter().map(|from| plain[*from]).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn property_5_permuting_classes_permutes_columns(seed in 0u64..1000, mode in any_mode()) {
        let tasks = random_tasks(seed, 1, 3, 2, 15, 4);
        let names = [2i64, 0, 1];
        let renamed: Vec<i32> = int_values(&tasks.labels).iter().map(|l| names[*l as usize] as i32).collect();
        let config = PrototypeLaplacianConfig { mode, ..Default::default() };
        let plain = classify(&config, &tasks);
        let other = Tasks { labels: ints(&renamed, [1, tasks.support]), ..tasks.clone() };
        let found = classify(&config, &other);
        let expected: Vec<i64> = int_values(&plain.label).iter().map(|l| names[*l as usize]).collect();
        prop_assert_eq!(int_values(&found.label), expected);
        let (z, moved) = (values(&plain.z), values(&found.z));
        for (row, moved) in z.chunks(3).zip(moved.chunks(3)) {
            (0..3).for_each(|c| assert!((row[c] - moved[names[c] as usize]).abs() < 1e-4));
        }
    }

    #[test]
    fn symmetric_graphs_are_symmetric_and_the_inertia_is_enough(seed in 0u64..1000, edges in 1usize..5) {
        let n = 12;
        let mut rng = Rng::new(seed);
        let index: Vec<i64> = (0..n)
            .flat_map(|p| rng.sample(n - 1, edges).into_iter().map(move |q| (if q >= p { q + 1 } else { q }) as i64))
            .collect();
        let rows = symmetric_rows(&index, n, edges);
        let weight = |p: usize, q: usize| {
            rows[p].iter().find(|(to, _)| *to == q as i32).map_or(0.0, |(_, w)| *w)
        };
        for p in 0..n {
            for q in 0..n {
                let directed = |a: usize, b: usize| index[a * edges..(a + 1) * edges].contains(&(b as i64));
                let expected = 0.5 * (f32::from(u8::from(directed(p, q))) + f32::from(u8::from(directed(q, p))));
                prop_assert_eq!(weight(p, q), expected);
            }
        }
        // vᵀ(W + δI)v ≥ 0 for random v, and not for a δ that is clearly too small along the worst direction.
        let delta = f64::from(smallest_inertia(&rows));
        prop_assert!(delta > 0.0);
        let mut worst = f64::INFINITY;
        let mut v: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        for _ in 0..2000 {
            // Power iteration of (c − W) finds λ_min.
            let c = 2.0 * edges as f64 + 1.0;
            let wv: Vec<f64> = (0..n).map(|p| (0..n).map(|q| f64::from(weight(p, q)) * v[q]).sum()).collect();
            let next: Vec<f64> = v.iter().zip(&wv).map(|(v, wv)| c * v - wv).collect();
            let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
            worst = worst.min(v.iter().zip(&wv).map(|(a, b)| a * b).sum::<f64>() / v.iter().map(|x| x * x).sum::<f64>());
            v = next.into_iter().map(|x| x / norm).collect();
        }
        prop_assert!(worst + delta >= -1e-9, "λ_min {} δ {}", worst, delta);
        prop_assert!(worst + delta <= 1e-3, "λ_min {} δ {}", worst, delta);
    }
}

fn lloyd(rows: &[&[f32]], support: &[i64], k: usize) -> Vec<i64> {
    let d = rows[0].len();
    let mean = |members: &[usize]| -> Vec<f64> {
        (0..d)
            .map(|i| members.iter().map(|p| f64::from(rows[*p][i])).sum::<f64>() / members.len() as f64)
            .collect()
    };
    let nearest = |centres: &[Vec<f64>]| -> Vec<i64> {
        let cost =
            |row: &[f32], m: &[f64]| row.iter().zip(m).map(|(x, m)| (f64::from(*x) - m).powi(2)).sum::<f64>();
        rows.iter()
            .map(|row| {
                (0..k).min_by(|a, b| cost(row, &centres[*a]).total_cmp(&cost(row, &centres[*b]))).unwrap()
                    as i64
            })
            .collect()
    };
    let of = |labels: &[i64], c: usize| -> Vec<usize> {
        (0..labels.len()).filter(|p| labels[*p] == c as i64).collect()
    };
    let first: Vec<Vec<f64>> = (0..k).map(|c| mean(&of(support, c))).collect();
    let mut labels = nearest(&first);
    labels[..support.len()].copy_from_slice(support);
    for _ in 0..100 {
        let centres: Vec<Vec<f64>> = (0..k).map(|c| mean(&of(&labels, c))).collect();
        let next = nearest(&centres);
        if (0..k).any(|c| of(&next, c).is_empty()) || next == labels {
            break;
        }
        labels = next;
    }
    labels
}

/// Property 6: with clamped support the labels found are no better than the best of all labelings, and the best
/// where it is clearly the best.
#[test]
fn property_6_brute_force_optimum() {
    let (mut clear, mut equal) = (0, 0);
    for seed in 0..200 {
        let mut rng = Rng::new(seed).split("brute force");
        let (n, fixed, lambda) = (11, 2, 1.5);
        // A path through all points makes the graph connected; some chords are added.
        let mut rows = vec![vec![]; n];
        let mut connect = |a: usize, b: usize| {
            rows[a].push((b as i32, 1.0f32));
            rows[b].push((a as i32, 1.0f32));
        };
        (1..n).for_each(|p| connect(p - 1, p));
        (0..4).for_each(|_| {
            let (a, b) = (rng.below(n), rng.below(n));
            if a.abs_diff(b) > 1 {
                connect(a, b);
            }
        });
        let a: Vec<f32> = (0..2 * n).map(|_| rng.uniform() as f32 * 4.0).collect();
        let energy = |label: &[usize]| -> f64 {
            let unary: f64 = label.iter().enumerate().map(|(p, l)| f64::from(a[2 * p + l])).sum();
            let same: f64 = (0..n)
                .flat_map(|p| rows[p].iter().map(move |(q, w)| (p, *q as usize, *w)))
                .filter(|(p, q, _)| label[*p] == label[*q])
                .map(|(_, _, w)| f64::from(w))
                .sum();
            unary - 0.5 * lambda * same
        };
        let mut all: Vec<f64> = (0..1usize << (n - fixed))
            .map(|bits| {
                let mut label = vec![0, 1];
                label.extend((0..n - fixed).map(|i| bits >> i & 1));
                energy(&label)
            })
            .collect();
        all.sort_by(f64::total_cmp);

        let graph = pack(std::slice::from_ref(&rows), n, &device());
        let costs = tensor(&a, [1, n, 2]);
        let z = first_assignments(&costs, Some(&Support::new(ints(&[0, 1], [1, 2]), n, 2)));
        let options = BoundOptions { lambda: lambda as f32, fixed, ..Default::default() };
        let z = values(&block_on(bound_loop(costs, z, &graph, &options)).unwrap().z);
        let label: Vec<usize> = z.chunks(2).map(|row| usize::from(row[1] > row[0])).collect();
        let found = energy(&label);
        assert!(found >= all[0] - 1e-6, "seed {seed}");
        // Clear: the second best labeling is worse by more than a whole edge.
        if all[1] - all[0] > lambda {
            clear += 1;
            equal += usize::from((found - all[0]).abs() < 1e-6);
        }
    }
    println!("{equal} of {clear} clear optima found");
    assert!(clear >= 20, "the test must see clear optima: {clear}");
    assert_eq!(equal, clear);
}
