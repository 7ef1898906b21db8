#![no_main]
//! idx and idx.gz, alone and as a pair of images and labels.

use libfuzzer_sys::fuzz_target;
use lowshot_data::{Limits, read_features, read_idx_pair};

const LIMITS: Limits = Limits { max_bytes: 1 << 22, max_rows: 1 << 16, max_dims: 1 << 16 };

fuzz_target!(|files: (&[u8], &[u8])| {
    let _ = read_features("fuzz.idx3", files.0, &LIMITS);
    if let Ok(features) = read_idx_pair(("images", files.0), ("labels", files.1), &LIMITS) {
        assert_eq!(features.labels().map(<[i64]>::len), Some(features.rows()));
    }
});
