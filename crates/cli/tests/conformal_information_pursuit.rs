//! The experiment `conformal-information-pursuit` from the outside: presets, games, files, shards, wrong settings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Done, a_cut_run_goes_on, card, json, report, run, shards_join, value};
use serde_json::Value;
use std::fs;
use std::path::Path;

const METHOD: &str = "conformal-information-pursuit";

/// Runs with settings and inputs, `field=value` and `input:name=source`.
fn go(root: &Path, out: &str, settings: &[&str]) -> Done {
    let mut args = vec!["run", METHOD, "--quiet", "--out", out];
    for setting in settings {
        match setting.strip_prefix("input:") {
            Some(input) => args.extend(["--input", input]),
            None => args.extend(["--set", setting]),
        }
    }
    run(root, &args)
}

/// A game with a calibrated predictor.
const PLAY: [&str; 7] = [
    "trials=1",
    "games=1",
    "mode=play",
    "temperature=1",
    "logit_noise=0",
    "objective=fano",
    "expectation=posterior",
];

#[test]
fn every_preset_runs_and_leaves_what_the_card_promises() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let card = card(root, METHOD);
    for preset in &card.presets {
        let mut config = preset.config.clone();
        (config["trials"], config["games"]) = (2.into(), 4.into());
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut settings: Vec<String> =
            config.as_object().unwrap().iter().map(|(name, of)| format!("{name}={}", text(of))).collect();
        settings.extend(preset.inputs.iter().map(|(name, source)| format!("input:{name}={source}")));
        go(root, &preset.id, &settings.iter().map(String::as_str).collect::<Vec<_>>()).fine();
        let dir = root.join(&preset.id);
        for view in &card.views {
            assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
        }
        for artifact in &card.artifacts {
            assert!(dir.join(&artifact.name).is_file(), "{}: {}", preset.id, artifact.name);
        }
        let questions = config.get("questions").and_then(Value::as_u64).unwrap_or(15) as usize;
        for trial in json(dir.join("selection.json")).as_array().unwrap() {
            for game in trial["games"].as_array().unwrap() {
                let mut asked: Vec<u64> =
                    game["asked"].as_array().unwrap().iter().map(|q| q.as_u64().unwrap()).collect();
                asked.sort_unstable();
                asked.dedup();
                assert_eq!(asked.len(), questions, "{}: no question twice", preset.id);
            }
        }
        let report = report(&dir);
        for share in ["accuracy", "final_accuracy", "covered", "covered_fresh", "stopped_accuracy"] {
            assert!((0.0..=1.0 + 1e-9).contains(&value(&report, share)), "{}: {share}", preset.id);
        }
        assert!(value(&report, "length") <= questions as f64 + 1e-9);
        let lines = fs::read_to_string(dir.join("summary.csv")).unwrap();
        let policies = report.tables[0].rows.len();
        assert_eq!(lines.lines().count(), 1 + policies * (questions + 1), "{}", preset.id);
    }
}

#[test]
fn conformal_sets_beat_entropies_of_a_predictor_that_is_too_sure_and_lose_to_those_of_a_calibrated_one() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let best = ["objective=fano", "expectation=posterior", "questions=12"];
    go(root, "sure", &best).fine();
    let sure = report(&root.join("sure"));
    let ahead = value(&sure, "accuracy") - value(&sure, "accuracy_ip");
    assert!(ahead > 0.08, "{ahead}");
    let published = ["temperature=1", "logit_noise=0", "questions=12"];
    go(root, "calibrated", &published).fine();
    let calibrated = report(&root.join("calibrated"));
    let behind = value(&calibrated, "accuracy_ip") - value(&calibrated, "accuracy");
    assert!(behind > 0.2, "{behind}");
    assert!(calibrated.notes.iter().any(|note| note.contains("not the best: IP")), "{:?}", calibrated.notes);
    assert!(calibrated.notes.iter().any(|note| note.contains("choosing breaks the promise")));
    // The promise for random questions: ten trials of 1,200 histories each, and more than three standard errors.
    for report in [&sure, &calibrated] {
        let covered = report.metrics["covered_fresh"];
        let error = (covered.interval.unwrap()[1] - covered.value) / 1.96;
        assert!(covered.value > 0.9 - 4.0 * error, "{covered:?}");
    }
}

