//! What statements and Caliper events have in common once they are translated: most are stored, some are set aside.

use super::{ApiState, Code, Problem};
use crate::domain::{Micros, TenantId};
use crate::ingest::xapi::Translated;
use crate::ingest::{Batch, IngestError, IngestReport, NativeEvent, Reason};

/// Stores what is to be stored. Verdicts carry the places of `translated`; the number is of what was set aside.
pub(super) async fn take(state: &ApiState, tenant: &TenantId, translated: Vec<Translated>) -> Result<(IngestReport, usize), Problem> {
    let mut events: Vec<(NativeEvent, Option<Reason>)> = Vec::new();
    let (mut places, mut set_aside) = (Vec::new(), 0);
    for (place, translated) in translated.into_iter().enumerate() {
        match translated {
            Translated::Event(event) => events.push((event, None)),
            Translated::Puzzling { known, reason } => events.push((known, Some(reason))),
            Translated::SetAside(why) => {
                metrics::counter!("parcours_set_aside_total", "reason" => why).increment(1);
                set_aside += 1;
                continue;
            }
        }
        places.push(place);
    }
    if events.is_empty() {
        return Ok((IngestReport::default(), set_aside));
    }
    let app = &state.app;
    let (config, now): (_, Micros) = (app.config.ingest.clone(), app.clock.now());
    let batch = tokio::task::spawn_blocking(move || Batch::of_translated(events, &config, now)).await;
    let batch = batch.map_err(|error| Problem::new(Code::Internal, error.to_string()))?.map_err(IngestError::from)?;
    let mut report = crate::ingest::write::write(&app.store, &app.secrets, now, tenant, batch).await?;
    for verdict in &mut report.events {
        verdict.index = places[verdict.index];
    }
    Ok((report, set_aside))
}
