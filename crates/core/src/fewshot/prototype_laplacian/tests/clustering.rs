//! Clustering without labels: seeds, modes, limits.

use super::super::seeding::k_means_plus_plus;
use super::*;
use crate::CoreError;
use crate::metrics::{clustering_accuracy, normalized_mutual_information};

/// Well separated groups on the unit sphere.
fn groups(seed: u64, per_group: usize, k: usize, dim: usize, noise: f64) -> (Tensor<2>, Vec<i64>) {
    let mut rng = Rng::new(seed).split("groups");
    let centres: Vec<f64> = (0..k * dim).map(|_| rng.normal()).collect();
    let (mut rows, mut truth) = (vec![], vec![]);
    for i in 0..per_group * k {
        rows.extend((0..dim).map(|d| (centres[(i % k) * dim + d] + noise * rng.normal()) as f32));
        truth.push((i % k) as i64);
    }
    (tensor(&rows, [per_group * k, dim]), truth)
}

fn fit(config: &ClusterConfig, x: &Tensor<2>, seed: u64) -> Result<Clustering, CoreError> {
    block_on(PrototypeClustering::new(config.check()?).fit(x.clone(), &Rng::new(seed), &mut ()))
}

const CLUSTERING: [Mode; 7] =
    [Mode::KMeans, Mode::KModes, Mode::SlkMeans, Mode::SlkMs, Mode::SlkBo, Mode::SlkKm, Mode::KernelKMeans];

#[test]
fn every_mode_finds_separated_groups() {
    let (x, truth) = groups(1, 60, 4, 8, 0.2);
    for mode in CLUSTERING {
        // σ of the estimate is the length of the shortest edges; kernel k-means needs to see whole groups.
        let sigma = (mode == Mode::KernelKMeans).then_some(0.5);
        let config = ClusterConfig { mode, clusters: 4, sigma, ..Default::default() };
        // The best of a few seeds, as k-means++ may start two clusters in one group.
        let best = (0..5)
            .map(|seed| fit(&config, &x, seed).unwrap())
            .min_by(|a, b| a.energy.total_cmp(&b.energy))
            .unwrap();
        let labels = int_values(&best.label);
        let score = clustering_accuracy(&labels, &truth).unwrap();
        println!(
            "{mode}: accuracy {score}, outer {}, inner {}",
            best.outer_iterations, best.inner_iterations
        );
        assert!(score > 0.97, "{mode}: {score}");
        assert!(normalized_mutual_information(&labels, &truth).unwrap() > 0.9, "{mode}");
        assert_eq!(best.z.is_some(), mode.has_laplacian(), "{mode}");
        assert_eq!(best.prototypes.dims(), [4, 8]);
        assert!(best.outer_iterations >= 1 && best.energy.is_finite());
    }
}

#[test]
fn the_same_seed_gives_the_same_clusters_and_another_seed_other_ones() {
    let (x, _) = groups(2, 50, 6, 4, 1.0);
    let config = ClusterConfig { mode: Mode::SlkMeans, clusters: 6, ..Default::default() };
    let labels = |seed| int_values(&fit(&config, &x, seed).unwrap().label);
    assert_eq!(labels(3), labels(3));
    assert_ne!(labels(3), labels(4));
}

