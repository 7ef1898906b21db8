//! Files written by NumPy and by the reference safetensors library (see `fixtures/make_fixtures.py`) are read right.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::path::Path;

use lowshot_data::{Features, Limits, Tensor, TensorData, read_features, write_safetensors};
use safetensors::SafeTensors;

fn read(name: &str) -> Features {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let bytes = std::fs::read(&path).unwrap();
    read_features(name, &bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The matrix of all small fixtures: 10 · row + column.
const X: [f32; 12] = [0., 1., 2., 10., 11., 12., 20., 21., 22., 30., 31., 32.];
const Y: [i64; 4] = [3, 1, 3, 2];
/// Mean of the columns of `X`.
const MEAN: [f32; 3] = [15., 16., 17.];

fn assert_standard(name: &str) -> Features {
    let features = read(name);
    assert_eq!((features.rows(), features.dims()), (4, 3), "{name}");
    assert_eq!(features.data(), X, "{name}");
    assert_eq!(features.source(), name);
    features
}

#[test]
fn npz_of_every_number_type() {
    for dtype in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"] {
        let features = assert_standard(&format!("npz-{dtype}.npz"));
        assert_eq!(features.labels(), Some(Y.as_slice()), "{dtype}");
        assert!(features.label_names().is_empty() && features.base_mean().is_none());
    }
    for dtype in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"] {
        let features = assert_standard(&format!("npz-labels-{dtype}.npz"));
        assert_eq!(features.labels(), Some(Y.as_slice()), "{dtype}");
    }
}

#[test]
fn npz_of_every_layout() {
    let packed = assert_standard("npz-packed.npz");
    assert_eq!(packed.labels(), Some(Y.as_slice()));
    assert_eq!(packed.base_mean(), Some(MEAN.as_slice()));
    assert_eq!(assert_standard("npz-fortran.npz").labels(), Some(Y.as_slice()));
    assert_eq!(assert_standard("npz-big-endian.npz").labels(), Some(Y.as_slice()));
    let column = assert_standard("npz-column-labels.npz");
    assert_eq!((column.labels(), column.base_mean()), (Some(Y.as_slice()), Some(MEAN.as_slice())));
    assert_eq!(assert_standard("npz-no-labels.npz").labels(), None);
    assert_eq!(assert_standard("npz-extra.npz").labels(), Some(Y.as_slice()), "other arrays are left alone");
}

#[test]
fn npz_larger_than_one_buffer() {
    let features = read("npz-large.npz");
    assert_eq!((features.rows(), features.dims()), (1000, 20));
    assert!(features.data().iter().enumerate().all(|(i, &value)| value == i as f32));
    assert_eq!(features.row(999).map(|row| row[19]), Some(19_999.0));
    assert_eq!(features.row(1000), None);
}

#[test]
fn text_labels_are_numbered_in_sorted_order() {
    for (name, names) in [
        ("npz-text-labels.npz", ["a", "c", "über"]),
        ("npz-byte-labels.npz", ["a", "bb", "c"]),
        ("text-labels.csv", ["a", "b, the last", "c"]),
    ] {
        let features = assert_standard(name);
        assert_eq!(features.label_names(), names, "{name}");
        let original =
            if name.contains("npz-text") { ["c", "a", "c", "über"] } else { ["c", "a", "c", names[1]] };
        let given = features.labels().unwrap().iter().map(|&label| features.label_name(label));
        assert_eq!(given.collect::<Vec<_>>(), original, "{name}");
    }
}

#[test]
fn safetensors_of_every_number_type() {
    let features = assert_standard("st-f32.safetensors");
    assert_eq!((features.labels(), features.base_mean()), (Some(Y.as_slice()), Some(MEAN.as_slice())));
    for name in ["st-f64.safetensors", "st-f16.safetensors", "st-u8.safetensors"] {
        assert_eq!(assert_standard(name).labels(), Some(Y.as_slice()), "{name}");
    }
    // Every value of the matrix has at most 8 significant bits, so bfloat16 holds it exactly.
    assert_eq!(assert_standard("st-bf16.safetensors").labels(), None);
}

#[test]
fn tables_as_numpy_saves_them() {
    for name in ["savetxt.csv", "savetxt-header.csv.gz"] {
        assert_eq!(assert_standard(name).labels(), Some(Y.as_slice()), "{name}");
    }
}

#[test]
fn the_reference_library_reads_what_we_write() {
    let floats = [1.5_f32, -0.0, f32::NAN, f32::MIN_POSITIVE, 5.0, 6.0];
    let longs = [i64::MIN, 7];
    let ints = [i32::MAX, -1, 0];
    let tensors = [
        Tensor { name: "z ä\"\n", shape: &[2, 3], data: TensorData::F32(&floats) },
        Tensor { name: "labels", shape: &[2], data: TensorData::I64(&longs) },
        Tensor { name: "ints", shape: &[3, 1, 1], data: TensorData::I32(&ints) },
        Tensor { name: "none", shape: &[0, 5], data: TensorData::F32(&[]) },
    ];
    let bytes = write_safetensors(&tensors).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 4);
    let of = |name| file.tensor(name).unwrap();
    assert_eq!((of("z ä\"\n").shape(), of("z ä\"\n").dtype()), ([2, 3].as_slice(), safetensors::Dtype::F32));
    let raw: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(of("z ä\"\n").data(), raw);
    let raw: Vec<u8> = longs.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!((of("labels").data(), of("labels").dtype()), (raw.as_slice(), safetensors::Dtype::I64));
    let raw: Vec<u8> = ints.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!((of("ints").data(), of("ints").shape()), (raw.as_slice(), [3, 1, 1].as_slice()));
    assert_eq!(of("none").shape(), [0, 5]);
}

#[test]
fn we_read_what_we_write() {
    let labels = [5_i64, -3];
    let bytes = write_safetensors(&[
        Tensor { name: "features", shape: &[2, 2], data: TensorData::F32(&[1.0, 2.0, 3.0, 4.5]) },
        Tensor { name: "labels", shape: &[2], data: TensorData::I64(&labels) },
    ])
    .unwrap();
    let features = read_features("x.safetensors", &bytes, &Limits::default()).unwrap();
    assert_eq!(features.data(), [1.0, 2.0, 3.0, 4.5]);
    assert_eq!(features.labels(), Some(labels.as_slice()));
}

#[test]
fn tensors_that_cannot_be_written() {
    let tensor = |name, shape| Tensor { name, shape, data: TensorData::F32(&[1.0, 2.0]) };
    for (tensors, wanted) in [
        (vec![tensor("a", &[3])], "does not fit its 2 values"),
        (vec![tensor("a", &[usize::MAX, 2])], "does not fit its 2 values"),
        (vec![tensor("a", &[2]), tensor("a", &[2])], "taken"),
        (vec![tensor("__metadata__", &[2])], "reserved"),
    ] {
        let error = write_safetensors(&tensors).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
