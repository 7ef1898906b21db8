#![no_main]
//! csv and csv.gz: cells, headers, labels, and the unpacking.

use libfuzzer_sys::fuzz_target;
use lowshot_data::{Limits, read_features};

const LIMITS: Limits = Limits { max_bytes: 1 << 22, max_rows: 1 << 16, max_dims: 1 << 16 };

fuzz_target!(|bytes: &[u8]| {
    for name in ["fuzz.csv", "fuzz.csv.gz"] {
        if let Ok(features) = read_features(name, bytes, &LIMITS) {
            assert_eq!(features.labels().map(<[i64]>::len), Some(features.rows()));
            assert!(features.data().iter().all(|value| value.is_finite()));
        }
    }
});
