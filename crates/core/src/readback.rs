//! Reading small results back from a device, always asynchronously.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::CoreError;

/// The values of a float tensor, row-major; `what` names it in the error.
///
/// # Errors
/// [`CoreError::ReadBack`] if the device fails.
pub async fn floats<const D: usize>(what: &'static str, tensor: Tensor<D>) -> Result<Vec<f32>, CoreError> {
    let data = read(what, tensor.into_data_async().await)?;
    data.try_into_vec_as::<f32>().map_err(|e| CoreError::ReadBack { what, reason: e.to_string() })
}

/// The values of an integer tensor, row-major; `what` names it in the error.
///
/// # Errors
/// [`CoreError::ReadBack`] if the device fails.
pub async fn integers<const D: usize>(
    what: &'static str,
    tensor: Tensor<D, Int>,
) -> Result<Vec<i64>, CoreError> {
    let data = read(what, tensor.into_data_async().await)?;
    data.try_into_vec_as::<i64>().map_err(|e| CoreError::ReadBack { what, reason: e.to_string() })
}

fn read<E: ToString>(what: &'static str, data: Result<TensorData, E>) -> Result<TensorData, CoreError> {
    data.map_err(|e| CoreError::ReadBack { what, reason: e.to_string() })
}

/// An `i32` index tensor, whatever integer type the device prefers.
pub(crate) fn indices<const D: usize>(
    values: Vec<i32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::I32))
}

/// `tensor` as `i32`.
pub(crate) fn as_i32<const D: usize>(tensor: Tensor<D, Int>) -> Tensor<D, Int> {
    if tensor.dtype() == DType::I32 { tensor } else { tensor.cast(DType::I32) }
}
