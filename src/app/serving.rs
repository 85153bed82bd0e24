//! The loaded model and catalogue of each tenant, kept until a revision moves.
//!
//! Every request names the revisions it has seen in its own snapshot; what is served is at least that new. So a quarantined
//! member is silent from the very next request on, on every replica. Loading is single-flight. Counts only order and calibrate:
//! they are refreshed in the background when they are older than `COUNTS_AGE`, and whenever a revision moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::domain::{Catalog, ModelVersion, TenantId};
use crate::learning::registry::{self, Artefacts, RegistryError, WhyLeftOut};
use crate::learning::{Counts, Predictor};
use crate::recommend::{FallbackReason, Ground, Policy};
use crate::store::{self, Store, Tx, tenants::Tenant};

/// Counts older than this are loaded anew, in the background.
const COUNTS_AGE: Duration = Duration::from_secs(5);

/// What answers are made from. Immutable.
pub struct Serving {
    pub model_revision: i64,
    pub catalog_revision: i64,
    pub ground: Ground,
    counted_at: Instant,
}

impl Serving {
    /// What states made from this predictor are compatible with.
    pub fn revisions(&self) -> (i64, i64) {
        (self.model_revision, self.catalog_revision)
    }

    fn is_at_least(&self, tenant: &Tenant) -> bool {
        self.model_revision >= tenant.model_revision && self.catalog_revision >= tenant.catalog_revision
    }
}

/// One tenant's place: who loads holds `loading`.
#[derive(Default)]
struct Slot {
    loading: tokio::sync::Mutex<()>,
    current: Mutex<Option<Arc<Serving>>>,
}

impl Slot {
    fn current(&self) -> Option<Arc<Serving>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, serving: Arc<Serving>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
    }
}

pub struct ServingCache {
    store: Store,
    config: Config,
    policy: Arc<Policy>,
    slots: Mutex<HashMap<TenantId, Arc<Slot>>>,
}

impl ServingCache {
    pub fn new(store: Store, config: &Config) -> Self {
        Self { store, config: config.clone(), policy: Arc::default(), slots: Mutex::default() }
    }

    /// What is served to `tenant`, if it is loaded and at least as new as its revisions say.
    pub fn current(self: &Arc<Self>, tenant: &Tenant) -> Option<Arc<Serving>> {
        let slot = self.slot(&tenant.id);
        let serving = slot.current().filter(|serving| serving.is_at_least(tenant))?;
        if serving.counted_at.elapsed() > COUNTS_AGE {
            self.refresh_counts(&tenant.id, &slot);
        }
        Some(serving)
    }

    /// What is loaded for `tenant` now, however old.
    pub fn loaded(&self, tenant: &TenantId) -> Option<Arc<Serving>> {
        self.slot(tenant).current()
    }

    /// Loads what is served to `tenant` unless somebody just did. The caller must hold no connection: those who wait here could
    /// otherwise hold all of them while the one who loads needs one.
    pub async fn refresh(&self, tenant: &Tenant) -> store::Result<Arc<Serving>> {
        let slot = self.slot(&tenant.id);
        let _loading = slot.loading.lock().await;
        if let Some(serving) = slot.current().filter(|serving| serving.is_at_least(tenant)) {
            return Ok(serving);
        }
        let serving = Arc::new(self.load(&tenant.id).await?);
        slot.set(serving.clone());
        Ok(serving)
    }

    fn slot(&self, tenant: &TenantId) -> Arc<Slot> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant.clone()).or_default().clone()
    }

    /// Everything is read in one snapshot, revisions included.
    async fn load(&self, tenant: &TenantId) -> store::Result<Serving> {
        let mut tx = self.store.read().await?;
        let counted_at = Instant::now();
        let row = store::tenants::get(&mut tx, tenant).await?;
        let (model_revision, catalog_revision) = row.map_or((0, 0), |row| (row.model_revision, row.catalog_revision));
        let catalog = Arc::new(store::catalog::load(&mut tx, tenant).await?);
        let counts = Arc::new(counts(&mut tx, tenant).await?);
        let (predictor, version, degraded) = self.predictor(&mut tx, tenant, catalog, counts).await?;
        drop(tx);
        let policy = self.policy.clone();
        let ground = blocking(move || Ground::new(predictor, policy, version.map(|version| version.0), degraded)).await;
        Ok(Serving { model_revision, catalog_revision, ground, counted_at })
    }

    /// The served members; the count-based fallback, with the reason, when too few of them may or can speak.
    async fn predictor(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        catalog: Arc<Catalog>,
        counts: Arc<Counts>,
    ) -> store::Result<(Predictor, Option<ModelVersion>, Option<FallbackReason>)> {
        let artefacts = Artefacts::new(&self.config.storage.artefacts);
        let quorum = self.config.model.quorum;
        match registry::load_members(tx, &artefacts, tenant, quorum, catalog.clone(), counts.clone()).await {
            Ok(loaded) if loaded.predictor.members() > 0 => Ok((loaded.predictor, loaded.version, None)),
            Ok(loaded) => {
                let damaged = loaded.left_out.iter().any(|left_out| left_out.why == WhyLeftOut::CorruptArtefact);
                let reason = if damaged { FallbackReason::ModelUnavailable } else { FallbackReason::NoModel };
                Ok((loaded.predictor, None, Some(reason)))
            }
            Err(RegistryError::Store(error)) => Err(error),
            Err(error) => {
                tracing::error!(%tenant, error = &error as &dyn std::error::Error, "the served model cannot be loaded; counts answer");
                Ok((fallback(catalog, counts), None, Some(FallbackReason::ModelUnavailable)))
            }
        }
    }

    /// Loads the counts anew unless somebody is at it; requests go on with the old ones meanwhile.
    fn refresh_counts(self: &Arc<Self>, tenant: &TenantId, slot: &Arc<Slot>) {
        let (cache, tenant, slot) = (self.clone(), tenant.clone(), slot.clone());
        tokio::spawn(async move {
            let Ok(_loading) = slot.loading.try_lock() else { return };
            let Some(before) = slot.current().filter(|serving| serving.counted_at.elapsed() > COUNTS_AGE) else { return };
            let counted_at = Instant::now();
            let counted: store::Result<Counts> = async { counts(&mut cache.store.read().await?, &tenant).await }.await;
            match counted {
                Ok(counts) => {
                    let (model_revision, catalog_revision) = before.revisions();
                    let ground = blocking(move || before.ground.with_counts(Arc::new(counts))).await;
                    slot.set(Arc::new(Serving { model_revision, catalog_revision, ground, counted_at }));
                }
                Err(error) => tracing::warn!(%error, "counts could not be refreshed; the old ones serve on"),
            }
        });
    }
}

/// Heavy work, off the async threads. A panic goes on where it was asked for.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

async fn counts(tx: &mut Tx, tenant: &TenantId) -> store::Result<Counts> {
    let rows = store::counts::all(tx, tenant).await?;
    Ok(Counts { items: rows.into_iter().map(|row| (row.item, (row.attempts, row.correct))).collect() })
}

/// Counts alone. Loading no member at all reads no artefact, so nothing in it can be corrupt.
fn fallback(catalog: Arc<Catalog>, counts: Arc<Counts>) -> Predictor {
    match Predictor::load(&[], catalog, counts) {
        Ok(predictor) => predictor,
        Err(error) => unreachable!("no artefact was read: {error}"),
    }
}
