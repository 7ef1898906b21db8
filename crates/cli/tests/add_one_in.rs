//! Choosing rows one at a time: every preset, records, transcripts, samples, and a language model that is not one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Done, lowshot, report, run, shards_join};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

const METHOD: &str = "add-one-in";

fn add(dir: &Path, args: &[&str]) -> Done {
    run(dir, &[&["run", METHOD, "--quiet"], args].concat())
}

fn selection(dir: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(dir.join("selection.json")).unwrap()).unwrap()
}

fn ours(dir: &Path) -> Vec<u64> {
    let all = selection(dir);
    let first = all.iter().find(|s| s["method"] == METHOD).unwrap();
    first["rows"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect()
}

fn samples(count: usize, quality: bool) -> String {
    let line = |n: usize| {
        let mut line =
            json!({"instruction": format!("Write about topic {n}."), "output": format!("Word{n} and more.")});
        if quality {
            line["quality"] = json!(n as f64 / count as f64);
        }
        format!("{line}\n")
    };
    (0..count).map(line).collect()
}

#[test]
fn every_preset_runs_and_chooses_what_it_should() {
    let root = tempfile::tempdir().unwrap();
    let methods = run(root.path(), &["methods", "--json"]).fine().out();
    let info: Vec<lowshot_protocol::MethodInfo> = serde_json::from_str(&methods).unwrap();
    let card = &info.iter().find(|info| info.card.id == METHOD).unwrap().card;
    for preset in card.presets.iter().filter(|preset| !preset.native) {
        let mut args = vec!["--set".to_owned(), "trials=2".to_owned(), "--out".to_owned(), preset.id.clone()];
        for (name, value) in preset.config.as_object().unwrap() {
            if name != "trials" {
                let value = value.as_str().map_or(value.to_string(), str::to_owned);
                args.extend(["--set".to_owned(), format!("{name}={value}")]);
            }
        }
        for (name, source) in &preset.inputs {
            args.extend(["--input".to_owned(), format!("{name}={source}")]);
        }
        add(root.path(), &args.iter().map(String::as_str).collect::<Vec<_>>()).fine();
        let dir = root.path().join(&preset.id);
        let report = report(&dir);
        let budget = report.config["budget"].as_u64().unwrap() as usize;
        assert_eq!(ours(&dir).into_iter().collect::<BTreeSet<_>>().len(), budget, "{}", preset.id);
        for view in &card.views {
            assert!(dir.join(format!("plots/{}.svg", view.id)).is_file(), "{}: {}", preset.id, view.id);
        }
        let lines = fs::read_to_string(dir.join("trace.jsonl")).unwrap().lines().count();
        assert_eq!(lines as f64, 2.0 * report.metrics["calls"].value, "{}", preset.id);
        for name in
            report.metrics.keys().filter(|name| !name.contains("_quality") && !name.contains("distance_"))
        {
            let known = card.metrics.iter().any(|spec| spec.name == *name);
            assert!(known || name.starts_with("quality_"), "{}: {name} is not on the card", preset.id);
        }
    }
    let gain = |preset: &str| {
        let metrics = report(&root.path().join(preset)).metrics;
        metrics["quality"].value - metrics["quality_random"].value
    };
    assert!(gain("biased-judge") < 0.8 * gain("quality-and-diversity"));
    assert!(gain("quality-only") > gain("quality-and-diversity"));
    let failing = report(&root.path().join("failing-judge")).metrics;
    assert_eq!(failing["calls"].value, 90.0 + failing["failures"].value);
    let notes = report(&root.path().join("quality-and-diversity")).notes.join(" ");
    assert!(
        notes.contains("does not win: top-quality") && notes.contains("farthest-point leaves no row"),
        "{notes}"
    );
}

#[test]
fn a_quality_judge_meets_the_closed_form() {
    let root = tempfile::tempdir().unwrap();
    let args = [
        "--set",
        "lambda_d=0",
        "--set",
        "initial=1",
        "--set",
        "trials=60",
        "--set",
        "compare=none",
        "--out",
        "a",
    ];
    add(root.path(), &args).fine();
    let metrics = report(&root.path().join("a")).metrics;
    // For 100 of 1,000 rows and ten options the table says 0.885938.
    assert!((metrics["fluid_limit"].value - 0.885938).abs() < 1e-6);
    let found = metrics["picked_percentile"];
    assert!((found.value - 0.885938).abs() < 0.005, "{found:?}");
}

#[test]
fn shards_join_to_the_whole_run_and_a_replay_repeats_it() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let set = [
        "--seed",
        "4",
        "--set",
        "trials=5",
        "--set",
        "budget=30",
        "--set",
        "failures=0.5",
        "--set",
        "retries=1",
    ];
    let base = [&["run", METHOD, "--quiet"], &set[..]].concat();
    shards_join(root, &base, &["selection.json", "trace.jsonl", "plots/points.svg"]);
    let whole = root.join("whole");
    assert!(report(&whole).metrics["gave_up"].value > 0.0);

    // The failures of the record are told again, not drawn anew.
    let replay = [&set[..5], &["budget=30", "--set", "retries=1", "--set", "judge=replay"]].concat();
    let replay = [&replay[..], &["--input", "transcript=whole/trace.jsonl"]].concat();
    add(root, &[&replay[..], &["--out", "again"]].concat()).fine();
    assert_eq!(selection(&root.join("again")), selection(&whole));
    let other = [&replay[2..], &["--seed", "5", "--out", "other"]].concat();
    add(root, &other).exits(2).says("another question was recorded there");
    let more = [&replay[..], &["--set", "trials=6", "--out", "more"]].concat();
    add(root, &more).exits(2).says("no answers of trial 5");
}

