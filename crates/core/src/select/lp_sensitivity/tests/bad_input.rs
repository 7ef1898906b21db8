//! Errors that say what was wrong and what would be right.

use super::super::flatten::{Flattening, flatten};
use super::super::lewis::{LewisOptions, lewis_weights};
use super::super::regression::{FitOptions, fit};
use super::super::sample::{Accuracy, Probabilities};
use super::super::score::Score;
use super::super::selector::LpSampling;
use super::super::{Basis, Dense, NoWatch, Watch};
use super::{five, heavy};
use crate::select::{SelectionObserver, Selector};
use crate::{CoreError, Rng};
use futures::executor::block_on;
use std::ops::ControlFlow;
use std::pin::Pin;

#[track_caller]
fn says(result: Result<impl Sized, CoreError>, words: &[&str]) {
    let Err(error) = result else { panic!("no error") };
    let error = error.to_string();
    for word in words {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn matrices() {
    says(Dense::new(vec![], 2), &["matrix", "at least one row"]);
    says(Dense::new(vec![1.0; 3], 2), &["whole rows"]);
    says(Dense::new(vec![1.0, f64::NAN], 2), &["NaN"]);
    says(block_on(Basis::of(&Dense::new(vec![0.0; 4], 2).unwrap(), 1e-10, &mut NoWatch)), &["zero"]);
}

#[test]
fn numbers_out_of_range() {
    let a = five();
    let basis = block_on(Basis::of(&a, 1e-10, &mut NoWatch)).unwrap();
    for p in [0.5, 11.0, f64::NAN] {
        says(block_on(lewis_weights(&basis, p, LewisOptions::default(), &mut NoWatch)), &["`p`", "1 to 10"]);
        says(block_on(fit(&a, &[], p, 1e-10, FitOptions::default(), &mut NoWatch)), &["`p`"]);
    }
    for budget in [0.0, -1.0, 6.0, f64::NAN] {
        says(Probabilities::with_budget(&[1.0; 5], budget, false), &["`budget`", "at most 5"]);
    }
    says(Probabilities::with_budget(&[1.0; 5], 1.0, true), &["above 1"]);
    says(Probabilities::with_budget(&[1.0, f64::NAN], 1.0, false), &["scores"]);
    says(Accuracy { epsilon: 1.0, ..Accuracy::default() }.check(), &["`epsilon`"]);
    says(flatten(&[0.5, 0.5], 0.5), &["`flattening`"]);
    says(flatten(&[0.0, 0.0], 1.0), &["sensitivities"]);
    says(Flattening::even(3, 0.0), &["`alpha`"]);
    says(
        block_on(fit(
            &Dense::new(vec![1.0], 1).unwrap(),
            &[],
            1.0,
            1e-10,
            FitOptions::default(),
            &mut NoWatch,
        )),
        &["target"],
    );
    says(block_on(fit(&a, &[1.0], 1.0, 1e-10, FitOptions::default(), &mut NoWatch)), &["weights"]);
}

#[test]
fn the_selector_checks_its_budget_and_selects_with_every_score() {
    let a = heavy(60, 3, 1);
    for score in Score::ALL {
        let selector = LpSampling::new(1.5, score);
        for budget in [0, 61] {
            says(block_on(selector.select(&a, budget, &Rng::new(1), &mut ())), &["`budget`", "1 to 60"]);
        }
        let found = block_on(selector.select(&a, 20, &Rng::new(1), &mut ())).unwrap();
        assert!(found.rows.is_sorted_by(|a, b| a < b) && found.rows.len() == found.scores.len());
        assert!((4..=40).contains(&found.rows.len()), "{}: {}", score.name(), found.rows.len());
        assert_eq!(block_on(selector.select(&a, 20, &Rng::new(1), &mut ())).unwrap(), found);
        assert_ne!(block_on(selector.select(&a, 20, &Rng::new(2), &mut ())).unwrap(), found);
    }
}

#[test]
fn observers_stop() {
    struct Stop;
    impl Watch for Stop {
        fn beat(&mut self, _: usize, _: usize) -> Pin<Box<dyn Future<Output = ControlFlow<()>> + '_>> {
            Box::pin(async { ControlFlow::Break(()) })
        }
    }
    impl SelectionObserver for Stop {
        async fn chosen(&mut self, _: usize, _: usize, _: f64) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    let a = five();
    assert!(matches!(block_on(Basis::of(&a, 1e-10, &mut Stop)), Err(CoreError::Interrupted)));
    let selector = LpSampling::new(1.0, Score::Lewis);
    let found = block_on(selector.select(&a, 5, &Rng::new(1), &mut Stop));
    assert!(matches!(found, Err(CoreError::Interrupted)));
}
