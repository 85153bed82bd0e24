//! Every table, and what it holds of a learner. A test compares this list with the schema: a table that holds learner data
//! and declares no way to export and to delete fails the build.

/// How a table's learner rows are dealt with when the learner asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// No learner data.
    NotPersonal,
    /// Rows carry the pseudonym in this column: exported and deleted by it.
    ByPseudonym { column: &'static str, exported: bool },
    /// Integer counts over several learners: subtracted exactly (`counts::subtract_learner`).
    Subtracted,
    /// Kept by law or for the proof, without the pseudonym once the request is over; says why.
    Kept { why: &'static str },
}

/// Table name and handling, sorted by name.
pub const TABLES: &[(&str, Handling)] = &[
    ("api_keys", Handling::NotPersonal),
    ("audit_log", Handling::Kept { why: "names actors and requests by id, never a learner" }),
    ("consents", Handling::ByPseudonym { column: "learner", exported: true }),
    ("courses", Handling::NotPersonal),
    (
        "erasure_requests",
        Handling::Kept { why: "the subject's pseudonym is set to NULL on completion; the receipt holds a commitment only" },
    ),
    ("events", Handling::ByPseudonym { column: "learner", exported: true }),
    ("feedback", Handling::ByPseudonym { column: "learner", exported: true }),
    ("item_counts", Handling::Subtracted),
    ("item_skills", Handling::NotPersonal),
    ("items", Handling::NotPersonal),
    ("jobs", Handling::NotPersonal),
    ("learners", Handling::ByPseudonym { column: "learner", exported: true }),
    ("model_members", Handling::Kept { why: "hashes and roots of members; members that saw the learner are destroyed" }),
    ("model_versions", Handling::NotPersonal),
    ("modules", Handling::NotPersonal),
    ("opt_outs", Handling::ByPseudonym { column: "learner", exported: true }),
    ("prerequisites", Handling::NotPersonal),
    ("quarantine", Handling::ByPseudonym { column: "learner", exported: true }),
    ("recommendations", Handling::ByPseudonym { column: "learner", exported: true }),
    ("shard_epochs", Handling::NotPersonal),
    ("skills", Handling::NotPersonal),
    ("tenants", Handling::NotPersonal),
    ("tombstones", Handling::Kept { why: "a MAC under a second key, which refuses the learner's late events" }),
];
