//! The console's words, in English and French.

use serde_json::Value;

use super::view::Lang;

/// (name, English, French)
const WORDS: &[(&str, &str, &str)] = &[
    (
        "about_metrics",
        "Measured on learners kept aside, who were not trained on.",
        "Mesuré sur des apprenants mis de côté, qui n’ont pas servi à l’entraînement.",
    ),
    (
        "about_quarantine",
        "Events that could not be used as they came. Learner ids are removed.",
        "Événements inutilisables tels quels. Les identifiants des apprenants sont retirés.",
    ),
    (
        "about_rights",
        "The learner’s id is used once, in this request, and is not kept. An erasure takes effect at once; the signed receipt follows when the model has been retrained.",
        "L’identifiant de l’apprenant ne sert qu’à cette demande et n’est pas conservé. Un effacement prend effet aussitôt ; le reçu signé suit quand le modèle a été réentraîné.",
    ),
    ("accuracy", "Accuracy", "Exactitude"),
    ("actions", "Actions", "Actions"),
    ("answers", "Answers", "Réponses"),
    ("cancel", "Cancel", "Annuler"),
    ("catalogue", "Catalogue", "Catalogue"),
    ("clean_at", "Model clean", "Modèle propre"),
    ("completed_at", "Completed", "Terminé"),
    ("confirm_erase", "I know that an erasure cannot be undone", "Je sais qu’un effacement est irréversible"),
    ("created", "Created", "Créée"),
    ("detail", "Detail", "Détail"),
    ("done_cancelled", "The job was asked to stop.", "L’arrêt de la tâche est demandé."),
    (
        "done_erased",
        "The learner is unreadable from now on, and what is served has never seen them. The receipt follows.",
        "L’apprenant est désormais illisible, et le modèle servi ne l’a jamais vu. Le reçu suivra.",
    ),
    ("done_opted_in", "The learner is personalised again.", "L’apprenant bénéficie à nouveau de la personnalisation."),
    ("done_opted_out", "The learner is no longer personalised.", "L’apprenant n’est plus personnalisé."),
    ("done_promoted", "The version is served.", "La version est servie."),
    ("done_queued", "The refresh is queued.", "La mise à jour est en file d’attente."),
    ("done_rolled_back", "An earlier version is served again.", "Une version antérieure est à nouveau servie."),
    ("due", "Due", "Échéance"),
    ("erase", "Erase", "Effacer"),
    ("erasures", "Erasure requests", "Demandes d’effacement"),
    ("error", "Something is in the way", "Quelque chose ne va pas"),
    ("events", "Events", "Événements"),
    (
        "fallback",
        "No model is served: counts answer until the first training.",
        "Aucun modèle n’est servi : les comptages répondent jusqu’au premier entraînement.",
    ),
    ("fields", "Fields", "Champs"),
    ("follow", "Reload every five seconds", "Recharger toutes les cinq secondes"),
    ("items", "Items", "Exercices et contenus"),
    ("jobs", "Jobs", "Tâches"),
    ("jobs_waiting", "Jobs waiting or running", "Tâches en attente ou en cours"),
    ("key", "API key with the scope “admin”", "Clé d’API avec la portée « admin »"),
    (
        "key_wrong",
        "This key is unknown, revoked, or lacks the scope “admin”.",
        "Cette clé est inconnue, révoquée ou sans la portée « admin ».",
    ),
    ("kind", "Kind", "Type"),
    ("learner_id", "Learner id, as the LMS knows it", "Identifiant de l’apprenant, tel que le LMS le connaît"),
    ("learners", "Learners", "Apprenants"),
    ("log_loss", "Log loss", "Perte log."),
    ("members", "Members", "Membres"),
    (
        "members_help",
        "One square a shard: filled speaks, hatched is silenced, hollow is empty or destroyed.",
        "Un carré par fragment : plein, il parle ; hachuré, il est mis en silence ; vide, il est sans données ou détruit.",
    ),
    ("message", "Message", "Message"),
    ("models", "Models", "Modèles"),
    ("name", "Parcours", "Parcours"),
    ("no_jobs", "There are no jobs yet.", "Il n’y a pas encore de tâches."),
    (
        "no_models",
        "There are no versions yet. A refresh trains the first one.",
        "Il n’y a pas encore de version. Une mise à jour entraîne la première.",
    ),
    ("no_quarantine", "Nothing is in quarantine.", "Rien n’est en quarantaine."),
    ("no_requests", "There are no requests yet.", "Il n’y a pas encore de demandes."),
    ("opt_in", "Opt in", "Accepter la personnalisation"),
    ("opt_out", "Opt out", "Refuser la personnalisation"),
    ("opted_out", "Opted out", "Ont refusé"),
    ("overview", "Overview", "Vue d’ensemble"),
    ("page_of_api", "API page", "Page de l’API"),
    ("progress", "Progress", "Avancement"),
    ("promote", "Serve", "Servir"),
    ("promoted", "Served since", "Servie depuis"),
    ("quarantine", "Quarantine", "Quarantaine"),
    ("reason", "Reason", "Motif"),
    ("receipt", "Receipt", "Reçu"),
    ("received", "Received", "Reçue"),
    ("refresh", "Refresh now", "Mettre à jour"),
    ("refresh_full", "retrain every shard", "réentraîner tous les fragments"),
    ("request", "Request", "Demande"),
    ("rights", "Rights", "Droits"),
    ("rights_ask", "Act for a learner", "Agir pour un apprenant"),
    ("rollback", "Go back to the version before", "Revenir à la version précédente"),
    ("scopes_missing", "Your key lacks the scope for this.", "Votre clé n’a pas la portée nécessaire."),
    ("send", "Send", "Envoyer"),
    ("serving", "Served model", "Modèle servi"),
    ("sign_in", "Sign in", "Se connecter"),
    ("sign_out", "Sign out", "Se déconnecter"),
    ("skills", "Skills", "Compétences"),
    ("skip", "Skip to the content", "Aller au contenu"),
    ("state", "State", "État"),
    ("state_active", "active", "actif"),
    ("state_cancelled", "cancelled", "annulée"),
    ("state_candidate", "candidate", "candidate"),
    ("state_completed", "completed", "terminée"),
    ("state_deleted", "deleted; retraining", "effacée ; réentraînement"),
    ("state_destroyed", "destroyed", "détruit"),
    ("state_empty", "empty", "sans données"),
    ("state_failed", "failed", "échouée"),
    ("state_pending", "pending", "en attente"),
    ("state_quarantined", "silenced", "mis en silence"),
    ("state_recorded", "recorded", "enregistrée"),
    ("state_rejected", "rejected", "rejetée"),
    ("state_retired", "retired", "retirée"),
    ("state_retrained", "retrained; receipt to come", "réentraînée ; reçu à venir"),
    ("state_running", "running", "en cours"),
    ("state_serving", "served", "servie"),
    ("state_succeeded", "done", "réussie"),
    ("tenant", "Tenant:", "Établissement :"),
    ("times", "Times are in UTC.", "Les heures sont en UTC."),
    ("unreadable_at", "Unreadable", "Illisible"),
    ("version", "Version", "Version"),
    ("when", "When", "Quand"),
];

/// Every word of a language, by name.
pub fn all(lang: Lang) -> Value {
    WORDS
        .iter()
        .map(|(name, en, fr)| ((*name).to_string(), Value::from(if lang == Lang::Fr { *fr } else { *en })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub fn word(lang: Lang, name: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, ..)| *known == name).map(|(_, en, fr)| if lang == Lang::Fr { *fr } else { *en })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order_and_in_both_languages() {
        assert!(WORDS.is_sorted_by_key(|(name, ..)| *name), "{:?}", WORDS.windows(2).find(|pair| pair[0].0 > pair[1].0));
        assert!(WORDS.windows(2).all(|pair| pair[0].0 != pair[1].0));
        assert!(WORDS.iter().all(|(_, en, fr)| !en.is_empty() && !fr.is_empty()));
    }
}
