//! The static site in dist/.

use crate::process::{build_binary, cargo, command, exists, output, root, run, target};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

const WASM: &str = "wasm32-unknown-unknown";

/// The two engines, by feature name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// WebAssembly with SIMD.
    Cpu,
    /// WebAssembly with WebGPU.
    Webgpu,
}

impl Engine {
    /// Name of the feature and of the folder.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Cpu => "cpu",
            Engine::Webgpu => "webgpu",
        }
    }
}

/// Where the site is built.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// Builds everything, and first the native binary unless one is given.
///
/// # Errors
/// Says what failed.
pub fn build(webgpu: bool, book: bool, binary: Option<PathBuf>) -> Result<(), String> {
    let binary = match binary {
        Some(binary) => binary,
        None => build_binary(&["cpu"])?,
    };
    build_with(&binary, webgpu, book)
}

/// Builds everything, with a native binary that is already there.
///
/// # Errors
/// Says what failed.
pub fn build_with(binary: &Path, webgpu: bool, book: bool) -> Result<(), String> {
    prepare()?;
    pages(binary)?;
    interface()?;
    engine(Engine::Cpu)?;
    if webgpu {
        engine(Engine::Webgpu)?;
    }
    if book {
        run(&mut cargo(&["run", "--quiet", "--package", "xtask", "--features", "book", "--", "book"]))?;
    }
    println!("the site is in {}", dist().display());
    Ok(())
}

/// Installs the wasm target if it is missing and starts a `build.json`.
///
/// # Errors
/// Says how to install the target by hand.
pub fn prepare() -> Result<(), String> {
    let sysroot = output(&mut command("rustc", &["--print", "sysroot"]))?;
    if !Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).exists() {
        if !exists("rustup") {
            return Err(format!(
                "the Rust target {WASM} is missing; install it with your package manager or rustup"
            ));
        }
        run(&mut command("rustup", &["target", "add", WASM]))?;
    }
    fs::create_dir_all(dist()).map_err(|e| format!("{} cannot be created: {e}", dist().display()))?;
    for engine in [Engine::Cpu, Engine::Webgpu] {
        let there = dist().join("engine").join(engine.name()).join("lowshot_engine_bg.wasm").exists();
        state(engine, if there { "ready" } else { "missing" })?;
    }
    Ok(())
}

/// Writes what the page is to know of an engine: `ready`, `building`, `failed` or `missing`.
///
/// # Errors
/// Says which file cannot be written.
pub fn state(engine: Engine, state: &str) -> Result<(), String> {
    let path = dist().join("build.json");
    let mut build: Value =
        fs::read(&path).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or(json!({}));
    build["version"] = json!(env!("CARGO_PKG_VERSION"));
    build["engines"][engine.name()] = json!(state);
    write(&path, build.to_string().as_bytes())
}

/// Everything that is not WebAssembly: pages, style, shims, method list, recorded first frames, data.
///
/// # Errors
/// Says what failed.
pub fn pages(binary: &Path) -> Result<(), String> {
    let (root, dist) = (root(), dist());
    copy(&root.join("index.html"), &dist.join("index.html"))?;
    copy(&root.join("web/embed.html"), &dist.join("embed.html"))?;
    copy(&root.join("web/shim/lowshot.js"), &dist.join("lowshot.js"))?;
    copy(&root.join("web/shim/worker.js"), &dist.join("engine/worker.js"))?;
    let mut style = String::new();
    for file in files(&root.join("web/style"))? {
        style += &fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    write(&dist.join("style.css"), style.as_bytes())?;
    for file in files(&root.join("web/assets")).unwrap_or_default() {
        copy(&file, &dist.join("assets").join(file.file_name().unwrap_or_default()))?;
    }
    for file in files(&root.join("crates/data/bundled"))? {
        copy(&file, &dist.join("data").join(file.file_name().unwrap_or_default()))?;
    }
    let program = binary.to_string_lossy();
    let methods = output(&mut command(&program, &["methods", "--json"]))?;
    write(&dist.join("methods.json"), methods.as_bytes())?;
    let frames = dist.join("frames");
    fs::create_dir_all(&frames).map_err(|e| format!("{}: {e}", frames.display()))?;
    for method in method_ids(&methods)? {
        run(&mut command(&program, &["record-frame", &method, "--out", &frames.to_string_lossy()]))?;
    }
    Ok(())
}

/// Identifiers in the output of `lowshot methods --json`.
///
/// # Errors
/// Says that it is not such output.
pub fn method_ids(methods: &str) -> Result<Vec<String>, String> {
    let list: Vec<Value> = serde_json::from_str(methods).map_err(|e| format!("methods.json: {e}"))?;
    list.iter()
        .map(|m| {
            m["card"]["id"].as_str().map(str::to_owned).ok_or_else(|| "methods.json: no card.id".to_owned())
        })
        .collect()
}

/// The user interface.
///
/// # Errors
/// Says what failed.
pub fn interface() -> Result<(), String> {
    run(&mut cargo(&["build", "--target", WASM, "--profile", "wasm", "--package", "lowshot-web"]))?;
    bindgen("lowshot_web", &dist().join("ui"))
}

/// One engine; `build.json` follows its state.
///
/// # Errors
/// Says what failed.
pub fn engine(engine: Engine) -> Result<(), String> {
    let built = || {
        let package = ["--package", "lowshot-engine", "--features", engine.name()];
        run(cargo(&["build", "--target", WASM, "--profile", "wasm"]).args(package))?;
        bindgen("lowshot_engine", &dist().join("engine").join(engine.name()))
    };
    match built() {
        Ok(()) => state(engine, "ready"),
        Err(problem) => {
            state(engine, "failed")?;
            Err(problem)
        }
    }
}

/// Makes the JavaScript side of a module; the same as the wasm-bindgen tool of the same version.
fn bindgen(name: &str, folder: &Path) -> Result<(), String> {
    let input = target().join(WASM).join("wasm").join(format!("{name}.wasm"));
    // Made beside and moved in, so that a page being loaded never sees half of it.
    let fresh = folder.with_extension("new");
    fs::create_dir_all(&fresh).map_err(|e| format!("{}: {e}", fresh.display()))?;
    let mut bindgen = Bindgen::new();
    let made = bindgen
        .input_path(&input)
        .web(true)
        .map(|b| b.typescript(false).remove_name_section(true).remove_producers_section(true))
        .and_then(|b| b.generate(&fresh));
    made.map_err(|e| format!("wasm-bindgen on {}: {e:#}", input.display()))?;
    for file in files(&fresh)? {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        fs::rename(&file, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    fs::remove_dir_all(&fresh).map_err(|e| format!("{}: {e}", fresh.display()))
}

/// Files of a folder in name order.
///
/// # Errors
/// Says which folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let bytes = fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?;
    write(to, &bytes)
}

/// Writes a file under a temporary name and renames it, creating its folder.
///
/// # Errors
/// Says which file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, bytes).map_err(told)?;
    fs::rename(&temporary, path).map_err(told)
}
