//! The same run on every device: of what it left, 99.9 % of the labels are equal, and numbers differ by 1e-4 at most.

use futures::executor::block_on;
use futures::future::LocalBoxFuture;
use lowshot_lab::device::{self, DeviceError, DeviceKind};
use lowshot_lab::{Control, Error, Platform, Resumed, Sink, run};
use lowshot_protocol::{Event, Report, RunRequest};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
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

/// How far the artifacts of two runs of one request agree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Whole numbers, words and truths that were compared: labels, chosen rows, counts.
    pub discrete: usize,
    /// Those of them that are equal.
    pub equal: usize,
    /// Numbers that were compared: assignments, scores.
    pub numbers: usize,
    /// Those of them that differ by more than 1e-4, of the larger value where it is above 1.
    pub far: usize,
}

impl Agreement {
    /// Compares what two runs left: JSON value by value (`.jsonl` line by line), `f32` tensors of safetensors, other
    /// files as wholes. Numbers of iterations are left out: when to stop can hang on the last digit.
    ///
    /// # Panics
    /// If the runs left different files, or a file cannot be read.
    pub fn of(a: &Outcome, b: &Outcome) -> Agreement {
        assert!(a.artifacts.keys().eq(b.artifacts.keys()), "the runs left different files");
        let mut found = Agreement::default();
        for ((name, a), b) in a.artifacts.iter().zip(b.artifacts.values()) {
            let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect(name);
            match name.rsplit('.').next() {
                Some("json") => found.json(&json(a), &json(b)),
                Some("jsonl") => {
                    let lines = |bytes: &[u8]| {
                        Value::Array(
                            bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(json).collect(),
                        )
                    };
                    found.json(&lines(a), &lines(b));
                }
                Some("safetensors") => found.tensors(a, b),
                _ => found.equal_if(a == b),
            }
        }
        found
    }

    /// Share of equal discrete values.
    pub fn share(&self) -> f64 {
        self.equal as f64 / self.discrete.max(1) as f64
    }

    /// Checks the bounds: 99.9 % of the discrete values are equal, and no number is far from its twin; where some
    /// discrete values differ, what depends on them differs altogether, so then 1 % of the numbers may.
    ///
    /// # Panics
    /// If a bound is broken, or nothing was compared.
    pub fn check(&self, title: &str) {
        println!(
            "{title}: {:.4} of {} labels agree, {} of {} numbers differ",
            self.share(),
            self.discrete,
            self.far,
            self.numbers
        );
        assert!(self.discrete + self.numbers > 0, "{title}: there is nothing to compare");
        assert!(self.share() >= 0.999, "{title}: only {} of the labels agree", self.share());
        let allowed = if self.equal == self.discrete { 0 } else { self.numbers / 100 };
        assert!(
            self.far <= allowed,
            "{title}: {} of {} numbers differ by more than 1e-4",
            self.far,
            self.numbers
        );
    }

    fn equal_if(&mut self, equal: bool) {
        self.discrete += 1;
        self.equal += usize::from(equal);
    }

    fn number(&mut self, a: f64, b: f64) {
        self.numbers += 1;
        self.far += usize::from((a - b).abs() > 1e-4 * a.abs().max(b.abs()).max(1.0));
    }

    fn json(&mut self, a: &Value, b: &Value) {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).for_each(|(a, b)| self.json(a, b));
            }
            (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
                let values = a.iter().zip(b.values()).filter(|((name, _), _)| *name != "iterations");
                values.for_each(|((_, a), b)| self.json(a, b));
            }
            (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => {
                self.number(x.as_f64().unwrap_or(f64::NAN), y.as_f64().unwrap_or(f64::NAN));
            }
            _ => self.equal_if(a == b),
        }
    }

    fn tensors(&mut self, a: &[u8], b: &[u8]) {
        let read = |bytes| safetensors::SafeTensors::deserialize(bytes).expect("safetensors");
        let (a, b) = (read(a), read(b));
        for (name, a) in a.tensors() {
            let b = b.tensor(&name).expect("the same tensors");
            assert_eq!(a.shape(), b.shape(), "shape of {name}");
            if a.dtype() == safetensors::Dtype::F32 {
                let values = |bytes: &[u8]| -> Vec<f64> {
                    bytes
                        .chunks_exact(4)
                        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                        .collect()
                };
                values(a.data()).into_iter().zip(values(b.data())).for_each(|(a, b)| self.number(a, b));
            } else {
                self.equal_if(a.data() == b.data());
            }
        }
    }
}
