//! One question about one learner: from who they are to the answer.

use std::sync::Arc;

use uuid::Uuid;

use super::{App, AppError, Serving};
use crate::domain::{Consent, LearnerId, LearnerStanding, Micros, Pseudonym, TenantId};
use crate::learning::online::Profile;
use crate::privacy::identity::{self, Identity};
use crate::recommend::{
    self, FallbackReason, Knowledge, KnowledgeRequest, LearningPath, PathRequest, PredictionRequest, Predictions, RecommendationRequest,
    Recommendations, Who,
};
use crate::store::{Tx, recommendations::RecommendationRow, tenants};

/// A learner, resolved and read in one snapshot. Of one who opted out or was erased, nothing was read.
#[derive(Clone)]
pub struct Subject {
    pub tenant: TenantId,
    pub learner: Pseudonym,
    serving: Arc<Serving>,
    view: View,
}

#[derive(Clone)]
enum View {
    Personal(Arc<Profile>),
    Anonymous(FallbackReason),
}

impl Subject {
    fn who(&self) -> Who<'_> {
        match &self.view {
            View::Personal(profile) => Who::Learner(profile),
            View::Anonymous(reason) => Who::Anyone(*reason),
        }
    }
}

impl App {
    /// Resolves `learner` and reads what may be read of them, as of now.
    ///
    /// # Errors
    /// `UnknownTenant`; `Store` when the database does not answer.
    pub async fn subject(&self, tenant: &TenantId, learner: &LearnerId) -> Result<Subject, AppError> {
        loop {
            let mut tx = self.store.read().await?;
            let identity = identity::resolve(&mut tx, &self.secrets, tenant, std::slice::from_ref(learner)).await?;
            let Some(identity) = identity.into_iter().next() else { return Err(AppError::Failed) };
            let context = tenants::request_context(&mut tx, tenant, Some(identity.learner())).await?;
            let context = context.ok_or_else(|| AppError::UnknownTenant(tenant.clone()))?;
            if let Some(serving) = self.models.current(&context.tenant) {
                return self.view(&mut tx, tenant, &identity, context.standing.as_ref(), serving).await;
            }
            drop(tx);
            let serving = self.models.refresh(&context.tenant).await?;
            self.profiles.forget_stale(tenant, serving.revisions());
        }
    }

    /// What of the learner may enter an answer.
    async fn view(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        identity: &Identity,
        standing: Option<&LearnerStanding>,
        serving: Arc<Serving>,
    ) -> Result<Subject, AppError> {
        let learner = identity.learner();
        let view = match (identity, standing) {
            (Identity::Erased { .. }, _) => {
                self.profiles.forget(tenant, learner);
                View::Anonymous(FallbackReason::Erased)
            }
            (_, Some(standing)) if standing.consent == Consent::OptedOut => {
                self.profiles.forget(tenant, learner);
                View::Anonymous(FallbackReason::OptedOut)
            }
            (_, Some(standing)) => {
                let predictor = &serving.ground.predictor;
                View::Personal(self.profiles.get(tx, tenant, standing, serving.revisions(), predictor, self.config.model.shards).await?)
            }
            (_, None) => {
                self.profiles.forget(tenant, learner);
                View::Personal(Arc::new(Profile::new(&serving.ground.predictor)))
            }
        };
        Ok(Subject { tenant: tenant.clone(), learner, serving, view })
    }

    /// # Errors
    /// `Invalid` names the field; `Busy` under load.
    pub async fn recommend(&self, subject: &Subject, request: RecommendationRequest) -> Result<Recommendations, AppError> {
        request.check()?;
        let now = self.clock.now();
        let (id, explain, this) = (recommendation_id(now), request.explain, subject.clone());
        let mut answer = self.inference.run(move || recommend::recommend(&this.serving.ground, this.who(), &request, now, id)).await?;
        self.recorder.record(row(subject, &answer, now)).await;
        if !explain {
            answer.items.iter_mut().for_each(|item| item.reasons.clear());
        }
        Ok(answer)
    }

    /// # Errors
    /// As [`App::recommend`].
    pub async fn path(&self, subject: &Subject, request: PathRequest) -> Result<LearningPath, AppError> {
        request.check()?;
        let now = self.clock.now();
        let this = subject.clone();
        self.inference.run(move || recommend::path(&this.serving.ground, this.who(), &request, now, recommendation_id(now))).await
    }

    /// # Errors
    /// As [`App::recommend`].
    pub async fn knowledge(&self, subject: &Subject, request: KnowledgeRequest) -> Result<Knowledge, AppError> {
        request.check()?;
        let now = self.clock.now();
        let this = subject.clone();
        self.inference.run(move || recommend::knowledge(&this.serving.ground, this.who(), &request, now)).await
    }

    /// # Errors
    /// As [`App::recommend`].
    pub async fn predictions(&self, subject: &Subject, request: PredictionRequest) -> Result<Predictions, AppError> {
        request.check()?;
        let now = self.clock.now();
        let this = subject.clone();
        self.inference.run(move || recommend::predictions(&this.serving.ground, this.who(), &request, now)).await
    }
}

/// Ordered by time, so that the table grows at its end.
fn recommendation_id(now: Micros) -> Uuid {
    let millis = u64::try_from(now.0 / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

/// What is written down: items with scores and the codes and contributions of their reasons, without the sentences.
fn row(subject: &Subject, answer: &Recommendations, made_at: Micros) -> RecommendationRow {
    let items: Vec<_> = answer
        .items
        .iter()
        .map(|item| {
            let reasons: Vec<_> = item.reasons.iter().map(|reason| (reason.code.as_str(), reason.contribution)).collect();
            serde_json::json!({ "item_id": item.item_id, "score": item.score, "p_correct": item.p_correct, "reasons": reasons })
        })
        .collect();
    RecommendationRow {
        id: answer.recommendation_id,
        tenant: subject.tenant.clone(),
        learner: subject.learner,
        made_at,
        model_version: answer.model_version.clone(),
        personalised: answer.personalised,
        fallback_reason: answer.fallback_reason.map(|reason| reason.as_str().to_string()),
        items: serde_json::Value::Array(items),
    }
}
