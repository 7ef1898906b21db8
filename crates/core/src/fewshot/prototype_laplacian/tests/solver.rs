//! The batched solver against the f64 oracle, against itself traced, and in batches of other sizes.

use super::oracle::{self, Found, Task};
use super::*;
use crate::CoreError;
use crate::synthetic::SyntheticTasks;

const MOVING: [Mode; 6] = [Mode::KMeans, Mode::KModes, Mode::SlkMeans, Mode::SlkMs, Mode::SlkBo, Mode::SlkKm];

fn oracle_tasks(tasks: &Tasks) -> Vec<Task> {
    let [b, n, d] = tasks.x.dims();
    let (x, labels) = (values(&tasks.x), int_values(&tasks.labels));
    (0..b)
        .map(|t| Task {
            x: x[t * n * d..(t + 1) * n * d]
                .chunks(d)
                .map(|r| r.iter().map(|v| f64::from(*v)).collect())
                .collect(),
            support: labels[t * tasks.support..(t + 1) * tasks.support].iter().map(|l| *l as usize).collect(),
            classes: tasks.classes,
        })
        .collect()
}

/// Share of query labels that agree, and the largest difference of Z where the whole task agrees.
fn compare(found: &Assignments, oracle: &[Found]) -> (f64, f64) {
    let [_, n, k] = found.z.dims();
    let (labels, z) = (int_values(&found.label), values(&found.z));
    let (mut same, mut all, mut worst) = (0, 0, 0.0f64);
    for (t, oracle) in oracle.iter().enumerate() {
        let ours = &labels[t * n..(t + 1) * n];
        let query = found.support..n;
        let hits = query.clone().filter(|p| ours[*p] == oracle.label[*p] as i64).count();
        same += hits;
        all += query.len();
        if hits == query.len() {
            let z = z[t * n * k..(t + 1) * n * k].iter();
            let difference = z.zip(oracle.z.iter().flatten()).map(|(a, b)| (f64::from(*a) - b).abs());
            worst = worst.max(difference.fold(0.0, f64::max));
        }
    }
    (same as f64 / all as f64, worst)
}

/// Property 8, the CPU part: f32 on the device against f64.
#[test]
fn every_mode_agrees_with_the_f64_oracle() {
    for shots in [1, 5] {
        let make = SyntheticTasks { shots, dim: 32, ..Default::default() };
        let (tasks, _) = make.batch(&Rng::new(11), 0, 30, &device()).unwrap();
        let plain = oracle_tasks(&tasks);
        for mode in MOVING {
            for (clamp_support, graph, query_shift) in [
                (false, GraphKind::Directed, true),
                (true, GraphKind::Directed, true),
                (false, GraphKind::Symmetric, false),
            ] {
                let config = PrototypeLaplacianConfig {
                    mode,
                    clamp_support,
                    graph,
                    query_shift,
                    ..Default::default()
                };
                let oracle: Vec<Found> = plain.iter().map(|t| oracle::solve(t, &config)).collect();
                let found = classify(&config, &tasks);
                let (agreement, worst) = compare(&found, &oracle);
                assert!(agreement >= 0.999, "{mode} {shots}-shot clamp {clamp_support}: {agreement}");
                assert!(worst <= 1e-4, "{mode} {shots}-shot clamp {clamp_support}: Z differs by {worst}");
                let outer = int_values(&found.outer_iterations);
                let same = outer.iter().zip(&oracle).filter(|(ours, o)| **ours == o.outer as i64).count();
                assert!(same >= 28, "{mode}: {same} of 30 tasks stop in the same outer iteration");
            }
        }
    }
}

#[test]
fn batches_do_not_change_a_task() {
    let (tasks, _) = SyntheticTasks::default().batch(&Rng::new(5), 0, 40, &device()).unwrap();
    for mode in Mode::ALL {
        let config = PrototypeLaplacianConfig { mode, ..Default::default() };
        let all = classify(&config, &tasks);
        let (labels, prototypes) = (int_values(&all.label), values(&all.prototypes));
        let [_, n, d] = tasks.x.dims();
        for at in [0, 7, 23, 39] {
            let one = Tasks {
                x: tasks.x.clone().slice([at..at + 1, 0..n, 0..d]),
                labels: tasks.labels.clone().slice([at..at + 1, 0..tasks.support]),
                ..tasks.clone()
            };
            let alone = classify(&config, &one);
            assert_eq!(int_values(&alone.label), &labels[at * n..(at + 1) * n], "{mode}");
            let expected: Vec<f64> =
                prototypes[at * 5 * d..(at + 1) * 5 * d].iter().map(|v| f64::from(*v)).collect();
            assert_close(&values(&alone.prototypes), &expected, 1e-5);
            assert_eq!(int_values(&alone.outer_iterations)[0], int_values(&all.outer_iterations)[at]);
            assert_eq!(int_values(&alone.inner_iterations)[0], int_values(&all.inner_iterations)[at]);
        }
    }
}

