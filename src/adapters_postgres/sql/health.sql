-- name: beat
INSERT INTO workers (worker, started_at, seen_at) VALUES (%(worker)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at

-- name: last
SELECT clock_timestamp() - max(seen_at) FROM workers
