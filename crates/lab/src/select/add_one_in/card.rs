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
        id: "add-one-in".into(),
        title: "Add one in".into(),
        summary: "Choose training samples one at a time: a judge picks from a few candidates what adds most.".into(),
        family: Family::Select,
        paper: Paper {
            title: "Add-One-In: Incremental Sample Selection for Large Language Models via a Choice-Based Greedy \
                    Paradigm"
                .into(),
            authors: "Zhuo Li, Yuhao Du, Xiaoqi Jiao, Yiwen Guo, Yuege Feng, Xiang Wan, Anningzhe Gao, Jinpeng Hu".into(),
            year: 2025,
            url: "https://arxiv.org/abs/2503.02359".into(),
        },
        inputs: inputs(),
        artifacts: [
            ("selection.json", "For each trial and method: the chosen rows in order; of ours also the random first rows."),
            ("trace.jsonl", "Every question of every trial with its answer; the `transcript` of a replay."),
            ("selected.jsonl", "The chosen samples of the first trial, as they were given (with `samples` only)."),
        ]
        .map(|(name, help)| ArtifactSpec::new(name, help))
        .to_vec(),
        views: [
            (
                "points",
                "The pool",
                "Each point is a row; colour is its quality by fifths of the pool; marked rows are chosen. Lines join the \
                 last choice with the options it was preferred to.",
            ),
            (
                "plane",
                "Quality against coverage",
                "One point a method. Higher is better, further left is better covered. The line is the way of the method, \
                 a tenth of the budget at a time.",
            ),
            ("mean-quality", "Mean quality", "Mean over the trials so far, with 95 % intervals."),
            ("exposure", "How often a row was an option", "Rows of all trials by the number of questions they were in."),
            ("positions", "Where the answer was", "Options are in random order, so bars of one height mean an unbiased judge."),
            (
                "fluid",
                "Against the closed form",
                "Mean quality percentile of the picked rows while the selection grows, beside that of a perfect judge of \
                 quality and of the best rows.",
            ),
        ]
        .map(|(id, title, help)| ViewSpec::new(id, title, help))
        .to_vec(),
        metrics: [
            ("quality", "Mean quality", Direction::Higher),
            ("quality_percentile", "Mean quality percentile", Direction::Higher),
            ("label_entropy", "Entropy of the labels", Direction::Higher),
            ("mean_distance", "Mean distance to the nearest chosen row", Direction::Lower),
            ("largest_distance", "Largest distance to the nearest chosen row", Direction::Lower),
            ("neighbour_accuracy", "Accuracy of the nearest chosen row's label", Direction::Higher),
            ("calls", "Questions a trial", Direction::Lower),
            ("failures", "Questions without a valid answer", Direction::Lower),
            ("gave_up", "Random choices after the last retry", Direction::Lower),
            ("first_position", "Answers at the first position", Direction::Neutral),
            ("never_an_option", "Rows that were never an option", Direction::Neutral),
            ("picked_percentile", "Percentile of the picked rows", Direction::Higher),
            ("fluid_limit", "The same for a perfect judge of quality", Direction::Neutral),
        ]
        .map(|(name, title, better)| MetricSpec::new(name, title, better))
        .to_vec(),
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let toy = offers::generated("Generated points (1,000 in the plane)");
    vec![
        InputSpec {
            name: "features".into(),
            kind: InputKind::Features,
            help: "Embeddings of the rows: `features` N×D and optionally `labels` N (npz, safetensors), or csv with the \
                   label last; the last column may be the quality (quality = last-column)."
                .into(),
            formats: offers::feature_formats(),
            bundled: [toy].into_iter().chain(CATALOG.iter().map(offers::classified)).collect(),
            optional: false,
        },
        InputSpec {
            name: "samples".into(),
            kind: InputKind::Text,
            help: "The texts of the rows: `instruction`, `output`, and optionally `input` and `quality`, a JSON object a \
                   line. Without features of their own, counts of hashed words stand in for embeddings."
                .into(),
            formats: vec![Format::Jsonl],
            bundled: vec![],
            optional: true,
        },
        InputSpec {
            name: "transcript".into(),
            kind: InputKind::Text,
            help: "The trace.jsonl of a run with the same pool, settings and seed, whose answers are given again (judge = \
                   replay)."
                .into(),
            formats: vec![Format::Jsonl],
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
            "quality-and-diversity",
            "Quality and diversity at once",
            "Between the best rows and the farthest ones on both axes, with 90 questions instead of 1,000 ratings.",
            json!({}),
            "synthetic",
        ),
        preset(
            "quality-only",
            "A perfect judge of quality",
            "The picked rows follow the closed form, and stay well below the best rows: ten options are a weak filter.",
            json!({"lambda_d": 0.0, "initial": 1}),
            "synthetic",
        ),
        preset(
            "diversity-only",
            "A judge of novelty alone",
            "Ten chosen rows in sight are enough to spread over all clusters; farthest first still covers more.",
            json!({"lambda_q": 0.0}),
            "synthetic",
        ),
        preset(
            "biased-judge",
            "Where it loses: a judge that likes the first option",
            "Half of the answers are the first option whatever it is: about half of the gain in quality is gone.",
            json!({"position_bias": 0.5}),
            "synthetic",
        ),
        preset(
            "failing-judge",
            "A judge that often fails",
            "Every failed question is replaced by a fresh one: more calls, the same result.",
            json!({"failures": 0.4, "compare": "random"}),
            "synthetic",
        ),
        preset(
            "facility",
            "Nearer to everybody",
            "The gain in facility location instead of the distance to the chosen rows.",
            json!({"judge": "facility", "reference": 50, "trials": 10}),
            "synthetic",
        ),
        preset(
            "loss-judge",
            "A judge that trains",
            "Digits, picked by the loss of a classifier of ten rows: novelty without any measure of quality.",
            json!({"judge": "loss", "trials": 3, "budget": 60, "compare": "random"}),
            "digits",
        ),
        preset(
            "questions",
            "Bank customers' questions",
            "Sentence vectors of 77 intents; a row's typicality stands in for its quality.",
            json!({"trials": 3, "budget": 150, "distance": "cosine", "least_distance": 0.1, "compare": "random"}),
            "banking77-minilm",
        ),
        Preset {
            native: true,
            ..preset(
                "language-model",
                "A language model as the judge",
                "Give your instruction data as `samples`, and an endpoint in LOWSHOT_CHAT_URL.",
                json!({"judge": "chat", "trials": 1, "compare": "random"}),
                "synthetic",
            )
        },
    ]
}
