//! The append-only rights ledger, a file outside the database.
