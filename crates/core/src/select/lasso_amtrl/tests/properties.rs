//! What holds for every problem.

use super::{each, floor, normal};
use crate::Rng;
use crate::linalg::{dot, invert};
use crate::select::lasso_amtrl::allocation::{Limits, allocate, spread_costs, water_fill};
use crate::select::lasso_amtrl::relevance::{
    keep_largest, lasso_relevance, least_1_norm, least_2_norm, least_cost_norm, refit, variance,
};
use crate::select::lasso_amtrl::{
    ActiveSampling, FitOptions, Heads, LinearWorld, Schedule, Strategy, TaskPool, TaskPools,
};
use crate::select::{Selector, lasso_amtrl::TaskSource};
use futures::executor::block_on;
use proptest::prelude::*;

/// The problem after (B, W) → (BR, R⁻¹W).
fn turned(heads: &[f64], target: &[f64], matrix: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let k = target.len();
    let apply = |w: &[f64]| -> Vec<f64> { matrix.chunks(k).map(|line| dot(line, w)).collect() };
    (heads.chunks(k).flat_map(apply).collect(), apply(target))
}

fn same(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * (1.0 + b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_allocation_is_better_than_that_of_the_least_1_norm(seed in 0u64..10_000, k in 2usize..6, more in 1usize..12) {
        let mut rng = Rng::new(seed);
        let tasks = k + more;
        let (heads, target) = (normal(k * tasks, &mut rng), normal(k, &mut rng));
        let nu = least_1_norm(&heads, &target).unwrap();
        let norm: f64 = nu.iter().map(|v| v.abs()).sum();
        let n: Vec<f64> = nu.iter().map(|v| 1000.0 * v.abs() / norm).collect();
        let best = variance(&heads, &target, &n);
        prop_assert!((best / (norm * norm / 1000.0) - 1.0).abs() < 1e-8);
        for _ in 0..42 {
            let shares = rng.dirichlet(0.3 + rng.clone().uniform(), tasks);
            let n: Vec<f64> = shares.iter().map(|p| 1000.0 * p).collect();
            prop_assert!(best <= variance(&heads, &target, &n) * (1.0 + 1e-9));
        }
        let two = least_2_norm(&heads, &target);
        let whole: f64 = two.iter().map(|v| v * v).sum();
        let by_squares: Vec<f64> = two.iter().map(|v| 1000.0 * v * v / whole).collect();
        prop_assert!(best <= variance(&heads, &target, &by_squares) * (1.0 + 1e-9));
        prop_assert!(best <= variance(&heads, &target, &vec![1000.0 / tasks as f64; tasks]) * (1.0 + 1e-9));
    }

    #[test]
    fn norms_do_not_depend_on_the_basis_and_the_lasso_on_rotations_only(seed in 0u64..10_000, k in 2usize..5) {
        let mut rng = Rng::new(seed);
        let tasks = 3 * k;
        let (heads, target) = (normal(k * tasks, &mut rng), normal(k, &mut rng));
        let mut matrix = normal(k * k, &mut rng);
        (0..k).for_each(|i| matrix[i * k + i] += 3.0);
        prop_assume!(invert(&matrix, k).is_some());
        let (other, goal) = turned(&heads, &target, &matrix);
        let (one, two) = (least_1_norm(&heads, &target).unwrap(), least_2_norm(&heads, &target));
        prop_assert!(same(&least_1_norm(&other, &goal).unwrap(), &one, 1e-7));
        prop_assert!(same(&least_2_norm(&other, &goal), &two, 1e-7));
        let ones = vec![1.0; tasks];
        let last = |heads: &[f64], target: &[f64]| lasso_relevance(heads, target, &ones, 0.1).pop().unwrap().x;
        let lasso = last(&heads, &target);
        let (_, rotation) = crate::linalg::symmetric_eigen(&{
            let mut sum = matrix.clone();
            for i in 0..k {
                for j in 0..k {
                    sum[i * k + j] = matrix[i * k + j] + matrix[j * k + i];
                }
            }
            sum
        }, k);
        let (rotated, aim) = turned(&heads, &target, &rotation);
        prop_assert!(same(&last(&rotated, &aim), &lasso, 1e-6));
        prop_assert!(!same(&last(&other, &goal), &lasso, 1e-6), "a general change of basis changes the Lasso");
    }

    #[test]
    fn allocations_keep_budget_floor_and_caps(
        seed in 0u64..10_000, tasks in 1usize..20, least in 0usize..5, more in 0usize..500,
    ) {
        let mut rng = Rng::new(seed);
        let mut shares = rng.dirichlet(0.4, tasks);
        if seed % 3 == 0 {
            shares[0] = 0.0;
        }
        let costs = vec![1.0; tasks];
        let caps: Vec<usize> = (0..tasks).map(|_| least + 1 + rng.below(80)).collect();
        let most: usize = caps.iter().sum();
        let budget = (least * tasks + more).min(most);
        let limits = Limits { floor: least, caps: &caps, costs: &costs };
        let n = allocate(&shares, budget as f64, limits).unwrap();
        prop_assert_eq!(n.iter().sum::<usize>(), budget);
        prop_assert!(n.iter().zip(&caps).all(|(n, cap)| *n >= least && n <= cap));
        let scaled: Vec<f64> = shares.iter().map(|p| 7.5 * p).collect();
        prop_assert_eq!(&allocate(&scaled, budget as f64, limits).unwrap(), &n);
        // What is neither at its floor nor at its cap is in proportion to the shares.
        let amounts = water_fill(&shares, budget as f64, limits).unwrap();
        let between: Vec<f64> = (0..tasks)
            .filter(|t| amounts[*t] > least as f64 + 1e-6 && amounts[*t] < caps[*t] as f64 - 1e-6 && shares[*t] > 0.0)
            .map(|t| amounts[t] / shares[t])
            .collect();
        prop_assert!(between.windows(2).all(|pair| (pair[0] / pair[1] - 1.0).abs() < 1e-9));
    }

    #[test]
    fn costs(seed in 0u64..10_000, k in 2usize..5, more in 1usize..10) {
        let mut rng = Rng::new(seed);
        let tasks = k + more;
        let (heads, target) = (normal(k * tasks, &mut rng), normal(k, &mut rng));
        let ones = vec![1.0; tasks];
        let plain = least_1_norm(&heads, &target).unwrap();
        prop_assert!(same(&least_cost_norm(&heads, &target, &ones).unwrap(), &plain, 1e-12));
        let costs: Vec<f64> = (0..tasks).map(|_| 0.2 + 5.0 * rng.uniform()).collect();
        let nu = least_cost_norm(&heads, &target, &costs).unwrap();
        let method = ActiveSampling { strategy: Strategy::L1Cost, ..ActiveSampling::default() };
        let caps = vec![usize::MAX; tasks];
        let n = water_fill(&method.shares(&nu, &costs), 1000.0, floor(0, &caps, &costs)).unwrap();
        let spent: f64 = n.iter().zip(&costs).map(|(n, c)| n * c).sum();
        prop_assert!((spent - 1000.0).abs() < 1e-9);
        let norm: f64 = nu.iter().zip(&costs).map(|(v, c)| v.abs() * c.sqrt()).sum();
        for t in 0..tasks {
            prop_assert!((n[t] - 1000.0 * nu[t].abs() / (costs[t].sqrt() * norm)).abs() < 1e-7);
        }
        let best = variance(&heads, &target, &n);
        prop_assert!((best / (norm * norm / 1000.0) - 1.0).abs() < 1e-7);
        // The allocation that does not look at costs is no better for the same money.
        let blind = ActiveSampling::default().shares(&plain, &costs);
        let n = water_fill(&blind, 1000.0, floor(0, &caps, &costs)).unwrap();
        prop_assert!(best <= variance(&heads, &target, &n) * (1.0 + 1e-9));
        let whole = allocate(&method.shares(&nu, &costs), 1000.0, floor(0, &caps, &costs)).unwrap();
        let spent: f64 = whole.iter().zip(&costs).map(|(n, c)| *n as f64 * c).sum();
        prop_assert!(spent <= 1000.0 + 1e-6 && spent > 1000.0 - 6.0 * tasks as f64);
    }
}

#[test]
fn even_shares_give_an_even_allocation() {
    let n = allocate(&[0.3; 7], 700.0, floor(2, &[usize::MAX; 7], &[1.0; 7])).unwrap();
    assert_eq!(n, [100; 7]);
    let rest = allocate(&[1.0; 4], 10.0, floor(0, &[usize::MAX; 4], &[1.0; 4])).unwrap();
    assert_eq!(rest, [3, 3, 2, 2]);
}

#[test]
fn a_shorter_list_is_solved_anew() {
    let mut nu = vec![0.5, -0.9, 0.1, 0.9];
    keep_largest(&mut nu, 2);
    assert_eq!(nu, [0.0, -0.9, 0.0, 0.9]);
    let heads = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 0.0];
    // (3, 1) from the second and the fourth head only: 1·(0,1) + 1.5·(2,0).
    let again = refit(&heads, &[3.0, 1.0], &[0.0, 1.0, 0.0, 1.0]);
    super::near(&again, &[0.0, 1.0, 0.0, 1.5], 1e-12);
}

