//! The experiment `tarot` from the outside: presets, files, shards, wrong settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{a_cut_run_goes_on, card, csv, report, run, settings, shards_join, value};
use serde_json::Value;
use std::fs;
use std::path::Path;

const METHOD: &str = "tarot";

fn selection(dir: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(dir.join("selection.json")).unwrap()).unwrap()
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect()
}

/// A safetensors file of features without labels.
fn bare(rows: usize, dims: usize, shift: f32) -> Vec<u8> {
    let data: Vec<u8> = (0..rows * dims)
        .flat_map(|at| ((at as f32 * 0.7 + shift).sin() + 0.1 * (at % dims) as f32).to_le_bytes())
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
        config["curve"] = if preset.native { 0.into() } else { 3.into() };
        let mut args = vec!["run".to_owned(), METHOD.to_owned()];
        args.extend(settings(&config));
        for (name, source) in &preset.inputs {
            args.extend(["--input".to_owned(), format!("{name}={source}")]);
        }
        args.extend(["--out".to_owned(), preset.id.clone(), "--quiet".to_owned()]);
        run(root.path(), &args.iter().map(String::as_str).collect::<Vec<_>>()).fine();
        let dir = root.path().join(&preset.id);
        for view in card.views.iter().filter(|view| view.id != "methods") {
            if view.id != "distance" || !preset.native {
                assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
            }
        }
        let report = report(&dir);
        let rows = value(&report, "rows");
        let trials = selection(&dir);
        assert_eq!(trials.len(), 2);
        for trial in &trials {
            let mut chosen = numbers(&trial["selected"]);
            let size = chosen.len();
            assert_eq!(
                (trial["layer"].as_array().unwrap().len(), trial["wfd"].as_array().unwrap().len()),
                (size, size)
            );
            for other in trial["others"].as_object().unwrap().values() {
                assert_eq!(other.as_array().unwrap().len(), size, "all selectors choose as many");
            }
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), size);
            // Targets are no candidates.
            assert!(numbers(&trial["targets"]).iter().all(|row| chosen.binary_search(row).is_err()));
            assert!(trial["estimated"]["folds"].as_array().unwrap().len() == 10);
        }
        if config.get("size").is_none() {
            let budget = config.get("budget").and_then(Value::as_f64).unwrap_or(60.0);
            assert_eq!(rows, budget, "{}", preset.id);
        }
        let distance = value(&report, "distance");
        assert!(distance > 0.0 && distance < value(&report, "distance_random"), "{}", preset.id);
        assert!(value(&report, "precision") > value(&report, "precision_random"), "{}", preset.id);
    }
    // What the first two presets promise.
    let metric = |preset: &str, name: &str| value(&report(&root.path().join(preset)), name);
    assert!(metric("three-modes", "rare_share_mean_similarity") <= 0.02);
    assert!((metric("three-modes", "rare_share") - 0.1).abs() <= 0.05);
    let gap = |preset| metric(preset, "distance_mean_similarity") - metric(preset, "distance");
    assert!(gap("one-mode") < 0.5 * gap("three-modes"));
}

#[test]
fn shards_join_to_the_whole_run_and_a_run_can_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let base = [
        "run", METHOD, "--set", "trials=5", "--set", "pool=120", "--set", "curve=3", "--seed", "4", "--quiet",
    ];
    let files = ["selection.json"];
    shards_join(root, &base, &files);
    a_cut_run_goes_on(root, &base, &files);
    let mut other = base.to_vec();
    other[9] = "5";
    run(root, &[&other[..], &["--out", "other"]].concat()).fine();
    assert_ne!(selection(&root.join("other")), selection(&root.join("whole")));
}

