//! Generated few-shot tasks on which the methods can be told apart without any data.
//!
//! The generator of the prototype-laplacian sheet: class means μ_c ~ N(0, (s²/D)·I), a direction of spread
//! u_c ~ N(0, I/D) of each class, and samples μ_c + t·u_c + (noise/√D)·ε with t ~ N(0, 1), ε ~ N(0, I).

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::fewshot::Tasks;
use crate::{CoreError, Rng};

/// Parameters of the generated tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticTasks {
    /// Dimensions D (default 64).
    pub dim: usize,
    /// Distance s of the class means from the origin (default 1.2).
    pub separation: f64,
    /// Noise of the samples (default 2.5).
    pub noise: f64,
    /// Support rows of each class (default 1).
    pub shots: usize,
    /// Query rows of each class, one number a class (default 15 for each of 5 classes); a class may have none.
    pub queries: Vec<usize>,
}

impl Default for SyntheticTasks {
    fn default() -> Self {
        Self { dim: 64, separation: 1.2, noise: 2.5, shots: 1, queries: vec![15; 5] }
    }
}

/// Generated tasks: support rows first, classes in order, rows of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticTask {
    /// Rows, row-major, `(support + query) · dim` values.
    pub rows: Vec<f32>,
    /// Class of each support row.
    pub support_labels: Vec<i64>,
    /// Class of each query row.
    pub query_labels: Vec<i64>,
}

impl SyntheticTasks {
    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field.
    pub fn check(&self) -> Result<(), CoreError> {
        if self.dim == 0 {
            return Err(CoreError::range("dim", self.dim, "at least 1"));
        }
        if self.shots == 0 {
            return Err(CoreError::range("shots", self.shots, "at least 1"));
        }
        if self.queries.len() < 2 {
            return Err(CoreError::range("ways", self.queries.len(), "at least 2"));
        }
        if self.queries.iter().sum::<usize>() == 0 {
            return Err(CoreError::range("queries", 0, "at least 1 in all"));
        }
        for (field, value) in [("separation", self.separation), ("noise", self.noise)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(CoreError::range(field, value, "a finite number of at least 0"));
            }
        }
        Ok(())
    }

    /// Task number `index`, drawn from `rng.split("synthetic").at(index)` and nothing else.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] as in [`SyntheticTasks::check`].
    pub fn task(&self, rng: &Rng, index: u64) -> Result<SyntheticTask, CoreError> {
        self.check()?;
        let mut rng = rng.split("synthetic").at(index);
        let scale = 1.0 / libm::sqrt(self.dim as f64);
        let ways = self.queries.len();
        let mut vectors = |scale: f64| -> Vec<Vec<f64>> {
            (0..ways).map(|_| (0..self.dim).map(|_| scale * rng.normal()).collect()).collect()
        };
        let means = vectors(self.separation * scale);
        let directions = vectors(scale);
        let queries: usize = self.queries.iter().sum();
        let mut task = SyntheticTask {
            rows: Vec::with_capacity((self.shots * ways + queries) * self.dim),
            support_labels: vec![],
            query_labels: vec![],
        };
        let mut sample = |class: usize, rows: &mut Vec<f32>| {
            let along = rng.normal();
            let row: Vec<f64> = (0..self.dim)
                .map(|d| means[class][d] + along * directions[class][d] + self.noise * scale * rng.normal())
                .collect();
            let norm = libm::sqrt(row.iter().map(|v| v * v).sum::<f64>()).max(f64::MIN_POSITIVE);
            rows.extend(row.iter().map(|v| (v / norm) as f32));
        };
        for class in 0..ways {
            for _ in 0..self.shots {
                sample(class, &mut task.rows);
                task.support_labels.push(class as i64);
            }
        }
        for (class, count) in self.queries.iter().enumerate() {
            for _ in 0..*count {
                sample(class, &mut task.rows);
                task.query_labels.push(class as i64);
            }
        }
        Ok(task)
    }

    /// Tasks `start..start + count` as one batch on `device`, with the true class of every query row.
    ///
    /// # Errors
    /// As [`SyntheticTasks::task`]; also [`CoreError::OutOfRange`] if `count` is 0.
    pub fn batch(
        &self,
        rng: &Rng,
        start: u64,
        count: usize,
        device: &Device,
    ) -> Result<(Tasks, Vec<Vec<i64>>), CoreError> {
        if count == 0 {
            return Err(CoreError::range("episodes", count, "at least 1"));
        }
        let (mut rows, mut labels, mut truth) = (vec![], vec![], vec![]);
        for index in start..start + count as u64 {
            let task = self.task(rng, index)?;
            rows.extend(task.rows);
            labels.extend(task.support_labels.iter().map(|l| *l as i32));
            truth.push(task.query_labels);
        }
        let ways = self.queries.len();
        let support = ways * self.shots;
        let points = support + self.queries.iter().sum::<usize>();
        let x = Tensor::<3>::from_data(TensorData::new(rows, [count, points, self.dim]), device);
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, support]), device);
        Ok((Tasks::new(x, labels, ways)?, truth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_depends_on_its_index_only_and_has_its_counts() {
        let make = SyntheticTasks { shots: 2, queries: vec![3, 0, 1], dim: 7, ..Default::default() };
        let rng = Rng::new(1);
        let task = make.task(&rng, 5).unwrap();
        assert_eq!(task, make.task(&rng, 5).unwrap());
        assert_ne!(task.rows, make.task(&rng, 6).unwrap().rows);
        assert_eq!(task.support_labels, [0, 0, 1, 1, 2, 2]);
        assert_eq!(task.query_labels, [0, 0, 0, 2]);
        assert_eq!(task.rows.len(), 10 * 7);
        for row in task.rows.chunks(7) {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn without_noise_a_class_lies_on_its_line() {
        // Two samples of a class and the direction span a plane with the mean: any four samples of one class
        // then lie in a two-dimensional space.
        let make = SyntheticTasks { shots: 4, queries: vec![1, 1], dim: 5, noise: 0.0, ..Default::default() };
        let task = make.task(&Rng::new(3), 0).unwrap();
        let rows: Vec<&[f32]> = task.rows.chunks(5).take(4).collect();
        let mut residuals: Vec<Vec<f64>> =
            rows.iter().map(|r| r.iter().map(|v| f64::from(*v)).collect()).collect();
        for basis in 0..2 {
            let norm = residuals[basis].iter().map(|v| v * v).sum::<f64>().sqrt();
            let axis: Vec<f64> = residuals[basis].iter().map(|v| v / norm).collect();
            for row in &mut residuals {
                let along: f64 = row.iter().zip(&axis).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(&axis).for_each(|(v, a)| *v -= along * a);
            }
        }
        assert!(residuals[2..].iter().flatten().all(|v| v.abs() < 1e-5), "{residuals:?}");
    }

    #[test]
    fn bad_parameters_name_the_field() {
        let good = SyntheticTasks::default();
        for (bad, name) in [
            (SyntheticTasks { dim: 0, ..good.clone() }, "dim"),
            (SyntheticTasks { shots: 0, ..good.clone() }, "shots"),
            (SyntheticTasks { queries: vec![5], ..good.clone() }, "ways"),
            (SyntheticTasks { queries: vec![0, 0], ..good.clone() }, "queries"),
            (SyntheticTasks { noise: f64::NAN, ..good.clone() }, "noise"),
        ] {
            let error = bad.task(&Rng::new(0), 0).unwrap_err();
            assert!(matches!(error, CoreError::OutOfRange { field, .. } if field == name), "{error}");
        }
    }
}
