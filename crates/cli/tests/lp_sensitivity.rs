//! Sensitivity sampling through the real binary: every preset, wrong settings, files, shards.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{card, json, report, run, shards_join};
use lowshot_protocol::Event;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const RUN: &[&str] = &["run", "lp-sensitivity", "--quiet"];

#[track_caller]
fn small(root: &Path, out: &str, more: &[&str]) -> common::Done {
    run(root, &[RUN, &["--set", "trials=2", "--out", out, "--force"], more].concat())
}

#[test]
fn every_preset_leaves_what_the_card_says() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let card = card(root, "lp-sensitivity");
    for preset in card.presets.iter().filter(|preset| !preset.native) {
        let mut args: Vec<String> = Vec::new();
        for (field, value) in preset.config.as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            args.extend(["--set".to_owned(), format!("{field}={value}")]);
        }
        for (name, source) in &preset.inputs {
            args.extend(["--input".to_owned(), format!("{name}={source}")]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        small(root, &preset.id, &args).fine();
        let dir = root.join(&preset.id);
        let report = report(&dir);
        for score in ["excess", "excess_uniform", "excess_lewis"] {
            assert!(report.metrics[score].value.is_finite(), "{}: {score}", preset.id);
        }
        for name in report.metrics.keys() {
            assert!(
                card.metrics.iter().any(|m| m.name == *name),
                "{}: metric {name} is on the card",
                preset.id
            );
        }
        let events = fs::read_to_string(dir.join("events.jsonl")).unwrap();
        let events: Vec<Event> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let views: BTreeSet<&str> = events
            .iter()
            .filter_map(|e| if let Event::View { id, .. } = e { Some(id.as_str()) } else { None })
            .collect();
        assert_eq!(views, card.views.iter().map(|v| v.id.as_str()).collect(), "{}", preset.id);
        let selection = json(dir.join("selection.json"));
        let rows = selection["rows"].as_array().unwrap();
        assert_eq!(rows.len(), selection["weights"].as_array().unwrap().len());
        assert_eq!(rows.len() as f64, report.metrics["kept_rows"].value);
        let expected = report.metrics["expected_rows"].value;
        assert!((rows.len() as f64 - expected).abs() < 4.0 * expected.sqrt(), "{}", preset.id);
        for file in ["coreset.safetensors", "scores.safetensors", "trials.json"] {
            assert!(dir.join(file).is_file(), "{}: {file}", preset.id);
        }
    }
}

#[test]
fn large_territories_are_kept_by_name() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("territories");
    let set = ["--input", "features=builtin:factbook", "--set", "intercept=true", "--set", "p=4"];
    small(root.path(), "territories", &set).fine();
    let selection = json(dir.join("selection.json"));
    let names: Vec<&str> =
        selection["names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    for name in ["China", "India", "United States"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(selection["loss_of_kept_fit_on_all_rows"].as_f64() >= selection["loss_all_rows"].as_f64());
}

#[test]
fn scores_beat_uniform_rows_on_heavy_tails_and_a_note_says_where_they_do_not() {
    let root = tempfile::tempdir().unwrap();
    let all = |out: &str, more: &[&str]| {
        run(root.path(), &[RUN, &["--set", "compare=uniform", "--out", out], more].concat()).fine();
        report(&root.path().join(out))
    };
    let heavy = all("heavy", &[]);
    let value = |name: &str| heavy.metrics[name].value;
    assert!(2.0 * value("excess") < value("excess_uniform"), "{:?}", heavy.metrics);
    assert!(!heavy.notes.iter().any(|note| note.contains("Uniform")), "{:?}", heavy.notes);
    let even = all("even", &["--set", "tail=0", "--set", "noise=gaussian", "--set", "p=2"]);
    assert!(even.notes.iter().any(|note| note.contains("Uniform")), "{:?}", even.notes);
}

