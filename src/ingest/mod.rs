//! Events and catalogues on their way in.
//!
//! An event's way: [`body`] cuts the request into events -> [`native`] decodes each by itself -> [`frame`] checks all of
//! them at once as a Polars frame -> [`write`] pseudonymises and stores them in one unit of work, and gives a verdict each.
//! [`catalog`] takes what can be learned, whole or in parts.
//! [`xapi`] and [`caliper`] make native events of what LMSs send by those standards; they then go the same way.
//! [`formats`] reads the logs of public data sets; `parcours import` feeds them through the same check and the same writing.

pub mod batch;
mod body;
pub mod caliper;
pub mod catalog;
mod explain;
pub mod formats;
mod frame;
pub mod load;
pub mod native;
pub mod reason;
pub mod write;
pub mod xapi;

pub use batch::{Batch, BatchError};
pub use load::{LoadReport, load};
pub use native::NativeEvent;
pub use reason::Reason;
pub use write::{EventVerdict, IngestError, IngestReport, ingest};
