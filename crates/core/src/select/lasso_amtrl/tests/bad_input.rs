//! What cannot work is refused with what would be right.

use super::floor;
use crate::Rng;
use crate::select::Selector;
use crate::select::lasso_amtrl::allocation::allocate;
use crate::select::lasso_amtrl::relevance::{least_1_norm, least_2_norm, variance};
use crate::select::lasso_amtrl::{
    ActiveSampling, FitOptions, Heads, LinearWorld, Moments, MultiTaskFit, TaskPool, TaskPools,
};
use futures::executor::block_on;

fn says<T>(result: Result<T, crate::CoreError>, text: &str) {
    let error = result.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains(text), "wanted `{text}` in `{error}`");
}

#[test]
fn allocations() {
    let (caps, costs) = ([10usize, 10], [1.0, 1.0]);
    let limits = floor(3, &caps, &costs);
    says(allocate(&[1.0, 2.0], 5.0, limits), "`budget`");
    says(allocate(&[1.0, 2.0], 21.0, limits), "`budget`");
    says(allocate(&[1.0, 2.0], f64::NAN, limits), "`budget`");
    says(allocate(&[1.0, f64::NAN], 8.0, limits), "shares");
    says(allocate(&[1.0, -1.0], 8.0, limits), "shares");
    says(allocate(&[1.0], 8.0, limits), "pool sizes");
    says(allocate(&[], 8.0, floor(0, &[], &[])), "at least 1");
    says(allocate(&[1.0, 1.0], 8.0, floor(0, &caps, &[1.0, 0.0])), "`costs`");
    assert_eq!(allocate(&[1.0, 2.0], 20.0, limits).unwrap(), [10, 10]);
}

#[test]
fn fits_and_worlds() {
    let samples = Moments::new(3, 5);
    for rank in [0, 4] {
        says(MultiTaskFit::new(&samples, FitOptions { rank, ..FitOptions::default() }), "1 to 3");
        says(LinearWorld::new((5, rank, 3), Heads::Gaussian, 1.0, &Rng::new(0)), "1 to 3");
    }
    says(
        MultiTaskFit::new(&samples, FitOptions { rank: 2, ridge: -1.0, ..FitOptions::default() }),
        "`ridge`",
    );
    says(LinearWorld::new((5, 2, 3), Heads::Gaussian, -1.0, &Rng::new(0)), "`noise`");
    let mut samples = Moments::new(3, 2);
    samples.add(0, &[1.0, f64::INFINITY], 1.0);
    says(MultiTaskFit::new(&samples, FitOptions { rank: 2, ..FitOptions::default() }), "NaN or infinite");
}

#[test]
fn targets_outside_of_the_span() {
    let heads = [1.0, 0.0, 2.0, 0.0];
    assert!(least_1_norm(&heads, &[1.0, 1.0]).is_none());
    super::near(&least_2_norm(&heads, &[1.0, 1.0]), &[0.2, 0.4], 1e-12);
    assert_eq!(variance(&heads, &[1.0, 1.0], &[10.0, 10.0]), f64::INFINITY);
    assert!(variance(&heads, &[1.0, 0.0], &[0.0, 10.0]).is_finite());
}

#[test]
fn runs() {
    let world = LinearWorld::new((6, 2, 8), Heads::Gaussian, 0.5, &Rng::new(9)).unwrap();
    let good =
        ActiveSampling { fit: FitOptions { rank: 2, ..FitOptions::default() }, ..ActiveSampling::default() };
    let run = |method: &ActiveSampling, target: &Moments, budget: f64| {
        block_on(method.run(&mut world.clone(), target, budget, &mut ()))
    };
    let target = world.clone().draw_target(20);
    says(run(&ActiveSampling { explore: 0.0, ..good.clone() }, &target, 100.0), "`explore`");
    says(run(&ActiveSampling { lasso: 1.0, ..good.clone() }, &target, 100.0), "`lasso`");
    says(run(&ActiveSampling { rounds: 1, ..good.clone() }, &target, 100.0), "`rounds`");
    says(run(&ActiveSampling { top: 0, ..good.clone() }, &target, 100.0), "`top`");
    says(run(&ActiveSampling { costs: vec![1.0; 3], ..good.clone() }, &target, 100.0), "8 tasks");
    says(run(&good, &target, 0.0), "`budget`");
    says(run(&good, &Moments::new(1, 6), 100.0), "at least one sample");
    let mut bad = Moments::new(1, 6);
    bad.add(0, &[f64::NAN; 6], 1.0);
    says(run(&good, &bad, 100.0), "NaN");
    says(
        block_on(good.run_known(&[1.0], 0, &mut world.clone(), &target, 100.0, &mut ())).map(|_| ()),
        "8 tasks",
    );
    says(
        block_on(good.run_known(&[1.0; 8], 20, &mut world.clone(), &target, 100.0, &mut ())).map(|_| ()),
        "`budget`",
    );
}

#[test]
fn pools() {
    let pool = |n: usize| TaskPool { x: vec![1.0; 2 * n], y: vec![1.0; n] };
    says(TaskPools::new(2, vec![], pool(1)), "at least one task");
    says(TaskPools::new(0, vec![pool(1)], pool(1)), "at least one");
    says(TaskPools::new(2, vec![pool(0)], pool(1)), "for each label");
    says(TaskPools::new(2, vec![pool(3)], TaskPool { x: vec![1.0], y: vec![1.0] }), "for each label");
    says(TaskPools::new(2, vec![TaskPool { x: vec![1.0, f32::NAN], y: vec![0.0] }], pool(1)), "NaN");
    let pools = TaskPools::new(2, vec![pool(3), pool(4)], pool(2)).unwrap();
    let method =
        ActiveSampling { fit: FitOptions { rank: 1, ..FitOptions::default() }, ..ActiveSampling::default() };
    for budget in [0, 8] {
        says(block_on(method.select(&pools, budget, &Rng::new(0), &mut ())), "`budget`");
    }
    // Duplicates, constant inputs and labels of one value are no obstacle.
    let all = block_on(method.select(&pools, 7, &Rng::new(0), &mut ())).unwrap();
    assert_eq!(all.rows.len(), 7);
}
