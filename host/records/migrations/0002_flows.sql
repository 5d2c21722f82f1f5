-- Flow versions, routes, their history, and what each call ran; journals may be sealed.

-- A version is its digest; the file lies beside the database. Removed ones keep their row, so that old calls can name theirs.
CREATE TABLE flow_versions (
    digest       TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    added_ms     BIGINT NOT NULL,
    made_by      TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    contract     TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    wasi         TEXT NOT NULL,
    compile_ms   DOUBLE PRECISION NOT NULL,
    memory_bytes BIGINT NOT NULL,
    start_us     DOUBLE PRECISION NOT NULL,
    language     TEXT,
    signature    TEXT,
    signer       TEXT,
    removed_ms   BIGINT
);
CREATE INDEX flow_versions_name ON flow_versions (name, added_ms);

-- Which version answers where. Every change counts `generation` up; nobody writes without naming the one they saw.
CREATE TABLE flow_routes (
    clinic     TEXT NOT NULL,
    entry      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    stable     TEXT NOT NULL REFERENCES flow_versions (digest),
    candidate  TEXT REFERENCES flow_versions (digest),
    percent    BIGINT,
    shadow     TEXT REFERENCES flow_versions (digest),
    previous   TEXT REFERENCES flow_versions (digest),
    -- Whether the stable version came by a deploy or a promotion, and so may be judged against `previous`.
    on_trial   BIGINT NOT NULL,
    since_ms   BIGINT NOT NULL,
    made_by    TEXT NOT NULL,
    PRIMARY KEY (clinic, entry)
);

-- The event log. `seq` counts up without gaps, under the write lock.
CREATE TABLE flow_changes (
    seq        BIGINT PRIMARY KEY,
    clinic     TEXT NOT NULL,
    entry      TEXT NOT NULL,
    generation BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    percent    BIGINT,
    -- The stable version after the change.
    stable     TEXT,
    cause      TEXT,
    made_by    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    at_ms      BIGINT NOT NULL
);
CREATE INDEX flow_changes_route ON flow_changes (clinic, entry, seq);

CREATE TABLE flow_schedule (
    id      TEXT PRIMARY KEY,
    clinic  TEXT NOT NULL,
    entry   TEXT NOT NULL,
    digest  TEXT NOT NULL REFERENCES flow_versions (digest),
    how     TEXT NOT NULL,
    percent BIGINT,
    at_ms   BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    done_ms BIGINT,
    result  TEXT
);
CREATE INDEX flow_schedule_due ON flow_schedule (at_ms) WHERE done_ms IS NULL;

-- What held a call. Together with the journal it is everything a replay needs. No foreign key: a run counts for the
-- roll-back guard even where the call's own row could not be written.
CREATE TABLE flow_runs (
    call           TEXT PRIMARY KEY,
    clinic         TEXT NOT NULL,
    entry          TEXT NOT NULL,
    generation     BIGINT NOT NULL,
    digest         TEXT NOT NULL,
    role           TEXT NOT NULL,
    -- 64 bits as they are; negative numbers are large seeds.
    seed           BIGINT NOT NULL,
    started_ms     BIGINT NOT NULL,
    ended_ms       BIGINT,
    flow_end       TEXT,
    seal           TEXT,
    trapped        BIGINT NOT NULL DEFAULT 0,
    handed_over    BIGINT NOT NULL DEFAULT 0,
    cpu_ms         DOUBLE PRECISION,
    memory_bytes   BIGINT,
    host_calls     BIGINT,
    shadow_digest  TEXT,
    shadow_verdict TEXT
);
CREATE INDEX flow_runs_generation ON flow_runs (clinic, entry, generation, role, ended_ms, trapped, handed_over);
CREATE INDEX flow_runs_digest ON flow_runs (clinic, entry, digest, ended_ms, trapped, handed_over);
CREATE INDEX flow_runs_started ON flow_runs (clinic, started_ms);

-- Which key sealed the row; NULL: it is plain text, as before this schema.
ALTER TABLE journal ADD COLUMN seal TEXT;