fn small() -> ActiveSampling {
    let fit = FitOptions { rank: 2, iterations: 10, ridge: 1e-8 };
    ActiveSampling { fit, top: 2, rounds: 3, ..ActiveSampling::default() }
}

#[test]
fn every_schedule_and_strategy_spends_the_budget_exactly() {
    let world = LinearWorld::new((6, 2, 8), Heads::Gaussian, 0.5, &Rng::new(9)).unwrap();
    for schedule in [Schedule::TwoRounds, Schedule::EqualRounds, Schedule::GrowingRounds] {
        for strategy in [Strategy::Uniform, Strategy::L2, Strategy::L1, Strategy::L1TopK, Strategy::L1Cost] {
            let method = ActiveSampling { schedule, strategy, explore: 0.1, ..small() };
            let mut world = world.clone();
            let target = world.draw_target(50);
            let found = block_on(method.run(&mut world, &target, 1001.0, &mut ())).unwrap();
            assert_eq!(found.counts.iter().sum::<usize>(), 1001, "{schedule:?} {strategy:?}");
            assert_eq!(found.spent, 1001.0);
            let of_rounds: usize = found.rounds.iter().flat_map(|round| &round.counts).sum();
            assert_eq!(of_rounds, 1001);
            let rounds = match (strategy, schedule) {
                (Strategy::Uniform, _) => 1..=1,
                (_, Schedule::TwoRounds) => 2..=2,
                (_, Schedule::EqualRounds) => 3..=3,
                // Each round at least doubles: 100, then at least 200, 400, and the rest.
                (_, Schedule::GrowingRounds) => 2..=4,
            };
            assert!(
                rounds.contains(&found.rounds.len()),
                "{schedule:?} {strategy:?}: {}",
                found.rounds.len()
            );
            if strategy == Strategy::L1TopK {
                assert!(found.relevance.iter().filter(|v| **v != 0.0).count() <= 2);
            }
        }
    }
}

