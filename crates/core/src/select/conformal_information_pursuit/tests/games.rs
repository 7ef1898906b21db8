//! Games: what is refused, what is skipped, when they end.

use super::*;
use crate::CoreError;
use crate::select::{RandomQueries, Stop};

fn random(questions: usize) -> RandomQueries {
    RandomQueries { queries: 3, rule: StopRule::after(questions) }
}

fn is_range<T>(found: Result<T, CoreError>, field: &str) {
    match found {
        Err(CoreError::OutOfRange { field: found, .. }) => assert_eq!(found, field),
        _ => panic!("not refused"),
    }
}

#[test]
fn a_question_nobody_can_answer_is_not_asked_again() {
    let policy = random(10);
    let rng = Rng::new(1);
    let mut game = Game::default();
    let first = block_on(policy.ask(&mut game, &rng)).unwrap().unwrap();
    policy.observe(&mut game, None).unwrap();
    assert_eq!((game.history.len(), game.asked(), game.has_asked(first.query)), (0, 1, true));
    let second = block_on(policy.ask(&mut game, &rng)).unwrap().unwrap();
    assert_ne!(first.query, second.query);
    policy.observe(&mut game, Some(1)).unwrap();
    // An answer that comes by itself takes its question off the list.
    let third = game.candidates(3)[0];
    game.tell(third, Some(0), 3, 2).unwrap();
    assert_eq!(block_on(policy.ask(&mut game, &rng)).unwrap(), None);
    assert_eq!(policy.stop(&game), Some(Stop::NothingLeft));
}

#[test]
fn answers_without_questions_and_games_about_something_else_are_refused() {
    let policy = random(3);
    let mut game = Game::default();
    is_range(policy.observe(&mut game, Some(1)), "answer");
    block_on(policy.ask(&mut game, &Rng::new(0))).unwrap();
    is_range(policy.observe(&mut game, Some(2)), "answer");
    assert_eq!(game.asked(), 0, "a refused answer leaves the game as it was");
    for pairs in [&[(3, 0)][..], &[(0, 0), (0, 1)], &[(1, 2)]] {
        let field = if pairs[0].1 == 2 { "answer" } else { "query" };
        is_range(block_on(policy.ask(&mut after(pairs), &Rng::new(0))), field);
    }
    let mut twice = Game { skipped: vec![1, 1], ..Game::default() };
    is_range(block_on(policy.ask(&mut twice, &Rng::new(0))), "query");
    let mut stale = game.clone();
    stale.history = history(&[(stale.pending.clone().unwrap().query, 0)]);
    is_range(block_on(policy.ask(&mut stale, &Rng::new(0))), "query");
}

#[test]
fn a_small_set_and_the_budget_end_games() {
    let table = four();
    let predictor = bayes(&table, 0.1);
    let thresholds = Thresholds::fixed(0.2, 3, 0.1, 50).unwrap();
    let policy = ConformalPursuit {
        rule: StopRule { questions: 3, spread: 0.0, set: 2 },
        ..conformal(&predictor, &thresholds, &table, Objective::Fano, Expectation::Posterior, 3)
    };
    let (game, _) = play(&policy, &predictor, &table, 0, &Rng::new(0));
    assert_eq!((game.history.len(), policy.stop(&game)), (1, Some(Stop::Set)));
    assert_eq!(block_on(policy.plausible(&game)).unwrap(), [0, 1]);
    assert_eq!(block_on(policy.plausible(&Game::default())).unwrap(), [0, 1, 2, 3]);
    let short = ConformalPursuit { rule: StopRule::after(2), ..policy };
    let (game, _) = play(&short, &predictor, &table, 0, &Rng::new(0));
    assert_eq!((game.history.len(), short.stop(&game)), (2, Some(Stop::Budget)));
}

#[test]
fn tables_that_are_none_are_refused() {
    for (answers, queries, labels, classes) in [
        (vec![], 0, vec![], 2),
        (vec![1, 0, 1], 2, vec![0, 1], 2),
        (vec![1, 0], 1, vec![0, 2], 2),
        (vec![1, 0], 1, vec![0, 0], 2),
        (vec![1, 2], 1, vec![0, 1], 2),
        (vec![1, 0], 1, vec![0, 0], 1),
    ] {
        assert!(
            AnswerTable::new(answers.clone(), queries, labels, classes).is_err(),
            "{answers:?} {classes}"
        );
    }
    assert!(four().subset(&[]).is_err() && four().subset(&[4]).is_err());
    let table = four();
    let learn = |error: f64| TablePredictor::learn(&table, Likelihood::Objects, Prior::Even, error);
    for error in [0.0, 0.5, 0.7, f64::NAN] {
        is_range(learn(error), "error");
    }
    is_range(learn(0.1).unwrap().distorted(0.0, 0.0, &Rng::new(0)), "temperature");
    is_range(learn(0.1).unwrap().distorted(1.0, f64::NAN, &Rng::new(0)), "logit_noise");
    for (yes, queries) in [(vec![0.5; 5], 2), (vec![0.5; 2], 2), (vec![], 0), (vec![0.5, 1.5], 1)] {
        assert!(TablePredictor::from_probabilities(&yes, queries, 0.1).is_err(), "{yes:?}");
    }
    assert!(Scaling::temperature(0.0).is_err());
    is_range(block_on(learn(0.1).unwrap().predict(&history(&[(3, 0)]))), "history");
}

