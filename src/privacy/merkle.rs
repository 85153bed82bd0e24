//! A sorted Merkle tree over learner commitments: proves what a training set holds, and what it does not.
//!
//! ```text
//! leaf = H("leaf", commitment, content)      content = hash of the learner's training events, in order
//! node = H("node", left, right)              split at the largest power of two below the count (as RFC 6962)
//! root = H("root", count, top)               the count is bound, so that a proof fixes each leaf's place
//! ```
//! Leaves are sorted by commitment and no commitment comes twice. Hence *absence*: if two leaves are neighbours, nothing lies
//! between them. Commitments are keyed MACs, and contents cover keyed event keys: a proof tells nothing about the neighbours
//! to one without the key.

use serde::{Deserialize, Serialize};

use crate::domain::hash::{Digest, Hasher};

/// What a training set holds of one learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leaf {
    pub commitment: Digest,
    pub content: Digest,
}

impl Leaf {
    fn hash(&self) -> Digest {
        Hasher::new("parcours 2026 training-root leaf").part(&self.commitment.0).part(&self.content.0).finish()
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Hasher::new("parcours 2026 training-root node").part(&left.0).part(&right.0).finish()
}

fn bind(count: u64, top: &Digest) -> Digest {
    Hasher::new("parcours 2026 training-root").number(count).part(&top.0).finish()
}

/// Largest power of two strictly below `count` (`count >= 2`).
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn top(hashes: &[Digest]) -> Digest {
    match hashes {
        [] => Hasher::new("parcours 2026 training-root empty").finish(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node(&top(left), &top(right))
        }
    }
}

/// A training set's tree, small enough to be kept as its leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    leaves: Vec<Leaf>,
}

/// Two leaves speak of one learner: not a training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commitment comes twice")]
pub struct Repeated;

impl Tree {
    /// Sorts the leaves.
    pub fn new(mut leaves: Vec<Leaf>) -> Result<Self, Repeated> {
        leaves.sort_unstable();
        if leaves.windows(2).any(|pair| pair[0].commitment == pair[1].commitment) {
            return Err(Repeated);
        }
        Ok(Self { leaves })
    }

    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    pub fn root(&self) -> Digest {
        let hashes: Vec<_> = self.leaves.iter().map(Leaf::hash).collect();
        bind(hashes.len() as u64, &top(&hashes))
    }

    /// Proof that the leaf at `index` is in the tree.
    fn prove(&self, index: usize) -> Membership {
        let hashes: Vec<_> = self.leaves.iter().map(Leaf::hash).collect();
        let (mut range, mut path) = (&hashes[..], Vec::new());
        let mut at = index;
        while range.len() > 1 {
            let (left, right) = range.split_at(split(range.len()));
            if at < left.len() {
                path.push(top(right));
                range = left;
            } else {
                path.push(top(left));
                at -= left.len();
                range = right;
            }
        }
        path.reverse();
        Membership { leaf: self.leaves[index], index: index as u64, path }
    }

    /// Proof that `commitment` is in the tree; `None` when it is not.
    pub fn membership(&self, commitment: &Digest) -> Option<Membership> {
        self.leaves.binary_search_by_key(commitment, |leaf| leaf.commitment).ok().map(|index| self.prove(index))
    }

    /// Proof that `commitment` is not in the tree; `None` when it is.
    pub fn absence(&self, commitment: &Digest) -> Option<Absence> {
        let place = self.leaves.binary_search_by_key(commitment, |leaf| leaf.commitment).err()?;
        Some(Absence {
            count: self.leaves.len() as u64,
            before: place.checked_sub(1).map(|index| self.prove(index)),
            after: (place < self.leaves.len()).then(|| self.prove(place)),
        })
    }
}

/// A leaf, its place, and the hashes beside its way up to the top, from the leaf upwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    pub leaf: Leaf,
    pub index: u64,
    pub path: Vec<Digest>,
}

