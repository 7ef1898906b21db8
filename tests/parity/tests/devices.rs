//! Every browser-sized preset of every method, on the CPU and on each GPU interface.

use lowshot_lab::device::DeviceKind;
use lowshot_lab::registry::METHODS;
use lowshot_parity::{agreement, available, differing, run_on};
use lowshot_protocol::{InputSource, RunRequest};

/// Tasks of a comparison: enough for thousands of labels, few enough for a software adapter.
const EPISODES: u64 = 40;

fn requests() -> Vec<(String, RunRequest)> {
    let mut requests = Vec::new();
    for info in METHODS.iter().map(|entry| entry.info()) {
        for preset in info.card.presets.iter().filter(|preset| !preset.native) {
            let mut config = preset.config.clone();
            if info.schema["properties"].get("episodes").is_some() && config.get("task").is_none() {
                config["episodes"] = EPISODES.into();
            }
            let inputs = preset.inputs.iter().map(|(k, v)| (k.clone(), InputSource::parse(v))).collect();
            let method = info.card.id.clone();
            let request = RunRequest { method, config, seed: 3, inputs, shard: None, paused: false };
            requests.push((format!("{}/{}", info.card.id, preset.id), request));
        }
    }
    assert!(!requests.is_empty(), "the registry has presets");
    requests
}

fn compare(kind: DeviceKind, name: &str) {
    if !available(kind, name) {
        return;
    }
    for (title, request) in requests() {
        let cpu = run_on(DeviceKind::Cpu, request.clone()).unwrap();
        let gpu = run_on(kind, request).unwrap();
        let same = agreement(&cpu.artifacts["predictions.json"], &gpu.artifacts["predictions.json"]);
        println!("{title} on {name}: {:.4} of the labels agree", same);
        assert!(same >= 0.999, "{title} on {name}: only {same} of the labels agree");
        let (a, b) = (&cpu.artifacts["assignments.safetensors"], &gpu.artifacts["assignments.safetensors"]);
        // A task whose labels differ has other prototypes, and so other assignments altogether.
        let allowed = if same == 1.0 { 0.0 } else { 0.01 };
        let off = differing(a, b, "z", 1e-4);
        assert!(off <= allowed, "{title} on {name}: {off} of the assignments differ by more than 1e-4");
    }
}

#[test]
fn wgpu_agrees_with_the_cpu() {
    compare(DeviceKind::Wgpu(None), "wgpu");
}

#[test]
fn cuda_agrees_with_the_cpu() {
    compare(DeviceKind::Cuda(None), "cuda");
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let (_, request) = requests().remove(0);
    let first = run_on(DeviceKind::Cpu, request.clone()).unwrap();
    let again = run_on(DeviceKind::Cpu, request.clone()).unwrap();
    let other = run_on(DeviceKind::Cpu, RunRequest { seed: request.seed + 1, ..request }).unwrap();
    assert_eq!(first.artifacts, again.artifacts);
    assert_ne!(first.artifacts["predictions.json"], other.artifacts["predictions.json"]);
}