#[test]
fn samples_are_chosen_and_left_as_they_were_given() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("pool.jsonl"), samples(60, true)).unwrap();
    let args =
        ["--input", "samples=pool.jsonl", "--set", "budget=12", "--set", "initial=2", "--set", "trials=2"];
    add(root, &[&args[..], &["--set", "lambda_d=0", "--out", "a"]].concat()).fine();
    let chosen = fs::read_to_string(root.join("a/selected.jsonl")).unwrap();
    let lines: Vec<&str> = chosen.lines().collect();
    let pool = fs::read_to_string(root.join("pool.jsonl")).unwrap();
    let pool: Vec<&str> = pool.lines().collect();
    let expected: Vec<&str> = ours(&root.join("a")).iter().map(|row| pool[*row as usize]).collect();
    assert_eq!(lines, expected, "in the order of choice");
    assert!(report(&root.join("a")).metrics["quality"].value > 0.6);
    // Rows need features or texts, one each.
    fs::write(root.join("rows.csv"), common::csv(3, 10)).unwrap();
    add(root, &[&args[..], &["--input", "features=rows.csv", "--out", "b"]].concat())
        .exits(2)
        .says("30 rows, but there are 60 samples");
}

#[test]
fn what_cannot_be_used_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let refused = |args: &[&str], says: &str| {
        add(root, &[args, &["--out", "x"]].concat()).exits(2).says(says);
    };
    for (set, says) in [
        ("budget=1001", "1 to 1000"),
        ("budget=0", "budget"),
        ("initial=101", "initial"),
        ("shards=20", "initial"),
        ("options=0", "options"),
        ("noise=1.5", "noise"),
        ("judge=replay", "transcript"),
        ("judge=chat", "LOWSHOT_CHAT_URL"),
        ("quality=last-column", "quality"),
    ] {
        refused(&["--set", set], says);
    }
    let file = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
    file("half.jsonl", &(samples(3, true) + &samples(2, false)));
    refused(&["--input", "samples=half.jsonl"], "3 of 5 samples have a `quality`");
    file("bad.jsonl", "{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": 3}\n");
    refused(&["--input", "samples=bad.jsonl"], "line 2");
    file("empty.jsonl", "\n");
    refused(&["--input", "samples=empty.jsonl"], "has no line");
    refused(&["--set", "judge=replay", "--input", "transcript=bad.jsonl"], "line 1");
    // One class, equal rows.
    file("one.csv", &"1,2,0\n".repeat(40));
    let small = ["--set", "budget=10", "--set", "trials=1", "--input", "features=one.csv"];
    refused(&[&small[..], &["--set", "judge=loss"]].concat(), "1 class");
    for distance in ["euclidean", "cosine"] {
        let distance = format!("distance={distance}");
        add(root, &[&small[..], &["--set", &distance, "--out", "one", "--force"]].concat()).fine();
        assert_eq!(ours(&root.join("one")).into_iter().collect::<BTreeSet<_>>().len(), 10);
    }
    // A column of qualities: the rows with the high ones are chosen.
    let row = |n: usize| format!("{},{},{},{}\n", n % 7, n % 5, n, n % 2);
    file("quality.csv", &(0..100).map(row).collect::<String>());
    let set = ["--input", "features=quality.csv", "--set", "quality=last-column", "--set", "budget=10"];
    add(
        root,
        &[&set[..], &["--set", "initial=1", "--set", "lambda_d=0", "--set", "options=100", "--out", "q"]]
            .concat(),
    )
    .fine();
    let mut chosen = ours(&root.join("q"))[1..].to_vec();
    chosen.sort_unstable();
    assert!(chosen[0] >= 90, "{chosen:?}");
}