#[test]
fn costs_span_their_spread() {
    assert!(spread_costs(5, 1.0, &Rng::new(0)).is_empty());
    let mut costs = spread_costs(5, 16.0, &Rng::new(0));
    costs.sort_by(f64::total_cmp);
    super::near(&costs, &[1.0, 2.0, 4.0, 8.0, 16.0], 1e-12);
}

#[test]
fn money_is_not_overspent() {
    let mut world = LinearWorld::new((6, 2, 8), Heads::Gaussian, 0.5, &Rng::new(9)).unwrap();
    let target = world.draw_target(50);
    let costs: Vec<f64> = (0..8).map(|t| 1.0 + f64::from(t)).collect();
    let method = ActiveSampling { strategy: Strategy::L1Cost, costs, ..small() };
    let found = block_on(method.run(&mut world, &target, 3000.0, &mut ())).unwrap();
    assert!(found.spent <= 3000.0 && found.spent > 2980.0, "{}", found.spent);
}

/// A target without signal: the estimate is 0, and all tasks are treated alike.
#[test]
fn an_estimate_of_nothing_treats_all_alike() {
    let mut world = LinearWorld::new((6, 2, 8), Heads::Gaussian, 0.5, &Rng::new(9)).unwrap();
    let mut target = crate::select::lasso_amtrl::Moments::new(1, 6);
    for i in 0..6 {
        let mut x = [0.0; 6];
        x[i] = 1.0;
        target.add(0, &x, 0.0);
    }
    let found = block_on(small().run(&mut world, &target, 800.0, &mut ())).unwrap();
    assert_eq!(found.counts, [100; 8]);
    assert_eq!(found.empty_estimates, 1);
}

