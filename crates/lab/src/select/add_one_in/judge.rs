//! The judges of a run behind one type.

use super::config::{Config, JudgeKind, field};
use super::source::{Pool, Source};
use crate::{ChatError, ChatRequest, Error, Platform};
use lowshot_core::select::add_one_in::{
    Choice, ChoiceScorer, FacilityScorer, LossScorer, NoisyScorer, Prompt, Question, RandomScorer,
    ReplayScorer, Sample, ScorerError, ValueScorer, parse_answer,
};
use lowshot_core::{CoreError, Rng};
use std::rc::Rc;

/// Most tokens of a reply.
const REPLY_TOKENS: u32 = 1024;

/// Who answers.
pub enum Judge<'a> {
    Value(ValueScorer<'a>),
    Facility(FacilityScorer<'a>),
    Loss(LossScorer<'a>),
    Random(Box<RandomScorer>),
    Replay(ReplayScorer),
    Chat(ChatJudge<'a>),
}

impl<'a> Judge<'a> {
    /// The judge of a trial, spoilt as the configuration asks for.
    pub fn new(
        config: &Config,
        source: &'a Source,
        pool: &'a Pool,
        trial: u64,
        rng: &Rng,
        platform: Rc<dyn Platform>,
    ) -> Result<NoisyScorer<Judge<'a>>, Error> {
        let (lambda_q, lambda_d, distance) = (config.lambda_q, config.lambda_d, config.distance);
        let judge = match config.judge {
            JudgeKind::Value => Judge::Value(ValueScorer::new(&pool.pool, lambda_q, lambda_d, distance)?),
            JudgeKind::Facility => {
                let reference = config.reference;
                Judge::Facility(FacilityScorer::new(
                    &pool.pool, reference, lambda_q, lambda_d, distance, rng,
                )?)
            }
            JudgeKind::Loss => {
                let labels = pool.labels.as_deref().unwrap_or_default();
                Judge::Loss(LossScorer::new(pool.pool.points(), labels, config.loss_value)?)
            }
            JudgeKind::Random => Judge::Random(Box::new(RandomScorer::new(rng))),
            JudgeKind::Replay => {
                let Some(asked) = source.transcript.get(&trial) else {
                    let have = source.transcript.len();
                    let expected =
                        format!("at most {have}, as the transcript has no answers of trial {trial}");
                    return Err(field("trials", format!("is {}", config.trials), expected));
                };
                Judge::Replay(ReplayScorer::new(asked.iter().cloned()))
            }
            JudgeKind::Chat => {
                let left = (config.calls / config.trials).max(1);
                Judge::Chat(ChatJudge { platform, samples: &source.samples, words: config.words, left })
            }
        };
        // Answers of people, models and records are taken as they are.
        let whole = matches!(config.judge, JudgeKind::Replay | JudgeKind::Chat);
        let spoil = |share: f64| if whole { 0.0 } else { share };
        let (noise, bias, failures) =
            (spoil(config.noise), spoil(config.position_bias), spoil(config.failures));
        Ok(NoisyScorer::new(judge, noise, bias, failures, rng)?)
    }
}

impl ChoiceScorer for Judge<'_> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        match self {
            Judge::Value(judge) => judge.choose(question).await,
            Judge::Facility(judge) => judge.choose(question).await,
            Judge::Loss(judge) => judge.choose(question).await,
            Judge::Random(judge) => judge.choose(question).await,
            Judge::Replay(judge) => judge.choose(question).await,
            Judge::Chat(judge) => judge.choose(question).await,
        }
    }
}

/// A language model, reached through the platform.
pub struct ChatJudge<'a> {
    platform: Rc<dyn Platform>,
    samples: &'a [Sample],
    words: usize,
    left: usize,
}

impl ChoiceScorer for ChatJudge<'_> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        let Some(left) = self.left.checked_sub(1) else {
            let reason = "the limit of questions is reached: raise `calls`; with an answer cache nothing is asked twice";
            return Err(CoreError::Judge(reason.to_owned()).into());
        };
        self.left = left;
        let prompt = Prompt::of(question, self.samples, self.words)?;
        let request = ChatRequest { system: prompt.system, user: prompt.user, max_tokens: REPLY_TOKENS };
        let reply = self.platform.chat(&request).await.map_err(|error| match error {
            ChatError::Unusable(reason) => ScorerError::invalid(reason),
            ChatError::Unavailable(reason) => CoreError::Judge(reason).into(),
        })?;
        let index = parse_answer(&reply, question.options.len())?;
        Ok(Choice { index, scores: None, note: Some(reply) })
    }
}
