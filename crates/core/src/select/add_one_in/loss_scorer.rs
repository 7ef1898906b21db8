//! A judge that trains: which option would a small classifier learn most from?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice_loop::Question;
use super::scorer::{Choice, ChoiceScorer, ScorerError, best};
use crate::CoreError;
use crate::select::Points;

/// What an option is worth to the classifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossValue {
    /// Its loss on the option.
    #[default]
    Loss,
    /// By how much one gradient step on the option lowers that loss.
    Decrease,
}

/// Fits a softmax classifier to the labels of the context and scores every option by its loss.
///
/// The classifier starts from zero weights at every question and takes a fixed number of full gradient steps on the
/// rows of the context, so an answer depends on the question alone. It sees the labels of the options: that suits
/// curating labelled data, not choosing what to label. Rows are scaled by the pool's mean squared length first. There
/// is no term for quality, so wrong labels have a high loss and attract this judge.
#[derive(Clone, Debug)]
pub struct LossScorer<'a> {
    rows: &'a Points,
    /// Class of each row, numbered from 0.
    classes: Vec<usize>,
    count: usize,
    value: LossValue,
    scale: f64,
}

/// Gradient steps on the context.
const STEPS: usize = 30;
/// Step size, for rows of mean squared length 1.
const RATE: f64 = 0.5;

impl<'a> LossScorer<'a> {
    /// A judge of labelled rows; labels are any numbers.
    ///
    /// # Errors
    /// [`CoreError::Lengths`] if rows and labels differ in number, [`CoreError::TooFewClasses`] below two classes.
    pub fn new(rows: &'a Points, labels: &[i64], value: LossValue) -> Result<LossScorer<'a>, CoreError> {
        if labels.len() != rows.rows() {
            let (left, right) = (rows.rows(), labels.len());
            return Err(CoreError::Lengths { what: "rows of the pool and their labels", left, right });
        }
        let mut names = labels.to_vec();
        names.sort_unstable();
        names.dedup();
        if names.len() < 2 {
            return Err(CoreError::TooFewClasses { available: names.len(), ways: 2 });
        }
        let classes = labels.iter().map(|label| names.partition_point(|name| name < label)).collect();
        let squares: f64 = rows.values().iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        let scale = if squares > 0.0 { (rows.rows() as f64 / squares).sqrt() } else { 1.0 };
        Ok(LossScorer { rows, classes, count: names.len(), value, scale })
    }

    /// The score of each option.
    pub fn scores(&self, context: &[usize], options: &[usize]) -> Vec<f64> {
        // The weights are combinations of the context's rows: Σ_c α_ck (x_c, 1). So only inner products are needed.
        let inner = |a: usize, b: usize| {
            let dot: f64 = self
                .rows
                .row(a)
                .iter()
                .zip(self.rows.row(b))
                .map(|(x, y)| f64::from(*x) * f64::from(*y))
                .sum();
            dot * self.scale * self.scale + 1.0
        };
        let gram: Vec<Vec<f64>> =
            context.iter().map(|a| context.iter().map(|b| inner(*a, *b)).collect()).collect();
        let mut alpha = vec![vec![0.0; self.count]; context.len()];
        for _ in 0..STEPS {
            let steps: Vec<Vec<f64>> = (0..context.len())
                .map(|c| {
                    let mut p = softmax(&logits(&gram[c], &alpha, self.count));
                    p[self.class(context[c])] -= 1.0;
                    p
                })
                .collect();
            for (alpha, step) in alpha.iter_mut().zip(&steps) {
                alpha.iter_mut().zip(step).for_each(|(a, s)| *a -= RATE / context.len() as f64 * s);
            }
        }
        let score = |row: &usize| {
            let products: Vec<f64> = context.iter().map(|c| inner(*row, *c)).collect();
            let logits = logits(&products, &alpha, self.count);
            let class = self.class(*row);
            let before = loss(&logits, class);
            match self.value {
                LossValue::Loss => before,
                LossValue::Decrease => {
                    let length = RATE * inner(*row, *row);
                    let step = softmax(&logits);
                    let after = (0..self.count)
                        .map(|k| logits[k] - length * (step[k] - if k == class { 1.0 } else { 0.0 }))
                        .collect::<Vec<f64>>();
                    before - loss(&after, class)
                }
            }
        };
        options.iter().map(score).collect()
    }

    fn class(&self, row: usize) -> usize {
        self.classes.get(row).copied().unwrap_or_default()
    }
}

fn logits(products: &[f64], alpha: &[Vec<f64>], classes: usize) -> Vec<f64> {
    (0..classes).map(|k| products.iter().zip(alpha).map(|(p, a)| p * a[k]).sum()).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|l| libm::exp(l - top)).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

fn loss(logits: &[f64], class: usize) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + libm::log(logits.iter().map(|l| libm::exp(l - top)).sum::<f64>()) - logits[class]
}

impl ChoiceScorer for LossScorer<'_> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        best(self.scores(&question.context, &question.options), &question.options)
    }
}
