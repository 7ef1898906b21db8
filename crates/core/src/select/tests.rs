//! The baselines: worked examples, brute force, and what bad input is told.

use burn::tensor::Device;
use futures::executor::block_on;
use proptest::prelude::*;
use std::ops::ControlFlow;

use super::*;
use crate::{CoreError, Rng};

fn pool(data: Vec<f32>, dims: usize) -> Embeddings {
    let rows = data.len() / dims;
    Embeddings::new(data, rows, dims, &Device::flex()).unwrap()
}

fn random_pool(rows: usize, dims: usize, seed: u64) -> Embeddings {
    let mut rng = Rng::new(seed).split("pool");
    pool((0..rows * dims).map(|_| rng.normal() as f32).collect(), dims)
}

fn select<S: Selector>(selector: &S, pool: &S::Pool, budget: usize) -> Selection {
    block_on(selector.select(pool, budget, &Rng::new(5), &mut ())).unwrap()
}

/// Σ_j max(−1, max_{i∈S} s_ij), straight from the definition.
fn facility_value(pool: &Embeddings, set: &[usize]) -> f64 {
    let best = |j: usize| set.iter().map(|i| pool.similarity(*i, j)).fold(-1.0, f64::max);
    (0..pool.rows()).map(best).sum()
}

#[test]
fn rows_get_length_one_and_bad_pools_are_refused() {
    let p = pool(vec![3.0, 4.0, -2.0, 0.0], 2);
    assert_eq!((p.row(0), p.row(1), p.row(2)), (&[0.6f32, 0.8][..], &[-1.0f32, 0.0][..], &[][..]));
    assert!((p.similarity(0, 1) + 0.6).abs() < 1e-7);
    let refused = |data: Vec<f32>, rows, dims| {
        Embeddings::new(data, rows, dims, &Device::flex()).unwrap_err().to_string()
    };
    assert!(refused(vec![], 0, 3).contains("at least one row"));
    assert!(refused(vec![1.0; 5], 2, 3).contains("5 values"));
    assert!(refused(vec![1.0, f32::NAN], 2, 1).contains("NaN"));
    assert!(refused(vec![1.0, f32::INFINITY], 2, 1).contains("infinite"));
    assert!(refused(vec![1.0, 1.0, 0.0, 0.0], 2, 2).contains("row 1"));
}

