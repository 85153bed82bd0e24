//! What a simulation leaves: `catalog.json` and `events.ndjson.gz` as an LMS would send them, and `truth.json.gz`.
//! The same learners and seed give the same bytes.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder, write::GzEncoder};
use serde_json::json;

use super::cohort::Cohort;
use crate::domain::EventKind;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    pub learners: usize,
    pub events: usize,
    pub answers: usize,
    pub correct: usize,
}

/// The three files, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Files {
    pub catalog: Vec<u8>,
    pub events: Vec<u8>,
    pub truth: Vec<u8>,
    pub written: Written,
}

pub const CATALOG: &str = "catalog.json";
pub const EVENTS: &str = "events.ndjson.gz";
pub const TRUTH: &str = "truth.json.gz";

/// Lets every learner of the cohort live; learners follow one another in the file. `progress` is told how many are done.
///
/// # Errors
/// None but those of serialising, which do not happen.
pub fn simulate(cohort: &Cohort, mut progress: impl FnMut(usize)) -> io::Result<Files> {
    let mut written = Written { learners: cohort.learners, ..Written::default() };
    let mut events = packed();
    let mut learners = Vec::with_capacity(cohort.learners);
    for number in 0..cohort.learners {
        let life = cohort.biography(number);
        for event in &life.events {
            serde_json::to_writer(&mut events, event)?;
            events.write_all(b"\n")?;
            written.answers += usize::from(event.kind == EventKind::Attempt);
            written.correct += usize::from(event.correct == Some(true));
        }
        written.events += life.events.len();
        let strengths: Vec<f64> =
            (0..cohort.world.skills.len()).map(|skill| rounded(life.learner.strength(skill, life.last_day))).collect();
        learners.push(json!({
            "id": life.id,
            "talent": rounded(life.learner.talent),
            "half_life_days": rounded(life.learner.half_life_days),
            "slip": rounded(life.learner.slip),
            "strengths": strengths,
            "probabilities": life.probabilities.iter().copied().map(rounded).collect::<Vec<_>>(),
        }));
        progress(number + 1);
    }
    let truth = json!({
        "skills": cohort.world.skills.iter().map(|skill| skill.id).collect::<Vec<_>>(),
        "items": cohort.world.items.iter().map(|item| json!({"id": item.id, "difficulty": rounded(item.difficulty), "guess": item.guess})).collect::<Vec<_>>(),
        "learners": learners,
    });
    let mut packed_truth = packed();
    serde_json::to_writer(&mut packed_truth, &truth)?;
    let mut catalog = serde_json::to_vec_pretty(&cohort.world.catalog)?;
    catalog.push(b'\n');
    Ok(Files { catalog, events: events.finish()?, truth: packed_truth.finish()?, written })
}

/// Gzip without a time and without a system in its header.
fn packed() -> GzEncoder<Vec<u8>> {
    GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best())
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

impl Files {
    /// Writes the files into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in [(CATALOG, &self.catalog), (EVENTS, &self.events), (TRUTH, &self.truth)] {
            std::fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }
}
