//! What can go wrong in a kernel, in words a caller can act on.

use thiserror::Error;

/// A kernel could not run, or ran and gave a wrong result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// An option is outside its range.
    #[error("{name} = {value} is out of range: {expected}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// The range that is allowed.
        expected: &'static str,
    },
    /// The tensors given to one call do not fit together.
    #[error("{kernel}: {name} has shape {found:?}, expected {expected}")]
    Shape {
        /// The kernel called.
        kernel: &'static str,
        /// The argument.
        name: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape it should have.
        expected: String,
    },
    /// The device failed while a result was read back.
    #[error(
        "{kernel}: the device failed while its result was read back ({reason}); try another device, for example --device cpu"
    )]
    Device {
        /// The kernel whose result was awaited.
        kernel: &'static str,
        /// The backend's own message.
        reason: String,
    },
    /// The known-answer test of a kernel failed on this device.
    #[error(
        "self-test: kernel {kernel} differs from its known answer by {difference:e} (allowed {allowed:e}) on {device}; results of this device cannot be trusted, use another one, for example --device cpu"
    )]
    SelfTest {
        /// The kernel that differs.
        kernel: &'static str,
        /// The largest absolute difference found (NaN when the result is not a number).
        difference: f64,
        /// The difference that is allowed.
        allowed: f64,
        /// The device, as Burn prints it.
        device: String,
    },
}

impl KernelError {
    /// Wraps a failed read-back.
    pub(crate) fn device(kernel: &'static str, reason: impl core::fmt::Display) -> Self {
        KernelError::Device { kernel, reason: reason.to_string() }
    }
}
