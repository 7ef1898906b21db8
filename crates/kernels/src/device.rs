//! Opening a compute device by name, without panics.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use thiserror::Error;

/// A device as a person names it: `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Burn's CPU backend (Flex).
    Cpu,
    /// A wgpu adapter: the best one, or the adapter with this number in [`adapters`].
    Wgpu(Option<usize>),
    /// A CUDA device: the first one, or the one with this number.
    Cuda(Option<usize>),
}

/// An opened device and what is known about it.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    /// The handle to create tensors on.
    pub device: Device,
    /// What was asked for.
    pub kind: DeviceKind,
    /// The hardware's name, for example `NVIDIA H100` or `llvmpipe (LLVM 19.1.7, 256 bits)`.
    pub adapter: String,
    /// Whether a GPU adapter is in truth a program on the CPU (lavapipe, SwiftShader, WARP).
    pub software: bool,
    /// The interface used: `flex`, `vulkan`, `metal`, `dx12`, `gl`, `webgpu` or `cuda`.
    pub backend: String,
    /// The driver and its version, where it says so.
    pub driver: Option<String>,
}

/// Why a device cannot be opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name is not a device.
    #[error("unknown device '{given}': expected cpu, wgpu, wgpu:<number>, cuda or cuda:<number>")]
    Unknown {
        /// The text given.
        given: String,
    },
    /// This build leaves the device out.
    #[error("device {kind} is not in this build: rebuild with --features {feature}")]
    NotCompiled {
        /// The device asked for.
        kind: DeviceKind,
        /// The cargo feature that adds it.
        feature: &'static str,
    },
    /// The machine has no such device.
    #[error("device {kind} is not available: {reason}")]
    Unavailable {
        /// The device asked for.
        kind: DeviceKind,
        /// What is missing and what to do about it.
        reason: String,
    },
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceKind::Cpu => write!(f, "cpu"),
            DeviceKind::Wgpu(None) => write!(f, "wgpu"),
            DeviceKind::Wgpu(Some(i)) => write!(f, "wgpu:{i}"),
            DeviceKind::Cuda(None) => write!(f, "cuda"),
            DeviceKind::Cuda(Some(i)) => write!(f, "cuda:{i}"),
        }
    }
}

impl FromStr for DeviceKind {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown { given: text.to_string() };
        let (name, number) = match text.split_once(':') {
            // `parse` alone would take "+1".
            Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, Some(digits.parse().map_err(|_| unknown())?))
            }
            Some(_) => return Err(unknown()),
            None => (text, None),
        };
        match (name, number) {
            ("cpu", None) => Ok(DeviceKind::Cpu),
            ("wgpu", number) => Ok(DeviceKind::Wgpu(number)),
            ("cuda", number) => Ok(DeviceKind::Cuda(number)),
            _ => Err(unknown()),
        }
    }
}

/// Opens a device, or gives the already opened one.
///
/// # Errors
/// [`DeviceError::NotCompiled`] names the cargo feature to enable, [`DeviceError::Unavailable`] says what the
/// machine lacks.
pub async fn open(kind: DeviceKind) -> Result<OpenDevice, DeviceError> {
    match kind {
        #[cfg(feature = "cpu")]
        DeviceKind::Cpu => Ok(OpenDevice {
            device: Device::flex(),
            kind,
            adapter: "CPU".to_string(),
            software: false,
            backend: "flex".to_string(),
            driver: None,
        }),
        #[cfg(not(feature = "cpu"))]
        DeviceKind::Cpu => Err(DeviceError::NotCompiled { kind, feature: "cpu" }),
        DeviceKind::Wgpu(_) => Err(DeviceError::NotCompiled { kind, feature: "wgpu" }),
        DeviceKind::Cuda(_) => Err(DeviceError::NotCompiled { kind, feature: "cuda" }),
    }
}
