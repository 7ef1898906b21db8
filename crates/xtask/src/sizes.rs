//! What a browser downloads, against its limits.

use crate::site::dist;
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;

/// Part, files, limit in bytes after gzip.
const LIMITS: &[(&str, &[&str], u64)] = &[
    ("element shim", &["lowshot.js"], 5_000),
    ("user interface", &["ui/lowshot_web.js", "ui/lowshot_web_bg.wasm"], 400_000),
    ("CPU engine", &["engine/cpu/lowshot_engine.js", "engine/cpu/lowshot_engine_bg.wasm"], 700_000),
    (
        "WebGPU engine",
        &["engine/webgpu/lowshot_engine.js", "engine/webgpu/lowshot_engine_bg.wasm"],
        2_600_000,
    ),
];

/// Prints the table.
///
/// # Errors
/// Names the parts over their limit, or that the site is not built.
pub fn sizes() -> Result<(), String> {
    println!("{:<16} {:>12} {:>12} {:>12}", "part", "raw", "gzip", "limit");
    let mut over = Vec::new();
    for (part, files, limit) in LIMITS {
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
        if packed > *limit {
            over.push(format!("{part} has {packed} bytes, its limit is {limit}"));
        }
    }
    if over.is_empty() { Ok(()) } else { Err(over.join("; ")) }
}

fn gzip(bytes: &[u8]) -> Result<u64, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map(|v| v.len() as u64)
        .map_err(|e| e.to_string())
}
