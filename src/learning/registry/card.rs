//! The model card: made from what the run left in the registry, never written by hand.

use std::fmt::Write;

use super::artefacts::Manifest;
use super::heldout::Judgement;
use crate::domain::model::{MemberState, VersionRow};

/// The card of `version` as Markdown. `manifests`: those of its members that still have an artefact.
pub fn card(version: &VersionRow, manifests: &[Manifest]) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_card(&mut text, version, manifests);
    text
}

fn write_card(out: &mut String, version: &VersionRow, manifests: &[Manifest]) -> std::fmt::Result {
    let active = version.members.iter().filter(|member| member.state == MemberState::Active).count();
    let learners: i64 = version.members.iter().map(|member| member.learners).sum();
    let answers: i64 = version.members.iter().map(|member| member.answers).sum();
    let first = manifests.iter().filter_map(|manifest| manifest.first_answer).min();
    let last = manifests.iter().filter_map(|manifest| manifest.last_answer).max();

    writeln!(out, "# Model card: version `{}`\n", version.version)?;
    writeln!(out, "Made from the registry by `parcours models card`. State: {}.\n", version.state.as_str())?;
    writeln!(out, "## What it is\n")?;
    writeln!(
        out,
        "An ensemble of {} recurrent learner models, one for each of {} shards; {active} are active. Each was trained from scratch on the answers of its own \
         shard's learners alone. What is served is the plain mean of the active members. There are no learner embeddings: a learner's state is \
         recomputed from their events.\n",
        version.members.len(),
        version.shards
    )?;
    writeln!(out, "**Predicts**: the probability that a learner answers an item correctly, and from it the mastery of each skill.")?;
    writeln!(
        out,
        "**For**: choosing exercises, reviews and paths. **Not for**: grading, admission, or any final decision about a person.\n"
    )?;

    writeln!(out, "## Training data\n")?;
    writeln!(out, "| shard | state | learners | answers | weights | training set root |\n|---|---|---|---|---|---|")?;
    for member in &version.members {
        let weights = member.weights.map_or("-".to_string(), |weights| format!("`{}`", &weights.hex()[..16]));
        writeln!(
            out,
            "| {} | {} | {} | {} | {weights} | `{}` |",
            member.shard,
            member.state.as_str(),
            member.learners,
            member.answers,
            &member.training_root.hex()[..16]
        )?;
    }
    writeln!(out, "\n{learners} learners, {answers} answers")?;
    if let (Some(first), Some(last)) = (first, last) {
        writeln!(out, "dated {} to {}.", first.to_rfc3339(), last.to_rfc3339())?;
    }
    writeln!(out, "Learners who opted out or were erased are not among them.\n")?;

    writeln!(out, "## Measured on held-out learners\n")?;
    writeln!(out, "Each member holds back some learners of its shard, chosen by a hash; the ensemble was judged on all of those.\n")?;
    writeln!(out, "| model | AUC | log loss | accuracy | learners | answers |\n|---|---|---|---|---|---|")?;
    for (name, key) in [("this version", "held_out"), ("count-based baseline", "baseline"), ("version served before", "serving_then")] {
        match serde_json::from_value::<Option<Judgement>>(version.metrics.get(key).cloned().unwrap_or_default()) {
            Ok(Some(it)) => {
                let auc = it.metrics.auc.map_or("-".to_string(), |auc| format!("{auc:.4}"));
                writeln!(
                    out,
                    "| {name} | {auc} | {:.4} | {:.4} | {} | {} |",
                    it.metrics.log_loss, it.metrics.accuracy, it.learners, it.metrics.events
                )?;
            }
            _ => writeln!(out, "| {name} | - | - | - | - | - |")?,
        }
    }

    writeln!(out, "\n## How it was trained\n")?;
    writeln!(out, "```json\n{}\n```\n", serde_json::to_string_pretty(&version.config).unwrap_or_default())?;
    if let Some(manifest) = manifests.first() {
        writeln!(out, "Parameters a member: {}.", manifest.report.parameters)?;
        writeln!(out, "Software: {}. Machine profile: `{}`.", manifest.software, serde_json::to_string(&manifest.cpu).unwrap_or_default())?;
        writeln!(out, "The same data, configuration and seed give the same weights, to the byte, on machines of this profile.\n")?;
    }

    writeln!(out, "## Privacy\n")?;
    writeln!(
        out,
        "A member is personal data as long as no attack report says otherwise. Erasing a learner silences their shard's member at once and replaces it by \
         one trained without them; the receipt can be checked offline (`parcours verify-receipt`). Members' own outputs are never shown.\n"
    )?;
    writeln!(out, "## Limits\n")?;
    writeln!(out, "- The spread over members is reported as such; it is not a confidence interval.")?;
    writeln!(out, "- Items without skills and without answers are predicted from the learner's general level.")?;
    writeln!(out, "- Membership inference has not been measured on this version.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hash::{Digest, Hasher};
    use crate::domain::model::{MemberRow, VersionState};
    use crate::domain::{Micros, ModelVersion, ShardId};

    #[test]
    fn the_card_tells_members_and_what_was_measured() {
        let digest = |n: u64| -> Digest { Hasher::new("card test").number(n).finish() };
        let member = |shard: u16, state| MemberRow {
            shard: ShardId(shard),
            state,
            weights: (state == MemberState::Active).then(|| digest(u64::from(shard))),
            training_root: digest(100 + u64::from(shard)),
            epoch: 0,
            learners: 10,
            answers: 200,
        };
        let metrics = crate::learning::metrics::Metrics { auc: Some(0.75), accuracy: 0.7, log_loss: 0.5, ece: 0.01, events: 80 };
        let held_out = Judgement { metrics, learners: 4 };
        let version = VersionRow {
            version: ModelVersion("00112233".into()),
            state: VersionState::Serving,
            shards: 2,
            created_at: Micros(0),
            promoted_at: None,
            config: serde_json::json!({"width": 64}),
            metrics: serde_json::json!({"held_out": held_out, "baseline": null}),
            members: vec![member(0, MemberState::Active), member(1, MemberState::Quarantined)],
        };
        let text = card(&version, &[]);
        assert!(text.contains("20 learners, 400 answers"));
        assert!(text.contains("| this version | 0.7500 | 0.5000 | 0.7000 | 4 | 80 |"));
        assert!(text.contains("1 are active"));
        assert!(text.contains("| count-based baseline | - |"));
        assert!(text.contains(&format!("| 1 | quarantined | 10 | 200 | - | `{}` |", &digest(101).hex()[..16])));
    }
}
