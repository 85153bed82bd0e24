//! The service: API, console and jobs in one process, started and stopped together.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::{self, ApiState};
use crate::app::App;
use crate::console;
use crate::jobs;
use crate::privacy::replay::Replayed;
use crate::privacy::rights::Rights;

/// How long requests in flight may take to finish once the service was told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// A service that listens but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    extra: axum::Router,
}

impl Server {
    /// Takes the configured address.
    pub async fn bind(app: App) -> anyhow::Result<Self> {
        let wanted = app.config.server.address;
        let listener = TcpListener::bind(wanted).await.with_context(|| format!("cannot listen on {wanted}"))?;
        let address = listener.local_addr()?;
        crate::telemetry::metrics();
        Ok(Self { listener, address, app, extra: axum::Router::new() })
    }

    /// Serves `extra` beside the API, under none of its guards: a measurement's floor.
    pub fn with_extra(self, extra: axum::Router) -> Self {
        Self { extra, ..self }
    }

    /// Where it listens: the port is known even when the configuration asked for any (0).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is ready, then finishes what is in flight.
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let Self { listener, address, app, extra } = self;
        let stopping = watch::Sender::new(false);
        let router = api::router(ApiState::new(app.clone()), console::routes());
        // Answers are small: waiting to fill a packet would only delay them.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        tracing::info!(%address, backend = app.store.backend().as_str(), "serving");
        let rights = Rights::new(app.store.clone(), app.secrets.clone(), app.clock.clone(), &app.config);
        // Before anything is served: a database restored from a backup is told what it should have forgotten.
        let replayed = rights.replay().await.context("replaying the rights ledger")?;
        if replayed != Replayed::default() {
            tracing::warn!(
                erasures = replayed.erasures,
                opt_outs = replayed.opt_outs,
                tombstones = replayed.tombstones,
                "the rights ledger knew more than the database; replayed"
            );
        }
        let resumed = rights.resume().await?;
        if resumed > 0 {
            tracing::info!(requests = resumed, "erasures are carried on");
        }
        let background = jobs::start(app.clone());
        let mut heard = stopping.subscribe();
        let serving = axum::serve(listener, router.merge(extra)).with_graceful_shutdown(async move {
            let _ = heard.wait_for(|stop| *stop).await;
        });
        let mut serving = tokio::spawn(serving.into_future());
        tokio::select! {
            ended = &mut serving => ended?.context("the server ended")?,
            () = stop => {
                tracing::info!("stopping: requests in flight are finished");
                stopping.send_replace(true);
                match tokio::time::timeout(DRAIN, &mut serving).await {
                    Ok(ended) => ended?.context("the server ended")?,
                    Err(_) => {
                        tracing::warn!("some connections did not end in time");
                        serving.abort();
                    }
                }
            }
        }
        background.shutdown(DRAIN).await;
        app.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Ready when the process is told to stop: SIGTERM or Ctrl-C. Listens from the call on, not only once it is awaited: a signal
/// that comes while the service starts is heard, too. Must be called inside a Tokio runtime.
pub fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    #[cfg(unix)]
    let interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    async move {
        #[cfg(unix)]
        match (terminate, interrupt) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            _ => std::future::pending().await,
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
