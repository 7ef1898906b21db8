//! The bound update and its loop: the worked examples of the method's sheet, plain loops, and edge cases.

mod common;

use common::{
    HostGraph, Rng, bound_step as plain_step, close, devices, float, read, read_int, softmax_rows, wide,
};
use futures::executor::block_on;
use lowshot_kernels::{BoundOptions, BoundRun, KernelError, bound_loop, bound_step, reference};
use proptest::prelude::*;

fn run(
    a: &[f32],
    z: &[f32],
    shape: [usize; 3],
    graph: &HostGraph,
    options: &BoundOptions,
    device: &burn::tensor::Device,
) -> BoundRun {
    block_on(bound_loop(float(a, shape, device), float(z, shape, device), &graph.on(device), options))
        .expect("the loop runs")
}

/// The relaxed energy R (weight 1/2) and the energy the official code prints (weight 1) of the terms.
fn energies(terms: &[f32], lambda: f32) -> (f64, f64) {
    let [s, u, p] = [terms[0], terms[1], terms[2]].map(f64::from);
    (s + u - 0.5 * f64::from(lambda) * p, s + u - f64::from(lambda) * p)
}

#[test]
fn worked_example_1_update_energies_and_fixed_point() {
    let a = [0.0, 1.0, 0.4, 0.5, 1.2, 0.2, 0.6, 0.5];
    let graph = HostGraph::from_edges(4, &[(0, 1), (1, 0), (1, 3), (3, 1), (2, 3), (3, 2)]);
    let z0 = [0.731059, 0.268941, 0.524979, 0.475021, 0.268941, 0.731059, 0.475021, 0.524979];
    let b = [0.524979, 0.475021, 1.206079, 0.793921, 0.475021, 0.524979, 0.793921, 1.206079];
    let z1 = [0.735941, 0.264059, 0.575928, 0.424072, 0.264059, 0.735941, 0.424072, 0.575928];
    let fixed_point = [0.744315, 0.255685, 0.568516, 0.431484, 0.255685, 0.744315, 0.431484, 0.568516];
    let shape = [1, 4, 2];
    close("softmax(-a)", &softmax_rows(&a, 2), &z0, 0.0, 1e-6);

    for (name, device) in devices() {
        let csr = graph.on(device);
        let start = float(&softmax_rows(&a, 2), shape, device);
        close(name, &read(reference::graph_times(&csr, start.clone())), &b, 0.0, 2e-6);

        let step = bound_step(float(&a, shape, device), start.clone(), &csr, 0.5, 0);
        close(name, &read(step.z.clone()), &z1, 0.0, 1e-6);

        // R never increases; the printed energy goes up and down.
        let (mut z, mut relaxed, mut printed) = (step.z, Vec::new(), Vec::new());
        for _ in 0..4 {
            let step = bound_step(float(&a, shape, device), z, &csr, 0.5, 0);
            let (r, e) = energies(&read(step.energy), 0.5);
            relaxed.push(r as f32);
            printed.push(e as f32);
            z = step.z;
        }
        close(name, &relaxed[..3], &[-1.584796, -1.585468, -1.585552], 0.0, 2e-6);
        close(name, &printed, &[-2.364860, -2.363056, -2.364687, -2.364206], 0.0, 3e-6);

        let options =
            BoundOptions { lambda: 0.5, tolerance: 0.0, max_iterations: 80, ..BoundOptions::default() };
        let found = run(&a, &softmax_rows(&a, 2), shape, &graph, &options, device);
        close(name, &read(found.z), &fixed_point, 0.0, 2e-6);
        let (r, _) = energies(&read(found.energy), 0.5);
        assert!((r + 1.585565).abs() < 2e-6, "{name}: R at the fixed point is {r}");
    }
}

