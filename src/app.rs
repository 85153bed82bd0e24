//! The handles every request and job shares.

use std::sync::Arc;

use crate::config::Config;
use crate::domain::{Clock, SystemClock};
use crate::privacy::Secrets;
use crate::store::Store;

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
}

impl App {
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
        Ok(Self { config: Arc::new(config), store, secrets: Arc::new(secrets), clock: Arc::new(SystemClock) })
    }
}
