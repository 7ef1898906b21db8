use super::*;
use proptest::prelude::*;

use crate::Rng;

/// Distances between directions on a sphere: costs from 0 to 2.
fn directions(n: usize, m: usize, seed: u64) -> CostMatrix {
    let mut rng = Rng::new(seed);
    let mut points = |count: usize| -> Vec<[f64; 3]> {
        (0..count)
            .map(|_| {
                let p = [rng.normal(), rng.normal(), rng.normal()];
                let length = p.iter().map(|v| v * v).sum::<f64>().sqrt();
                p.map(|v| v / length)
            })
            .collect()
    };
    let (x, y) = (points(n), points(m));
    let distance = |a: &[f64; 3], b: &[f64; 3]| {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() as f32
    };
    let values = x.iter().flat_map(|a| y.iter().map(move |b| distance(a, b))).collect();
    CostMatrix::new(values, n, m).unwrap()
}

fn masses(n: usize, seed: u64) -> Vec<f64> {
    Rng::new(seed).dirichlet(1.0, n)
}

fn tight(epsilon: f64) -> SinkhornConfig {
    SinkhornConfig { epsilon, tolerance: 1e-5, max_iterations: 20_000 }
}

/// The optimum of equal masses by trying all assignments.
fn brute_force(cost: &CostMatrix) -> f64 {
    fn best(cost: &CostMatrix, row: usize, free: &mut Vec<usize>) -> f64 {
        if row == cost.rows() {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for at in 0..free.len() {
            let column = free.swap_remove(at);
            least = least.min(f64::from(cost.row(row)[column]) + best(cost, row + 1, free));
            free.push(column);
            let last = free.len() - 1;
            free.swap(at, last);
        }
        least
    }
    best(cost, 0, &mut (0..cost.columns()).collect()) / cost.rows() as f64
}

#[test]
fn the_exact_solver_finds_the_best_assignment() {
    for seed in 0..20 {
        let n = 2 + seed as usize % 6;
        let cost = directions(n, n, seed);
        let found = exact(&cost, &uniform(n), &uniform(n)).unwrap();
        assert!((found.cost - brute_force(&cost)).abs() < 1e-12, "{seed}");
    }
}

/// Complementary slackness: a plan with the right marginals and potentials that never exceed the cost and meet it where
/// mass flows is optimal, whatever found it.
#[test]
fn an_exact_plan_carries_its_own_proof() {
    for (n, m) in [(1, 1), (1, 7), (9, 1), (12, 17), (40, 23), (30, 30)] {
        let cost = directions(n, m, 7);
        let (a, b) = (masses(n, 1), masses(m, 2));
        let found = exact(&cost, &a, &b).unwrap();
        let (mut rows, mut columns) = (vec![0.0; n], vec![0.0; m]);
        for (i, j, mass) in &found.plan {
            rows[*i] += mass;
            columns[*j] += mass;
            let slack = f64::from(cost.row(*i)[*j]) - found.f[*i] - found.g[*j];
            assert!(slack.abs() < 1e-9, "{slack}");
        }
        assert!(rows.iter().zip(&a).chain(columns.iter().zip(&b)).all(|(x, y)| (x - y).abs() < 1e-11));
        for i in 0..n {
            assert!(cost.row(i).iter().zip(&found.g).all(|(c, g)| found.f[i] + g <= f64::from(*c) + 1e-9));
        }
    }
}

#[test]
fn the_rounded_plan_has_the_marginals_and_its_cost() {
    let cost = directions(23, 17, 3);
    let (a, b) = (masses(23, 4), masses(17, 5));
    let mut solver = Sinkhorn::new(cost.clone(), &a, &b, &SinkhornConfig::default()).unwrap();
    while !solver.advance(1000) {}
    let found = solver.finish(true);
    assert!(found.converged && found.marginal_error < 1e-3);
    let plan = found.plan.unwrap();
    assert!(plan.iter().all(|mass| *mass >= 0.0));
    for (row, mass) in plan.chunks_exact(17).zip(&a) {
        assert!((row.iter().map(|v| f64::from(*v)).sum::<f64>() - mass).abs() < 1e-6);
    }
    for (column, mass) in b.iter().enumerate() {
        let sum: f64 = plan.iter().skip(column).step_by(17).map(|v| f64::from(*v)).sum();
        assert!((sum - mass).abs() < 1e-6);
    }
    let sum: f64 = plan.iter().zip(cost.values()).map(|(p, c)| f64::from(*p) * f64::from(*c)).sum();
    assert!((sum - found.cost).abs() < 1e-6);
    assert!((found.f.iter().sum::<f64>()).abs() < 1e-9, "potentials are shifted to mean 0");
}

/// The dual of two points against two: a plan that is a half identity costs ε log 2 more.
#[test]
fn the_dual_value_holds_the_entropy() {
    let cost = CostMatrix::new(vec![0.0, 2.0, 2.0, 0.0], 2, 2).unwrap();
    let found = sinkhorn(cost, &uniform(2), &uniform(2), &tight(0.05)).unwrap();
    assert!(found.cost.abs() < 1e-9);
    assert!((found.dual - 0.05 * 2f64.ln()).abs() < 1e-5, "{}", found.dual);
}

#[test]
fn a_shift_and_a_scale_of_the_costs_move_the_result_along() {
    let cost = directions(15, 11, 6);
    let base = sinkhorn(cost.clone(), &uniform(15), &uniform(11), &tight(0.05)).unwrap().cost;
    let moved: Vec<f32> = cost.values().iter().map(|c| 1000.0 * c - 3000.0).collect();
    let moved = CostMatrix::new(moved, 15, 11).unwrap();
    let found = sinkhorn(moved, &uniform(15), &uniform(11), &tight(50.0)).unwrap().cost;
    assert!((found - (1000.0 * base - 3000.0)).abs() < 0.1, "{found} {base}");
}

/// Points on a line far apart, at the finest regularisation: without the log-domain step, whole rows underflow.
#[test]
fn nothing_underflows_at_the_finest_regularisation() {
    let n = 40;
    let values =
        (0..n * n).map(|at| ((at / n) as f32 - (at % n) as f32 - 0.25).abs().powi(2)).collect::<Vec<f32>>();
    let span = values.iter().fold(0.0f32, |top, v| top.max(*v));
    let cost = CostMatrix::new(values, n, n).unwrap();
    let best = exact(&cost, &uniform(n), &uniform(n)).unwrap().cost;
    let config = SinkhornConfig { epsilon: f64::from(span) * 6e-4, tolerance: 1e-4, max_iterations: 5000 };
    let found = sinkhorn(cost, &uniform(n), &uniform(n), &config).unwrap();
    assert!(found.cost >= best - 1e-6 && found.cost < best + config.epsilon * 4.0, "{} {best}", found.cost);
}

#[test]
fn the_exact_log_domain_update_is_that_of_the_definition() {
    // A solver whose kernel is all zeros cannot take a step; it has to recover by itself.
    let cost = directions(6, 5, 9);
    let mut solver = Sinkhorn::new(cost.clone(), &uniform(6), &uniform(5), &tight(0.05)).unwrap();
    solver.start_far(-1e6);
    while !solver.advance(30) {}
    let found = solver.finish(false);
    let usual = sinkhorn(cost, &uniform(6), &uniform(5), &tight(0.05)).unwrap();
    assert!(found.converged);
    assert!((found.dual - usual.dual).abs() < 1e-4, "{} {}", found.dual, usual.dual);
}

#[test]
fn empty_masses_are_served_nothing() {
    let cost = directions(4, 4, 2);
    let (a, b) = ([0.5, 0.0, 0.5, 0.0], [0.0, 0.25, 0.75, 0.0]);
    let best = exact(&cost, &a, &b).unwrap();
    assert!(best.plan.iter().all(|(i, j, _)| i % 2 == 0 && (1..=2).contains(j)));
    let found = sinkhorn(cost, &a, &b, &tight(0.01)).unwrap();
    assert!((found.cost - best.cost).abs() < 0.02, "{} {}", found.cost, best.cost);
}

#[test]
fn constant_costs_cost_that() {
    for constant in [0.0, 3.5, -2.0] {
        let cost = CostMatrix::new(vec![constant; 12], 3, 4).unwrap();
        let found = sinkhorn(cost.clone(), &uniform(3), &uniform(4), &tight(0.02)).unwrap();
        assert!((found.cost - f64::from(constant)).abs() < 1e-6);
        assert!((exact(&cost, &uniform(3), &uniform(4)).unwrap().cost - f64::from(constant)).abs() < 1e-9);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let says = |result: Result<Transport, CoreError>, text: &str| {
        let said = result.unwrap_err().to_string();
        assert!(said.contains(text), "{said}");
    };
    assert!(CostMatrix::new(vec![], 0, 3).is_err());
    assert!(CostMatrix::new(vec![0.0; 5], 2, 3).is_err());
    assert!(CostMatrix::new(vec![f32::NAN; 6], 2, 3).is_err());
    let cost = || directions(2, 3, 1);
    let config = SinkhornConfig::default();
    says(sinkhorn(cost(), &uniform(3), &uniform(3), &config), "sources");
    says(sinkhorn(cost(), &[0.5, 0.6], &uniform(3), &config), "sum 1");
    says(sinkhorn(cost(), &[1.5, -0.5], &uniform(3), &config), "negative");
    says(sinkhorn(cost(), &[f64::NAN, 1.0], &uniform(3), &config), "NaN");
    says(sinkhorn(cost(), &uniform(2), &uniform(3), &SinkhornConfig { epsilon: 1e-5, ..config }), "epsilon");
    says(
        sinkhorn(cost(), &uniform(2), &uniform(3), &SinkhornConfig { tolerance: 0.0, ..config }),
        "tolerance",
    );
    let large = CostMatrix::new(vec![0.0; 600 * 600], 600, 600).unwrap();
    assert!(exact(&large, &uniform(600), &uniform(600)).unwrap_err().to_string().contains("Sinkhorn"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sinkhorn_is_never_below_the_optimum_and_worse_for_larger_epsilon(
        n in 1usize..14, m in 1usize..14, seed in 0u64..1000,
    ) {
        let cost = directions(n, m, seed);
        let (a, b) = (masses(n, seed + 1), masses(m, seed + 2));
        let best = exact(&cost, &a, &b).unwrap().cost;
        let mut last = best;
        for epsilon in [0.01, 0.05, 0.2, 1.0] {
            let found = sinkhorn(cost.clone(), &a, &b, &tight(epsilon)).unwrap();
            prop_assert!(found.cost >= best - 1e-6, "{} is below {best}", found.cost);
            prop_assert!(found.cost >= last - 2e-4, "{epsilon}: {} after {last}", found.cost);
            prop_assert!(found.dual >= found.cost - 1e-3, "the entropy is not negative");
            last = found.cost;
        }
    }

    #[test]
    fn the_exact_cost_is_symmetric_and_zero_between_equal_sets(n in 1usize..16, m in 1usize..16, seed in 0u64..1000) {
        let cost = directions(n, m, seed);
        let turned = (0..n * m).map(|at| cost.row(at % n)[at / n]).collect();
        let turned = CostMatrix::new(turned, m, n).unwrap();
        let (a, b) = (masses(n, seed + 1), masses(m, seed + 2));
        let (one, two) = (exact(&cost, &a, &b).unwrap().cost, exact(&turned, &b, &a).unwrap().cost);
        prop_assert!((one - two).abs() < 1e-10, "{one} {two}");
        // The same points in another order.
        let mut rng = Rng::new(seed);
        let points: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
        let mut order: Vec<usize> = (0..n).collect();
        rng.shuffle(&mut order);
        let values = (0..n * n).map(|at| (points[at / n] - points[order[at % n]]).abs()).collect();
        let same = CostMatrix::new(values, n, n).unwrap();
        prop_assert_eq!(exact(&same, &uniform(n), &uniform(n)).unwrap().cost, 0.0);
    }
}
