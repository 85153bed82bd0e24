//! The regular refresh, by the cron expression `jobs.refresh_cron` (UTC).

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use tokio::sync::watch;

use crate::app::App;
use crate::domain::Micros;
use crate::domain::job::JobPayload;
use crate::store::{StoreError, jobs, tenants};

/// Longest sleep: the clock of a suspended or corrected machine jumps.
const NAP: Duration = Duration::from_secs(20);

/// Queues a refresh, and a purge after it, for every tenant whenever the expression says so, until told to stop.
pub(super) async fn run(app: App, mut stopping: watch::Receiver<bool>) {
    let expression = app.config.jobs.refresh_cron.as_str();
    // An empty expression means none; a wrong one was refused with the configuration.
    let Ok(cron) = Cron::from_str(expression) else { return };
    let Some(mut due) = next(&cron, app.clock.now()) else { return };
    while !*stopping.borrow_and_update() {
        let now = app.clock.now();
        if now < due {
            let left = Duration::from_micros((due.0 - now.0).unsigned_abs());
            tokio::select! {
                () = tokio::time::sleep(left.min(NAP)) => {}
                changed = stopping.changed() => if changed.is_err() { return },
            }
            continue;
        }
        if let Err(error) = queue(&app, due, now).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the regular refresh could not be queued; trying again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        // Missed while the machine slept: once is enough.
        match next(&cron, now) {
            Some(at) => due = at,
            None => return,
        }
    }
}

/// One refresh a tenant for the moment `due`, however many replicas have this clock.
async fn queue(app: &App, due: Micros, now: Micros) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    for tenant in tenants::list(&mut tx).await? {
        jobs::enqueue_scheduled(&mut tx, &tenant.id, &JobPayload::Refresh { full: false, promote: true }, "refresh", due, now).await?;
        jobs::enqueue_scheduled(&mut tx, &tenant.id, &JobPayload::Purge { dry_run: false }, "purge", due, now).await?;
    }
    tx.commit().await
}

fn next(cron: &Cron, after: Micros) -> Option<Micros> {
    cron.find_next_occurrence(&after.to_datetime(), false).ok().map(Micros::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_refresh_is_strictly_after_now_and_in_utc() {
        let cron = Cron::from_str("0 3 * * *").unwrap();
        let at = |text: &str| Micros::from(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert_eq!(next(&cron, at("2026-03-01T02:59:59Z")), Some(at("2026-03-01T03:00:00Z")));
        assert_eq!(next(&cron, at("2026-03-01T03:00:00Z")), Some(at("2026-03-02T03:00:00Z")));
    }
}
