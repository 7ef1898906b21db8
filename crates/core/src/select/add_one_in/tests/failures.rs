//! Judges that fail, and input that cannot be used.

use super::*;
use crate::CoreError;
use crate::select::Distance;

/// Never answers.
struct Mute;

impl ChoiceScorer for Mute {
    async fn choose(&mut self, _question: &Question) -> Result<Choice, ScorerError> {
        Err(ScorerError::invalid("nothing said"))
    }
}

/// Always names a position beyond the options.
struct Liar;

impl ChoiceScorer for Liar {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        Ok(Choice { index: question.options.len(), ..Choice::default() })
    }
}

#[test]
fn a_judge_that_never_answers_ends_and_is_counted() {
    for liar in [false, true] {
        let config = AddOneInConfig { retries: 3, ..config(12, 2, 4, 2) };
        let chosen = if liar { run(config, 30, Liar, 1) } else { run(config, 30, Mute, 1) };
        let tally = Tally::of(&chosen.asked, 30);
        assert_eq!(chosen.selection.rows.len(), 12);
        assert_eq!((tally.gave_up, tally.failures, tally.calls), (10, 40, 40));
        assert_eq!(tally.positions.iter().sum::<usize>(), 0, "no answer counts for a position");
    }
    // No retries: one question a step.
    let chosen = run(AddOneInConfig { retries: 0, ..config(12, 2, 4, 2) }, 30, Mute, 1);
    assert_eq!(Tally::of(&chosen.asked, 30).calls, 10);
}

#[test]
fn a_failed_question_is_replaced_by_a_fresh_one() {
    let chosen = run(AddOneInConfig { retries: 5, ..config(3, 5, 5, 2) }, 500, Mute, 1);
    let asked: Vec<&Question> = chosen.asked.iter().map(|a| &a.question).collect();
    for pair in asked.windows(2) {
        assert_ne!(pair[0].options, pair[1].options, "at temperature 0 the same question fails again");
    }
}

#[test]
fn failures_cost_what_they_should() {
    let pool = pool(1000, 1);
    let judge = ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
    let judge = NoisyScorer::new(judge, 0.0, 0.0, 0.3, &Rng::new(1)).unwrap();
    let chosen = run(config(410, 5, 5, 10), 1000, judge, 1);
    let tally = Tally::of(&chosen.asked, 1000);
    // 400 geometric waiting times of mean 1/0.7 and variance 0.3/0.49.
    let (mean, deviation) = (400.0 / 0.7, (400.0f64 * 0.3 / 0.49).sqrt());
    assert!((tally.calls as f64 - mean).abs() < 4.0 * deviation, "{}", tally.calls);
    assert_eq!(tally.calls, 400 + tally.failures);
}

#[test]
fn bad_settings_are_named() {
    let named = |config: AddOneInConfig, rows: usize, field: &str| {
        let error = ChoiceLoop::new(config, rows, &Rng::new(1)).unwrap_err();
        assert!(matches!(&error, CoreError::OutOfRange { field: found, .. } if *found == field), "{error}");
    };
    named(config(0, 1, 1, 1), 10, "budget");
    named(config(11, 1, 1, 1), 10, "budget");
    named(config(1, 1, 1, 1), 0, "budget");
    named(config(5, 0, 1, 1), 10, "context");
    named(config(5, 1, 0, 1), 10, "options");
    named(config(5, 1, 1, 0), 10, "initial");
    named(config(5, 1, 1, 6), 10, "initial");
    named(AddOneInConfig { shards: 0, ..config(5, 1, 1, 1) }, 10, "shards");
    named(AddOneInConfig { shards: 6, ..config(5, 1, 1, 1) }, 10, "shards");
    named(AddOneInConfig { shards: 2, ..config(5, 1, 1, 3) }, 10, "initial");
    let contiguous = AddOneInConfig { shards: 3, shard_order: ShardOrder::Contiguous, ..config(10, 1, 1, 1) };
    named(contiguous, 10, "budget");
    let pool = six();
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(ValueScorer::new(&pool, weight, 1.0, Distance::Cosine).is_err());
        assert!(ValueScorer::new(&pool, 1.0, weight, Distance::Cosine).is_err());
        assert!(NoisyScorer::new(Mute, weight, 0.0, 0.0, &Rng::new(1)).is_err());
    }
    assert!(FacilityScorer::new(&pool, 0, 1.0, 1.0, Distance::Cosine, &Rng::new(1)).is_err());
}

#[test]
fn the_whole_pool_and_all_equal_rows_are_no_problem() {
    let rows = Points::new(vec![1.0; 24], 2).unwrap();
    let pool = QualityPool::new(rows, vec![0.5; 12]).unwrap();
    for distance in [Distance::Euclidean, Distance::Cosine] {
        let judge = ValueScorer::new(&pool, 1.0, 1.0, distance).unwrap();
        let mut chosen = run(config(12, 3, 4, 2), 12, judge, 1).selection.rows;
        chosen.sort_unstable();
        assert_eq!(chosen, (0..12).collect::<Vec<_>>());
    }
    // Everything is a random first row: no question.
    let chosen = run(config(5, 1, 1, 5), 5, Mute, 1);
    assert!(chosen.asked.is_empty() && chosen.selection.rows.len() == 5);
}

#[test]
fn a_record_of_another_run_is_refused() {
    let pool = pool(50, 1);
    let judge = || ValueScorer::new(&pool, 1.0, 1.0, Distance::Euclidean).unwrap();
    let config = config(10, 3, 4, 2);
    let asked = run(config.clone(), 50, judge(), 1).asked;
    let resume = |config: &AddOneInConfig, rows, seed, asked: &[Asked]| {
        ChoiceLoop::resume(config.clone(), rows, &Rng::new(seed), asked.to_vec()).map(|_| ())
    };
    resume(&config, 50, 1, &asked).unwrap();
    for result in [
        resume(&config, 50, 2, &asked),
        resume(&config, 49, 1, &asked),
        resume(&AddOneInConfig { options: 5, ..config.clone() }, 50, 1, &asked),
        resume(&AddOneInConfig { budget: 9, ..config.clone() }, 50, 1, &asked),
        resume(&config, 50, 1, &asked[1..]),
    ] {
        assert!(matches!(result, Err(CoreError::Trace { .. })), "{result:?}");
    }
    let mut broken = asked.clone();
    broken[3].outcome = Outcome::Picked(4);
    assert!(matches!(resume(&config, 50, 1, &broken), Err(CoreError::Trace { at: 3, .. })));
    // A judge that remembers too little, or something else.
    let replay = |asked: &[Asked], seed| {
        let judge = ReplayScorer::new(asked.to_vec());
        block_on(AddOneIn::new(config.clone()).run(50, judge, &Rng::new(seed), &mut ()))
    };
    let error = replay(&asked[..4], 1).unwrap_err();
    assert!(matches!(error, CoreError::Trace { at: 4, .. }), "{error}");
    assert!(error.to_string().contains("question 5"), "{error}");
    assert!(matches!(replay(&asked, 2), Err(CoreError::Trace { at: 0, .. })));
}
