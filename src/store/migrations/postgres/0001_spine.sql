-- Times are microseconds since 1970 (BIGINT). JSON is TEXT. Every table with learner data is declared in store/inventory.rs.

CREATE TABLE tenants (
    tenant_id        TEXT COLLATE "C" PRIMARY KEY,
    policy           TEXT COLLATE "C" NOT NULL,
    catalog_revision BIGINT NOT NULL DEFAULT 0,
    model_revision   BIGINT NOT NULL DEFAULT 0,
    created_at       BIGINT NOT NULL
);

CREATE TABLE api_keys (
    key_id      TEXT COLLATE "C" PRIMARY KEY,
    tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    name        TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    scopes      TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);

CREATE TABLE learners (
    tenant_id     TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    learner       BYTEA NOT NULL,
    bucket        BIGINT NOT NULL,
    consent       TEXT COLLATE "C" NOT NULL,
    revision      BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, learner)
) WITH (fillfactor = 70);
CREATE INDEX learners_by_bucket ON learners (tenant_id, bucket);

-- The consent ledger: who chose what, when, under which text.
CREATE TABLE consents (
    consent_id   TEXT COLLATE "C" PRIMARY KEY,
    tenant_id    TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    learner      BYTEA NOT NULL,
    purpose      TEXT COLLATE "C" NOT NULL,
    choice       TEXT COLLATE "C" NOT NULL,
    text_version TEXT COLLATE "C" NOT NULL,
    source       TEXT COLLATE "C" NOT NULL,
    chosen_at    BIGINT NOT NULL
);
CREATE INDEX consents_by_learner ON consents (tenant_id, learner, chosen_at);

-- Closed and open opt-outs. Events dated inside one are never used.
CREATE TABLE opt_outs (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    learner   BYTEA NOT NULL,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT,
    PRIMARY KEY (tenant_id, learner, from_at)
);

CREATE TABLE events (
    tenant_id      TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    event_key      BYTEA NOT NULL,
    learner        BYTEA NOT NULL,
    bucket         BIGINT NOT NULL,
    item_id        TEXT COLLATE "C" NOT NULL,
    kind           BIGINT NOT NULL,
    occurred_at    BIGINT NOT NULL,
    received_at    BIGINT NOT NULL,
    score          DOUBLE PRECISION,
    correct        BIGINT,
    response_ms    BIGINT,
    attempt_number BIGINT,
    hints          BIGINT,
    skill_hints    TEXT COLLATE "C",
    content_hash   BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, event_key)
);
CREATE INDEX events_by_learner ON events (tenant_id, learner, occurred_at, event_key);

CREATE TABLE quarantine (
    quarantine_id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id     TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    learner       BYTEA,
    reason        TEXT COLLATE "C" NOT NULL,
    detail        TEXT COLLATE "C" NOT NULL,
    payload       TEXT COLLATE "C" NOT NULL,
    received_at   BIGINT NOT NULL
);
CREATE INDEX quarantine_by_tenant ON quarantine (tenant_id, received_at);
CREATE INDEX quarantine_by_learner ON quarantine (tenant_id, learner);

-- Integer counts over usable answers of learners who are personalised: erasure and opt-out subtract exactly.
CREATE TABLE item_counts (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    item_id   TEXT COLLATE "C" NOT NULL,
    attempts  BIGINT NOT NULL,
    correct   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, item_id)
) WITH (fillfactor = 70);

CREATE TABLE items (
    tenant_id        TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    item_id          TEXT COLLATE "C" NOT NULL,
    title_fr         TEXT COLLATE "C",
    title_en         TEXT COLLATE "C",
    kind             TEXT COLLATE "C" NOT NULL,
    course_id        TEXT COLLATE "C",
    module_id        TEXT COLLATE "C",
    position         BIGINT NOT NULL,
    duration_minutes DOUBLE PRECISION,
    language         TEXT COLLATE "C",
    tags             TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, item_id)
);
CREATE TABLE skills (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    skill_id  TEXT COLLATE "C" NOT NULL,
    title_fr  TEXT COLLATE "C",
    title_en  TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, skill_id)
);
CREATE TABLE item_skills (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    item_id   TEXT COLLATE "C" NOT NULL,
    skill_id  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, item_id, skill_id)
);
CREATE TABLE prerequisites (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    skill_id  TEXT COLLATE "C" NOT NULL,
    requires  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, skill_id, requires)
);
CREATE TABLE courses (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    course_id TEXT COLLATE "C" NOT NULL,
    title_fr  TEXT COLLATE "C",
    title_en  TEXT COLLATE "C",
    position  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, course_id)
);
CREATE TABLE modules (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    module_id TEXT COLLATE "C" NOT NULL,
    course_id TEXT COLLATE "C",
    title_fr  TEXT COLLATE "C",
    title_en  TEXT COLLATE "C",
    position  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, module_id)
);

