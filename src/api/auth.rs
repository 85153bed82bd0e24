//! Who is asking, and may they?
//!
//! A key is 32 random bytes behind a recognisable prefix; only its hash is stored. It arrives as
//! `Authorization: Bearer KEY`, or as Basic with the key as the password (LMSs that speak Basic only).

use uuid::Uuid;

use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Micros, Scope, TenantId, key::ApiKey};

/// Lets secret scanners recognise a leaked key.
const PREFIX: &str = "parcours_";

/// A key just made, with the secret that is shown once.
pub struct Minted {
    pub key: ApiKey,
    pub secret: String,
    pub secret_hash: Digest,
}

/// Makes a key; the caller stores it.
pub fn mint(tenant: &TenantId, name: &str, mut scopes: Vec<Scope>, now: Micros) -> Minted {
    scopes.sort();
    scopes.dedup();
    let secret = format!("{PREFIX}{}", hex::encode(rand::random::<[u8; 32]>()));
    let secret_hash = hash(&secret);
    let key = ApiKey { id: Uuid::now_v7(), tenant: tenant.clone(), name: name.into(), scopes, created_at: now, revoked_at: None };
    Minted { key, secret, secret_hash }
}

/// What is stored of a secret. It has 256 random bits, so a fast hash is enough; and keys are looked up by
/// this hash, so the time a look-up takes says nothing about the secret.
pub fn hash(secret: &str) -> Digest {
    Hasher::new("parcours 2026 api key").part(secret.as_bytes()).finish()
}
