//! The sheet's small demo: accuracies on generated tasks, their order, and the imbalanced counter-case.

use super::*;
use crate::metrics::{Interval, accuracy, mean_interval};
use crate::synthetic::SyntheticTasks;

/// Ten times the tasks of the sheet, so that the noise is mostly the sheet's.
const TASKS: usize = 2000;

fn measure(make: &SyntheticTasks, count: usize, config: &PrototypeLaplacianConfig) -> Interval {
    let mut scores = vec![];
    for start in (0..count).step_by(250) {
        let size = 250.min(count - start);
        let (tasks, truth) = make.batch(&Rng::new(2024), start as u64, size, &device()).unwrap();
        let found = block_on(classify(config, &tasks).query_labels()).unwrap();
        scores.extend(found.iter().zip(&truth).map(|(f, t)| accuracy(f, t).unwrap()));
    }
    let Interval { mean, half_width, count } = mean_interval(&scores).unwrap();
    Interval { mean: 100.0 * mean, half_width: 100.0 * half_width, count }
}

fn config(mode: Mode) -> PrototypeLaplacianConfig {
    PrototypeLaplacianConfig { mode, ..Default::default() }
}

/// Sheet: accuracy and half width over 200 tasks. Ours must lie within both half widths of it.
#[track_caller]
fn assert_agrees(name: &str, found: Interval, sheet: f64, half_width: f64) {
    println!("{name}: {:.1} ±{:.1}, sheet {sheet} ±{half_width}", found.mean, found.half_width);
    assert!(
        (found.mean - sheet).abs() <= half_width + found.half_width,
        "{name}: {:.2} ±{:.2} instead of {sheet} ±{half_width}",
        found.mean,
        found.half_width
    );
}

fn table(shots: usize, sheet: [(f64, f64); 7]) -> Vec<f64> {
    let make = SyntheticTasks { shots, ..Default::default() };
    let cases = [
        ("nearest prototype", config(Mode::NearestPrototype)),
        ("laplacian-shot", config(Mode::LaplacianShot)),
        ("k-means", config(Mode::KMeans)),
        ("k-modes", config(Mode::KModes)),
        ("slk-means", config(Mode::SlkMeans)),
        ("slk-ms", config(Mode::SlkMs)),
        ("slk-means clamped", PrototypeLaplacianConfig { clamp_support: true, ..config(Mode::SlkMeans) }),
    ];
    cases
        .iter()
        .zip(sheet)
        .map(|((name, config), (mean, half_width))| {
            let found = measure(&make, TASKS, config);
            assert_agrees(&format!("{shots}-shot {name}"), found, mean, half_width);
            found.mean
        })
        .collect()
}

#[test]
fn one_shot_table_and_order() {
    let found =
        table(1, [(59.5, 1.1), (63.8, 1.2), (70.8, 1.6), (72.4, 1.6), (73.1, 1.7), (73.6, 1.6), (71.4, 1.6)]);
    let [nearest, shot, means, modes, slk_means, slk_ms, clamped] = found[..] else { unreachable!() };
    assert!(nearest < shot && shot < means && means < modes + 0.5, "{found:?}");
    assert!(modes < slk_means + 0.5 && slk_means < slk_ms + 0.7, "{found:?}");
    assert!(means < slk_means && means < slk_ms && clamped < slk_means, "{found:?}");
}

#[test]
fn five_shot_table_and_order() {
    let found =
        table(5, [(83.8, 0.8), (87.7, 0.7), (88.5, 0.7), (88.7, 0.7), (89.8, 0.8), (89.4, 0.8), (87.3, 0.7)]);
    let [nearest, shot, means, modes, slk_means, slk_ms, clamped] = found[..] else { unreachable!() };
    assert!(nearest < shot && shot < means && means < modes + 0.5, "{found:?}");
    assert!(modes < slk_means && modes < slk_ms + 0.5 && clamped < slk_means, "{found:?}");
}

/// The gain rests on balanced queries: the sheet's 80 tasks had intervals of about ±2 and ±3 (not stated there).
#[test]
fn imbalanced_queries_invert_the_order() {
    let modes = [Mode::NearestPrototype, Mode::KMeans, Mode::SlkMeans, Mode::SlkMs];
    for (queries, sheet) in
        [(vec![55, 5, 5, 5, 5], [60.8, 44.7, 47.9, 46.5]), (vec![35, 25, 5, 5, 5], [61.2, 60.2, 63.6, 62.7])]
    {
        let make = SyntheticTasks { queries: queries.clone(), ..Default::default() };
        let mut found = vec![];
        for (mode, sheet) in modes.into_iter().zip(sheet) {
            // SimpleShot looks at each query alone: it has no shift.
            let query_shift = mode != Mode::NearestPrototype;
            let config = PrototypeLaplacianConfig { query_shift, ..config(mode) };
            let interval = measure(&make, 800, &config);
            // What 80 of our own tasks would show.
            let of_80 = interval.half_width * (800.0f64 / 80.0).sqrt();
            assert_agrees(&format!("{queries:?} {mode}"), interval, sheet, of_80);
            found.push(interval.mean);
        }
        if queries[0] == 55 {
            assert!(found[1..].iter().all(|other| other + 5.0 < found[0]), "{found:?}");
        }
    }
}
