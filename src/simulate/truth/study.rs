//! A cohort as a service would have met it, and what it truly knew: lives -> events -> members -> the states of held-out learners.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::DateTime;

use crate::domain::{Catalog, Event, EventKind, ItemId, LearnerId, Micros, ShardId, SkillId, TenantId};
use crate::ingest::NativeEvent;
use crate::ingest::catalog::{Update, merge};
use crate::learning::dataset::Dataset;
use crate::learning::evaluate::{served, side_by_side, train_members};
use crate::learning::metrics::Metrics;
use crate::learning::train::{Progress, member_seed};
use crate::learning::{Counts, LearnerState, Predictor, TrainingConfig, frame};
use crate::privacy::Secrets;
use crate::simulate::cohort::day_of;
use crate::simulate::{Cohort, CourseWorld, SimulatedLearner};

/// Every so many learners one is held out: in no training and in no count.
const HELD_OUT_EVERY: usize = 5;

/// How members are trained.
#[derive(Debug, Clone)]
pub struct Training {
    /// Its `seed` gives way to the study's.
    pub config: TrainingConfig,
    pub threads: usize,
}

/// One learner: what the service saw of them, and who they are after it.
#[derive(Debug, Clone)]
pub struct Life {
    pub number: usize,
    /// In order.
    pub events: Vec<Event>,
    pub learner: SimulatedLearner,
}

impl Life {
    pub fn is_held_out(&self) -> bool {
        self.number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    }

    /// The moment of the last event.
    pub fn end(&self) -> Micros {
        self.events.last().map_or(Micros(0), |event| event.occurred_at)
    }
}

/// A held-out learner at the end of their events, as the service knows them.
pub struct End<'a> {
    pub life: &'a Life,
    pub state: LearnerState,
    pub now: Micros,
    /// The same moment, in days of the simulation.
    pub day: f64,
}

pub struct Study {
    pub world: CourseWorld,
    pub catalog: Arc<Catalog>,
    /// By number, as in the world.
    pub items: Vec<ItemId>,
    pub skills: Vec<SkillId>,
    pub lives: Vec<Life>,
    pub seed: u64,
    item_at: HashMap<ItemId, usize>,
    secrets: Secrets,
}

impl Study {
    /// # Errors
    /// None of the learners would be held out.
    pub fn new(learners: usize, seed: u64) -> anyhow::Result<Self> {
        ensure!(learners >= HELD_OUT_EVERY, "{learners} learners are too few: every {HELD_OUT_EVERY}th is held out");
        let cohort = Cohort::new(learners, seed);
        // Pseudonyms, and so shards and validation learners, follow from the seed.
        let secrets = Secrets::from_seed(seed);
        let live = |number: usize| {
            let life = cohort.biography(number);
            let events = life.events.iter().map(|event| as_stored(event, &secrets)).collect::<anyhow::Result<_>>()?;
            Ok(Life { number, events, learner: life.learner })
        };
        let lives = (0..learners).map(live).collect::<anyhow::Result<_>>()?;
        let items = cohort.world.items.iter().map(|item| ItemId::parse(item.id.as_str())).collect::<Result<Vec<_>, _>>()?;
        let item_at = items.iter().cloned().zip(0..).collect();
        let skills = cohort.world.skills.iter().map(|skill| SkillId::parse(skill.id)).collect::<Result<_, _>>()?;
        let catalog = Arc::new(catalog(&cohort.world)?);
        Ok(Self { world: cohort.world, catalog, items, skills, lives, seed, item_at, secrets })
    }

