//! What a user interface and an engine say to each other.
//!
//! Only `serde` types live here: [`MethodCard`]s describe methods, [`Command`]s go to an engine, [`Message`]s and
//! [`Event`]s come back, [`View`]s are pictures without a drawing, a [`Report`] is the outcome. The same types are
//! used by the page, the embedded element, the native binary and the server, so that no transport can be told from
//! another. [`schema`] turns a method's JSON schema into the fields from which forms, flags, URLs and documentation
//! tables are made; [`frame`] is the wire format: JSON with binary attachments.

mod card;
mod command;
mod event;
pub mod frame;
mod report;
pub mod schema;
pub mod share;
mod view;

pub use card::{
    ArtifactSpec, BundledInput, Direction, Family, Format, InputKind, InputSpec, MethodCard, MethodInfo,
    MetricSpec, Paper, Preset, ViewSpec,
};
pub use command::{Command, InputSource, RunId, RunRequest, Shard, ShardParseError};
pub use event::{EngineInfo, EngineKind, Event, Message, NoteLevel, RunError, Unit};
pub use report::{DeviceInfo, InputFacts, Metric, Report};
pub use view::{
    Axis, Bands, Bar, Bars, Cell, Edge, Graph, Heatmap, Histogram, Image, Lines, Overlay, Point, Role,
    Scatter, Series, Table, Token, Tokens, View,
};

/// Version of the messages; an engine and a user interface must agree on it.
pub const PROTOCOL_VERSION: u32 = 1;