#[test]
fn k_means_ends_at_a_fixed_point_of_lloyd() {
    let (x, _) = groups(3, 100, 5, 4, 0.8);
    let config = ClusterConfig {
        mode: Mode::KMeans,
        clusters: 5,
        normalize: false,
        tol_outer: 0.0,
        max_outer: 500,
        ..Default::default()
    };
    let found = fit(&config, &x, 1).unwrap();
    let (rows, label, m) = (values(&x), int_values(&found.label), values(&found.prototypes));
    let mut energy = 0.0;
    for (p, row) in rows.chunks(4).enumerate() {
        let cost = |c: usize| -> f64 {
            row.iter().zip(&m[c * 4..c * 4 + 4]).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let best = (0..5).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap();
        assert_eq!(label[p], best as i64);
        energy += cost(best);
    }
    assert!((found.energy - energy).abs() < 1e-4 * energy, "{} {energy}", found.energy);
    for c in 0..5 {
        let members: Vec<usize> = (0..label.len()).filter(|p| label[*p] == c as i64).collect();
        for d in 0..4 {
            let mean = members.iter().map(|p| f64::from(rows[p * 4 + d])).sum::<f64>() / members.len() as f64;
            assert!((mean - f64::from(m[c * 4 + d])).abs() < 1e-4);
        }
    }
}

#[test]
fn monotone_clustering_never_increases_r() {
    let (x, _) = groups(4, 40, 3, 5, 0.9);
    let config = ClusterConfig {
        mode: Mode::SlkMeans,
        clusters: 3,
        lambda: 4.0,
        monotone: true,
        ..Default::default()
    };
    let mut seen = Recorder::default();
    block_on(PrototypeClustering::new(config.check().unwrap()).fit(x, &Rng::new(1), &mut seen)).unwrap();
    let r: Vec<f64> = seen.steps[1..].iter().map(|s| s.relaxed[0]).collect();
    assert!(r.len() > 4);
    assert!(r.windows(2).all(|pair| pair[1] <= pair[0] + 2e-5 * pair[0].abs()), "{r:?}");
}

#[test]
fn seeds_are_distinct_rows_spread_by_distance() {
    // 50 copies of one point and one far point: the second seed is always the far one.
    let mut rows = vec![0.0f32; 100];
    rows.extend([9.0, 9.0]);
    let x = tensor(&rows, [1, 51, 2]);
    for seed in 0..20 {
        let mut m = values(&block_on(k_means_plus_plus(&x, 2, &mut Rng::new(seed))).unwrap());
        m.sort_by(f32::total_cmp);
        assert_eq!(m, [0.0, 0.0, 9.0, 9.0]);
    }
    // More clusters than distinct rows: still an answer.
    let m = values(&block_on(k_means_plus_plus(&x, 4, &mut Rng::new(1))).unwrap());
    assert_eq!(m.len(), 8);
}

#[test]
fn equal_rows_and_bad_requests_do_not_panic() {
    let equal = Tensor::<2>::ones([12, 3], &device());
    for mode in CLUSTERING {
        let found = fit(&ClusterConfig { mode, clusters: 3, ..Default::default() }, &equal, 1).unwrap();
        assert!(values(&found.prototypes).iter().all(|v| v.is_finite()), "{mode}");
    }
    let config = |clusters| ClusterConfig { clusters, ..Default::default() };
    assert!(matches!(fit(&config(13), &equal, 1), Err(CoreError::OutOfRange { field: "clusters", .. })));
    assert!(matches!(fit(&config(1), &equal, 1), Err(CoreError::OutOfRange { field: "clusters", .. })));
    let knn = ClusterConfig { knn: 13, ..config(2) };
    assert!(matches!(fit(&knn, &equal, 1), Err(CoreError::OutOfRange { field: "knn", .. })));
    let shot = ClusterConfig { mode: Mode::LaplacianShot, ..config(2) };
    assert!(matches!(fit(&shot, &equal, 1), Err(CoreError::OutOfRange { field: "mode", .. })));
    let nan = equal.clone().mul_scalar(f32::NAN);
    assert!(matches!(fit(&config(2), &nan, 1), Err(CoreError::NotFinite { .. })));
    let large = Tensor::<2>::zeros([MAX_DENSE_ROWS + 1, 1], &device());
    let kernel = ClusterConfig { mode: Mode::KernelKMeans, ..config(2) };
    assert!(matches!(fit(&kernel, &large, 1), Err(CoreError::TooLarge { limit: MAX_DENSE_ROWS, .. })));
}