/// A chat server that picks the last option, but answers nonsense now and then, and counts.
fn judge() -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                length = line.strip_prefix("Content-Length: ").map_or(length, |n| n.trim().parse().unwrap());
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let user = body["messages"][1]["content"].as_str().unwrap();
            let last = user.lines().rfind(|l| l.starts_with("[[")).unwrap();
            let mut count = count.lock().unwrap();
            *count += 1;
            let reply = match *count % 5 {
                0 => "I cannot decide.".to_owned(),
                1 => "[[Z]]".to_owned(),
                2 => format!("[{}] it is.", &last[2..3]),
                _ => format!("[[{}]]\nIt is new.", &last[2..3]),
            };
            let body = json!({"choices": [{"message": {"content": reply}}]}).to_string();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    (url, asked)
}

#[test]
fn a_language_model_is_asked_kept_and_not_asked_again() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("pool.jsonl"), samples(40, false)).unwrap();
    let (url, asked) = judge();
    let go = |url: &str, cache: &str, more: &[&str]| {
        let args = ["run", METHOD, "--quiet", "--input", "samples=pool.jsonl", "--set", "judge=chat"];
        let args = [&args[..], &["--set", "trials=1", "--set", "budget=20", "--set", "compare=random"], more]
            .concat();
        let mut command = lowshot(root);
        command.args(args).env("LOWSHOT_CHAT_URL", url).env("LOWSHOT_CHAT_CACHE", root.join(cache));
        Done(command.env("LOWSHOT_CHAT_SECONDS", "2").output().unwrap())
    };
    go(&url, "replies.jsonl", &["--out", "a"]).fine();
    let metrics = report(&root.join("a")).metrics;
    let calls = *asked.lock().unwrap();
    assert_eq!(metrics["calls"].value, calls as f64);
    assert!(metrics["failures"].value > 0.0 && metrics["gave_up"].value == 0.0);
    assert_eq!(calls as f64, 10.0 + metrics["failures"].value);
    let trace = fs::read_to_string(root.join("a/trace.jsonl")).unwrap();
    assert!(trace.contains("I cannot decide.") && trace.contains("It is new."), "replies are in the trace");

    // From the file alone, with nobody behind the address.
    let gone = "http://127.0.0.1:9/";
    go(gone, "replies.jsonl", &["--out", "b"]).fine();
    assert_eq!((selection(&root.join("a")), *asked.lock().unwrap()), (selection(&root.join("b")), calls));
    // And as a transcript, without any address.
    let replay =
        ["--input", "samples=pool.jsonl", "--input", "transcript=a/trace.jsonl", "--set", "judge=replay"];
    add(root, &[&replay[..], &["--set", "trials=1", "--set", "budget=20", "--out", "c"]].concat()).fine();
    assert_eq!(ours(&root.join("a")), ours(&root.join("c")));

    // Killed half way: the answers so far are kept, and only the others are asked.
    let lines = fs::read_to_string(root.join("replies.jsonl")).unwrap();
    let half: String = lines.lines().take(6).flat_map(|line| [line, "\n"]).collect();
    fs::write(root.join("half.jsonl"), half).unwrap();
    go(gone, "half.jsonl", &["--out", "d"]).exits(1).says("the judge cannot go on");
    go(&url, "half.jsonl", &["--out", "d"]).fine();
    assert!(*asked.lock().unwrap() > calls);
    go(&url, "new.jsonl", &["--set", "calls=3", "--out", "e"]).exits(1).says("raise `calls`");
    go(&url, "new.jsonl", &["--set", "options=27", "--out", "f"]).exits(2).says("at most 26");
}
