//! The experiment `learn-to-active-learn` from the outside: presets, files, shards, a policy played again, wrong settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{report, run, shards_join, value};
use lowshot_protocol::MethodInfo;
use serde_json::Value;
use std::fs;
use std::path::Path;

const METHOD: &str = "learn-to-active-learn";

fn go(root: &Path, settings: &[&str], more: &[&str]) -> common::Done {
    let mut args = vec!["run", METHOD, "--quiet"];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    args.extend(more);
    run(root, &args)
}

#[test]
fn every_preset_runs_and_leaves_what_the_card_promises() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let all: Vec<MethodInfo> = serde_json::from_str(&run(root, &["methods", "--json"]).fine().out()).unwrap();
    let card = all.into_iter().find(|info| info.card.id == METHOD).unwrap().card;
    for preset in card.presets.iter().filter(|preset| !preset.native) {
        let mut settings = Vec::new();
        for (name, value) in preset.config.as_object().unwrap() {
            settings
                .push(format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        go(root, &settings, &["--out", &preset.id]).fine();
        let dir = root.join(&preset.id);
        for artifact in &card.artifacts {
            assert!(dir.join(&artifact.name).is_file(), "{}: {}", preset.id, artifact.name);
        }
        for view in &card.views {
            assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
        }
        let report = report(&dir);
        let excess = value(&report, "excess");
        assert!(excess > -1e-3 && excess < 0.2, "{}: {excess}", preset.id);
        assert!(value(&report, "doubt") < 5e-3);
    }
    let with = report(&root.join("thresholds"));
    let without = report(&root.join("average"));
    for (name, expected) in [("value_1", 0.0210), ("value_2", 0.3514), ("value_3", 0.6014)] {
        assert!((value(&with, name) - expected).abs() < 1e-3);
    }
    assert!(value(&with, "excess") < value(&without, "excess"));
    assert!(value(&with, "excess") < value(&with, "excess_random"));
    assert!(with.notes.iter().any(|note| note.contains("SGBS")), "bisection is better, and that is said");
    // The visitor said + once, and is asked again.
    let game: Value = serde_json::from_slice(&fs::read(root.join("play/game.json")).unwrap()).unwrap();
    assert_eq!(game["game"]["history"].as_array().unwrap().len(), 1);
    assert!(game["game"]["pending"]["query"].is_u64());
}

const SMALL: [&str; 4] = ["steps=20", "exact_steps=50", "queries=3", "budget=4"];

#[test]
fn shards_join_to_the_whole_run() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let settings: Vec<&str> =
        SMALL.iter().chain(&["trials=3", "compare=none"]).flat_map(|setting| ["--set", *setting]).collect();
    let base = [&["run", METHOD, "--quiet"], &settings[..]].concat();
    shards_join(root, &base, &["policy.json", "losses.csv", "game.json"]);
}

#[test]
fn a_policy_that_was_left_plays_again() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let small = [&SMALL[..], &["instance=2"]].concat();
    go(root, &small, &["--out", "first"]).fine();
    go(root, &small, &["--input", "policy=first/policy.json", "--out", "again"]).fine();
    let (first, again) = (report(&root.join("first")), report(&root.join("again")));
    for name in ["excess", "mean_loss", "worst_1", "worst_2", "worst_3"] {
        assert_eq!(value(&first, name), value(&again, name), "{name}");
    }
    for name in ["game.json", "losses.csv"] {
        assert_eq!(
            fs::read(root.join("again").join(name)).unwrap(),
            fs::read(root.join("first").join(name)).unwrap()
        );
    }
    // Another problem, half a file, and a file about something else.
    let bad = |name: &str, settings: &[&str], text: &str| {
        go(root, settings, &["--input", &format!("policy={name}"), "--out", "x"]).exits(2).says(text);
    };
    bad("first/policy.json", &["queries=4", "budget=4"], "trained for 3 queries");
    let whole = fs::read_to_string(root.join("first/policy.json")).unwrap();
    fs::write(root.join("half.json"), &whole[..whole.len() / 2]).unwrap();
    bad("half.json", &small, "policy.json");
    let mut saved: Value = serde_json::from_str(&whole).unwrap();
    saved["weights"] = serde_json::json!([1.0]);
    fs::write(root.join("short.json"), saved.to_string()).unwrap();
    bad("short.json", &small, "weights");
    bad("first/game.json", &small, "policy.json");
    assert!(!root.join("x/report.json").exists());
}

#[test]
fn wrong_settings_are_named() {
    let root = tempfile::tempdir().unwrap();
    let bad = |settings: &[&str], text: &str| {
        go(root.path(), settings, &["--out", "x"]).exits(2).says(text);
    };
    bad(&["budget=0"], "budget");
    bad(&["queries=6", "budget=15"], "budget");
    bad(&["queries=1"], "queries");
    bad(&["signals=1.2"], "signals");
    bad(&["signals=0.3,0.5"], "signals");
    bad(&["signals=half"], "half");
    bad(&["signals=NaN"], "signals");
    bad(&["task=best-arm", "complexities=0.5"], "complexities");
    bad(&["answers=maybe"], "answers");
    bad(&["answers=+++++++"], "7 answers");
    bad(&["instance=15"], "0 to 14");
    bad(&["mixture_rate=0.01"], "mixture_rate");
    bad(&["rollouts=1"], "rollouts");
}