-- Bumped by every erasure, opt-out, opt-in and rectification in the shard: the fence a promotion compares.
CREATE TABLE shard_epochs (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    shard     BIGINT NOT NULL,
    epoch     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, shard)
);

CREATE TABLE model_versions (
    tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    version     TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    shards      BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    promoted_at BIGINT,
    config      TEXT COLLATE "C" NOT NULL,
    metrics     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
-- One version is served.
CREATE UNIQUE INDEX model_versions_serving ON model_versions (tenant_id) WHERE state = 'serving';
CREATE TABLE model_members (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    version       TEXT COLLATE "C" NOT NULL,
    shard         BIGINT NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    weights       BYTEA,
    training_root BYTEA NOT NULL,
    epoch         BIGINT NOT NULL,
    learners      BIGINT NOT NULL,
    answers       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version, shard),
    FOREIGN KEY (tenant_id, version) REFERENCES model_versions ON DELETE CASCADE
);

CREATE TABLE recommendations (
    recommendation_id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id         TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    learner           BYTEA NOT NULL,
    made_at           BIGINT NOT NULL,
    model_version     TEXT COLLATE "C",
    personalised      BIGINT NOT NULL,
    fallback_reason   TEXT COLLATE "C",
    items             TEXT COLLATE "C" NOT NULL
);
CREATE INDEX recommendations_by_learner ON recommendations (tenant_id, learner, made_at);
CREATE TABLE feedback (
    feedback_id       TEXT COLLATE "C" PRIMARY KEY,
    tenant_id         TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    recommendation_id TEXT COLLATE "C" NOT NULL,
    learner           BYTEA NOT NULL,
    item_id           TEXT COLLATE "C" NOT NULL,
    kind              TEXT COLLATE "C" NOT NULL,
    given_at          BIGINT NOT NULL
);
CREATE INDEX feedback_by_learner ON feedback (tenant_id, learner);

CREATE TABLE jobs (
    job_id           TEXT COLLATE "C" PRIMARY KEY,
    tenant_id        TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    payload          TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    progress         DOUBLE PRECISION NOT NULL,
    message          TEXT COLLATE "C" NOT NULL,
    attempts         BIGINT NOT NULL,
    cancel_requested BIGINT NOT NULL DEFAULT 0,
    dedupe_key       TEXT COLLATE "C",
    run_after        BIGINT NOT NULL,
    lease_until      BIGINT,
    lease_owner      TEXT COLLATE "C",
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    result           TEXT COLLATE "C"
) WITH (fillfactor = 70);
CREATE INDEX jobs_to_run ON jobs (state, run_after);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, created_at);
-- A tenant runs one job at a time, and queues the same work once.
CREATE UNIQUE INDEX jobs_running ON jobs (tenant_id) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_pending_once ON jobs (tenant_id, dedupe_key) WHERE state = 'pending' AND dedupe_key IS NOT NULL;

CREATE TABLE erasure_requests (
    request_id    TEXT COLLATE "C" PRIMARY KEY,
    tenant_id     TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    -- The pseudonym, until the request is completed; then NULL.
    subject       BYTEA,
    shard         BIGINT NOT NULL,
    step          TEXT COLLATE "C" NOT NULL,
    received_at   BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    unreadable_at BIGINT,
    clean_at      BIGINT,
    completed_at  BIGINT,
    deleted       TEXT COLLATE "C" NOT NULL,
    error         TEXT COLLATE "C",
    receipt       TEXT COLLATE "C"
);
CREATE INDEX erasure_requests_open ON erasure_requests (tenant_id, shard) WHERE step <> 'completed';
CREATE INDEX erasure_requests_by_tenant ON erasure_requests (tenant_id, received_at);
-- All that stays of an erased learner: a MAC of the pseudonym under a second key.
CREATE TABLE tombstones (
    tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenants,
    mac         BYTEA NOT NULL,
    erased_at   BIGINT NOT NULL,
    expires_at  BIGINT,
    reopened_at BIGINT,
    PRIMARY KEY (tenant_id, mac)
);

CREATE TABLE audit_log (
    sequence   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    object     TEXT COLLATE "C" NOT NULL,
    entry_hash BYTEA NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, sequence);
