-- Whose data may be used for what, who looked at it, and how it is taken away again.

-- Who did or saw what. Rows are only ever added; each holds the SHA-256 of the row before it and of itself, so that a row
-- which was changed or taken out is found. No personal data: subjects are ids, `detail` is a JSON object of words of lists.
CREATE TABLE audit (
    -- Counts up without gaps, under the write lock.
    seq          BIGINT PRIMARY KEY,
    at_ms        BIGINT NOT NULL,
    -- Empty: it concerns the whole server.
    clinic       TEXT NOT NULL,
    who          TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    ip           TEXT,
    detail       TEXT NOT NULL,
    hash         TEXT NOT NULL
);
CREATE INDEX audit_clinic ON audit (clinic, seq);
CREATE INDEX audit_subject ON audit (subject, seq);

-- A person, as far as a clinic knows one: a phone number. The key stands in for the number wherever an id is wanted.
CREATE TABLE contacts (
    clinic     TEXT NOT NULL,
    phone      TEXT NOT NULL,
    id         TEXT NOT NULL,
    language   TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (clinic, phone)
);
CREATE UNIQUE INDEX contacts_id ON contacts (id);

-- What a person agreed to and what they took back. Rows are only ever added; the latest of a purpose stands.
CREATE TABLE consents (
    id      TEXT PRIMARY KEY,
    clinic  TEXT NOT NULL,
    phone   TEXT NOT NULL,
    purpose TEXT NOT NULL,
    given   BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    -- By what means, and what proves it: the id of the call, the form, the message.
    how     TEXT NOT NULL,
    proof   TEXT NOT NULL,
    -- Which wording was heard or read.
    wording TEXT NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX consents_contact ON consents (clinic, phone, purpose, at_ms);

-- Persons who were erased. Who it was cannot be read from it; a number can be tried against it by whoever has the key.
CREATE TABLE erasures (
    id        TEXT PRIMARY KEY,
    clinic    TEXT NOT NULL,
    -- HMAC-SHA-256 of the number, keyed from the clinic's key; `key_id` says which key.
    tombstone TEXT NOT NULL,
    key_id    TEXT NOT NULL,
    made_by   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    asked_ms  BIGINT NOT NULL,
    -- `rows`: gone from the tables; `done`: also from the audio folder and the free pages of the file.
    state     TEXT NOT NULL,
    done_ms   BIGINT,
    -- What was done, in numbers: a JSON object.
    report    TEXT NOT NULL
);
CREATE INDEX erasures_clinic ON erasures (clinic, tombstone);
CREATE INDEX erasures_open ON erasures (asked_ms) WHERE state <> 'done';

-- Whose rows an erasure is about to take. Filled and emptied within one transaction.
CREATE TABLE erasure_subjects (
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- Files that no row points at any more and that still lie on the disk.
CREATE TABLE audio_doomed (
    sha256   TEXT PRIMARY KEY,
    since_ms BIGINT NOT NULL
);

-- Copies of this database, and what was erased here after they were made.
CREATE TABLE backups (
    id         TEXT PRIMARY KEY,
    path       TEXT NOT NULL,
    made_ms    BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    audio      BIGINT NOT NULL,
    -- How far the audit trail reached, and its last hash: a trail that was cut shorter later is found by it.
    audit_seq  BIGINT NOT NULL,
    audit_hash TEXT NOT NULL,
    -- Thrown away; nothing need be erased from it any more.
    gone_ms    BIGINT
);
CREATE TABLE backup_erasures (
    backup  TEXT NOT NULL REFERENCES backups (id),
    erasure TEXT NOT NULL REFERENCES erasures (id),
    done_ms BIGINT,
    PRIMARY KEY (backup, erasure)
);
