//! The same run on every device: labels agree on at least 99.9 %, soft assignments to 1e-4.

use futures::executor::block_on;
use futures::future::LocalBoxFuture;
use lowshot_lab::device::{self, DeviceError, DeviceKind};
use lowshot_lab::{Control, Error, Platform, Resumed, Sink, run};
use lowshot_protocol::{Event, Report, RunRequest};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

/// Everything a run left.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Artifacts by name.
    pub artifacts: BTreeMap<String, Vec<u8>>,
}

struct Native(Instant);

impl Platform for Native {
    fn now(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn bundled<'a>(&'a self, file: &'a str) -> LocalBoxFuture<'a, Result<Vec<u8>, String>> {
        let bytes = lowshot_data::bundled::embedded(file).map(<[u8]>::to_vec);
        Box::pin(async move { bytes.ok_or_else(|| format!("{file} is not embedded")) })
    }

    fn read_path(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|e| e.to_string())
    }
}

#[derive(Default)]
struct Collect(RefCell<BTreeMap<String, Vec<u8>>>);

impl Sink for Collect {
    fn emit(&self, event: Event, buffers: Vec<Vec<u8>>) {
        if let (Event::Artifact { name, buffer, .. }, Some(bytes)) = (event, buffers.into_iter().next()) {
            assert_eq!(buffer, 0, "an artifact travels as its frame's only attachment");
            self.0.borrow_mut().insert(name, bytes);
        }
    }
}

/// Runs a request on a device.
///
/// # Errors
/// As [`lowshot_lab::run`].
pub fn run_on(kind: DeviceKind, request: RunRequest) -> Result<Outcome, Error> {
    let device = block_on(device::open(kind))?;
    let sink = Rc::new(Collect::default());
    let platform = Rc::new(Native(Instant::now()));
    let report = block_on(run(
        request,
        vec![],
        Resumed::default(),
        device,
        platform,
        sink.clone(),
        Control::default(),
    ))?;
    let artifacts = sink.0.take();
    Ok(Outcome { report, artifacts })
}

/// Opens a device for a test, or says why there is none; `LOWSHOT_REQUIRE` with the device's name turns that into a
/// failure.
///
/// # Panics
/// If the device is required and not there.
pub fn available(kind: DeviceKind, name: &str) -> bool {
    match block_on(device::open(kind)) {
        Ok(_) => true,
        Err(error @ (DeviceError::NotCompiled { .. } | DeviceError::Unavailable { .. })) => {
            let required =
                std::env::var("LOWSHOT_REQUIRE").is_ok_and(|list| list.split(',').any(|r| r.trim() == name));
            assert!(!required, "{name} is required by LOWSHOT_REQUIRE: {error}");
            eprintln!("not run on {name}: {error}");
            false
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Share of equal labels in two `predictions.json`.
///
/// # Panics
/// If they are not predictions of the same tasks.
pub fn agreement(a: &[u8], b: &[u8]) -> f64 {
    let read =
        |bytes: &[u8]| -> Vec<serde_json::Value> { serde_json::from_slice(bytes).expect("predictions.json") };
    let (a, b) = (read(a), read(b));
    assert_eq!(a.len(), b.len(), "number of tasks");
    let (mut same, mut all) = (0usize, 0usize);
    for (a, b) in a.iter().zip(&b) {
        let list = |v: &serde_json::Value| v["predicted"].as_array().cloned().unwrap_or_default();
        let (a, b) = (list(a), list(b));
        assert_eq!(a.len(), b.len(), "number of queries");
        same += a.iter().zip(&b).filter(|(a, b)| a == b).count();
        all += a.len();
    }
    assert!(all > 0, "there are predictions to compare");
    same as f64 / all as f64
}

/// Share of the rows in two `selection.json` that are in both.
///
/// # Panics
/// If they are no selections, or empty.
pub fn same_rows(a: &[u8], b: &[u8]) -> f64 {
    let read = |bytes: &[u8]| -> BTreeSet<u64> {
        let selection: serde_json::Value = serde_json::from_slice(bytes).expect("selection.json");
        let rows = selection["rows"].as_array().expect("rows of the selection");
        rows.iter().map(|row| row.as_u64().expect("a row number")).collect()
    };
    let (a, b) = (read(a), read(b));
    assert!(!a.is_empty(), "there are rows to compare");
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

/// Share of values of a tensor that differ by more than `tolerance` between two safetensors files.
///
/// # Panics
/// If the tensor is missing or of another shape.
pub fn differing(a: &[u8], b: &[u8], name: &str, tolerance: f32) -> f64 {
    let read = |bytes: &[u8]| -> Vec<f32> {
        let file = safetensors::SafeTensors::deserialize(bytes).expect("safetensors");
        let tensor = file.tensor(name).expect("the tensor");
        tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    let (a, b) = (read(a), read(b));
    assert_eq!(a.len(), b.len(), "size of {name}");
    a.iter().zip(&b).filter(|(a, b)| (*a - *b).abs() > tolerance).count() as f64 / a.len().max(1) as f64
}
