//! The room as a whole, on a small simulated class: trainings repeat to the byte, and what is served is what was trained.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::artefact;
use super::batch::{Batch, Sight, fade};
use super::checkpoint::Checkpoints;
use super::dataset::{Answer, Dataset, Sequence};
use super::evidence::{Evidence, Tally};
use super::math::sigmoid;
use super::network::Network;
use super::predictor::{LoadError, Predictor};
use super::sample::{self, Class, catalog};
use super::train::{Progress, Silent, TrainError, train_member, train_resumable};
use super::{Counts, LearnerState, TrainingConfig};
use crate::domain::{Event, EventKind, ItemId, Micros, Pseudonym, SkillId};

fn class(learners: usize, answers: usize) -> Dataset {
    Class { learners, answers, items: 12, skills: 3 }.dataset(9)
}

fn config() -> TrainingConfig {
    TrainingConfig { width: 8, max_epochs: 2, learning_rate: 2e-3, batch_answers: 200, ..TrainingConfig::default() }
}

fn event(dataset: &Dataset, sequence: &Sequence, answer: &Answer) -> Event {
    sample::event(&dataset.vocabulary, sequence.learner, answer)
}

#[test]
fn a_training_repeats_to_the_byte_with_any_number_of_threads() {
    let dataset = class(30, 20);
    let once = train_member(&dataset, &config(), 5, &Silent).unwrap();
    let others: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let run = || scope.spawn(|| train_member(&dataset, &config(), 5, &Silent).unwrap().weights);
        let threads: Vec<_> = (0..3).map(|_| run()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(others.iter().all(|weights| *weights == once.weights));
    assert_ne!(once.weights, train_member(&dataset, &config(), 6, &Silent).unwrap().weights);
}

/// Keeps every checkpoint; stops the training after some epochs.
#[derive(Default)]
struct Interrupted {
    kept: Vec<Vec<u8>>,
}

impl Checkpoints for Interrupted {
    fn last(&mut self) -> Option<Vec<u8>> {
        self.kept.last().cloned()
    }

    fn keep(&mut self, make: &mut dyn FnMut() -> Result<Vec<u8>, LoadError>) {
        self.kept.push(make().unwrap());
    }
}

#[test]
fn a_training_taken_up_in_the_middle_ends_with_the_same_bytes() {
    let dataset = class(60, 20);
    let config = TrainingConfig { max_epochs: 4, ..config() };
    let mut all = Interrupted::default();
    let whole = train_resumable(&dataset, &config, 5, &Silent, &mut all).unwrap();
    assert_eq!(all.kept.len(), whole.report.epochs);
    for epochs in 1..all.kept.len() {
        let mut again = Interrupted { kept: all.kept[..epochs].to_vec() };
        let resumed = train_resumable(&dataset, &config, 5, &Silent, &mut again).unwrap();
        assert!(resumed.weights == whole.weights && resumed.report == whole.report, "taken up after epoch {epochs}");
        assert_eq!(again.kept.len(), all.kept.len(), "what was trained is not trained again");
    }
    // What does not fit, or is no checkpoint, is left alone.
    let mut other = Interrupted { kept: vec![all.kept[0].clone(), b"nonsense".to_vec()] };
    assert!(train_resumable(&dataset, &config, 5, &Silent, &mut other).unwrap().weights == whole.weights);
    let wider = TrainingConfig { width: 12, ..config.clone() };
    let mut narrow = Interrupted { kept: all.kept };
    let trained = train_resumable(&dataset, &wider, 5, &Silent, &mut narrow).unwrap();
    assert!(trained.weights == train_member(&dataset, &wider, 5, &Silent).unwrap().weights);
}

#[test]
fn a_right_answer_never_lowers_mastery_and_a_wrong_one_never_raises_it() {
    let dataset = class(30, 20);
    let weights = [5, 6].map(|seed| train_member(&dataset, &config(), seed, &Silent).unwrap().weights);
    let predictor = Predictor::load(&weights, Arc::new(catalog(&dataset.vocabulary)), Arc::new(dataset.counts())).unwrap();
    for sequence in &class(45, 40).sequences {
        let mut state = predictor.new_held_out_state();
        for answer in &sequence.answers {
            let event = event(&dataset, sequence, answer);
            let skills: Vec<SkillId> = dataset.vocabulary.item_skills[answer.item as usize]
                .iter()
                .map(|at| dataset.vocabulary.skills[*at as usize].clone())
                .collect();
            let before = predictor.mastery(&state, &skills, event.occurred_at);
            predictor.advance(&mut state, &event);
            for (before, after) in before.iter().zip(predictor.mastery(&state, &skills, event.occurred_at)) {
                let moved = after.p_correct - before.p_correct;
                assert!(if answer.correct { moved > -1e-5 } else { moved < 1e-5 }, "{moved} after {}", answer.correct);
            }
            let day = 86_400 * Micros::SECOND;
            let recall: Vec<f32> = [0, day, 30 * day]
                .map(|delay| predictor.recall(&state, &skills, event.occurred_at, delay))
                .iter()
                .map(|recall| recall.first().map_or(0.0, |recall| recall.p_correct))
                .collect();
            assert!(recall[0] >= recall[1] && recall[0] >= recall[2]);
        }
    }
}

#[test]
fn how_an_answer_was_given_and_what_was_viewed_are_heard() {
    let dataset = class(30, 20);
    let member = train_member(&dataset, &config(), 5, &Silent).unwrap().weights;
    let mut marked = dataset.clone();
    for (number, answer) in marked.sequences.iter_mut().flat_map(|sequence| &mut sequence.answers).enumerate() {
        answer.marks.response_ms = Some(1_000 * (number as i64 % 40));
    }
    assert_ne!(train_member(&marked, &config(), 5, &Silent).unwrap().weights, member);

    let predictor = Predictor::load(&[member], Arc::new(catalog(&dataset.vocabulary)), Arc::new(dataset.counts())).unwrap();
    let mut state = predictor.new_held_out_state();
    let answer = event(&dataset, &dataset.sequences[0], &dataset.sequences[0].answers[0]);
    let before = predictor.predict_all(&state, answer.occurred_at);
    predictor.advance(&mut state, &Event { kind: EventKind::View, correct: None, score: None, ..answer.clone() });
    assert_ne!(before, predictor.predict_all(&state, answer.occurred_at));
}

#[test]
fn what_is_served_is_what_was_trained() {
    let dataset = class(30, 20);
    let member = train_member(&dataset, &config(), 5, &Silent).unwrap();
    let counts = dataset.counts();
    let predictor =
        Predictor::load(std::slice::from_ref(&member.weights), Arc::new(catalog(&dataset.vocabulary)), Arc::new(counts.clone())).unwrap();

    // The training graph over learners nobody has counted.
    let strangers = class(40, 30);
    let tallies = dataset.vocabulary.items.iter().map(|item| counts.of(item)).map(|(n, r)| Tally { attempts: n as f32, right: r as f32 });
    let sets = dataset.vocabulary.sets();
    let evidence = Evidence::new(tallies.collect(), &sets, 3);
    let (header, mut tensors) = artefact::decode(&member.weights).unwrap();
    let (_, attempts) = tensors.remove("item.attempts").unwrap();
    let network = Network::from_tensors(&tensors, header.width).unwrap();
    for sequence in &strangers.sequences[..10] {
        let mut batch = Batch::new(&[sequence], &dataset.vocabulary, &sets, &evidence, Sight::Whole);
        batch.fade = batch.items.iter().map(|item| fade(attempts[*item as usize])).collect();
        let expected: Vec<f32> = network.forward(&batch, &network.item_rows(&batch).unwrap(), None).unwrap().to_vec1().unwrap();
        let mut state = predictor.new_held_out_state();
        for (answer, expected) in sequence.answers.iter().zip(expected) {
            let event = event(&strangers, sequence, answer);
            let now = event.occurred_at;
            let served = predictor.predict(&state, std::slice::from_ref(&event.item), now)[0].p_correct;
            // Served states of skills are kept in half precision.
            assert!((served - sigmoid(expected)).abs() < 5e-4, "{served} against {}", sigmoid(expected));
            let all = predictor.predict_all(&state, now);
            assert!((all[answer.item as usize].p_correct - served).abs() < 1e-6);
            predictor.advance(&mut state, &event);
        }
        assert_eq!(predictor.tally(&state).0, 30);
    }
}

#[test]
fn a_learners_own_answers_in_the_live_counts_change_nothing() {
    let dataset = class(30, 20);
    let member = train_member(&dataset, &config(), 5, &Silent).unwrap().weights;
    let catalog = Arc::new(catalog(&dataset.vocabulary));
    let learner = &class(40, 12).sequences[30];
    let mut with_own = dataset.counts();
    with_own.add(&Dataset { vocabulary: dataset.vocabulary.clone(), sequences: vec![learner.clone()] }.counts());
    let without = Predictor::load(std::slice::from_ref(&member), catalog.clone(), Arc::new(dataset.counts())).unwrap();
    let with = Predictor::load(&[member], catalog, Arc::new(with_own)).unwrap();
    let (mut held_out, mut counted) = (without.new_held_out_state(), with.new_state());
    for answer in &learner.answers {
        let event = event(&dataset, learner, answer);
        without.advance(&mut held_out, &event);
        with.advance(&mut counted, &event);
    }
    let now = Micros(1 << 40);
    for (a, b) in without.predict_all(&held_out, now).iter().zip(with.predict_all(&counted, now)) {
        assert!((a.p_correct - b.p_correct).abs() < 0.01, "{a:?} against {b:?}"); // the overall rate keeps the learner's own part
    }
}

#[test]
fn foresight_is_what_simulation_says() {
    let dataset = class(30, 20);
    let member = train_member(&dataset, &config(), 5, &Silent).unwrap().weights;
    let predictor = Predictor::load(&[member], Arc::new(catalog(&dataset.vocabulary)), Arc::new(dataset.counts())).unwrap();
    let mut state = predictor.new_state();
    for answer in &dataset.sequences[3].answers {
        predictor.advance(&mut state, &event(&dataset, &dataset.sequences[3], answer));
    }
    let now = Micros(1 << 40);
    let items: Vec<u32> = (0..12).collect();
    for (foresight, item) in predictor.foresee_at(&state, &items, now).into_iter().zip(items) {
        let skills: Vec<SkillId> =
            predictor.index().skills_of(item).iter().map(|skill| predictor.index().skills[*skill as usize].clone()).collect();
        let mean = |state: &LearnerState| {
            predictor.mastery(state, &skills, now).iter().map(|m| m.p_correct).sum::<f32>() / skills.len().max(1) as f32
        };
        let after = |correct| mean(&predictor.simulate_at(&state, item, correct, now));
        assert!((foresight.p_correct - predictor.predict_at(&state, &[item], now)[0].p_correct).abs() < 1e-6);
        assert!((foresight.mastery - mean(&state)).abs() < 1e-6);
        // A simulated state is kept in half precision, a foreseen one is not kept.
        assert!((foresight.after_right - after(true)).abs() < 5e-4 && (foresight.after_wrong - after(false)).abs() < 5e-4);
        if !skills.is_empty() {
            assert!(foresight.after_right >= foresight.mastery - 1e-6 && foresight.mastery + 1e-6 >= foresight.after_wrong);
        }
    }
}

#[test]
fn a_learner_who_alone_answered_an_item_leaves_no_trace() {
    let mut with = class(30, 20);
    let without = class(30, 20);
    let only = ItemId::parse("only theirs").unwrap();
    with.vocabulary.items.push(only);
    with.vocabulary.item_skills.push(vec![1]);
    with.sequences.push(Sequence {
        learner: Pseudonym([255; 16]),
        answers: vec![Answer { item: 12, ..with.sequences[0].answers[0] }; 5],
        views: vec![],
    });
    // Taken out again, as a retrain after an erasure makes its dataset: from the rows that are left.
    with.sequences.pop();
    let used: BTreeSet<u32> = with.sequences.iter().flat_map(|sequence| &sequence.answers).map(|answer| answer.item).collect();
    with.vocabulary.items.truncate(used.len());
    with.vocabulary.item_skills.truncate(used.len());
    assert_eq!(train_member(&with, &config(), 5, &Silent).unwrap().weights, train_member(&without, &config(), 5, &Silent).unwrap().weights);
}

#[test]
fn what_cannot_be_trained_says_so() {
    assert!(matches!(train_member(&Dataset::default(), &config(), 1, &Silent), Err(TrainError::TooLittleData { learners: 0, answers: 0 })));
    assert!(matches!(train_member(&class(3, 50), &config(), 1, &Silent), Err(TrainError::TooLittleData { learners: 3, answers: 150 })));
    struct Stop;
    impl Progress for Stop {
        fn report(&self, _: f64, _: &str) -> bool {
            false
        }
    }
    assert!(matches!(train_member(&class(30, 20), &config(), 1, &Stop), Err(TrainError::Cancelled)));
}

#[test]
fn one_sided_answers_train_to_finite_weights() {
    let mut dataset = class(30, 20);
    dataset.sequences.iter_mut().flat_map(|sequence| &mut sequence.answers).for_each(|answer| answer.correct = true);
    let member = train_member(&dataset, &config(), 1, &Silent).unwrap();
    assert!(artefact::decode(&member.weights).is_ok());
    assert_eq!(member.report.validation_auc, None);
}

#[test]
fn an_item_with_five_hundred_skills_and_a_very_long_history_train_to_finite_weights() {
    let mut dataset = class(30, 20);
    dataset.vocabulary.skills = (0..500).map(|n| SkillId::parse(format!("skill {n:04}")).unwrap()).collect();
    dataset.vocabulary.item_skills[0] = (0..500).collect();
    let long = class(31, 3_000).sequences.into_iter().find(|long| dataset.sequences.iter().all(|known| known.learner != long.learner));
    dataset.sequences.extend(long);
    dataset.sequences.sort_by_key(|sequence| sequence.learner);
    let config = TrainingConfig { max_epochs: 1, ..config() };
    let whole = train_member(&dataset, &config, 1, &Silent).unwrap();
    assert!(artefact::decode(&whole.weights).is_ok());
    let cut = train_member(&dataset, &TrainingConfig { max_sequence: 100, ..config }, 1, &Silent).unwrap();
    assert!(cut.report.steps == whole.report.steps && cut.weights != whole.weights);
}

#[test]
fn a_learner_of_a_hundred_and_fifty_items_and_eight_members_fit_in_64_kib() {
    let dataset = Class { learners: 30, answers: 20, items: 150, skills: 30 }.dataset(9);
    let config = TrainingConfig { max_epochs: 1, ..TrainingConfig::default() };
    let weights = train_member(&dataset, &config, 5, &Silent).unwrap().weights;
    let catalog = Arc::new(catalog(&dataset.vocabulary));
    let predictor = Predictor::load(&vec![weights; 8], catalog, Arc::new(dataset.counts())).unwrap();
    let mut state = predictor.new_state();
    for item in 0..150 {
        let answer = Answer { item, ..dataset.sequences[0].answers[0] };
        predictor.advance(&mut state, &event(&dataset, &dataset.sequences[0], &answer));
    }
    assert_eq!((state.record.items.len(), state.record.skills.len()), (150, 30));
    assert!(state.bytes() <= 64 * 1024, "{} bytes", state.bytes());
}

#[test]
fn without_members_counts_answer_and_nothing_known_is_no_obstacle() {
    let dataset = class(30, 20);
    let predictor = Predictor::load(&[], Arc::new(catalog(&dataset.vocabulary)), Arc::new(dataset.counts())).unwrap();
    assert_eq!(predictor.members(), 0);
    let mut state = predictor.new_state();
    let before = predictor.predict_all(&state, Micros(0));
    for answer in dataset.sequences[0].answers.iter().take(5) {
        predictor.advance(&mut state, &event(&dataset, &dataset.sequences[0], &Answer { correct: true, ..*answer }));
    }
    let after = predictor.predict_all(&state, Micros(0));
    assert!(after.iter().zip(&before).all(|(after, before)| after.p_correct > before.p_correct));
    let unknown = [ItemId::parse("never heard of").unwrap()];
    assert!((0.0..=1.0).contains(&predictor.predict(&state, &unknown, Micros(0))[0].p_correct));
    let empty = Predictor::load(&[], Arc::default(), Arc::new(Counts::default())).unwrap();
    assert_eq!(empty.predict(&empty.new_state(), &unknown, Micros(0))[0].p_correct, 0.5);
}
