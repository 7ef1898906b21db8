//! The experiment `lasso-amtrl` from the outside: presets, shards, own pictures, wrong settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{a_cut_run_goes_on, card, report, run, settings, shards_join, value};
use serde_json::Value;
use std::fs;
use std::path::Path;

const METHOD: &str = "lasso-amtrl";

fn selection(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("selection.json")).unwrap()).unwrap()
}

#[test]
fn every_preset_runs_and_spends_its_budget() {
    let root = tempfile::tempdir().unwrap();
    let card = card(root.path(), METHOD);
    for preset in &card.presets {
        let mut config = preset.config.clone();
        config["trials"] = 1.into();
        config["points"] = 1.into();
        let mut args = vec!["run".to_owned(), METHOD.to_owned()];
        args.extend(settings(&config));
        for (name, source) in &preset.inputs {
            args.extend(["--input".to_owned(), format!("{name}={source}")]);
        }
        args.extend(["--out".to_owned(), preset.id.clone(), "--quiet".to_owned()]);
        run(root.path(), &args.iter().map(String::as_str).collect::<Vec<_>>()).fine();
        let dir = root.path().join(&preset.id);
        let generated = !preset.id.starts_with("digits");
        for view in
            card.views.iter().filter(|view| view.id != "table" && (generated || view.id != "variance"))
        {
            assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
        }
        let all = selection(&dir);
        let budget = config.get("budget").and_then(Value::as_u64).unwrap_or(4000);
        let tasks = all["tasks"].as_array().unwrap().len();
        assert_eq!(tasks, if generated { 40 } else { 90 });
        for (name, found) in all["trials"][0]["strategies"].as_object().unwrap() {
            let samples: Vec<u64> = serde_json::from_value(found["samples"].clone()).unwrap();
            let total: u64 = samples.iter().sum();
            assert_eq!(samples.len(), tasks);
            if preset.id == "costs" {
                assert!(total < budget, "{name}: samples cost 1 to 10");
            } else {
                assert_eq!(total, budget, "{}: {name}", preset.id);
            }
        }
        let report = report(&dir);
        assert!(value(&report, "error") > 0.0 && value(&report, "error") < 1.0, "{}", preset.id);
        // What theory says of known relevance holds for every world; a floor of 5 samples costs a little.
        if generated && preset.id != "costs" {
            let v = |name: &str| value(&report, &format!("variance_{name}"));
            assert!(v("l1_known") <= 1.01 * v("l2_known") && v("l2_known") < v("uniform"), "{}", preset.id);
        }
    }
}

#[test]
fn shards_join_to_the_whole_run_and_a_run_can_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let base =
        ["run", METHOD, "--set", "trials=5", "--set", "budget=400", "--set", "iterations=5", "--quiet"];
    let files = ["selection.json"];
    shards_join(root, &base, &files);
    a_cut_run_goes_on(root, &base, &files);
    run(root, &[&base[..], &["--out", "other", "--seed", "5"]].concat()).fine();
    assert_ne!(selection(&root.join("other")), selection(&root.join("whole")));
}

/// Pictures of 2 × 2 pixels in two classes.
fn pictures(rows: usize) -> String {
    let line = |i: usize| {
        let a = ((i * 37) % 50) as f64 / 100.0;
        if i.is_multiple_of(2) {
            format!("{},{a},0.1,0,0\n", 1.0 - a)
        } else {
            format!("{a},{},0,0.1,1\n", 1.0 - a)
        }
    };
    (0..rows).map(line).collect()
}

#[test]
fn own_pictures() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("mine.csv"), pictures(120)).unwrap();
    let args = [
        "run",
        METHOD,
        "--input",
        "features=mine.csv",
        "--set",
        "trials=2",
        "--set",
        "shots=30",
        "--set",
        "target_class=1",
    ];
    let more = ["--set", "budget=600", "--set", "ridge=0.001", "--out", "mine"];
    run(root, &[&args[..], &more[..]].concat()).fine();
    let report = report(&root.join("mine"));
    assert!(value(&report, "error_target_only") < 0.3);
    assert!(!report.metrics.contains_key("variance"));
    // More than there is: 18 tasks of 80 pictures.
    run(root, &[&args[..], &["--set", "budget=1441", "--out", "x"]].concat()).exits(2).says("1440");
}

#[test]
fn wrong_settings_and_data_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let go = |more: &[&str]| run(root, &[&["run", METHOD, "--out", "x"], more].concat());
    go(&["--set", "rank=21"]).exits(2).says("20 inputs and 40 tasks");
    go(&["--set", "budget=0"]).exits(2).says("budget");
    go(&["--set", "explore=0"]).exits(2).says("explore");
    go(&["--set", "strategy=magic"]).exits(2).says("l1-top-k");
    go(&["--set", "tasks=1000", "--set", "dims=200"]).exits(2).says("16 million");
    let digits = ["--input", "features=builtin:digits"];
    go(&[&digits[..], &["--set", "known=true"]].concat()).exits(2).says("generated tasks");
    go(&[&digits[..], &["--set", "target_class=10"]].concat()).exits(2).says("0 to 9");
    go(&[&digits[..], &["--set", "shots=1700"]].concat()).exits(2).says("1198");
    fs::write(root.join("flat.csv"), "1,2,3,0\n4,5,6,1\n".repeat(20)).unwrap();
    go(&["--input", "features=flat.csv"]).exits(2).says("square pictures");
    fs::write(root.join("one.csv"), "1,2,3,4,0\n".repeat(40)).unwrap();
    go(&["--input", "features=one.csv"]).exits(2).says("2 classes");
    assert!(!root.join("x/report.json").exists());
}
