//! Checkpoints of long trainings on disk, so that a restart costs an epoch, not a training.
//!
//! One file a shard and input, beside the members: `<artefacts>/<tenant>/<shard>.<input>.checkpoint`. It is as personal as the
//! member it becomes. It goes when its training ends, whatever came of it; those of other inputs go when the shard's next training
//! begins; and a sweep, which every erasure ends with, takes what a crash left.

use super::artefacts::Artefacts;
use crate::domain::hash::Digest;
use crate::domain::{ShardId, TenantId};
use crate::learning::checkpoint::Checkpoints;
use crate::learning::predictor::LoadError;

/// Trainings on fewer answers are begun anew: an epoch takes them less time than a disk takes to flush.
const WORTH_KEEPING: usize = 100_000;

pub struct ShardCheckpoints<'a> {
    pub artefacts: &'a Artefacts,
    pub tenant: &'a TenantId,
    pub shard: ShardId,
    pub input: Digest,
    /// Answers in the training set.
    pub answers: usize,
}

impl ShardCheckpoints<'_> {
    /// Forgets this shard's checkpoints of other inputs: they hold a world that is no more.
    pub fn forget_others(&self) {
        self.report(self.artefacts.forget_checkpoints(self.tenant, self.shard, Some(&self.input)));
    }

    /// The training has ended: nothing is left to take up.
    pub fn forget(&self) {
        self.report(self.artefacts.forget_checkpoints(self.tenant, self.shard, None));
    }

    fn report(&self, outcome: Result<(), super::artefacts::ArtefactError>) {
        if let Err(error) = outcome {
            tracing::warn!(shard = %self.shard, %error, "a checkpoint could not be written or deleted");
        }
    }
}

impl Checkpoints for ShardCheckpoints<'_> {
    fn last(&mut self) -> Option<Vec<u8>> {
        self.artefacts.checkpoint(self.tenant, self.shard, &self.input)
    }

    fn keep(&mut self, make: &mut dyn FnMut() -> Result<Vec<u8>, LoadError>) {
        if self.answers < WORTH_KEEPING {
            return;
        }
        match make() {
            Ok(bytes) => self.report(self.artefacts.put_checkpoint(self.tenant, self.shard, &self.input, &bytes)),
            Err(error) => tracing::warn!(shard = %self.shard, %error, "a checkpoint could not be made"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_found_by_its_input_and_goes_with_its_training() {
        let folder = tempfile::tempdir().unwrap();
        let (artefacts, tenant) = (Artefacts::new(folder.path()), TenantId::default());
        let of = |shard: u16, input: u8| ShardCheckpoints {
            artefacts: &artefacts,
            tenant: &tenant,
            shard: ShardId(shard),
            input: Digest([input; 32]),
            answers: WORTH_KEEPING,
        };
        let write = |text: &'static [u8]| move || Ok(text.to_vec());
        of(1, 1).keep(&mut write(b"one"));
        of(2, 1).keep(&mut write(b"two"));
        ShardCheckpoints { answers: 10, ..of(3, 1) }.keep(&mut || panic!("too small to be kept"));
        assert_eq!(of(1, 1).last().unwrap(), b"one");
        assert_eq!(of(1, 2).last(), None, "another world's");
        of(1, 2).forget_others();
        assert_eq!(of(1, 1).last(), None);
        assert_eq!(of(2, 1).last().unwrap(), b"two", "another shard's");
        of(2, 1).forget();
        assert_eq!(std::fs::read_dir(folder.path().join(tenant.as_str())).unwrap().count(), 0);
        of(2, 1).forget();
    }
}
