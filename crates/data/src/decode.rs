//! Numbers out of bytes: element types and the loop that reads them from a stream.

use std::io::{self, Read};

use crate::error::Problem;

/// An element type that arrays are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
    /// Fixed-width text of so many bytes, one byte a character (NumPy `S`).
    Bytes(usize),
    /// Fixed-width text of so many 4-byte characters (NumPy `U`).
    Text(usize),
}

impl Dtype {
    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Bytes(width) => width,
            Self::Text(width) => width.saturating_mul(4),
        }
    }

    /// The name for messages, as NumPy says it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::I8 => "int8".to_owned(),
            Self::I16 => "int16".to_owned(),
            Self::I32 => "int32".to_owned(),
            Self::I64 => "int64".to_owned(),
            Self::U8 => "uint8".to_owned(),
            Self::U16 => "uint16".to_owned(),
            Self::U32 => "uint32".to_owned(),
            Self::U64 => "uint64".to_owned(),
            Self::F16 => "float16".to_owned(),
            Self::Bf16 => "bfloat16".to_owned(),
            Self::F32 => "float32".to_owned(),
            Self::F64 => "float64".to_owned(),
            Self::Bytes(width) => format!("byte strings of length {width}"),
            Self::Text(width) => format!("text of length {width}"),
        }
    }
}

/// Byte order of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// Reads `count` elements of `size` bytes and hands each with its number to `each`.
///
/// Memory: one buffer of at most 64 KiB or one element.
pub(crate) fn for_each_element(
    source: &mut dyn Read,
    count: usize,
    size: usize,
    what: &'static str,
    mut each: impl FnMut(usize, &[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if size == 0 {
        return (0..count).try_for_each(|i| each(i, &[]));
    }
    let per_chunk = (65_536 / size).clamp(1, count.max(1));
    let mut buffer = vec![0_u8; per_chunk.saturating_mul(size)];
    let mut done = 0;
    while done < count {
        let now = per_chunk.min(count - done);
        let chunk = &mut buffer[..now * size];
        read_exactly(source, chunk, what)?;
        for (i, element) in chunk.chunks_exact(size).enumerate() {
            each(done + i, element)?;
        }
        done += now;
    }
    Ok(())
}

/// Fills `buffer`, or says how much of `what` was missing.
pub(crate) fn read_exactly(
    source: &mut dyn Read,
    buffer: &mut [u8],
    what: &'static str,
) -> Result<(), Problem> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => {
                let (needed, found) = (buffer.len() as u64, filled as u64);
                return Err(Problem::Truncated { what: what.to_owned(), needed, found });
            }
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(problem_of(error, what)),
        }
    }
    Ok(())
}

/// The problem behind a failed read: our own if a reader of ours raised it, else a broken compressed stream.
pub(crate) fn problem_of(error: io::Error, what: &'static str) -> Problem {
    if error.get_ref().is_some_and(|inner| inner.is::<Problem>()) {
        if let Some(Ok(problem)) = error.into_inner().map(|inner| inner.downcast::<Problem>()) {
            return *problem;
        }
        return Problem::malformed("compressed data", what);
    }
    Problem::malformed(
        "compressed data",
        format!("{what} cannot be unpacked ({error}); write the file again"),
    )
}

/// Reads `count` numbers as f64, which holds every element type but the largest 64-bit integers exactly.
pub(crate) fn for_each_number(
    source: &mut dyn Read,
    (dtype, endian): (Dtype, Endian),
    count: usize,
    what: &'static str,
    mut each: impl FnMut(usize, f64) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let big = endian == Endian::Big;
    // One loop per element type: the type is known outside of it.
    macro_rules! run {
        ($size:literal, $number:expr) => {
            for_each_element(source, count, $size, what, |i, bytes| {
                let mut raw = [0_u8; $size];
                raw.copy_from_slice(bytes);
                if big {
                    raw.reverse();
                }
                each(i, $number(raw))
            })
        };
    }
    match dtype {
        Dtype::Bool => run!(1, |raw: [u8; 1]| f64::from(u8::from(raw[0] != 0))),
        Dtype::I8 => run!(1, |raw| f64::from(i8::from_le_bytes(raw))),
        Dtype::U8 => run!(1, |raw| f64::from(u8::from_le_bytes(raw))),
        Dtype::I16 => run!(2, |raw| f64::from(i16::from_le_bytes(raw))),
        Dtype::U16 => run!(2, |raw| f64::from(u16::from_le_bytes(raw))),
        Dtype::F16 => run!(2, |raw| f64::from(f16_to_f32(u16::from_le_bytes(raw)))),
        Dtype::Bf16 => {
            run!(2, |raw| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(raw)) << 16)))
        }
        Dtype::I32 => run!(4, |raw| f64::from(i32::from_le_bytes(raw))),
        Dtype::U32 => run!(4, |raw| f64::from(u32::from_le_bytes(raw))),
        Dtype::F32 => run!(4, |raw| f64::from(f32::from_le_bytes(raw))),
        Dtype::F64 => run!(8, f64::from_le_bytes),
        Dtype::I64 => run!(8, |raw| i64::from_le_bytes(raw) as f64),
        Dtype::U64 => run!(8, |raw| u64::from_le_bytes(raw) as f64),
        Dtype::Bytes(_) | Dtype::Text(_) => Err(Problem::malformed("array", "text where numbers are wanted")),
    }
}

