//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::fewshot::Normalization;
use lowshot_core::fewshot::prototype_laplacian::{
    ClusterConfig, GraphKind, Mode, PrototypeLaplacianConfig as CoreConfig, SigmaNorm,
};
use lowshot_core::sampling::{Imbalance, TaskSpec};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done with the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Few-shot tasks: label the queries of many small tasks.
    #[default]
    FewShot,
    /// Cluster all rows without labels.
    Cluster,
}

/// What is run on the same tasks beside the chosen mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Nearest prototype, the baseline without any clustering.
    #[default]
    Baseline,
    /// Nearest prototype, label propagation and every main mode.
    All,
}

/// λ: a number, or chosen on validation tasks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Lambda {
    /// A fixed weight.
    Value(#[schemars(range(min = 0.0, max = 100.0))] f64),
    /// Chosen on validation tasks.
    Tune(Tune),
}

/// The word `tune`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tune {
    /// Chosen on validation tasks.
    Tune,
}

/// A limit of iterations, or the published one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Iterations {
    /// At most so many.
    Value(#[schemars(range(min = 1, max = 1_000_000))] f64),
    /// The published limit.
    Auto(Auto),
}

/// A relative tolerance, or the published one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Tolerance {
    /// Stop at this relative change of the energy.
    Value(#[schemars(range(min = 0.0, max = 1.0))] f64),
    /// The published tolerance.
    Auto(Auto),
}

/// The word `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// As published.
    Auto,
}

impl Iterations {
    fn value(self) -> Option<usize> {
        match self {
            Iterations::Value(n) => Some(n as usize),
            Iterations::Auto(_) => None,
        }
    }
}

impl Tolerance {
    fn value(self) -> Option<f64> {
        match self {
            Tolerance::Value(t) => Some(t),
            Tolerance::Auto(_) => None,
        }
    }
}