#[test]
fn classes_of_several_objects_with_and_without_objects() {
    // Two objects of class 0 that differ in question 0, one of class 1, none of class 2.
    let table = AnswerTable::new(vec![1, 1, 0, 1, 0, 0, 1, 0], 2, vec![0, 0, 1, 2], 3).unwrap();
    let part = table.subset(&[0, 1, 2]).unwrap();
    let naive = TablePredictor::learn(&part, Likelihood::NaiveBayes, Prior::Even, 0.1).unwrap();
    let p = block_on(naive.predict(&history(&[(1, 1)]))).unwrap();
    // Likelihoods 0.9, 0.1 and, of a class without objects, 0.5.
    near(p[0], 0.6);
    near(p[1], 0.1 / 1.5);
    near(p[2], 0.5 / 1.5);
    let objects = TablePredictor::learn(&part, Likelihood::Objects, Prior::Shares, 0.1).unwrap();
    let p = block_on(objects.predict(&history(&[(0, 1)]))).unwrap();
    // Objects 0.9, 0.1 and 0.1 alike before; the class without objects never.
    near(p[0], 1.0 / 1.1);
    near(p[2], 0.0);
    // Naive Bayes forgets which answers go together, objects do not.
    let xor = AnswerTable::new(vec![0, 0, 1, 1, 0, 1, 1, 0], 2, vec![0, 0, 1, 1], 2).unwrap();
    let both = history(&[(0, 1), (1, 1)]);
    let naive = TablePredictor::learn(&xor, Likelihood::NaiveBayes, Prior::Even, 0.1).unwrap();
    near(block_on(naive.predict(&both)).unwrap()[0], 0.5);
    let objects = TablePredictor::learn(&xor, Likelihood::Objects, Prior::Even, 0.1).unwrap();
    near(block_on(objects.predict(&both)).unwrap()[0], 0.82);
}

/// A model that breaks its promise.
struct Broken(Vec<f64>);

impl Predictor for Broken {
    fn classes(&self) -> usize {
        4
    }

    fn queries(&self) -> usize {
        3
    }

    async fn predict(&self, _history: &[Answered]) -> Result<Vec<f64>, CoreError> {
        Ok(self.0.clone())
    }
}

#[test]
fn tables_and_predictors_that_do_not_fit_are_refused() {
    let (table, thresholds) = (four(), Thresholds::fixed(0.2, 3, 0.1, 50).unwrap());
    let shape = |found: Result<(), CoreError>| {
        assert!(matches!(found, Err(CoreError::Shape { .. })), "{found:?}");
    };
    let choose = |predictor: &Broken, table: &AnswerTable| {
        let policy = conformal(predictor, &thresholds, table, Objective::Bound, Expectation::WholePool, 3);
        block_on(policy.choose(&Game::default(), &Rng::new(0))).map(|_| ())
    };
    let calibrate = |predictor: &Broken, table: &AnswerTable| {
        let answerer = Answerer { table, wrong: 0.0 };
        block_on(Calibration::random(predictor, &answerer, 2, 5, &Rng::new(0))).map(|_| ())
    };
    let even = Broken(vec![0.25; 4]);
    choose(&even, &table).unwrap();
    calibrate(&even, &table).unwrap();
    shape(choose(&even, &AnswerTable::bits16()));
    shape(calibrate(&even, &AnswerTable::bits16()));
    for short in [vec![1.0], vec![]] {
        shape(choose(&Broken(short.clone()), &table));
        shape(calibrate(&Broken(short), &table));
    }
    let nan = Broken(vec![f64::NAN; 4]);
    assert!(matches!(choose(&nan, &table), Err(CoreError::NotFinite { .. })));
    assert!(matches!(calibrate(&nan, &table), Err(CoreError::NotFinite { .. })));
    let alien = SavedGame { label: 4, history: history(&[(0, 1)]) };
    is_range(block_on(Calibration::of_games(&even, &[alien], 2)), "label");
}

#[test]
fn platt_scaling_lowers_a_confidence_that_is_not_deserved() {
    let table = AnswerTable::bits16();
    let predictor = bayes(&table, 0.1).distorted(0.1, 0.5, &Rng::new(1)).unwrap();
    let answerer = Answerer { table: &table, wrong: 0.0 };
    let scaling = block_on(Scaling::platt(&predictor, &answerer, 6, 200, &Rng::new(2))).unwrap();
    let scaled = Scaled { predictor: predictor.clone(), scaling };
    // Log loss of the truth on fresh random histories.
    let (mut before, mut now) = (0.0, 0.0);
    for draw in 0..300 {
        let (object, history) = answerer.draw(4, &Rng::new(3).at(draw));
        before -= block_on(predictor.predict(&history)).unwrap()[object].max(1e-12).ln();
        now -= block_on(scaled.predict(&history)).unwrap()[object].max(1e-12).ln();
    }
    assert!(now < 0.7 * before, "{now} {before}");
    let start = block_on(scaled.predict(&[])).unwrap();
    assert_eq!(
        start,
        block_on(predictor.predict(&[])).unwrap(),
        "nothing is repaired before the first answer"
    );
    assert!(block_on(Scaling::platt(&predictor, &answerer, 0, 10, &Rng::new(0))).is_err());
}
