//! What a method says about itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything a user interface, the command line and the documentation need to present one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodCard {
    /// Stable identifier in kebab case, the name in commands and URLs.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// One line: what it is for.
    pub summary: String,
    /// The group it is listed under.
    pub family: Family,
    /// Where it comes from.
    pub paper: Paper,
    /// Named inputs, each with a bundled default.
    pub inputs: Vec<InputSpec>,
    /// Files a run leaves.
    pub artifacts: Vec<ArtifactSpec>,
    /// Pictures a run draws, in the order they are shown.
    pub views: Vec<ViewSpec>,
    /// Metrics of the report, in the order they are shown.
    pub metrics: Vec<MetricSpec>,
    /// Ready configurations; the first is what a visitor sees.
    pub presets: Vec<Preset>,
}

/// The groups of methods, also the folder names of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Few labelled examples.
    Fewshot,
    /// Active learning and data selection.
    Select,
    /// Memory-saving optimizers.
    Optim,
    /// Low-rank and sparse weights.
    Lowrank,
    /// Fine-tuning with few parameters.
    Finetune,
    /// Decoding with few tokens or calls.
    Decode,
    /// Attribution.
    Attribute,
    /// Solvers.
    Solve,
}

impl Family {
    /// Heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Family::Fewshot => "Few-shot clustering",
            Family::Select => "Active learning and data selection",
            Family::Optim => "Low-rank optimizers",
            Family::Lowrank => "Low-rank weights",
            Family::Finetune => "Fine-tuning",
            Family::Decode => "Decoding",
            Family::Attribute => "Attribution",
            Family::Solve => "Solvers",
        }
    }
}

/// Bibliographic source of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Title of the paper.
    pub title: String,
    /// Authors, comma separated.
    pub authors: String,
    /// Year of publication.
    pub year: u16,
    /// Where to read it.
    pub url: String,
}

/// One named input of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Name on the command line and in URLs.
    pub name: String,
    /// What it holds.
    pub kind: InputKind,
    /// One sentence for people.
    pub help: String,
    /// File formats accepted.
    pub formats: Vec<Format>,
    /// Bundled sets offered; the first is the default unless the input is optional.
    pub bundled: Vec<BundledInput>,
    /// True if a run may go without it.
    pub optional: bool,
}

impl InputSpec {
    /// Name of the bundled set used when nothing is given; `None` for optional inputs.
    pub fn default_bundled(&self) -> Option<&str> {
        if self.optional { None } else { self.bundled.first().map(|b| b.name.as_str()) }
    }
}

/// What an input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputKind {
    /// Feature vectors with labels.
    Features,
    /// Lists of tasks (support and query rows).
    Episodes,
    /// Labels.
    Labels,
    /// Plain text.
    Text,
    /// Pictures.
    Images,
    /// Rows and named columns.
    Table,
    /// Named tensors.
    Weights,
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// NumPy archive.
    Npz,
    /// Safetensors.
    Safetensors,
    /// Comma separated values, optionally gzipped.
    Csv,
    /// JSON.
    Json,
    /// One JSON value a line.
    Jsonl,
    /// Plain text.
    Txt,
}

impl Format {
    /// File name ending without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Npz => "npz",
            Format::Safetensors => "safetensors",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Txt => "txt",
        }
    }
}

/// A data set that comes with Lowshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundledInput {
    /// Name without the `builtin:` prefix.
    pub name: String,
    /// Name for people, with size.
    pub title: String,
}

impl BundledInput {
    /// A set with its name and title.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> BundledInput {
        BundledInput { name: name.into(), title: title.into() }
    }
}

/// One file a run leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactSpec {
    /// File name in the run directory and in the page's downloads.
    pub name: String,
    /// One sentence: what it holds.
    pub help: String,
}

impl ArtifactSpec {
    /// A file and what it holds.
    pub fn new(name: impl Into<String>, help: impl Into<String>) -> ArtifactSpec {
        ArtifactSpec { name: name.into(), help: help.into() }
    }
}

/// One picture a run draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewSpec {
    /// Identifier used in [`crate::Event::View`].
    pub id: String,
    /// Heading.
    pub title: String,
    /// One sentence: how to read it.
    pub help: String,
}

impl ViewSpec {
    /// A picture with its heading and how to read it.
    pub fn new(id: impl Into<String>, title: impl Into<String>, help: impl Into<String>) -> ViewSpec {
        ViewSpec { id: id.into(), title: title.into(), help: help.into() }
    }
}

/// One metric of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSpec {
    /// Key in the report.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Which way is better.
    pub better: Direction,
}

impl MetricSpec {
    /// A metric with its name for people.
    pub fn new(name: impl Into<String>, title: impl Into<String>, better: Direction) -> MetricSpec {
        MetricSpec { name: name.into(), title: title.into(), better }
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
    /// Neither.
    Neutral,
}

/// A ready configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Identifier in kebab case.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// One sentence: what one will see, also where the method does not win.
    pub summary: String,
    /// Fields that differ from the defaults.
    pub config: Value,
    /// Inputs that differ from the defaults, e.g. `features` → `builtin:digits`.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// True if it is meant for a native run, too large for a browser.
    #[serde(default)]
    pub native: bool,
}

impl Preset {
    /// Settings for a browser, with the default inputs.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        summary: impl Into<String>,
        config: Value,
    ) -> Preset {
        Preset {
            id: id.into(),
            title: title.into(),
            summary: summary.into(),
            config,
            inputs: BTreeMap::new(),
            native: false,
        }
    }

    /// The same on a bundled set, by its name without `builtin:`.
    #[must_use]
    pub fn on(mut self, input: &str, bundled: &str) -> Preset {
        self.inputs.insert(input.to_owned(), format!("builtin:{bundled}"));
        self
    }
}

/// A card with the JSON schema of its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodInfo {
    /// The card.
    pub card: MethodCard,
    /// JSON schema of the configuration, with defaults.
    pub schema: Value,
}
