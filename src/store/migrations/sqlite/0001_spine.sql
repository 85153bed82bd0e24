-- Times are microseconds since 1970 (BIGINT). JSON is TEXT. Every table with learner data is declared in store/inventory.rs.

CREATE TABLE tenants (
    tenant_id        TEXT PRIMARY KEY,
    policy           TEXT NOT NULL,
    catalog_revision BIGINT NOT NULL DEFAULT 0,
    model_revision   BIGINT NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL
);

CREATE TABLE api_keys (
    key_id      TEXT PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenants,
    name        TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    scopes      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);

CREATE TABLE learners (
    tenant_id     TEXT NOT NULL REFERENCES tenants,
    learner       BLOB NOT NULL,
    bucket        BIGINT NOT NULL,
    consent       TEXT NOT NULL,
    revision      BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, learner)
);
CREATE INDEX learners_by_bucket ON learners (tenant_id, bucket);

-- The consent ledger: who chose what, when, under which text.
CREATE TABLE consents (
    consent_id   TEXT PRIMARY KEY,
    tenant_id    TEXT NOT NULL REFERENCES tenants,
    learner      BLOB NOT NULL,
    purpose      TEXT NOT NULL,
    choice       TEXT NOT NULL,
    text_version TEXT NOT NULL,
    source       TEXT NOT NULL,
    chosen_at    BIGINT NOT NULL
);
CREATE INDEX consents_by_learner ON consents (tenant_id, learner, chosen_at);

-- Closed and open opt-outs. Events dated inside one are never used.
CREATE TABLE opt_outs (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    learner   BLOB NOT NULL,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT,
    PRIMARY KEY (tenant_id, learner, from_at)
);

CREATE TABLE events (
    tenant_id      TEXT NOT NULL REFERENCES tenants,
    event_key      BLOB NOT NULL,
    learner        BLOB NOT NULL,
    bucket         BIGINT NOT NULL,
    item_id        TEXT NOT NULL,
    kind           BIGINT NOT NULL,
    occurred_at    BIGINT NOT NULL,
    received_at    BIGINT NOT NULL,
    score          REAL,
    correct        BIGINT,
    response_ms    BIGINT,
    attempt_number BIGINT,
    hints          BIGINT,
    skill_hints    TEXT,
    content_hash   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, event_key)
);
CREATE INDEX events_by_learner ON events (tenant_id, learner, occurred_at, event_key);

CREATE TABLE quarantine (
    quarantine_id TEXT PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants,
    learner       BLOB,
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    payload       TEXT NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE INDEX quarantine_by_tenant ON quarantine (tenant_id, received_at);
CREATE INDEX quarantine_by_learner ON quarantine (tenant_id, learner);

-- Integer counts over usable answers of learners who are personalised: erasure and opt-out subtract exactly.
CREATE TABLE item_counts (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    item_id   TEXT NOT NULL,
    attempts  BIGINT NOT NULL,
    correct   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, item_id)
);

CREATE TABLE items (
    tenant_id        TEXT NOT NULL REFERENCES tenants,
    item_id          TEXT NOT NULL,
    title_fr         TEXT,
    title_en         TEXT,
    kind             TEXT NOT NULL,
    course_id        TEXT,
    module_id        TEXT,
    position         BIGINT NOT NULL,
    duration_minutes REAL,
    language         TEXT,
    tags             TEXT NOT NULL,
    state            TEXT NOT NULL,
    PRIMARY KEY (tenant_id, item_id)
);
CREATE TABLE skills (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    skill_id  TEXT NOT NULL,
    title_fr  TEXT,
    title_en  TEXT,
    PRIMARY KEY (tenant_id, skill_id)
);
CREATE TABLE item_skills (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    item_id   TEXT NOT NULL,
    skill_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, item_id, skill_id)
);
CREATE TABLE prerequisites (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    skill_id  TEXT NOT NULL,
    requires  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, skill_id, requires)
);
CREATE TABLE courses (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    course_id TEXT NOT NULL,
    title_fr  TEXT,
    title_en  TEXT,
    position  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, course_id)
);
CREATE TABLE modules (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    module_id TEXT NOT NULL,
    course_id TEXT,
    title_fr  TEXT,
    title_en  TEXT,
    position  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, module_id)
);

