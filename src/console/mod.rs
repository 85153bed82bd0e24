//! The admin's web console.