#[test]
fn the_rows_of_a_generated_run_give_the_same_run_from_a_file() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    small(root, "one", &["--seed", "5"]).fine();
    let file = "features=one/features.safetensors";
    small(root, "two", &["--seed", "5", "--input", file]).fine();
    let read = |dir: &str, file: &str| fs::read(root.join(dir).join(file)).unwrap();
    for file in ["selection.json", "scores.safetensors", "trials.json"] {
        assert!(read("one", file) == read("two", file), "{file}");
    }
}

#[test]
fn shards_join_and_seeds_repeat() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let all = [RUN, &["--set", "trials=5", "--seed", "9"]].concat();
    shards_join(root, &all, &["selection.json", "trials.json"]);
}

#[test]
fn wrong_settings_name_the_field_and_what_would_be_right() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for (set, words) in [
        (&["budget=501"][..], ["budget", "500"]),
        (&["budget=1"], ["budget", "above 1"]),
        (&["p=0.5"], ["p", "1 to 10"]),
        (&["target=labels"], ["target", "no labels"]),
        (&["target=9"], ["target", "1 to 5"]),
        (&["target=prize"], ["target", "the number of a feature"]),
        (&["target=none", "rows=100000"], ["target", "200000"]),
        (&["planted=20", "rows=10"], ["planted", "at most 10"]),
        (&["sizing=accuracy", "score=uniform"], ["score", "set a budget"]),
    ] {
        let args: Vec<&str> = set.iter().flat_map(|one| ["--set", one]).collect();
        let done = small(root, "wrong", &args).exits(2);
        for word in words {
            assert!(done.err().contains(word), "{set:?}: wanted `{word}` in {}", done.err());
        }
    }
    let exact = ["--input", "features=zeros.csv"];
    fs::write(root.join("zeros.csv"), "0,0,0\n0,0,1\n").unwrap();
    small(root, "zeros", &exact).exits(2).says("row that is not zero");
    fs::write(root.join("nan.csv"), "0,nan,0\n0,0,1\n").unwrap();
    small(root, "nan", &["--input", "features=nan.csv"]).exits(2).says("nan");
}

#[test]
fn odd_matrices_have_a_documented_outcome() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let notes = |dir: &str| report(&root.join(dir)).notes.join(" ");
    // Equal rows, a constant column and a dependent one, a target that is an exact sum.
    let line = |i: usize| format!("{},1,{},{},{i}\n", i % 7, 2 * (i % 7), (i % 7) + 1);
    fs::write(root.join("exact.csv"), (0..60).map(line).collect::<String>()).unwrap();
    small(root, "exact", &["--input", "features=exact.csv", "--set", "budget=20"]).fine();
    assert!(notes("exact").contains("depend") && notes("exact").contains("exactly"), "{}", notes("exact"));
    // Pixels that are always empty; more rows than are solved for exactly; labels as the target.
    let digits = ["--input", "features=builtin:digits", "--set", "target=labels", "--set", "compare=none"];
    small(root, "digits", &[&digits[..], &["--set", "score=lewis"]].concat()).fine();
    assert!(notes("digits").contains("depend"), "{}", notes("digits"));
    small(root, "reduced", &["--set", "rows=3000", "--set", "exact_rows=200"]).fine();
    assert!(notes("reduced").contains("exact_rows"), "{}", notes("reduced"));
    // All rows, no target, the target left out, recursion, sizing by accuracy.
    small(root, "all", &["--set", "rows=60", "--set", "budget=60"]).fine();
    assert!(notes("all").contains("data itself") && report(&root.join("all")).metrics["excess"].value < 1e-6);
    small(root, "none", &["--set", "target=none", "--set", "rows=200"]).fine();
    assert!(!report(&root.join("none")).metrics.contains_key("loss_all_rows"));
    small(root, "active", &["--set", "score_target=false"]).fine();
    assert!(notes("active").contains("not scored"));
    small(root, "recursive", &["--set", "score=root-leverage", "--set", "rounds=3"]).fine();
    assert!(notes("recursive").contains("each round"), "{}", notes("recursive"));
    small(root, "accuracy", &["--set", "sizing=accuracy", "--set", "constant=0.5"]).fine();
    assert!(report(&root.join("accuracy")).metrics["expected_rows"].value > 1.0);
}
