-- Calls that wait for people: what happened to each, what the people did, and how good the line was.

-- Everything that happened to a call between its start and its end that is not a turn: the queue's decisions, transfers.
-- `data` is a JSON object; the kinds that a call's row is made of are listed in `events.rs`.
CREATE TABLE call_events (
    call  TEXT NOT NULL REFERENCES calls (id),
    seq   BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind  TEXT NOT NULL,
    agent TEXT,
    queue TEXT,
    data  TEXT NOT NULL,
    PRIMARY KEY (call, seq)
);

-- What a person at the desk did, without gaps: each state ends where the next begins; NULL: it lasts.
CREATE TABLE agent_states (
    clinic   TEXT NOT NULL,
    agent    TEXT NOT NULL,
    from_ms  BIGINT NOT NULL,
    until_ms BIGINT,
    state    TEXT NOT NULL,
    reason   TEXT,
    call     TEXT,
    PRIMARY KEY (clinic, agent, from_ms)
);
CREATE INDEX agent_states_time ON agent_states (clinic, from_ms, until_ms, state);
CREATE INDEX agent_states_open ON agent_states (clinic, agent) WHERE until_ms IS NULL;

-- The queue that the caller waited in (the last one, if there were several).
ALTER TABLE calls ADD COLUMN queue TEXT;

-- The caller's line as it was measured: packets from the caller, jitter and round trip in milliseconds, the share of our
-- packets that were lost on the way there (0 to 1), and the mean opinion score as estimated (1 to 4.5).
ALTER TABLE calls ADD COLUMN packets BIGINT;
ALTER TABLE calls ADD COLUMN packets_lost BIGINT;
ALTER TABLE calls ADD COLUMN jitter_ms DOUBLE PRECISION;
ALTER TABLE calls ADD COLUMN round_trip_ms DOUBLE PRECISION;
ALTER TABLE calls ADD COLUMN lost_there DOUBLE PRECISION;
ALTER TABLE calls ADD COLUMN mos DOUBLE PRECISION;

-- Handling times are people's, so who answered joins the columns that every aggregate of a period is made of.
DROP INDEX calls_report;
CREATE INDEX calls_report ON calls (clinic, started_ms, direction, category, answered_ms, ended_ms, queue_wait_ms,
    talk_ms, hold_ms, acw_ms, first_time, local_day, local_hour, outcome, review, agent);
