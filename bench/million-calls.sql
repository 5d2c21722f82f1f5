-- A million made-up calls of three years (October 2023 to September 2026, Moscow), the same every time: one in ten lost,
-- the others one to four minutes long and tagged. Run by the example `million` of the reports in a new database.
PRAGMA synchronous = OFF;
BEGIN;
CREATE TEMP TABLE dice AS
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 1000000)
    SELECT i, 1696107600000 + i * 94694 AS at_ms, i * 2654435761 % 4294967296 AS roll FROM n;
INSERT INTO calls (id, clinic, timezone, source, direction, caller, started_ms, answered_ms, ended_ms, queue_wait_ms, talk_ms,
    hold_ms, acw_ms, first_time, external_id, local_day, local_hour, category, confidence, review)
SELECT printf('call-%07d', i), 'vet_lapa', 'Europe/Moscow', 'import', 'incoming', printf('+7903%07d', roll / 7 % 250000), at_ms,
    CASE WHEN roll % 10 > 0 THEN at_ms + roll / 16 % 40 * 1000 END,
    at_ms + roll / 16 % 40 * 1000 + CASE WHEN roll % 10 > 0 THEN 60000 + roll / 32 % 180000 ELSE 0 END,
    roll / 16 % 40 * 1000,
    CASE WHEN roll % 10 > 0 THEN 60000 + roll / 32 % 180000 END, 0,
    CASE WHEN roll % 10 > 0 THEN roll / 64 % 30000 END, roll / 128 % 3 = 0, printf('call-%07d', i),
    -- Moscow is three hours ahead of UTC all year; 1 January 1970 was a Thursday.
    (at_ms + 10800000) / 86400000, ((at_ms + 10800000) / 3600000 + 72) % 168,
    CASE WHEN roll % 10 = 0 THEN NULL WHEN roll / 256 % 1000 < 560 THEN 'target' WHEN roll / 256 % 1000 < 720 THEN 'test_results'
        WHEN roll / 256 % 1000 < 840 THEN 'doctor' WHEN roll / 256 % 1000 < 920 THEN 'reschedule'
        WHEN roll / 256 % 1000 < 980 THEN 'not_our_service' ELSE 'advertising' END,
    CASE WHEN roll % 10 > 0 THEN 0.9 END, roll / 512 % 20 = 0
FROM dice;
INSERT INTO tags (call, seq, category, confidence, evidence, taxonomy_version, model_version, review, made_by, at_ms)
SELECT id, 0, category, 0.9, 'null', '1', 'bench', review, 'classifier', ended_ms FROM calls WHERE category IS NOT NULL;
COMMIT;
