//! Predictors whose probabilities are repaired: the baselines of conformal sets.

use super::calibration::Answerer;
use crate::select::expectation::{check_table, probabilities};
use crate::select::query::{Answered, Predictor};
use crate::{CoreError, Rng};

/// Newton steps of a logistic regression with two parameters.
const STEPS: usize = 30;

/// Slope and intercept of one class.
type Line = [f64; 2];

/// How probabilities are repaired.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// Logits are divided by this; above 1 makes a predictor less sure.
    Temperature(f64),
    /// For each length of a history and each class, a logistic regression of "it is this class" on the probability.
    Platt(Vec<Vec<Line>>),
}

impl Scaling {
    /// Divides logits by `temperature`. In the paper 0.5, 0.75 and 1.25.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a temperature that is not above 0.
    pub fn temperature(temperature: f64) -> Result<Scaling, CoreError> {
        if temperature > 0.0 && temperature.is_finite() {
            return Ok(Scaling::Temperature(temperature));
        }
        Err(CoreError::range("temperature", temperature, "above 0"))
    }

    /// Fits Platt scaling on random histories of each length, one class against the rest, with an L2 penalty of
    /// inverse strength 1 on the slope. A class that no draw has, or every draw, gets the line of all classes
    /// together.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for no draws or no lengths, [`CoreError::Shape`] if table and predictor are not about the
    /// same; what the predictor says.
    pub async fn platt<P: Predictor>(
        predictor: &P,
        answerer: &Answerer<'_>,
        lengths: usize,
        draws: usize,
        rng: &Rng,
    ) -> Result<Scaling, CoreError> {
        if draws == 0 || lengths == 0 {
            return Err(CoreError::range("draws", draws, "at least 1, of at least one length"));
        }
        check_table(predictor, answerer.table)?;
        let classes = predictor.classes();
        let mut table = Vec::with_capacity(lengths);
        for length in 1..=lengths {
            let rng = rng.at(length as u64);
            let mut points = vec![Vec::with_capacity(draws); classes];
            for draw in 0..draws {
                let (object, history) = answerer.draw(length, &rng.at(draw as u64));
                let label = answerer.table.label(object);
                for (class, p) in probabilities(predictor, &history).await?.into_iter().enumerate() {
                    points[class].push((p, class == label));
                }
            }
            let all = regress(&points.concat());
            let line = |points: &Vec<(f64, bool)>| {
                let hits = points.iter().filter(|point| point.1).count();
                if hits == 0 || hits == points.len() { all } else { regress(points) }
            };
            table.push(points.iter().map(line).collect());
        }
        Ok(Scaling::Platt(table))
    }

    /// Repairs the probabilities after a history of some length.
    fn apply(&self, length: usize, probabilities: &mut [f64]) {
        let mut repaired = probabilities.to_vec();
        match self {
            Scaling::None => return,
            Scaling::Temperature(temperature) => {
                repaired.iter_mut().for_each(|p| *p = libm::pow(*p, 1.0 / temperature));
            }
            Scaling::Platt(table) => {
                let Some(lines) = length.checked_sub(1).and_then(|at| table.get(at).or(table.last())) else {
                    return;
                };
                repaired.iter_mut().zip(lines).for_each(|(p, line)| *p = sigmoid(line[0] * *p + line[1]));
            }
        }
        let total: f64 = repaired.iter().sum();
        if total > 0.0 && total.is_finite() {
            probabilities.iter_mut().zip(repaired).for_each(|(p, new)| *p = new / total);
        }
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

/// Minimises Σ log loss + slope² / 2 by Newton's method with step halving.
fn regress(points: &[(f64, bool)]) -> Line {
    let loss = |[slope, intercept]: Line| {
        let of = |(p, hit): &(f64, bool)| {
            let z = slope * p + intercept;
            // log(1 + e^-z) for hits and log(1 + e^z) for others, without overflow.
            let z = if *hit { -z } else { z };
            z.max(0.0) + libm::log1p(libm::exp(-z.abs()))
        };
        points.iter().map(of).sum::<f64>() + slope * slope / 2.0
    };
    let mut line = [0.0, 0.0];
    let mut now = loss(line);
    for _ in 0..STEPS {
        let (mut g, mut h) = ([line[0], 0.0], [1.0, 0.0, 1e-9]);
        for (p, hit) in points {
            let s = sigmoid(line[0] * p + line[1]);
            let (d, w) = (s - f64::from(u8::from(*hit)), s * (1.0 - s));
            g = [g[0] + d * p, g[1] + d];
            h = [h[0] + w * p * p, h[1] + w * p, h[2] + w];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant <= 0.0 {
            break;
        }
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        let mut size = 1.0;
        let better = loop {
            let next = [line[0] - size * step[0], line[1] - size * step[1]];
            let then = loss(next);
            if then < now {
                break Some((next, then));
            }
            size /= 2.0;
            if size < 1e-4 {
                break None;
            }
        };
        match better {
            Some((next, then)) => {
                let small = now - then < 1e-10;
                (line, now) = (next, then);
                if small {
                    break;
                }
            }
            None => break,
        }
    }
    line
}

/// A predictor with repaired probabilities.
#[derive(Clone, Debug)]
pub struct Scaled<P> {
    /// The predictor.
    pub predictor: P,
    /// The repair.
    pub scaling: Scaling,
}

impl<P: Predictor> Predictor for Scaled<P> {
    fn classes(&self) -> usize {
        self.predictor.classes()
    }

    fn queries(&self) -> usize {
        self.predictor.queries()
    }

    fn answers(&self) -> usize {
        self.predictor.answers()
    }

    async fn predict(&self, history: &[Answered]) -> Result<Vec<f64>, CoreError> {
        let mut probabilities = self.predictor.predict(history).await?;
        self.scaling.apply(history.len(), &mut probabilities);
        Ok(probabilities)
    }

    async fn extend(&self, history: &[Answered], next: &[Answered]) -> Result<Vec<f64>, CoreError> {
        let mut rows = self.predictor.extend(history, next).await?;
        for row in rows.chunks_exact_mut(self.classes().max(1)) {
            self.scaling.apply(history.len() + 1, row);
        }
        Ok(rows)
    }
}
