//! A predictor that is a table of likelihoods, as sure of itself as one wants.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer_table::AnswerTable;
use super::query::{Answered, Predictor};
use crate::{CoreError, Rng};

/// How a table of answers becomes likelihoods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// Naive Bayes: answers are independent within a class, with the class's share of yes.
    #[default]
    NaiveBayes,
    /// Empirical: a class is any of its objects, each answered with errors.
    Objects,
}

/// How probable the classes are before anything was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Prior {
    /// All alike.
    #[default]
    Even,
    /// By their share of the objects.
    Shares,
}

/// Probabilities of classes from likelihoods of answers:
///
/// ```text
/// z_y(h) = b_y + Σ_(q,a) in h [ log P(a | y, q) + η ξ(a, q, y) ],   f(h) = softmax(z / T)
/// ```
///
/// With T = 1 and η = 0 it believes what the table says. A small T makes it far too sure, and η lets it be wrong about
/// what answers mean: together they stand for a language model.
#[derive(Clone, Debug)]
pub struct TablePredictor {
    classes: usize,
    queries: usize,
    /// Class of each row of likelihoods.
    class_of: Vec<usize>,
    /// log P(a | row, q): one stretch of rows for each question and answer.
    log_likelihood: Vec<f64>,
    log_prior: Vec<f64>,
    /// η ξ: one stretch of classes for each question and answer; empty for none.
    distortion: Vec<f64>,
    temperature: f64,
}

impl TablePredictor {
    /// Learns from objects of known classes. `error` is the probability of a wrong answer, above 0 and below 0.5:
    /// P(yes) = error + (1 − 2 error) · share of yes. A class without objects is as likely to be answered yes as no.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for another `error`.
    pub fn learn(
        table: &AnswerTable,
        likelihood: Likelihood,
        prior: Prior,
        error: f64,
    ) -> Result<TablePredictor, CoreError> {
        if !(error > 0.0 && error < 0.5) {
            return Err(CoreError::range("error", error, "above 0 and below 0.5"));
        }
        let (classes, queries) = (table.classes(), table.queries());
        let sizes = table.sizes();
        let class_of: Vec<usize> = match likelihood {
            Likelihood::NaiveBayes => (0..classes).collect(),
            Likelihood::Objects => table.labels().to_vec(),
        };
        let mut share = vec![0.0; class_of.len() * queries];
        match likelihood {
            Likelihood::NaiveBayes => {
                for object in 0..table.objects() {
                    let class = table.label(object);
                    for (query, answer) in table.row(object).iter().enumerate() {
                        share[class * queries + query] += f64::from(*answer) / sizes[class] as f64;
                    }
                }
                for class in (0..classes).filter(|class| sizes[*class] == 0) {
                    share[class * queries..(class + 1) * queries].fill(0.5);
                }
            }
            Likelihood::Objects => {
                for object in 0..table.objects() {
                    for (query, answer) in table.row(object).iter().enumerate() {
                        share[object * queries + query] = f64::from(*answer);
                    }
                }
            }
        }
        let yes: Vec<f64> = share.iter().map(|share| error + (1.0 - 2.0 * error) * share).collect();
        let of_class = |class: usize| match prior {
            Prior::Even => 1.0 / classes as f64,
            Prior::Shares => sizes[class] as f64 / table.objects() as f64,
        };
        let log_prior = class_of
            .iter()
            .map(|class| match likelihood {
                Likelihood::NaiveBayes => log_or_never(of_class(*class)),
                Likelihood::Objects => log_or_never(of_class(*class) / sizes[*class] as f64),
            })
            .collect();
        Ok(TablePredictor::build(&yes, queries, classes, class_of, log_prior))
    }

