//! Arbitrary bytes and damaged files never panic; what is read keeps the invariants; what is written is read back.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::path::Path;

use lowshot_data::episodes::write_episodes;
use lowshot_data::{
    Episode, Limits, Tensor, TensorData, read_episodes, read_features, read_idx_pair, write_safetensors,
};
use proptest::prelude::*;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_rows: 10_000, max_dims: 10_000 };

const NAMES: [&str; 8] = ["x.npz", "x.npy", "x.safetensors", "x.csv", "x.csv.gz", "x.idx3", "x.idx3.gz", "x"];

const FIXTURES: [&str; 9] = [
    "npz-f4.npz",
    "npz-packed.npz",
    "npz-fortran.npz",
    "npz-text-labels.npz",
    "st-f32.safetensors",
    "st-f16.safetensors",
    "text-labels.csv",
    "savetxt-header.csv.gz",
    "bad-twice.npz",
];

/// Reads under every name; whatever is accepted must be a true matrix.
fn read_every_way(bytes: &[u8]) {
    for name in NAMES {
        if let Ok(features) = read_features(name, bytes, &LIMITS) {
            assert_eq!(features.rows() * features.dims(), features.data().len());
            assert!(features.data().iter().all(|value| value.is_finite()));
            assert!(features.labels().is_none_or(|labels| labels.len() == features.rows()));
        }
    }
    let _ = read_idx_pair(("x", bytes), ("y", bytes), &LIMITS);
    let _ = read_episodes(bytes, 10, None);
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn few_shot_task() -> impl Strategy<Value = Episode> {
    (Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(), 2..6_usize, 1..10_usize).prop_map(
        |(rows, ways, queries)| Episode {
            support: rows[..ways].to_vec(),
            support_labels: (0..ways as i64).collect(),
            query: rows[ways..ways + queries].to_vec(),
            query_labels: (0..queries).map(|i| (i % ways) as i64).collect(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_every_way(&bytes);
        // The same behind each magic number, so that the format's reader gets it.
        for magic in [b"PK\x03\x04".as_slice(), b"\x1f\x8b\x08\x00", b"\0\0\x08\x02", b"\x20\0\0\0\0\0\0\0{\""] {
            read_every_way(&[magic, &bytes].concat());
        }
    }

    #[test]
    fn arbitrary_tables_never_panic(text in "[0-9a,;.\\-\"\n\te ]{0,200}") {
        read_every_way(text.as_bytes());
    }

    #[test]
    fn damaged_files_never_panic(
        which in 0..FIXTURES.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(FIXTURES[which]);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_every_way(&bytes);
    }

    #[test]
    fn written_tensors_are_read_back(
        (rows, dims, values) in (1..20_usize, 1..10_usize).prop_flat_map(|(rows, dims)| {
            let value = prop::num::f32::NORMAL | prop::num::f32::ZERO | prop::num::f32::SUBNORMAL;
            (Just(rows), Just(dims), proptest::collection::vec(value, rows * dims))
        }),
        seed in any::<i64>(),
    ) {
        let labels: Vec<i64> = (0..rows as i64).map(|row| seed.wrapping_mul(row + 1)).collect();
        let bytes = write_safetensors(&[
            Tensor { name: "features", shape: &[rows, dims], data: TensorData::F32(&values) },
            Tensor { name: "labels", shape: &[rows], data: TensorData::I64(&labels) },
        ]).unwrap();
        let features = read_features("x.safetensors", &bytes, &LIMITS).unwrap();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(features.data()), bits(&values));
        prop_assert_eq!(features.labels(), Some(labels.as_slice()));
    }

    #[test]
    fn written_tables_are_read_back(
        rows in proptest::collection::vec((prop::array::uniform3(-1e30_f32..1e30), any::<i32>()), 1..30),
    ) {
        let lines: Vec<String> =
            rows.iter().map(|([a, b, c], label)| format!("{a},{b:e},{c},{label}")).collect();
        let features = read_features("x.csv", lines.join("\n").as_bytes(), &LIMITS).unwrap();
        let values: Vec<f32> = rows.iter().flat_map(|(values, _)| *values).collect();
        prop_assert_eq!(features.data(), values);
        let labels: Vec<i64> = rows.iter().map(|(_, label)| i64::from(*label)).collect();
        prop_assert_eq!(features.labels(), Some(labels.as_slice()));
    }

    #[test]
    fn written_episodes_are_read_back(episodes in proptest::collection::vec(few_shot_task(), 1..8)) {
        let bytes = write_episodes(&episodes).unwrap();
        prop_assert_eq!(read_episodes(&bytes, 40, None).unwrap(), episodes.clone());
        // One row fewer than the largest row number needs.
        let rows = episodes.iter().flat_map(|e| e.support.iter().chain(&e.query)).max().copied().unwrap();
        prop_assert!(read_episodes(&bytes, rows, None).is_err());
    }

    #[test]
    fn damaged_episodes_never_panic(
        episodes in proptest::collection::vec(few_shot_task(), 1..3),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = write_episodes(&episodes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = read_episodes(&bytes, 40, None) {
            prop_assert!(read.iter().all(|episode| episode.check(40, None).is_ok()));
        }
    }
}
