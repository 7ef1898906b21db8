//! Every browser-sized preset of every method, on the CPU and on each GPU interface.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use lowshot_lab::device::DeviceKind;
use lowshot_lab::registry::METHODS;
use lowshot_parity::{agreement, available, differing, run_on, same_rows};
use lowshot_protocol::schema::{self, FieldKind};
use lowshot_protocol::{InputSource, RunRequest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tasks of a comparison: enough for thousands of labels in all, few enough for a software adapter.
const EPISODES: u64 = 10;

/// Every browser-sized preset, and every word of every choice field, one at a time.
fn requests() -> Vec<(String, RunRequest)> {
    let mut requests = Vec::new();
    for info in METHODS.iter().map(|entry| entry.info()) {
        let few = |mut config: Value| {
            let known = |name: &str| info.schema["properties"].get(name).is_some();
            for (name, value) in
                [("episodes", json!(EPISODES)), ("trials", json!(2)), ("compare", json!("none"))]
            {
                if known(name) {
                    config[name] = value;
                }
            }
            config
        };
        let mut add = |title: String, config: Value, inputs: &BTreeMap<String, String>| {
            let inputs = inputs.iter().map(|(k, v)| (k.clone(), InputSource::parse(v))).collect();
            let method = info.card.id.clone();
            requests
                .push((title, RunRequest { method, config, seed: 3, inputs, shard: None, paused: false }));
        };
        for preset in info.card.presets.iter().filter(|preset| !preset.native) {
            add(format!("{}/{}", info.card.id, preset.id), few(preset.config.clone()), &preset.inputs);
        }
        for field in schema::fields(&info.schema) {
            let FieldKind::Choice { options } = &field.kind else { continue };
            for option in options.iter().filter(|option| field.default != option.value.as_str()) {
                let mut config = few(json!({}));
                config[&field.name] = json!(option.value);
                add(format!("{} {}={}", info.card.id, field.name, option.value), config, &BTreeMap::new());
            }
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
        let cpu = match run_on(DeviceKind::Cpu, request.clone()) {
            Ok(outcome) => outcome,
            Err(error) => {
                // A choice that needs another input is refused alike.
                assert!(error.is_usage(), "{title}: {error}");
                assert_eq!(
                    run_on(kind, request).err().map(|e| e.to_string()),
                    Some(error.to_string()),
                    "{title}"
                );
                continue;
            }
        };
        let gpu = run_on(kind, request).unwrap();
        if let Some(selection) = cpu.artifacts.get("selection.json") {
            let same = same_rows(selection, &gpu.artifacts["selection.json"]);
            println!("{title} on {name}: {same:.4} of the rows agree");
            assert!(same >= 0.999, "{title} on {name}: only {same} of the rows agree");
            continue;
        }
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
