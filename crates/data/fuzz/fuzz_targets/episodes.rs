#![no_main]
//! Few-shot tasks in JSON: what is accepted keeps the rules and survives being written and read again.

use libfuzzer_sys::fuzz_target;
use lowshot_data::episodes::write_episodes;
use lowshot_data::read_episodes;

fuzz_target!(|bytes: &[u8]| {
    let labels: Vec<i64> = (0..100).map(|row| row / 10).collect();
    let _ = read_episodes(bytes, labels.len(), Some(&labels));
    if let Ok(episodes) = read_episodes(bytes, 100, None) {
        assert!(episodes.iter().all(|episode| episode.check(100, None).is_ok()));
        let again = write_episodes(&episodes).ok().and_then(|bytes| read_episodes(&bytes, 100, None).ok());
        assert_eq!(again, Some(episodes));
    }
});
