//! From named arrays (npz, safetensors) to features: one set of rules for both.

use std::io::Read;

use crate::decode::{Dtype, Endian, for_each_element, for_each_integer, for_each_number};
use crate::error::Problem;
use crate::features::Features;
use crate::labels::TextLabels;
use crate::limits::{Limits, out_of_memory, reserve};

const INTEGERS: &str = "integers (int64, int32, uint8, …) or text; convert with labels.astype(\"int64\")";
const NUMBERS: &str = "numbers (float32, float64, float16, bfloat16 or integers)";

/// One array of a file: what its header says, and its elements still to be read.
///
/// Whoever makes one has checked that `source` can give the product of `shape` elements.
pub(crate) struct Array<'a> {
    pub(crate) dtype: Result<Dtype, String>,
    pub(crate) endian: Endian,
    /// Column-major (NumPy's Fortran order).
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<u64>,
    pub(crate) source: Box<dyn Read + 'a>,
}

/// A file of named arrays.
pub(crate) trait ArrayFile {
    /// All names, in the file's order.
    fn names(&self) -> Vec<String>;
    /// The array of that name, if there is one.
    fn array(&self, name: &str) -> Result<Option<Array<'_>>, Problem>;
}

/// Reads `features`, `labels` and `base_mean`; only `features` must be there.
pub(crate) fn features_of(file: &dyn ArrayFile, name: &str, limits: &Limits) -> Result<Features, Problem> {
    let Some(array) = file.array("features")? else {
        return Err(Problem::MissingArray { wanted: "features", found: file.names() });
    };
    let (rows, dims, data) = read_matrix(array, limits)?;
    let mut features = Features::checked(name, rows, dims, data)?;
    if let Some(array) = file.array("labels")? {
        features = read_labels(array, features, limits)?;
    }
    if let Some(array) = file.array("base_mean")? {
        features = features.centred(read_mean(array, dims)?)?;
    }
    Ok(features)
}

/// Reads a matrix of numbers as f32: rows, columns and values, row after row.
pub(crate) fn read_matrix(
    mut array: Array<'_>,
    limits: &Limits,
) -> Result<(usize, usize, Vec<f32>), Problem> {
    let name = "features";
    let &[rows, dims] = array.shape.as_slice() else {
        let wanted = "two dimensions, rows × columns; convert with features.reshape(len(features), -1)";
        return Err(Problem::WrongShape { array: name, found: array.shape, wanted: wanted.to_owned() });
    };
    if rows == 0 || dims == 0 {
        let wanted = "at least one row and one column".to_owned();
        return Err(Problem::WrongShape { array: name, found: array.shape, wanted });
    }
    let dtype = number_type(&array, name)?;
    limits.check_matrix(rows, dims)?;
    let sizes = usize::try_from(rows).ok().zip(usize::try_from(dims).ok());
    let counted = sizes.and_then(|(rows, dims)| Some((rows, dims, rows.checked_mul(dims)?)));
    let Some((rows, dims, count)) = counted else { return Err(out_of_memory::<f32>(usize::MAX)) };
    let mut data = reserve(count)?;
    let source = &mut *array.source;
    let kind = (dtype, array.endian);
    if array.fortran {
        data.resize(count, 0.0);
        for_each_number(source, kind, count, name, |i, value| {
            let (row, column) = (i % rows, i / rows);
            data[row * dims + column] = finite(name, row, column, value)?;
            Ok(())
        })?;
    } else {
        for_each_number(source, kind, count, name, |i, value| {
            data.push(finite(name, i / dims, i % dims, value)?);
            Ok(())
        })?;
    }
    Ok((rows, dims, data))
}

