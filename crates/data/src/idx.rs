//! idx: the format of MNIST and its kin, optionally gzipped; images and labels in two files.
//!
//! Source: Y. LeCun, "The MNIST database", file formats: two zero bytes, an element type, the number of dimensions,
//! each dimension as a big-endian u32, then the elements, big-endian.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::arrays::{Array, read_labels, read_matrix};
use crate::decode::{Dtype, Endian, problem_of, read_exactly};
use crate::error::{Problem, ReadError};
use crate::features::Features;
use crate::format::is_gzip;
use crate::limits::Limits;

const IDX: &str = "idx";

/// Deflate's best ratio is 1032 : 1.
const MOST_PER_BYTE: u64 = 1032;

/// Reads an idx pair, images (or any array, a row each) and labels, each a file name and its bytes, gzipped or not.
///
/// Rows are flattened in the file's order; values are kept as they are (pixels stay 0 to 255).
///
/// # Errors
/// A [`ReadError`] that names the file of the two that is wrong.
pub fn read_idx_pair(
    (images_name, images): (&str, &[u8]),
    (labels_name, labels): (&str, &[u8]),
    limits: &Limits,
) -> Result<Features, ReadError> {
    let features =
        read(images_name, images, limits).map_err(|problem| ReadError::new(images_name, problem))?;
    let labelled = || {
        let (array, kind) = open(labels)?;
        if kind.dimensions != 1 {
            let wanted = "one dimension, a label per image".to_owned();
            return Err(Problem::WrongShape { array: "labels", found: array.shape, wanted });
        }
        read_labels(array, features, limits)
    };
    labelled().map_err(|problem| ReadError::new(labels_name, problem))
}

/// Reads the rows of one idx file, without labels.
pub(crate) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Features, Problem> {
    let (array, kind) = open(bytes)?;
    if kind.dimensions < 2 {
        let wanted = "two dimensions or more; one dimension means labels: give the images' file".to_owned();
        return Err(Problem::WrongShape { array: "features", found: array.shape, wanted });
    }
    let (rows, dims, data) = read_matrix(array, limits)?;
    Features::checked(name, rows, dims, data)
}

struct Kind {
    dimensions: usize,
}

/// The array with all dimensions after the first flattened into one.
fn open(bytes: &[u8]) -> Result<(Array<'_>, Kind), Problem> {
    let packed = is_gzip(bytes);
    let mut source: Box<dyn Read + '_> =
        if packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
    let mut start = [0_u8; 4];
    read_exactly(&mut *source, &mut start, "the idx header")?;
    let [0, 0, code, dimensions] = start else {
        return Err(Problem::malformed(IDX, "it does not start with two zero bytes, a type and a rank"));
    };
    let dtype = match code {
        0x08 => Dtype::U8,
        0x09 => Dtype::I8,
        0x0b => Dtype::I16,
        0x0c => Dtype::I32,
        0x0d => Dtype::F32,
        0x0e => Dtype::F64,
        _ => {
            return Err(Problem::malformed(
                IDX,
                format!("element type {code:#04x}; known are 08, 09, 0b to 0e"),
            ));
        }
    };
    let dimensions = usize::from(dimensions);
    let mut shape = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        let mut length = [0_u8; 4];
        read_exactly(&mut *source, &mut length, "the idx header")?;
        shape.push(u64::from(u32::from_be_bytes(length)));
    }
    let needed = shape.iter().try_fold(dtype.size() as u64, |product, &n| product.checked_mul(n));
    let at_most = match packed {
        true => (bytes.len() as u64).saturating_mul(MOST_PER_BYTE),
        false => bytes.len() as u64,
    };
    let header = 4 + 4 * dimensions as u64;
    match needed {
        Some(needed) if needed.saturating_add(header) <= at_most => {}
        _ => {
            let what = format!("idx data of shape {shape:?}");
            let (needed, found) = (needed.unwrap_or(u64::MAX), at_most.saturating_sub(header));
            return Err(Problem::Truncated { what, needed, found });
        }
    }
    let flat = match shape.as_slice() {
        [] => {
            return Err(Problem::malformed(
                IDX,
                "no dimensions; wanted two or more for images, one for labels",
            ));
        }
        [rows] => vec![*rows],
        // The product cannot overflow where the whole array's did not, unless there are no rows.
        [rows, rest @ ..] => vec![*rows, rest.iter().fold(1, |product: u64, &n| product.saturating_mul(n))],
    };
    let left = needed.unwrap_or(0);
    let source = Box::new(ToTheEnd { source, left });
    Ok((
        Array { dtype: Ok(dtype), endian: Endian::Big, fortran: false, shape: flat, source },
        Kind { dimensions },
    ))
}

/// Gives `left` bytes and then insists that nothing follows, so that a wrong header does not pass unseen.
struct ToTheEnd<'a> {
    source: Box<dyn Read + 'a>,
    left: u64,
}

impl Read for ToTheEnd<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.source.read(&mut buffer[..most])?;
        self.left -= read as u64;
        if self.left == 0 {
            // Reading on also makes gzip compare its checksum.
            read_nothing(&mut *self.source).map_err(std::io::Error::other)?;
        }
        Ok(read)
    }
}

fn read_nothing(source: &mut dyn Read) -> Result<(), Problem> {
    match source.read(&mut [0_u8]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Problem::malformed(IDX, "bytes after the last element; the header counts fewer")),
        Err(error) => Err(problem_of(error, "idx data")),
    }
}
