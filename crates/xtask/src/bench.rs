//! `cargo xtask bench`: this machine's figures, beside the peers, in one run.

use crate::process::{cargo, command, root, run, target};
use crate::stages::Miss;

/// Builds the release binary and lets tests/peers/bench.py run both sides.
///
/// # Errors
/// Says what failed or is missing.
pub fn bench(filter: Option<&str>) -> Result<(), String> {
    run(&mut cargo(&["build", "--release", "--package", "lowshot"]))?;
    let python = crate::test::peer_python().map_err(|miss| match miss {
        Miss::Gap(text) | Miss::Failed(text) => text,
    })?;
    let binary = target().join("release").join(format!("lowshot{}", std::env::consts::EXE_SUFFIX));
    let script = root().join("tests/peers/bench.py");
    let out = target().join("bench.json");
    let mut bench = command(&python.to_string_lossy(), &[&script.to_string_lossy()]);
    bench.args(["--lowshot", &binary.to_string_lossy(), "--dist", &crate::site::dist().to_string_lossy()]);
    bench.args(["--out", &out.to_string_lossy()]);
    if let Some(filter) = filter {
        bench.args(["--only", filter]);
    }
    // Some machines pin an old kernel of OpenBLAS, which would make the peer look slow.
    run(bench.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE"))
}