#[test]
fn worked_example_3_oscillates_without_the_shift_and_rests_with_it() {
    let a = [0.0, 1.0, 1.0, 0.0];
    let z0 = softmax_rows(&a, 2);
    let rows = [[0.145207, 0.854793], [0.994819, 0.005181], [0.007119, 0.992881]];
    for (name, device) in devices() {
        let graph = HostGraph::from_edges(2, &[(0, 1), (1, 0)]);
        for (i, row) in rows.iter().enumerate() {
            let options = BoundOptions {
                lambda: 6.0,
                max_iterations: i + 1,
                tolerance: 0.0,
                ..BoundOptions::default()
            };
            let found = run(&a, &z0, [1, 2, 2], &graph, &options, device);
            let expected = [row[0], row[1], row[1], row[0]];
            close(&format!("{name} iteration {}", i + 1), &read(found.z), &expected, 0.0, 2e-6);
            assert_eq!(read_int(found.iterations), [i as i32 + 1]);
        }
        let first = bound_step(
            float(&a, [1, 2, 2], device),
            float(&z0, [1, 2, 2], device),
            &graph.on(device),
            6.0,
            0,
        );
        assert!((energies(&read(first.energy), 6.0).0 + 2.985867).abs() < 5e-6, "{name}: R at the start");
        // It ends in a cycle of two: R is near 0 after one update and near 1.8 after the next, for ever.
        let options = BoundOptions { lambda: 6.0, ..BoundOptions::default() };
        let relaxed = [60, 61].map(|max_iterations| {
            let last = run(&a, &z0, [1, 2, 2], &graph, &BoundOptions { max_iterations, ..options }, device);
            assert_eq!(read_int(last.iterations), [max_iterations as i32], "{name}: it never settles");
            energies(&read(last.energy), 6.0).0
        });
        let (low, high) = (relaxed[0].min(relaxed[1]), relaxed[0].max(relaxed[1]));
        assert!(low.abs() < 0.1 && (high - 1.8).abs() < 0.2, "{name}: R swings between {low} and {high}");

        let shifted = HostGraph::from_edges(2, &[(0, 0), (0, 1), (1, 0), (1, 1)]);
        let found = run(&a, &z0, [1, 2, 2], &shifted, &BoundOptions { tolerance: 1e-6, ..options }, device);
        close(&format!("{name} with W + I"), &read(found.z), &wide(&z0), 0.0, 2e-6);
        assert_eq!(read_int(found.iterations), [3], "{name}: at rest, so stopped at the first test");
    }
}

/// A batch of problems whose episodes differ.
fn problem(seed: u64, b: usize, n: usize, k: usize) -> (Vec<f32>, Vec<f32>, HostGraph) {
    let mut rng = Rng(seed);
    let a: Vec<f32> = rng.floats(b * n * k).iter().map(|v| v * 2.0).collect();
    let z = softmax_rows(&rng.floats(b * n * k), k);
    (a, z, HostGraph::random(&mut rng, b, n))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_update_agrees(
        seed: u64, b in 1usize..4, n in 1usize..150, k in 1usize..40, fixed in 0usize..12, lambda in -1.0f32..3.0,
    ) {
        let (a, z, graph) = problem(seed, b, n, k);
        let cells = n * k;
        let (mut expected, mut terms) = (Vec::new(), Vec::new());
        for e in 0..b {
            let (a, z) = (wide(&a[e * cells..][..cells]), wide(&z[e * cells..][..cells]));
            let (next, energy) = plain_step(&a, &z, k, &graph, e, f64::from(lambda), fixed);
            expected.extend(next);
            terms.extend(energy);
        }
        for (name, device) in devices() {
            let csr = graph.on(device);
            for (form, f) in [("fused", bound_step as fn(_, _, &_, _, _) -> _), ("reference", reference::bound_step)] {
                let step = f(float(&a, [b, n, k], device), float(&z, [b, n, k], device), &csr, lambda, fixed);
                let what = format!("{form} on {name}");
                let got = read(step.z);
                close(&what, &got, &expected, 0.0, 3e-6);
                for row in got.chunks_exact(k) {
                    prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5 && row.iter().all(|&v| v >= 0.0));
                }
                close(&format!("{what} energy"), &read(step.energy), &terms, 1e-5, 1e-3);
            }
        }
    }

    #[test]
    fn the_loop_agrees(
        seed: u64, b in 1usize..5, n in 2usize..100, k in 1usize..12, fixed in 0usize..6, iterations in 1usize..20,
    ) {
        let (a, z, graph) = problem(seed, b, n, k);
        let cells = n * k;
        let options = BoundOptions { lambda: 0.6, fixed, max_iterations: iterations, tolerance: 0.0, pairwise_factor: 1.0 };
        let (mut expected, mut terms) = (Vec::new(), Vec::new());
        for e in 0..b {
            let costs = wide(&a[e * cells..][..cells]);
            let mut state = wide(&z[e * cells..][..cells]);
            for _ in 0..iterations {
                state = plain_step(&costs, &state, k, &graph, e, f64::from(0.6f32), fixed).0;
            }
            terms.extend(plain_step(&costs, &state, k, &graph, e, f64::from(0.6f32), fixed).1);
            expected.extend(state);
        }
        for (name, device) in devices() {
            let found = run(&a, &z, [b, n, k], &graph, &options, device);
            close(name, &read(found.z), &expected, 0.0, 3e-5);
            close(&format!("{name} energy"), &read(found.energy), &terms, 1e-5, 1e-3);
            // With tolerance 0 an episode may stop early only where its energy stands still.
            prop_assert!(read_int(found.iterations).iter().all(|&i| i >= 1 && i as usize <= iterations));
        }
    }
}

