//! Whatever is wrong with a file, the reader says what, where and what would be right, within the memory it may use.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use lowshot_data::{Limits, Problem, read_features, read_idx_pair};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn problem(name: &str, bytes: &[u8]) -> Problem {
    problem_within(name, bytes, &Limits::default())
}

fn problem_within(name: &str, bytes: &[u8], limits: &Limits) -> Problem {
    let error = read_features(name, bytes, limits).expect_err(name);
    assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
    error.problem
}

/// The message of the fixture's problem must hold `wanted`.
#[track_caller]
fn refused(name: &str, wanted: &str) -> Problem {
    let problem = problem(name, &fixture(name));
    assert!(problem.to_string().contains(wanted), "{name}: {problem}");
    problem
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn arrays_that_are_missing_or_wrong() {
    let missing = refused("bad-names.npz", "holds `X`, `y`");
    assert!(matches!(missing, Problem::MissingArray { wanted: "features", .. }));
    refused("bad-3d.npz", "reshape(len(features), -1)");
    refused("bad-empty.npz", "at least one row");
    refused("bad-lengths.npz", "3 there, 4 wanted");
    refused("bad-mean.npz", "4 there, 3 wanted");
    refused("bad-complex.npz", "complex numbers");
    refused("bad-text.npz", "text of length 4");
    refused("bad-object.npz", "pickled");
    refused("bad-structured.npz", "dimensions");
    refused("bad-float-labels.npz", "labels.astype");
    let big = refused("bad-big-label.npz", "below 2^63");
    assert!(matches!(big, Problem::BadLabel { row: 3, .. }));
    assert_eq!(refused("bad-twice.npz", "once"), Problem::DuplicateName { name: "features.npy".to_owned() });
    refused("bad-bzip2.npz", "compression method 12");
    assert_eq!(refused("bad-bare.npy", "numpy.savez"), Problem::BareNpy);
}

#[test]
fn values_that_are_not_finite_are_named() {
    for (name, row, column) in [("bad-nan.npz", 2, 1), ("bad-inf.npz", 2, 1), ("bad-overflow.npz", 3, 0)] {
        let problem = refused(name, &format!("features[{row}, {column}]"));
        assert!(
            matches!(problem, Problem::NotFinite { array: "features", row: r, column: c, .. } if (r, c) == (row, column)),
            "{name}: {problem}"
        );
    }
    refused("bad-overflow.npz", "rescale");
}

#[test]
fn sizes_that_lie_reserve_nothing() {
    let huge = problem("bad-huge.npz", &fixture("bad-huge.npz"));
    assert!(matches!(huge, Problem::Truncated { needed: 12_000_000_000_000, found: 48, .. }), "{huge}");
    // The bomb is honest about its size, so the limit stops it before anything is unpacked.
    let limits = Limits { max_bytes: 1 << 20, ..Limits::default() };
    let bomb = problem_within("bad-bomb.npz", &fixture("bad-bomb.npz"), &limits);
    assert!(matches!(bomb, Problem::TooLarge { found: 64_000_000, limit: 1_048_576, .. }), "{bomb}");
    // One that declares more than deflate can hold is refused even without limits.
    let mut lying = fixture("bad-bomb.npz");
    let at = lying.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[at + 24..at + 28].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    assert!(problem("bad-bomb.npz", &lying).to_string().contains("more than deflate can hold"));
    let text = gzip("1,2,0\n".repeat(1 << 20).as_bytes());
    assert!(text.len() < 1 << 16, "a bomb packs well");
    let bomb = problem_within("bomb.csv.gz", &text, &limits);
    assert!(matches!(bomb, Problem::TooLarge { .. }), "{bomb}");
    let line = gzip(&vec![b'7'; 1 << 24]);
    assert!(matches!(problem_within("line.csv.gz", &line, &limits), Problem::TooLarge { .. }));
}

#[test]
fn limits_of_rows_and_columns() {
    let bytes = fixture("npz-f4.npz");
    for limits in [
        Limits { max_rows: 3, ..Limits::default() },
        Limits { max_dims: 2, ..Limits::default() },
        Limits { max_bytes: 47, ..Limits::default() },
        // The features fit, the labels beside them do not.
        Limits { max_bytes: 79, ..Limits::default() },
    ] {
        assert!(matches!(problem_within("npz-f4.npz", &bytes, &limits), Problem::TooLarge { .. }));
        let table = fixture("savetxt.csv");
        assert!(matches!(problem_within("savetxt.csv", &table, &limits), Problem::TooLarge { .. }));
    }
    let exact = Limits { max_rows: 4, max_dims: 3, max_bytes: 80 };
    assert!(read_features("npz-f4.npz", &bytes, &exact).is_ok());
}

#[test]
fn every_cut_of_a_binary_file_is_noticed() {
    for name in ["npz-f4.npz", "npz-packed.npz", "st-f32.safetensors", "savetxt-header.csv.gz"] {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            let problem = problem(name, &bytes[..length]);
            let noticed = matches!(problem, Problem::Empty)
                || ["cut off", "no end record", "cannot be unpacked", "one row"]
                    .iter()
                    .any(|said| problem.to_string().contains(said));
            assert!(noticed, "{name} cut to {length} bytes: {problem}");
        }
    }
}