#[test]
fn budgets_are_checked_by_every_selector_and_an_observer_can_stop_each() {
    struct Stop(usize);
    impl SelectionObserver for Stop {
        async fn chosen(&mut self, count: usize, _row: usize, _score: f64) -> ControlFlow<()> {
            if count == self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    fn check<S: Selector>(selector: S, pool: &S::Pool) {
        for budget in [0, 9] {
            let error = block_on(selector.select(pool, budget, &Rng::new(1), &mut ())).unwrap_err();
            assert!(error.to_string().contains("1 to 8"), "{error}");
        }
        let stopped = block_on(selector.select(pool, 8, &Rng::new(1), &mut Stop(3)));
        assert!(matches!(stopped, Err(CoreError::Interrupted)));
        let mut all = select(&selector, pool, 8).rows;
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
    }
    let p = random_pool(8, 3, 1);
    let graph = block_on(SimilarityGraph::build(&p, 3)).unwrap();
    check(Random, &p.rows());
    check(FacilityLocation::default(), &p);
    check(KCenter, &p);
    check(Diversity, &p);
    check(VoteK::default(), &graph);
    check(ideal::Ideal::new(ideal::IdealConfig::default()).unwrap(), &graph);
    let fresh = ideal::IdealConfig { estimator: ideal::Estimator::FreshDraws, ..Default::default() };
    check(ideal::Ideal::new(fresh).unwrap(), &graph);
}

#[test]
fn k_center_takes_the_farthest_and_diversity_the_smallest_sum() {
    // Angles in degrees; whatever comes first, the scores follow from the angles.
    let angles: [f64; 5] = [0.0, 20.0, 50.0, 110.0, 175.0];
    let data =
        angles.iter().flat_map(|a| [a.to_radians().cos() as f32, a.to_radians().sin() as f32]).collect();
    let p = pool(data, 2);
    let cos = |a: usize, b: usize| (angles[a] - angles[b]).to_radians().cos();
    for (chosen, sum) in [(select(&KCenter, &p, 5), false), (select(&Diversity, &p, 5), true)] {
        for step in 1..5 {
            let before = &chosen.rows[..step];
            let value = |row: usize| {
                let similarities = before.iter().map(|s| cos(*s, row));
                if sum {
                    -similarities.sum::<f64>()
                } else {
                    similarities.map(|s| (2.0 - 2.0 * s).sqrt()).fold(2.0, f64::min)
                }
            };
            let best =
                (0..5).filter(|row| !before.contains(row)).map(value).fold(f64::NEG_INFINITY, f64::max);
            assert!((value(chosen.rows[step]) - best).abs() < 1e-6, "{chosen:?}");
            assert!((chosen.scores[step] - best).abs() < 1e-6, "{chosen:?}");
        }
    }
}

#[test]
fn similarities_are_the_same_by_host_by_device_and_by_both_graph_searches() {
    // 4100 × 4100 × 5 products are above the limit of the host.
    let p = random_pool(4100, 5, 3);
    let of = [7, 0, 4099];
    let device = block_on(p.similarities(&of)).unwrap();
    for (place, row) in of.iter().enumerate() {
        for other in (0..4100).step_by(97) {
            let host = p.similarity(*row, other);
            assert!((f64::from(device[place * 4100 + other]) - host).abs() < 1e-5);
        }
    }
    let p = random_pool(90, 6, 4);
    let few = block_on(SimilarityGraph::build(&p, 32)).unwrap();
    let many = block_on(SimilarityGraph::build(&p, 40)).unwrap();
    for row in 0..90 {
        let mut plain: Vec<usize> = (0..90).filter(|other| *other != row).collect();
        plain.sort_by(|a, b| p.similarity(row, *b).total_cmp(&p.similarity(row, *a)).then(a.cmp(b)));
        let plain: Vec<u32> = plain.into_iter().map(|other| other as u32).collect();
        assert_eq!(few.neighbors(row), &plain[..32]);
        assert_eq!(many.neighbors(row), &plain[..40]);
    }
}

#[test]
fn equal_rows_are_no_own_neighbours_and_can_be_removed() {
    let p = pool(vec![1.0, 2.0, 2.0, 4.0, 0.0, 1.0, 1.0, 2.0, 0.5, 1.0], 2);
    let graph = block_on(SimilarityGraph::build(&p, 3)).unwrap();
    assert_eq!(graph.neighbors(0), [1, 3, 4]);
    assert_eq!(graph.neighbors(3), [0, 1, 4]);
    assert_eq!(p.distinct(), [0, 2]);
    // All rows equal: a constant pool has neighbours, selections, and no division by zero.
    let same = pool(vec![1.0; 12], 2);
    let graph = block_on(SimilarityGraph::build(&same, 2)).unwrap();
    assert_eq!(graph.neighbors(5), [0, 1]);
    assert_eq!(select(&FacilityLocation::default(), &same, 3).rows.len(), 3);
    assert_eq!(select(&ideal::Ideal::new(Default::default()).unwrap(), &graph, 3).rows.len(), 3);
    for (degree, rows) in [(0, &same), (6, &same)] {
        let error = block_on(SimilarityGraph::build(rows, degree)).unwrap_err();
        assert!(
            error.to_string().contains("`successors`") && error.to_string().contains("1 to 5"),
            "{error}"
        );
    }
}

#[test]
fn ten_thousand_rows_and_a_budget_of_a_thousand_are_within_reach() {
    // Facility location's lazy evaluation on the size of the brief, with few columns to keep the test quick; the number
    // of similarities does not depend on the columns.
    let (data, _) = GaussianClusters { dims: 8, ..Default::default() }.draw(10_000, &Rng::new(2)).unwrap();
    let p = pool(data, 8);
    let chosen = select(&FacilityLocation::default(), &p, 1000);
    assert_eq!(chosen.rows.len(), 1000);
    assert!(chosen.scores.windows(2).all(|pair| pair[1] <= pair[0] + 1e-2));
}

#[test]
fn generated_clusters_have_their_shares_and_say_what_is_wrong() {
    let make = GaussianClusters::default();
    let (data, labels) = make.draw(4000, &Rng::new(1)).unwrap();
    assert_eq!(data.len(), 4000 * 16);
    for (cluster, share) in make.shares.iter().enumerate() {
        let found = labels.iter().filter(|label| **label == cluster as i64).count() as f64 / 4000.0;
        assert!((found - share).abs() < 5.0 * (share * (1.0 - share) / 4000.0).sqrt(), "{cluster}: {found}");
    }
    let (again, _) = make.draw(10, &Rng::new(1)).unwrap();
    assert_eq!(again, data[..160]);
    for (bad, field) in [
        (GaussianClusters { shares: vec![], ..make.clone() }, "shares"),
        (GaussianClusters { shares: vec![0.5, 0.6], ..make.clone() }, "shares"),
        (GaussianClusters { dims: 0, ..make.clone() }, "dims"),
        (GaussianClusters { spread: f64::NAN, ..make.clone() }, "spread"),
    ] {
        assert!(bad.draw(3, &Rng::new(0)).unwrap_err().to_string().contains(field));
    }
}

/// Confidence by row number: a row is as sure as its number says.
struct ByNumber;

impl ConfidenceScorer for ByNumber {
    async fn confidence(&self, _labelled: &[usize], rows: &[usize]) -> Result<Vec<f64>, CoreError> {
        Ok(rows.iter().map(|row| *row as f64).collect())
    }
}

#[test]
fn confident_vote_k_takes_the_most_votes_of_each_bucket_and_leaves_the_surest_tenth() {
    let graph = block_on(SimilarityGraph::build(&random_pool(32, 3, 7), 6)).unwrap();
    let chosen = select(&ConfidentVoteK { first: 2, ..ConfidentVoteK::new(ByNumber) }, &graph, 5);
    let first = select(&VoteK::default(), &graph, 2);
    assert_eq!(chosen.rows[..2], first.rows);
    // 30 rows are left, the surest 3 are dropped, and 3 buckets hold 9 rows each.
    let open: Vec<usize> = (0..32).filter(|row| !first.rows.contains(row)).take(27).collect();
    for (number, row) in chosen.rows[2..].iter().enumerate() {
        let bucket = &open[9 * number..9 * (number + 1)];
        let before = &chosen.rows[..2 + number];
        let voted = |v: usize, u: usize| graph.neighbors(v).contains(&(u as u32));
        let score = |u: usize| -> f64 {
            (0..32)
                .filter(|v| voted(*v, u) && !before.contains(v))
                .map(|v| 10f64.powi(-(before.iter().filter(|s| voted(v, **s)).count() as i32)))
                .sum()
        };
        let best = bucket.iter().map(|u| score(*u)).fold(0.0, f64::max);
        assert!(bucket.contains(row) && (score(*row) - best).abs() < 1e-9, "bucket {number}: {row}");
    }
    // All rows may be wanted; then nothing can be dropped.
    let mut all = select(&ConfidentVoteK::new(ByNumber), &graph, 32).rows;
    all.sort_unstable();
    assert_eq!(all, (0..32).collect::<Vec<_>>());
}

#[test]
fn least_confidence_takes_batches_of_the_least_sure() {
    let p = random_pool(20, 3, 8);
    let chosen = select(&LeastConfidence { scorer: ByNumber, batch: 4 }, &p, 10);
    let rest: Vec<usize> = (0..20).filter(|row| !chosen.rows[..4].contains(row)).take(6).collect();
    assert_eq!(chosen.rows[4..], rest);
    // By closeness the next row is the one farthest from the labelled ones.
    let chosen = select(&LeastConfidence { scorer: Closeness(&p), batch: 1 }, &p, 3);
    let near = |row: usize| p.similarity(row, chosen.rows[0]);
    let farthest = (0..20).min_by(|a, b| near(*a).total_cmp(&near(*b))).unwrap();
    assert_eq!(chosen.rows[1], farthest);
}

#[test]
fn a_scorer_that_answers_nonsense_is_refused() {
    struct Broken(Vec<f64>);
    impl ConfidenceScorer for Broken {
        async fn confidence(&self, _labelled: &[usize], _rows: &[usize]) -> Result<Vec<f64>, CoreError> {
            Ok(self.0.clone())
        }
    }
    let p = random_pool(5, 2, 1);
    for answer in [vec![], vec![0.0, f64::NAN, 0.0, 0.0]] {
        let selector = LeastConfidence { scorer: Broken(answer), batch: 1 };
        assert!(block_on(selector.select(&p, 3, &Rng::new(1), &mut ())).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn facility_location_is_the_plain_greedy_search(seed in 0u64..1000, rows in 5usize..40, small in any::<bool>()) {
        let p = random_pool(rows, 3, seed);
        let memory = if small { 0 } else { 1 << 20 };
        let chosen = select(&FacilityLocation { memory }, &p, rows.min(6));
        let mut before = -(rows as f64);
        for step in 0..chosen.rows.len() {
            let value = |row: usize| {
                let set: Vec<usize> = chosen.rows[..step].iter().copied().chain([row]).collect();
                facility_value(&p, &set)
            };
            let taken = value(chosen.rows[step]);
            for row in 0..rows {
                prop_assert!(value(row) <= taken + 1e-4, "step {} row {}", step, row);
            }
            prop_assert!(taken >= before - 1e-9, "the value never falls");
            prop_assert!((taken - before - chosen.scores[step]).abs() < 1e-4);
            before = taken;
        }
    }

    #[test]
    fn vote_k_is_the_plain_greedy_search(seed in 0u64..1000, rows in 6usize..30, degree in 1usize..5) {
        let graph = block_on(SimilarityGraph::build(&random_pool(rows, 3, seed), degree)).unwrap();
        let chosen = select(&VoteK::default(), &graph, rows.min(8));
        for step in 0..chosen.rows.len() {
            let before = &chosen.rows[..step];
            let voted = |v: usize, u: usize| graph.neighbors(v).contains(&(u as u32));
            let score = |u: usize| -> f64 {
                (0..rows)
                    .filter(|v| voted(*v, u) && !before.contains(v))
                    .map(|v| 10f64.powi(-(before.iter().filter(|s| voted(v, **s)).count() as i32)))
                    .sum()
            };
            let open = (0..rows).filter(|u| !before.contains(u));
            let best = open.map(score).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((score(chosen.rows[step]) - best).abs() < 1e-9);
            prop_assert!((chosen.scores[step] - best).abs() < 1e-9);
        }
    }

    #[test]
    fn random_rows_are_distinct(seed in 0u64..1000, rows in 1usize..50) {
        let budget = rows.div_ceil(2);
        let random = block_on(Random.select(&rows, budget, &Rng::new(seed), &mut ())).unwrap();
        let mut chosen = random.rows;
        chosen.sort_unstable();
        chosen.dedup();
        prop_assert_eq!(chosen.len(), budget);
    }
}
