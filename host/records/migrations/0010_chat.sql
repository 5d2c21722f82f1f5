-- Written conversations on any channel: who wrote what, who holds the thread, how long people waited for an answer.

CREATE TABLE chat_threads (
    id          TEXT PRIMARY KEY,
    clinic      TEXT NOT NULL,
    -- `site`, `telegram`, or the name of a messenger's webhook.
    channel     TEXT NOT NULL,
    -- The conversation as the messenger calls it; leads to a person.
    external_id TEXT,
    -- Empty when not known.
    phone       TEXT NOT NULL,
    person      TEXT NOT NULL,
    -- `robot`, `waiting`, `person`, `closed`.
    state       TEXT NOT NULL,
    -- Who holds it, in state `person`.
    operator    TEXT,
    -- Since when somebody is waited for, in state `waiting`.
    waiting_ms  BIGINT,
    -- 1: nobody was there, and a call-back was promised.
    promised    BIGINT NOT NULL,
    -- The last message's number; 0: none yet.
    last_seq    BIGINT NOT NULL,
    -- Counts changes: nobody writes on what they have not seen.
    generation  BIGINT NOT NULL,
    started_ms  BIGINT NOT NULL,
    -- The visitor's last message, and the last answer to them.
    visitor_ms  BIGINT,
    answered_ms BIGINT,
    last_ms     BIGINT NOT NULL
);
CREATE UNIQUE INDEX chat_threads_external ON chat_threads (clinic, channel, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX chat_threads_open ON chat_threads (clinic, state, waiting_ms, last_ms);
CREATE INDEX chat_threads_last ON chat_threads (clinic, last_ms);

CREATE TABLE chat_messages (
    thread      TEXT NOT NULL REFERENCES chat_threads (id),
    seq         BIGINT NOT NULL,
    -- `visitor`, `robot`, `operator`, `system`.
    who         TEXT NOT NULL,
    -- Which operator.
    operator    TEXT,
    text        TEXT NOT NULL,
    -- Answers on offer, a JSON list of texts.
    buttons     TEXT NOT NULL,
    -- The canned answer it was made of.
    canned      TEXT,
    at_ms       BIGINT NOT NULL,
    -- The message as the messenger calls it: the same one again is no new message.
    external_id TEXT,
    -- `in`, `queued`, `sent`, `failed`.
    delivery    TEXT NOT NULL,
    PRIMARY KEY (thread, seq)
);
CREATE UNIQUE INDEX chat_messages_external ON chat_messages (thread, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX chat_messages_queued ON chat_messages (thread, seq) WHERE delivery = 'queued';

-- Every time somebody waited for an answer. Without personal data, so that the figures outlive the words.
CREATE TABLE chat_waits (
    thread      TEXT NOT NULL REFERENCES chat_threads (id),
    seq         BIGINT NOT NULL,
    clinic      TEXT NOT NULL,
    -- `first`: from a visitor's first unanswered message to an answer by whoever; `person`: from the hand-over to a
    -- person's first answer.
    kind        TEXT NOT NULL,
    from_ms     BIGINT NOT NULL,
    answered_ms BIGINT,
    -- It ended without an answer: closed, given back.
    ended_ms    BIGINT,
    answered_by TEXT,
    PRIMARY KEY (thread, seq)
);
CREATE INDEX chat_waits_time ON chat_waits (clinic, kind, from_ms);
CREATE INDEX chat_waits_open ON chat_waits (thread, kind) WHERE answered_ms IS NULL AND ended_ms IS NULL;
