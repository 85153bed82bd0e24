//! The consent ledger and the opt-out intervals derived from it.

use super::{Result, Tx};
use crate::domain::{Consent, Micros, Pseudonym, TenantId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentEntry {
    pub purpose: String,
    pub choice: Consent,
    pub text_version: String,
    pub source: String,
    pub chosen_at: Micros,
}

/// Appends to the ledger; opens or closes the opt-out interval that follows from it.
pub async fn record(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym, entry: &ConsentEntry) -> Result<()> { todo!() }
/// The learner's ledger, oldest first.
pub async fn history(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<ConsentEntry>> { todo!() }
