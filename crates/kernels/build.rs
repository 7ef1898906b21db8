//! Validates every shader and writes the typed arguments that `src/cube` launches it with.
//!
//! A WGSL file that does not parse, validate or keep the limits below, or whose CUDA twin has other arguments,
//! stops the build with the file and line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ScalarKind, StorageAccess, TypeInner};

/// Storage buffers a stage may have everywhere WebGPU runs.
const MAX_BINDINGS: usize = 8;
/// Threads of a workgroup that every adapter can run.
const MAX_THREADS: u32 = 256;
/// Bytes of workgroup memory that every adapter has.
const MAX_WORKGROUP_BYTES: u32 = 16 * 1024;

/// One argument of a kernel.
struct Binding {
    name: String,
    /// `F32`, `I32` or `U32`.
    element: &'static str,
}

/// What is known of a kernel once its WGSL holds.
struct Kernel {
    stem: String,
    workgroup: [u32; 3],
    bindings: Vec<Binding>,
    wgsl: PathBuf,
    cuda: PathBuf,
    wgsl_hash: u64,
    cuda_hash: u64,
}

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let shaders = root.join("../../shaders");
    println!("cargo::rerun-if-changed={}", shaders.display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut errors = Vec::new();
    let mut kernels = Vec::new();
    for path in wgsl_files(&shaders, &mut errors) {
        match read_kernel(&path) {
            Ok(kernel) => kernels.push(kernel),
            Err(error) => errors.push(error),
        }
    }
    if kernels.is_empty() && errors.is_empty() {
        errors.push(format!("{}: no *.wgsl found", shaders.display()));
    }
    if !errors.is_empty() {
        for error in errors.iter().flat_map(|e| e.lines()) {
            println!("cargo::error={error}");
        }
        std::process::exit(1);
    }

    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("shaders.rs");
    if let Err(error) = fs::write(&out, generate(&kernels)) {
        println!("cargo::error={}: {error}", out.display());
        std::process::exit(1);
    }
}

fn wgsl_files(folder: &Path, errors: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|e| e.path()).collect(),
        Err(error) => {
            errors.push(format!("{}: {error}", folder.display()));
            Vec::new()
        }
    };
    files.retain(|p| p.extension().is_some_and(|e| e == "wgsl"));
    files.sort();
    files
}

/// Parses, validates and checks one WGSL file and its twin.
fn read_kernel(path: &Path) -> Result<Kernel, String> {
    let shown = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let shown = shown.display().to_string();
    let fail = |what: String| format!("{shown}: {what}");
    let source = fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_string();

    if !source.starts_with("//") {
        return Err(format!("{shown}:1: the file must begin with a comment that says shapes and bindings"));
    }
    let module =
        naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string_with_path(&source, &shown))?;
    // No capabilities: what validates here runs on every WebGPU adapter, without subgroups or f16.
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .map_err(|e| e.emit_to_string_with_path(&source, &shown))?;

    let [entry] = module.entry_points.as_slice() else {
        return Err(fail(format!("{} entry points, expected exactly one", module.entry_points.len())));
    };
    if entry.name != "main" || entry.stage != naga::ShaderStage::Compute {
        return Err(fail("the entry point must be a compute shader named main".into()));
    }
    let threads: u32 = entry.workgroup_size.iter().product();
    if threads > MAX_THREADS {
        return Err(fail(format!("{threads} threads a workgroup, at most {MAX_THREADS} are allowed")));
    }

    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).map_err(|e| fail(e.to_string()))?;
    let mut workgroup_bytes = 0;
    let mut bound: Vec<(u32, Binding)> = Vec::new();
    for (handle, variable) in module.global_variables.iter() {
        let line = module.global_variables.get_span(handle).location(&source).line_number;
        let name = variable.name.clone().unwrap_or_default();
        let fail = |what: String| format!("{shown}:{line}: {name} {what}");
        match variable.space {
            AddressSpace::WorkGroup => workgroup_bytes += layouter[variable.ty].to_stride(),
            AddressSpace::Private => {}
            AddressSpace::Storage { access } => {
                // Buffers may share a page, and a page is either read or written within one dispatch.
                if !access.contains(StorageAccess::LOAD | StorageAccess::STORE) {
                    return Err(fail("must be bound as read_write".into()));
                }
                let Some(at) = variable.binding else { return Err(fail("has no binding".into())) };
                if at.group != 0 {
                    return Err(fail(format!("is in group {}, expected 0", at.group)));
                }
                let TypeInner::Array { base, .. } = module.types[variable.ty].inner else {
                    return Err(fail("must be an array".into()));
                };
                let element = match module.types[base].inner {
                    TypeInner::Scalar(s) if s.width == 4 && s.kind == ScalarKind::Float => "F32",
                    TypeInner::Scalar(s) if s.width == 4 && s.kind == ScalarKind::Sint => "I32",
                    TypeInner::Scalar(s) if s.width == 4 && s.kind == ScalarKind::Uint => "U32",
                    _ => return Err(fail("must be an array of f32, i32 or u32".into())),
                };
                bound.push((at.binding, Binding { name: name.clone(), element }));
            }
            other => {
                return Err(fail(format!("is in address space {other:?}, expected storage or workgroup")));
            }
        }
    }
    if workgroup_bytes > MAX_WORKGROUP_BYTES {
        return Err(fail(format!(
            "{workgroup_bytes} bytes of workgroup memory, at most {MAX_WORKGROUP_BYTES} are allowed"
        )));
    }
    bound.sort_by_key(|(at, _)| *at);
    if bound.len() > MAX_BINDINGS {
        return Err(fail(format!("{} bindings, at most {MAX_BINDINGS} are allowed", bound.len())));
    }
    if let Some((i, (at, b))) = bound.iter().enumerate().find(|(i, (at, _))| *i as u32 != *at) {
        return Err(fail(format!(
            "{} has binding {at}, expected {i}: bindings are numbered without gaps",
            b.name
        )));
    }

    let cuda = path.with_extension("cu");
    let bindings: Vec<Binding> = bound.into_iter().map(|(_, b)| b).collect();
    let cuda_source = check_twin(&cuda, &stem, &bindings)?;
    Ok(Kernel {
        stem,
        workgroup: entry.workgroup_size,
        bindings,
        wgsl: path.to_path_buf(),
        cuda,
        wgsl_hash: fnv(&source),
        cuda_hash: fnv(&cuda_source),
    })
}

