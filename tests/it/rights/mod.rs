//! Rights: what is forgotten is forgotten exactly, provably, and through any crash.

mod canary;
mod consent;
mod crash;
mod equality;
mod erasure;
mod fence;
mod registry;
mod replay;
mod world;
