//! The signed receipt of an erasure, verifiable offline.
//!
//! It says what was deleted and when, which members were destroyed, which member replaces them, and proves that the learner's
//! commitment is not among the learners that one was trained on. What it claims is the *procedure*: whoever holds the data can
//! run the training again and must get the same bytes. Nothing about a learner can be proved from weights alone.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::merkle::Absence;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Micros, ModelVersion, ShardId, TenantId};

/// Names the layout; a reader refuses others.
pub const FORMAT: &str = "parcours-erasure-receipt/1";

/// What is signed. Integers and texts only, so that its canonical form is unambiguous.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub format: String,
    pub request: Uuid,
    pub tenant: TenantId,
    /// Keyed commitment to the learner: says nothing without the service's key.
    pub commitment: Digest,
    pub received_at: Micros,
    /// From here on no route reads anything of the learner.
    pub unreadable_at: Micros,
    /// From here on what is served is made of members that never saw the learner.
    pub clean_at: Micros,
    pub completed_at: Micros,
    /// Rows deleted, by table.
    pub deleted: BTreeMap<String, u64>,
    pub shard: ShardId,
    /// Members whose weights were destroyed, with the versions they were part of.
    pub destroyed: Vec<DestroyedMember>,
    /// What the served version has in their place; none when no model was served.
    pub replacement: Option<Replacement>,
    /// Version of the software that did it.
    pub software: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedMember {
    pub weights: Digest,
    pub versions: Vec<ModelVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    pub version: ModelVersion,
    /// Hash of the member's bytes; none while the shard has too little data to train on.
    pub weights: Option<Digest>,
    /// Training from scratch without the learner gave the very bytes that were there before: they carried no trace, and stay.
    pub unchanged: bool,
    /// Root of the Merkle tree over the training set.
    pub training_root: Digest,
    /// That the learner's commitment is not in that tree.
    pub absence: Absence,
}

/// A receipt with its signature, as it is handed out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    pub receipt: Value,
    pub algorithm: String,
    /// Hex; to be compared with the one the service publishes.
    pub public_key: String,
    pub fingerprint: String,
    pub signature: String,
}

/// Why a receipt does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("not a receipt: {0}")]
    Malformed(String),
    #[error("the public key given is no Ed25519 key: 64 hex digits, as `parcours verify-receipt --show-key` prints them")]
    NoKey,
    #[error("signed by another key ({found}) than the one expected ({expected})")]
    OtherKey { found: String, expected: String },
    #[error("the signature does not fit the text")]
    Signature,
    #[error("the text contradicts itself: {0}")]
    Inconsistent(&'static str),
    #[error("the proof does not show that the learner is absent from the training set")]
    Proof,
}

/// Short name of a public key.
pub fn fingerprint(key: &VerifyingKey) -> String {
    Hasher::new("parcours 2026 receipt key").part(key.as_bytes()).finish().hex()[..32].to_string()
}

/// JSON with sorted keys and no spaces: one text for one value, whatever stored it in between.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let fields: Vec<_> =
                sorted.into_iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

fn message(receipt: &Value) -> Vec<u8> {
    format!("{FORMAT}\n{}", canonical(receipt)).into_bytes()
}

/// Signs a receipt.
pub fn sign(receipt: &Receipt, key: &SigningKey) -> SignedReceipt {
    let receipt = serde_json::to_value(receipt).expect("a receipt is plain JSON");
    let public = key.verifying_key();
    SignedReceipt {
        signature: hex::encode(key.sign(&message(&receipt)).to_bytes()),
        receipt,
        algorithm: "ed25519".into(),
        public_key: hex::encode(public.as_bytes()),
        fingerprint: fingerprint(&public),
    }
}

fn key_from(hex_key: &str) -> Result<VerifyingKey, Refused> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex_key, &mut bytes).map_err(|_| Refused::Malformed("public key".into()))?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| Refused::Malformed("public key".into()))
}

/// Checks a receipt: the signature, the proof, and that what it says agrees with itself. `expected_key` (hex) is the key the
/// service publishes; without it the receipt only proves itself to have been signed by the key it carries.
pub fn verify(text: &[u8], expected_key: Option<&str>) -> Result<Receipt, Refused> {
    let signed: SignedReceipt = serde_json::from_slice(text).map_err(|error| Refused::Malformed(error.to_string()))?;
    if signed.algorithm != "ed25519" {
        return Err(Refused::Malformed("unknown signature algorithm".into()));
    }
    let key = key_from(&signed.public_key)?;
    if signed.fingerprint != fingerprint(&key) {
        return Err(Refused::Inconsistent("the fingerprint is not the public key's"));
    }
    if let Some(expected) = expected_key
        && key_from(expected.trim()).map_err(|_| Refused::NoKey)? != key
    {
        return Err(Refused::OtherKey { found: signed.public_key, expected: expected.into() });
    }
    let mut signature = [0; 64];
    hex::decode_to_slice(&signed.signature, &mut signature).map_err(|_| Refused::Malformed("signature".into()))?;
    key.verify_strict(&message(&signed.receipt), &Signature::from_bytes(&signature)).map_err(|_| Refused::Signature)?;

    let receipt: Receipt = serde_json::from_value(signed.receipt).map_err(|error| Refused::Malformed(error.to_string()))?;
    agrees_with_itself(&receipt)?;
    match &receipt.replacement {
        Some(new) if !new.absence.holds(&new.training_root, &receipt.commitment) => Err(Refused::Proof),
        _ => Ok(receipt),
    }
}

