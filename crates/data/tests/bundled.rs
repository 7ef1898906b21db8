//! The bundled files are exactly those that `LICENSES.md` names, and the features in them are as good as measured
//! when they were made.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files must fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lowshot_data::bundled::{CATALOG, TABLES, embedded, find, find_table};
use lowshot_data::{CellTable, ClassIndex, Features, Limits, Problem, read_cells};
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bundled")
}

fn bytes_of(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn load(name: &str) -> Features {
    let set = find(name).unwrap();
    let files: Vec<Vec<u8>> = set.files.iter().map(|file| bytes_of(file)).collect();
    set.decode(&files).unwrap_or_else(|error| panic!("{error}"))
}

/// The rows of the table in `LICENSES.md`: file name to its other cells.
fn listed() -> BTreeMap<String, Vec<String>> {
    let text = String::from_utf8(bytes_of("LICENSES.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut cells =
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned());
        (cells.next().unwrap(), cells.collect())
    });
    rows.collect()
}

#[test]
fn every_file_is_listed_with_its_checksum() {
    let mut there = Vec::new();
    for part in ["", "licenses/"] {
        for entry in std::fs::read_dir(folder().join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() && entry.file_name() != "LICENSES.md" {
                there.push(format!("{part}{}", entry.file_name().to_str().unwrap()));
            }
        }
    }
    there.sort();
    let listed = listed();
    assert_eq!(listed.keys().cloned().collect::<Vec<_>>(), there);
    for (file, cells) in &listed {
        let bytes = bytes_of(file);
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(cells[0], bytes.len().to_string(), "{file}");
        assert_eq!(cells.last(), Some(&sum), "{file}");
    }
}

#[test]
fn the_catalog_and_the_list_agree() {
    let listed = listed();
    let mut used: Vec<&str> = CATALOG.iter().flat_map(|set| set.files).copied().collect();
    used.extend(TABLES.iter().map(|table| table.file));
    used.sort_unstable();
    used.dedup();
    let data: Vec<&str> =
        listed.keys().map(String::as_str).filter(|file| !file.starts_with("licenses/")).collect();
    assert_eq!(used, data);
    for set in CATALOG {
        // The license of a set is that of its first file, the values.
        assert_eq!(listed[set.files[0]][2], set.license, "{}", set.name);
    }
    for table in TABLES {
        assert_eq!(listed[table.file][2..4], [table.license, table.credit], "{}", table.name);
        assert!(find(table.name).is_none(), "one name is one thing");
    }
}

fn cells(name: &str) -> CellTable {
    let table = find_table(name).unwrap();
    read_cells(table.file, &bytes_of(table.file), &Limits::default()).unwrap()
}

#[test]
fn every_table_is_as_the_list_says() {
    for table in TABLES {
        let cells = cells(table.name);
        assert_eq!((cells.rows(), cells.columns().len()), (table.rows, table.columns), "{}", table.name);
    }
    assert!(find_table("digits").is_none());
    let zoo = cells("zoo");
    // A platypus lays eggs and gives milk.
    let row = zoo.column(0).position(|name| name == "platypus").unwrap();
    let of = |column: &str| zoo.row(row).unwrap()[zoo.find(column).unwrap()].as_str();
    assert_eq!((of("eggs"), of("milk"), of("legs"), of("type")), ("1", "1", "4", "mammal"));
    let territories = cells("territories");
    let row = territories.column(0).position(|name| name == "Japan").unwrap();
    let of = |column: &str| territories.row(row).unwrap()[territories.find(column).unwrap()].as_str();
    assert_eq!((of("island"), of("monarchy"), of("landlocked")), ("1", "1", "0"));
}

#[test]
fn every_set_decodes_as_the_catalog_says() {
    for set in CATALOG {
        let features = load(set.name);
        assert_eq!((features.rows(), features.dims()), (set.rows, set.dims), "{}", set.name);
        assert_eq!(features.source(), format!("builtin:{}", set.name));
        assert_eq!(features.label_names().len(), set.classes, "{}", set.name);
        let classes = features.class_index().unwrap();
        assert_eq!(classes.labels, (0..set.classes as i64).collect::<Vec<_>>(), "{}", set.name);
        let sizes: Vec<usize> = classes.rows.iter().map(Vec::len).collect();
        let (least, most) = match set.name {
            "digits" => (174, 183),
            _ => (set.rows / set.classes, set.rows / set.classes),
        };
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&least), Some(&most)), "{}", set.name);
        if ["omniglot-pixels", "fashion-mnist", "digits"].contains(&set.name) {
            let most = features.data().iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let least = features.data().iter().copied().fold(f32::INFINITY, f32::min);
            assert_eq!((least, most), (0.0, 1.0), "{}", set.name);
        }
    }
    assert!(find("mnist").is_none());
}

#[test]
fn first_rows_are_what_the_originals_show() {
    // The first digit of the table is a zero; its first line of pixels is 0,0,5,13,9,1,0,0.
    let digits = load("digits");
    let pixels: Vec<f32> = digits.row(0).unwrap()[..8].iter().map(|value| value * 16.0).collect();
    assert_eq!((pixels, digits.labels().unwrap()[0]), (vec![0., 0., 5., 13., 9., 1., 0., 0.], 0));
    // "How do I locate my card?"
    let banking = load("banking77-minilm");
    assert_eq!(banking.label_name(banking.labels().unwrap()[0]), "card_arrival");
    for row in [0, 1500, 3079] {
        let length: f32 = banking.row(row).unwrap().iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 0.02, "row {row} has squared length {length}");
    }
    // China: 9.6 million km², 1.37 billion people, 15 borders, 17.62 trillion dollars.
    let factbook = load("factbook");
    let china = factbook.labels().unwrap().iter().position(|l| factbook.label_name(*l) == "China").unwrap();
    let row = factbook.row(china).unwrap();
    assert_eq!((row[0], row[2], row[3], row[9]), (9596.96, 15.0, 1367.49, 17620.0));
    let omniglot = load("omniglot-features");
    assert_eq!(omniglot.label_name(omniglot.labels().unwrap()[20]), "Balinese/character02");
}