/// Reads `count` integers; `None` where `dtype` holds none.
pub(crate) fn for_each_integer(
    source: &mut dyn Read,
    (dtype, endian): (Dtype, Endian),
    count: usize,
    what: &'static str,
    mut each: impl FnMut(usize, i128) -> Result<(), Problem>,
) -> Option<Result<(), Problem>> {
    let big = endian == Endian::Big;
    let signed = match dtype {
        Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => true,
        Dtype::Bool | Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => false,
        _ => return None,
    };
    let size = dtype.size();
    Some(for_each_element(source, count, size, what, |i, bytes| {
        let mut raw = [0_u8; 16];
        raw[..size].copy_from_slice(bytes);
        if big {
            raw[..size].reverse();
        }
        if signed && raw[size - 1] & 0x80 != 0 {
            raw[size..].fill(0xff);
        }
        each(i, i128::from_le_bytes(raw))
    }))
}

/// IEEE 754 binary16 bits as f32, exactly (NaN payloads included).
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let mantissa = u32::from(bits & 0x3ff);
    match exponent {
        // Zero and subnormals: mantissa · 2⁻²⁴, exact in f32.
        0 => {
            let size = mantissa as f32 * f32::from_bits(0x3380_0000);
            f32::from_bits(size.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats() {
        // Values from IEEE 754-2019, binary16: 1, -2, largest, smallest normal, smallest subnormal, 1/3 rounded.
        let known: [(u16, f32); 7] = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x8000, -0.0),
        ];
        for (bits, value) in known {
            assert_eq!(f16_to_f32(bits).to_bits(), value.to_bits(), "{bits:#06x}");
        }
        for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00) {
            // The definition, in f64: subnormals have no leading one and exponent -14.
            let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
            let size = match exponent {
                0 => mantissa * 2_f64.powi(-14),
                _ => (1.0 + mantissa) * 2_f64.powi(exponent - 15),
            };
            let value = if bits & 0x8000 == 0 { size } else { -size };
            assert_eq!(f64::from(f16_to_f32(bits)).to_bits(), value.to_bits(), "{bits:#06x}");
        }
        assert_eq!(f16_to_f32(0xfc00), f32::NEG_INFINITY);
        assert!(f16_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn integers_of_every_width_and_order() {
        let read = |dtype, endian, mut bytes: &[u8]| {
            let mut got = vec![];
            let count = bytes.len() / Dtype::size(dtype);
            let each = |_, value| {
                got.push(value);
                Ok(())
            };
            for_each_integer(&mut bytes, (dtype, endian), count, "x", each).unwrap().unwrap();
            got
        };
        assert_eq!(read(Dtype::I8, Endian::Little, &[0xff, 1]), [-1, 1]);
        assert_eq!(read(Dtype::I16, Endian::Big, &[0xff, 0xfe, 0, 2]), [-2, 2]);
        assert_eq!(read(Dtype::U32, Endian::Little, &[0xff; 4]), [4_294_967_295]);
        assert_eq!(read(Dtype::U64, Endian::Little, &[0xff; 8]), [i128::from(u64::MAX)]);
        assert_eq!(read(Dtype::I64, Endian::Big, &i64::MIN.to_be_bytes()), [i128::from(i64::MIN)]);
    }
}
