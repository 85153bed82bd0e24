//! A made-up school to serve: a course, learners with histories, and a model trained on them, all through the real rooms.

use std::sync::Arc;

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::api::auth;
use crate::app::App;
use crate::domain::{EventKind, Micros, Scope, TenantId};
use crate::ingest::catalog::{self, CatalogFormat};
use crate::ingest::{Batch, NativeEvent, write};
use crate::learning::registry::Registry;
use crate::learning::train::Silent;
use crate::store::{keys, tenants};

pub struct World {
    pub learners: usize,
    pub items: usize,
    pub skills: usize,
    /// Answers per learner.
    pub answers: usize,
    pub seed: u64,
}

pub fn learner_id(number: usize) -> String {
    format!("learner-{number}")
}

fn item_id(number: usize) -> String {
    format!("item-{number:06}")
}

fn skill_id(number: usize) -> String {
    format!("skill-{number:04}")
}

impl World {
    /// Makes everything; returns the tenant and a key that may ask for recommendations.
    pub async fn make(&self, app: &App) -> anyhow::Result<(TenantId, String)> {
        let tenant = TenantId::default();
        let now = app.clock.now();
        let minted = auth::mint(&tenant, "bench", vec![Scope::Recommend], now);
        let mut tx = app.store.write().await?;
        tenants::ensure(&mut tx, &tenant, now).await?;
        keys::insert(&mut tx, &minted.key, &minted.secret_hash).await?;
        tx.commit().await?;
        eprintln!("making {} items, {} learners, {} answers", self.items, self.learners, self.learners * self.answers);
        catalog::put(&app.store, &tenant, &serde_json::to_vec(&self.catalog())?, CatalogFormat::Json).await?;
        for events in self.events(now).chunks(app.config.ingest.max_batch.min(20_000)) {
            let batch = Batch::of(events.to_vec(), &app.config.ingest, now)?;
            write::write(&app.store, &app.secrets, now, &tenant, batch).await?;
        }
        eprintln!("training {} members", app.config.model.shards);
        let registry = Registry::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
        let refreshed = registry.refresh(&tenant, true, true, "cli", Arc::new(Silent)).await.context("training")?;
        anyhow::ensure!(refreshed.promoted, "too little data for a model: ask for more learners or answers");
        Ok((tenant, minted.secret))
    }

    /// Skills in a chain of short prerequisites; items spread evenly over them, in one course.
    fn catalog(&self) -> serde_json::Value {
        let items: Vec<_> = (0..self.items)
            .map(|number| {
                let skill = number * self.skills / self.items;
                // Every fourth item exercises two skills.
                let skills: Vec<String> = if number % 4 == 0 { vec![skill, (skill + 1) % self.skills] } else { vec![skill] }.into_iter().map(skill_id).collect();
                let minutes = 2 + number % 8;
                json!({ "id": item_id(number), "skills": skills, "kind": "exercise", "course": "course", "position": number, "duration_minutes": minutes })
            })
            .collect();
        let skills: Vec<_> = (0..self.skills).map(|number| json!({ "id": skill_id(number), "titles": { "fr": format!("Compétence {number}"), "en": format!("Skill {number}") } })).collect();
        let prerequisites: Vec<_> = (1..self.skills)
            .filter(|number| number % 10 != 0)
            .map(|number| json!({ "skill": skill_id(number), "requires": skill_id(number - 1) }))
            .collect();
        json!({ "items": items, "skills": skills, "prerequisites": prerequisites, "courses": [{ "id": "course", "position": 0 }] })
    }

    /// Each learner works through a part of the course of their own, some way into it, over the last month.
    fn events(&self, now: Micros) -> Vec<NativeEvent> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let month = 30 * Micros::DAY;
        let mut events = Vec::with_capacity(self.learners * self.answers);
        for learner in 0..self.learners {
            let (start, ability): (usize, f64) = (rng.random_range(0..self.items), rng.random_range(-1.0..1.5));
            for answer in 0..self.answers {
                let item = (start + answer * 3 + rng.random_range(0..3)) % self.items;
                let difficulty = (item * 37 % 100) as f64 / 50.0 - 1.0;
                let chance = 1.0 / (1.0 + (difficulty - ability - answer as f64 / self.answers as f64).exp());
                let ago = month / self.answers as i64 * (self.answers - answer) as i64;
                events.push(NativeEvent {
                    id: format!("{learner}-{answer}"),
                    learner_id: learner_id(learner),
                    item_id: item_id(item),
                    kind: EventKind::Attempt,
                    occurred_at: Micros(now.0 - ago).to_rfc3339(),
                    correct: Some(rng.random_bool(chance)),
                    score: None,
                    max_score: None,
                    response_ms: None,
                    attempt_number: None,
                    hints: None,
                    skills: None,
                    progress: None,
                    rating: None,
                });
            }
        }
        events
    }
}
