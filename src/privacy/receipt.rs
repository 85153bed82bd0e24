//! The signed receipt of an erasure, verifiable offline.
