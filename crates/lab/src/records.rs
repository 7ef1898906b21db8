//! Per-item results on disk: a file of frames that survives being cut off anywhere.
//!
//! A run over many items (tasks, prompts, trials) records each finished item. Resuming a killed run skips what is
//! recorded; merging shards is resuming a run in which everything is recorded. A frame is index (`u64`), length
//! (`u32`), check value (`u64`, FNV-1a of index and bytes), bytes; all little-endian.

use lowshot_core::rng::fnv1a;
use std::collections::BTreeMap;

const HEADER: usize = 20;

/// The frame of one item, to be appended to a file.
pub fn encode(index: u64, bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + bytes.len());
    frame.extend_from_slice(&index.to_le_bytes());
    frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    frame.extend_from_slice(&check(index, bytes).to_le_bytes());
    frame.extend_from_slice(bytes);
    frame
}

fn check(index: u64, bytes: &[u8]) -> u64 {
    fnv1a(bytes) ^ fnv1a(&index.to_le_bytes())
}

/// Reads frames up to the first that is cut off or damaged; also gives the length of the good part, to which the
/// file has to be cut before more is appended.
pub fn decode(file: &[u8]) -> (BTreeMap<u64, Vec<u8>>, usize) {
    let mut records = BTreeMap::new();
    let mut at = 0;
    while let Some((index, bytes)) = frame(&file[at..]) {
        at += HEADER + bytes.len();
        records.insert(index, bytes.to_vec());
    }
    (records, at)
}

fn frame(file: &[u8]) -> Option<(u64, &[u8])> {
    let index = u64::from_le_bytes(file.get(..8)?.try_into().ok()?);
    let length = u32::from_le_bytes(file.get(8..12)?.try_into().ok()?) as usize;
    let expected = u64::from_le_bytes(file.get(12..HEADER)?.try_into().ok()?);
    let bytes = file.get(HEADER..HEADER.checked_add(length)?)?;
    (check(index, bytes) == expected).then_some((index, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_frames() {
        let frames = [encode(3, b"abc"), encode(4, b""), encode(9, b"longer text")];
        let file = frames.concat();
        for cut in 0..=file.len() {
            let (records, good) = decode(&file[..cut]);
            let whole = frames.iter().scan(0, |sum, f| {
                *sum += f.len();
                Some(*sum)
            });
            let ends: Vec<usize> = whole.filter(|end| *end <= cut).collect();
            assert_eq!(records.len(), ends.len());
            assert_eq!(good, ends.last().copied().unwrap_or(0));
        }
    }

    #[test]
    fn a_damaged_frame_ends_the_good_part() {
        let mut file = [encode(1, b"first"), encode(2, b"second")].concat();
        let first = encode(1, b"first").len();
        file[first + HEADER] ^= 1;
        let (records, good) = decode(&file);
        assert_eq!((records.len(), good), (1, first));
    }
}
