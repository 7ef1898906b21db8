//! `lowshot doctor`: what is there, what is missing, and what to do about it.

use crate::args::DoctorArgs;
use crate::{Outcome, summary, terminal};
use futures::executor::block_on;
use lowshot_lab::device::{self, DeviceError, DeviceKind};
use lowshot_lab::device_info;
use serde::Serialize;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// More devices of one kind than any machine has.
const MOST_DEVICES: usize = 64;

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    what: String,
    /// How it is.
    state: State,
    /// What was found.
    found: String,
    /// What to do; empty if nothing.
    remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ok,
    Missing,
    Broken,
}

impl Finding {
    fn ok(what: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Ok, found: found.into(), remedy: String::new() }
    }

    fn missing(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Missing, found: found.into(), remedy: remedy.into() }
    }

    fn broken(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { what: what.into(), state: State::Broken, found: found.into(), remedy: remedy.into() }
    }
}

/// Looks around and says what it finds; missing things are no failure.
pub(crate) fn doctor(args: &DoctorArgs) -> Outcome {
    let mut findings = vec![build(), cpu(), memory()];
    findings.push(device(DeviceKind::Cpu));
    findings.extend(wgpu());
    findings.extend(cuda());
    findings.push(browser());
    if args.json {
        return terminal::print(&String::from_utf8_lossy(&lowshot_data::json_bytes(&findings)?));
    }
    let sign = |state| match state {
        State::Ok => "ok",
        State::Missing => "missing",
        State::Broken => "BROKEN",
    };
    let mut text = String::new();
    for finding in &findings {
        text += &format!("{:8} {:9} {}\n", sign(finding.state), finding.what, finding.found);
        if !finding.remedy.is_empty() {
            text += &format!("{:18} -> {}\n", "", finding.remedy);
        }
    }
    terminal::print(&text)
}

fn build() -> Finding {
    let features =
        [("cpu", cfg!(feature = "cpu")), ("wgpu", cfg!(feature = "wgpu")), ("cuda", cfg!(feature = "cuda"))];
    let on: Vec<&str> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let kind = if cfg!(debug_assertions) { ", unoptimised" } else { "" };
    let found = format!("lowshot {}, built with {}{kind}", lowshot_lab::VERSION, on.join(", "));
    Finding::ok("build", found)
}

fn cpu() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let simd = simd();
    let found = format!("{} ({}), {cores} cores, {}", cpu_name(), std::env::consts::ARCH, simd.join(" "));
    if cfg!(target_arch = "x86_64") && !simd.contains(&"avx2") {
        return Finding::missing(
            "processor",
            found,
            "without AVX2 the CPU kernels take their slow path; any x86 CPU since 2013 has it",
        );
    }
    Finding::ok("processor", found)
}

fn simd() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let all = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    #[cfg(target_arch = "aarch64")]
    let all = [("neon", std::arch::is_aarch64_feature_detected!("neon"))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let all = [("no SIMD", true)];
    all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

fn cpu_name() -> String {
    let mut system = sysinfo::System::new();
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    let name = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "CPU".to_owned())
}

fn memory() -> Finding {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    // A container may have less than its machine.
    let (total, free) = match system.cgroup_limits() {
        Some(limits) if limits.total_memory < system.total_memory() => {
            (limits.total_memory, limits.free_memory)
        }
        _ => (system.total_memory(), system.available_memory()),
    };
    let found = format!("{} of {} free", summary::bytes(free as f64), summary::bytes(total as f64));
    if free < 1 << 30 {
        return Finding::missing("memory", found, "large data sets need more; close other programs");
    }
    Finding::ok("memory", found)
}

/// Opens a device and runs its known-answer test, whatever a driver may do.
fn device(kind: DeviceKind) -> Finding {
    probe(kind).unwrap_or_else(|error| match error {
        DeviceError::NotCompiled { feature, .. } => Finding::missing(
            kind.to_string(),
            "not in this build",
            format!("cargo install --path crates/cli --features {feature}"),
        ),
        other => Finding::missing(kind.to_string(), other.to_string(), ""),
    })
}

