//! What a transductive classifier finds.

use burn::tensor::{Int, Tensor};

use crate::{CoreError, readback};

/// The labels of every row of a batch of tasks, with what led to them.
#[derive(Clone, Debug)]
pub struct Assignments {
    /// Soft assignments `[B, N, K]`, rows on the simplex; one-hot for methods without a graph.
    pub z: Tensor<3>,
    /// Hard labels `[B, N]`. Only those of the query rows are a result: the official procedure lets the labels of
    /// support rows flip.
    pub label: Tensor<2, Int>,
    /// Prototypes `[B, K, D]`, in the space of the (shifted) input.
    pub prototypes: Tensor<3>,
    /// Inner iterations (bound updates) of each task, `[B]`.
    pub inner_iterations: Tensor<1, Int>,
    /// Outer iterations (prototype updates) of each task, `[B]`.
    pub outer_iterations: Tensor<1, Int>,
    /// The relaxed objective R of each task at the end, `[B]`: Σ z·log z + Σ z∘a − (λ/2) Σ zᵀWz.
    pub energy: Tensor<1>,
    /// Number of support rows of a task, the first of its rows.
    pub support: usize,
}

impl Assignments {
    /// The labels of the query rows, one list a task.
    ///
    /// # Errors
    /// [`CoreError::ReadBack`] if the device fails.
    pub async fn query_labels(&self) -> Result<Vec<Vec<i64>>, CoreError> {
        let [b, n] = self.label.dims();
        let query = n - self.support;
        let rows = self.label.clone().slice([0..b, self.support..n]);
        let labels = readback::integers("labels", rows).await?;
        Ok((0..b).map(|task| labels[task * query..(task + 1) * query].to_vec()).collect())
    }

    /// Inner and outer iterations of each task.
    ///
    /// # Errors
    /// [`CoreError::ReadBack`] if the device fails.
    pub async fn iterations(&self) -> Result<Vec<(usize, usize)>, CoreError> {
        let inner = readback::integers("inner iterations", self.inner_iterations.clone()).await?;
        let outer = readback::integers("outer iterations", self.outer_iterations.clone()).await?;
        Ok(inner.into_iter().zip(outer).map(|(i, o)| (i.max(0) as usize, o.max(0) as usize)).collect())
    }
}
