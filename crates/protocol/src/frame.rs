//! The wire format: one JSON message with binary attachments.
//!
//! `"LSF1"`, then little-endian `u32` counts: length of the JSON, number of attachments, length of each attachment;
//! then the JSON, then the attachments. A worker posts the bytes as one `ArrayBuffer`, a server as one binary
//! WebSocket message, so the same code reads both.

use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

const MAGIC: &[u8; 4] = b"LSF1";
/// A frame has few attachments; more is an attack or a defect.
const MAX_BUFFERS: usize = 64;

/// A message with its attachments.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<T> {
    /// The message.
    pub message: T,
    /// Attachments, referred to by index.
    pub buffers: Vec<Vec<u8>>,
}

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Not the first bytes of a frame.
    Magic,
    /// Shorter or longer than its header says.
    Length {
        /// Bytes the header announces.
        announced: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Too many attachments.
    Buffers(usize),
    /// The JSON part is not the expected message.
    Json(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Magic => {
                f.write_str("not a Lowshot frame: it does not begin with LSF1 and its lengths")
            }
            FrameError::Length { announced, found } => {
                write!(f, "frame announces {announced} bytes and has {found}")
            }
            FrameError::Buffers(n) => {
                write!(f, "frame announces {n} attachments, at most {MAX_BUFFERS} are allowed")
            }
            FrameError::Json(error) => write!(f, "frame holds another message than expected: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl<T> Frame<T> {
    /// A message without attachments.
    pub fn new(message: T) -> Frame<T> {
        Frame { message, buffers: Vec::new() }
    }
}

impl<T: Serialize> Frame<T> {
    /// The bytes to send.
    ///
    /// # Errors
    /// [`FrameError::Json`] if the message cannot be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let json = serde_json::to_vec(&self.message).map_err(|e| FrameError::Json(e.to_string()))?;
        let body: usize = self.buffers.iter().map(Vec::len).sum();
        let mut out = Vec::with_capacity(12 + 4 * self.buffers.len() + json.len() + body);
        out.extend_from_slice(MAGIC);
        for length in [json.len(), self.buffers.len()].into_iter().chain(self.buffers.iter().map(Vec::len)) {
            let length = u32::try_from(length)
                .map_err(|_| FrameError::Length { announced: length as u64, found: u64::from(u32::MAX) })?;
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&json);
        for buffer in &self.buffers {
            out.extend_from_slice(buffer);
        }
        Ok(out)
    }
}

impl<T: DeserializeOwned> Frame<T> {
    /// Reads a frame; never allocates more than the bytes given.
    ///
    /// # Errors
    /// [`FrameError`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Frame<T>, FrameError> {
        let word = |at: usize| {
            let word = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).ok_or(FrameError::Magic)?;
            Ok(u32::from_le_bytes(word) as usize)
        };
        if bytes.get(..4) != Some(MAGIC.as_slice()) {
            return Err(FrameError::Magic);
        }
        let json_length = word(4)?;
        let count = word(8)?;
        if count > MAX_BUFFERS {
            return Err(FrameError::Buffers(count));
        }
        let lengths = (0..count).map(|i| word(12 + 4 * i)).collect::<Result<Vec<_>, FrameError>>()?;
        let header = 12 + 4 * count;
        let announced = lengths.iter().fold((header + json_length) as u64, |sum, &n| sum + n as u64);
        if announced != bytes.len() as u64 {
            return Err(FrameError::Length { announced, found: bytes.len() as u64 });
        }
        let (json, mut rest) = bytes[header..].split_at(json_length);
        let message = serde_json::from_slice(json).map_err(|e| FrameError::Json(e.to_string()))?;
        let mut buffers = Vec::with_capacity(count);
        for length in lengths {
            let (buffer, tail) = rest.split_at(length);
            buffers.push(buffer.to_vec());
            rest = tail;
        }
        Ok(Frame { message, buffers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn frame() -> Frame<Command> {
        Frame { message: Command::Hello { protocol: 1 }, buffers: vec![vec![], vec![1, 2, 3]] }
    }

    #[test]
    fn round_trip() {
        assert_eq!(Frame::decode(&frame().encode().unwrap()), Ok(frame()));
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_an_error_or_a_frame() {
        let bytes = frame().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(Frame::<Command>::decode(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                let _ = Frame::<Command>::decode(&bad).map_err(|e| e.to_string());
            }
        }
    }

    #[test]
    fn hostile_lengths_do_not_allocate() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.extend_from_slice(&[0xff; 8]);
        assert!(matches!(Frame::<Command>::decode(&bytes), Err(FrameError::Length { .. })));
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Frame::<Command>::decode(&bytes), Err(FrameError::Buffers(_))));
    }
}
