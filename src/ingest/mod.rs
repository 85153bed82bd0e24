//! Events and catalogues on their way in: decode -> check -> pseudonymise -> frame -> write.
//!
//! `formats` reads the logs of public data sets into a plain [`formats::Log`], without a database.

pub mod formats;
