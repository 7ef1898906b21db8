//! The experiment `ideal` from the outside: presets, files, shards, wrong settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{a_cut_run_goes_on, card, csv, report, run, settings, shards_join, value};
use serde_json::Value;
use std::fs;
use std::path::Path;

const METHOD: &str = "ideal";

fn selection(dir: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(dir.join("selection.json")).unwrap()).unwrap()
}

/// A safetensors file of features without labels, on a curve in space.
fn bare(rows: usize, dims: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..rows * dims)
        .flat_map(|at| ((at as f32 * 0.7).sin() + 0.1 * (at % dims) as f32).to_le_bytes())
        .collect();
    let header = format!(
        r#"{{"features":{{"dtype":"F32","shape":[{rows},{dims}],"data_offsets":[0,{}]}}}}"#,
        data.len()
    );
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

#[test]
fn every_preset_runs_and_leaves_what_the_card_promises() {
    let root = tempfile::tempdir().unwrap();
    let card = card(root.path(), METHOD);
    for preset in &card.presets {
        let mut config = preset.config.clone();
        config["trials"] = 2.into();
        let mut args = vec!["run".to_owned(), METHOD.to_owned()];
        args.extend(settings(&config));
        for (name, source) in &preset.inputs {
            args.extend(["--input".to_owned(), format!("{name}={source}")]);
        }
        args.extend(["--out".to_owned(), preset.id.clone(), "--quiet".to_owned()]);
        run(root.path(), &args.iter().map(String::as_str).collect::<Vec<_>>()).fine();
        let dir = root.path().join(&preset.id);
        for artifact in &card.artifacts {
            assert!(dir.join(&artifact.name).is_file(), "{}: {}", preset.id, artifact.name);
        }
        for view in card.views.iter().filter(|view| view.id != "layers" && view.id != "methods") {
            assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
        }
        let budget = config.get("budget").and_then(Value::as_u64).unwrap_or(18) as usize;
        let pool = config.get("pool").and_then(Value::as_f64).unwrap_or(300.0);
        let trials = selection(&dir);
        assert_eq!(trials.len(), 2);
        for trial in &trials {
            let chosen = trial["selected"].as_array().unwrap();
            let mut distinct: Vec<u64> = chosen.iter().map(|row| row.as_u64().unwrap()).collect();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!((chosen.len(), distinct.len()), (budget, budget), "{}", preset.id);
            assert_eq!(trial["layers"][0], trial["selected"], "a cascade starts with the chosen rows");
        }
        let report = report(&dir);
        let influence = value(&report, "influence");
        assert!(influence > budget as f64 && influence <= pool, "{}: {influence}", preset.id);
        assert!((0.0..=1.0).contains(&value(&report, "accuracy")));
    }
}

#[test]
fn shards_join_to_the_whole_run_and_a_run_can_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let base = [
        "run",
        METHOD,
        "--set",
        "trials=5",
        "--set",
        "pool=120",
        "--set",
        "diffusions=20",
        "--seed",
        "4",
        "--quiet",
    ];
    let files = ["selection.json", "graph.safetensors"];
    shards_join(root, &base, &files);
    a_cut_run_goes_on(root, &base, &files);
    let other =
        ["run", METHOD, "--set", "trials=5", "--set", "pool=120", "--set", "diffusions=20", "--seed", "5"];
    run(root, &[&other[..], &["--out", "other", "--quiet"]].concat()).fine();
    assert_ne!(selection(&root.join("other")), selection(&root.join("whole")));
}

#[test]
fn own_files_with_and_without_labels_with_duplicates_and_with_one_class() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("mine.csv"), csv(6, 30)).unwrap();
    let args = |file: &str, out: &str| -> Vec<String> {
        [
            "run",
            METHOD,
            "--input",
            &format!("features={file}"),
            "--set",
            "trials=2",
            "--set",
            "budget=6",
            "--out",
            out,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let go = |file: &str, out: &str, more: &[&str]| {
        let args = args(file, out);
        let all: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        run(root, &all)
    };
    go("mine.csv", "mine", &[]).fine();
    assert!(value(&report(&root.join("mine")), "accuracy") > 0.0);
    // Without labels influence is measured, and nothing else.
    fs::write(root.join("bare.safetensors"), bare(180, 3)).unwrap();
    go("bare.safetensors", "bare", &["--set", "labeller=vote", "--quiet"]).fine();
    let bare = report(&root.join("bare"));
    assert!(value(&bare, "influence") > 6.0);
    for absent in ["accuracy", "classes_covered", "annotation_accuracy"] {
        assert!(!bare.metrics.contains_key(absent), "{absent}");
    }
    // One class: everything is right, and every selector covers it.
    fs::write(
        root.join("one.csv"),
        csv(6, 30).lines().map(|l| format!("{},0\n", &l[..l.rfind(',').unwrap()])).collect::<String>(),
    )
    .unwrap();
    go("one.csv", "one", &["--set", "labeller=oracle", "--set", "oracle_error=0.5"]).fine();
    let one = report(&root.join("one"));
    assert_eq!((value(&one, "accuracy"), value(&one, "classes_covered_random")), (1.0, 1.0));
    assert_eq!(value(&one, "annotation_accuracy"), 1.0, "there is no other class to be wrong with");
    // Every row twice: half of them are left out, and said so.
    let twice = csv(6, 30).repeat(2);
    fs::write(root.join("twice.csv"), twice).unwrap();
    let done = go("twice.csv", "twice", &[]).fine();
    assert!((done.out() + &done.err()).contains("equal an earlier row"), "{} {}", done.out(), done.err());
    go("twice.csv", "kept", &["--set", "deduplicate=false", "--quiet"]).fine();
}

#[test]
fn wrong_settings_and_rows_without_direction_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let go = |more: &[&str]| run(root, &[&["run", METHOD, "--out", "x"], more].concat());
    go(&["--set", "budget=0"]).exits(2).says("budget");
    go(&["--set", "budget=301"]).exits(2).says("a pool has 300 rows");
    go(&["--set", "pool=10", "--set", "budget=5"]).exits(2).says("successors");
    go(&["--set", "successors=33"]).exits(2).says("successors");
    go(&["--set", "diffusions=0"]).exits(2).says("diffusions");
    go(&["--set", "estimator=magic"]).exits(2).says("worlds");
    fs::write(root.join("zero.csv"), format!("{}0,0,1\n", csv(3, 10))).unwrap();
    go(&["--input", "features=zero.csv", "--set", "budget=3"]).exits(2).says("row 30 is zero");
    fs::write(root.join("nan.csv"), "1,2,0\nNaN,1,1\n").unwrap();
    go(&["--input", "features=nan.csv"]).exits(2).says("NaN");
    fs::write(root.join("same.csv"), "1,2,0\n".repeat(40)).unwrap();
    go(&["--input", "features=same.csv", "--set", "budget=3"]).exits(2).says("budget");
    assert!(!root.join("x/report.json").exists());
}