fn agrees_with_itself(receipt: &Receipt) -> Result<(), Refused> {
    if receipt.format != FORMAT {
        return Err(Refused::Malformed(format!("unknown format {:?}", receipt.format)));
    }
    let times = [receipt.received_at, receipt.unreadable_at, receipt.clean_at, receipt.completed_at];
    if !times.is_sorted() {
        return Err(Refused::Inconsistent("its times run backwards"));
    }
    let Some(weights) = receipt.replacement.as_ref().and_then(|new| new.weights) else { return Ok(()) };
    if receipt.destroyed.iter().any(|old| old.weights == weights) {
        return Err(Refused::Inconsistent("the replacing member is among the destroyed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::merkle::{Leaf, Tree};
    use super::*;

    fn digest(of: u64) -> Digest {
        Hasher::new("parcours 2026 test").number(of).finish()
    }

    fn receipt() -> Receipt {
        let tree = Tree::new((0..9).map(|n| Leaf { commitment: digest(n), content: digest(100 + n) }).collect()).unwrap();
        let commitment = digest(50);
        Receipt {
            format: FORMAT.into(),
            request: Uuid::from_u128(7),
            tenant: TenantId::default(),
            commitment,
            received_at: Micros(1),
            unreadable_at: Micros(2),
            clean_at: Micros(2),
            completed_at: Micros(9),
            deleted: [("events".to_string(), 12), ("learners".to_string(), 1)].into(),
            shard: ShardId(3),
            destroyed: vec![DestroyedMember { weights: digest(200), versions: vec![ModelVersion("aa".into())] }],
            replacement: Some(Replacement {
                version: ModelVersion("bb".into()),
                weights: Some(digest(201)),
                unchanged: false,
                training_root: tree.root(),
                absence: tree.absence(&commitment).unwrap(),
            }),
            software: "0.1.0".into(),
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn text(signed: &SignedReceipt) -> Vec<u8> {
        serde_json::to_vec(signed).unwrap()
    }

    #[test]
    fn a_true_receipt_verifies_also_after_a_database_reordered_it() {
        let signed = sign(&receipt(), &key());
        assert_eq!(verify(&text(&signed), Some(&signed.public_key)).unwrap(), receipt());
        assert_eq!(verify(&text(&signed), Some("my key")), Err(Refused::NoKey));
        let through_a_value: Value = serde_json::from_slice(&text(&signed)).unwrap();
        assert!(verify(serde_json::to_string_pretty(&through_a_value).unwrap().as_bytes(), None).is_ok());
    }

    #[test]
    fn any_changed_leaf_of_the_text_is_noticed() {
        fn leaves(value: &Value, path: String, into: &mut Vec<String>) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, format!("{path}/{key}"), into)),
                Value::Array(values) => values.iter().enumerate().for_each(|(n, value)| leaves(value, format!("{path}/{n}"), into)),
                _ => into.push(path),
            }
        }
        let signed = serde_json::to_value(sign(&receipt(), &key())).unwrap();
        let mut paths = Vec::new();
        leaves(&signed, String::new(), &mut paths);
        assert!(paths.len() > 20);
        for path in paths {
            let mut changed = signed.clone();
            let leaf = changed.pointer_mut(&path).unwrap();
            *leaf = match &leaf {
                Value::String(text) => {
                    let flipped = if text.ends_with('0') { "1" } else { "0" };
                    Value::from(format!("{}{flipped}", &text[..text.len() - 1]))
                }
                Value::Number(number) => Value::from(number.as_u64().unwrap() + 1),
                Value::Bool(truth) => Value::from(!truth),
                _ => Value::from("x"),
            };
            assert!(verify(changed.to_string().as_bytes(), None).is_err(), "{path} was changed unnoticed");
        }
    }

    #[test]
    fn a_signed_lie_is_refused() {
        let mut lie = receipt();
        lie.commitment = digest(4);
        assert_eq!(verify(&text(&sign(&lie, &key())), None), Err(Refused::Proof));
        let mut lie = receipt();
        lie.destroyed[0].weights = digest(201);
        assert!(matches!(verify(&text(&sign(&lie, &key())), None), Err(Refused::Inconsistent(_))));
        let mut lie = receipt();
        lie.completed_at = Micros(1);
        assert!(matches!(verify(&text(&sign(&lie, &key())), None), Err(Refused::Inconsistent(_))));
    }

    #[test]
    fn another_services_receipt_is_refused_when_the_key_is_known() {
        let signed = sign(&receipt(), &SigningKey::from_bytes(&[8; 32]));
        let known = hex::encode(key().verifying_key().as_bytes());
        assert!(matches!(verify(&text(&signed), Some(&known)), Err(Refused::OtherKey { .. })));
    }
}