#[test]
fn a_game_goes_on_answer_by_answer_in_one_run_or_in_several() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let with = |more: &[&'static str]| [&PLAY[..], more].concat();
    // A platypus, by what is asked.
    let zoo = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/bundled/zoo.csv")).unwrap();
    let mut lines = zoo.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let platypus = lines.find(|cells| cells[0] == "platypus").unwrap();
    let truth = |question: &str| {
        let (column, wanted) = question.split_once(": ").unwrap_or((question, "1"));
        platypus[header.iter().position(|name| *name == column).unwrap()] == wanted
    };
    let mut answers = String::new();
    let mut left = Vec::new();
    for turn in 0..9 {
        let out = format!("turn-{turn}");
        let setting = format!("answers={answers}");
        go(root, &out, &[&with(&[])[..], &[setting.as_str()]].concat()).fine();
        let game = json(root.join(&out).join("game.json"));
        let next = game["game"]["pending"]["query"].as_u64().unwrap() as usize;
        assert_eq!(game["game"]["history"].as_array().unwrap().len(), turn);
        left.push(value(&report(&root.join(&out)), "plausible"));
        // The game of the turn before, taken up with one answer, is this game.
        if turn > 0 {
            let input = format!("input:game=turn-{}/game.json", turn - 1);
            let setting = format!("answers={}", answers.chars().last().unwrap());
            go(root, "resumed", &[&with(&[])[..], &[input.as_str(), setting.as_str()]].concat()).fine();
            assert_eq!(json(root.join("resumed/game.json")), game, "turn {turn}");
            fs::remove_dir_all(root.join("resumed")).unwrap();
        }
        answers.push(if truth(game["questions"][next].as_str().unwrap()) { 'y' } else { 'n' });
    }
    assert_eq!(json(root.join("turn-8/game.json"))["predicted"], "platypus");
    assert!(left[0] == 58.0 && left[8] <= 3.0, "{left:?}");
    // A question of one's own is not asked again; one that nobody can answer is skipped.
    go(root, "named", &with(&["answers=milk=y ? legs: 4=y"])).fine();
    let game = json(root.join("named/game.json"))["game"].clone();
    let milk = 3;
    assert_eq!(game["history"][0]["query"], milk);
    assert_eq!(
        (game["history"].as_array().unwrap().len(), game["skipped"].as_array().unwrap().len()),
        (2, 1)
    );
    for wrong in ["answers=maybe", "answers=milk=y milk=n", "answers=wings=y"] {
        go(root, "wrong", &with(&[wrong])).exits(2).says("answers");
    }
    go(root, "wrong", &with(&["questions=2", "answers=yny"])).exits(2).says("at most 2 answers");
    go(root, "wrong", &with(&["input:game=turn-0/config.json"])).exits(2).says("game.json");
    let other = with(&["input:table=builtin:bits16", "input:game=turn-0/game.json"]);
    go(root, "wrong", &other).exits(2).says("other questions");
    let broken =
        fs::read_to_string(root.join("turn-3/game.json")).unwrap().replace("\"answer\":1", "\"answer\":7");
    fs::write(root.join("broken.json"), broken).unwrap();
    go(root, "wrong", &with(&["input:game=broken.json"])).exits(2).says("answer");
}

#[test]
fn shards_join_to_the_whole_run_and_a_run_can_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let base = ["run", METHOD, "--set", "trials=5", "--set", "games=6", "--seed", "4", "--quiet"];
    let files = ["selection.json", "game.json", "thresholds.json", "summary.csv"];
    shards_join(root, &base, &files);
    a_cut_run_goes_on(root, &base, &files);
}

