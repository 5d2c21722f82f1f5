-- Visits: who was reminded, why one was lost, what it holds besides its doctor, and what another system was asked to do.

-- The kind of animal, a word of the clinic's list ('' = not known or human medicine); the branch ('' = there is one).
ALTER TABLE bookings ADD COLUMN species TEXT NOT NULL DEFAULT '';
ALTER TABLE bookings ADD COLUMN branch TEXT NOT NULL DEFAULT '';
-- The doctor and the resources are free again then: the end and the buffer after it.
ALTER TABLE bookings ADD COLUMN held_until_ms BIGINT NOT NULL DEFAULT 0;
UPDATE bookings SET held_until_ms = end_ms;
-- Whether nobody came from this number (with this animal) before, as it was when the visit was booked. NULL: not known.
ALTER TABLE bookings ADD COLUMN first_visit BIGINT;
ALTER TABLE bookings ADD COLUMN first_for_animal BIGINT;
-- Why it was lost: a word of the clinic's list.
ALTER TABLE bookings ADD COLUMN reason_code TEXT;
-- The visit's id in the system that owns the schedule.
ALTER TABLE bookings ADD COLUMN external_id TEXT;
ALTER TABLE booking_history ADD COLUMN reason_code TEXT;

DROP INDEX bookings_live;
CREATE UNIQUE INDEX bookings_live ON bookings (clinic, doctor, start_ms)
    WHERE status IN ('booked', 'reminded', 'confirmed', 'arrived', 'done');
DROP INDEX bookings_busy;
CREATE INDEX bookings_busy ON bookings (clinic, start_ms, held_until_ms, doctor, status);
CREATE INDEX bookings_external ON bookings (clinic, external_id) WHERE external_id IS NOT NULL;

-- What a visit needs besides the doctor, for as long as it holds the doctor. How many of each there are is the clinic
-- file's to say.
CREATE TABLE booking_resources (
    booking  TEXT NOT NULL REFERENCES bookings (id),
    resource TEXT NOT NULL,
    PRIMARY KEY (booking, resource)
);
CREATE INDEX booking_resources_of ON booking_resources (resource, booking);

-- Times at which a doctor is away, as another calendar tells them. `source` names the calendar; each import replaces what
-- the one before it told.
CREATE TABLE absences (
    clinic   TEXT NOT NULL,
    doctor   TEXT NOT NULL,
    source   TEXT NOT NULL,
    uid      TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms   BIGINT NOT NULL,
    PRIMARY KEY (clinic, doctor, source, uid, start_ms)
);
CREATE INDEX absences_time ON absences (clinic, end_ms, start_ms, doctor);

-- What the system that owns the schedule was asked, from before the question until its answer is ours too. `data` holds
-- what the visit would be, and is emptied once the order is settled.
CREATE TABLE owner_orders (
    idempotency_key TEXT PRIMARY KEY,
    clinic          TEXT NOT NULL,
    what            TEXT NOT NULL,
    booking         TEXT NOT NULL,
    state           TEXT NOT NULL,
    hold            TEXT,
    data            TEXT NOT NULL,
    created_ms      BIGINT NOT NULL,
    updated_ms      BIGINT NOT NULL
);
CREATE INDEX owner_orders_booking ON owner_orders (booking);
