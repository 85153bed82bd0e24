//! From the served version to a predictor. What cannot be used is left out and reported; the service stays up.

use std::sync::Arc;

use super::{ArtefactError, Artefacts, RegistryError, blocking};
use crate::domain::model::MemberState;
use crate::domain::{Catalog, ModelVersion, ShardId, TenantId};
use crate::learning::Counts;
use crate::learning::predictor::Predictor;
use crate::store::{Store, Tx, catalog, counts, models};

/// A member that does not speak, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub shard: ShardId,
    pub why: WhyLeftOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// Silenced for privacy; a retrain will replace it.
    Silenced,
    TooLittleData,
    /// Its file is missing, damaged, or of another software's kind.
    CorruptArtefact,
}

/// What is served now.
pub struct Loaded {
    pub predictor: Predictor,
    /// None before the first promotion.
    pub version: Option<ModelVersion>,
    /// Members the served version has; 0 before the first promotion.
    pub shards: u16,
    pub left_out: Vec<LeftOut>,
}

/// As [`load_members`], in a snapshot of its own.
pub async fn load_predictor(store: &Store, artefacts: &Artefacts, tenant: &TenantId, quorum: u16) -> Result<Loaded, RegistryError> {
    let mut tx = store.read().await?;
    let catalog = Arc::new(catalog::load(&mut tx, tenant).await?);
    let items = counts::all(&mut tx, tenant).await?;
    let counts = Counts { items: items.into_iter().map(|count| (count.item, (count.attempts, count.correct))).collect() };
    load_members(&mut tx, artefacts, tenant, quorum, catalog, Arc::new(counts)).await
}

/// Reads the served version of a tenant as `tx` sees it. Fewer usable members than `quorum`: none speaks, and the count-based
/// fallback answers. A file that was destroyed since `tx` began counts as corrupt; the model revision has moved by then, so
/// whoever compares revisions loads again.
///
/// # Errors
/// The database's, or those of a disk that cannot be read; never a silenced or corrupt member: see [`Loaded::left_out`].
pub async fn load_members(
    tx: &mut Tx,
    artefacts: &Artefacts,
    tenant: &TenantId,
    quorum: u16,
    catalog: Arc<Catalog>,
    counts: Arc<Counts>,
) -> Result<Loaded, RegistryError> {
    let serving = models::serving(tx, tenant).await?;
    let (mut wanted, mut left_out) = (Vec::new(), Vec::new());
    for member in serving.iter().flat_map(|version| &version.members) {
        match (member.state, member.weights) {
            (MemberState::Active, Some(weights)) => wanted.push((member.shard, weights)),
            (MemberState::Empty, _) => left_out.push(LeftOut { shard: member.shard, why: WhyLeftOut::TooLittleData }),
            _ => left_out.push(LeftOut { shard: member.shard, why: WhyLeftOut::Silenced }),
        }
    }
    let (artefacts, tenant) = (artefacts.clone(), tenant.clone());
    let (predictor, left_out) = blocking(move || {
        let mut corrupt = |shard: ShardId, error: &dyn std::fmt::Display| {
            tracing::error!(%tenant, %shard, "{error}; the other members serve without it");
            left_out.push(LeftOut { shard, why: WhyLeftOut::CorruptArtefact });
        };
        let mut members = Vec::new();
        for (shard, weights) in wanted {
            match artefacts.read(&tenant, &weights) {
                Ok(bytes) => members.push((shard, bytes)),
                Err(error @ (ArtefactError::Missing { .. } | ArtefactError::Corrupt { .. })) => corrupt(shard, &error),
                Err(error) => return Err(RegistryError::from(error)),
            }
        }
        let load = |members: &[(ShardId, Vec<u8>)]| {
            let bytes: Vec<_> =
                if members.len() < usize::from(quorum) { Vec::new() } else { members.iter().map(|(_, bytes)| bytes.clone()).collect() };
            Predictor::load(&bytes, catalog.clone(), counts.clone())
        };
        let predictor = match load(&members) {
            Ok(predictor) => predictor,
            Err(_) => {
                // Bytes as they were written, yet of no use: found one by one, and left out.
                members.retain(|(shard, bytes)| match Predictor::load(std::slice::from_ref(bytes), catalog.clone(), counts.clone()) {
                    Ok(_) => true,
                    Err(error) => {
                        corrupt(*shard, &error);
                        false
                    }
                });
                load(&members)?
            }
        };
        left_out.sort_by_key(|left_out| left_out.shard);
        Ok((predictor, left_out))
    })
    .await?;
    let shards = serving.as_ref().map_or(0, |version| version.shards);
    Ok(Loaded { predictor, version: serving.map(|version| version.version), shards, left_out })
}
