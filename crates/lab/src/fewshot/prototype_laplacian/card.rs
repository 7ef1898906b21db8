//! What the method says about itself.

use crate::offers;
use lowshot_data::bundled::CATALOG;
use lowshot_protocol::{
    ArtifactSpec, Direction, Family, Format, InputKind, InputSpec, MethodCard, MetricSpec, Paper, Preset,
    ViewSpec,
};
use serde_json::{Value, json};

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "prototype-laplacian".into(),
        title: "Prototype clustering with a Laplacian".into(),
        summary:
            "Label a batch of new examples from one labelled example a class, by clustering them together."
                .into(),
        family: Family::Fewshot,
        paper: Paper {
            title: "Transductive Few-Shot Learning: Clustering is All You Need?".into(),
            authors: "Imtiaz Masud Ziko, Malik Boudiaf, Jose Dolz, Eric Granger, Ismail Ben Ayed".into(),
            year: 2021,
            url: "https://arxiv.org/abs/2106.09516".into(),
        },
        inputs: inputs(),
        artifacts: vec![
            ArtifactSpec::new(
                "predictions.json",
                "For each task: the predicted label of each query, accuracy, iterations.",
            ),
            ArtifactSpec::new(
                "episodes.json",
                "The tasks, as rows of the features, for any other implementation.",
            ),
            ArtifactSpec::new(
                "assignments.safetensors",
                "Soft assignments `z` and `prototypes` of every task.",
            ),
            ArtifactSpec::new(
                "features.safetensors",
                "The rows of generated tasks (builtin:synthetic only, up to 64 MiB).",
            ),
        ],
        views: vec![
            ViewSpec::new(
                "points",
                "One task",
                "Each point is an example in the plane of its two longest directions. Fill: true class. Outline: \
                 predicted class. Stars carry labels, crosses are prototypes, lines join neighbours.",
            ),
            ViewSpec::new(
                "objective",
                "Objective",
                "Energy after each bound update. The objective R (with λ/2) should fall; the energy that the official \
                 code prints and stops by (with λ) may rise.",
            ),
            ViewSpec::new("accuracy", "Accuracy", "Mean over the tasks so far, with 95 % intervals."),
        ],
        metrics: vec![
            MetricSpec::new("accuracy", "Accuracy", Direction::Higher),
            MetricSpec::new("nmi", "Normalised mutual information", Direction::Higher),
            MetricSpec::new(
                "clustering_accuracy",
                "Accuracy after matching clusters to classes",
                Direction::Higher,
            ),
            MetricSpec::new("lambda", "Weight of the Laplacian λ", Direction::Neutral),
            MetricSpec::new("inner_iterations", "Bound updates a task", Direction::Neutral),
            MetricSpec::new("outer_iterations", "Prototype steps a task", Direction::Neutral),
            MetricSpec::new("episodes", "Tasks", Direction::Neutral),
            MetricSpec::new("episodes_per_second", "Tasks per second", Direction::Higher),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    // Labels that name single rows are no classes.
    let classified = || CATALOG.iter().filter(|set| set.classes < set.rows);
    let synthetic = offers::generated("Generated tasks (64 dimensions)");
    vec![
        InputSpec {
            name: "features".into(),
            kind: InputKind::Features,
            help: "Feature vectors: `features` N×D and `labels` N (npz, safetensors), or csv with the label last; \
                   optionally `base_mean` D, the mean over the base classes."
                .into(),
            formats: offers::feature_formats(),
            bundled: [synthetic].into_iter().chain(classified().map(offers::classified)).collect(),
            optional: false,
        },
        InputSpec {
            name: "validation".into(),
            kind: InputKind::Features,
            help: "Features of other classes, on whose tasks λ is chosen (lambda = tune).".into(),
            formats: offers::feature_formats(),
            bundled: classified().map(offers::classified).collect(),
            optional: true,
        },
        InputSpec {
            name: "episodes".into(),
            kind: InputKind::Episodes,
            help: "Tasks as a JSON list of {support, support_labels, query, query_labels} with row numbers of the \
                   features; instead of drawn ones."
                .into(),
            formats: vec![Format::Json],
            bundled: vec![],
            optional: true,
        },
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, features: &str| {
        Preset::new(id, title, summary, config).on("features", features)
    };
    vec![
        preset(
            "one-shot",
            "One example a class",
            "Every mode on the same generated tasks: clustering gains several points over the nearest prototype.",
            json!({"compare": "all", "episodes": 200, "normalization": "l2n"}),
            "synthetic",
        ),
        preset(
            "five-shot",
            "Five examples a class",
            "With more labels all modes come close to each other.",
            json!({"compare": "all", "episodes": 200, "shots": 5, "normalization": "l2n"}),
            "synthetic",
        ),
        preset(
            "imbalanced",
            "Where it fails",
            "55 queries of one class, 5 of each other: the clustering assumption breaks, the nearest prototype wins.",
            json!({"compare": "all", "episodes": 80, "imbalance": "55/5/5/5/5", "normalization": "l2n"}),
            "synthetic",
        ),
        preset(
            "handwriting",
            "Handwritten characters",
            "Real features of 136 characters (Omniglot) that the network never saw.",
            json!({"compare": "all", "episodes": 200, "normalization": "l2n"}),
            "omniglot-features",
        ),
        preset(
            "intents",
            "Bank customers' questions",
            "Sentence vectors of 77 intents (Banking77), one example of each of 20 intents.",
            json!({"compare": "all", "episodes": 100, "ways": 20, "normalization": "l2n"}),
            "banking77-minilm",
        ),
        preset(
            "dirichlet",
            "Uneven tasks",
            "Class shares drawn from a Dirichlet distribution, as tasks in the wild are.",
            json!({"compare": "all", "episodes": 200, "imbalance": "dirichlet:2", "normalization": "l2n"}),
            "omniglot-features",
        ),
        preset(
            "cluster-digits",
            "Clustering digits",
            "1,797 digits without labels; labels only judge the clusters.",
            json!({"task": "cluster", "mode": "slk-means", "lambda": 1.3, "knn": 5, "normalization": "l2n"}),
            "digits",
        ),
        Preset {
            native: true,
            ..preset(
                "published-protocol",
                "Published protocol",
                "10,000 tasks, λ chosen on validation tasks: give your own features of a network's novel classes.",
                json!({"mode": "slk-ms", "lambda": "tune", "episodes": 10000, "compare": "all"}),
                "omniglot-features",
            )
        },
    ]
}
