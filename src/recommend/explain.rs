//! Reasons: the terms of a score, said with their figures in French and in English.
//!
//! A reason is made from the same [`Scored`] the ranking used, and from nothing else. Terms that add nothing are left out.

use std::collections::BTreeMap;

use super::policy::{CODES, TERMS};
use super::score::{self, Scored};
use super::types::{Reason, ReasonCode};
use crate::domain::{CatalogIndex, Titles};
use crate::learning::online::Profile;

/// Who reasons are given to.
pub struct Explainer<'a> {
    pub index: &'a CatalogIndex,
    /// `None` in an answer that is not personal.
    pub profile: Option<&'a Profile>,
    pub weights: [f32; TERMS],
    pub band: (f32, f32),
    /// Answers of all learners on the most answered item.
    pub most: u32,
}

struct Words {
    fr: String,
    en: String,
    numbers: Vec<(&'static str, f32)>,
    skill: Option<u32>,
}

fn percent(share: f32) -> i32 {
    (share * 100.0).round() as i32
}

/// Days, in words that read well.
fn days(value: f32) -> (String, String) {
    match value.round() as i64 {
        0 => ("aujourd'hui".into(), "today".into()),
        1 => ("il y a 1 jour".into(), "1 day ago".into()),
        n => (format!("il y a {n} jours"), format!("{n} days ago")),
    }
}

impl Explainer<'_> {
    /// The reasons of one item, largest contribution first.
    pub fn reasons(&self, scored: &Scored) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = (0..TERMS)
            .filter(|term| scored.values[*term] * self.weights[*term] != 0.0)
            .map(|term| {
                let words = self.words(CODES[term], scored);
                Reason {
                    code: CODES[term],
                    contribution: scored.values[term] * self.weights[term],
                    weight: self.weights[term],
                    value: scored.values[term],
                    skill: words.skill.map(|skill| self.index.skills[skill as usize].clone()),
                    numbers: words.numbers.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<BTreeMap<_, _>>(),
                    text: Titles { fr: Some(words.fr), en: Some(words.en) },
                }
            })
            .collect();
        // A stable sort: equal contributions keep the order of the terms.
        reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        reasons
    }

    /// The skill's title in French and in English; the other language, else the id, where one is missing.
    pub fn name(&self, skill: u32) -> (&str, &str) {
        let id = &self.index.skills[skill as usize];
        let titles = self.index.catalog().skills.get(id).map(|skill| &skill.titles);
        let (fr, en) = titles.map_or((None, None), |titles| (titles.fr.as_deref(), titles.en.as_deref()));
        (fr.or(en).unwrap_or(id.as_str()), en.or(fr).unwrap_or(id.as_str()))
    }

    fn answers_on(&self, skill: u32) -> (u32, u32) {
        self.profile.and_then(|profile| profile.skills.get(&skill)).map_or((0, 0), |history| (history.attempts, history.correct))
    }

    fn words(&self, code: ReasonCode, scored: &Scored) -> Words {
        let (facts, p) = (&scored.facts, scored.p_correct);
        let plain = |fr: &str, en: &str, numbers| Words { fr: fr.into(), en: en.into(), numbers, skill: None };
        match code {
            ReasonCode::ExpectedGain => self.gain(scored),
            ReasonCode::DesirableDifficulty => {
                let (low, high) = self.band;
                let numbers = vec![("p_correct", p), ("band_low", low), ("band_high", high)];
                let (chance, level_fr, level_en) = match p {
                    p if p < low => (percent(p), "un peu difficile", "a little hard"),
                    p if p > high => (percent(p), "plutôt facile", "rather easy"),
                    p => (percent(p), "ni trop facile ni trop difficile", "neither too easy nor too hard"),
                };
                Words {
                    fr: format!("Réussite estimée à {chance} % : {level_fr}."),
                    en: format!("Estimated success {chance}%: {level_en}."),
                    numbers,
                    skill: None,
                }
            }
            ReasonCode::ReviewDue => self.review(scored),
            ReasonCode::Novelty => match facts.seen_days {
                None => plain("Nouveau pour vous.", "New to you.", vec![]),
                Some(seen) => {
                    let (fr, en) = days(seen);
                    let numbers = vec![("days_since_seen", seen)];
                    Words { fr: format!("Vu pour la dernière fois {fr}."), en: format!("Last seen {en}."), numbers, skill: None }
                }
            },
            ReasonCode::Information => {
                let attempts = facts.skill_attempts;
                Words {
                    fr: format!(
                        "La réponse nous apprendra beaucoup : réussite incertaine ({} %), {attempts} réponses jusqu'ici.",
                        percent(p)
                    ),
                    en: format!("The answer will tell much: success is uncertain ({}%), {attempts} answers so far.", percent(p)),
                    numbers: vec![("p_correct", p), ("attempts", attempts as f32)],
                    skill: facts.weakest,
                }
            }
            ReasonCode::CourseOrder => {
                let ahead = facts.steps_ahead.unwrap_or_default();
                let numbers = vec![("steps_ahead", ahead as f32), ("course_share", facts.course_share)];
                match ahead {
                    0 => plain("C'est la suite de votre cours.", "It comes next in your course.", numbers),
                    n if n < 0 => plain("Vous l'avez passé dans le cours.", "You passed over it in the course.", numbers),
                    n => Words {
                        fr: format!("À {n} étapes dans votre cours."),
                        en: format!("{n} steps ahead in your course."),
                        numbers,
                        skill: None,
                    },
                }
            }
            ReasonCode::Goal => {
                let numbers = vec![("steps_from_goal", f32::from(facts.nearness.unwrap_or_default()))];
                match facts.nearness {
                    Some(0) => plain("Fait partie de votre objectif.", "Part of your goal.", numbers),
                    _ => plain("Prépare à votre objectif.", "Prepares for your goal.", numbers),
                }
            }
            ReasonCode::Popularity => Words {
                fr: format!("{} réponses d'apprenants.", facts.popularity),
                en: format!("{} answers by learners.", facts.popularity),
                numbers: vec![("attempts", facts.popularity as f32), ("most_attempts", self.most as f32)],
                skill: None,
            },
            ReasonCode::Diversity => Words {
                fr: format!(
                    "Placé plus bas : la liste travaille déjà ces compétences ({} %).",
                    percent(facts.alike / facts.placed.max(1) as f32)
                ),
                en: format!(
                    "Placed lower: the list already works on these skills ({}%).",
                    percent(facts.alike / facts.placed.max(1) as f32)
                ),
                numbers: vec![("placed", facts.placed as f32), ("alike", facts.alike)],
                skill: None,
            },
        }
    }

    fn gain(&self, scored: &Scored) -> Words {
        let Some(foresight) = scored.facts.foresight else {
            return Words { fr: String::new(), en: String::new(), numbers: vec![], skill: None };
        };
        let points = scored.values[score::GAIN] * 100.0;
        let numbers = vec![
            ("p_correct", scored.p_correct),
            ("mastery", foresight.mastery),
            ("after_right", foresight.after_right),
            ("after_wrong", foresight.after_wrong),
        ];
        match scored.facts.weakest {
            None => Words {
                fr: format!("Gain attendu : {points:+.1} points."),
                en: format!("Expected gain: {points:+.1} points."),
                numbers,
                skill: None,
            },
            Some(skill) => {
                let ((fr, en), (attempts, correct)) = (self.name(skill), self.answers_on(skill));
                Words {
                    fr: format!(
                        "Gain de maîtrise attendu : {points:+.1} points. Vous avez réussi {correct} exercices sur {attempts} de « {fr} »."
                    ),
                    en: format!("Expected gain in mastery: {points:+.1} points. You got {correct} of {attempts} right on “{en}”."),
                    numbers: numbers.into_iter().chain([("attempts", attempts as f32), ("correct", correct as f32)]).collect(),
                    skill: Some(skill),
                }
            }
        }
    }

    fn review(&self, scored: &Scored) -> Words {
        let Some(memory) = scored.facts.memory else {
            return Words { fr: String::new(), en: String::new(), numbers: vec![], skill: None };
        };
        let ((fr, en), (attempts, correct), (ago_fr, ago_en)) = (self.name(memory.skill), self.answers_on(memory.skill), days(memory.days));
        Words {
            fr: format!(
                "À revoir : « {fr} » pratiqué {ago_fr}, {correct} réussites sur {attempts}, retenu à {} % environ.",
                percent(memory.retained)
            ),
            en: format!(
                "Due for review: “{en}” practised {ago_en}, {correct} of {attempts} right, about {}% retained.",
                percent(memory.retained)
            ),
            numbers: vec![
                ("days", memory.days),
                ("retained", memory.retained),
                ("mastery", memory.mastery),
                ("attempts", attempts as f32),
                ("correct", correct as f32),
            ],
            skill: Some(memory.skill),
        }
    }
}
