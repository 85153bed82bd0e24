//! Logs and metrics.
//!
//! Logs go to standard error as text or JSON lines. They carry request ids, routes, counts and durations; never a
//! learner, an event or a body. Metrics are kept in memory and read at `/metrics` in Prometheus' text format.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging; a second call changes nothing (tests start many servers in one process).
pub fn init_logs(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|error| {
        eprintln!("log.filter cannot be used ({error}); logging at `info`");
        EnvFilter::new("info")
    });
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = if config.json { logs.json().flatten_event(true).try_init().is_ok() } else { logs.compact().try_init().is_ok() };
    if !started {
        tracing::debug!("logging had been started before");
    }
}

/// Upper bounds of the latency histogram, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The process-wide metrics registry, installed at first use; `None` when another recorder was installed before.
pub fn metrics() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
                .and_then(PrometheusBuilder::install_recorder)
                .inspect_err(|error| tracing::warn!(%error, "metrics are off"))
                .ok()?;
            metrics::describe_counter!("parcours_requests_total", "Requests by route, method and status");
            metrics::describe_histogram!("parcours_request_seconds", "Time to answer, by route");
            metrics::describe_counter!("parcours_events_total", "Submitted events by verdict");
            metrics::describe_gauge!("parcours_jobs", "Jobs by state");
            metrics::describe_gauge!("parcours_requests_in_flight", "Requests being worked on");
            Some(handle)
        })
        .as_ref()
}