/// Adds an array of labels to `features`.
pub(crate) fn read_labels(
    mut array: Array<'_>,
    features: Features,
    limits: &Limits,
) -> Result<Features, Problem> {
    let name = "labels";
    let rows = features.rows();
    // A column of labels is as clear as a list of them.
    let length = match *array.shape.as_slice() {
        [length] | [length, 1] => length,
        _ => {
            let wanted = format!("one dimension of {rows}, one label per row of features");
            return Err(Problem::WrongShape { array: name, found: array.shape, wanted });
        }
    };
    if length != rows as u64 {
        let what = "labels must be one per row of features".to_owned();
        return Err(Problem::LengthMismatch { what, found: length, wanted: rows as u64 });
    }
    limits.check_bytes(rows as u128 * (8 + features.dims() as u128 * 4))?;
    let wrong = |found| Problem::WrongDtype { array: name, found, wanted: INTEGERS };
    let dtype = array.dtype.map_err(wrong)?;
    let kind = (dtype, array.endian);
    let mut labels = reserve(rows)?;
    match dtype {
        Dtype::Bytes(_) | Dtype::Text(_) => {
            limits.check_bytes(dtype.size() as u128)?;
            let beside = rows as u128 * (8 + features.dims() as u128 * 4);
            let mut texts = TextLabels::default();
            for_each_element(&mut *array.source, rows, dtype.size(), name, |row, element| {
                let text = text_of(element, kind).ok_or_else(|| Problem::BadLabel {
                    row: row as u64,
                    value: -1,
                    wanted: "text in Unicode".to_owned(),
                })?;
                labels.push(texts.number(&text, row as u64));
                limits.check_bytes(beside + u128::from(texts.bytes()))
            })?;
            let (labels, names) = texts.sorted(&labels);
            features.labelled(labels, names)
        }
        _ => {
            let each = |row, value| {
                let label = i64::try_from(value).map_err(|_| Problem::BadLabel {
                    row: row as u64,
                    value,
                    wanted: "a label below 2^63".to_owned(),
                })?;
                labels.push(label);
                Ok(())
            };
            let read = for_each_integer(&mut *array.source, kind, rows, name, each);
            read.ok_or_else(|| wrong(dtype.name()))??;
            features.labelled(labels, Vec::new())
        }
    }
}

fn read_mean(mut array: Array<'_>, dims: usize) -> Result<Vec<f32>, Problem> {
    let name = "base_mean";
    // A mean kept with `keepdims=True` has a leading 1.
    let length = match *array.shape.as_slice() {
        [length] | [1, length] => length,
        _ => {
            let wanted = format!("one dimension of {dims}, one value per column of features");
            return Err(Problem::WrongShape { array: name, found: array.shape, wanted });
        }
    };
    if length != dims as u64 {
        let what = "base_mean must have one value per column of features".to_owned();
        return Err(Problem::LengthMismatch { what, found: length, wanted: dims as u64 });
    }
    let dtype = number_type(&array, name)?;
    let mut mean = reserve(dims)?;
    for_each_number(&mut *array.source, (dtype, array.endian), dims, name, |i, value| {
        mean.push(finite(name, 0, i, value)?);
        Ok(())
    })?;
    Ok(mean)
}

fn number_type(array: &Array<'_>, name: &'static str) -> Result<Dtype, Problem> {
    let wrong = |found| Problem::WrongDtype { array: name, found, wanted: NUMBERS };
    match array.dtype.clone() {
        Ok(dtype @ (Dtype::Bytes(_) | Dtype::Text(_))) => Err(wrong(dtype.name())),
        Ok(dtype) => Ok(dtype),
        Err(found) => Err(wrong(found)),
    }
}

/// `value` as f32, or where it is and what it is.
fn finite(array: &'static str, row: usize, column: usize, value: f64) -> Result<f32, Problem> {
    let rounded = value as f32;
    if rounded.is_finite() {
        return Ok(rounded);
    }
    Err(Problem::NotFinite { array, row: row as u64, column: column as u64, value })
}

/// A fixed-width text element without its padding.
fn text_of(element: &[u8], (dtype, endian): (Dtype, Endian)) -> Option<String> {
    if matches!(dtype, Dtype::Bytes(_)) {
        let end = element.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        return String::from_utf8(element[..end].to_vec()).ok();
    }
    let characters = element.chunks_exact(4).map(|raw| {
        let mut raw = [raw[0], raw[1], raw[2], raw[3]];
        if endian == Endian::Big {
            raw.reverse();
        }
        char::from_u32(u32::from_le_bytes(raw))
    });
    let text: Option<String> = characters.collect();
    text.map(|text| text.trim_end_matches('\0').to_owned())
}
