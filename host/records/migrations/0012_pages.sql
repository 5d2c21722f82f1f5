-- What pages are quick with: sums by day, and the words that were said.

-- Days of a clinic whose sums are to be made anew before they are read. Marked by triggers, so that whoever changes a call
-- (its end, its tag, an import, an erasure) cannot forget it.
CREATE TABLE rollup_dirty (
    clinic    TEXT NOT NULL,
    local_day BIGINT NOT NULL,
    PRIMARY KEY (clinic, local_day)
);

-- One row per day and category: what `category_totals`, `day_totals` and `period_totals` add up. NULL: not tagged.
-- `calls` to `review` are of all incoming calls, the rest of those that are over; in time is 20 seconds, short is 5.
CREATE TABLE rollup_days (
    clinic           TEXT NOT NULL,
    local_day        BIGINT NOT NULL,
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
-- They cover the sums, so that the table itself is never looked at.
CREATE INDEX rollup_days_sums ON rollup_days (clinic, local_day, category, calls, picked_up, line_ms, after_ms, review, offered,
    answered, answered_in_time, lost_in_time, lost_short, promised, first_time, repeat_calls, answered_wait_ms, lost_wait_ms,
    talk_ms, hold_ms, acw_ms, acw_measured, people_answered, people_talk_ms, people_hold_ms, people_acw_ms);

CREATE TABLE rollup_hours (
    clinic     TEXT NOT NULL,
    local_day  BIGINT NOT NULL,
    local_hour BIGINT NOT NULL,
    calls      BIGINT NOT NULL,
    picked_up  BIGINT NOT NULL,
    line_ms    BIGINT NOT NULL
);
CREATE INDEX rollup_hours_sums ON rollup_hours (clinic, local_day, local_hour, calls, picked_up, line_ms);

-- Waits by bucket: `up_to_ms` is the bucket's upper end, NULL: longer than any.
CREATE TABLE rollup_waits (
    clinic    TEXT NOT NULL,
    local_day BIGINT NOT NULL,
    up_to_ms  BIGINT,
    answered  BIGINT NOT NULL,
    lost      BIGINT NOT NULL
);
CREATE INDEX rollup_waits_sums ON rollup_waits (clinic, local_day, up_to_ms, answered, lost);

-- Calls of the day in which a visit was booked that was not called off, and of them those whose visit took place.
CREATE TABLE rollup_visits (
    clinic    TEXT NOT NULL,
    local_day BIGINT NOT NULL,
    booked    BIGINT NOT NULL,
    arrived   BIGINT NOT NULL
);
CREATE INDEX rollup_visits_sums ON rollup_visits (clinic, local_day, booked, arrived);

INSERT INTO rollup_dirty (clinic, local_day) SELECT DISTINCT clinic, local_day FROM calls;

-- From here on SQLite's own words; Postgres has its own file for this.
CREATE TRIGGER rollup_call_new AFTER INSERT ON calls BEGIN
    INSERT INTO rollup_dirty (clinic, local_day) VALUES (NEW.clinic, NEW.local_day) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER rollup_call_changed AFTER UPDATE OF clinic, direction, started_ms, answered_ms, ended_ms, outcome, agent,
    queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, local_day, local_hour, category, review ON calls BEGIN
    INSERT INTO rollup_dirty (clinic, local_day) VALUES (OLD.clinic, OLD.local_day) ON CONFLICT DO NOTHING;
    INSERT INTO rollup_dirty (clinic, local_day) VALUES (NEW.clinic, NEW.local_day) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER rollup_call_gone AFTER DELETE ON calls BEGIN
    INSERT INTO rollup_dirty (clinic, local_day) VALUES (OLD.clinic, OLD.local_day) ON CONFLICT DO NOTHING;
END;
-- A visit counts for the call it was first booked in, whatever becomes of it later.
CREATE TRIGGER rollup_booking_new AFTER INSERT ON bookings BEGIN
    INSERT INTO rollup_dirty (clinic, local_day)
        SELECT clinic, local_day FROM calls WHERE id = (SELECT call FROM bookings WHERE id = NEW.visit)
        ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER rollup_booking_changed AFTER UPDATE OF status, call, visit ON bookings BEGIN
    INSERT INTO rollup_dirty (clinic, local_day)
        SELECT clinic, local_day FROM calls WHERE id = (SELECT call FROM bookings WHERE id = NEW.visit)
        ON CONFLICT DO NOTHING;
END;

-- The words of every turn; the text itself stays in `turns`. What is deleted there is overwritten here, too.
CREATE VIRTUAL TABLE turn_words USING fts5 (text, content = 'turns', content_rowid = 'rowid', tokenize = 'unicode61');
INSERT INTO turn_words (turn_words, rank) VALUES ('secure-delete', 1);
INSERT INTO turn_words (turn_words) VALUES ('rebuild');
CREATE TRIGGER turn_words_new AFTER INSERT ON turns BEGIN
    INSERT INTO turn_words (rowid, text) VALUES (NEW.rowid, NEW.text);
END;
CREATE TRIGGER turn_words_gone AFTER DELETE ON turns BEGIN
    INSERT INTO turn_words (turn_words, rowid, text) VALUES ('delete', OLD.rowid, OLD.text);
END;
CREATE TRIGGER turn_words_changed AFTER UPDATE OF text ON turns BEGIN
    INSERT INTO turn_words (turn_words, rowid, text) VALUES ('delete', OLD.rowid, OLD.text);
    INSERT INTO turn_words (rowid, text) VALUES (NEW.rowid, NEW.text);
END;