/// Configuration of `prototype-laplacian`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Few-shot tasks, or clustering of all rows.
    pub task: Task,
    /// Special case: what a prototype is, how near a point is to it, and whether the graph counts.
    pub mode: Mode,
    /// Weight of the Laplacian (few-shot usually 0.05 to 1.5, clustering 0.1 to 9.7), or `tune`: chosen on tasks of
    /// the `validation` input, or of half of the classes if there is none.
    #[schemars(extend("x-when" = {"mode": ["slk-means", "slk-ms", "slk-bo", "slk-km", "laplacian-shot", "kernel-k-means"]}))]
    pub lambda: Lambda,
    /// Classes of a task.
    #[schemars(range(min = 2, max = 200), extend("x-when" = {"task": ["few-shot"]}))]
    pub ways: usize,
    /// Labelled examples of each class.
    #[schemars(range(min = 1, max = 100), extend("x-when" = {"task": ["few-shot"]}))]
    pub shots: usize,
    /// Unlabelled examples of each class.
    #[schemars(range(min = 1, max = 1000), extend("x-when" = {"task": ["few-shot"]}))]
    pub queries: usize,
    /// Number of tasks.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-when" = {"task": ["few-shot"]}))]
    pub episodes: usize,
    /// Clusters; 0 takes the number of classes of the labels.
    #[schemars(range(min = 0, max = 10_000), extend("x-when" = {"task": ["cluster"]}))]
    pub clusters: usize,
    /// How the queries are spread over the classes: `none` (evenly), `dirichlet:2` (shares drawn for each task), or
    /// counts for each class.
    #[schemars(extend("examples" = ["none", "dirichlet:2", "55/5/5/5/5"], "x-when" = {"task": ["few-shot"]}))]
    pub imbalance: String,
    /// What is run on the same tasks beside the chosen mode.
    #[schemars(extend("x-when" = {"task": ["few-shot"]}))]
    pub compare: Compare,
    /// Un: features as they are; l2n: divided by their length; cl2n: the mean of the base classes subtracted first.
    #[schemars(extend("x-group" = "Features"))]
    pub normalization: Normalization,
    /// Move the queries by the difference of the support and query means.
    #[schemars(extend("x-group" = "Features", "x-when" = {"task": ["few-shot"]}))]
    pub query_shift: bool,
    /// Rectify the support means with the queries first (laplacian-shot, nearest-prototype).
    #[schemars(extend("x-group" = "Features", "x-when" = {"mode": ["laplacian-shot", "nearest-prototype"]}))]
    pub rectify: bool,
    /// Neighbours of the graph, counting the point itself: 3 means 2 edges a point.
    #[schemars(range(min = 2, max = 20), extend("x-group" = "Graph"))]
    pub knn: usize,
    /// Edges from each point to its neighbours (as published), or made symmetric.
    #[schemars(extend("x-group" = "Graph"))]
    pub graph: GraphKind,
    /// What the kernel width is estimated by: σ² = Σ w d² / 5N (official) or the mean squared edge length (edges).
    #[schemars(extend("x-group" = "Graph", "x-when" = {"mode": ["k-modes", "slk-ms", "slk-bo", "slk-km", "kernel-k-means"]}))]
    pub sigma_norm: SigmaNorm,
    /// Symmetric, positive semi-definite graph and soft means, so that the objective never increases.
    #[schemars(extend("x-group" = "Iterations"))]
    pub monotone: bool,
    /// Fix the support labels in every step (the stated model) instead of at the start only (the official code).
    #[schemars(extend("x-group" = "Iterations", "x-when" = {"task": ["few-shot"]}))]
    pub clamp_support: bool,
    /// Most bound updates in a row; `auto`: 600, laplacian-shot 20, clustering 1000.
    #[schemars(extend("x-group" = "Iterations"))]
    pub max_inner: Iterations,
    /// Most prototype steps; `auto`: 100.
    #[schemars(extend("x-group" = "Iterations"))]
    pub max_outer: Iterations,
    /// Relative change of the energy that ends the bound updates; `auto`: 1e-7, laplacian-shot and clustering 1e-6.
    #[schemars(extend("x-group" = "Iterations"))]
    pub tol_inner: Tolerance,
    /// Relative change of the energy that ends the prototype steps; `auto`: 1e-4, clustering 1e-5.
    #[schemars(extend("x-group" = "Iterations"))]
    pub tol_outer: Tolerance,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            task: Task::FewShot,
            mode: Mode::SlkMeans,
            lambda: Lambda::Value(0.7),
            ways: 5,
            shots: 1,
            queries: 15,
            episodes: 600,
            clusters: 0,
            imbalance: "none".to_owned(),
            compare: Compare::Baseline,
            normalization: Normalization::Cl2n,
            query_shift: true,
            rectify: false,
            knn: 3,
            graph: GraphKind::Directed,
            sigma_norm: SigmaNorm::Official,
            monotone: false,
            clamp_support: false,
            max_inner: Iterations::Auto(Auto::Auto),
            max_outer: Iterations::Auto(Auto::Auto),
            tol_inner: Tolerance::Auto(Auto::Auto),
            tol_outer: Tolerance::Auto(Auto::Auto),
        }
    }
}

/// How queries are spread over the classes of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// Evenly, or by drawn shares.
    Drawn(Imbalance),
    /// So many for each class.
    Counts(Vec<usize>),
}

