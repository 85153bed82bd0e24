//! A sorted Merkle tree over learner commitments: proves what a training set holds, and what it does not.
