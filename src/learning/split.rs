//! Who is held out: a tenth of the learners, by hash of the pseudonym alone.
//!
//! A shard's member stops early by its own validation learners; they never move a weight, in any member, because the other
//! members are of other shards. So the validation learners of all shards together are what an *ensemble* is judged on, and they
//! are the same ones for the serving model and for its challenger.

use crate::domain::Pseudonym;
use crate::domain::hash::Hasher;

/// One learner in this many is held out.
pub const ONE_IN: u64 = 10;

/// True for a learner who validates and is never trained on.
pub fn validates(learner: Pseudonym) -> bool {
    Hasher::new("parcours 2026 validation learner").part(learner.as_bytes()).finish_u64().is_multiple_of(ONE_IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_a_tenth_validates() {
        let held_out = (0u128..20_000).filter(|n| validates(Pseudonym(n.to_le_bytes()))).count();
        assert!((1_800..2_200).contains(&held_out), "{held_out}");
    }
}
