//! Identifiers. Each is parsed once, at the edge, and then trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} has {length} bytes; at most {limit} are allowed")]
    TooLong { what: &'static str, length: usize, limit: usize },
    #[error("{what} has a control character")]
    ControlCharacter { what: &'static str },
    #[error("{what} may hold lower-case letters, digits, '-' and '_' only")]
    NotASlug { what: &'static str },
}

fn check(what: &'static str, text: &str, limit: usize) -> Result<(), InvalidId> {
    if text.trim().is_empty() {
        return Err(InvalidId::Empty { what });
    }
    if text.len() > limit {
        return Err(InvalidId::TooLong { what, length: text.len(), limit });
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter { what });
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// Longest accepted text, in bytes.
            pub const LIMIT: usize = $limit;

            /// Checks length and characters; the text is kept as it is.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check($what, &text, Self::LIMIT)?;
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// An item of the catalogue: an exercise, a video, a page. The LMS's own identifier.
    ItemId, "item id", 512
);
text_id!(
    /// A skill of the catalogue (knowledge component).
    SkillId, "skill id", 256
);

/// A tenant: one LMS, with its own learners, catalogue, keys and model. A slug.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct TenantId(String);

impl TenantId {
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        check("tenant", &text, 64)?;
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
            return Err(InvalidId::NotASlug { what: "tenant" });
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the LMS calls a learner. It lives for one request and is turned into a [`Pseudonym`] at the door;
/// it has no `Display`, does not serialise, and prints as `LearnerId(…)`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LearnerId(String);

impl LearnerId {
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        check("learner id", &text, 1024)?;
        Ok(Self(text))
    }

    /// The raw text, for the pseudonymising hash alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LearnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LearnerId(…)")
    }
}

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// `None` when `bytes` are not 16.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }
    };
}

sixteen_bytes!(
    /// Keyed hash of (tenant, generation, learner id): the only name a learner has inside.
    /// Prints as `Pseudonym(…)`: logs speak of request ids, never of learners.
    Pseudonym
);
sixteen_bytes!(
    /// Keyed hash of (tenant, event id). The LMS's event id may embed a name, so it is hashed too.
    EventKey
);

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(…)")
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// One of [`Bucket::COUNT`] fixed buckets a learner's pseudonym hashes into, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(pub u16);

impl Bucket {
    pub const COUNT: u16 = 1024;

    /// The shard this bucket belongs to when there are `shards` of them: contiguous runs, never data-dependent.
    pub fn shard(self, shards: u16) -> ShardId {
        ShardId((u32::from(self.0) * u32::from(shards) / u32::from(Self::COUNT)) as u16)
    }
}

/// Number of a shard, `0..S`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = u16)]
pub struct ShardId(pub u16);

impl ShardId {
    /// The buckets of this shard: `first..end`.
    pub fn buckets(self, shards: u16) -> std::ops::Range<u16> {
        let (count, shards) = (u32::from(Bucket::COUNT), u32::from(shards));
        let bound = |k: u32| (k * count).div_ceil(shards) as u16;
        bound(u32::from(self.0))..bound(u32::from(self.0) + 1)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Version of a model: a hash over its members and configuration, as 16 hex characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct ModelVersion(pub String);

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_lies_in_the_range_of_its_own_shard() {
        for shards in [1u16, 2, 3, 4, 7, 8, 16, 1024] {
            for bucket in 0..Bucket::COUNT {
                let shard = Bucket(bucket).shard(shards);
                assert!(shard.buckets(shards).contains(&bucket), "bucket {bucket} of {shards} shards");
            }
        }
    }

    #[test]
    fn a_learner_id_does_not_print() {
        let id = LearnerId::parse("ada@example.org").unwrap();
        assert_eq!(format!("{id:?}"), "LearnerId(…)");
    }

    #[test]
    fn ids_refuse_what_cannot_be_stored() {
        assert!(matches!(ItemId::parse(" "), Err(InvalidId::Empty { .. })));
        assert!(matches!(ItemId::parse("a\u{0}b"), Err(InvalidId::ControlCharacter { .. })));
        assert!(matches!(SkillId::parse("x".repeat(300)), Err(InvalidId::TooLong { .. })));
        assert!(matches!(TenantId::parse("Ünïversity"), Err(InvalidId::NotASlug { .. })));
    }
}