#[test]
fn every_episode_stops_on_its_own_where_plain_loops_stop() {
    let (b, n, k) = (6, 40, 4);
    let (mut a, z, graph) = problem(19, b, n, k);
    let cells = n * k;
    // Weaker costs settle later.
    a.iter_mut().enumerate().for_each(|(i, v)| *v *= 0.1 + 0.3 * (i / cells) as f32);
    let options =
        BoundOptions { lambda: 0.9, tolerance: 1e-6, max_iterations: 200, ..BoundOptions::default() };
    let lambda = f64::from(options.lambda);
    let mut counts = Vec::new();
    for e in 0..b {
        let costs = wide(&a[e * cells..][..cells]);
        let mut state = wide(&z[e * cells..][..cells]);
        let mut previous = f64::NAN;
        for t in 0.. {
            let (next, [s, u, p]) = plain_step(&costs, &state, k, &graph, e, lambda, 0);
            let energy = s + u - lambda * p;
            let change = (energy - previous).abs() / previous.abs();
            // Rounding of f32 sums must not decide.
            assert!(t < 3 || !(0.9e-6..1.1e-6).contains(&change), "episode {e} passes too near: {change:e}");
            if t > 2 && change <= options.tolerance {
                counts.push(t);
                break;
            }
            previous = energy;
            state = next;
        }
    }
    assert!(counts.iter().any(|c| *c != counts[0]), "the episodes should differ: {counts:?}");
    for (name, device) in devices() {
        let found = run(&a, &z, [b, n, k], &graph, &options, device);
        assert_eq!(read_int(found.iterations), counts, "{name}");
    }
}

#[test]
fn episodes_too_large_for_workgroup_memory_agree() {
    let (b, n, k) = (2, 900, 7);
    let (a, z, graph) = problem(8, b, n, k);
    let options =
        BoundOptions { lambda: 0.3, tolerance: 1e-5, max_iterations: 30, ..BoundOptions::default() };
    let results: Vec<(Vec<f32>, Vec<i32>)> = devices()
        .iter()
        .map(|(_, device)| run(&a, &z, [b, n, k], &graph, &options, device))
        .map(|found| (read(found.z), read_int(found.iterations)))
        .collect();
    for ((name, _), (z, iterations)) in devices().iter().zip(&results) {
        close(name, z, &wide(&results[0].0), 0.0, 1e-4);
        assert!(iterations.iter().all(|&i| i < 30), "{name}: {iterations:?}");
    }
}

#[test]
fn the_reference_loop_stops_where_the_fused_one_does() {
    // A tolerance well above what comparing sums in f32 needs.
    let options =
        BoundOptions { lambda: 0.4, tolerance: 1e-4, max_iterations: 200, ..BoundOptions::default() };
    let (b, n, k) = (4, 40, 4);
    let (a, z, graph) = problem(15, b, n, k);
    for (name, device) in devices() {
        let fused = run(&a, &z, [b, n, k], &graph, &options, device);
        let (at, zt) = (float(&a, [b, n, k], device), float(&z, [b, n, k], device));
        let plain =
            block_on(reference::bound_loop(at, zt, &graph.on(device), &options)).expect("the reference runs");
        assert_eq!(read_int(fused.iterations), read_int(plain.iterations), "{name}");
        close(name, &read(fused.z), &wide(&read(plain.z)), 0.0, 1e-5);
        close(name, &read(fused.energy), &wide(&read(plain.energy)), 1e-5, 1e-4);
    }
}

#[test]
fn more_iterations_than_one_launch_holds() {
    let (b, n, k) = (3, 20, 3);
    let (a, z, graph) = problem(9, b, n, k);
    // A cycle of two never settles: 151 passes need three launches of a GPU.
    let swing = HostGraph::from_edges(2, &[(0, 1), (1, 0)]);
    let options =
        BoundOptions { lambda: 6.0, tolerance: 0.0, max_iterations: 151, ..BoundOptions::default() };
    for (name, device) in devices() {
        let found = run(
            &[0.0, 1.0, 1.0, 0.0],
            &softmax_rows(&[0.0, 1.0, 1.0, 0.0], 2),
            [1, 2, 2],
            &swing,
            &options,
            device,
        );
        assert_eq!(read_int(found.iterations), [151], "{name}");
        let calm =
            BoundOptions { lambda: 0.2, tolerance: 1e-5, max_iterations: 600, ..BoundOptions::default() };
        let found = run(&a, &z, [b, n, k], &graph, &calm, device);
        assert!(read_int(found.iterations).iter().all(|&i| i < 60), "{name}");
    }
}