#[test]
fn own_tables_and_a_predictor_of_one_s_own() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let table =
        "fruit;red;round;size;kg\napple;yes;yes;small;0.1\nlemon;no;no;small;0.2\nmelon;no;yes;large;\n";
    fs::write(root.join("fruit.csv"), table).unwrap();
    let play =
        |out: &str, more: &[&str]| go(root, out, &[&PLAY[..], &["input:table=fruit.csv"], more].concat());
    // Gaps make no question.
    let done = play("own", &["answers=red=y"]).fine();
    assert_eq!(
        json(root.join("own/game.json"))["questions"],
        serde_json::json!(["red", "round", "size: large"])
    );
    assert_eq!(json(root.join("own/game.json"))["predicted"], "apple");
    drop(done);
    // A model that takes lemons for red.
    let model = "fruit,size: large,round,red\nmelon,0.9,0.9,0.2\napple,0.1,0.9,0.5\nlemon,0.1,0.2,0.99\n";
    fs::write(root.join("model.csv"), model).unwrap();
    play("model", &["answers=red=y", "input:predictor=model.csv"]).fine();
    let found = json(root.join("model/game.json"));
    assert_eq!(found["predicted"], "lemon");
    // 0.9, which is how sure an error of 0.1 lets it be, of 0.9 + 0.5 + 0.2.
    let sure = value(&report(&root.join("model")), "probability");
    assert!((sure - 0.9 / 1.6).abs() < 1e-9, "{sure}");
    for (file, text, says) in [
        ("row.csv", "fruit,size: large,round,red\nmelon,0.9,0.9,0.2\n", "apple"),
        ("column.csv", "fruit,round,red\nmelon,0.9,0.2\napple,0.9,0.5\nlemon,0.2,1\n", "size: large"),
        ("cell.csv", "fruit,size: large,round,red\nmelon,2,0,0\napple,0,0,0\nlemon,0,0,0\n", "from 0 to 1"),
    ] {
        fs::write(root.join(file), text).unwrap();
        play("wrong", &[&format!("input:predictor={file}")]).exits(2).says(says);
    }
    // A simulation on a table of three labels.
    go(root, "small", &["input:table=fruit.csv", "trials=2", "compare=all"]).fine();
    assert_eq!(json(root.join("small/selection.json"))[0]["games"].as_array().unwrap().len(), 3);
}

#[test]
fn wrong_settings_and_tables_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let refused = |settings: &[&str], says: &str| {
        go(root, "x", settings).exits(2).says(says);
    };
    refused(&["questions=0"], "questions");
    refused(&["alpha=0"], "alpha");
    refused(&["alpha=1"], "alpha");
    refused(&["error=0.5"], "error");
    refused(&["temperature=0"], "temperature");
    refused(&["objective=magic"], "fano");
    refused(&["label=colour"], "type");
    refused(&["hidden=unicorn"], "aardvark");
    refused(&["hold_out=true"], "hold_out");
    refused(&["input:table=builtin:digits"], "builtin:zoo");
    for (text, says) in [
        ("name,a\nx,1\ny,1\n", "no column is a question"),
        ("name,a,b\nx,1,0\nx,0,1\n", "one class only"),
        ("name,a\nx,1\ny,0,1\n", "line 3"),
        ("name,a,a\nx,1,1\ny,0,0\n", "twice"),
        ("name,a\nx,1\n,0\n", "row 1 has no label"),
        ("name,a\n", "at least one row"),
        ("", "column names"),
    ] {
        fs::write(root.join("bad.csv"), text).unwrap();
        refused(&["input:table=bad.csv"], says);
    }
    assert!(!root.join("x/report.json").exists());
    // Too few draws for the α: every label stays plausible, and nothing is said to be known.
    go(root, "few", &["draws=5", "trials=1", "games=3", "compare=none"]).fine();
    let few = report(&root.join("few"));
    assert_eq!((value(&few, "covered"), value(&few, "labels_left")), (1.0, 58.0));
    // More questions than there are.
    go(root, "many", &["input:table=builtin:bits16", "questions=50", "trials=1", "games=3"]).fine();
    assert_eq!(json(root.join("many/selection.json"))[0]["games"][0]["asked"].as_array().unwrap().len(), 18);
}
