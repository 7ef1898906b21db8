//! Pictures without a drawing: what a person looks at, not how it is drawn.

use serde::{Deserialize, Serialize};

/// A picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum View {
    /// Curves.
    Lines(Lines),
    /// Points in the plane, with classes and edges.
    Scatter(Scatter),
    /// Bars with intervals.
    Bars(Bars),
    /// A matrix as colours.
    Heatmap(Heatmap),
    /// Counts by bin.
    Histogram(Histogram),
    /// A picture with overlays.
    Image(Image),
    /// Text with weights.
    Tokens(Tokens),
    /// Rows and columns.
    Table(Table),
    /// Nodes and edges with given positions.
    Graph(Graph),
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Name, with unit.
    pub label: String,
    /// Logarithmic scale.
    #[serde(default)]
    pub log: bool,
    /// Fixed range; by default that of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

impl Axis {
    /// A linear axis over the range of the data.
    pub fn new(label: &str) -> Axis {
        Axis { label: label.to_owned(), log: false, range: None }
    }
}

/// Curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

/// One curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points in drawing order; all values are finite.
    pub points: Vec<[f64; 2]>,
    /// Lower and upper end of an interval at each point, drawn as a band; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub band: Vec<[f64; 2]>,
}

impl Series {
    /// A curve without a band.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>) -> Series {
        Series { name: name.into(), points, band: Vec::new() }
    }
}

/// Points in the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The points.
    pub points: Vec<Point>,
    /// Edges between points.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Area of each point relative to an ordinary one; empty where all are alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<f32>,
}

/// One point of a [`Scatter`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Horizontal position.
    pub x: f64,
    /// Vertical position.
    pub y: f64,
    /// True class (fill colour), if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
    /// Predicted class (outline colour), if there is a prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<u32>,
    /// What kind of point.
    pub role: Role,
}

/// What kind of point it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An unlabelled point.
    Query,
    /// A labelled point.
    Support,
    /// A prototype of a class.
    Prototype,
    /// A point that was chosen.
    Selected,
}

/// An edge between two points or nodes, by index.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// From.
    pub a: u32,
    /// To.
    pub b: u32,
}

/// Bars with intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bars {
    /// The value axis.
    pub y: Axis,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Name under the bar.
    pub name: String,
    /// Height.
    pub value: f64,
    /// Interval, drawn as a whisker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// True for the method that the run is about (drawn in the accent colour).
    #[serde(default)]
    pub highlight: bool,
}

/// A matrix as colours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Number of columns; `values` is row-major.
    pub columns: usize,
    /// The values.
    pub values: Vec<f32>,
    /// Names of the rows; may be empty.
    #[serde(default)]
    pub row_names: Vec<String>,
    /// Names of the columns; may be empty.
    #[serde(default)]
    pub column_names: Vec<String>,
}

/// Counts by bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Horizontal axis.
    pub x: Axis,
    /// Bin borders, one more than counts.
    pub edges: Vec<f64>,
    /// Counts.
    pub counts: Vec<f64>,
}

/// A picture with overlays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Grey (one byte a pixel) or RGB (three), row-major; the length tells which.
    pub pixels: Vec<u8>,
    /// Rectangles on top.
    #[serde(default)]
    pub overlays: Vec<Overlay>,
}

/// A rectangle on an [`Image`], in pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Weight from 0 to 1, shown as opacity.
    pub weight: f64,
}

/// Text with weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// The pieces, in reading order.
    pub tokens: Vec<Token>,
}

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The text.
    pub text: String,
    /// Weight from -1 to 1, shown as background.
    pub weight: f64,
}

/// Rows and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Heading.
    pub title: String,
    /// Column names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell of a [`Table`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<f64> for Cell {
    fn from(value: f64) -> Cell {
        Cell::Number(value)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

/// Nodes and edges with given positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Point>,
    /// The edges.
    pub edges: Vec<Edge>,
    /// Names of the nodes; may be empty.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names of the classes.
    pub classes: Vec<String>,
}
