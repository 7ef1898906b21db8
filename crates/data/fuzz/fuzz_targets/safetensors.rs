#![no_main]
//! safetensors: the header, the layout of the tensors, and the rules for `features`, `labels` and `base_mean`.

use libfuzzer_sys::fuzz_target;
use lowshot_data::{Limits, read_features};

const LIMITS: Limits = Limits { max_bytes: 1 << 22, max_rows: 1 << 16, max_dims: 1 << 16 };

fuzz_target!(|bytes: &[u8]| {
    if let Ok(features) = read_features("fuzz.safetensors", bytes, &LIMITS) {
        assert_eq!(features.rows() * features.dims(), features.data().len());
        assert!(features.data().iter().all(|value| value.is_finite()));
    }
});
