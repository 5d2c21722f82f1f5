-- The first schema. Rules for every migration:
--   * only what SQLite and Postgres both understand: TEXT, BIGINT, DOUBLE PRECISION; truth is BIGINT 0/1;
--   * times are UTC unix milliseconds (`_ms`), the clinic's IANA zone stands beside them in `timezone`;
--   * a file, once released, is never edited: write the next one.

CREATE TABLE calls (
    id            TEXT PRIMARY KEY,
    clinic        TEXT NOT NULL,
    timezone      TEXT NOT NULL,
    source        TEXT NOT NULL,
    direction     TEXT NOT NULL,
    line          TEXT,
    caller        TEXT,
    started_ms    BIGINT NOT NULL,
    answered_ms   BIGINT,
    ended_ms      BIGINT,
    outcome       TEXT,
    agent         TEXT,
    queue_wait_ms BIGINT,
    talk_ms       BIGINT,
    hold_ms       BIGINT,
    acw_ms        BIGINT,
    first_time    BIGINT,
    flow_digest   TEXT,
    end_reason    TEXT,
    external_id   TEXT,
    -- Derived from started_ms and timezone when the row is written, so that reports group by local time in SQL:
    -- days since 1970-01-01, and hours since Monday 00:00 (0..167), on the clinic's wall clock.
    local_day     BIGINT NOT NULL,
    local_hour    BIGINT NOT NULL,
    -- The tag that stands; the history is in `tags`. Written in the same transaction as the tag.
    category      TEXT,
    confidence    DOUBLE PRECISION,
    review        BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX calls_external ON calls (clinic, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX calls_caller ON calls (clinic, caller, started_ms);
CREATE INDEX calls_open ON calls (started_ms) WHERE ended_ms IS NULL;
-- Covers every aggregate of a period: one range scan, no look-up of the row.
CREATE INDEX calls_report ON calls (clinic, started_ms, direction, category, answered_ms, ended_ms, queue_wait_ms,
    talk_ms, hold_ms, acw_ms, first_time, local_day, local_hour, outcome, review);

CREATE TABLE turns (
    call       TEXT NOT NULL REFERENCES calls (id),
    seq        BIGINT NOT NULL,
    who        TEXT NOT NULL,
    text       TEXT NOT NULL,
    start_ms   BIGINT NOT NULL,
    end_ms     BIGINT NOT NULL,
    confidence DOUBLE PRECISION,
    latency_ms BIGINT,
    PRIMARY KEY (call, seq)
);

CREATE TABLE journal (
    call     TEXT NOT NULL REFERENCES calls (id),
    seq      BIGINT NOT NULL,
    request  TEXT NOT NULL,
    reply    TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    took_ms  BIGINT NOT NULL,
    PRIMARY KEY (call, seq)
);

CREATE TABLE tags (
    call             TEXT NOT NULL REFERENCES calls (id),
    seq              BIGINT NOT NULL,
    category         TEXT NOT NULL,
    confidence       DOUBLE PRECISION NOT NULL,
    evidence         TEXT NOT NULL,
    taxonomy_version TEXT NOT NULL,
    model_version    TEXT NOT NULL,
    review           BIGINT NOT NULL,
    made_by          TEXT NOT NULL,
    at_ms            BIGINT NOT NULL,
    PRIMARY KEY (call, seq)
);

CREATE TABLE bookings (
    id          TEXT PRIMARY KEY,
    -- The first booking of this visit: stays the same however often the visit is moved.
    visit       TEXT NOT NULL,
    clinic      TEXT NOT NULL,
    timezone    TEXT NOT NULL,
    doctor      TEXT NOT NULL,
    service     TEXT NOT NULL,
    start_ms    BIGINT NOT NULL,
    end_ms      BIGINT NOT NULL,
    status      TEXT NOT NULL,
    phone       TEXT NOT NULL,
    person      TEXT NOT NULL,
    animal      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    call        TEXT,
    created_ms  BIGINT NOT NULL,
    updated_ms  BIGINT NOT NULL
);
-- The last guard: even a program that skips the overlap check cannot give one start to two callers.
CREATE UNIQUE INDEX bookings_live ON bookings (clinic, doctor, start_ms)
    WHERE status IN ('booked', 'confirmed', 'arrived', 'done');
CREATE INDEX bookings_busy ON bookings (clinic, start_ms, end_ms, doctor, status);
CREATE INDEX bookings_phone ON bookings (clinic, phone, start_ms);
CREATE INDEX bookings_call ON bookings (call);
CREATE INDEX bookings_visit ON bookings (visit);

CREATE TABLE booking_history (
    booking TEXT NOT NULL REFERENCES bookings (id),
    seq     BIGINT NOT NULL,
    status  TEXT NOT NULL,
    at_ms   BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    reason  TEXT NOT NULL,
    call    TEXT,
    PRIMARY KEY (booking, seq)
);

CREATE TABLE callbacks (
    id         TEXT PRIMARY KEY,
    clinic     TEXT NOT NULL,
    timezone   TEXT NOT NULL,
    phone      TEXT NOT NULL,
    person     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    due_ms     BIGINT NOT NULL,
    status     TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    result     TEXT,
    call       TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE INDEX callbacks_due ON callbacks (clinic, status, due_ms);

CREATE TABLE notes (
    call  TEXT NOT NULL REFERENCES calls (id),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (call, name)
);

-- The bytes are files beside the database, named by their hash.
CREATE TABLE audio (
    sha256     TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    bytes      BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE TABLE call_audio (
    call   TEXT NOT NULL REFERENCES calls (id),
    kind   TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES audio (sha256),
    PRIMARY KEY (call, kind)
);

CREATE TABLE jobs (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL,
    payload        TEXT NOT NULL,
    -- Two jobs of a kind with the same key are one job.
    unique_key     TEXT,
    state          TEXT NOT NULL,
    run_at_ms      BIGINT NOT NULL,
    lease_until_ms BIGINT,
    attempts       BIGINT NOT NULL,
    max_attempts   BIGINT NOT NULL,
    last_error     TEXT,
    created_ms     BIGINT NOT NULL,
    updated_ms     BIGINT NOT NULL
);
CREATE UNIQUE INDEX jobs_key ON jobs (kind, unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX jobs_ready ON jobs (kind, state, run_at_ms);
