//! The handles every request and job shares, and the four questions about a learner.
//!
//! A handler resolves who is asked about with [`App::subject`] (one snapshot: identity, standing, and the learner's profile as of
//! that standing), then asks [`App::recommend`], [`App::path`], [`App::knowledge`] or [`App::predictions`]. The model runs off
//! the async threads.

mod answer;
mod error;
mod inference;
mod recorder;
mod serving;

use std::sync::Arc;

use crate::config::Config;
use crate::domain::{Clock, SystemClock};
use crate::learning::online::Profiles;
use crate::privacy::Secrets;
use crate::store::Store;

pub use answer::Subject;
pub use error::AppError;
pub use inference::Inference;
pub use recorder::Recorder;
pub use serving::{Serving, ServingCache};

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    /// Loaded models and catalogues, one per tenant.
    pub models: Arc<ServingCache>,
    /// Profiles of recent learners.
    pub profiles: Arc<Profiles>,
    /// Where predictions are computed.
    pub inference: Inference,
    /// Where recommendations are written down.
    pub recorder: Recorder,
}

impl App {
    /// Puts the handles together. Must be called inside a Tokio runtime: the recorder writes in the background.
    pub fn new(config: Config, store: Store, secrets: Secrets, clock: Arc<dyn Clock>) -> Self {
        Self {
            models: Arc::new(ServingCache::new(store.clone(), &config)),
            profiles: Arc::new(Profiles::new(config.model.state_cache)),
            inference: Inference::new(config.server.max_in_flight),
            recorder: Recorder::start(store.clone()),
            config: Arc::new(config),
            store,
            secrets: Arc::new(secrets),
            clock,
        }
    }

    /// Opens the database (bringing its schema up to date) and the secrets the configuration names.
    ///
    /// # Errors
    /// Names the database or the key file that cannot be used.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        use anyhow::Context;
        if let Some(file) = config.database.url.strip_prefix("sqlite:") {
            let file = file.trim_start_matches("//").split('?').next().unwrap_or_default();
            if let Some(folder) = std::path::Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            }
        }
        let store = Store::connect(&config.database).await.context("cannot open the database")?;
        let secrets = Secrets::load_or_create(&config.storage.secrets)?;
        Ok(Self::new(config, store, secrets, Arc::new(SystemClock)))
    }

    /// Writes down what is still waiting, then closes the database. For a graceful shutdown.
    pub async fn close(&self) {
        self.recorder.close().await;
        self.store.close().await;
    }
}