/// Small and fast, and the same everywhere (S. Vigna, SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    /// The first `count` places of `items` become a random choice.
    fn choose<'a, T>(&mut self, items: &'a mut [T], count: usize) -> &'a [T] {
        for i in 0..count {
            let other = i + self.below(items.len() - i);
            items.swap(i, other);
        }
        &items[..count]
    }
}

/// Rows minus the mean of all rows, scaled to length 1.
fn normalise(features: &Features) -> Vec<Vec<f32>> {
    let rows = features.rows();
    let mut mean = vec![0.0_f64; features.dims()];
    for row in 0..rows {
        mean.iter_mut()
            .zip(features.row(row).unwrap())
            .for_each(|(sum, &x)| *sum += f64::from(x) / rows as f64);
    }
    let centre = |row| -> Vec<f32> {
        features.row(row).unwrap().iter().zip(&mean).map(|(&x, &mean)| (f64::from(x) - mean) as f32).collect()
    };
    let scale = |row: Vec<f32>| {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter().map(|x| x / length).collect()
    };
    (0..rows).map(centre).map(scale).collect()
}

/// Accuracy of the nearest class mean over few-shot tasks with up to 15 queries a class, on rows centred by the mean of
/// all and scaled to length 1.
fn nearest_mean(features: &Features, ways: usize, shots: usize, episodes: usize) -> f64 {
    let ClassIndex { rows, .. } = features.class_index().unwrap();
    let normalised = normalise(features);
    let mut random = Random(1);
    let mut classes: Vec<usize> = (0..rows.len()).collect();
    let (mut right, mut all) = (0, 0);
    for _ in 0..episodes {
        let chosen: Vec<Vec<usize>> = random
            .choose(&mut classes, ways)
            .to_vec()
            .iter()
            .map(|&class| {
                let mut rows = rows[class].clone();
                let count = (shots + 15).min(rows.len());
                random.choose(&mut rows, count).to_vec()
            })
            .collect();
        let mean = |rows: &[usize]| {
            let mut mean = vec![0.0_f32; features.dims()];
            for &row in rows {
                let x = &normalised[row];
                mean.iter_mut().zip(x).for_each(|(sum, x)| *sum += x / rows.len() as f32);
            }
            mean
        };
        let means: Vec<Vec<f32>> = chosen.iter().map(|rows| mean(&rows[..shots])).collect();
        for (class, rows) in chosen.iter().enumerate() {
            for &row in &rows[shots..] {
                let x = &normalised[row];
                let distance =
                    |mean: &[f32]| -> f32 { mean.iter().zip(x).map(|(m, x)| (m - x) * (m - x)).sum() };
                let nearest = (0..ways).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
                right += usize::from(nearest == Some(class));
                all += 1;
            }
        }
    }
    right as f64 / all as f64
}

#[test]
fn nearest_mean_reaches_what_was_measured() {
    // From `fixtures/nearest_mean.py`, good to 0.005; 400 tasks here are good to 0.01, 200 of 20 ways likewise.
    for (name, ways, shots, measured) in [
        ("omniglot-features", 5, 1, 0.795),
        ("omniglot-features", 5, 5, 0.903),
        ("omniglot-features", 20, 1, 0.567),
        ("omniglot-pixels", 5, 1, 0.500),
        ("banking77-minilm", 5, 1, 0.880),
        ("banking77-minilm", 5, 5, 0.960),
        ("banking77-minilm", 20, 1, 0.728),
    ] {
        let episodes = if ways == 5 { 400 } else { 200 };
        let accuracy = nearest_mean(&load(name), ways, shots, episodes);
        println!("{name}, {ways}-way {shots}-shot: {accuracy:.3}, measured {measured}");
        assert!((accuracy - measured).abs() < 0.02, "{name} {ways}-way {shots}-shot: {accuracy}");
    }
}

#[test]
fn wrong_files_are_refused() {
    for set in CATALOG {
        let files: Vec<Vec<u8>> = set.files.iter().map(|file| bytes_of(file)).collect();
        let error = set.decode(&files[1..]).unwrap_err();
        assert!(matches!(error.problem, Problem::LengthMismatch { .. }), "{error}");
        for i in 0..files.len() {
            let mut spoiled = files.clone();
            let half = spoiled[i].len() / 2;
            spoiled[i].truncate(half);
            assert!(set.decode(&spoiled).is_err(), "{} cut in half", set.files[i]);
            spoiled[i] = b"<html>not found</html>".to_vec();
            assert!(set.decode(&spoiled).is_err(), "a page in place of {}", set.files[i]);
        }
    }
}

#[test]
fn embedded_files_are_the_bundled_ones() {
    for file in CATALOG.iter().flat_map(|set| set.files).chain(TABLES.iter().map(|table| &table.file)) {
        let bytes = bytes_of(file);
        let wanted = cfg!(feature = "embed").then_some(bytes.as_slice());
        assert_eq!(embedded(file), wanted, "{file}");
    }
    assert_eq!(embedded("../Cargo.toml"), None);
    for set in CATALOG {
        let decoded = set.decode_embedded().map(|features| features.unwrap().rows());
        assert_eq!(decoded, cfg!(feature = "embed").then_some(set.rows), "{}", set.name);
    }
}