#[test]
fn own_files_with_and_without_labels_and_with_duplicates() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let go = |more: &[&str]| {
        run(root, &[&["run", METHOD, "--set", "trials=2", "--set", "curve=3"], more].concat())
    };
    fs::write(root.join("mine.csv"), csv(6, 30)).unwrap();
    // Targets from the classes of the candidates: at most half of a class.
    let drawn = ["--input", "features=mine.csv", "--set", "targets=20", "--set", "budget=20"];
    go(&[&drawn[..], &["--out", "mine"]].concat()).fine();
    let mine = report(&root.join("mine"));
    assert!(value(&mine, "precision") > value(&mine, "precision_random"));
    go(&["--input", "features=mine.csv", "--set", "targets=60", "--out", "x"]).exits(2).says("at most 25");
    // Targets of their own, without labels: distances, and nothing else.
    fs::write(root.join("bare.safetensors"), bare(180, 3, 0.0)).unwrap();
    fs::write(root.join("wanted.safetensors"), bare(12, 3, 0.3)).unwrap();
    let own = [
        "--input",
        "features=bare.safetensors",
        "--input",
        "targets=wanted.safetensors",
        "--set",
        "budget=9",
    ];
    go(&[&own[..], &["--set", "weights=nearest-targets", "--out", "bare"]].concat()).fine();
    let bare_report = report(&root.join("bare"));
    assert!(value(&bare_report, "distance") < value(&bare_report, "distance_random"));
    assert!(!bare_report.metrics.contains_key("precision"));
    for trial in selection(&root.join("bare")) {
        let weights: f64 = trial["weight"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).sum();
        assert_eq!(weights, 12.0, "one for each target");
        let numbers = numbers(&trial["nearest_target"]);
        assert!(numbers.iter().all(|target| *target < 12));
    }
    // The same selection in both trials: own targets are not drawn.
    let both = selection(&root.join("bare"));
    assert_eq!(both[0]["selected"], both[1]["selected"]);
    // Every row twice: half of them are left out, and said so.
    fs::write(root.join("twice.csv"), csv(6, 30).repeat(2)).unwrap();
    let twice = ["--input", "features=twice.csv", "--set", "targets=20", "--set", "budget=20"];
    let done = go(&[&twice[..], &["--out", "twice"]].concat()).fine();
    assert!((done.out() + &done.err()).contains("equal an earlier row"), "{} {}", done.out(), done.err());
    go(&[&twice[..], &["--set", "deduplicate=false", "--out", "kept"]].concat()).fine();
    // More columns than the projection: said, and the same with the same seed.
    fs::write(root.join("wide.safetensors"), bare(60, 40, 0.0)).unwrap();
    fs::write(root.join("wide-targets.safetensors"), bare(12, 40, 0.3)).unwrap();
    let wide = ["--input", "features=wide.safetensors", "--input", "targets=wide-targets.safetensors"];
    let done =
        go(&[&wide[..], &["--set", "budget=9", "--set", "project=8", "--out", "wide"]].concat()).fine();
    assert!((done.out() + &done.err()).contains("projected to 8"), "{}", done.err());
}

#[test]
fn wrong_settings_and_inputs_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let go = |more: &[&str]| run(root, &[&["run", METHOD, "--out", "x"], more].concat());
    go(&["--set", "budget=0"]).exits(2).says("budget");
    go(&["--set", "budget=801"]).exits(2).says("1 to 800");
    go(&["--set", "shares=60/x"]).exits(2).says("60/30/10");
    go(&["--set", "shares=60/-10"]).exits(2).says("positive");
    go(&["--set", "clusters=2"]).exits(2).says("shares");
    go(&["--set", "clusters=40"]).exits(2).says("clusters");
    go(&["--set", "folds=1"]).exits(2).says("folds");
    go(&["--set", "size=estimated", "--set", "targets=5"]).exits(2).says("folds");
    go(&["--set", "size=estimated", "--set", "threshold=1"]).exits(2).says("threshold");
    go(&["--set", "epsilon=0"]).exits(2).says("epsilon");
    go(&["--set", "whiten=magic"]).exits(2).says("official-code");
    fs::write(root.join("mine.csv"), csv(3, 10)).unwrap();
    fs::write(root.join("same.csv"), "1,2,0\n".repeat(40)).unwrap();
    fs::write(root.join("nan.csv"), "1,2,0\nNaN,1,1\n").unwrap();
    fs::write(root.join("bare.safetensors"), bare(30, 2, 0.0)).unwrap();
    fs::write(root.join("wide.safetensors"), bare(30, 3, 0.0)).unwrap();
    go(&["--input", "features=nan.csv"]).exits(2).says("NaN");
    go(&["--input", "features=bare.safetensors"]).exits(2).says("give the input `targets`");
    go(&["--input", "targets=bare.safetensors"]).exits(2).says("features");
    let both = |targets: &str| {
        go(&["--input", "features=bare.safetensors", "--input", targets, "--set", "budget=3"])
    };
    both("targets=wide.safetensors").exits(2).says("3 columns");
    go(&[
        "--input",
        "features=mine.csv",
        "--set",
        "targets=4",
        "--set",
        "budget=3",
        "--set",
        "shares=1/1/1/1",
    ])
    .exits(2)
    .says("at most 3 shares");
    let constant = ["--input", "features=same.csv", "--input", "targets=same.csv", "--set", "budget=1"];
    go(&constant).exits(2).says("constant");
    let singular = ["--set", "deduplicate=false", "--set", "ridge_rule=absolute", "--set", "ridge=0"];
    fs::write(root.join("line.csv"), (0..20).map(|at| format!("{at},1,0\n")).collect::<String>()).unwrap();
    let line = ["--input", "features=line.csv", "--input", "targets=line.csv", "--set", "budget=3"];
    go(&[&line[..], &singular[..]].concat()).exits(2).says("singular");
    // One constant column is held by the ridge.
    run(root, &[&["run", METHOD, "--out", "line", "--quiet"], &line[..]].concat()).fine();
    assert!(!root.join("x/report.json").exists());
}