-- Bumped by every erasure, opt-out, opt-in and rectification in the shard: the fence a promotion compares.
CREATE TABLE shard_epochs (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    shard     BIGINT NOT NULL,
    epoch     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, shard)
);

CREATE TABLE model_versions (
    tenant_id   TEXT NOT NULL REFERENCES tenants,
    version     TEXT NOT NULL,
    state       TEXT NOT NULL,
    shards      BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    promoted_at BIGINT,
    config      TEXT NOT NULL,
    metrics     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
-- One version is served.
CREATE UNIQUE INDEX model_versions_serving ON model_versions (tenant_id) WHERE state = 'serving';
CREATE TABLE model_members (
    tenant_id     TEXT NOT NULL,
    version       TEXT NOT NULL,
    shard         BIGINT NOT NULL,
    state         TEXT NOT NULL,
    weights       BLOB,
    training_root BLOB NOT NULL,
    epoch         BIGINT NOT NULL,
    learners      BIGINT NOT NULL,
    answers       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version, shard),
    FOREIGN KEY (tenant_id, version) REFERENCES model_versions ON DELETE CASCADE
);

CREATE TABLE recommendations (
    recommendation_id TEXT PRIMARY KEY,
    tenant_id         TEXT NOT NULL REFERENCES tenants,
    learner           BLOB NOT NULL,
    made_at           BIGINT NOT NULL,
    model_version     TEXT,
    personalised      BIGINT NOT NULL,
    fallback_reason   TEXT,
    items             TEXT NOT NULL
);
CREATE INDEX recommendations_by_learner ON recommendations (tenant_id, learner, made_at);
CREATE TABLE feedback (
    feedback_id       TEXT PRIMARY KEY,
    tenant_id         TEXT NOT NULL REFERENCES tenants,
    recommendation_id TEXT NOT NULL,
    learner           BLOB NOT NULL,
    item_id           TEXT NOT NULL,
    kind              TEXT NOT NULL,
    given_at          BIGINT NOT NULL
);
CREATE INDEX feedback_by_learner ON feedback (tenant_id, learner);

CREATE TABLE jobs (
    job_id           TEXT PRIMARY KEY,
    tenant_id        TEXT NOT NULL REFERENCES tenants,
    payload          TEXT NOT NULL,
    state            TEXT NOT NULL,
    progress         REAL NOT NULL,
    message          TEXT NOT NULL,
    attempts         BIGINT NOT NULL,
    cancel_requested BIGINT NOT NULL DEFAULT 0,
    dedupe_key       TEXT,
    run_after        BIGINT NOT NULL,
    lease_until      BIGINT,
    lease_owner      TEXT,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    result           TEXT
);
CREATE INDEX jobs_to_run ON jobs (state, run_after);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, created_at);
-- A tenant runs one job at a time, and queues the same work once.
CREATE UNIQUE INDEX jobs_running ON jobs (tenant_id) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_pending_once ON jobs (tenant_id, dedupe_key) WHERE state = 'pending' AND dedupe_key IS NOT NULL;

CREATE TABLE erasure_requests (
    request_id    TEXT PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants,
    -- The pseudonym, until the request is completed; then NULL.
    subject       BLOB,
    shard         BIGINT NOT NULL,
    step          TEXT NOT NULL,
    received_at   BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    unreadable_at BIGINT,
    clean_at      BIGINT,
    completed_at  BIGINT,
    deleted       TEXT NOT NULL,
    error         TEXT,
    receipt       TEXT
);
CREATE INDEX erasure_requests_open ON erasure_requests (tenant_id, shard) WHERE step <> 'completed';
CREATE INDEX erasure_requests_by_tenant ON erasure_requests (tenant_id, received_at);
-- All that stays of an erased learner: a MAC of the pseudonym under a second key.
CREATE TABLE tombstones (
    tenant_id   TEXT NOT NULL REFERENCES tenants,
    mac         BLOB NOT NULL,
    erased_at   BIGINT NOT NULL,
    expires_at  BIGINT,
    reopened_at BIGINT,
    PRIMARY KEY (tenant_id, mac)
);

CREATE TABLE audit_log (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  TEXT NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    object     TEXT NOT NULL,
    entry_hash BLOB NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, sequence);
