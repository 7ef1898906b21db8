//! What the method says about itself.

use lowshot_data::bundled::{BundledTable, TABLES};
use lowshot_protocol::{
    ArtifactSpec, BundledInput, Direction, Family, Format, InputKind, InputSpec, MethodCard, MetricSpec,
    Paper, Preset, ViewSpec,
};
use serde_json::{Value, json};

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "conformal-information-pursuit".into(),
        title: "Conformal Information Pursuit (C-IP)".into(),
        summary: "Find out what somebody thinks of with few questions, even if the model that judges them is far too \
                  sure of itself."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "Conformal Information Pursuit for Interactively Guiding Large Language Models".into(),
            authors: "Kwan Ho Ryan Chan, Yuyan Ge, Edgar Dobriban, Hamed Hassani, René Vidal".into(),
            year: 2025,
            url: "https://arxiv.org/abs/2507.03279".into(),
        },
        inputs: inputs(),
        artifacts: vec![
            ArtifactSpec::new(
                "selection.json",
                "For each trial: the questions that C-IP asked, game after game, with answers and predictions.",
            ),
            ArtifactSpec::new("game.json", "The game that is shown; a game that you play goes on from it (input `game`)."),
            ArtifactSpec::new("summary.csv", "Means by policy and number of answers, of simulated games."),
            ArtifactSpec::new("thresholds.json", "Thresholds by number of answers and α; null where every label is plausible."),
        ],
        views: vec![
            ViewSpec::new(
                "game",
                "A game, question by question",
                "How many labels each answer left, the best guess, and the bits that the question was expected to leave.",
            ),
            ViewSpec::new("set", "Plausible labels", "The prediction set after the last answer: labels with probabilities."),
            ViewSpec::new("question", "What was weighed", "Candidates for the question with the fewest bits expected to be left."),
            ViewSpec::new(
                "accuracy",
                "Right predictions against answers",
                "Mean over trials with 95 % intervals. A predictor that is too sure misleads IP more than C-IP.",
            ),
            ViewSpec::new("size", "Plausible labels against answers", "Labels in the prediction set, whoever asked."),
            ViewSpec::new(
                "uncertainty",
                "What is said to be left",
                "Bits that the chosen question is expected to leave: entropy for IP, a bound by set sizes for C-IP. Of a \
                 predictor that is too sure, the entropy is near 0 from the start and says nothing.",
            ),
            ViewSpec::new(
                "coverage",
                "Sets with the true label",
                "The promise of 1 − α is for random questions; chosen ones may fall below.",
            ),
            ViewSpec::new(
                "calibration",
                "Coverage against promise",
                "Share of fresh random games whose set holds the true label. It should not be below the diagonal.",
            ),
            ViewSpec::new("thresholds", "Thresholds", "A label is plausible from this probability on; one for each number of answers."),
            ViewSpec::new("policies", "Policies", "Right predictions over the whole game, at its end, and where the stopping rule would end it."),
        ],
        metrics: vec![
            MetricSpec::new("accuracy", "Right predictions, mean over answers", Direction::Higher),
            MetricSpec::new("final_accuracy", "Right predictions at the end", Direction::Higher),
            MetricSpec::new("labels_left", "Plausible labels at the end", Direction::Lower),
            MetricSpec::new("covered", "Sets with the true label, chosen questions", Direction::Higher),
            MetricSpec::new("covered_fresh", "Sets with the true label, random questions", Direction::Neutral),
            MetricSpec::new("length", "Questions until stopping", Direction::Lower),
            MetricSpec::new("stopped_accuracy", "Right predictions then", Direction::Higher),
            MetricSpec::new("asked", "Questions asked", Direction::Neutral),
            MetricSpec::new("plausible", "Plausible labels", Direction::Lower),
            MetricSpec::new("probability", "Probability of the best guess", Direction::Neutral),
            MetricSpec::new("bits", "Bits expected to be left", Direction::Lower),
            MetricSpec::new("trials", "Trials", Direction::Neutral),
            MetricSpec::new("question_seconds", "Seconds a question", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let set = |table: &BundledTable| {
        BundledInput::new(table.name, format!("{} ({} columns)", table.title, table.columns))
    };
    let bits = BundledInput::new("bits16", "Generated: 16 numbers by their bits");
    let own = |name: &str, kind: InputKind, help: &str, formats: Vec<Format>| InputSpec {
        name: name.into(),
        kind,
        help: help.into(),
        formats,
        bundled: Vec::new(),
        optional: true,
    };
    vec![
        InputSpec {
            name: "table".into(),
            kind: InputKind::Table,
            help: "What can be asked about what: a label in the first column (or `label`), and a column of 0 and 1, or \
                   of few values, for each question. The first line names the columns."
                .into(),
            formats: vec![Format::Csv],
            bundled: TABLES.iter().map(set).chain([bits]).collect(),
            optional: false,
        },
        own(
            "predictor",
            InputKind::Table,
            "Your model's own probabilities of yes: a label in the first column, and a column named like each question \
             with numbers from 0 to 1. Without it the predictor is learnt from the table.",
            vec![Format::Csv],
        ),
        own("game", InputKind::Text, "A `game.json`, to go on with when you play.", vec![Format::Json]),
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, table: &str| {
        Preset::new(id, title, summary, config).on("table", table)
    };
    vec![
        preset(
            "too-sure",
            "A predictor that is too sure",
            "Sharp and mistaken like a language model: entropies say nothing, sizes of calibrated sets do.",
            json!({"expectation": "posterior", "objective": "fano", "questions": 12}),
            "zoo",
        ),
        preset(
            "play",
            "Think of an animal",
            "Answer y, n or ? in `answers`; every answer brings the next question.",
            json!({"mode": "play", "expectation": "posterior", "objective": "fano", "temperature": 1.0,
                   "logit_noise": 0.0, "trials": 5}),
            "zoo",
        ),
        preset(
            "calibrated",
            "Where it loses",
            "The predictor believes the table, as it should. IP is the best by far; C-IP as published chases empty sets \
             and does no better than random questions.",
            json!({"temperature": 1.0, "logit_noise": 0.0, "questions": 12}),
            "zoo",
        ),
        preset(
            "published",
            "As published",
            "Four objects drawn evenly stand for the hidden one, and the bound has the nominal α. Better than IP, but \
             random questions are hard to beat.",
            json!({"compare": "all", "questions": 12, "trials": 5}),
            "bits16",
        ),
        preset(
            "types",
            "Seven types, unseen animals",
            "Learnt, calibrated and tested on different animals, a third of the zoo each.",
            json!({"label": "type", "hold_out": true, "expectation": "posterior",
                   "objective": "fano", "questions": 8, "games": 33, "temperature": 0.3}),
            "zoo",
        ),
        preset(
            "territories",
            "Where on Earth?",
            "237 territories and 48 noisy questions.",
            json!({"expectation": "posterior", "objective": "fano", "questions": 15, "trials": 2, "games": 5,
                   "draws": 50}),
            "territories",
        ),
        Preset {
            native: true,
            ..preset(
                "every-territory",
                "Every territory",
                "All territories, ten predictors, every policy.",
                json!({"expectation": "posterior", "objective": "fano", "questions": 20, "games": 237,
                       "compare": "all"}),
                "territories",
            )
        },
    ]
}
