//! A log as events, under pseudonyms: for training and evaluating without a database.

use super::Log;
use crate::domain::{Event, EventKind, LearnerId, TenantId};
use crate::privacy::Secrets;

impl Log {
    /// The id an answer is ingested under. The moment is part of it and unique within the learner, so reading the same file again gives the same ids.
    pub fn event_id(learner: &str, answer: &super::LoggedAnswer) -> String {
        format!("import:{learner}:{}:{}", answer.item.as_str(), answer.occurred_at.0)
    }

    /// Every answer as an event, sorted by (learner, occurred_at, key). With [`Secrets::from_seed`] the pseudonyms,
    /// and so the shards, are the same in every run. Learners whose id is no [`LearnerId`] are left out; the readers make none.
    pub fn events(&self, secrets: &Secrets, tenant: &TenantId) -> Vec<Event> {
        let mut events = Vec::with_capacity(self.answers());
        for logged in &self.learners {
            let Ok(id) = LearnerId::parse(logged.id.as_str()) else { continue };
            let learner = secrets.pseudonym(tenant, &id, 0);
            events.extend(logged.answers.iter().map(|answer| Event {
                key: secrets.event_key(tenant, &Self::event_id(&logged.id, answer)),
                learner,
                item: answer.item.clone(),
                kind: EventKind::Attempt,
                occurred_at: answer.occurred_at,
                score: Some(answer.score.unwrap_or(f32::from(u8::from(answer.correct)))),
                correct: Some(answer.correct),
                response_ms: answer.response_ms,
                attempt_number: answer.attempt_number,
                hints: answer.hints,
                skill_hints: Vec::new(),
            }));
        }
        events.sort_unstable_by_key(|event| (event.learner, event.occurred_at, event.key));
        events
    }
}
