//! The outcome of a run.

use crate::{Shard, Table, Unit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The outcome of a run: everything needed to believe it and to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Method identifier.
    pub method: String,
    /// Results by name; the same for the same configuration, inputs and seed, but for those marked as timing.
    pub metrics: BTreeMap<String, Metric>,
    /// Tables for people.
    pub tables: Vec<Table>,
    /// The configuration with all defaults filled in.
    pub config: Value,
    /// The seed.
    pub seed: u64,
    /// What was read.
    pub inputs: BTreeMap<String, InputFacts>,
    /// The part of the work, if this is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// What it was computed on.
    pub device: DeviceInfo,
    /// Versions of Lowshot and of the tensor library.
    pub versions: BTreeMap<String, String>,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Largest bytes of tensors the method holds for its state (computed from shapes).
    pub state_bytes: u64,
    /// Remarks: limits, fallbacks, honest counter-results.
    pub notes: Vec<String>,
}

/// One number of a report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The value.
    pub value: f64,
    /// What it is counted in.
    #[serde(default)]
    pub unit: Unit,
    /// 95 % interval, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// True for a measured time or rate, which differs from run to run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timing: bool,
}

impl Metric {
    /// A number without an interval.
    pub fn new(value: f64, unit: Unit) -> Metric {
        Metric { value, unit, interval: None, timing: false }
    }

    /// A measured time or rate.
    pub fn timing(value: f64, unit: Unit) -> Metric {
        Metric { value, unit, interval: None, timing: true }
    }

    /// A number with its 95 % interval `value ± half`.
    pub fn with_half_width(value: f64, half: f64, unit: Unit) -> Metric {
        Metric { value, unit, interval: Some([value - half, value + half]), timing: false }
    }
}

/// What a run computes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// As on the command line: `cpu`, `wgpu:0`, `cuda:0`, `webgpu`.
    pub id: String,
    /// Name for people, e.g. the adapter's.
    pub name: String,
    /// True if a GPU interface is emulated on the CPU.
    pub software: bool,
    /// Why this device and not another, when that needs saying.
    #[serde(default)]
    pub note: String,
}

/// What an input was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFacts {
    /// `builtin:NAME`, a path, or a file name.
    pub source: String,
    /// One line: shape and kind.
    pub description: String,
    /// Digest of the bytes (FNV-1a, 64 bits, hexadecimal), to tell files apart; empty for generated data.
    pub digest: String,
}
