//! `cargo xtask test`: everything, with an account of what could not be run.

use crate::process::{cache, cargo, command, exists, output, root, run};
use crate::stages::{Miss, Stages};
use crate::{browser, check, site, sizes};
use std::path::PathBuf;

/// Features of the native test build: one build of the tensor stack serves tests, binary and parity.
const FEATURES: &str = "lowshot/wgpu,lowshot-kernels/wgpu,lowshot-parity/wgpu";

/// Runs the stages.
///
/// # Errors
/// Names the failed stages.
pub fn test(quick: bool) -> Result<(), String> {
    let mut stages = Stages::new();
    if quick {
        stages.run("cpu", || Ok(run(&mut cargo(&["test"]))?));
        return stages.finish();
    }
    let nvrtc = nvrtc();
    stages.run("native", || {
        let args =
            ["test", "--workspace", "--exclude", "lowshot-web", "--exclude", "xtask", "--features", FEATURES];
        let mut tests = cargo(&args);
        if let Ok(folder) = &nvrtc {
            tests.env("LOWSHOT_NVRTC_DIR", folder).env("LD_LIBRARY_PATH", folder);
        }
        Ok(run(&mut tests)?)
    });
    stages.run("nvrtc", || nvrtc.map(|_| ()).map_err(Miss::Gap));
    stages.run("wgpu", wgpu);
    stages.run("check", || Ok(check::check()?));
    let built = stages.run("site", || {
        let binary = crate::process::build_binary(&["wgpu"])?;
        Ok(site::build_with(&binary, true, true)?)
    });
    if built {
        stages.run("sizes", || Ok(sizes::sizes()?));
        stages.run("browser", browser::test);
    }
    stages.run("xtask", || Ok(run(&mut cargo(&["test", "--package", "xtask", "--features", "book"]))?));
    stages.run("peers", peers);
    stages.finish()
}

/// Says whether the GPU tests of the native stage had an adapter to run on.
fn wgpu() -> Result<(), Miss> {
    let binary = crate::process::build_binary(&["wgpu"])?;
    let doctor = output(&mut command(&binary.to_string_lossy(), &["doctor", "--json"]))?;
    let facts: serde_json::Value =
        serde_json::from_str(&doctor).map_err(|e| format!("doctor --json: {e}"))?;
    let works = |f: &serde_json::Value| {
        f["state"] == "ok" && f["what"].as_str().is_some_and(|w| w.starts_with("wgpu:"))
    };
    if facts.as_array().is_some_and(|findings| findings.iter().any(works)) {
        return Ok(());
    }
    Err(Miss::Gap(
        "no wgpu adapter; a software one is enough (Debian: apt-get install mesa-vulkan-drivers libvulkan1)"
            .into(),
    ))
}

/// The folder with NVIDIA's run-time compiler, taken from its PyPI wheel, so that every `.cu` file is compiled in the
/// tests of machines without CUDA too.
fn nvrtc() -> Result<PathBuf, String> {
    let folder = cache().join("nvrtc");
    let library = folder.join("nvidia/cuda_nvrtc/lib");
    if library.exists() {
        return Ok(library);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(
            "the run-time compiler is fetched for Linux on x86-64 only; install the CUDA toolkit".to_owned()
        );
    }
    let python =
        python().ok_or("no python3, from whose package registry the CUDA run-time compiler is taken")?;
    let text = folder.to_string_lossy();
    let package = "nvidia-cuda-nvrtc-cu12==12.8.93";
    let args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", &text, package];
    output(&mut command(python, &args))?;
    if library.exists() { Ok(library) } else { Err(format!("{package} has no {}", library.display())) }
}

fn python() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|p| exists(p))
}

/// A Python with the pinned requirements of tests/peers.
///
/// # Errors
/// A gap if there is no Python or no package registry.
pub fn peer_python() -> Result<PathBuf, Miss> {
    let python = python().ok_or_else(|| Miss::Gap("no python3".to_owned()))?;
    let folder = cache().join("peers");
    let program = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !program.exists() {
        output(&mut command(python, &["-m", "venv", &folder.to_string_lossy()])).map_err(Miss::Gap)?;
    }
    let text = program.to_string_lossy();
    let requirements = root().join("tests/peers/requirements.txt");
    let args = ["-m", "pip", "install", "--quiet", "--requirement", &requirements.to_string_lossy()];
    output(&mut command(&text, &args)).map_err(Miss::Gap)?;
    Ok(program)
}

/// The other implementations: their own tests, then the same tasks through both.
fn peers() -> Result<(), Miss> {
    let python = peer_python()?;
    let binary = crate::process::build_binary(&["wgpu"])?;
    let script = root().join("tests/peers/agreement.py");
    run(command(&python.to_string_lossy(), &["tests/peers/test_peers.py"])
        .env("PYTHONPATH", root().join("tests/peers")))?;
    Ok(run(&mut command(
        &python.to_string_lossy(),
        &[&script.to_string_lossy(), "--lowshot", &binary.to_string_lossy()],
    ))?)
}
