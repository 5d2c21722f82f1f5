-- The end of 0012_pages.sql in Postgres' words.

CREATE FUNCTION rollup_call_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO rollup_dirty (clinic, local_day) VALUES (OLD.clinic, OLD.local_day) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO rollup_dirty (clinic, local_day) VALUES (NEW.clinic, NEW.local_day) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rollup_call_new AFTER INSERT OR DELETE ON calls FOR EACH ROW EXECUTE FUNCTION rollup_call_touched();
CREATE TRIGGER rollup_call_changed AFTER UPDATE OF clinic, direction, started_ms, answered_ms, ended_ms, outcome, agent,
    queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, local_day, local_hour, category, review ON calls
    FOR EACH ROW EXECUTE FUNCTION rollup_call_touched();

CREATE FUNCTION rollup_booking_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rollup_dirty (clinic, local_day)
        SELECT clinic, local_day FROM calls WHERE id = (SELECT call FROM bookings WHERE id = NEW.visit)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER rollup_booking_new AFTER INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION rollup_booking_touched();
CREATE TRIGGER rollup_booking_changed AFTER UPDATE OF status, call, visit ON bookings
    FOR EACH ROW EXECUTE FUNCTION rollup_booking_touched();

-- The words of every turn, in small letters. The words of a deleted turn go with the next vacuum.
CREATE INDEX turns_words ON turns USING gin (to_tsvector('simple', lower(text)));
