//! What holds for every configuration.

use super::*;
use crate::Rng;
use crate::select::{Distance, Selection, SelectionObserver, Selector};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Watches the invariants of every step.
struct Watch {
    rows: usize,
    context: usize,
    options: usize,
    states: usize,
}

impl QuestionObserver for Watch {
    async fn asked(&mut self, state: &ChoiceLoop, last: &Asked) -> ControlFlow<()> {
        self.states += 1;
        let Question { context, options, .. } = &last.question;
        let set = |rows: &[usize]| -> BTreeSet<usize> { rows.iter().copied().collect() };
        assert_eq!((set(context).len(), set(options).len()), (context.len(), options.len()), "distinct");
        let mut before = set(state.selected());
        last.row().iter().for_each(|row| assert!(before.remove(row), "the winner is chosen now"));
        assert!(set(context).is_subset(&before), "the context was chosen before");
        assert!(set(options).is_disjoint(&before), "options were not chosen before");
        assert_eq!(context.len(), self.context.min(before.len()));
        assert_eq!(options.len(), self.options.min(self.rows - before.len()));
        if !state.is_finished() {
            let (chosen, rest) = (set(state.selected()), set(state.rest()));
            assert!(chosen.is_disjoint(&rest));
            assert_eq!(chosen.len() + rest.len(), self.rows, "together they are the pool");
        }
        ControlFlow::Continue(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn chosen_and_rest_are_the_pool_at_every_step(
        rows in 1usize..40, budget in 1usize..40, context in 1usize..12, options in 1usize..12,
        initial in 1usize..12, failures in 0.0..0.6f64, seed in 0u64..1000,
    ) {
        let budget = budget.min(rows);
        let initial = initial.min(budget);
        let pool = pool(rows, seed);
        let judge = ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
        let judge = NoisyScorer::new(judge, 0.1, 0.1, failures, &Rng::new(seed)).unwrap();
        let mut watch = Watch { rows, context, options, states: 0 };
        let method = AddOneIn::new(config(budget, context, options, initial));
        let chosen = block_on(method.run(rows, judge, &Rng::new(seed), &mut watch)).unwrap();
        let rows_chosen = &chosen.selection.rows;
        prop_assert_eq!(rows_chosen.len(), budget);
        prop_assert_eq!(rows_chosen.iter().collect::<BTreeSet<_>>().len(), budget);
        prop_assert_eq!(&rows_chosen[..initial], &chosen.initial[..]);
        let tally = Tally::of(&chosen.asked, rows);
        prop_assert_eq!(tally.calls, budget - initial + tally.failures - tally.gave_up);
        prop_assert_eq!(watch.states, tally.calls);
        prop_assert_eq!(tally.exposure.iter().sum::<usize>(), rows);
        let shown: usize = tally.exposure.iter().enumerate().map(|(times, rows)| times * rows).sum();
        prop_assert_eq!(shown, chosen.asked.iter().map(|a| a.question.options.len()).sum::<usize>());
    }

    #[test]
    fn a_selection_taken_up_after_any_answer_ends_the_same(
        cut in 0.0..1.0f64, shards in 1usize..4, failures in 0.0..0.6f64, seed in 0u64..1000,
    ) {
        let pool = pool(60, seed);
        let config = AddOneInConfig { shards, retries: 2, ..config(20, 4, 5, 2) };
        let judge = || {
            let value = ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
            NoisyScorer::new(value, 0.2, 0.2, failures, &Rng::new(seed)).unwrap()
        };
        let whole = run(config.clone(), 60, judge(), seed);
        let kept = (cut * whole.asked.len() as f64) as usize;
        let state = ChoiceLoop::resume(config.clone(), 60, &Rng::new(seed), whole.asked[..kept].to_vec()).unwrap();
        let method = AddOneIn::new(config.clone());
        let again = block_on(method.go_on(state, judge(), &mut ())).unwrap();
        prop_assert_eq!(&again, &whole);
        // And with a judge that only remembers.
        let replayed = run(config, 60, ReplayScorer::new(whole.asked.clone()), seed);
        prop_assert_eq!(&replayed, &whole);
    }

    #[test]
    fn windows_over_everything_are_exact_greedy(rows in 2usize..30, seed in 0u64..1000, lambda_d in 0.0..2.0f64) {
        let pool = pool(rows, seed);
        let judge = ValueScorer::new(&pool, 1.0, lambda_d, Distance::Euclidean).unwrap();
        let chosen = run(config(rows.div_ceil(2), rows, rows, 1), rows, judge.clone(), seed).selection.rows;
        let mut greedy = vec![chosen[0]];
        while greedy.len() < chosen.len() {
            let rest: Vec<usize> = (0..rows).filter(|row| !greedy.contains(row)).collect();
            let value = |row: usize| {
                let away = greedy.iter().map(|c| {
                    let (a, b) = (pool.points().row(row), pool.points().row(*c));
                    let difference = |i: usize| f64::from(a[i]) - f64::from(b[i]);
                    difference(0).hypot(difference(1))
                });
                pool.quality()[row] + lambda_d * away.fold(f64::INFINITY, f64::min)
            };
            greedy.push(*rest.iter().max_by(|a, b| value(**a).total_cmp(&value(**b))).unwrap());
        }
        prop_assert_eq!(chosen, greedy);
    }

    #[test]
    fn the_order_of_the_options_does_not_matter(seed in 0u64..1000, copies in 0usize..2) {
        let original = pool(30, seed);
        let labels: Vec<i64> = (0..30).map(|row| row % 3).collect();
        // With copies every value occurs twice: ties go to the lower row.
        let quality = original.quality().iter().enumerate();
        let quality = quality.map(|(row, q)| if copies == 1 { original.quality()[row / 2 * 2] } else { *q }).collect();
        let pool = QualityPool::new(original.points().clone(), quality).unwrap();
        let mut rng = Rng::new(seed);
        let (context, mut options) = (rng.sample(10, 4), rng.sample(20, 8));
        options.iter_mut().for_each(|row| *row += 10);
        let mut shuffled = options.clone();
        rng.shuffle(&mut shuffled);
        let pick = |options: &[usize]| {
            let question = question(&context, options);
            let mut value = ValueScorer::new(&pool, 1.0, if copies == 1 { 0.0 } else { 1.0 }, Distance::Cosine).unwrap();
            let mut facility = FacilityScorer::new(&pool, 9, 1.0, 1.0, Distance::Euclidean, &Rng::new(seed)).unwrap();
            let mut loss = LossScorer::new(pool.points(), &labels, LossValue::Loss).unwrap();
            [
                options[block_on(value.choose(&question)).unwrap().index],
                options[block_on(facility.choose(&question)).unwrap().index],
                options[block_on(loss.choose(&question)).unwrap().index],
            ]
        };
        prop_assert_eq!(pick(&options), pick(&shuffled));
    }

    #[test]
    fn replies_never_panic(reply in "\\PC{0,30}", brackets in "[\\[\\]A-Za-z \\n]{0,12}", options in 0usize..30) {
        for text in [&reply, &brackets] {
            if let Ok(at) = parse_answer(text, options) {
                prop_assert!(at < options);
            }
        }
    }
}

#[test]
fn ties_go_to_the_lowest_row() {
    let rows = Points::new(vec![0.0; 4], 1).unwrap();
    let pool = QualityPool::new(rows, vec![0.5; 4]).unwrap();
    let mut judge = ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
    let picked = block_on(judge.choose(&question(&[0], &[3, 1, 2]))).unwrap();
    assert_eq!(picked.index, 1);
}

/// Pinned: the sampling path uses integers alone, so these hold in WebAssembly as well.
#[test]
fn the_questions_of_a_seed_are_pinned() {
    let first = |seed: u64| {
        let state = ChoiceLoop::new(config(10, 3, 4, 3), 50, &Rng::new(seed)).unwrap();
        (state.initial().to_vec(), state.question().unwrap())
    };
    let (initial, asked) = first(1);
    assert_eq!(initial, PINNED_INITIAL);
    assert_eq!((asked.context, asked.options), (PINNED_CONTEXT.to_vec(), PINNED_OPTIONS.to_vec()));
    assert_ne!(first(2).0, initial);
}

const PINNED_INITIAL: [usize; 3] = [48, 3, 12];
const PINNED_CONTEXT: [usize; 3] = [12, 3, 48];
const PINNED_OPTIONS: [usize; 4] = [16, 0, 44, 21];

/// Stops after some choices, and remembers what it was told.
struct Told(Vec<usize>, usize);

impl SelectionObserver for Told {
    async fn chosen(&mut self, count: usize, row: usize, _score: f64) -> ControlFlow<()> {
        self.0.push(row);
        assert_eq!(count, self.0.len());
        if count == self.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn the_selector_tells_every_choice_and_can_be_stopped() {
    let pool = pool(40, 1);
    for (shards, initial, budget) in [(1, 5, 20), (3, 6, 18), (1, 20, 20)] {
        let method = AddOneIn::new(AddOneInConfig { shards, initial, ..config(7, 3, 3, initial) });
        let mut told = Told(Vec::new(), usize::MAX);
        let found: Selection = block_on(method.select(&pool, budget, &Rng::new(3), &mut told)).unwrap();
        assert_eq!((told.0.clone(), found.scores.len()), (found.rows, budget), "{shards} shards");
        let stopped = block_on(method.select(&pool, budget, &Rng::new(3), &mut Told(Vec::new(), 6)));
        assert!(matches!(stopped, Err(crate::CoreError::Interrupted)));
    }
}

#[test]
fn shards_cover_the_pool_and_share_the_budget() {
    for (rows, budget, shards) in [(50, 20, 4), (51, 22, 4), (10, 10, 3), (7, 7, 7)] {
        let part = |order| AddOneInConfig { shards, shard_order: order, ..config(budget, 2, 3, 1) };
        let chosen = run(part(ShardOrder::Shuffled), rows, RandomScorer::new(&Rng::new(1)), 5);
        assert_eq!(chosen.selection.rows.iter().collect::<BTreeSet<_>>().len(), budget);
        assert_eq!(chosen.initial.len(), shards);
        if rows % shards == 0 || budget.div_ceil(shards) <= rows / shards {
            let chosen = run(part(ShardOrder::Contiguous), rows, RandomScorer::new(&Rng::new(1)), 5);
            // Every shard keeps to its own rows; the last rows of an uneven pool are never chosen.
            let size = rows / shards;
            let of = |row: usize| row / size;
            for asked in &chosen.asked {
                let all = asked.question.context.iter().chain(&asked.question.options);
                assert!(all.clone().all(|row| of(*row) == asked.question.shard));
            }
            assert!(chosen.selection.rows.iter().all(|row| *row < size * shards));
        }
    }
}