#[test]
fn the_inputs_are_left_alone() {
    let (b, n, k) = (2, 30, 5);
    let (a, z, graph) = problem(10, b, n, k);
    for (name, device) in devices() {
        let (at, zt, csr) = (float(&a, [b, n, k], device), float(&z, [b, n, k], device), graph.on(device));
        let options = BoundOptions { max_iterations: 5, ..BoundOptions::default() };
        block_on(bound_loop(at.clone(), zt.clone(), &csr, &options)).expect("the loop runs");
        bound_step(at.clone(), zt.clone(), &csr, 0.5, 1);
        assert_eq!(read(zt), z, "{name}: z");
        assert_eq!(read(at), a, "{name}: a");
    }
}

#[test]
fn a_constant_added_to_a_row_of_costs_changes_nothing() {
    let (b, n, k) = (1, 25, 4);
    let (a, z, graph) = problem(11, b, n, k);
    let shifted: Vec<f32> = a.iter().enumerate().map(|(i, v)| v + (i / k) as f32 * 0.25 - 2.0).collect();
    for (name, device) in devices() {
        let options = BoundOptions { max_iterations: 7, tolerance: 0.0, ..BoundOptions::default() };
        let plain = read(run(&a, &z, [b, n, k], &graph, &options, device).z);
        let moved = read(run(&shifted, &z, [b, n, k], &graph, &options, device).z);
        close(name, &moved, &wide(&plain), 0.0, 2e-5);
    }
}

#[test]
fn large_costs_and_weights_do_not_overflow() {
    let (b, n, k) = (1, 12, 3);
    let (a, z, graph) = problem(12, b, n, k);
    let a: Vec<f32> = a.iter().map(|v| v * 1e4).collect();
    for (name, device) in devices() {
        for lambda in [0.5, 500.0] {
            let options = BoundOptions { lambda, max_iterations: 6, ..BoundOptions::default() };
            let found = run(&a, &z, [b, n, k], &graph, &options, device);
            assert!(read(found.z).iter().all(|v| v.is_finite()), "{name}: λ = {lambda}");
            assert!(read(found.energy).iter().all(|v| v.is_finite()), "{name}: λ = {lambda}");
        }
    }
}

#[test]
fn a_graph_without_edges_gives_softmax_of_the_costs() {
    let (a, z, _) = problem(13, 1, 10, 3);
    let graph = HostGraph::from_edges(10, &[]);
    for (name, device) in devices() {
        let step = bound_step(
            float(&a, [1, 10, 3], device),
            float(&z, [1, 10, 3], device),
            &graph.on(device),
            0.7,
            0,
        );
        close(name, &read(step.z), &wide(&softmax_rows(&a, 3)), 0.0, 2e-6);
        let found = run(&a, &z, [1, 10, 3], &graph, &BoundOptions::default(), device);
        assert_eq!(read_int(found.iterations), [3], "{name}");
    }
}

#[test]
fn wrong_options_and_shapes_are_errors_that_name_themselves() {
    let (a, z, graph) = problem(14, 2, 6, 3);
    let (_, device) = &devices()[0];
    let at = || float(&a, [2, 6, 3], device);
    let zt = || float(&z, [2, 6, 3], device);
    let good = BoundOptions::default();
    for (options, name) in [
        (BoundOptions { lambda: f32::NAN, ..good }, "lambda"),
        (BoundOptions { max_iterations: 0, ..good }, "max_iterations"),
        (BoundOptions { tolerance: -1.0, ..good }, "tolerance"),
        (BoundOptions { pairwise_factor: f32::INFINITY, ..good }, "pairwise_factor"),
    ] {
        let error = block_on(bound_loop(at(), zt(), &graph.on(device), &options)).expect_err(name);
        assert!(matches!(error, KernelError::Option { name: n, .. } if n == name), "{error}");
    }
    let error = block_on(bound_loop(at(), float(&z[..18], [1, 6, 3], device), &graph.on(device), &good));
    assert!(matches!(error, Err(KernelError::Shape { name: "z", .. })), "{error:?}");
    let small = HostGraph::from_edges(6, &[(0, 1)]);
    let error = block_on(bound_loop(at(), zt(), &small.on(device), &good));
    assert!(matches!(error, Err(KernelError::Shape { name: "graph.row_ptr", .. })), "{error:?}");
}
