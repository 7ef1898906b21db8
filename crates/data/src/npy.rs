//! npz: a zip archive of npy arrays, as `numpy.savez` and `numpy.savez_compressed` write it.
//!
//! Read: npy versions 1 to 3, both byte orders, C and Fortran order. Arrays of Python objects are refused: reading
//! them would mean running pickled code.
//!
//! Source: NumPy, `numpy.lib.format`.

use std::io::Read;

use crate::archive::Archive;
use crate::arrays::{Array, ArrayFile, features_of};
use crate::decode::{Dtype, Endian, read_exactly};
use crate::error::{Problem, shown};
use crate::features::Features;
use crate::limits::Limits;

const NPY: &str = "npy array";

/// First bytes of an npy array.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// NumPy itself refuses longer headers from strangers beyond 10,000 bytes; structured types need some more.
const LONGEST_HEADER: usize = 1 << 16;

/// Reads features from an npz file.
pub(crate) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Features, Problem> {
    features_of(&Npz(Archive::open(bytes)?), name, limits)
}

struct Npz<'a>(Archive<'a>);

impl ArrayFile for Npz<'_> {
    fn names(&self) -> Vec<String> {
        self.0.names().map(|name| name.strip_suffix(".npy").unwrap_or(name).to_owned()).collect()
    }

    fn array(&self, name: &str) -> Result<Option<Array<'_>>, Problem> {
        let Some((size, mut source)) = self.0.entry(&format!("{name}.npy"))? else { return Ok(None) };
        let (header, header_bytes) = read_header(&mut *source)?;
        let (dtype, endian) = match dtype_of(&header.descr) {
            Ok((dtype, endian)) => (Ok(dtype), endian),
            Err(found) => (Err(found), Endian::Little),
        };
        if let Ok(dtype) = &dtype {
            let count = header.shape.iter().try_fold(1_u64, |product, &n| product.checked_mul(n));
            let needed = count.and_then(|count| count.checked_mul(dtype.size() as u64));
            let found = size.saturating_sub(header_bytes);
            let what = || format!("array `{}` of shape {:?}", shown(name), header.shape);
            match needed {
                Some(needed) if needed == found => {}
                Some(needed) if needed < found => {
                    let extra = found - needed;
                    return Err(Problem::malformed(NPY, format!("{} is followed by {extra} bytes", what())));
                }
                _ => {
                    let needed = needed.unwrap_or(u64::MAX);
                    return Err(Problem::Truncated { what: what(), needed, found });
                }
            }
        }
        Ok(Some(Array { dtype, endian, fortran: header.fortran, shape: header.shape, source }))
    }
}

#[derive(Debug, PartialEq)]
struct Header {
    /// The type, or the first character of something more complicated.
    descr: String,
    fortran: bool,
    shape: Vec<u64>,
}

/// The header and the bytes it took.
fn read_header(source: &mut dyn Read) -> Result<(Header, u64), Problem> {
    let what = "the header of an array";
    let mut start = [0_u8; 8];
    read_exactly(source, &mut start, what)?;
    if !start.starts_with(MAGIC) {
        return Err(Problem::malformed(NPY, "it does not start with \\x93NUMPY"));
    }
    let (length, fixed) = match start[6] {
        1 => {
            let mut length = [0_u8; 2];
            read_exactly(source, &mut length, what)?;
            (usize::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0_u8; 4];
            read_exactly(source, &mut length, what)?;
            (usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX), 12)
        }
        version => {
            let what = format!("npy version {version}");
            return Err(Problem::Unsupported { what, remedy: "write it with numpy.savez" });
        }
    };
    if length > LONGEST_HEADER {
        let text = format!("its header claims {length} bytes; NumPy writes some 100");
        return Err(Problem::malformed(NPY, text));
    }
    let mut text = vec![0_u8; length];
    read_exactly(source, &mut text, what)?;
    let text = String::from_utf8_lossy(&text);
    let header = parse_header(&text).ok_or_else(|| {
        let wanted = "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 64), }";
        Problem::malformed(NPY, format!("its header is `{}`; wanted something like {wanted}", shown(&text)))
    })?;
    Ok((header, fixed + length as u64))
}

