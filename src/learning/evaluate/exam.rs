//! An exam: what models may train on, and the learners whose answers are scored.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Catalog, Event, LearnerId, Pseudonym, TenantId};
use crate::ingest::formats::Log;
use crate::learning::dataset::{Answer, Dataset, Sequence};
use crate::learning::{Counts, frame};
use crate::privacy::Secrets;

/// A learner with answers to be scored.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What the log calls the learner.
    pub id: String,
    /// All their answers, in order; as events and as positions in the exam's vocabulary.
    pub events: Vec<Event>,
    pub answers: Vec<Answer>,
    /// Scored are the answers from here on; those before were trained on.
    pub from: usize,
}

#[derive(Debug, Clone)]
pub struct Exam {
    pub catalog: Arc<Catalog>,
    /// Sorted by (learner, time).
    pub train_events: Vec<Event>,
    /// The training answers; the vocabulary knows the scored answers' items too.
    pub train: Dataset,
    /// Sorted by learner.
    pub candidates: Vec<Candidate>,
    /// Training answers of each item of the vocabulary.
    pub item_attempts: Vec<u32>,
}

impl Exam {
    /// `cuts`: how many answers of each learner of the log train (see `partition`).
    /// Pseudonyms, and so shards, follow from `secrets` and the log's own ids.
    ///
    /// # Errors
    /// There is nothing to train on or nothing to score, or an id does not parse.
    pub fn new(log: &Log, cuts: &[usize], secrets: &Secrets, tenant: &TenantId) -> anyhow::Result<Self> {
        let mut known: HashMap<Pseudonym, (&str, usize)> = HashMap::new();
        for (learner, cut) in log.learners.iter().zip(cuts) {
            known.insert(secrets.pseudonym(tenant, &LearnerId::parse(learner.id.as_str())?, 0), (learner.id.as_str(), *cut));
        }
        let events = log.events(secrets, tenant);
        let Dataset { vocabulary, sequences } = Dataset::from_frame(&frame::from_events(&events)?, &log.catalog)?;
        let (mut train_events, mut training, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
        for (events, sequence) in events.chunk_by(|a, b| a.learner == b.learner).zip(sequences) {
            anyhow::ensure!(events[0].learner == sequence.learner && events.len() == sequence.answers.len(), "an answer has no result");
            let Some(&(id, cut)) = known.get(&sequence.learner) else { continue };
            let cut = cut.min(events.len());
            train_events.extend_from_slice(&events[..cut]);
            if cut > 0 {
                training.push(Sequence { learner: sequence.learner, answers: sequence.answers[..cut].to_vec(), views: vec![] });
            }
            if cut < events.len() {
                candidates.push(Candidate { id: id.to_owned(), events: events.to_vec(), answers: sequence.answers, from: cut });
            }
        }
        anyhow::ensure!(!training.is_empty(), "no answer is left to train on");
        anyhow::ensure!(!candidates.is_empty(), "no answer is left to score");
        let mut item_attempts = vec![0; vocabulary.items.len()];
        training.iter().flat_map(|sequence| &sequence.answers).for_each(|answer| item_attempts[answer.item as usize] += 1);
        let train = Dataset { vocabulary, sequences: training };
        Ok(Self { catalog: Arc::new(log.catalog.clone()), train_events, train, candidates, item_attempts })
    }

    /// Counts of the training answers alone.
    pub fn counts(&self) -> Counts {
        self.train.counts()
    }

    /// Answers to be scored.
    pub fn scored(&self) -> usize {
        self.candidates.iter().map(|candidate| candidate.answers.len() - candidate.from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::partition::{self, tests::log};
    use super::*;

    #[test]
    fn counts_know_nothing_after_the_cut() {
        let answers: &[(&str, u8)] = &[("a", 1), ("a", 1), ("a", 0), ("a", 0), ("b", 1)];
        let log = log(&[("1", answers), ("2", &answers[..1])]);
        let exam = Exam::new(&log, &partition::by_time(&log, 0.4), &Secrets::from_seed(1), &TenantId::default()).unwrap();
        assert_eq!(exam.item_attempts, [3, 0]);
        assert_eq!(exam.counts().items.values().collect::<Vec<_>>(), [&(3, 3)]);
        assert_eq!((exam.candidates.len(), exam.candidates[0].from, exam.scored()), (1, 2, 3));
        assert_eq!((exam.candidates[0].id.as_str(), exam.candidates[0].answers.len()), ("1", 5));
    }

    #[test]
    fn an_exam_without_questions_is_refused() {
        let log = log(&[("1", &[("a", 1)])]);
        let exam = |cuts: &[usize]| Exam::new(&log, cuts, &Secrets::from_seed(1), &TenantId::default());
        assert!(exam(&[0]).unwrap_err().to_string().contains("train"));
        assert!(exam(&[1]).unwrap_err().to_string().contains("score"));
    }
}
