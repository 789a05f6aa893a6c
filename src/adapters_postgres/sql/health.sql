-- name: beat
/* A worker is known by its machine and process: who has been silent for a day does not come back under that name. */
WITH gone AS (DELETE FROM workers WHERE seen_at < clock_timestamp() - interval '1 day')
INSERT INTO workers (worker, started_at, seen_at) VALUES (%(worker)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at

-- name: last
SELECT clock_timestamp() - max(seen_at) FROM workers