#[test]
fn a_traced_run_finds_the_same() {
    let (tasks, _) = SyntheticTasks::default().batch(&Rng::new(6), 0, 3, &device()).unwrap();
    for mode in Mode::ALL {
        let config = PrototypeLaplacianConfig { mode, ..Default::default() };
        let plain = classify(&config, &tasks);
        let mut seen = Recorder::default();
        let classifier = PrototypeLaplacian::new(config.check().unwrap());
        let traced = block_on(classifier.classify(&tasks, &mut seen)).unwrap();
        assert_eq!(int_values(&traced.label), int_values(&plain.label), "{mode}");
        assert_eq!(int_values(&traced.outer_iterations), int_values(&plain.outer_iterations), "{mode}");
        let expected: Vec<f64> = values(&plain.z).into_iter().map(f64::from).collect();
        assert_close(&values(&traced.z), &expected, 1e-4);
        assert!(matches!(seen.steps[0].stage, Stage::Start));
        let inner = seen.steps.iter().filter(|s| matches!(s.stage, Stage::Inner { .. })).count();
        assert_eq!(inner > 0, classifier.params().lambda() > 0.0, "{mode}");
        assert!(
            seen.steps.iter().all(|s| s.relaxed.iter().chain(&s.printed).all(|e| e.is_finite())),
            "{mode}"
        );
        // R at the end is the energy of the result.
        let last = seen.steps.last().unwrap();
        if matches!(mode, Mode::NearestPrototype) {
            assert_close(&values(&plain.energy), &last.relaxed, 1e-3);
        }
    }
}

