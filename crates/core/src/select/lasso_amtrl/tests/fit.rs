//! The alternating fit: never worse, orthonormal, exact without noise.

use super::{each, normal};
use crate::Rng;
use crate::linalg::dot;
use crate::select::lasso_amtrl::{FitOptions, Heads, LinearWorld, Moments, MultiTaskFit, ridge_weights};
use proptest::prelude::*;

fn orthonormal(basis: &[f64], d: usize, tolerance: f64) {
    for (i, a) in basis.chunks(d).enumerate() {
        for (j, b) in basis.chunks(d).enumerate() {
            assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < tolerance);
        }
    }
}

#[test]
fn the_objective_never_grows_and_the_basis_is_orthonormal() {
    for (seed, noise, count) in [(0, 1.0, 30), (1, 0.3, 12), (2, 2.0, 100)] {
        let mut world = LinearWorld::new((20, 4, 40), Heads::Gaussian, noise, &Rng::new(seed)).unwrap();
        let samples = each(&mut world, 20, count);
        let options = FitOptions { ridge: 0.0, ..FitOptions::default() };
        let mut fit = MultiTaskFit::new(&samples, options).unwrap();
        fit.solve_heads();
        let mut before = fit.loss();
        for _ in 0..25 {
            fit.solve_basis();
            let between = fit.loss();
            assert!(between <= before * (1.0 + 1e-10), "basis: {between} after {before}");
            fit.solve_heads();
            let after = fit.loss();
            assert!(after <= between * (1.0 + 1e-10), "heads: {after} after {between}");
            orthonormal(fit.so_far().basis(), 20, 1e-10);
            before = after;
        }
        // The noise is what remains, less the degrees of freedom.
        assert!(before < noise * noise && before > 0.3 * noise * noise, "{before}");
    }
}

#[test]
fn without_noise_the_span_is_found() {
    for seed in 0..3 {
        let mut world = LinearWorld::new((20, 4, 40), Heads::Gaussian, 0.0, &Rng::new(seed)).unwrap();
        let samples = each(&mut world, 20, 12);
        let options = FitOptions { ridge: 0.0, ..FitOptions::default() };
        let mut fit = MultiTaskFit::new(&samples, options).unwrap();
        for _ in 0..25 {
            fit.step();
        }
        let early = world.largest_sine(fit.so_far());
        for _ in 0..35 {
            fit.step();
        }
        let late = world.largest_sine(fit.so_far());
        assert!(early < 1e-3 && late < 1e-6, "seed {seed}: {early:e}, {late:e}");
    }
}

/// Two tasks, of which one has ten times the samples, and one dimension for both: the basis goes with the samples, not
/// with the mean over tasks.
#[test]
fn every_sample_weighs_the_same() {
    let mut samples = Moments::new(2, 2);
    for i in 0..110 {
        let task = usize::from(i >= 100);
        let mut rng = Rng::new(5).at(i);
        let x = normal(2, &mut rng);
        samples.add(task, &x, x[task]);
    }
    let mut fit = MultiTaskFit::new(&samples, FitOptions { rank: 1, ..FitOptions::default() }).unwrap();
    for _ in 0..25 {
        fit.step();
    }
    let basis = fit.finish();
    assert!(basis.basis()[0].abs() > 0.99, "{:?}", basis.basis());
}

#[test]
fn tasks_without_samples_have_a_zero_head() {
    let mut world = LinearWorld::new((6, 2, 4), Heads::Gaussian, 0.1, &Rng::new(3)).unwrap();
    let mut samples = Moments::new(4, 6);
    for t in [0, 2, 3] {
        crate::select::lasso_amtrl::TaskSource::draw(&mut world, t, 40, &mut samples);
    }
    let mut fit = MultiTaskFit::new(&samples, FitOptions { rank: 2, ..FitOptions::default() }).unwrap();
    fit.step();
    let found = fit.finish();
    assert_eq!(found.heads()[2..4], [0.0, 0.0]);
    assert!(found.heads().iter().all(|v| v.is_finite()));
    assert!(world.largest_sine(&found) < 0.2);
}

/// Constant inputs and labels of one value leave a fit that is finite.
#[test]
fn degenerate_samples_give_finite_fits() {
    for (x, y) in [([0.0, 0.0, 0.0], 0.0), ([1.0, 1.0, 1.0], 1.0), ([0.0, 2.0, 0.0], -1.0)] {
        let mut samples = Moments::new(3, 3);
        for i in 0..30 {
            samples.add(i % 3, &x, y);
        }
        let mut fit = MultiTaskFit::new(&samples, FitOptions { rank: 3, ..FitOptions::default() }).unwrap();
        for _ in 0..5 {
            fit.step();
        }
        let found = fit.finish();
        orthonormal(found.basis(), 3, 1e-10);
        let predicted = dot(&found.weights(&found.heads()[..3]), &x);
        assert!((predicted - y).abs() < 1e-6, "{predicted} for {y}");
        assert!(ridge_weights(&samples, 0, 1e-6).iter().all(|v| v.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn weights_of_a_head_are_the_basis_times_it(seed in 0u64..1000) {
        let mut world = LinearWorld::new((8, 3, 6), Heads::Clustered, 0.5, &Rng::new(seed)).unwrap();
        let samples = each(&mut world, 8, 20);
        let mut fit = MultiTaskFit::new(&samples, FitOptions { rank: 3, ..FitOptions::default() }).unwrap();
        for _ in 0..10 {
            fit.step();
        }
        let found = fit.finish();
        let head = found.head(&world.draw_target(200), 1e-8);
        let weights = found.weights(&head);
        prop_assert!((dot(&weights, &weights) - dot(&head, &head)).abs() < 1e-9);
    }
}
