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
    /// A wgpu adapter: the best one, or the adapter with this number in Burn's listing.
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
        #[cfg(feature = "wgpu")]
        DeviceKind::Wgpu(number) => wgpu::open(kind, number).await,
        #[cfg(not(feature = "wgpu"))]
        DeviceKind::Wgpu(_) => Err(DeviceError::NotCompiled { kind, feature: "wgpu" }),
        #[cfg(feature = "cuda")]
        DeviceKind::Cuda(number) => cuda::open(kind, number),
        #[cfg(not(feature = "cuda"))]
        DeviceKind::Cuda(_) => Err(DeviceError::NotCompiled { kind, feature: "cuda" }),
    }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use burn::tensor::Device;
    use burn::tensor::wgpu::{WgpuInitError, WgpuSetup, wgpu};

    use super::{DeviceError, DeviceKind, OpenDevice};

    /// What has been opened: Burn takes each adapter once in the life of a process.
    static OPENED: Mutex<Vec<OpenDevice>> = Mutex::new(Vec::new());

    fn opened() -> MutexGuard<'static, Vec<OpenDevice>> {
        OPENED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(kind: DeviceKind) -> Option<OpenDevice> {
        opened().iter().find(|o| o.kind == kind).cloned()
    }

    pub(super) async fn open(kind: DeviceKind, number: Option<usize>) -> Result<OpenDevice, DeviceError> {
        if let Some(open) = known(kind) {
            return Ok(open);
        }
        let unavailable = |reason: String| DeviceError::Unavailable { kind, reason };
        let options = match number {
            None => Device::wgpu_options(),
            Some(number) => Device::wgpu_options().device_kind(adapter(number).map_err(unavailable)?),
        };
        // Natively the table stays locked, so that two threads do not open one adapter twice; a browser has one
        // thread and must not block.
        #[cfg(not(target_family = "wasm"))]
        let result = {
            let mut table = opened();
            if let Some(open) = table.iter().find(|o| o.kind == kind) {
                return Ok(open.clone());
            }
            let result = options.init_with_setup().map(|(device, setup)| describe(kind, device, &setup));
            table.extend(result.as_ref().ok().cloned());
            result
        };
        #[cfg(target_family = "wasm")]
        let result = {
            let result = options.init_with_setup_async().await;
            let result = result.map(|(device, setup)| describe(kind, device, &setup));
            opened().extend(result.as_ref().ok().cloned());
            result
        };
        match result {
            Ok(open) => Ok(open),
            // Somebody else was faster.
            Err(error @ WgpuInitError::Registration { .. }) => {
                known(kind).ok_or_else(|| unavailable(error.to_string()))
            }
            Err(error @ WgpuInitError::AdapterUnavailable { .. }) => Err(unavailable(format!(
                "{error}; {}",
                if cfg!(target_family = "wasm") {
                    "this browser offers no WebGPU adapter"
                } else {
                    "install a Vulkan driver (on Linux a software one is mesa-vulkan-drivers), or use --device cpu"
                }
            ))),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    /// The selector of the adapter with this number, in the order Burn lists them.
    #[cfg(not(target_family = "wasm"))]
    fn adapter(number: usize) -> Result<burn::tensor::DeviceKind, String> {
        use burn::backend::{CubeDevice, DispatchDevice, WgpuDeviceKind};
        use burn::tensor::{DeviceKind as Selector, DeviceType};

        let devices = Device::enumerate(DeviceType::Wgpu);
        let listed: Vec<&Device> = devices.iter().collect();
        let device = listed
            .get(number)
            .ok_or_else(|| format!("there are {} wgpu adapters, numbered from 0", listed.len()))?;
        match device.as_dispatch() {
            DispatchDevice::Cube(CubeDevice::Wgpu(device)) => match device.kind {
                WgpuDeviceKind::DiscreteGpu(i) => Ok(Selector::DiscreteGpu(i)),
                WgpuDeviceKind::IntegratedGpu(i) => Ok(Selector::IntegratedGpu(i)),
                WgpuDeviceKind::VirtualGpu(i) => Ok(Selector::VirtualGpu(i)),
                WgpuDeviceKind::Cpu => Ok(Selector::Cpu),
                ref other => {
                    Err(format!("adapters of kind {other:?} cannot be chosen by number; use wgpu alone"))
                }
            },
            other => Err(format!("{other:?} is not a wgpu device")),
        }
    }

    /// A browser chooses the adapter itself.
    #[cfg(target_family = "wasm")]
    fn adapter(number: usize) -> Result<burn::tensor::DeviceKind, String> {
        match number {
            0 => Ok(burn::tensor::DeviceKind::DefaultDevice),
            _ => Err("a browser offers one adapter, number 0".to_string()),
        }
    }

    fn describe(kind: DeviceKind, device: Device, setup: &WgpuSetup) -> OpenDevice {
        /// Names of adapters that compute on the CPU without saying so in their type.
        const SOFTWARE: [&str; 4] = ["swiftshader", "llvmpipe", "softpipe", "basic render"];
        let info = setup.adapter.get_info();
        let name = info.name.to_lowercase();
        let software =
            info.device_type == wgpu::DeviceType::Cpu || SOFTWARE.iter().any(|known| name.contains(known));
        let driver = [info.driver.as_str(), info.driver_info.as_str()].join(" ");
        let driver = driver.trim();
        OpenDevice {
            device,
            kind,
            adapter: if info.name.is_empty() { "WebGPU adapter".to_string() } else { info.name.clone() },
            software,
            backend: match info.backend {
                wgpu::Backend::BrowserWebGpu => "webgpu".to_string(),
                other => format!("{other:?}").to_lowercase(),
            },
            driver: (!driver.is_empty()).then(|| driver.to_string()),
        }
    }
}

#[cfg(feature = "cuda")]
mod cuda {
    use burn::tensor::Device;

    use super::{DeviceError, DeviceKind, OpenDevice};

    pub(super) fn open(kind: DeviceKind, number: Option<usize>) -> Result<OpenDevice, DeviceError> {
        let unavailable = |reason: String| DeviceError::Unavailable { kind, reason };
        if !libraries_present(Library::Driver) {
            return Err(unavailable(
                "no CUDA driver (libcuda) was found; install NVIDIA's driver, or use --device cpu or wgpu"
                    .to_string(),
            ));
        }
        if !libraries_present(Library::Nvrtc) {
            return Err(unavailable(
                "no CUDA run-time compiler (libnvrtc) was found; install the CUDA toolkit or NVIDIA's package \
                 nvidia-cuda-nvrtc-cu12 and put its lib folder into LD_LIBRARY_PATH"
                    .to_string(),
            ));
        }
        let failed = |e: cudarc::driver::DriverError| unavailable(format!("the CUDA driver failed: {e}"));
        cudarc::driver::result::init().map_err(failed)?;
        let count = cudarc::driver::result::device::get_count().map_err(failed)?;
        let ordinal = number.unwrap_or(0);
        if i32::try_from(ordinal).map_or(true, |i| i >= count) {
            return Err(unavailable(format!("there are {count} CUDA devices, numbered from 0")));
        }
        let handle = cudarc::driver::result::device::get(ordinal as i32).map_err(failed)?;
        let adapter = cudarc::driver::result::device::get_name(handle).map_err(failed)?;
        let driver = driver_version().map(|v| format!("CUDA {}.{}", v / 1000, v % 1000 / 10));
        Ok(OpenDevice {
            device: Device::cuda(ordinal),
            kind,
            adapter,
            software: false,
            backend: "cuda".to_string(),
            driver,
        })
    }

    enum Library {
        Driver,
        Nvrtc,
    }

    /// Whether a library can be loaded; asked first, because cudarc panics on the first call where it cannot.
    #[allow(unsafe_code, reason = "loading a library runs its initialisers")]
    fn libraries_present(library: Library) -> bool {
        // SAFETY: libcuda and libnvrtc are made to be loaded at run time; their initialisers have no preconditions.
        unsafe {
            match library {
                Library::Driver => cudarc::driver::sys::is_culib_present(),
                Library::Nvrtc => cudarc::nvrtc::sys::is_culib_present(),
            }
        }
    }

    #[allow(unsafe_code, reason = "cudarc has no safe form of this call")]
    fn driver_version() -> Option<i32> {
        let mut version = 0;
        // SAFETY: the driver is loaded and initialised, and the pointer is valid for the call.
        let result = unsafe { cudarc::driver::sys::cuDriverGetVersion(&mut version) };
        result.result().ok().map(|()| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for name in ["cpu", "wgpu", "wgpu:0", "wgpu:12", "cuda", "cuda:1"] {
            assert_eq!(name.parse::<DeviceKind>().map(|k| k.to_string()), Ok(name.to_string()));
        }
        for name in
            ["", "CPU", "cpu:0", "wgpu:", "wgpu:+1", "wgpu:-1", "cuda:x", "gpu", "wgpu:99999999999999999999"]
        {
            assert!(matches!(name.parse::<DeviceKind>(), Err(DeviceError::Unknown { .. })), "{name}");
        }
    }

    #[test]
    fn devices_left_out_of_the_build_name_their_feature() {
        #[cfg(not(feature = "wgpu"))]
        {
            let error = futures::executor::block_on(open(DeviceKind::Wgpu(None)));
            assert_eq!(
                error.err(),
                Some(DeviceError::NotCompiled { kind: DeviceKind::Wgpu(None), feature: "wgpu" })
            );
        }
        #[cfg(not(feature = "cuda"))]
        {
            let error = futures::executor::block_on(open(DeviceKind::Cuda(Some(0))));
            let kind = DeviceKind::Cuda(Some(0));
            assert_eq!(error.err(), Some(DeviceError::NotCompiled { kind, feature: "cuda" }));
        }
    }

    #[cfg(feature = "wgpu")]
    #[test]
    fn a_number_too_high_is_an_error_and_a_second_opening_gives_the_same_device() {
        let missing = futures::executor::block_on(open(DeviceKind::Wgpu(Some(4000))));
        assert!(matches!(missing, Err(DeviceError::Unavailable { .. })), "{missing:?}");
        match futures::executor::block_on(open(DeviceKind::Wgpu(None))) {
            Ok(first) => {
                let second = futures::executor::block_on(open(DeviceKind::Wgpu(None))).expect("open already");
                assert_eq!(first.device, second.device);
                assert!(!first.adapter.is_empty());
            }
            Err(error) => {
                println!("not run on wgpu: {error}");
                let required = std::env::var("LOWSHOT_REQUIRE").unwrap_or_default();
                assert!(!required.split(',').any(|r| r == "wgpu"), "LOWSHOT_REQUIRE has wgpu, but: {error}");
            }
        }
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn cuda_without_a_driver_is_an_error_and_not_a_panic() {
        match futures::executor::block_on(open(DeviceKind::Cuda(None))) {
            Ok(open) => assert!(!open.adapter.is_empty()),
            Err(error) => assert!(matches!(error, DeviceError::Unavailable { .. }), "{error}"),
        }
    }
}
