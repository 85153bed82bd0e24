//! What response times, attempt numbers, hints and views are worth: the fields are taken out of the events before training and
//! before scoring, for every learner. No shared log has them; here they follow from a truth, so this says whether the model can
//! use them, not what they are worth in a real school.

use serde::Serialize;

use super::Questions;
use super::study::{Study, Training};
use crate::domain::Event;
use crate::learning::metrics::Metrics;
use crate::learning::train::Progress;

/// What is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Without {
    times: bool,
    attempts_and_hints: bool,
    views: bool,
}

const NOTHING: Without = Without { times: false, attempts_and_hints: false, views: false };
const VARIANTS: [(&str, Without); 5] = [
    ("everything", NOTHING),
    ("without response times", Without { times: true, ..NOTHING }),
    ("without attempt numbers and hints", Without { attempts_and_hints: true, ..NOTHING }),
    ("without views", Without { views: true, ..NOTHING }),
    ("without all of these", Without { times: true, attempts_and_hints: true, views: true }),
];

impl Without {
    fn strip(self, event: &Event) -> Option<Event> {
        let mut event = (event.is_answer() || !self.views).then(|| event.clone())?;
        if self.times {
            event.response_ms = None;
        }
        if self.attempts_and_hints {
            (event.attempt_number, event.hints) = (None, None);
        }
        Some(event)
    }
}

/// One variant, over all seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub variant: &'static str,
    pub auc: Spread,
    pub log_loss: Spread,
    /// AUC lost against everything, seed by seed.
    pub auc_lost: Spread,
    pub seeds: usize,
}

/// Mean and standard deviation over seeds (that of a sample; 0 for a single seed).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub spread: f64,
}

/// Each seed is a course, a cohort and a training of its own.
///
/// # Errors
/// As [`Study::learn`], and when all held-out answers are right or all wrong.
pub fn judge(questions: &Questions, training: &Training, progress: &dyn Progress) -> anyhow::Result<Vec<Row>> {
    let mut metrics: [Vec<Metrics>; VARIANTS.len()] = Default::default();
    for seed in (questions.seed..).take(questions.ablation_seeds) {
        let study = Study::new(questions.learners, seed)?;
        for ((name, without), metrics) in VARIANTS.into_iter().zip(&mut metrics) {
            let study = study.stripped(|event| without.strip(event));
            let predictor = study.learn(questions.shards, training, progress)?;
            let found = study.answers(&predictor, training.threads)?;
            tracing::info!("seed {seed}, {name}: log loss {:.4}", found.log_loss);
            metrics.push(found);
        }
    }
    if questions.ablation_seeds == 0 {
        return Ok(Vec::new());
    }
    let aucs = |metrics: &[Metrics]| metrics.iter().filter_map(|metrics| metrics.auc).collect::<Vec<f64>>();
    let everything = aucs(&metrics[0]);
    let row = |((variant, _), metrics): ((&'static str, Without), &Vec<Metrics>)| {
        let auc = aucs(metrics);
        anyhow::ensure!(auc.len() == questions.ablation_seeds, "{variant}: the held-out answers are all right or all wrong");
        Ok(Row {
            variant,
            auc: Spread::of(&auc),
            log_loss: Spread::of(&metrics.iter().map(|metrics| metrics.log_loss).collect::<Vec<_>>()),
            auc_lost: Spread::of(&everything.iter().zip(&auc).map(|(whole, part)| whole - part).collect::<Vec<_>>()),
            seeds: auc.len(),
        })
    };
    VARIANTS.into_iter().zip(&metrics).map(row).collect()
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, spread: if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventKind;

    #[test]
    fn each_variant_takes_out_what_it_names_and_nothing_else() {
        let study = Study::new(20, 5).unwrap();
        let events: Vec<&Event> = study.lives.iter().flat_map(|life| &life.events).collect();
        assert!(events.iter().any(|event| event.hints.is_some()) && events.iter().any(|event| event.kind == EventKind::Start));
        for (name, without) in VARIANTS {
            let left: Vec<Event> = events.iter().filter_map(|event| without.strip(event)).collect();
            assert_eq!(left.iter().any(|event| !event.is_answer()), !name.contains("views") && !name.contains("all"), "{name}");
            assert_eq!(left.iter().any(|event| event.response_ms.is_some()), !name.contains("times") && !name.contains("all"), "{name}");
            assert_eq!(left.iter().any(|event| event.hints.is_some()), !name.contains("hints") && !name.contains("all"), "{name}");
            let answers = |events: &mut dyn Iterator<Item = &Event>| {
                events.filter(|event| event.is_answer()).map(|event| (event.key, event.correct)).collect::<Vec<_>>()
            };
            assert_eq!(answers(&mut left.iter()), answers(&mut events.iter().copied()), "{name}: every answer stays");
        }
    }

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(Spread::of(&[1.0, 3.0]), Spread { mean: 2.0, spread: 2f64.sqrt() });
        assert_eq!(Spread::of(&[1.0]), Spread { mean: 1.0, spread: 0.0 });
    }
}
