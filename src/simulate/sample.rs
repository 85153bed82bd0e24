//! The sample that comes with the program: the files of `data/`, made by `parcours simulate --learners 1200 --seed 2026`.

use std::io::BufReader;

use anyhow::Context;
use flate2::read::GzDecoder;

use crate::config::IngestConfig;
use crate::domain::{Micros, TenantId};
use crate::ingest::LoadReport;
use crate::ingest::catalog::{self, CatalogFormat};
use crate::ingest::load::load_lines;
use crate::privacy::Secrets;
use crate::store::{self, Store};

pub const LEARNERS: usize = 1_200;
pub const SEED: u64 = 2026;
pub const CATALOG: &[u8] = include_bytes!("../../data/catalog.json");
pub const EVENTS: &[u8] = include_bytes!("../../data/events.ndjson.gz");
/// Lines in [`EVENTS`].
pub const EVENTS_TOTAL: usize = 51_020;

/// Loads the sample course and its events for `tenant`, the way an LMS would send them. `progress` is told (done, of) events.
/// Loading it again changes nothing.
///
/// # Errors
/// The database cannot be written.
pub async fn load_sample(
    store: &Store,
    secrets: &Secrets,
    config: &IngestConfig,
    now: Micros,
    tenant: &TenantId,
    mut progress: impl FnMut(usize, usize),
) -> anyhow::Result<LoadReport> {
    let mut tx = store.write().await?;
    store::tenants::ensure(&mut tx, tenant, now).await?;
    tx.commit().await?;
    let mut report = LoadReport { learners: LEARNERS, ..LoadReport::default() };
    report.catalog = catalog::put(store, tenant, CATALOG, CatalogFormat::Json).await.context("the sample catalogue")?;

    let lines = BufReader::new(GzDecoder::new(EVENTS));
    load_lines(store, secrets, config, now, tenant, lines, &mut report, |done| progress(done, EVENTS_TOTAL))
        .await
        .context("the sample events")?;
    Ok(report)
}
