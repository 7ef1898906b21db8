//! `cargo xtask check`: what a reviewer would say first.

use crate::process::{cargo, run};

/// Formatting, lints for native and wasm, documentation, and the CUDA build.
///
/// # Errors
/// Says which step failed.
pub fn check() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    // One pass with every native feature: it lints the GPU code and is the check that CUDA builds from the package
    // registry alone.
    let native = [
        "--workspace",
        "--exclude",
        "lowshot-web",
        "--all-targets",
        "--features",
        "lowshot/wgpu,lowshot/cuda",
    ];
    run(cargo(&["clippy"]).args(native).args(["--", "-D", "warnings"]))?;
    run(cargo(&["doc", "--no-deps"])
        .args(["--workspace", "--exclude", "lowshot-web"])
        .args(["--features", "lowshot/wgpu,lowshot/cuda"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    // What does not exist in a browser is listed in a second configuration.
    for args in [&["--package", "lowshot-web"][..], &["--package", "lowshot-engine", "--features", "webgpu"]]
    {
        let target = ["clippy", "--target", "wasm32-unknown-unknown", "--profile", "wasm"];
        run(cargo(&target).args(args).args(["--", "-D", "warnings"]).env("CLIPPY_CONF_DIR", "web/clippy"))?;
    }
    Ok(())
}