impl Config {
    /// Checks what the schema cannot say.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn check(&self) -> Result<(), FieldError> {
        for (field, limit) in [("max_inner", self.max_inner), ("max_outer", self.max_outer)] {
            if let Iterations::Value(n) = limit
                && n.fract() != 0.0
            {
                let expected = "a whole number from 1 to 1000000 or `auto`".to_owned();
                return Err(FieldError { field: field.to_owned(), problem: format!("is {n}"), expected });
            }
        }
        self.spread().map(|_| ())
    }

    /// How queries are spread.
    ///
    /// # Errors
    /// [`FieldError`] named `imbalance`.
    pub fn spread(&self) -> Result<Spread, FieldError> {
        let error = |expected: String| FieldError {
            field: "imbalance".to_owned(),
            problem: format!("is `{}`", self.imbalance),
            expected,
        };
        let text = self.imbalance.trim();
        if text == "none" {
            return Ok(Spread::Drawn(Imbalance::None));
        }
        if let Some(number) = text.strip_prefix("dirichlet:") {
            return match number.trim().parse::<f64>() {
                Ok(concentration) if concentration > 0.0 && concentration <= 1e6 => {
                    Ok(Spread::Drawn(Imbalance::Dirichlet { concentration }))
                }
                _ => Err(error(
                    "dirichlet: with a number above 0 and up to 1000000, for example dirichlet:2".into(),
                )),
            };
        }
        let counts: Option<Vec<usize>> =
            text.split('/').map(|n| n.trim().parse().ok().filter(|n| *n <= 100_000)).collect();
        match counts {
            Some(counts) if counts.len() == self.ways && counts.iter().sum::<usize>() > 0 => {
                Ok(Spread::Counts(counts))
            }
            Some(_) => Err(error(format!("{} counts, one for each class, not all 0", self.ways))),
            None => Err(error("none, dirichlet:2, or counts like 55/5/5/5/5".to_owned())),
        }
    }

    /// The tasks to draw from a data set.
    ///
    /// # Errors
    /// [`FieldError`] named `imbalance`.
    pub fn spec(&self) -> Result<TaskSpec, FieldError> {
        let imbalance = match self.spread()? {
            Spread::Drawn(imbalance) => imbalance,
            Spread::Counts(_) => Imbalance::None,
        };
        Ok(TaskSpec { ways: self.ways, shots: self.shots, queries: self.queries, imbalance })
    }

    /// The solver's configuration for few-shot tasks with a given mode and λ.
    pub fn few_shot(&self, mode: Mode, lambda: f64) -> CoreConfig {
        let default = CoreConfig::default();
        CoreConfig {
            mode,
            lambda,
            knn: self.knn,
            // The baseline looks at one query at a time, so it cannot know the mean of the queries.
            query_shift: self.query_shift && (mode == self.mode || mode != Mode::NearestPrototype),
            rectify: self.rectify && mode == self.mode,
            graph: self.graph,
            monotone: self.monotone,
            clamp_support: self.clamp_support,
            sigma_norm: self.sigma_norm,
            max_inner: self.max_inner.value(),
            tol_inner: self.tol_inner.value(),
            max_outer: self.max_outer.value().unwrap_or(default.max_outer),
            tol_outer: self.tol_outer.value().unwrap_or(default.tol_outer),
            ..default
        }
    }

    /// The solver's configuration for clustering into `clusters` with a given λ.
    pub fn cluster(&self, clusters: usize, lambda: f64) -> ClusterConfig {
        let default = ClusterConfig::default();
        ClusterConfig {
            mode: self.mode,
            clusters,
            lambda,
            knn: self.knn,
            graph: self.graph,
            monotone: self.monotone,
            sigma_norm: self.sigma_norm,
            // The rows come normalised.
            normalize: false,
            max_inner: self.max_inner.value().unwrap_or(default.max_inner),
            tol_inner: self.tol_inner.value().unwrap_or(default.tol_inner),
            max_outer: self.max_outer.value().unwrap_or(default.max_outer),
            tol_outer: self.tol_outer.value().unwrap_or(default.tol_outer),
            ..default
        }
    }

    /// λ, unless it is to be tuned.
    pub fn fixed_lambda(&self) -> Option<f64> {
        match self.lambda {
            Lambda::Value(lambda) => Some(lambda),
            Lambda::Tune(_) => None,
        }
    }

    /// The modes run beside the chosen one.
    pub fn others(&self) -> Vec<Rival> {
        let all = match self.compare {
            Compare::None => vec![],
            Compare::Baseline => vec![Rival::Mode(Mode::NearestPrototype)],
            Compare::All => vec![
                Rival::Mode(Mode::NearestPrototype),
                Rival::LabelPropagation,
                Rival::Mode(Mode::LaplacianShot),
                Rival::Mode(Mode::KMeans),
                Rival::Mode(Mode::KModes),
                Rival::Mode(Mode::SlkMeans),
                Rival::Mode(Mode::SlkMs),
            ],
        };
        all.into_iter().filter(|rival| *rival != Rival::Mode(self.mode)).collect()
    }
}

/// What the chosen mode is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Another mode.
    Mode(Mode),
    /// Label propagation on the same graph.
    LabelPropagation,
}

impl Rival {
    /// Name in tables and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Mode(mode) => mode.name(),
            Rival::LabelPropagation => "label-propagation",
        }
    }
}

/// A range error of the solver as an error of the field.
pub fn field_error(error: CoreError) -> crate::Error {
    match error {
        CoreError::OutOfRange { field, value, range } => {
            FieldError { field: field.to_owned(), problem: format!("is {value}"), expected: range }.into()
        }
        other => other.into(),
    }
}
