//! The matrix: features, perhaps a column of ones, and the target as its last column.

use super::config::{Config, Shapes, Target, core_error, error};
use crate::{Context, Error, FeatureInput};
use lowshot_core::select::lp_sensitivity::Rows;
use lowshot_core::select::lp_sensitivity::generate::generate;
use lowshot_data::{Features, Tensor, TensorData, write_safetensors};

/// Bytes of generated rows up to which they are left as an artifact.
const GENERATED_BYTES: usize = 64 << 20;

/// Columns of a matrix of f32 values, widened to f64 as they are read.
pub struct Table {
    features: Features,
    /// Columns of the features that are used.
    columns: Vec<usize>,
    intercept: bool,
    target: Target,
    /// True for powers of one number, whose curve can be drawn.
    pub polynomial: bool,
}

/// Opens the input.
///
/// # Errors
/// Those of the reader; [`Error::Config`] for a target that is not there.
pub async fn open(config: &Config, cx: &mut Context) -> Result<Table, Error> {
    let mut target = config.target()?;
    let (features, polynomial) = match cx.features("features").await? {
        Some(FeatureInput::Features(features)) => (features, false),
        _ => (generated(config, cx)?, config.shape == Shapes::Polynomial),
    };
    let dims = features.dims();
    if target == Target::Last {
        target = Target::Column(dims - 1);
    }
    match target {
        Target::Column(column) if column >= dims => {
            let expected = format!("1 to {dims}, a feature of the input");
            return Err(error("target", format!("is {}", column + 1), expected).into());
        }
        Target::Labels if features.labels().is_none() => {
            let expected = "last, none, or the number of a feature: the input has no labels".to_owned();
            return Err(error("target", "is `labels`".to_owned(), expected).into());
        }
        _ => {}
    }
    let columns: Vec<usize> = (0..dims).filter(|column| target != Target::Column(*column)).collect();
    if columns.is_empty() && !config.intercept {
        let expected = "an input with a feature beside the target, or intercept = true".to_owned();
        return Err(error("target", format!("is `{}`, the only column", config.target), expected).into());
    }
    Ok(Table { features, columns, intercept: config.intercept, target, polynomial })
}

fn generated(config: &Config, cx: &Context) -> Result<Features, Error> {
    let (shape, noise) = config.generated();
    let rng = cx.rng("data");
    let made = generate(config.rows, shape, config.planted, noise, 1.0, &rng).map_err(core_error)?;
    let (rows, dims) = (made.rows(), made.columns());
    // In f32, as in the file that is left behind, so that a run on that file gives the same.
    let values: Vec<f32> = made.values().iter().map(|x| *x as f32).collect();
    if values.len() * 4 <= GENERATED_BYTES {
        let tensor = Tensor { name: "features", shape: &[rows, dims], data: TensorData::F32(&values) };
        let bytes = write_safetensors(&[tensor]).map_err(|e| Error::Files {
            what: "writing features.safetensors".to_owned(),
            problem: e.to_string(),
        })?;
        cx.artifact("features.safetensors", "application/octet-stream", bytes);
    }
    Features::new("builtin:synthetic", rows, dims, values)
        .map_err(|e| Error::read("features", "builtin:synthetic", &e))
}

impl Table {
    /// Whether there is something to predict.
    pub fn has_target(&self) -> bool {
        self.target != Target::None
    }

    /// Number of features, with the column of ones.
    pub fn width(&self) -> usize {
        self.columns.len() + usize::from(self.intercept)
    }

    /// Features only, for scoring without the target.
    pub fn without_target(&self) -> Untargeted<'_> {
        Untargeted(self)
    }

    /// Name of a row, if the labels name single rows.
    pub fn name(&self, row: usize) -> Option<String> {
        let names = self.features.label_names();
        if names.len() != self.features.rows() {
            return None;
        }
        self.features.labels()?.get(row).map(|label| self.features.label_name(*label))
    }

    fn fill(&self, row: usize, out: &mut [f64]) {
        let values = self.features.row(row).unwrap_or_default();
        for (out, column) in out.iter_mut().zip(&self.columns) {
            *out = values.get(*column).map_or(0.0, |x| f64::from(*x));
        }
        if self.intercept
            && let Some(out) = out.get_mut(self.columns.len())
        {
            *out = 1.0;
        }
    }

    fn target_of(&self, row: usize) -> f64 {
        match self.target {
            Target::Column(column) => {
                self.features.row(row).and_then(|values| values.get(column)).map_or(0.0, |x| f64::from(*x))
            }
            Target::Labels => {
                self.features.labels().and_then(|labels| labels.get(row)).map_or(0.0, |label| *label as f64)
            }
            Target::Last | Target::None => 0.0,
        }
    }
}

impl Rows for Table {
    fn rows(&self) -> usize {
        self.features.rows()
    }

    fn columns(&self) -> usize {
        self.width() + usize::from(self.has_target())
    }

    fn read(&self, start: usize, out: &mut [f64]) {
        let columns = self.columns().max(1);
        for (k, out) in out.chunks_exact_mut(columns).enumerate() {
            self.fill(start + k, out);
            if self.has_target()
                && let Some(last) = out.last_mut()
            {
                *last = self.target_of(start + k);
            }
        }
    }
}

/// A [`Table`] without its target.
pub struct Untargeted<'a>(&'a Table);

impl Rows for Untargeted<'_> {
    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn columns(&self) -> usize {
        self.0.width()
    }

    fn read(&self, start: usize, out: &mut [f64]) {
        let columns = self.columns().max(1);
        for (k, out) in out.chunks_exact_mut(columns).enumerate() {
            self.0.fill(start + k, out);
        }
    }
}
