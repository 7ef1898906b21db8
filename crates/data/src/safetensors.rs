//! safetensors: a JSON header and raw little-endian arrays.
//!
//! The reader is written here rather than taken from the `safetensors` crate because a doubled name must be an error
//! and a length that no file has must not reserve memory; tests hold both directions against that crate.
//!
//! Source: the format description in the README of huggingface/safetensors.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::arrays::{Array, ArrayFile, features_of};
use crate::decode::{Dtype, Endian};
use crate::error::{Problem, WriteError, shown};
use crate::features::Features;
use crate::limits::Limits;

const FORMAT: &str = "safetensors";

/// The longest header the reference implementation takes.
const LONGEST_HEADER: u64 = 100_000_000;

/// Reads features from a safetensors file.
pub(crate) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Features, Problem> {
    features_of(&SafeTensors::open(bytes)?, name, limits)
}

struct SafeTensors<'a> {
    tensors: Vec<(String, Info)>,
    data: &'a [u8],
}

#[derive(Deserialize, Serialize)]
struct Info {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl<'a> SafeTensors<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Problem> {
        let found = bytes.len() as u64;
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(Problem::Truncated { what: "the header length".to_owned(), needed: 8, found });
        };
        let length = u64::from_le_bytes(*length);
        if length > LONGEST_HEADER {
            let what =
                format!("the first 8 bytes claim a header of {length} bytes, the most is {LONGEST_HEADER}");
            return Err(Problem::malformed(FORMAT, what));
        }
        let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let Some((header, data)) = split else {
            return Err(Problem::Truncated {
                what: "the header".to_owned(),
                needed: length,
                found: rest.len() as u64,
            });
        };
        let header: Header = serde_json::from_slice(header).map_err(|error| {
            Problem::malformed(FORMAT, format!("its header is not the JSON wanted: {error}"))
        })?;
        let mut names = BTreeSet::new();
        if let Some((name, _)) = header.0.iter().find(|(name, _)| !names.insert(name)) {
            return Err(Problem::DuplicateName { name: name.clone() });
        }
        let file = Self { tensors: header.0, data };
        file.check_layout()?;
        Ok(file)
    }

    /// The tensors must lie one after another and fill the rest of the file.
    fn check_layout(&self) -> Result<(), Problem> {
        let mut order: Vec<&(String, Info)> = self.tensors.iter().collect();
        order.sort_by_key(|(_, info)| info.data_offsets);
        let mut end = 0;
        for (name, info) in order {
            let [from, to] = info.data_offsets;
            if from != end || to < from {
                let what = format!(
                    "tensor `{}` lies at bytes {from}..{to}, but {end} is where it must start",
                    shown(name)
                );
                return Err(Problem::malformed(FORMAT, what));
            }
            end = to;
        }
        let there = self.data.len() as u64;
        if end > there {
            return Err(Problem::Truncated { what: "the tensor data".to_owned(), needed: end, found: there });
        }
        if end < there {
            let what = format!("{} bytes after the last tensor", there - end);
            return Err(Problem::malformed(FORMAT, what));
        }
        Ok(())
    }
}

impl ArrayFile for SafeTensors<'_> {
    fn names(&self) -> Vec<String> {
        self.tensors.iter().map(|(name, _)| name.clone()).collect()
    }

    fn array(&self, name: &str) -> Result<Option<Array<'_>>, Problem> {
        let Some((_, info)) = self.tensors.iter().find(|(given, _)| given == name) else { return Ok(None) };
        let dtype = dtype_of(&info.dtype);
        let [from, to] = info.data_offsets;
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let Some(data) = range.and_then(|(from, to)| self.data.get(from..to)) else {
            let found = self.data.len() as u64;
            return Err(Problem::Truncated { what: "the tensor data".to_owned(), needed: to, found });
        };
        if let Ok(dtype) = &dtype {
            let count = info.shape.iter().try_fold(1_u64, |product, &n| product.checked_mul(n));
            let needed = count.and_then(|count| count.checked_mul(dtype.size() as u64));
            if needed != Some(data.len() as u64) {
                let (name, bytes) = (shown(name), data.len());
                let what = format!(
                    "tensor `{name}` of shape {:?} and type {} has {bytes} bytes",
                    info.shape, info.dtype
                );
                return Err(Problem::malformed(FORMAT, what));
            }
        }
        let (shape, source) = (info.shape.clone(), Box::new(data));
        Ok(Some(Array { dtype, endian: Endian::Little, fortran: false, shape, source }))
    }
}