/// FNV-1a, the same on every machine.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// The CUDA twin, which must take the same arguments, by name, type and order.
fn check_twin(path: &Path, stem: &str, bindings: &[Binding]) -> Result<String, String> {
    let shown = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let shown = shown.display();
    let source =
        fs::read_to_string(path).map_err(|e| format!("{shown}: {e} (every .wgsl has a CUDA twin)"))?;
    let head = format!("extern \"C\" __global__ void {stem}(");
    let start = source.find(&head).ok_or_else(|| format!("{shown}: no `{head}`"))?;
    let line = source[..start].lines().count() + 1;
    let list = &source[start + head.len()..];
    let list =
        &list[..list.find(')').ok_or_else(|| format!("{shown}:{line}: the parameter list has no end"))?];
    // Comments hold commas.
    let list: String =
        list.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let parameters: Vec<(String, &str)> = list
        .split(',')
        .map(|p| {
            let p = p.trim();
            let (kind, name) = p.rsplit_once([' ', '*']).unwrap_or(("", p));
            let element = match kind.trim_start_matches("const ").trim().trim_end_matches('*').trim() {
                "float" => "F32",
                "int" => "I32",
                "unsigned int" => "U32",
                _ => "something else",
            };
            (name.to_string(), element)
        })
        .collect();
    let expected: Vec<(String, &str)> = bindings.iter().map(|b| (b.name.clone(), b.element)).collect();
    if parameters != expected {
        return Err(format!(
            "{shown}:{line}: arguments {parameters:?} differ from those of the WGSL, {expected:?}"
        ));
    }
    Ok(source)
}

/// The Rust source that `src/shaders.rs` includes.
fn generate(kernels: &[Kernel]) -> String {
    let mut out = String::new();
    let path = |p: &Path| {
        format!("{:?}", p.canonicalize().unwrap_or_else(|_| p.to_path_buf()).display().to_string())
    };
    for kernel in kernels {
        let upper = kernel.stem.to_uppercase();
        let names: Vec<&str> = kernel.bindings.iter().map(|b| b.name.as_str()).collect();
        let _ = writeln!(
            out,
            "/// `shaders/{stem}.wgsl` and `shaders/{stem}.cu`.\npub const {upper}: Shader = Shader {{ name: {stem:?}, \
             workgroup: {workgroup:?}, bindings: &{names:?}, wgsl: include_str!({wgsl}), cuda: include_str!({cuda}), wgsl_hash: {wgsl_hash}, cuda_hash: {cuda_hash} }};",
            stem = kernel.stem,
            workgroup = kernel.workgroup,
            wgsl = path(&kernel.wgsl),
            cuda = path(&kernel.cuda),
            wgsl_hash = kernel.wgsl_hash,
            cuda_hash = kernel.cuda_hash,
        );
    }
    let all: Vec<String> = kernels.iter().map(|k| k.stem.to_uppercase()).collect();
    let _ = writeln!(out, "/// Every kernel, by name.\npub const ALL: &[Shader] = &[{}];", all.join(", "));

    let _ = writeln!(
        out,
        "#[cfg(feature = \"gpu\")]\npub(crate) mod args {{\n    use super::*;\n    use crate::cube::{{Arguments, F32, I32, U32}};"
    );
    for kernel in kernels {
        let camel: String = kernel.stem.split('_').map(|w| w[..1].to_uppercase() + &w[1..]).collect();
        let fields: String =
            kernel.bindings.iter().map(|b| format!("pub {}: {}, ", b.name, b.element)).collect();
        let order: String = kernel.bindings.iter().map(|b| format!("self.{}.0, ", b.name)).collect();
        let _ = writeln!(
            out,
            "    pub(crate) struct {camel} {{ {fields} }}\n    impl Arguments for {camel} {{\n        const SHADER: Shader = {upper};\n        \
             fn buffers(self) -> Vec<cubecl::server::Handle> {{ vec![{order}] }}\n    }}",
            upper = kernel.stem.to_uppercase(),
        );
    }
    let _ = writeln!(out, "}}");
    out
}
