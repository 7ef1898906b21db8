//! Stand-in for CubeCL's LLVM compiler, so that CUDA builds need no LLVM.
//!
//! `cubecl-cuda` 0.11.3 always links two compilers: one that writes CUDA C++ for NVRTC, and one that
//! goes through LLVM. The build script of the latter, `cubecl-llvm`, downloads a prebuilt LLVM from
//! outside the package registry and panics where it cannot. Lowshot runs the C++ compiler only
//! (feature `cuda-cpp` of `cubecl`), so this package takes the place of `cubecl-llvm` through
//! `[patch.crates-io]`. It has the names and types that `cubecl-cuda` refers to, and nothing behind
//! them: [`PlironCompiler::compile`](Compiler::compile) always answers with an error that says which
//! feature to turn on.
//!
//! It serves `cubecl-cuda` alone. CubeCL's `cpu` and `rocm` runtimes do need LLVM: to build them,
//! take the patch out of the workspace manifest.
//!
//! This package goes as soon as upstream makes its LLVM dependency optional. When `cubecl` is raised
//! before that, compare with the uses of `cubecl_llvm` in the new `cubecl-cuda`, and raise the version
//! here with it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use core::convert::Infallible;
use core::ffi::c_char;
use core::fmt;

use cubecl_core::environment::backtrace::BackTrace;
use cubecl_core::ir::nvidia::SmArch;
use cubecl_core::prelude::KernelDefinition;
use cubecl_runtime::compiler::{CompilationError, Compiler};
use cubecl_runtime::kernel::BufferIOAttr;

use crate::nvptx::ptx_version::PtxVersion;

#[cfg(feature = "amdgpu")]
compile_error!(
    "CubeCL's `rocm` runtime needs LLVM, and this workspace replaces `cubecl-llvm` by a stand-in for CUDA only: \
     remove `cubecl-llvm` from `[patch.crates-io]` in the workspace manifest to build it"
);

/// What `cubecl-cuda` asks about PTX.
pub mod nvptx {
    /// The version of PTX to emit.
    pub mod ptx_version {
        use core::fmt;

        /// A PTX version to emit; without LLVM there is none, so no value of this type exists.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PtxVersion {}

        impl PtxVersion {
            /// The newest version that a driver loads: always `None`, since nothing is emitted.
            ///
            /// `driver` is a CUDA version as the driver reports it, 12080 for 12.8.
            pub fn for_driver(driver: i32) -> Option<Self> {
                let _ = driver;
                None
            }
        }

        impl fmt::Display for PtxVersion {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {}
            }
        }
    }
}

/// What `cubecl-cuda` asks about device features.
pub mod shared {
    /// Narrowing of a device's features to what the LLVM compiler can lower.
    pub mod lowered_features {
        use cubecl_core::ir::DeviceProperties;

        /// The kind of GPU that features are narrowed for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum GpuTarget {
            /// NVIDIA, through PTX.
            Nvptx,
        }

        /// Leaves `props` as they are: every kernel is refused later, with a reason.
        ///
        /// `cubecl-cuda` calls it only where its LLVM compiler is the default one.
        pub fn restrict_features(props: &mut DeviceProperties, target: GpuTarget) {
            let _ = (props, target);
        }
    }
}

/// What the compiler emits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlvmTarget {
    /// NVIDIA, through PTX.
    #[default]
    Nvptx,
}

/// The compiler that is not there.
#[derive(Clone, Debug, Default)]
pub struct PlironCompiler {
    /// What it would emit for.
    pub target: LlvmTarget,
}

/// Options of [`PlironCompiler`]; none of them is read.
#[derive(Clone, Debug, Default)]
pub struct PlironOptions {
    /// AMD architecture: never one here.
    pub arch: Option<Infallible>,
    /// NVIDIA architecture.
    pub sm_arch: Option<SmArch>,
    /// PTX version to emit.
    pub ptx_version: Option<PtxVersion>,
    /// Whether scalars and metadata travel in the kernel's parameter block.
    pub grid_constants: bool,
}

/// A compiled PTX module; this package never makes one.
#[derive(Clone, Debug)]
pub struct NvptxModule {
    /// PTX text, ended by a NUL.
    pub ptx: Vec<c_char>,
    /// Symbol of the kernel's entry point.
    pub entrypoint: String,
    /// Text for logs and cache keys.
    pub ir: String,
    /// Dynamic shared memory per launch, in bytes.
    pub shared_memory_size: usize,
    /// What the kernel does with each buffer, in binding order.
    pub io: Vec<BufferIOAttr>,
}

/// What a compilation would give; this package never makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlironArtifact {
    /// A PTX module.
    NvptxCode(NvptxModule),
}

impl fmt::Display for PlironArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NvptxCode(module) => f.write_str(&module.ir),
        }
    }
}

impl Compiler for PlironCompiler {
    type Representation = PlironArtifact;
    type CompilationOptions = PlironOptions;

    fn compile(
        &mut self,
        _: KernelDefinition,
        _: &PlironOptions,
    ) -> Result<PlironArtifact, CompilationError> {
        Err(CompilationError::Generic {
            reason: "this build has no LLVM compiler for CUDA kernels: \
                     enable the feature `cuda-cpp` of `cubecl`, which makes CUDA C++ through NVRTC the default"
                .to_owned(),
            backtrace: BackTrace::capture(),
        })
    }

    fn buffer_io(artifact: &PlironArtifact) -> Option<Vec<BufferIOAttr>> {
        match artifact {
            PlironArtifact::NvptxCode(module) => Some(module.io.clone()),
        }
    }

    fn extension(&self) -> &'static str {
        "ll"
    }

    fn lang_tag(&self) -> &'static str {
        "llvm"
    }
}
