//! Tasks made of labelled pictures: tell one class from the rest, on pictures that are changed in one way.

use super::config::{Change, Config, error};
use crate::Error;
use lowshot_core::Rng;
use lowshot_core::select::lasso_amtrl::{Moments, TaskSource};
use lowshot_data::Features;

/// Largest side of a picture: sums of products take (side² + 1)² values a task.
const SIDE: usize = 12;

/// The pictures of one experiment.
pub struct Pictures {
    pixels: Vec<f32>,
    labels: Vec<i64>,
    classes: Vec<i64>,
    side: usize,
    target: Change,
    class: i64,
}

impl Pictures {
    /// Checks that rows are square pictures with classes, and scales pixels to 0..1.
    pub fn open(config: &Config, features: Features) -> Result<Pictures, Error> {
        let dims = features.dims();
        let side = (1..=SIDE).find(|side| side * side == dims);
        let problem = |problem: String| Error::Input {
            input: "features".to_owned(),
            origin: features.source().to_owned(),
            problem,
        };
        let Some(side) = side else {
            return Err(problem(format!(
                "rows have {dims} values, but tasks are made of square pictures: give s·s values a row, s at most {SIDE}"
            )));
        };
        let (Some(labels), Some(index)) = (features.labels(), features.class_index()) else {
            return Err(problem("tasks are made of classes, but there are no labels".to_owned()));
        };
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        if index.classes() < 2 || features.rows() < 20 {
            return Err(problem("at least 2 classes and 20 pictures are needed".to_owned()));
        }
        let Some(class) = classes.get(config.target_class).copied() else {
            let expected = format!("0 to {}, a class of the pictures", classes.len() - 1);
            return Err(error("target_class", format!("is {}", config.target_class), expected).into());
        };
        let sources = classes.len() * (Change::ALL.len() - 1);
        let most = (dims + 1).min(sources);
        if config.rank > most {
            let expected = format!("at most {most}: the smaller of {} inputs and {sources} tasks", dims + 1);
            return Err(error("rank", format!("is {}", config.rank), expected).into());
        }
        let labels = labels.to_vec();
        let mut pixels = features.into_values();
        let top = pixels.iter().fold(0.0_f32, |top, v| top.max(v.abs()));
        if top > 0.0 {
            pixels.iter_mut().for_each(|v| *v /= top);
        }
        Ok(Pictures { pixels, labels, classes, side, target: config.target_change, class })
    }

    /// Names of the source tasks: every class in every way but the target's.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for change in self.changes() {
            for class in &self.classes {
                names.push(format!("{} {class}", change.name()));
            }
        }
        names
    }

    /// Inputs of a sample: the pixels and a one.
    pub fn dims(&self) -> usize {
        self.side * self.side + 1
    }

    /// Splits the pictures anew: a third for testing, as pictures and not as changed pictures, so that no test picture is
    /// seen in any of the source tasks; then the target's samples.
    pub fn split(&self, shots: usize, rng: &Rng) -> Result<Split<'_>, Error> {
        let rows = self.labels.len();
        let mut order = rng.split("split").sample(rows, rows);
        let test = order.split_off(rows - rows / 3);
        if shots > order.len() {
            let expected = format!("at most {}, the pictures that are not for testing", order.len());
            return Err(error("shots", format!("is {shots}"), expected).into());
        }
        let tasks = self.changes().len() * self.classes.len();
        let orders = (0..tasks).map(|t| rng.split("draws").at(t as u64).sample(order.len(), order.len()));
        Ok(Split {
            pictures: self,
            noise: rng.split("noise"),
            orders: orders.collect(),
            next: vec![0; tasks],
            train: order,
            test,
            shots,
        })
    }

    fn changes(&self) -> Vec<Change> {
        Change::ALL.into_iter().filter(|change| *change != self.target).collect()
    }

    /// The changed picture of a row, with a one at its end. The change of a picture does not depend on the task.
    fn sample(&self, row: usize, change: Change, noise: &Rng, out: &mut [f64]) {
        let s = self.side;
        let from = &self.pixels[row * s * s..(row + 1) * s * s];
        let at = |x: isize, y: isize| -> f64 {
            let inside = x >= 0 && y >= 0 && x < s as isize && y < s as isize;
            if inside { f64::from(from[y as usize * s + x as usize]) } else { 0.0 }
        };
        let mut rng = noise.split(change.name()).at(row as u64);
        let hole = s.saturating_sub(2).max(1);
        let (left, top) = match change {
            Change::Occlusion => (rng.below(hole) as isize, rng.below(hole) as isize),
            _ => (0, 0),
        };
        for y in 0..s as isize {
            for x in 0..s as isize {
                out[y as usize * s + x as usize] = match change {
                    Change::Identity => at(x, y),
                    Change::Noise => at(x, y) + 0.3 * rng.normal(),
                    Change::Blur => {
                        let mut sum = 0.0;
                        for v in -1..=1 {
                            for u in -1..=1 {
                                sum += at(x + u, y + v);
                            }
                        }
                        sum / 9.0
                    }
                    Change::Invert => 1.0 - at(x, y),
                    Change::ShiftX => at(x - 1, y),
                    Change::ShiftY => at(x, y - 1),
                    Change::Occlusion if (left..left + 3).contains(&x) && (top..top + 3).contains(&y) => 0.0,
                    Change::Occlusion => at(x, y),
                    Change::Mirror => at(s as isize - 1 - x, y),
                    Change::Transpose => at(y, x),
                    Change::Contrast => 0.3 * at(x, y) + 0.35,
                };
            }
        }
        out[s * s] = 1.0;
    }

    /// The label as a number to regress on.
    fn sign(&self, row: usize, class: i64) -> f64 {
        if self.labels[row] == class { 1.0 } else { -1.0 }
    }
}

