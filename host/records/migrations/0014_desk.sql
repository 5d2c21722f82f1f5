-- What the desk is quick with, and what calendars read.

-- Sums of 32 days in a row (`span` = `local_day` / 32), always those of their days: a report of years adds up some dozens of them
-- and the single days before and after.
CREATE TABLE rollup_spans (
    clinic           TEXT NOT NULL,
    span             BIGINT NOT NULL,
    category         TEXT,
    calls            BIGINT NOT NULL,
    picked_up        BIGINT NOT NULL,
    line_ms          BIGINT NOT NULL,
    after_ms         BIGINT NOT NULL,
    review           BIGINT NOT NULL,
    offered          BIGINT NOT NULL,
    answered         BIGINT NOT NULL,
    answered_in_time BIGINT NOT NULL,
    lost_in_time     BIGINT NOT NULL,
    lost_short       BIGINT NOT NULL,
    promised         BIGINT NOT NULL,
    first_time       BIGINT NOT NULL,
    repeat_calls     BIGINT NOT NULL,
    answered_wait_ms BIGINT NOT NULL,
    lost_wait_ms     BIGINT NOT NULL,
    talk_ms          BIGINT NOT NULL,
    hold_ms          BIGINT NOT NULL,
    acw_ms           BIGINT NOT NULL,
    acw_measured     BIGINT NOT NULL,
    people_answered  BIGINT NOT NULL,
    people_talk_ms   BIGINT NOT NULL,
    people_hold_ms   BIGINT NOT NULL,
    people_acw_ms    BIGINT NOT NULL
);
CREATE INDEX rollup_spans_sums ON rollup_spans (clinic, span);

CREATE TABLE rollup_span_hours (
    clinic     TEXT NOT NULL,
    span       BIGINT NOT NULL,
    local_hour BIGINT NOT NULL,
    calls      BIGINT NOT NULL,
    picked_up  BIGINT NOT NULL,
    line_ms    BIGINT NOT NULL
);
CREATE INDEX rollup_span_hours_sums ON rollup_span_hours (clinic, span);

CREATE TABLE rollup_span_waits (
    clinic   TEXT NOT NULL,
    span     BIGINT NOT NULL,
    up_to_ms BIGINT,
    answered BIGINT NOT NULL,
    lost     BIGINT NOT NULL
);
CREATE INDEX rollup_span_waits_sums ON rollup_span_waits (clinic, span);

-- One row a day: what a chart of years draws.
CREATE TABLE rollup_dates (
    clinic    TEXT NOT NULL,
    local_day BIGINT NOT NULL,
    calls     BIGINT NOT NULL,
    picked_up BIGINT NOT NULL,
    line_ms   BIGINT NOT NULL,
    PRIMARY KEY (clinic, local_day)
);

INSERT INTO rollup_spans (clinic, span, category, calls, picked_up, line_ms, after_ms, review, offered, answered, answered_in_time, lost_in_time, lost_short,
    promised, first_time, repeat_calls, answered_wait_ms, lost_wait_ms, talk_ms, hold_ms, acw_ms, acw_measured,
    people_answered, people_talk_ms, people_hold_ms, people_acw_ms)
    SELECT clinic, local_day / 32, category, SUM(calls), SUM(picked_up), SUM(line_ms), SUM(after_ms), SUM(review), SUM(offered), SUM(answered),
        SUM(answered_in_time), SUM(lost_in_time), SUM(lost_short), SUM(promised), SUM(first_time), SUM(repeat_calls),
        SUM(answered_wait_ms), SUM(lost_wait_ms), SUM(talk_ms), SUM(hold_ms), SUM(acw_ms), SUM(acw_measured),
        SUM(people_answered), SUM(people_talk_ms), SUM(people_hold_ms), SUM(people_acw_ms)
    FROM rollup_days WHERE local_day >= 0 GROUP BY clinic, local_day / 32, category;
INSERT INTO rollup_span_hours (clinic, span, local_hour, calls, picked_up, line_ms)
    SELECT clinic, local_day / 32, local_hour, SUM(calls), SUM(picked_up), SUM(line_ms)
    FROM rollup_hours WHERE local_day >= 0 GROUP BY clinic, local_day / 32, local_hour;
INSERT INTO rollup_span_waits (clinic, span, up_to_ms, answered, lost)
    SELECT clinic, local_day / 32, up_to_ms, SUM(answered), SUM(lost)
    FROM rollup_waits WHERE local_day >= 0 GROUP BY clinic, local_day / 32, up_to_ms;
INSERT INTO rollup_dates (clinic, local_day, calls, picked_up, line_ms)
    SELECT clinic, local_day, SUM(calls), SUM(picked_up), SUM(line_ms) FROM rollup_days GROUP BY clinic, local_day;

-- A doctor's calendar may be read by whoever knows its address. Kept is only the hash of what makes the address secret.
CREATE TABLE calendar_links (
    clinic     TEXT NOT NULL,
    doctor     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (clinic, doctor)
);
CREATE UNIQUE INDEX calendar_links_digest ON calendar_links (digest);
