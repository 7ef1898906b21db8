//! Which format a file has: by its name, by its bytes, and whether the two agree.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::error::{Problem, ReadError};
use crate::features::Features;
use crate::limits::Limits;
use crate::{idx, npy, safetensors, table};

/// A file format that features are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// NumPy archive of arrays `features`, `labels` (optional) and `base_mean` (optional).
    Npz,
    /// One NumPy array; known so that it can be refused with advice.
    Npy,
    /// safetensors with the same names as npz.
    Safetensors,
    /// Text table with the label last.
    Csv,
    /// The same, gzipped.
    CsvGz,
    /// MNIST's format.
    Idx,
    /// The same, gzipped.
    IdxGz,
}

impl Format {
    /// The usual file ending, without the dot.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Npz => "npz",
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
            Self::Idx => "idx",
            Self::IdxGz => "idx.gz",
        }
    }

    /// The format that a file name promises, if its ending is known.
    #[must_use]
    pub fn by_name(file_name: &str) -> Option<Self> {
        let name = file_name.to_ascii_lowercase();
        let (plain, packed) = match name.strip_suffix(".gz") {
            Some(plain) => (plain, true),
            None => (name.as_str(), false),
        };
        let idx = plain.ends_with("-ubyte")
            || plain.rsplit('.').next().is_some_and(|ending| ending.starts_with("idx") && ending.len() <= 4);
        let csv = plain.ends_with(".csv") || plain.ends_with(".tsv");
        match packed {
            true if csv => Some(Self::CsvGz),
            true if idx => Some(Self::IdxGz),
            false if csv => Some(Self::Csv),
            false if idx => Some(Self::Idx),
            false if plain.ends_with(".npz") => Some(Self::Npz),
            false if plain.ends_with(".npy") => Some(Self::Npy),
            false if plain.ends_with(".safetensors") => Some(Self::Safetensors),
            _ => None,
        }
    }
}

/// What the first bytes say.
enum Content {
    Known(Format),
    /// Recognised, and not a format that features are read from.
    Other(&'static str),
    Unknown,
}

/// Reads features from the bytes of a file, whatever its format.
///
/// Arrays by name (npz, safetensors): `features` N×D of any number type, `labels` N integers or text (optional),
/// `base_mean` D numbers (optional). csv and csv.gz: numbers with the label last. idx and idx.gz: one file alone gives
/// features without labels; see [`read_idx_pair`](crate::read_idx_pair). All numbers become f32, rounded to nearest.
///
/// # Errors
/// A [`ReadError`] that names the file, the place and what would be right: an unknown format or a name that does not
/// fit the bytes, missing or doubled arrays, wrong types or shapes, NaN or infinities, cut-off or damaged files, or
/// more than `limits` allow.
pub fn read_features(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<Features, ReadError> {
    read(file_name, bytes, limits).map_err(|problem| ReadError::new(file_name, problem))
}

fn read(file_name: &str, bytes: &[u8], limits: &Limits) -> Result<Features, Problem> {
    match format_of(file_name, bytes)? {
        Format::Npz => npy::read(file_name, bytes, limits),
        Format::Npy => Err(Problem::BareNpy),
        Format::Safetensors => safetensors::read(file_name, bytes, limits),
        Format::Csv => table::read(file_name, bytes, limits),
        Format::CsvGz => table::read(file_name, MultiGzDecoder::new(bytes), limits),
        Format::Idx | Format::IdxGz => idx::read(file_name, bytes, limits),
    }
}

fn format_of(file_name: &str, bytes: &[u8]) -> Result<Format, Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    match (Format::by_name(file_name), by_content(bytes)) {
        (_, Content::Other(what)) => {
            Err(Problem::UnknownFormat { what: format!("the bytes look like {what}") })
        }
        (Some(by_name), Content::Known(by_content)) if by_name != by_content => {
            Err(Problem::FormatMismatch { by_name: by_name.name(), by_content: by_content.name() })
        }
        (_, Content::Known(format)) => Ok(format),
        // The named format's reader says best what is broken.
        (Some(format), Content::Unknown) => Ok(format),
        (None, Content::Unknown) => Err(Problem::UnknownFormat {
            what: "neither the name nor the first bytes say which format this is".to_owned(),
        }),
    }
}

fn by_content(bytes: &[u8]) -> Content {
    if !is_gzip(bytes) {
        return by_plain_content(bytes);
    }
    let mut head = Vec::new();
    // A damaged stream gives what it has; the format's reader will say what is wrong.
    let _ = MultiGzDecoder::new(bytes).take(512).read_to_end(&mut head);
    match by_plain_content(&head) {
        Content::Known(Format::Csv) => Content::Known(Format::CsvGz),
        Content::Known(Format::Idx) => Content::Known(Format::IdxGz),
        Content::Known(_) => Content::Other("a gzip of an npz, npy or safetensors file: unpack it first"),
        other => other,
    }
}

/// Whether the bytes are a gzip stream (RFC 1952).
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

fn by_plain_content(bytes: &[u8]) -> Content {
    let head = &bytes[..bytes.len().min(512)];
    let header_length = head.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Content::Known(Format::Npz),
        [0, 0, 8 | 9 | 0x0b..=0x0e, 1..=8, ..] => Content::Known(Format::Idx),
        [0x80, 2..=5, ..] => Content::Other("a Python pickle, which could run code: save an npz"),
        _ if head.starts_with(npy::MAGIC) => Content::Known(Format::Npy),
        _ if head.starts_with(b"\x89HDF") => Content::Other("HDF5"),
        _ if head.starts_with(b"PAR1") => Content::Other("Parquet"),
        _ if head.get(8) == Some(&b'{') && header_length.is_some_and(|length| length <= 100_000_000) => {
            Content::Known(Format::Safetensors)
        }
        _ if looks_like_text(head) => by_text(head),
        _ => Content::Unknown,
    }
}

fn looks_like_text(head: &[u8]) -> bool {
    !head.is_empty() && head.iter().all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'))
}

fn by_text(head: &[u8]) -> Content {
    let text = head.trim_ascii_start().to_ascii_lowercase();
    if [b"<!".as_slice(), b"<html", b"<?xml"].iter().any(|start| text.starts_with(start)) {
        Content::Other("a web page, perhaps an error page saved under this name")
    } else if text.starts_with(b"version https://git-lfs") {
        Content::Other("a Git LFS pointer, not the file itself: run `git lfs pull`")
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        Content::Other("JSON")
    } else if text.iter().any(|byte| b",;\t".contains(byte)) {
        Content::Known(Format::Csv)
    } else {
        // The first letters of a cut-off zip are text too.
        Content::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, format) in [
            ("a.npz", Some(Format::Npz)),
            ("A.NPZ", Some(Format::Npz)),
            ("a.npy", Some(Format::Npy)),
            ("a.safetensors", Some(Format::Safetensors)),
            ("a.csv", Some(Format::Csv)),
            ("a.tsv.gz", Some(Format::CsvGz)),
            ("t10k-images-idx3-ubyte", Some(Format::Idx)),
            ("t10k-images-idx3-ubyte.gz", Some(Format::IdxGz)),
            ("t10k-images.idx3", Some(Format::Idx)),
            ("a.npz.gz", None),
            ("a.txt", None),
            ("npz", None),
            ("", None),
        ] {
            assert_eq!(Format::by_name(name), format, "{name}");
        }
    }
}
