//! Who is asking, and may they?
//!
//! A key is 32 random bytes behind a recognisable prefix; only its hash is stored. It arrives as
//! `Authorization: Bearer KEY`, or as Basic with the key as the password (LMSs that speak Basic only).

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use uuid::Uuid;

use super::{ApiState, Code, Problem};
use crate::app::App;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Micros, Scope, TenantId, key::ApiKey};
use crate::store::{StoreError, keys};

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

/// A key that was found: who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    pub key_id: Uuid,
    pub tenant: TenantId,
    pub scopes: Vec<Scope>,
}

impl Caller {
    pub fn has_any(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.scopes.contains(scope))
    }
}

/// A set of scopes one of which is enough; see [`scope`].
pub trait Needs: Send + Sync + 'static {
    const ANY_OF: &'static [Scope];
}

/// The scopes routes ask for, as types, so that they are checked before a body is read.
pub mod scope {
    use super::{Needs, Scope};

    macro_rules! needs {
        ($($(#[$doc:meta])* $name:ident: $($scope:ident),+;)+) => {$(
            $(#[$doc])*
            pub enum $name {}
            impl Needs for $name {
                const ANY_OF: &'static [Scope] = &[$(Scope::$scope),+];
            }
        )+};
    }
    needs! {
        Ingest: Ingest;
        Recommend: Recommend;
        Privacy: Privacy;
        Admin: Admin;
        /// Training and what it leads to.
        Train: Train, Admin;
        /// Seeing what arrived and what did not.
        Inspect: Ingest, Admin;
        /// Seeing the catalogue.
        Catalogue: Ingest, Recommend, Admin;
        /// Seeing jobs: whoever may start one.
        Jobs: Train, Privacy, Admin;
    }
}

/// Proof that the caller may: an extractor, e.g. `by: May<scope::Ingest>`.
pub struct May<S: Needs> {
    caller: Caller,
    needs: PhantomData<S>,
}

impl<S: Needs> Deref for May<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: Needs> FromRequestParts<ApiState> for May<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let secret = presented(&parts.headers).ok_or_else(|| Problem::new(Code::Unauthenticated, "send `Authorization: Bearer KEY`"))?;
        let caller =
            find(&state.app, &secret).await?.ok_or_else(|| Problem::new(Code::Unauthenticated, "the key is unknown or was revoked"))?;
        if !caller.has_any(S::ANY_OF) {
            let names: Vec<_> = S::ANY_OF.iter().map(|scope| scope.as_str()).collect();
            return Err(Problem::new(Code::Forbidden, format!("the key needs the scope {}", names.join(" or "))).with("scopes", names));
        }
        Ok(Self { caller, needs: PhantomData })
    }
}

/// The live key with this secret. Asked of the database each time: a revoked key is refused from that moment on.
pub async fn find(app: &App, secret: &str) -> Result<Option<Caller>, StoreError> {
    find_hashed(app, &hash(secret)).await
}

/// As [`find`], by the secret's hash.
pub async fn find_hashed(app: &App, secret_hash: &Digest) -> Result<Option<Caller>, StoreError> {
    let key = keys::find(&mut app.store.glance().await?, secret_hash).await?;
    Ok(key.map(|key| Caller { key_id: key.id, tenant: key.tenant, scopes: key.scopes }))
}

/// The secret in the `Authorization` header, Bearer or Basic.
pub(super) fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.trim().to_string())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?).ok()?;
        decoded.split_once(':').map(|(_, password)| password.to_string())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn bearer_and_basic_present_the_same_key() {
        assert_eq!(presented(&header("Bearer abc")).as_deref(), Some("abc"));
        assert_eq!(presented(&header("bearer abc")).as_deref(), Some("abc"));
        let basic = base64::engine::general_purpose::STANDARD.encode("anyone:abc");
        assert_eq!(presented(&header(&format!("Basic {basic}"))).as_deref(), Some("abc"));
        assert_eq!(presented(&header("Basic ???")), None);
        assert_eq!(presented(&header("Digest abc")), None);
    }

    #[test]
    fn a_minted_secret_is_kept_as_a_hash_only() {
        let minted = mint(&TenantId::default(), "test", vec![Scope::Admin, Scope::Ingest, Scope::Admin], Micros(0));
        assert_eq!(minted.key.scopes, [Scope::Ingest, Scope::Admin]);
        assert_eq!(minted.secret_hash, hash(&minted.secret));
        assert!(!format!("{:?}", minted.key).contains(&minted.secret[PREFIX.len()..]));
    }
}
