-- Versions of flows that were tried on recorded calls: what came of it, and the calls that would have gone otherwise.

CREATE TABLE flow_trials (
    id         TEXT PRIMARY KEY,
    clinic     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    -- Calls that started in this time.
    from_ms    BIGINT NOT NULL,
    to_ms      BIGINT NOT NULL,
    made_by    TEXT NOT NULL,
    made_ms    BIGINT NOT NULL,
    -- NULL: it goes on.
    ended_ms   BIGINT,
    -- Calls by how far they went from what was recorded, as JSON.
    counts     TEXT NOT NULL,
    -- Calls that did not replay twice alike, and those whose journal cannot be read.
    unsteady   BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    -- Why it came to nothing.
    problem    TEXT
);
CREATE INDEX flow_trials_version ON flow_trials (clinic, digest, made_ms);

-- The gravest of them, sealed like the journals they were made of: in a line, and side by side, in both languages.
CREATE TABLE flow_trial_calls (
    call     TEXT NOT NULL,
    trial    TEXT NOT NULL,
    -- From 0, the gravest first.
    place    BIGINT NOT NULL,
    verdict  TEXT NOT NULL,
    steady   BIGINT NOT NULL,
    line     TEXT NOT NULL,
    compared TEXT NOT NULL,
    seal     TEXT,
    PRIMARY KEY (trial, call)
);
CREATE INDEX flow_trial_calls_call ON flow_trial_calls (call);
