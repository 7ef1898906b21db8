//! What a browser downloads, against its limits.

use crate::site::dist;
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;

/// Part, files, limit in bytes after gzip, what each method after the first may add.
const LIMITS: &[(&str, &[&str], u64, u64)] = &[
    ("element shim", &["lowshot.js"], 5_000, 0),
    ("user interface", &["ui/lowshot_web.js", "ui/lowshot_web_bg.wasm"], 400_000, 0),
    ("CPU engine", &["engine/cpu/lowshot_engine.js", "engine/cpu/lowshot_engine_bg.wasm"], 700_000, A_METHOD),
    (
        "WebGPU engine",
        &["engine/webgpu/lowshot_engine.js", "engine/webgpu/lowshot_engine_bg.wasm"],
        2_600_000,
        A_METHOD,
    ),
];
/// A method with its experiment; an engine holds all of them.
const A_METHOD: u64 = 70_000;

/// Prints the table.
///
/// # Errors
/// Names the parts over their limit, or that the site is not built.
pub fn sizes() -> Result<(), String> {
    println!("{:<16} {:>12} {:>12} {:>12}", "part", "raw", "gzip", "limit");
    let further = methods()?.saturating_sub(1);
    let mut over = Vec::new();
    for (part, files, limit, a_method) in LIMITS {
        let limit = limit + a_method * further;
        let (mut raw, mut packed) = (0, 0);
        for file in *files {
            let path = dist().join(file);
            let bytes = fs::read(&path).map_err(|e| {
                format!("{}: {e}; build the site with `cargo xtask web` first", path.display())
            })?;
            raw += bytes.len() as u64;
            packed += gzip(&bytes)?;
        }
        println!("{part:<16} {raw:>12} {packed:>12} {limit:>12}");
        if packed > limit {
            over.push(format!("{part} has {packed} bytes, its limit is {limit}"));
        }
    }
    if over.is_empty() { Ok(()) } else { Err(over.join("; ")) }
}

/// Number of methods of the built site.
fn methods() -> Result<u64, String> {
    let path = dist().join("methods.json");
    let wrong = |e: &dyn std::fmt::Display| {
        format!("{}: {e}; build the site with `cargo xtask web` first", path.display())
    };
    let text = fs::read(&path).map_err(|e| wrong(&e))?;
    let methods: Vec<serde_json::Value> = serde_json::from_slice(&text).map_err(|e| wrong(&e))?;
    Ok(methods.len() as u64)
}

fn gzip(bytes: &[u8]) -> Result<u64, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map(|v| v.len() as u64)
        .map_err(|e| e.to_string())
}