fn dtype_of(name: &str) -> Result<Dtype, String> {
    Ok(match name {
        "BOOL" => Dtype::Bool,
        "I8" => Dtype::I8,
        "I16" => Dtype::I16,
        "I32" => Dtype::I32,
        "I64" => Dtype::I64,
        "U8" => Dtype::U8,
        "U16" => Dtype::U16,
        "U32" => Dtype::U32,
        "U64" => Dtype::U64,
        "F16" => Dtype::F16,
        "BF16" => Dtype::Bf16,
        "F32" => Dtype::F32,
        "F64" => Dtype::F64,
        other => return Err(format!("type `{}`", shown(other))),
    })
}

/// The tensors of a header in order, doubled names included, without its metadata.
struct Header(Vec<(String, Info)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors with dtype, shape and data_offsets")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut tensors = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        let info = map.next_value().map_err(|error| {
                            de::Error::custom(format!("tensor `{}`: {error}", shown(&name)))
                        })?;
                        tensors.push((name, info));
                    }
                }
                Ok(Header(tensors))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The values of a tensor to be written, in row-major order.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit integers.
    I64(&'a [i64]),
    /// 32-bit integers.
    I32(&'a [i32]),
}

/// A named tensor to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// Its name, unique in the file and not `__metadata__`.
    pub name: &'a str,
    /// Its shape; the product is the number of values.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub data: TensorData<'a>,
}

/// Writes tensors as a safetensors file, values bit for bit (NaN included), 8-byte elements first so that all are
/// aligned, otherwise in the order given.
///
/// # Errors
/// A doubled or reserved name, or a shape whose product is not the number of values.
pub fn write_safetensors(tensors: &[Tensor<'_>]) -> Result<Vec<u8>, WriteError> {
    let mut names = BTreeSet::new();
    let mut order: Vec<&Tensor<'_>> = tensors.iter().collect();
    order.sort_by_key(|tensor| !matches!(tensor.data, TensorData::I64(_)));
    let mut header = serde_json::Map::new();
    let mut end = 0_u64;
    for tensor in &order {
        let wrong = |what: String| WriteError::Tensor { name: tensor.name.to_owned(), what };
        if tensor.name == "__metadata__" || !names.insert(tensor.name) {
            return Err(wrong("the name is reserved or taken; give each tensor its own name".to_owned()));
        }
        let (dtype, size, count) = match tensor.data {
            TensorData::F32(values) => ("F32", 4, values.len()),
            TensorData::I64(values) => ("I64", 8, values.len()),
            TensorData::I32(values) => ("I32", 4, values.len()),
        };
        if tensor.shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)) != Some(count) {
            return Err(wrong(format!("shape {:?} does not fit its {count} values", tensor.shape)));
        }
        let start = end;
        end += count as u64 * size;
        let shape = tensor.shape.iter().map(|&n| n as u64).collect();
        let info = Info { dtype: dtype.to_owned(), shape, data_offsets: [start, end] };
        header.insert(tensor.name.to_owned(), serde_json::to_value(info)?);
    }
    let mut header = serde_json::to_vec(&header)?;
    // Spaces up to a multiple of 8, so that the data is aligned where the file is mapped into memory.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + usize::try_from(end).unwrap_or(0));
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    for tensor in order {
        match tensor.data {
            TensorData::F32(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
            TensorData::I64(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
            TensorData::I32(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        }
    }
    Ok(bytes)
}