/// Features of very different size: measured by their second moment, heads are those of the white inputs.
#[test]
fn whitening_undoes_a_change_of_the_inputs() {
    let world = LinearWorld::new((5, 2, 8), Heads::Gaussian, 0.0, &Rng::new(2)).unwrap();
    let plain = ActiveSampling { lasso: 0.1, ..small() };
    let whitened = ActiveSampling { whiten: true, ..plain.clone() };
    // Inputs that are white in the sample give the same estimate with and without.
    let mut a = world.clone();
    let target = a.draw_target(4000);
    let found = block_on(plain.run(&mut a, &target, 40_000.0, &mut ())).unwrap();
    let mut b = world.clone();
    let _ = b.draw_target(4000);
    let same = block_on(whitened.run(&mut b, &target, 40_000.0, &mut ())).unwrap();
    for (x, y) in found.relevance.iter().zip(&same.relevance) {
        assert!((x - y).abs() < 0.05, "{:?} {:?}", found.relevance, same.relevance);
    }
}

fn pools() -> TaskPools {
    let mut rng = Rng::new(4);
    let mut pool = |n: usize, weights: [f32; 3]| {
        let x: Vec<f32> = (0..3 * n).map(|_| rng.normal() as f32).collect();
        let y = x.chunks(3).map(|x| x.iter().zip(weights).map(|(x, w)| x * w).sum()).collect();
        TaskPool { x, y }
    };
    let sources = vec![pool(30, [1.0, 0.0, 0.0]), pool(25, [0.0, 1.0, 0.0]), pool(40, [1.0, 1.0, 0.0])];
    let target = pool(12, [1.0, 1.0, 0.0]);
    TaskPools::new(3, sources, target).unwrap()
}

#[test]
fn rows_of_finite_pools_are_selected_once() {
    let pools = pools();
    let method = small();
    for budget in [10, 50, 95] {
        let chosen = block_on(method.select(&pools, budget, &Rng::new(1), &mut ())).unwrap();
        let mut rows = chosen.rows.clone();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), budget);
        assert!(rows.iter().all(|row| *row < 95));
        let again = block_on(method.select(&pools, budget, &Rng::new(1), &mut ())).unwrap();
        assert_eq!(again, chosen);
    }
    // The third task has the target's head: after the first round it is emptied before the others get more.
    let chosen = block_on(method.select(&pools, 50, &Rng::new(1), &mut ())).unwrap();
    let third = chosen.rows.iter().filter(|row| **row >= 55).count();
    assert!(third >= 38, "{third}");
}

#[test]
fn copies_of_a_world_go_on_with_the_same_samples() {
    let mut world = LinearWorld::new((6, 2, 8), Heads::Clustered, 0.5, &Rng::new(9)).unwrap();
    let mut copy = world.clone();
    assert_eq!(each(&mut world, 6, 5), each(&mut copy, 6, 5));
    assert_eq!(world.left(3), usize::MAX);
}
