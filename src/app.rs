//! The handles every request and job shares.

use std::sync::Arc;

use crate::config::Config;
use crate::domain::Clock;
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
