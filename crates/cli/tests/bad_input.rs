//! Files that are wrong in every way: a message with a way out, exit code 2, and nothing left behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{METHOD, csv, run};
use std::fs;
use std::path::Path;

/// Runs on a file and wants a refusal that names the file and says `says`.
#[track_caller]
fn refused(root: &Path, file: &str, bytes: &[u8], more: &[&str], says: &str) {
    fs::write(root.join(file), bytes).unwrap();
    let input = format!("features={file}");
    let args = [
        &["run", METHOD, "--set", "episodes=4", "--set", "queries=3", "--input", &input, "--out", "out"],
        more,
    ]
    .concat();
    let done = run(root, &args).exits(2);
    let message = done.err().lines().last().unwrap_or_default().to_owned();
    assert!(message.starts_with("error: "), "{message}");
    assert!(message.to_lowercase().contains(&says.to_lowercase()), "{file}: wanted `{says}` in: {message}");
    assert!(!root.join("out").exists(), "{file}: a run directory was left behind");
}

#[test]
fn tables_that_are_wrong() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let good = csv(5, 10);
    let with = |line: &str| format!("{good}{line}\n").into_bytes();
    refused(root, "nan.csv", &with("NaN,1.0,2"), &[], "NaN");
    refused(root, "inf.csv", &with("inf,1.0,2"), &[], "inf");
    refused(root, "empty.csv", b"", &[], "empty");
    refused(root, "blank.csv", b"\n\n\n", &[], "blank.csv");
    refused(root, "ragged.csv", &with("1.0,2.0,3.0,4"), &[], "line 51");
    refused(root, "words.csv", &with("1.0,cat,3"), &[], "cat");
    refused(root, "label.csv", &with("1.0,2.0,1.5"), &[], "1.5");
    refused(root, "binary.csv", &[0, 159, 146, 150, 255, 0, 1], &[], "binary.csv");
}

#[test]
fn data_that_the_tasks_do_not_fit() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    refused(root, "one-class.csv", csv(1, 50).as_bytes(), &[], "class");
    refused(root, "few.csv", csv(5, 10).as_bytes(), &["--set", "shots=9"], "rows");
    refused(root, "ways.csv", csv(3, 10).as_bytes(), &["--set", "ways=4"], "3 classes");
}

#[test]
fn archives_that_are_wrong() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let floats: Vec<u8> = (0..40).flat_map(|i| (i as f32 * 0.5).to_le_bytes()).collect();
    let labels: Vec<u8> = (0..20).flat_map(|i| (i % 5i64).to_le_bytes()).collect();
    let features = npy("<f4", "(20, 2)", &floats);
    let whole = npz(&[("features.npy", &features), ("labels.npy", &npy("<i8", "(20,)", &labels))]);
    // The archive is right as it is, so that what follows is about what was done to it.
    fs::write(root.join("whole.npz"), &whole).unwrap();
    let args = ["run", METHOD, "--set", "episodes=2", "--set", "queries=3", "--input", "features=whole.npz"];
    run(root, &args).fine();

    for cut in [1, 30, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        refused(root, "cut.npz", &whole[..cut], &[], "cut.npz");
    }
    let without = npz(&[("features.npy", &features)]);
    refused(root, "no-labels.npz", &without, &[], "labels");
    let nothing = npz(&[("x.npy", &features), ("labels.npy", &npy("<i8", "(20,)", &labels))]);
    refused(root, "no-features.npz", &nothing, &[], "features");
    let short = npz(&[("features.npy", &features), ("labels.npy", &npy("<i8", "(19,)", &labels[..152]))]);
    refused(root, "short.npz", &short, &[], "19");
    let text = npy("<U1", "(20, 2)", &[0; 160]);
    let text = npz(&[("features.npy", &text), ("labels.npy", &npy("<i8", "(20,)", &labels))]);
    refused(root, "text.npz", &text, &[], "text of length 1");
    let huge = npy("<f4", "(1000000000000, 1000000)", &floats);
    let huge = npz(&[("features.npy", &huge), ("labels.npy", &npy("<i8", "(20,)", &labels))]);
    refused(root, "huge.npz", &huge, &[], "huge.npz");
    let flat = npy("<f4", "(40,)", &floats);
    let flat = npz(&[("features.npy", &flat), ("labels.npy", &npy("<i8", "(20,)", &labels))]);
    refused(root, "flat.npz", &flat, &[], "shape");
    refused(root, "bare.npy", &features, &[], "npz");
}

#[test]
fn safetensors_that_are_wrong() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    refused(root, "huge.safetensors", &[0xff; 64], &[], "huge.safetensors");
    let header = br#"{"features":{"dtype":"F32","shape":[99999999999,99999999],"data_offsets":[0,8]}}"#;
    let file = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 8]].concat();
    refused(root, "lies.safetensors", &file, &[], "lies.safetensors");
    refused(root, "cut.safetensors", &file[..20], &[], "cut.safetensors");
}

#[test]
fn things_that_are_no_files() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir(root.join("folder")).unwrap();
    for (input, says) in [
        ("features=none.npz", "no such file"),
        ("features=folder", "directory"),
        ("features=builtin:none", "builtin:"),
        ("episodes=none.json", "no such file"),
    ] {
        run(root, &["run", METHOD, "--input", input, "--out", "out"]).exits(2).says(says);
        assert!(!root.join("out").exists());
    }
}

#[test]
fn task_lists_that_are_wrong() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("mine.csv"), csv(5, 10)).unwrap();
    for (content, says) in [
        ("", "tasks.json"),
        ("{}", "list"),
        ("[]", "tasks.json"),
        (r#"[{"support": [0], "support_labels": [0, 1], "query": [2], "query_labels": [0]}]"#, "support"),
        (
            r#"[{"support": [0, 1], "support_labels": [0, 1], "query": [99999], "query_labels": [0]}]"#,
            "99999",
        ),
        (r#"[{"support": [-1], "support_labels": [0], "query": [2], "query_labels": [0]}]"#, "tasks.json"),
    ] {
        fs::write(root.join("tasks.json"), content).unwrap();
        let args =
            ["run", METHOD, "--input", "features=mine.csv", "--input", "episodes=tasks.json", "--out", "out"];
        run(root, &args).exits(2).says(says);
        assert!(!root.join("out").exists());
    }
}

/// A version 1 npy file.
fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
}

/// A zip archive without compression, as `numpy.savez` writes it.
fn npz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let size = (data.len() as u32).to_le_bytes();
        let (check, length) = (crc32(data).to_le_bytes(), (name.len() as u16).to_le_bytes());
        // Version, flags, method, time and date, then check value, both sizes, and length of the name.
        let facts =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], &check[..], &size, &size, &length, &[0, 0]].concat();
        let offset = (body.len() as u32).to_le_bytes();
        body.extend([b"PK\x03\x04".as_slice(), &facts, name.as_bytes(), data].concat());
        let tail = [&[0; 10], &offset[..]].concat();
        directory.extend([b"PK\x01\x02\x14\x00".as_slice(), &facts, &tail, name.as_bytes()].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let (size, start) = ((directory.len() as u32).to_le_bytes(), (body.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &size, &start, &[0, 0]].concat();
    [body, directory, end].concat()
}

fn crc32(data: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    };
    !data.iter().fold(!0, step)
}
