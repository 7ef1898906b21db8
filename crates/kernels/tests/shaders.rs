//! Every CUDA source goes through NVIDIA's run-time compiler, which needs no GPU.

mod common;

use std::path::PathBuf;

use cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};
use lowshot_kernels::shaders::ALL;

/// Architectures from the oldest that CUDA 12 knows well to the newest data-centre GPU it has a name for.
const ARCHITECTURES: [&str; 3] = ["compute_70", "compute_80", "compute_90"];

/// Loads the libraries of the folder in `LOWSHOT_NVRTC_DIR` (what NVIDIA's package `nvidia-cuda-nvrtc-cu12` unpacks),
/// so that cudarc finds them already there under their names.
fn load_from_folder() -> Result<(), String> {
    let Some(folder) = std::env::var_os("LOWSHOT_NVRTC_DIR").map(PathBuf::from) else { return Ok(()) };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.contains("nvrtc")))
        .filter(|p| p.to_string_lossy().contains(".so") || p.extension().is_some_and(|e| e == "dll"))
        .filter(|p| !p.to_string_lossy().contains(".alt."))
        .collect();
    // The compiler asks for its built-in functions by name: they come first.
    files.sort_by_key(|p| !p.to_string_lossy().contains("builtins"));
    for file in files {
        #[allow(unsafe_code, reason = "loading a library runs its initialisers")]
        // SAFETY: NVRTC is made to be loaded at run time.
        let library =
            unsafe { libloading::Library::new(&file) }.map_err(|e| format!("{}: {e}", file.display()))?;
        // Stays loaded to the end of the process.
        std::mem::forget(library);
    }
    Ok(())
}

#[allow(unsafe_code, reason = "loading a library runs its initialisers")]
fn present() -> bool {
    // SAFETY: NVRTC is made to be loaded at run time. Asked first, since cudarc panics where it is missing.
    unsafe { cudarc::nvrtc::sys::is_culib_present() }
}

#[test]
fn every_cuda_source_compiles() {
    if let Err(reason) = load_from_folder() {
        panic!("LOWSHOT_NVRTC_DIR is set, but its libraries do not load: {reason}");
    }
    if !present() {
        println!(
            "not run: NVIDIA's run-time compiler (libnvrtc) is not installed; set LOWSHOT_NVRTC_DIR to the folder \
             nvidia/cuda_nvrtc/lib of the Python package nvidia-cuda-nvrtc-cu12"
        );
        assert!(!common::required("nvrtc"), "LOWSHOT_REQUIRE names nvrtc, but libnvrtc was not found");
        return;
    }
    for shader in ALL {
        for arch in ARCHITECTURES {
            let options =
                CompileOptions { arch: Some(arch), name: Some(shader.name.into()), ..Default::default() };
            match compile_ptx_with_opts(shader.cuda, options) {
                Ok(ptx) => {
                    let entry = format!(".visible .entry {}(", shader.name);
                    assert!(ptx.to_src().contains(&entry), "{}.cu for {arch}: no entry {entry}", shader.name);
                }
                Err(error) => panic!("{}.cu for {arch}: {error}", shader.name),
            }
        }
    }
    println!("{} CUDA sources compiled for {ARCHITECTURES:?}", ALL.len());
}

#[test]
fn every_kernel_is_there_in_both_languages() {
    let names: Vec<&str> = ALL.iter().map(|s| s.name).collect();
    for expected in
        ["pairwise_sqdist", "knn", "nearest", "segment_partial", "segment_reduce", "bound_step", "bound_loop"]
    {
        assert!(names.contains(&expected), "{expected} is missing from {names:?}");
    }
    for shader in ALL {
        assert!(shader.wgsl.contains("fn main("), "{}.wgsl", shader.name);
        assert!(shader.workgroup.iter().product::<u32>() <= 256, "{}", shader.name);
        assert_eq!(shader.bindings.last(), Some(&"sizes"), "{}: sizes come last", shader.name);
    }
}
