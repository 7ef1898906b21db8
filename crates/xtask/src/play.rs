//! `cargo xtask play`: all that a newcomer runs.

use crate::process::{build_binary, command};
use crate::site::{self, Engine};
use std::thread;

/// Builds what is stale, serves the page, and builds the WebGPU engine behind.
///
/// # Errors
/// Says what failed.
pub fn play(bind: &str, device: &str, webgpu: bool) -> Result<(), String> {
    let feature = device.split(':').next().unwrap_or(device);
    let binary = build_binary(&[feature])?;
    site::prepare()?;
    site::pages(&binary)?;
    site::interface()?;
    site::engine(Engine::Cpu)?;
    if webgpu {
        site::state(Engine::Webgpu, "building")?;
    }
    let site = site::dist();
    let args = ["serve", "--bind", bind, "--device", device, "--site", &site.to_string_lossy()];
    let mut server = command(&binary.to_string_lossy(), &args)
        .spawn()
        .map_err(|e| format!("the server could not be started: {e}"))?;
    let behind = webgpu.then(|| thread::spawn(|| site::engine(Engine::Webgpu)));
    let status = server.wait().map_err(|e| format!("the server cannot be waited for: {e}"))?;
    if let Some(behind) = behind.filter(|b| b.is_finished()) {
        match behind.join() {
            Ok(built) => built?,
            Err(_) => return Err("the build of the WebGPU engine panicked".to_owned()),
        }
    }
    if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
}