    pub fn held_out(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|life| life.is_held_out())
    }

    pub fn trained_on(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|life| !life.is_held_out())
    }

    /// Skills of an event's item, as they truly are.
    pub fn skills_of(&self, event: &Event) -> &[usize] {
        self.item_at.get(&event.item).map_or(&[], |&item| &self.world.items[item].skills)
    }

    /// The same learners with every event changed by `strip`; events it returns `None` for were never sent.
    pub fn stripped(&self, strip: impl Fn(&Event) -> Option<Event>) -> Self {
        let lives =
            self.lives.iter().map(|life| Life { events: life.events.iter().filter_map(&strip).collect(), ..life.clone() }).collect();
        Self {
            world: self.world.clone(),
            catalog: self.catalog.clone(),
            items: self.items.clone(),
            skills: self.skills.clone(),
            lives,
            seed: self.seed,
            item_at: self.item_at.clone(),
            secrets: Secrets::from_seed(self.seed),
        }
    }

    /// One member a shard, from that shard's events alone, and the counts of all of them: what would be served.
    ///
    /// # Errors
    /// No shard has enough data, a member diverged, or `progress` said stop.
    pub fn learn(&self, shards: u16, training: &Training, progress: &dyn Progress) -> anyhow::Result<Predictor> {
        let mut events: Vec<Vec<Event>> = vec![Vec::new(); usize::from(shards)];
        for event in self.trained_on().flat_map(|life| &life.events) {
            events[usize::from(self.secrets.bucket(event.learner).shard(shards).0)].push(event.clone());
        }
        let mut counts = Counts::default();
        let mut datasets = Vec::with_capacity(events.len());
        for (events, shard) in events.into_iter().zip(0..) {
            let dataset = Dataset::from_frame(&frame::from_events(&events)?, &self.catalog)?;
            counts.add(&dataset.counts());
            datasets.push((member_seed(self.seed, ShardId(shard)), dataset));
        }
        let config = TrainingConfig { seed: self.seed, ..training.config.clone() };
        let members = train_members(&datasets, &config, training.threads, progress)?;
        let weights: Vec<Vec<u8>> = members.into_iter().flatten().map(|member| member.weights).collect();
        ensure!(!weights.is_empty(), "no shard has enough data for a member: simulate more learners or train fewer shards");
        Ok(Predictor::load(&weights, self.catalog.clone(), Arc::new(counts))?)
    }

    /// The held-out learners after their last event.
    pub fn ends(&self, predictor: &Predictor) -> Vec<End<'_>> {
        let end = |life| {
            let state = self.state_after(predictor, life);
            let now = Life::end(life);
            End { life, state, now, day: day_of(now) }
        };
        self.held_out().map(end).collect()
    }

    fn state_after(&self, predictor: &Predictor, life: &Life) -> LearnerState {
        let mut state = predictor.new_held_out_state();
        life.events.iter().for_each(|event| predictor.advance(&mut state, event));
        state
    }

    /// How well every answer of the held-out learners was foreseen.
    ///
    /// # Errors
    /// They gave none.
    pub fn answers(&self, predictor: &Predictor, threads: usize) -> anyhow::Result<Metrics> {
        let lives: Vec<&Life> = self.held_out().collect();
        let follow = |place: usize| {
            let mut state = predictor.new_held_out_state();
            let mut scored: Vec<(f32, bool)> = Vec::new();
            for event in &lives[place].events {
                scored.extend(
                    event.correct.filter(|_| event.is_answer()).map(|correct| (served(predictor, &state, event).p_correct, correct)),
                );
                predictor.advance(&mut state, event);
            }
            scored
        };
        let scored: Vec<(f32, bool)> = side_by_side(lives.len(), threads, follow).into_iter().flatten().collect();
        Metrics::of(&scored).context("the held-out learners answered nothing")
    }
}

/// The event as ingestion would have stored it.
fn as_stored(event: &NativeEvent, secrets: &Secrets) -> anyhow::Result<Event> {
    let tenant = TenantId::default();
    let score = match event.kind {
        EventKind::Rate => event.rating.map(|rating| (rating - 1.0) / 4.0),
        _ => event.correct.map(|correct| f64::from(u8::from(correct))).or(event.progress),
    };
    Ok(Event {
        key: secrets.event_key(&tenant, &event.id),
        learner: secrets.pseudonym(&tenant, &LearnerId::parse(event.learner_id.as_str())?, 0),
        item: ItemId::parse(event.item_id.as_str())?,
        kind: event.kind,
        occurred_at: Micros(DateTime::parse_from_rfc3339(&event.occurred_at)?.timestamp_micros()),
        score: score.map(|score| score as f32),
        correct: event.correct,
        response_ms: event.response_ms,
        attempt_number: event.attempt_number.map(i32::try_from).transpose()?,
        hints: event.hints.map(i32::try_from).transpose()?,
        skill_hints: Vec::new(),
    })
}

/// The course's catalogue, by the way an LMS would send it.
fn catalog(world: &CourseWorld) -> anyhow::Result<Catalog> {
    let (patch, _) = merge(&Update::from_json(&serde_json::to_vec(&world.catalog)?)?, &Catalog::default());
    Ok(Catalog {
        revision: 1,
        items: patch.items.into_iter().map(|item| (item.id.clone(), item)).collect(),
        skills: patch.skills.into_iter().map(|skill| (skill.id.clone(), skill)).collect(),
        courses: patch.courses.into_iter().map(|course| (course.id.clone(), course)).collect(),
        modules: patch.modules.into_iter().map(|module| (module.id.clone(), module)).collect(),
        prerequisites: patch.prerequisites,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_sees_what_was_done_and_one_learner_in_five_is_held_out() {
        let study = Study::new(10, 3).unwrap();
        assert_eq!((study.held_out().count(), study.trained_on().count()), (2, 8));
        let told = Cohort::new(10, 3).biography(4);
        let life = &study.lives[4];
        assert!(life.is_held_out() && life.events.len() == told.events.len());
        assert!(life.events.is_sorted_by(|a, b| a.occurred_at < b.occurred_at));
        let answers = life.events.iter().filter(|event| event.is_answer()).count();
        assert_eq!(answers, told.probabilities.len());
        assert!(life.events.iter().all(|event| study.catalog.items.contains_key(&event.item)));
        assert!(day_of(life.end()) > 0.0 && day_of(life.end()) <= told.last_day, "the last event comes before the life ends");
        assert!(Study::new(4, 3).is_err());
    }

    #[test]
    fn what_is_stripped_was_never_sent() {
        let study = Study::new(5, 3).unwrap();
        let bare = study.stripped(|event| event.is_answer().then(|| Event { response_ms: None, ..event.clone() }));
        let left: Vec<&Event> = bare.lives.iter().flat_map(|life| &life.events).collect();
        assert!(left.iter().all(|event| event.is_answer() && event.response_ms.is_none()));
        assert!(study.lives.iter().any(|life| life.events.iter().any(|event| !event.is_answer())));
        assert!(study.lives.iter().flat_map(|life| &life.events).any(|event| event.response_ms.is_some()));
    }
}
