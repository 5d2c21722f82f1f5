-- What the clinic says to people of its own accord, and whom it still has to call.

-- The outbox. A message is written down before anything is sent; `sending` is written down before the gateway is asked.
CREATE TABLE messages (
    id             TEXT PRIMARY KEY,
    clinic         TEXT NOT NULL,
    channel        TEXT NOT NULL,
    recipient      TEXT NOT NULL,
    template       TEXT NOT NULL,
    title          TEXT NOT NULL,
    body           TEXT NOT NULL,
    language       TEXT NOT NULL,
    -- What it is about: a visit (with the booking and the start it tells of), or an entry of the list of calls.
    visit          TEXT,
    booking        TEXT,
    start_ms       BIGINT,
    contact        TEXT,
    step           TEXT NOT NULL,
    asks           BIGINT NOT NULL,
    -- One message for each: whatever plans it a second time finds it there.
    dedup          TEXT NOT NULL,
    state          TEXT NOT NULL,
    not_before_ms  BIGINT NOT NULL,
    not_after_ms   BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    -- The key under which the gateway was asked; it stays until the gateway has surely refused.
    attempt        TEXT,
    lease_until_ms BIGINT,
    gateway_id     TEXT,
    problem        TEXT,
    answer         TEXT,
    answered_ms    BIGINT,
    created_ms     BIGINT NOT NULL,
    sent_ms        BIGINT,
    updated_ms     BIGINT NOT NULL
);
CREATE UNIQUE INDEX messages_dedup ON messages (dedup);
CREATE INDEX messages_due ON messages (clinic, state, not_before_ms);
CREATE INDEX messages_visit ON messages (visit);
CREATE INDEX messages_recipient ON messages (clinic, recipient, asks, start_ms);
CREATE INDEX messages_gateway ON messages (channel, gateway_id);
CREATE INDEX messages_created ON messages (clinic, created_ms);

-- When the reminders of a visit have to be looked at again.
CREATE TABLE reminder_wakes (
    visit   TEXT PRIMARY KEY,
    clinic  TEXT NOT NULL,
    wake_ms BIGINT NOT NULL
);
CREATE INDEX reminder_wakes_due ON reminder_wakes (clinic, wake_ms);

-- Promised call-backs become the one list of everybody who is to be called. `due_ms` is when to call first; `deadline_ms`
-- when that is late (NULL: at `due_ms`); `next_ms` when to call next (NULL: at `due_ms`).
ALTER TABLE callbacks ADD COLUMN kind TEXT NOT NULL DEFAULT 'callback';
ALTER TABLE callbacks ADD COLUMN deadline_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN next_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN first_time BIGINT;
ALTER TABLE callbacks ADD COLUMN visit TEXT;
ALTER TABLE callbacks ADD COLUMN message TEXT;
ALTER TABLE callbacks ADD COLUMN dedup TEXT;
ALTER TABLE callbacks ADD COLUMN claimed_by TEXT;
ALTER TABLE callbacks ADD COLUMN claimed_until_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN first_attempt_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN reached_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN closed_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN late_ms BIGINT;
ALTER TABLE callbacks ADD COLUMN lost_reason TEXT;
ALTER TABLE callbacks ADD COLUMN merged_into TEXT;
CREATE UNIQUE INDEX callbacks_dedup ON callbacks (clinic, dedup) WHERE dedup IS NOT NULL;
CREATE INDEX callbacks_phone ON callbacks (clinic, phone, status);
CREATE INDEX callbacks_created ON callbacks (clinic, created_ms);
CREATE INDEX callbacks_claimed ON callbacks (claimed_until_ms) WHERE status = 'claimed';

CREATE TABLE contact_attempts (
    contact TEXT NOT NULL REFERENCES callbacks (id),
    seq     BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    result  TEXT NOT NULL,
    made_by TEXT NOT NULL,
    call    TEXT,
    PRIMARY KEY (contact, seq)
);
