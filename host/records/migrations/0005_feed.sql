-- Everything that changed in a clinic's business, in the order in which it was committed.

-- Written in the transaction of the change itself, so that there is no change without its event and no event without its
-- change. `data` is a JSON object of ids, times and words of lists: never a name, a number or anything that was said. Whoever
-- needs those looks the subject up, and finds nothing once the person was erased.
CREATE TABLE feed (
    -- Counts up without gaps, under the write lock.
    position BIGINT PRIMARY KEY,
    id       TEXT NOT NULL,
    clinic   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    data     TEXT NOT NULL,
    at_ms    BIGINT NOT NULL
);
CREATE INDEX feed_clinic ON feed (clinic, position);
CREATE INDEX feed_subject ON feed (subject, position);

-- How far each reader has got.
CREATE TABLE feed_readers (
    name     TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    at_ms    BIGINT NOT NULL
);
