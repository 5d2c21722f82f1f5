-- Other systems: what was delivered to whom, and which of their records is which of ours.

-- An address that events are delivered to. Its settings stand in the server's file; this is what became of it.
CREATE TABLE endpoints (
    name             TEXT PRIMARY KEY,
    -- 'on', or 'off' with the reason beside it.
    state            TEXT NOT NULL,
    reason           TEXT,
    -- The first failure since the last success.
    failing_since_ms BIGINT,
    -- It asked to be left alone until then.
    paused_until_ms  BIGINT NOT NULL,
    updated_ms       BIGINT NOT NULL
);

-- An event for an endpoint. The payload is not kept: it is made of the feed and of the row that the event is about, anew
-- for every attempt, so that nothing about a person outlives that row here.
CREATE TABLE deliveries (
    endpoint       TEXT NOT NULL,
    -- Id of the event in the feed, and its place there: deliveries of one subject go out in this order.
    event          TEXT NOT NULL,
    position       BIGINT NOT NULL,
    subject        TEXT NOT NULL,
    kind           TEXT NOT NULL,
    state          TEXT NOT NULL,
    due_ms         BIGINT NOT NULL,
    lease_until_ms BIGINT,
    -- Of this round; a replay begins a new one.
    attempts       BIGINT NOT NULL,
    -- Counts every claim there ever was: who reports an older one has lost the delivery.
    claims         BIGINT NOT NULL,
    replays        BIGINT NOT NULL,
    created_ms     BIGINT NOT NULL,
    updated_ms     BIGINT NOT NULL,
    PRIMARY KEY (endpoint, event)
);
CREATE INDEX deliveries_open ON deliveries (endpoint, subject, position) WHERE state IN ('waiting', 'sending');
CREATE INDEX deliveries_position ON deliveries (endpoint, position);
CREATE INDEX deliveries_old ON deliveries (state, updated_ms);

-- Every attempt, with what was answered.
CREATE TABLE delivery_attempts (
    endpoint TEXT NOT NULL,
    event    TEXT NOT NULL,
    seq      BIGINT NOT NULL,
    at_ms    BIGINT NOT NULL,
    took_ms  BIGINT NOT NULL,
    -- HTTP status; NULL when there was no answer.
    status   BIGINT,
    problem  TEXT,
    PRIMARY KEY (endpoint, event, seq)
);

-- Which record of another system is which of ours, and how both were when they were last known to say the same.
CREATE TABLE links (
    connector  TEXT NOT NULL,
    -- 'deal', 'lead'.
    kind       TEXT NOT NULL,
    ours       TEXT NOT NULL,
    theirs     TEXT NOT NULL,
    -- JSON without personal data.
    seen       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (connector, kind, ours)
);
CREATE INDEX links_theirs ON links (connector, kind, theirs);
-- Two visits never share a deal. Several calls of one person may share a lead.
CREATE UNIQUE INDEX links_deal ON links (connector, theirs) WHERE kind = 'deal';

-- What may differ and is to be looked at.
CREATE TABLE link_work (
    connector  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    ours       TEXT NOT NULL,
    due_ms     BIGINT NOT NULL,
    -- Counts how often it was asked for: work that was asked for again meanwhile is not done.
    marks      BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (connector, kind, ours)
);
CREATE INDEX link_work_due ON link_work (connector, due_ms);

-- How far another system's own list of changes was read.
CREATE TABLE link_cursors (
    connector TEXT PRIMARY KEY,
    cursor    TEXT NOT NULL,
    at_ms     BIGINT NOT NULL
);