/// A NumPy type string as an element type, or what to call it in a message.
fn dtype_of(descr: &str) -> Result<(Dtype, Endian), String> {
    let mut characters = descr.chars();
    let endian = match characters.next() {
        Some('<' | '|' | '=') => Endian::Little,
        Some('>') => Endian::Big,
        _ => return Err("a structured type".to_owned()),
    };
    let code = characters.as_str();
    let dtype = match code {
        "b1" => Dtype::Bool,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "O" => return Err("Python objects (pickled, so not read)".to_owned()),
        "c8" | "c16" => return Err("complex numbers".to_owned()),
        _ => {
            let width = code.get(1..).and_then(|digits| digits.parse::<usize>().ok());
            match (code.get(..1), width) {
                (Some("S"), Some(width)) => Dtype::Bytes(width),
                (Some("U"), Some(width)) => Dtype::Text(width),
                _ => return Err(format!("type `{}`", shown(descr))),
            }
        }
    };
    Ok((dtype, endian))
}

/// Reads the Python dictionary of a header: three known keys, each once.
fn parse_header(text: &str) -> Option<Header> {
    let mut rest = Text(text);
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    rest.take('{')?;
    while rest.take('}').is_none() {
        let key = rest.string()?;
        rest.take(':')?;
        let fresh = match key {
            "descr" => descr.replace(rest.descr()?).is_none(),
            "fortran_order" => fortran.replace(rest.truth()?).is_none(),
            "shape" => shape.replace(rest.tuple()?).is_none(),
            _ => false,
        };
        if !fresh {
            return None;
        }
        if rest.take(',').is_none() {
            rest.take('}')?;
            break;
        }
    }
    rest.0.trim().is_empty().then_some(())?;
    Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
}

/// What is left of a header.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn take(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(wanted)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = self.0.trim_start().chars().next().filter(|&c| c == '\'' || c == '"')?;
        self.take(quote)?;
        let (text, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        Some(text)
    }

    /// A type string, or of a structured type just that it is one.
    fn descr(&mut self) -> Option<String> {
        if !self.0.trim_start().starts_with('[') {
            return self.string().map(str::to_owned);
        }
        let mut depth = 0_usize;
        let after = self.0.char_indices().find_map(|(at, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            (c == ']' && depth == 0).then_some(at + 1)
        })?;
        self.0 = self.0.get(after..)?;
        Some("[".to_owned())
    }

    fn truth(&mut self) -> Option<bool> {
        let text = self.0.trim_start();
        let (value, rest) = match text.strip_prefix("True") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("False")?),
        };
        self.0 = rest;
        Some(value)
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        self.take('(')?;
        while self.take(')').is_none() {
            let text = self.0.trim_start();
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            numbers.push(text.get(..end)?.parse().ok()?);
            // Python 2 wrote long integers with an L.
            self.0 = text.get(end..)?;
            self.0 = self.0.strip_prefix('L').unwrap_or(self.0);
            if self.take(',').is_none() {
                self.take(')')?;
                break;
            }
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, fortran: bool, shape: &[u64]) -> Option<Header> {
        Some(Header { descr: descr.to_owned(), fortran, shape: shape.to_vec() })
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      \n";
        assert_eq!(parse_header(text), header("<f4", false, &[3, 4]));
        let text = "{'descr': '|u1', 'fortran_order': True, 'shape': (7,), }\n";
        assert_eq!(parse_header(text), header("|u1", true, &[7]));
        let text = "{\"shape\": (3L, 4L), 'fortran_order': False, 'descr': '>i8'}";
        assert_eq!(parse_header(text), header(">i8", false, &[3, 4]));
        let text = "{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': ()}";
        assert_eq!(parse_header(text), header("[", false, &[]));
    }

    #[test]
    fn broken_headers_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': [[], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': ']', 'fortran_order': False, 'shape': (1,",
        ] {
            assert_eq!(parse_header(text), None, "{text}");
        }
    }
}