#[test]
fn a_damaged_archive_is_noticed() {
    // One flipped bit in the stored values: only the checksum can tell.
    let mut bytes = fixture("npz-f4.npz");
    let at = bytes.windows(4).position(|bytes| bytes == 11.0_f32.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    assert!(problem("npz-f4.npz", &bytes).to_string().contains("checksum"));
    let mut packed = gzip(b"1,2,0\n3,4,1\n");
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    assert!(problem("x.csv.gz", &packed).to_string().contains("cannot be unpacked"));
}

#[test]
fn safetensors_headers_that_lie() {
    let say = |header: &str, data: &[u8]| problem("x.safetensors", &safetensors(header, data)).to_string();
    let mut huge = (1_u64 << 60).to_le_bytes().to_vec();
    huge.extend(b"{}");
    assert!(
        problem("x.safetensors", &huge).to_string().contains("claim a header of 1152921504606846976 bytes")
    );
    assert!(say("{\"features\":", b"").contains("not the JSON wanted"));
    assert!(say("{}", b"").contains("no arrays"));
    assert!(say("{}", b"1234").contains("4 bytes after the last tensor"));
    assert!(say("{\"features\": 3}", b"").contains("tensor `features`"));
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{\"dtype\": \"{dtype}\", \"shape\": {shape}, \"data_offsets\": {offsets}}}")
    };
    let one = |dtype, shape, offsets| format!("{{\"features\": {}}}", tensor(dtype, shape, offsets));
    assert!(say(&one("F32", "[1, 2]", "[0, 8]"), &[0; 4]).contains("cut off"));
    assert!(say(&one("F32", "[1, 2]", "[0, 4]"), &[0; 4]).contains("has 4 bytes"));
    assert!(say(&one("F32", "[4294967296, 4294967296]", "[0, 0]"), &[]).contains("has 0 bytes"));
    assert!(say(&one("F32", "[1, 1]", "[4, 0]"), &[0; 4]).contains("must start"));
    assert!(say(&one("F32", "[1, -1]", "[0, 4]"), &[0; 4]).contains("tensor `features`"));
    assert!(say(&one("F8_E4M3", "[1, 4]", "[0, 4]"), &[0; 4]).contains("F8_E4M3"));
    assert!(say(&one("F32", "[4]", "[0, 16]"), &[0; 16]).contains("two dimensions"));
    assert!(say(&one("F32", "[1, 1]", "[0, 4]"), &f32::NAN.to_le_bytes()).contains("features[0, 0] is NaN"));
    let twice = format!(
        "{{\"features\": {}, \"features\": {}}}",
        tensor("F32", "[1, 1]", "[0, 4]"),
        tensor("F32", "[1, 1]", "[4, 8]")
    );
    assert!(say(&twice, &[0; 8]).contains("`features` is there twice"));
    let overlap = format!(
        "{{\"features\": {}, \"labels\": {}}}",
        tensor("F32", "[1, 2]", "[0, 8]"),
        tensor("I32", "[1]", "[4, 8]")
    );
    assert!(say(&overlap, &[0; 8]).contains("must start"));
}

