//! The GPU sources as the build script validated them.

/// A GPU kernel in its two languages.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// The file's stem, also the entry point of the CUDA form (that of the WGSL form is `main`).
    pub name: &'static str,
    /// Threads of a workgroup (block) in x, y, z.
    pub workgroup: [u32; 3],
    /// The storage buffers in order of binding.
    pub bindings: &'static [&'static str],
    /// WGSL text.
    pub wgsl: &'static str,
    /// CUDA C++ text.
    pub cuda: &'static str,
    /// FNV-1a hash of the WGSL text: compilation caches tell versions of a kernel apart by it.
    pub wgsl_hash: u64,
    /// FNV-1a hash of the CUDA text.
    pub cuda_hash: u64,
}

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));
