//! What an engine says.

use crate::{DeviceInfo, MethodInfo, Report, RunId, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Anything an engine sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub enum Message {
    /// Answer to [`crate::Command::Hello`]; also sent once when an engine is ready.
    Hello {
        /// Who answers.
        engine: EngineInfo,
        /// What it can run.
        methods: Vec<MethodInfo>,
    },
    /// The engine cannot work at all, e.g. no adapter or a failed self-test; the receiver should take another engine.
    Unavailable {
        /// Why and what to do.
        error: RunError,
    },
    /// Something happened in a run.
    Event {
        /// The run.
        run: RunId,
        /// What happened.
        event: Event,
    },
    /// A command could not be understood or is not allowed.
    Rejected {
        /// Why.
        error: RunError,
    },
}

/// Facts about an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// [`crate::PROTOCOL_VERSION`] of the engine.
    pub protocol: u32,
    /// Which kind of engine.
    pub kind: EngineKind,
    /// Version of Lowshot.
    pub version: String,
    /// What it computes on.
    pub device: DeviceInfo,
}

/// Where an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// WebAssembly on the CPU, in a worker of the page.
    WasmCpu,
    /// WebAssembly with WebGPU, in a worker of the page.
    WasmWebgpu,
    /// The native binary.
    Native,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began.
    Started {
        /// Method identifier.
        method: String,
        /// The configuration with all defaults filled in.
        config: Value,
        /// The seed.
        seed: u64,
        /// What it computes on.
        device: DeviceInfo,
        /// Versions of Lowshot and of the tensor library.
        versions: BTreeMap<String, String>,
    },
    /// How far it is.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all; 0 if not known.
        total: u64,
        /// What is counted, e.g. `episodes`.
        unit: String,
    },
    /// One value of a series.
    Scalar {
        /// Name of the series.
        series: String,
        /// Position.
        step: u64,
        /// Value.
        value: f64,
    },
    /// A picture, replacing the earlier one of the same id.
    View {
        /// Identifier from the method's card.
        id: String,
        /// The picture.
        view: View,
    },
    /// A file; its bytes are an attachment of the frame.
    Artifact {
        /// File name from the method's card.
        name: String,
        /// Media type.
        media_type: String,
        /// Index among the frame's attachments.
        buffer: usize,
    },
    /// A remark for people.
    Note {
        /// How urgent.
        level: NoteLevel,
        /// The remark.
        text: String,
    },
    /// The run is held at a tick (after a pause or a step).
    Held,
    /// The run ended well.
    Finished {
        /// The outcome.
        report: Box<Report>,
    },
    /// The run ended without a report.
    Failed {
        /// Why and what to do.
        error: RunError,
    },
}

/// How urgent a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteLevel {
    /// Good to know.
    Info,
    /// Results may not mean what they seem to.
    Warning,
}

/// An error a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Stable identifier in kebab case, e.g. `invalid-config`, `invalid-input`, `stopped`, `device`.
    pub code: String,
    /// What was wrong and where.
    pub message: String,
    /// What would be right; may be empty when the message says it.
    #[serde(default)]
    pub remedy: String,
    /// Configuration field or input concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " ({})", self.remedy) }
    }
}

impl std::error::Error for RunError {}

/// Unit of a metric or an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A plain number.
    #[default]
    None,
    /// A fraction, shown as per cent.
    Fraction,
    /// Seconds.
    Seconds,
    /// A number per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// A count.
    Count,
    /// Natural-logarithm units.
    Nats,
}
