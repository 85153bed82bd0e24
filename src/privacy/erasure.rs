//! Erasure, step by step.
