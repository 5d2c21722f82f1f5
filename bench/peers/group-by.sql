-- The peer of the report: one question of the many a report answers (calls and talk by category), asked of the same file
-- by the plain sqlite3 shell, with a scan of the table instead of the index that covers the report. Each is asked twice:
-- the second time the file is in the page cache.
.timer on
.print the last month, without an index
SELECT category, COUNT(*), SUM(talk_ms) FROM calls NOT INDEXED WHERE clinic = 'vet_lapa' AND direction = 'incoming'
    AND started_ms >= unixepoch('2026-08-31 21:00:00') * 1000 AND started_ms < unixepoch('2026-09-30 21:00:00') * 1000 GROUP BY category;
SELECT category, COUNT(*), SUM(talk_ms) FROM calls NOT INDEXED WHERE clinic = 'vet_lapa' AND direction = 'incoming'
    AND started_ms >= unixepoch('2026-08-31 21:00:00') * 1000 AND started_ms < unixepoch('2026-09-30 21:00:00') * 1000 GROUP BY category;
.print all three years, without an index
SELECT category, COUNT(*), SUM(talk_ms) FROM calls NOT INDEXED WHERE clinic = 'vet_lapa' AND direction = 'incoming' GROUP BY category;
SELECT category, COUNT(*), SUM(talk_ms) FROM calls NOT INDEXED WHERE clinic = 'vet_lapa' AND direction = 'incoming' GROUP BY category;