/// As [`device`], but with the error of a device that is not there.
fn probe(kind: DeviceKind) -> Result<Finding, DeviceError> {
    let look = || {
        let start = Instant::now();
        let open = block_on(device::open(kind))?;
        let opened = start.elapsed();
        let start = Instant::now();
        let test = block_on(lowshot_lab::self_test(&open.device));
        Ok((open, opened, test, start.elapsed()))
    };
    let hook = panic::take_hook();
    // A driver's panic becomes a line below; its backtrace would only hide the rest.
    panic::set_hook(Box::new(|_| {}));
    let looked = panic::catch_unwind(AssertUnwindSafe(look));
    panic::set_hook(hook);
    let (open, opened, test, tested) = match looked {
        Ok(looked) => looked?,
        Err(_) => {
            return Ok(Finding::broken(
                kind.to_string(),
                "the driver failed while the device was opened or tested",
                "update the driver; `lowshot run … --device cpu` works without it",
            ));
        }
    };
    let info = device_info(&open);
    let software = if info.software { ", a program on the CPU: for tests, not for speed" } else { "" };
    Ok(match test {
        Ok(()) => Finding::ok(
            kind.to_string(),
            format!(
                "{}{software}; opened in {} ms, self-test passed in {} ms",
                info.name,
                opened.as_millis(),
                tested.as_millis()
            ),
        ),
        Err(error) => {
            Finding::broken(kind.to_string(), format!("{}{software}: {error}", info.name), "do not use it")
        }
    })
}

fn wgpu() -> Vec<Finding> {
    numbered(DeviceKind::Wgpu, DeviceKind::Wgpu(None))
}

/// Devices by number until there is none; if there is not even a first one, why.
fn numbered(kind: fn(Option<usize>) -> DeviceKind, any: DeviceKind) -> Vec<Finding> {
    let mut found = Vec::new();
    for number in 0..MOST_DEVICES {
        match probe(kind(Some(number))) {
            Ok(finding) => found.push(finding),
            Err(_) => break,
        }
    }
    if found.is_empty() { vec![device(any)] } else { found }
}

fn cuda() -> Vec<Finding> {
    let mut findings = numbered(DeviceKind::Cuda, DeviceKind::Cuda(None));
    let driver = nvidia_driver();
    if let Some(finding) = findings.iter_mut().find(|finding| finding.state == State::Missing) {
        match &driver {
            None if !cfg!(feature = "cuda") => {
                finding.found = "not in this build, and no NVIDIA driver was found".to_owned();
                finding.remedy =
                    "nothing to do without an NVIDIA GPU; with one, install its driver and build with \
                                  --features cuda"
                        .to_owned();
            }
            None => finding.remedy = "install the NVIDIA driver; `nvidia-smi` has to list the GPU".to_owned(),
            Some(version) => finding.found = format!("{}; NVIDIA driver {version} is there", finding.found),
        }
    }
    findings
}

/// Version of the NVIDIA driver, on systems that tell.
fn nvidia_driver() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.to_owned())
}

fn browser() -> Finding {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome", "msedge", "firefox"];
    let on_path = names.iter().find_map(|name| find_program(name));
    let installed = [
        "/Applications/Google Chrome.app",
        "/Applications/Safari.app",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
        "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
    ];
    let found = on_path.or_else(|| installed.iter().map(PathBuf::from).find(|path| path.exists()));
    match found {
        Some(path) => Finding::ok("browser", path.display().to_string()),
        None => Finding::missing(
            "browser",
            "none found on this machine",
            "not needed for runs; open the page of `lowshot serve` from another machine through `ssh -L`, or install \
             Chromium for `cargo xtask test`",
        ),
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let ending = std::env::consts::EXE_SUFFIX;
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(format!("{name}{ending}")))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_file()
}