    /// From probabilities of yes: row-major, one row a class. They are kept `error` away from 0 and 1, so that no
    /// answer excludes a class for ever.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for another number of values, [`CoreError::OutOfRange`] for one that is no probability,
    /// less than two classes, or an `error` that is not above 0 and below 0.5.
    pub fn from_probabilities(yes: &[f64], queries: usize, error: f64) -> Result<TablePredictor, CoreError> {
        if !(error > 0.0 && error < 0.5) {
            return Err(CoreError::range("error", error, "above 0 and below 0.5"));
        }
        let classes = yes.len().checked_div(queries).unwrap_or(0);
        if queries == 0 || yes.len() != classes * queries {
            return Err(CoreError::Shape {
                what: "the table of probabilities",
                found: vec![yes.len(), queries],
                expected: "it needs one value for each class and question".to_owned(),
            });
        }
        if classes < 2 {
            return Err(CoreError::range("classes", classes, "at least 2"));
        }
        if let Some(value) = yes.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(CoreError::range("probability", value, "from 0 to 1"));
        }
        let yes: Vec<f64> = yes.iter().map(|value| value.clamp(error, 1.0 - error)).collect();
        let even = libm::log(1.0 / classes as f64);
        Ok(TablePredictor::build(&yes, queries, classes, (0..classes).collect(), vec![even; classes]))
    }

    fn build(
        yes: &[f64],
        queries: usize,
        classes: usize,
        class_of: Vec<usize>,
        log_prior: Vec<f64>,
    ) -> TablePredictor {
        let rows = class_of.len();
        let mut log_likelihood = Vec::with_capacity(2 * queries * rows);
        for query in 0..queries {
            log_likelihood.extend((0..rows).map(|row| libm::log(1.0 - yes[row * queries + query])));
            log_likelihood.extend((0..rows).map(|row| libm::log(yes[row * queries + query])));
        }
        TablePredictor {
            classes,
            queries,
            class_of,
            log_likelihood,
            log_prior,
            distortion: Vec::new(),
            temperature: 1.0,
        }
    }

    /// The same with a temperature T and a misunderstanding η of answers, fixed by `rng`.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a temperature that is not above 0, or a negative η.
    pub fn distorted(mut self, temperature: f64, eta: f64, rng: &Rng) -> Result<TablePredictor, CoreError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(CoreError::range("temperature", temperature, "above 0"));
        }
        if !(eta >= 0.0 && eta.is_finite()) {
            return Err(CoreError::range("logit_noise", eta, "0 or more"));
        }
        self.temperature = temperature;
        let mut rng = rng.split("distortion");
        self.distortion = match eta {
            0.0 => Vec::new(),
            eta => (0..2 * self.queries * self.classes).map(|_| eta * rng.normal()).collect(),
        };
        Ok(self)
    }

    /// Adds an answer to the logits of rows and to the distortion of classes.
    fn add(&self, rows: &mut [f64], classes: &mut [f64], one: Answered) {
        let place = 2 * one.query + one.answer;
        let count = rows.len();
        for (z, log) in rows.iter_mut().zip(&self.log_likelihood[place * count..(place + 1) * count]) {
            *z += log;
        }
        if !self.distortion.is_empty() {
            let more = &self.distortion[place * self.classes..(place + 1) * self.classes];
            classes.iter_mut().zip(more).for_each(|(z, more)| *z += more);
        }
    }

    fn check(&self, history: &[Answered]) -> Result<(), CoreError> {
        match history.iter().find(|one| one.query >= self.queries || one.answer > 1) {
            Some(one) => Err(CoreError::range(
                "history",
                format!("{}={}", one.query, one.answer),
                format!("questions below {} with answers 0 and 1", self.queries),
            )),
            None => Ok(()),
        }
    }

    /// Logits after a history, summed in the order of the questions so that the order of asking does not matter.
    fn logits(&self, history: &[Answered]) -> (Vec<f64>, Vec<f64>) {
        let mut rows = self.log_prior.clone();
        let mut classes = vec![0.0; self.classes];
        let mut sorted = history.to_vec();
        sorted.sort_unstable();
        for one in sorted {
            self.add(&mut rows, &mut classes, one);
        }
        (rows, classes)
    }

    /// Probabilities from logits of rows and the distortion of classes, appended to `out`.
    fn probabilities(&self, rows: &[f64], distortion: &[f64], out: &mut Vec<f64>) {
        let start = out.len();
        if rows.len() == self.classes && self.class_of.iter().enumerate().all(|(row, class)| row == *class) {
            out.extend_from_slice(rows);
        } else {
            let most = rows.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            out.resize(start + self.classes, 0.0);
            for (z, class) in rows.iter().zip(&self.class_of) {
                out[start + class] += libm::exp(z - most);
            }
            out[start..].iter_mut().for_each(|sum| *sum = log_or_never(*sum));
        }
        let out = &mut out[start..];
        out.iter_mut().zip(distortion).for_each(|(z, more)| *z = (*z + more) / self.temperature);
        let most = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for z in out.iter_mut() {
            *z = libm::exp(*z - most);
            total += *z;
        }
        out.iter_mut().for_each(|p| *p /= total);
    }
}

/// The logarithm; a very negative number for 0, so that sums stay finite.
fn log_or_never(value: f64) -> f64 {
    if value > 0.0 { libm::log(value) } else { -1e6 }
}

impl Predictor for TablePredictor {
    fn classes(&self) -> usize {
        self.classes
    }

    fn queries(&self) -> usize {
        self.queries
    }

    async fn predict(&self, history: &[Answered]) -> Result<Vec<f64>, CoreError> {
        self.check(history)?;
        let (rows, distortion) = self.logits(history);
        let mut out = Vec::with_capacity(self.classes);
        self.probabilities(&rows, &distortion, &mut out);
        Ok(out)
    }

    async fn extend(&self, history: &[Answered], next: &[Answered]) -> Result<Vec<f64>, CoreError> {
        self.check(history)?;
        self.check(next)?;
        let (rows, distortion) = self.logits(history);
        let mut out = Vec::with_capacity(next.len() * self.classes);
        let (mut now, mut bent) = (rows.clone(), distortion.clone());
        for one in next {
            now.copy_from_slice(&rows);
            bent.copy_from_slice(&distortion);
            self.add(&mut now, &mut bent, *one);
            self.probabilities(&now, &bent, &mut out);
        }
        Ok(out)
    }
}
