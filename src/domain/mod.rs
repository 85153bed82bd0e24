//! The words the whole house speaks: learner, item, skill, event, consent, job.
//!
//! Nothing here talks to a database, a network or a model. A value is parsed once at the edge
//! (`LearnerId::parse`, `ItemId::parse`) and trusted inside.

pub mod catalog;
pub mod clock;
pub mod consent;
pub mod event;
pub mod hash;
pub mod ids;
pub mod index;
pub mod job;
pub mod key;
pub mod model;
pub mod rights;

pub use catalog::{Catalog, Course, Item, ItemState, Module, Prerequisite, Skill, Titles};
pub use clock::{Clock, FixedClock, Micros, SystemClock};
pub use consent::{Consent, LearnerStanding};
pub use event::{Event, EventKind, Verdict};
pub use ids::{Bucket, EventKey, InvalidId, ItemId, LearnerId, ModelVersion, Pseudonym, ShardId, SkillId, TenantId};
pub use index::CatalogIndex;
pub use key::Scope;
