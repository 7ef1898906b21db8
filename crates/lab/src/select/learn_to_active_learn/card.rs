//! What the method says about itself.

use lowshot_protocol::{
    ArtifactSpec, Direction, Family, Format, InputKind, InputSpec, MethodCard, MetricSpec, Paper, Preset,
    ViewSpec,
};
use serde_json::json;

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "learn-to-active-learn".into(),
        title: "Learning to actively learn".into(),
        summary: "A small network learns which noisy question to ask next, against an adversary who picks the worst \
                  case of each difficulty."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "Learning to Actively Learn: A Robust Approach".into(),
            authors: "Jifan Zhang, Lalit Jain, Kevin Jamieson".into(),
            year: 2020,
            url: "https://arxiv.org/abs/2010.15382".into(),
        },
        inputs: vec![InputSpec {
            name: "policy".into(),
            kind: InputKind::Weights,
            help: "A `policy.json` of an earlier run, to be measured and played instead of training a new one.".into(),
            formats: vec![Format::Json],
            bundled: Vec::new(),
            optional: true,
        }],
        artifacts: vec![
            ArtifactSpec::new("policy.json", "The policy of the first trial: problem, weights, and where the adversary ended."),
            ArtifactSpec::new("losses.csv", "Exact loss of every policy on every instance."),
            ArtifactSpec::new("game.json", "The game that is shown."),
        ],
        views: vec![
            ViewSpec::new(
                "training",
                "Worst loss while it learns",
                "The worst loss of each class, exactly, against training steps; straight lines are the best possible.",
            ),
            ViewSpec::new("game", "A game, query by query", "What is asked, how probable that was, the answer, and the guess."),
            ViewSpec::new(
                "difficulty",
                "Worst loss by difficulty",
                "Each policy on its worst instance of each class. Nobody can be below the exact robust line by much.",
            ),
            ViewSpec::new(
                "gaps",
                "Excess over the best possible",
                "Worst loss minus the best possible, in the class where that is largest; 95 % intervals over trials.",
            ),
            ViewSpec::new("adversary", "What the adversary weighs", "Area: weight of an instance. Even weights: all have the same area."),
            ViewSpec::new(
                "tree",
                "The exact policy's first queries",
                "Which point or arm it asks most often; to the right after +, to the left after −.",
            ),
            ViewSpec::new("policies", "Policies", "Worst loss by class, largest excess, and mean over all instances."),
        ],
        metrics: vec![
            MetricSpec::new("excess", "Largest excess over the best possible", Direction::Lower),
            MetricSpec::new("mean_loss", "Mean loss over all instances", Direction::Lower),
            MetricSpec::new("worst_1", "Worst loss, class 1", Direction::Lower),
            MetricSpec::new("worst_2", "Worst loss, class 2", Direction::Lower),
            MetricSpec::new("worst_3", "Worst loss, class 3", Direction::Lower),
            MetricSpec::new("value_1", "Best possible, class 1", Direction::Neutral),
            MetricSpec::new("value_2", "Best possible, class 2", Direction::Neutral),
            MetricSpec::new("value_3", "Best possible, class 3", Direction::Neutral),
            MetricSpec::new("excess_exact", "Excess of the exact policy", Direction::Neutral),
            MetricSpec::new("excess_sgbs", "Excess of SGBS, tuned", Direction::Neutral),
            MetricSpec::new("excess_lingape", "Excess of LinGapE, tuned", Direction::Neutral),
            MetricSpec::new("excess_linucb", "Excess of LinUCB, tuned", Direction::Neutral),
            MetricSpec::new("excess_track", "Excess of Track-and-Stop", Direction::Neutral),
            MetricSpec::new("excess_bayes", "Excess of the policy that is best on average", Direction::Neutral),
            MetricSpec::new("excess_static", "Excess of a fixed allocation", Direction::Neutral),
            MetricSpec::new("excess_oracle", "Excess of the allocation that knows θ", Direction::Neutral),
            MetricSpec::new("excess_random", "Excess of random queries", Direction::Neutral),
            MetricSpec::new("doubt", "How exactly the best possible is known", Direction::Lower),
            MetricSpec::new("trials", "Networks trained", Direction::Neutral),
            MetricSpec::new("steps_per_second", "Training steps a second", Direction::Higher),
        ],
        presets: presets(),
    }
}

fn presets() -> Vec<Preset> {
    vec![
        Preset::new(
            "thresholds",
            "Where does it change?",
            "Four points, six noisy answers, three levels of noise. It learns to bisect; tuned bisection is still closer \
             to the best possible.",
            json!({"instance": 7}),
        ),
        Preset::new(
            "average",
            "Without the adversary",
            "The same network trained on the mean of all instances: the worst cases get worse.",
            json!({"adversary": false}),
        ),
        Preset::new(
            "arms",
            "Which arm is best?",
            "Three arms, six pulls. Best against an even prior is far from best in the worst case.",
            json!({"task": "best-arm", "queries": 3, "problems": 27, "rollouts": 16,
                   "steps": 1000, "exact_steps": 600}),
        ),
        Preset::new(
            "regret",
            "Classes that want different policies",
            "With regret as loss the policy that is best for one class is bad for another, and a robust one lies between. \
             It recommends more freely than the learned one can.",
            json!({"loss": "regret", "steps": 1500, "exact_steps": 500}),
        ),
        Preset::new(
            "play",
            "Think of a threshold",
            "Four points: say + for those up to your threshold, now and then wrongly. The exact policy asks.",
            json!({"steps": 50, "player": "exact", "answers": "+", "compare": "none"}),
        ),
        Preset::new(
            "moving",
            "An adversary that moves",
            "Three points and five answers; sixteen instances move within the class to where the network is weakest.",
            json!({"queries": 3, "budget": 5, "signals": "0.5", "moving": 16, "problems": 20, "particle_rate": 0.01,
                   "steps": 1000}),
        ),
        Preset {
            native: true,
            ..Preset::new(
                "longer",
                "Longer training",
                "5,000 steps of 960 games with 64 hidden units, five networks.",
                json!({"steps": 5000, "rollouts": 64, "hidden": 64, "rate": 0.002, "mixture_rate": 0.001, "trials": 5,
                       "exact_steps": 3000}),
            )
        },
    ]
}
