-- What people at the clinic said of calls: the category they gave, or that they looked and could not tell.

-- Rows are only ever added. The latest one of a call that has a category is its truth: no classifier overwrites it, and
-- the next training learns from it. What stood before is kept beside it, so that the classifier can be measured on what
-- people saw.
CREATE TABLE reviews (
    call           TEXT NOT NULL REFERENCES calls (id),
    seq            BIGINT NOT NULL,
    -- NULL: put off.
    category       TEXT,
    was            TEXT,
    was_by         TEXT,
    was_confidence DOUBLE PRECISION,
    was_model      TEXT,
    made_by        TEXT NOT NULL,
    at_ms          BIGINT NOT NULL,
    PRIMARY KEY (call, seq)
);
CREATE INDEX reviews_time ON reviews (at_ms);

-- The calls that wait for a person.
CREATE INDEX calls_review ON calls (clinic, started_ms) WHERE review = 1;
