//! The CUDA build needs nothing but the package registry, and compiles its kernels through CUDA C++.
//!
//! Both are facts of the dependency graph, so they are asked of `cargo tree`: that takes no GPU, no driver
//! and no CUDA build. `vendor/cubecl-llvm` says what is replaced and why.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Every package with a `cuda` feature that somebody may build on its own.
const CUDA_PACKAGES: [&str; 4] = ["lowshot-kernels", "lowshot-core", "lowshot-lab", "lowshot"];

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One line per package in the graph of `package` with `cuda`: `name vVERSION [(path)]|feature,feature`.
fn cuda_graph(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace_root())
        .args(["tree", "--locked", "--package", package, "--features", "cuda"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}|{f}"])
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo tree for {package} failed; an outdated Cargo.lock is one reason:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo tree prints UTF-8");
    // A package that was printed before carries a mark.
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// The only line of package `name`, or a failure that says what the graph has instead.
fn only_line<'a>(graph: &'a [String], name: &str) -> &'a str {
    let found: Vec<&String> = graph.iter().filter(|line| line.split(' ').next() == Some(name)).collect();
    assert_eq!(found.len(), 1, "expected {name} once among {} packages, found {found:?}", graph.len());
    found[0]
}

#[test]
fn no_llvm_is_fetched_for_cuda() {
    for package in CUDA_PACKAGES {
        let graph = cuda_graph(package);
        for name in ["tracel-llvm-bundler", "llvm-sys", "pliron-llvm"] {
            let found: Vec<&String> =
                graph.iter().filter(|line| line.starts_with(&format!("{name} "))).collect();
            assert!(found.is_empty(), "{package} with cuda pulls in {found:?}");
        }
        // Without this the test would also pass for a graph that has no CUDA in it.
        only_line(&graph, "cubecl-cuda");
        let stand_in = only_line(&graph, "cubecl-llvm");
        assert!(
            stand_in.contains("vendor") && stand_in.contains("cubecl-llvm"),
            "not the stand-in: {stand_in}"
        );
    }
}

#[test]
fn no_llvm_is_locked() {
    let path = workspace_root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&path).expect("Cargo.lock is read");
    assert!(lock.contains("name = \"cubecl-cuda\"\n"), "no CUDA in {}", path.display());
    assert!(
        !lock.contains("name = \"tracel-llvm-bundler\"\n"),
        "{} has tracel-llvm-bundler, whose build script downloads LLVM: \
         does the version in vendor/cubecl-llvm/Cargo.toml still fit the one that cubecl-cuda asks for?",
        path.display()
    );
}

#[test]
fn cuda_kernels_are_compiled_from_cpp() {
    for package in CUDA_PACKAGES {
        let graph = cuda_graph(package);
        // The feature that makes C++ the default of `cubecl-cuda`; the other compiler only answers with an error.
        let line = only_line(&graph, "cubecl-cuda");
        let features: Vec<&str> = line.rsplit('|').next().unwrap_or_default().split(',').collect();
        assert!(features.contains(&"cpp"), "{package}: the default CUDA compiler is not C++: {line}");
    }
}