/// One split of the pictures, and how far each task has been drawn. A copy goes on with the same samples.
#[derive(Clone)]
pub struct Split<'a> {
    pictures: &'a Pictures,
    noise: Rng,
    orders: Vec<Vec<usize>>,
    next: Vec<usize>,
    train: Vec<usize>,
    test: Vec<usize>,
    shots: usize,
}

impl Split<'_> {
    /// The target's few samples.
    pub fn target(&self) -> Moments {
        let p = self.pictures;
        let mut moments = Moments::new(1, p.dims());
        let mut x = vec![0.0; p.dims()];
        for row in &self.train[..self.shots] {
            p.sample(*row, p.target, &self.noise, &mut x);
            moments.add(0, &x, p.sign(*row, p.class));
        }
        moments
    }

    /// Share of test pictures that weights put on the wrong side, and the mean of that share over both sides.
    pub fn test_errors(&self, weights: &[f64]) -> (f64, f64) {
        let p = self.pictures;
        let mut x = vec![0.0; p.dims()];
        let (mut count, mut wrong) = ([0.0_f64; 2], [0.0_f64; 2]);
        for row in &self.test {
            p.sample(*row, p.target, &self.noise, &mut x);
            let truth = p.sign(*row, p.class);
            let side = usize::from(truth > 0.0);
            let score: f64 = x.iter().zip(weights).map(|(a, b)| a * b).sum();
            count[side] += 1.0;
            if (score > 0.0) != (truth > 0.0) {
                wrong[side] += 1.0;
            }
        }
        let share = |side: usize| if count[side] > 0.0 { wrong[side] / count[side] } else { 0.0 };
        ((wrong[0] + wrong[1]) / (count[0] + count[1]).max(1.0), 0.5 * (share(0) + share(1)))
    }
}

impl TaskSource for Split<'_> {
    fn tasks(&self) -> usize {
        self.orders.len()
    }

    fn left(&self, task: usize) -> usize {
        self.orders[task].len() - self.next[task]
    }

    fn draw(&mut self, task: usize, count: usize, into: &mut Moments) {
        let p = self.pictures;
        let change = p.changes()[task / p.classes.len()];
        let class = p.classes[task % p.classes.len()];
        let mut x = vec![0.0; p.dims()];
        for _ in 0..count.min(self.left(task)) {
            let row = self.train[self.orders[task][self.next[task]]];
            self.next[task] += 1;
            p.sample(row, change, &self.noise, &mut x);
            into.add(task, &x, p.sign(row, class));
        }
    }
}
