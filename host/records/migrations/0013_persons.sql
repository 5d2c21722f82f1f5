-- A person's page finds all of theirs by their number.

CREATE INDEX chat_threads_phone ON chat_threads (clinic, phone) WHERE phone <> '';
CREATE INDEX chat_threads_started ON chat_threads (clinic, started_ms, id);
