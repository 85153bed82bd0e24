//! The consent ledger and the opt-out intervals derived from it.

use uuid::Uuid;

use super::{About, Id, Result, Tx};
use crate::domain::{Consent, Micros, Pseudonym, TenantId};
use crate::with_tx;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConsentEntry {
    pub purpose: String,
    pub choice: Consent,
    pub text_version: String,
    pub source: String,
    pub chosen_at: Micros,
}

/// Appends to the ledger; opens or closes the opt-out interval that follows from it.
pub async fn record(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym, entry: &ConsentEntry) -> Result<()> {
    with_tx!(&mut *tx, |conn| {
        sqlx::query(
            "INSERT INTO consents (consent_id, tenant_id, learner, purpose, choice, text_version, source, chosen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        // Version 7: entries of one moment keep the order they were made in.
        .bind(Id(Uuid::now_v7()))
        .bind(tenant)
        .bind(learner)
        .bind(&entry.purpose)
        .bind(entry.choice)
        .bind(&entry.text_version)
        .bind(&entry.source)
        .bind(entry.chosen_at)
        .execute(conn)
        .await
        .map(drop)
    })
    .about("consents")?;
    let interval = match entry.choice {
        // Opting out twice changes nothing; opting out in the very microsecond of coming back opens that interval again.
        Consent::OptedOut => {
            "INSERT INTO opt_outs (tenant_id, learner, from_at)
             SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM opt_outs WHERE tenant_id = $1 AND learner = $2 AND until_at IS NULL)
             ON CONFLICT (tenant_id, learner, from_at) DO UPDATE SET until_at = NULL"
        }
        Consent::Personalised => "UPDATE opt_outs SET until_at = $3 WHERE tenant_id = $1 AND learner = $2 AND until_at IS NULL",
    };
    with_tx!(tx, |conn| sqlx::query(interval).bind(tenant).bind(learner).bind(entry.chosen_at).execute(conn).await.map(drop))
        .about("opt_outs")
}
/// The learner's ledger, oldest first.
pub async fn history(tx: &mut Tx, tenant: &TenantId, learner: Pseudonym) -> Result<Vec<ConsentEntry>> {
    with_tx!(tx, |conn| {
        sqlx::query_as(
            "SELECT purpose, choice, text_version, source, chosen_at FROM consents WHERE tenant_id = $1 AND learner = $2 ORDER BY chosen_at, consent_id",
        )
        .bind(tenant)
        .bind(learner)
        .fetch_all(conn)
        .await
    })
    .about("consents")
}