#[test]
fn an_observer_can_stop_a_run() {
    let (tasks, _) = SyntheticTasks::default().batch(&Rng::new(6), 0, 1, &device()).unwrap();
    for stop_after in [1, 3] {
        let mut seen = Recorder { stop_after: Some(stop_after), ..Default::default() };
        let classifier = PrototypeLaplacian::new(PrototypeLaplacianConfig::default().check().unwrap());
        let error = block_on(classifier.classify(&tasks, &mut seen)).unwrap_err();
        assert!(matches!(error, CoreError::Interrupted));
        assert_eq!(seen.steps.len(), stop_after);
    }
    struct Stop;
    impl Observer for Stop {
        async fn progress(&mut self, _: crate::fewshot::Progress) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    for mode in Mode::ALL {
        let config = PrototypeLaplacianConfig { mode, ..Default::default() };
        let classifier = PrototypeLaplacian::new(config.check().unwrap());
        let error = block_on(classifier.classify(&tasks, &mut Stop)).unwrap_err();
        assert!(matches!(error, CoreError::Interrupted), "{mode}");
    }
}

/// A class whose only support row attracts nobody: the official rule restores the previous state and stops.
#[test]
fn an_emptied_class_restores_the_previous_state() {
    // Class 1 starts between two tight groups; its support point is nearer to the group means after one step.
    let x = [0.0, 0.0, 0.4, 0.0, 0.8, 0.0, 0.1, 0.0, 0.7, 0.0, 0.35, 0.3, 0.45, -0.3];
    let tasks = Tasks::new(tensor(&x, [1, 7, 2]), ints(&[0, 1, 2], [1, 3]), 3).unwrap();
    for mode in MOVING {
        for lambda in [0.0, 0.7, 40.0] {
            let config = PrototypeLaplacianConfig { mode, lambda, query_shift: false, ..Default::default() };
            let found = classify(&config, &tasks);
            let oracle = oracle::solve(&oracle_tasks(&tasks)[0], &config);
            let labels: Vec<usize> = int_values(&found.label).into_iter().map(|l| l as usize).collect();
            assert_eq!(labels, oracle.label, "{mode} λ {lambda}");
            assert_eq!(int_values(&found.outer_iterations)[0], oracle.outer as i64, "{mode} λ {lambda}");
            assert!((0..3).all(|c| labels.contains(&c)), "{mode} λ {lambda}: no class is empty");
            assert!(values(&found.energy)[0].is_finite() && values(&found.z).iter().all(|v| v.is_finite()));
        }
    }
}

#[test]
fn rectification_keeps_the_prototype_of_a_class_nobody_is_predicted_for() {
    // All rows point along +x; the second prototype points along −x.
    let x = tensor(&[1.0, 0.1, 2.0, 0.2, 3.0, -0.3, 1.0, 0.0], [1, 4, 2]);
    let prototypes = tensor(&[1.0, 0.0, -1.0, 0.5], [1, 2, 2]);
    let found = values(&rectify_prototypes(&x, prototypes));
    assert_close(&found[2..], &[-1.0, 0.5], 1e-6);
    // By hand: weights 1 / (1 + exp(10 (cos_2 − cos_1))) are 1 to f32 here; divided by the number of rows.
    assert_close(&found[..2], &[7.0 / 4.0, 0.0], 1e-5);
}

#[test]
fn rectification_weighs_by_softmax_and_divides_by_the_number() {
    let rows = [[1.0f64, 0.3], [0.2, 1.0], [0.8, 0.7]];
    let prototypes = [[1.0f64, 0.0], [0.0, 1.0]];
    let cosine = |a: &[f64; 2], b: &[f64; 2]| {
        (a[0] * b[0] + a[1] * b[1])
            / ((a[0] * a[0] + a[1] * a[1]).sqrt() * (b[0] * b[0] + b[1] * b[1]).sqrt())
    };
    let (mut sums, mut counts) = ([[0.0; 2]; 2], [0.0; 2]);
    for row in &rows {
        let [p, q] = [0, 1].map(|c| (10.0 * cosine(row, &prototypes[c])).exp());
        let class = usize::from(q > p);
        let weight = p.max(q) / (p + q);
        counts[class] += 1.0;
        (0..2).for_each(|d| sums[class][d] += weight * row[d]);
    }
    let expected: Vec<f64> = (0..4).map(|i| sums[i / 2][i % 2] / counts[i / 2]).collect();
    let flat: Vec<f32> = rows.iter().flatten().map(|v| *v as f32).collect();
    let found = rectify_prototypes(&tensor(&flat, [1, 3, 2]), tensor(&[1.0, 0.0, 0.0, 1.0], [1, 2, 2]));
    assert_close(&values(&found), &expected, 1e-5);
}

#[test]
fn bad_input_gives_a_typed_error_and_never_a_panic() {
    let run = |config: PrototypeLaplacianConfig, tasks: &Tasks| {
        block_on(PrototypeLaplacian::new(config.check().unwrap()).classify(tasks, &mut ())).map(|_| ())
    };
    let good = random_tasks(1, 2, 2, 1, 4, 3);
    let default = PrototypeLaplacianConfig::default;
    let nan = Tasks { x: good.x.clone().mul_scalar(f32::NAN), ..good.clone() };
    assert!(matches!(run(default(), &nan), Err(CoreError::NotFinite { .. })));
    // One value in one query of the second task.
    let one = Tasks { x: good.x.clone().slice_fill([1..2, 5..6, 1..2], f32::NAN), ..good.clone() };
    for mode in Mode::ALL {
        for query_shift in [false, true] {
            let found = run(PrototypeLaplacianConfig { mode, query_shift, ..default() }, &one);
            assert!(matches!(found, Err(CoreError::NotFinite { .. })), "{mode} {found:?}");
        }
    }
    let twice = Tasks { labels: ints(&[0, 1, 0, 0], [2, 2]), ..good.clone() };
    assert!(matches!(run(default(), &twice), Err(CoreError::NoSupport { task: 1, class: 1 })));
    let outside = Tasks { labels: ints(&[0, 1, 0, 7], [2, 2]), ..good.clone() };
    assert!(matches!(run(default(), &outside), Err(CoreError::Label { task: 1, position: 1, label: 7, .. })));
    let many = PrototypeLaplacianConfig { knn: 7, ..default() };
    assert!(matches!(run(many, &good), Err(CoreError::OutOfRange { field: "knn", .. })));
    // All rows equal: distances and bandwidth are 0.
    let equal = Tasks { x: good.x.clone().zeros_like(), ..good.clone() };
    for mode in Mode::ALL {
        for rectify in [false, true] {
            let config = PrototypeLaplacianConfig { mode, rectify, ..default() };
            run(config.clone(), &equal).unwrap();
            assert!(values(&classify(&config, &equal).z).iter().all(|v| v.is_finite()), "{mode}");
        }
    }
    assert!(Tasks::new(good.x.clone(), ints(&[0, 1], [1, 2]), 2).is_err());
    assert!(Tasks::new(good.x.clone(), ints(&[0; 12], [2, 6]), 2).is_err());
    assert!(Tasks::new(good.x.clone(), ints(&[0, 1, 0, 1], [2, 2]), 1).is_err());
    assert!(Tasks::new(good.x.clone(), ints(&[0, 1, 0, 1], [2, 2]), 3).is_err());
}

#[test]
fn configurations_out_of_range_name_the_field() {
    let good = PrototypeLaplacianConfig::default;
    for (bad, name) in [
        (PrototypeLaplacianConfig { lambda: -0.1, ..good() }, "lambda"),
        (PrototypeLaplacianConfig { lambda: f64::NAN, ..good() }, "lambda"),
        (PrototypeLaplacianConfig { knn: 1, ..good() }, "knn"),
        (PrototypeLaplacianConfig { knn: 34, ..good() }, "knn"),
        (PrototypeLaplacianConfig { sigma: Some(0.0), ..good() }, "sigma"),
        (PrototypeLaplacianConfig { max_inner: Some(0), ..good() }, "max_inner"),
        (PrototypeLaplacianConfig { max_outer: 0, ..good() }, "max_outer"),
        (PrototypeLaplacianConfig { tol_inner: Some(-1.0), ..good() }, "tol_inner"),
        (PrototypeLaplacianConfig { tol_outer: f64::INFINITY, ..good() }, "tol_outer"),
    ] {
        let error = bad.check().unwrap_err();
        assert!(matches!(error, CoreError::OutOfRange { field, .. } if field == name), "{error}");
    }
}