#[test]
fn names_and_bytes_must_agree() {
    let npz = fixture("npz-f4.npz");
    let st = fixture("st-f32.safetensors");
    let csv = fixture("savetxt.csv");
    for (name, bytes, by_name, by_content) in [
        ("x.csv", npz.as_slice(), "csv", "npz"),
        ("x.safetensors", &npz, "safetensors", "npz"),
        ("x.npz", &st, "npz", "safetensors"),
        ("x.npz", &csv, "npz", "csv"),
        ("x.npz", &fixture("bad-bare.npy"), "npz", "npy"),
        ("x.csv", &gzip(&csv), "csv", "csv.gz"),
        ("x.csv.gz", &csv, "csv.gz", "csv"),
    ] {
        assert_eq!(problem(name, bytes), Problem::FormatMismatch { by_name, by_content }, "{name}");
    }
    for (name, bytes) in
        [("", npz.as_slice()), ("features.bin", &st), ("table.txt", &csv), ("table", &gzip(&csv))]
    {
        let features = read_features(name, bytes, &Limits::default()).unwrap();
        assert_eq!(features.rows(), 4, "{name} is known by its bytes");
    }
}

#[test]
fn files_that_are_something_else() {
    for (name, bytes, wanted) in [
        ("x.npz", b"".as_slice(), "empty"),
        ("x.csv", b"<!DOCTYPE html><html>", "web page"),
        ("x.npz", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("x.csv", b"{\"features\": []}", "JSON"),
        ("x.pkl", b"\x80\x04\x95", "pickle"),
        ("x.h5", b"\x89HDF\r\n", "HDF5"),
        ("x.bin", b"\x01\x02\x03", "neither the name nor"),
        ("x.npz", b"\x01\x02\x03", "no end record"),
        ("x.csv", b"\x01\x02,\x03\n\xff,2\n", "UTF-8"),
        ("x.csv", b"\xff\xfe1\x00,\x00", "UTF-16"),
        ("x.npz.gz", &gzip(&fixture("npz-f4.npz")), "unpack it first"),
    ] {
        let problem = problem(name, bytes);
        assert!(problem.to_string().contains(wanted), "{name}: {problem}");
    }
}

#[test]
fn idx_pairs() {
    let images = |shape: &[u32], code: u8, data: &[u8]| {
        let mut bytes = vec![0, 0, code, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
        bytes.extend(data);
        bytes
    };
    let limits = Limits::default();
    let x = images(&[2, 1, 2], 8, &[1, 2, 3, 255]);
    let y = images(&[2], 8, &[7, 9]);
    let read = read_idx_pair(("x.idx3", &x), ("y.idx1.gz", &gzip(&y)), &limits).unwrap();
    assert_eq!((read.rows(), read.dims()), (2, 2));
    assert_eq!(read.data(), [1.0, 2.0, 3.0, 255.0]);
    assert_eq!(read.labels(), Some([7_i64, 9].as_slice()));
    let floats: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    let read = read_features("f.idx2", &images(&[1, 2], 0x0d, &floats), &limits).unwrap();
    assert_eq!((read.data(), read.labels()), ([0.5, -2.0].as_slice(), None));

    let pair = |x: &[u8], y: &[u8]| read_idx_pair(("x", x), ("y", y), &limits).unwrap_err().to_string();
    assert!(pair(&x, &images(&[3], 8, &[1, 2, 3])).starts_with("y: labels must be one per row"));
    assert!(pair(&x, &x).starts_with("y: `labels` has shape"));
    assert!(pair(&y, &y).contains("one dimension means labels"));
    assert!(pair(&x[..18], &y).starts_with("x: idx data of shape [2, 1, 2] is cut off"));
    assert!(pair(&gzip(&x[..18]), &y).contains("cut off"));
    assert!(pair(&images(&[2, 2], 8, &[0; 5]), &y).contains("bytes after the last"));
    assert!(pair(&images(&[u32::MAX; 4], 8, &[0; 4]), &y).contains("cut off"));
    assert!(pair(&images(&[1 << 30, 4], 8, &[0; 4]), &y).contains("cut off"));
    assert!(pair(&images(&[2, 2], 7, &[0; 4]), &y).contains("element type 0x07"));
    assert!(pair(&images(&[0, 2], 8, &[]), &y).contains("at least one row"));
    assert!(pair(&images(&[2, 0, u32::MAX, u32::MAX], 8, &[]), &y).contains("at least one row"));
    assert!(pair(b"\0\0", &y).contains("cut off"));
    assert!(pair(b"PK\x03\x04", &y).contains("two zero bytes"));
}
