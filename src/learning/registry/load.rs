//! From the served version to a predictor. What cannot be used is left out and reported; the service stays up.

use std::sync::Arc;

use super::{ArtefactError, Artefacts, RegistryError, blocking};
use crate::domain::model::MemberState;
use crate::domain::{ModelVersion, ShardId, TenantId};
use crate::learning::Counts;
use crate::learning::predictor::Predictor;
use crate::store::{Store, catalog, counts, models, tenants};

/// A member that does not speak, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub shard: ShardId,
    pub why: &'static str,
}

/// What is served now, and the revisions it was made from.
pub struct Loaded {
    pub predictor: Predictor,
    /// None before the first promotion.
    pub version: Option<ModelVersion>,
    pub model_revision: i64,
    pub catalog_revision: i64,
    /// Shards the served version has; 0 before the first promotion.
    pub shards: u16,
    pub left_out: Vec<LeftOut>,
}

/// Reads the served version of a tenant: active members, catalogue, counts. Fewer members than `quorum`: none speaks, and the
/// count-based fallback answers.
///
/// # Errors
/// The database's, or those of a disk that cannot be read; never a silenced or corrupt member: see [`Loaded::left_out`].
pub async fn load_predictor(store: &Store, artefacts: &Artefacts, tenant: &TenantId, quorum: u16) -> Result<Loaded, RegistryError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut tx = store.read().await?;
        let (model_revision, catalog_revision) =
            tenants::get(&mut tx, tenant).await?.map_or((0, 0), |tenant| (tenant.model_revision, tenant.catalog_revision));
        let serving = models::serving(&mut tx, tenant).await?;
        let catalog = Arc::new(catalog::load(&mut tx, tenant).await?);
        let items = counts::all(&mut tx, tenant).await?;
        drop(tx);
        let counts = Arc::new(Counts { items: items.into_iter().map(|count| (count.item, (count.attempts, count.correct))).collect() });

        let (mut wanted, mut left_out) = (Vec::new(), Vec::new());
        for member in serving.iter().flat_map(|version| &version.members) {
            match (member.state, member.weights) {
                (MemberState::Active, Some(weights)) => wanted.push((member.shard, weights)),
                (MemberState::Empty, _) => left_out.push(LeftOut { shard: member.shard, why: "too_little_data" }),
                _ => left_out.push(LeftOut { shard: member.shard, why: "silenced" }),
            }
        }
        let (folder, owner) = (artefacts.clone(), tenant.clone());
        let read =
            blocking(move || wanted.into_iter().map(|(shard, weights)| (shard, folder.read(&owner, &weights))).collect::<Vec<_>>()).await;
        let mut members = Vec::new();
        let mut missing = false;
        for (shard, bytes) in read {
            match bytes {
                Ok(bytes) => members.push((shard, bytes)),
                Err(error @ (ArtefactError::Missing { .. } | ArtefactError::Corrupt { .. })) => {
                    missing |= matches!(error, ArtefactError::Missing { .. });
                    if attempt > 1 || !missing {
                        tracing::error!(%tenant, %shard, "{error}; the other members serve without it");
                    }
                    left_out.push(LeftOut { shard, why: "corrupt_artefact" });
                }
                Err(error) => return Err(error.into()),
            }
        }
        if missing && attempt == 1 {
            // Destroyed between the row and the file: what the database says by now is true again.
            continue;
        }
        let version = serving.as_ref().map(|version| version.version.clone());
        let shards = serving.as_ref().map_or(0, |version| version.shards);
        let predictor = blocking(move || {
            // Bytes as they were written, yet of no use (another software's layout): found one by one, left out.
            if Predictor::load(&bytes_of(&members), catalog.clone(), counts.clone()).is_err() {
                members.retain(|(shard, bytes)| {
                    let usable = Predictor::load(std::slice::from_ref(bytes), catalog.clone(), counts.clone()).is_ok();
                    if !usable {
                        tracing::error!(%shard, "a member's artefact is not of this software's kind; the others serve without it");
                        left_out.push(LeftOut { shard: *shard, why: "corrupt_artefact" });
                    }
                    usable
                });
            }
            if members.len() < usize::from(quorum) {
                members.clear();
            }
            left_out.sort_by_key(|left_out| left_out.shard);
            Predictor::load(&bytes_of(&members), catalog, counts).map(|predictor| (predictor, left_out))
        })
        .await?;
        let (predictor, left_out) = predictor;
        return Ok(Loaded { predictor, version, model_revision, catalog_revision, shards, left_out });
    }
}

fn bytes_of(members: &[(ShardId, Vec<u8>)]) -> Vec<Vec<u8>> {
    members.iter().map(|(_, bytes)| bytes.clone()).collect()
}
