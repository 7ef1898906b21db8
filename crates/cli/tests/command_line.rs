//! Help, lists, exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{METHOD, lowshot, run};
use lowshot_protocol::{MethodInfo, schema};
use serde_json::Value;
use std::process::Stdio;

#[test]
fn help_lists_what_there_is_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["--help"]).fine().out();
    for command in ["methods", "schema", "run", "merge", "record-frame", "serve", "doctor"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        assert!(run(dir.path(), &[command, "--help"]).fine().out().contains("Usage: lowshot"));
    }
    for missing in ["replay", "plan"] {
        assert!(!help.contains(&format!("\n  {missing} ")), "{help}");
    }
    assert!(run(dir.path(), &["--version"]).fine().out().starts_with("lowshot "));
}

#[test]
fn wrong_usage_is_exit_code_2_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    for (args, says) in [
        (&[][..], "Usage"),
        (&["fly"], "unrecognized subcommand"),
        (&["run"], "METHOD"),
        (&["run", "lloyd"], METHOD),
        (&["schema", "lloyd"], METHOD),
        (&["run", METHOD, "--set", "shot=5"], "shots"),
        (&["run", METHOD, "--set", "shots=0"], "from 1 to"),
        (&["run", METHOD, "--set", "shots"], "FIELD=VALUE"),
        (&["run", METHOD, "--set", "mode=lloyd"], "k-means"),
        (&["run", METHOD, "--input", "feature=x.npz"], "features"),
        (&["run", METHOD, "--input", "features"], "NAME=PATH"),
        (&["run", METHOD, "--input", "features=builtin:imagenet"], "builtin:digits"),
        (&["run", METHOD, "--device", "gpu"], "expected cpu, wgpu"),
        (&["run", METHOD, "--device", "cpu:1"], "expected cpu, wgpu"),
        (&["run", METHOD, "--seed", "-1"], "whole number"),
        (&["run", METHOD, "--seed", "1.5"], "whole number"),
        (&["run", METHOD, "--shard", "9/8"], "3/8"),
        (&["run", METHOD, "--config", "none.json"], "none.json"),
        (&["run", "--resume", "nowhere"], "nowhere"),
        (&["merge", "nowhere", "--out", "x"], "nowhere"),
        (&["serve", "--bind", "localhost"], "--bind"),
        (&["serve", "--token", "short"], "at least 16"),
        (&["serve", "--data-dir", "nowhere"], "nowhere"),
    ] {
        run(dir.path(), args).exits(2).says(says);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), usize::from(dir.path().join("runs").exists()));
}

#[test]
fn wrong_configuration_files_name_the_file_and_the_field() {
    let dir = tempfile::tempdir().unwrap();
    for (content, says) in [
        ("", "not JSON"),
        ("{\"shots\": 5,}", "line 1"),
        ("[5]", "JSON object"),
        ("{\"shots\": \"five\"}", "`shots`"),
        ("{\"shotz\": 5}", "`shotz`"),
        ("{\"method\": \"other\", \"config\": {}}", "`other`"),
    ] {
        std::fs::write(dir.path().join("c.json"), content).unwrap();
        run(dir.path(), &["run", METHOD, "--config", "c.json"]).exits(2).says(says);
    }
}

#[test]
fn methods_are_listed_for_people_and_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    let list = run(dir.path(), &["methods"]).fine().out();
    assert!(list.contains(METHOD) && list.contains("Few-shot"), "{list}");
    let json = run(dir.path(), &["methods", "--json"]).fine().out();
    let infos: Vec<MethodInfo> = serde_json::from_str(&json).unwrap();
    assert!(infos.iter().any(|info| info.card.id == METHOD));
    for info in infos {
        let fields = schema::fields(&info.schema);
        assert!(!fields.is_empty());
        schema::resolve(&fields, &Value::Null).unwrap();
        for preset in &info.card.presets {
            schema::resolve(&fields, &preset.config).unwrap();
        }
        let printed = run(dir.path(), &["schema", &info.card.id]).fine().out();
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), info.schema);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["methods", "--json"][..], &["--help"], &["schema", METHOD], &["doctor"]] {
        let mut child =
            lowshot(dir.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = common::Done(child.wait_with_output().unwrap());
        done.fine();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = lowshot(dir.path()).args(["methods", "--json"]).stdout(full).output().unwrap();
    common::Done(output).exits(1).says("standard output");
}

#[test]
fn doctor_always_has_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let text = run(dir.path(), &["doctor"]).fine().out();
    for what in ["build", "processor", "cpu", "memory", "cuda", "browser"] {
        assert!(text.contains(what), "{text}");
    }
    let json = run(dir.path(), &["doctor", "--json"]).fine().out();
    let findings: Vec<Value> = serde_json::from_str(&json).unwrap();
    let passed = |finding: &Value| {
        finding["what"] == "cpu" && finding["found"].as_str().is_some_and(|f| f.contains("self-test passed"))
    };
    assert!(findings.iter().any(passed), "{json}");
    for finding in &findings {
        let silent = finding["state"] != "ok" && finding["remedy"] == "" && finding["found"] == "";
        assert!(!silent, "{finding}");
    }
}