impl Membership {
    /// True when `root` is the root of a tree of `count` leaves that has this leaf at this index.
    pub fn holds(&self, root: &Digest, count: u64) -> bool {
        // No training set is that large; a forged count must not overflow the arithmetic below.
        if self.index >= count || count > 1 << 48 {
            return false;
        }
        // The way down, so that every turn is fixed by (index, count) and none by the prover.
        let (mut at, mut size, mut turned_right) = (self.index, count, Vec::new());
        while size > 1 {
            let left = size.next_power_of_two() / 2;
            let right_turn = at >= left;
            turned_right.push(right_turn);
            (at, size) = if right_turn { (at - left, size - left) } else { (at, left) };
        }
        if turned_right.len() != self.path.len() {
            return false;
        }
        let top = self
            .path
            .iter()
            .zip(turned_right.iter().rev())
            .fold(self.leaf.hash(), |hash, (beside, right_turn)| if *right_turn { node(beside, &hash) } else { node(&hash, beside) });
        bind(count, &top) == *root
    }
}

/// That nothing lies between two neighbouring leaves, before the first, or after the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// Leaves in the tree.
    pub count: u64,
    /// The neighbour below; none when the commitment would come first.
    pub before: Option<Membership>,
    /// The neighbour above; none when the commitment would come last.
    pub after: Option<Membership>,
}

impl Absence {
    /// True when the tree under `root` cannot hold `commitment`.
    pub fn holds(&self, root: &Digest, commitment: &Digest) -> bool {
        let below = |proof: &Membership| proof.leaf.commitment < *commitment && proof.holds(root, self.count);
        let above = |proof: &Membership| proof.leaf.commitment > *commitment && proof.holds(root, self.count);
        match (&self.before, &self.after) {
            (None, None) => self.count == 0 && bind(0, &top(&[])) == *root,
            (None, Some(after)) => after.index == 0 && above(after),
            (Some(before), None) => before.index + 1 == self.count && below(before),
            (Some(before), Some(after)) => before.index + 1 == after.index && below(before) && above(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: u64) -> Digest {
        Hasher::new("parcours 2026 test").number(of).finish()
    }

    fn tree(count: u64) -> Tree {
        Tree::new((0..count).map(|n| Leaf { commitment: digest(n), content: digest(n + 1_000_000) }).collect()).unwrap()
    }

    #[test]
    fn every_member_and_every_stranger_is_proved_at_every_size() {
        for count in 0..40 {
            let tree = tree(count);
            let root = tree.root();
            for n in 0..count {
                let proof = tree.membership(&digest(n)).unwrap();
                assert!(proof.holds(&root, count));
                assert!(tree.absence(&digest(n)).is_none());
            }
            for n in 5_000..5_040 {
                assert!(tree.membership(&digest(n)).is_none());
                assert!(tree.absence(&digest(n)).unwrap().holds(&root, &digest(n)), "{n} of {count}");
            }
        }
    }

    #[test]
    fn a_member_cannot_be_shown_absent() {
        let whole = tree(20);
        let root = whole.root();
        for n in 0..20 {
            let without = Tree::new(whole.leaves().iter().copied().filter(|leaf| leaf.commitment != digest(n)).collect()).unwrap();
            // A true proof about another tree, and one patched together from this tree's own neighbours.
            assert!(!without.absence(&digest(n)).unwrap().holds(&root, &digest(n)));
            let at = whole.leaves().iter().position(|leaf| leaf.commitment == digest(n)).unwrap();
            let before = (at > 0).then(|| whole.prove(at - 1));
            let after = (at + 1 < 20).then(|| whole.prove(at + 1));
            assert!(!Absence { count: 20, before, after }.holds(&root, &digest(n)));
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_change_the_root_but_content_does() {
        let mut leaves = tree(9).leaves().to_vec();
        leaves.reverse();
        assert_eq!(Tree::new(leaves.clone()).unwrap().root(), tree(9).root());
        leaves[3].content = digest(77);
        assert_ne!(Tree::new(leaves.clone()).unwrap().root(), tree(9).root());
        leaves.push(leaves[0]);
        assert!(Tree::new(leaves).is_err());
    }

    #[test]
    fn a_proof_for_another_count_or_place_fails() {
        let tree = tree(13);
        let root = tree.root();
        let commitment = tree.leaves()[5].commitment;
        let proof = tree.membership(&commitment).unwrap();
        assert!(!proof.holds(&root, 12) && !proof.holds(&root, 14));
        assert!(!Membership { index: 4, ..proof.clone() }.holds(&root, 13));
        assert!(!Membership { path: proof.path[1..].to_vec(), ..proof }.holds(&root, 13));
    }
}
