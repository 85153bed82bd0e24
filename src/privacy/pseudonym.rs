//! From what the LMS calls a learner to what the house calls them.
//!
//! `pseudonym = MAC(pseudonym key, tenant, generation, learner id)`; `tombstone = MAC(tombstone key, pseudonym)`;
//! `bucket = MAC(pseudonym key, "bucket", pseudonym) mod 1024`. The keys live in files outside the database.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use ed25519_dalek::SigningKey;

use crate::domain::{
    Bucket, EventKey, LearnerId, Pseudonym, TenantId,
    hash::{Digest, Hasher},
};

/// The service's secrets. No `Debug`, no `Serialize`.
pub struct Secrets {
    pseudonym_key: [u8; 32],
    tombstone_key: [u8; 32],
    signing_key: SigningKey,
}

impl Secrets {
    /// Reads the three keys from `folder`; makes those that are missing (mode 0600).
    pub fn load_or_create(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self {
            pseudonym_key: key_file(&folder.join("pseudonym.key"))?,
            tombstone_key: key_file(&folder.join("tombstone.key"))?,
            signing_key: SigningKey::from_bytes(&key_file(&folder.join("receipt-signing.key"))?),
        })
    }

    /// Keys derived from a number: for simulations and tests only.
    pub fn from_seed(seed: u64) -> Self {
        let derive = |what: &str| Hasher::new("parcours 2026 test secrets").number(seed).part(what.as_bytes()).finish().0;
        Self {
            pseudonym_key: derive("pseudonym"),
            tombstone_key: derive("tombstone"),
            signing_key: SigningKey::from_bytes(&derive("signing")),
        }
    }

    /// The learner's pseudonym in one generation (0 until an erasure was followed by fresh consent).
    pub fn pseudonym(&self, tenant: &TenantId, learner: &LearnerId, generation: u32) -> Pseudonym {
        Pseudonym(
            Hasher::keyed(&self.pseudonym_key, "pseudonym")
                .part(tenant.as_str().as_bytes())
                .number(u64::from(generation))
                .part(learner.expose().as_bytes())
                .finish16(),
        )
    }

    pub fn bucket(&self, learner: Pseudonym) -> Bucket {
        let hash = Hasher::keyed(&self.pseudonym_key, "bucket").part(learner.as_bytes()).finish_u64();
        Bucket((hash % u64::from(Bucket::COUNT)) as u16)
    }

    /// The key an event is stored under; the LMS's own id may embed a name.
    pub fn event_key(&self, tenant: &TenantId, event_id: &str) -> EventKey {
        EventKey(Hasher::keyed(&self.pseudonym_key, "event").part(tenant.as_str().as_bytes()).part(event_id.as_bytes()).finish16())
    }

    /// What stays of an erased learner.
    pub fn tombstone(&self, tenant: &TenantId, learner: Pseudonym) -> Digest {
        Hasher::keyed(&self.tombstone_key, "tombstone").part(tenant.as_str().as_bytes()).part(learner.as_bytes()).finish()
    }

    /// The learner's leaf in a training set's Merkle tree: says nothing without the key.
    pub fn commitment(&self, tenant: &TenantId, learner: Pseudonym) -> Digest {
        Hasher::keyed(&self.tombstone_key, "commitment").part(tenant.as_str().as_bytes()).part(learner.as_bytes()).finish()
    }

    pub fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }
}

fn key_file(path: &Path) -> anyhow::Result<[u8; 32]> {
    let named = || format!("key file {}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mut key = [0; 32];
            hex::decode_to_slice(text.trim(), &mut key).with_context(|| format!("{} must hold 64 hex characters", path.display()))?;
            Ok(key)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path).with_context(named)?;
            file.write_all(hex::encode(key).as_bytes()).with_context(named)?;
            file.sync_all().with_context(named)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_has_another_pseudonym_in_another_tenant_and_generation() {
        let secrets = Secrets::from_seed(1);
        let ada = LearnerId::parse("ada").unwrap();
        let (one, two) = (TenantId::parse("one").unwrap(), TenantId::parse("two").unwrap());
        let base = secrets.pseudonym(&one, &ada, 0);
        assert!(base == secrets.pseudonym(&one, &ada, 0));
        assert!(base != secrets.pseudonym(&two, &ada, 0));
        assert!(base != secrets.pseudonym(&one, &ada, 1));
    }

    #[test]
    fn secrets_survive_a_restart_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let ada = LearnerId::parse("ada").unwrap();
        let first = Secrets::load_or_create(folder.path()).unwrap().pseudonym(&TenantId::default(), &ada, 0);
        let second = Secrets::load_or_create(folder.path()).unwrap().pseudonym(&TenantId::default(), &ada, 0);
        assert!(first == second);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join("pseudonym.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
