//! Model versions: training shards from the store, artefacts on disk, promotion behind the fence, loading for serving.
//!
//! A *version* is S members, one a shard, and is named by the hash of its configuration and members; versions share unchanged
//! members. A way through: [`Registry::refresh`] trains what changed and promotes it if it is no worse ([`heldout`]);
//! [`Registry::retrain`] replaces silenced members from filtered data; [`Registry::rollback`] goes back; [`load_predictor`]
//! gives what is served.
//!
//! Versions change only in units of work that first bump the tenant's own epoch, which is a row lock: they follow one another,
//! and follow or precede any erasure as a whole. Files are written and deleted inside them, so that no file a version names
//! goes missing. A training that read its data before an erasure finds the shard's epoch moved, and is thrown away unwritten.

pub mod artefacts;
pub mod card;
pub mod checkpoints;
mod heldout;
mod load;
pub mod profile;
mod promote;
mod refresh;
mod retrain;
mod training;

use std::sync::Arc;

use crate::config::{Config, ModelConfig, TrainingConfig};
use crate::domain::hash::Hasher;
use crate::domain::model::MemberRow;
use crate::domain::{Clock, ModelVersion, ShardId, TenantId};
use crate::privacy::Secrets;
use crate::store::{Store, StoreError};

pub use artefacts::{ArtefactError, Artefacts};
pub use load::{LeftOut, Loaded, WhyLeftOut, load_members, load_predictor};
pub use promote::{Promotion, RolledBack};
pub use refresh::{Candidate, Refreshed};
pub use retrain::{Retrained, RetrainedMember};
pub use training::commit;

use super::predictor::LoadError;

/// Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pub store: Store,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    pub artefacts: Artefacts,
    pub training: TrainingConfig,
    pub model: ModelConfig,
    /// Shards trained side by side.
    threads: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Somebody no longer wants the result.
    #[error("cancelled")]
    Cancelled,
    /// Shards changed under the training, again and again; nothing was kept.
    #[error("the data of {} shard(s) changed during the training; try again", .shards.len())]
    Stale { shards: Vec<ShardId> },
    #[error("there is no version {0}")]
    UnknownVersion(ModelVersion),
    /// A version that cannot be served as it is; says what to do instead.
    #[error("{0}")]
    NotPromotable(String),
    #[error("training data")]
    Data(#[source] anyhow::Error),
}

impl Registry {
    pub fn new(store: Store, secrets: Arc<Secrets>, clock: Arc<dyn Clock>, config: &Config) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            secrets,
            clock,
            artefacts: Artefacts::new(&config.storage.artefacts),
            training: config.training.clone(),
            model: config.model.clone(),
            threads: if config.jobs.training_threads == 0 { cores() } else { config.jobs.training_threads },
        }
    }
}

/// The name of a version: 16 hex characters of a hash over configuration and members.
pub fn version_id(config: &TrainingConfig, members: &[MemberRow]) -> ModelVersion {
    let mut hasher = Hasher::new("parcours 2026 model version");
    hasher.part(&serde_json::to_vec(config).expect("a configuration is plain JSON")).number(members.len() as u64);
    for member in members {
        hasher.number(u64::from(member.shard.0)).part(member.weights.as_ref().map_or(&[], |weights| &weights.0[..]));
        hasher.part(&member.training_root.0);
    }
    ModelVersion(hasher.finish().hex()[..16].to_string())
}

/// Runs what waits for the disk, or computes long, away from the threads that answer requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// For messages: a tenant's versions.
fn unknown(version: &ModelVersion, _tenant: &TenantId) -> RegistryError {
    RegistryError::UnknownVersion(version.clone())
}
