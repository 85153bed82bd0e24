//! Hashes with a name. Every hash in the house is BLAKE3 under a domain-separation tag, so that two uses never collide.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-byte BLAKE3 digest; in JSON 64 hex characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", &self.hex()[..12])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hex characters"))
    }
}

/// A hash in the making: parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// An unkeyed hash under `domain`, e.g. `"parcours 2026 training-root leaf"`.
    pub fn new(domain: &'static str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// A keyed hash (MAC) under `domain`: the domain is the first part.
    pub fn keyed(key: &[u8; 32], domain: &'static str) -> Self {
        let mut hasher = Self(blake3::Hasher::new_keyed(key));
        hasher.part(domain.as_bytes());
        hasher
    }

    pub fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub fn number(&mut self, value: u64) -> &mut Self {
        self.part(&value.to_le_bytes())
    }

    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }

    /// The first 16 bytes of the digest.
    pub fn finish16(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out.copy_from_slice(&self.finish().0[..16]);
        out
    }

    /// The first 8 bytes of the digest, as a number: for seeds.
    pub fn finish_u64(&self) -> u64 {
        let mut out = [0; 8];
        out.copy_from_slice(&self.finish().0[..8]);
        u64::from_le_bytes(out)
    }
}
