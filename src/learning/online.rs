//! Learner profiles: the model's state and what was seen when, rebuilt from events at will, advanced when new ones came.
//!
//! [`Profile`] is pure: a fold over a learner's usable events. [`Profiles`] keeps the recent ones in memory and compares the
//! learner's revision on every request, so an answer accepted a moment ago counts, whichever replica accepted it. A learner who
//! opted out is never asked for here, and [`Profiles::forget`] drops what was kept.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::{LearnerState, Predictor};
use crate::domain::{CatalogIndex, Event, EventKey, EventKind, LearnerStanding, Micros, Pseudonym, TenantId};
use crate::store::{self, Tx};

/// What a learner did with one item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemHistory {
    pub attempts: u32,
    pub correct: u32,
    pub last_at: Micros,
    /// The last answer, if there was one.
    pub last_correct: Option<bool>,
    /// Answered right, or reported complete.
    pub done: bool,
}

/// What a learner did on one skill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SkillHistory {
    pub attempts: u32,
    pub correct: u32,
    pub last_at: Micros,
    pub right_in_a_row: u32,
}

/// A learner as the recommender sees them. Numbers are those of the predictor's index.
#[derive(Debug, Clone)]
pub struct Profile {
    pub state: LearnerState,
    pub items: HashMap<u32, ItemHistory>,
    pub skills: HashMap<u32, SkillHistory>,
    /// Last item touched in each course number.
    pub frontier: HashMap<u32, u32>,
    pub events: usize,
    pub attempts: u32,
    pub correct: u32,
    last: Option<(Micros, EventKey)>,
}

impl Profile {
    /// A learner of whom nothing is known.
    pub fn new(predictor: &Predictor) -> Self {
        Self {
            state: predictor.new_state(),
            items: HashMap::new(),
            skills: HashMap::new(),
            frontier: HashMap::new(),
            events: 0,
            attempts: 0,
            correct: 0,
            last: None,
        }
    }

    pub fn from_events(predictor: &Predictor, events: &[Event]) -> Self {
        let mut profile = Self::new(predictor);
        profile.take_from(predictor, events, 0);
        profile
    }

    /// Takes in those of a learner's events, all of which are given, that come from the `first` on. The live counts hold them all
    /// already: an answer is never foreseen by counts that it is part of.
    pub fn take_from(&mut self, predictor: &Predictor, events: &[Event], first: usize) {
        predictor.catch_up(&mut self.state, events);
        events[first..].iter().for_each(|event| self.take(predictor, event));
        predictor.caught_up(&mut self.state);
    }

    /// Takes one event in. Events must come in (occurred_at, key) order.
    pub fn take(&mut self, predictor: &Predictor, event: &Event) {
        predictor.advance(&mut self.state, event);
        self.events += 1;
        self.last = Some((event.occurred_at, event.key));
        let index: &CatalogIndex = predictor.index();
        let item = index.item(&event.item);
        let answer = event.correct.filter(|_| event.is_answer());
        if let Some(item) = item {
            let history = self.items.entry(item).or_default();
            history.last_at = event.occurred_at;
            history.done |= event.kind == EventKind::Complete || answer == Some(true);
            self.frontier.insert(index.places[item as usize].course, item);
        }
        let Some(correct) = answer else { return };
        self.attempts += 1;
        self.correct += u32::from(correct);
        if let Some(history) = item.and_then(|item| self.items.get_mut(&item)) {
            history.attempts += 1;
            history.correct += u32::from(correct);
            history.last_correct = Some(correct);
        }
        let note = |skills: &mut HashMap<u32, SkillHistory>, skill: u32| {
            let history = skills.entry(skill).or_default();
            history.attempts += 1;
            history.correct += u32::from(correct);
            history.last_at = event.occurred_at;
            history.right_in_a_row = if correct { history.right_in_a_row + 1 } else { 0 };
        };
        match item.map(|item| index.skills_of(item)) {
            Some(skills) if !skills.is_empty() => skills.iter().for_each(|skill| note(&mut self.skills, *skill)),
            _ => event.skill_hints.iter().filter_map(|hint| index.skill(hint)).for_each(|skill| note(&mut self.skills, skill)),
        }
    }

    /// Whether `event` comes after all that was taken in.
    fn precedes(&self, event: &Event) -> bool {
        self.last.is_none_or(|last| last < (event.occurred_at, event.key))
    }
}

/// What a kept profile was made from: it is used only while both still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    /// The learner's revision.
    revision: i64,
    /// The shard's epoch: while it stands, events were only added, never changed or taken away.
    epoch: i64,
    /// Model and catalogue revision.
    model: (i64, i64),
}

struct Kept {
    origin: Origin,
    profile: Arc<Profile>,
}

/// Profiles of recent learners, of all tenants; the least recently used go first.
pub struct Profiles {
    kept: Mutex<LruCache<(TenantId, Pseudonym), Kept>>,
}

impl Profiles {
    pub fn new(capacity: usize) -> Self {
        Self { kept: Mutex::new(LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN))) }
    }

    /// The learner's profile as of `standing`, which must come from the same unit of work as `tx`, and must not be an opted-out one.
    /// `model` names the revisions `predictor` was made from; `shards` is the configured number.
    pub async fn get(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        standing: &LearnerStanding,
        model: (i64, i64),
        predictor: &Predictor,
        shards: u16,
    ) -> store::Result<Arc<Profile>> {
        let key = (tenant.clone(), standing.learner);
        let known = self.lock().get(&key).filter(|kept| kept.origin.model == model).map(|kept| (kept.origin, kept.profile.clone()));
        if let Some((origin, profile)) = &known
            && origin.revision == standing.revision
        {
            return Ok(profile.clone());
        }
        let epoch = store::shards::epoch(tx, tenant, standing.bucket.shard(shards)).await?;
        let events = store::events::usable_of(tx, tenant, standing.learner).await?;
        let profile = match known {
            Some((origin, profile)) if origin.epoch == epoch && only_newer(&profile, &events) => {
                let mut profile = Profile::clone(&profile);
                let seen = profile.events;
                profile.take_from(predictor, &events, seen);
                profile
            }
            _ => Profile::from_events(predictor, &events),
        };
        let profile = Arc::new(profile);
        self.lock().put(key, Kept { origin: Origin { revision: standing.revision, epoch, model }, profile: profile.clone() });
        Ok(profile)
    }

    /// Drops what is kept of a learner.
    pub fn forget(&self, tenant: &TenantId, learner: Pseudonym) {
        self.lock().pop(&(tenant.clone(), learner));
    }

    /// Drops what was made from other revisions than `model`: after a quarantine nothing shaped by the silenced member stays.
    pub fn forget_stale(&self, tenant: &TenantId, model: (i64, i64)) {
        let mut kept = self.lock();
        let stale: Vec<_> =
            kept.iter().filter(|((of, _), entry)| of == tenant && entry.origin.model != model).map(|(key, _)| key.clone()).collect();
        for key in stale {
            kept.pop(&key);
        }
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A panic while the lock is held cannot leave an entry half-written: entries are replaced whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<(TenantId, Pseudonym), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `events` are those of `profile` and then newer ones.
fn only_newer(profile: &Profile, events: &[Event]) -> bool {
    match profile.events {
        0 => true,
        seen => {
            events.get(seen - 1).is_some_and(|event| Some((event.occurred_at, event.key)) == profile.last)
                && events[seen..].first().is_none_or(|next| profile.precedes(next))
        }
    }
}
