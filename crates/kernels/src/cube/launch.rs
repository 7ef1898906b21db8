//! One launch: buffers in, a validated source in the device's language, buffers out.

use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::client::Client;
use cubecl::ir::{UIntKind, metadata::Info};
use cubecl::prelude::*;
use cubecl::server::{Handle, KernelArguments};
use cubecl::{CubeKernel, PrecompiledSource};

use crate::shaders::Shader;

/// A buffer of `f32`.
pub(crate) struct F32(pub(crate) Handle);
/// A buffer of `i32`.
pub(crate) struct I32(pub(crate) Handle);
/// A buffer of `u32`.
pub(crate) struct U32(pub(crate) Handle);

/// The arguments of a kernel as `build.rs` writes them from its source.
pub(crate) trait Arguments {
    /// The kernel they belong to.
    const SHADER: Shader;

    /// The buffers in order of binding.
    fn buffers(self) -> Vec<Handle>;
}

/// The largest number of workgroups in one direction that every device takes; kernels stride over the rest.
pub(super) fn at_most(groups: usize) -> usize {
    groups.clamp(1, 65_535)
}

/// The sizes of a tensor of known rank.
pub(super) fn dims<const D: usize>(t: &CubeTensor) -> [usize; D] {
    core::array::from_fn(|i| t.meta.shape()[i])
}

/// A freshly allocated (or taken over) result.
pub(super) struct Output {
    client: Client,
    device: CubeDevice,
    handle: Handle,
    shape: Shape,
}

impl Output {
    /// As a kernel argument of floats.
    pub(super) fn f32(&self) -> F32 {
        F32(self.handle.clone())
    }

    /// As a kernel argument of integers.
    pub(super) fn i32(&self) -> I32 {
        I32(self.handle.clone())
    }

    /// As a float tensor.
    pub(super) fn float(self) -> CubeTensor {
        self.tensor(DType::F32)
    }

    /// As an integer tensor.
    pub(super) fn int(self) -> CubeTensor {
        self.tensor(DType::I32)
    }

    fn tensor(self, dtype: DType) -> CubeTensor {
        CubeTensor::new_contiguous(self.client, self.device, self.shape, self.handle, dtype)
    }
}

/// The device of one operation and the buffers it has handed to kernels.
pub(super) struct Context {
    client: Client,
    device: CubeDevice,
    inputs: Vec<Handle>,
}

impl Context {
    pub(super) fn new(t: &CubeTensor) -> Self {
        Context { client: t.client.clone(), device: t.device.clone(), inputs: Vec::new() }
    }

    /// A tensor's contents, row after row, in a buffer that no other argument of this operation shares.
    ///
    /// WebGPU refuses a dispatch in which two writable bindings overlap, and all bindings are writable: a tensor
    /// given twice is copied.
    pub(super) fn input(&mut self, t: CubeTensor) -> Handle {
        if t.meta.shape().num_elements() == 0 {
            // A binding must not be empty.
            return self.client.empty(4);
        }
        let mut t = into_contiguous(t);
        if self.holds(&t.handle) {
            t = t.copy();
        }
        self.inputs.push(t.handle.clone());
        t.handle
    }

    /// Whether another argument already lies in the same allocation.
    fn holds(&self, handle: &Handle) -> bool {
        self.inputs.iter().any(|h| core::ptr::eq(h.memory.descriptor(), handle.memory.descriptor()))
    }

    /// A tensor that the kernel overwrites: itself if nobody else holds it, a copy otherwise.
    pub(super) fn in_place<const D: usize>(&mut self, t: CubeTensor, shape: [usize; D]) -> Output {
        if t.meta.shape().num_elements() == 0 {
            return self.output(shape);
        }
        let mut t = into_contiguous(t);
        if !t.can_mut() || self.holds(&t.handle) {
            t = t.copy();
        }
        self.inputs.push(t.handle.clone());
        Output {
            client: self.client.clone(),
            device: self.device.clone(),
            handle: t.handle,
            shape: Shape::from(shape),
        }
    }

    /// Room for a result of 4-byte elements, not initialised.
    pub(super) fn output<const D: usize>(&self, shape: [usize; D]) -> Output {
        let elements: usize = shape.iter().product();
        Output {
            client: self.client.clone(),
            device: self.device.clone(),
            handle: self.client.empty(elements.max(1) * 4),
            shape: Shape::from(shape),
        }
    }

    /// The numbers a kernel is told, as a small buffer.
    pub(super) fn sizes(&self, values: &[usize]) -> U32 {
        let values: Vec<u32> = values.iter().map(|&v| u32::try_from(v).unwrap_or(u32::MAX)).collect();
        U32(self.client.create_from_slice(bytemuck::cast_slice(&values)))
    }

    /// Whether a result is empty, so that there is nothing to launch.
    pub(super) fn nothing_to_do(&self, result: &[usize]) -> bool {
        result.contains(&0)
    }

    /// Queues a kernel with this many workgroups in x, y, z.
    pub(super) fn launch<A: Arguments>(&self, arguments: A, groups: [usize; 3]) {
        let lang = if matches!(self.device, CubeDevice::Cuda(_)) { Lang::Cuda } else { Lang::Wgsl };
        let [x, y, z] = groups.map(|g| u32::try_from(g).unwrap_or(u32::MAX));
        let buffers = arguments.buffers();
        debug_assert_eq!(buffers.len(), A::SHADER.bindings.len());
        self.client.launch(
            Box::new(Source { shader: A::SHADER, lang }),
            CubeCount::Static(x, y, z),
            KernelArguments::new().with_buffers(buffers.into_iter().map(Handle::binding).collect()),
        );
    }
}

/// The languages of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lang {
    Wgsl,
    Cuda,
}

/// A validated source as CubeCL launches it.
struct Source {
    shader: Shader,
    lang: Lang,
}

impl KernelMetadata for Source {
    fn id(&self) -> KernelId {
        let [x, y, z] = self.shader.workgroup;
        // Compilation caches know the kernel by this alone, so a hash of its text is part of it.
        let text = match self.lang {
            Lang::Wgsl => self.shader.wgsl_hash,
            Lang::Cuda => self.shader.cuda_hash,
        };
        KernelId::new::<Self>().info((self.shader.name, self.lang, text)).cube_dim(CubeDim::new_3d(x, y, z).0)
    }

    fn address_type(&self) -> ElemType {
        UIntKind::U32.into()
    }
}

impl CubeKernel for Source {
    fn define(&self) -> KernelDefinition {
        let [x, y, z] = self.shader.workgroup;
        let dim = CubeDim::new_3d(x, y, z);
        let settings = KernelSettings::new(dim.0, ExecutionMode::Checked, AddressType::U32);
        KernelDefinition { body: Scope::root(settings.clone()), settings, info: Info::default() }
    }

    fn source(&self) -> Option<PrecompiledSource> {
        let (source, entry, lang) = match self.lang {
            Lang::Wgsl => (self.shader.wgsl, "main", "wgsl"),
            Lang::Cuda => (self.shader.cuda, self.shader.name, "cuda"),
        };
        Some(PrecompiledSource { source: source.to_string(), entrypoint_name: entry.to_string(), lang })
    }
}
