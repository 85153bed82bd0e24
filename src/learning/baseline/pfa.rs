//! Performance factors analysis (Pavlik, Cen and Koedinger, AIED 2009): per skill an ease, and a weight for each earlier right and
//! each earlier wrong answer. Counts go through log1p, as in Gervet et al. (2020): raw counts run away on long histories.

use super::past::Past;
use super::regression::Encoding;
use crate::learning::dataset::Vocabulary;

/// logit p = b + Σ_skills (β_s + γ_s ln(1 + right_s) + ρ_s ln(1 + wrong_s)).
pub struct Pfa;

impl Encoding for Pfa {
    const RIDGE: f64 = 1.0;

    fn columns(vocabulary: &Vocabulary) -> usize {
        3 * vocabulary.skills.len()
    }

    fn row(vocabulary: &Vocabulary, past: &Past, item: u32, row: &mut Vec<(u32, f32)>) {
        for &skill in &vocabulary.item_skills[item as usize] {
            let done = past.skill(skill);
            row.extend([(3 * skill, 1.0), (3 * skill + 1, done.right.ln_1p() as f32), (3 * skill + 2, done.wrong().ln_1p() as f32)]);
        }
    }
}
