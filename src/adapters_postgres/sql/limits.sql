-- name: take
-- The arithmetic of domain/limits.py. `burst` stands in the row because ON CONFLICT sees only columns of the new one;
-- the emission interval is what the new row's `tat` is ahead of now. A refused cell is locked, but neither written nor
-- returned.
WITH clock AS MATERIALIZED (
    SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS now
),
taken AS (
    INSERT INTO limits AS cell (scope, subject, tat, burst)
    SELECT scope, subject, clock.now + emission_interval, burst
    FROM clock, unnest(%(scopes)s::text[], %(subjects)s::text[], %(intervals)s::interval[], %(bursts)s::interval[])
        AS asked (scope, subject, emission_interval, burst)
    ORDER BY scope COLLATE "C", subject COLLATE "C"
    ON CONFLICT (scope, subject) DO UPDATE
    SET
        tat = greatest(cell.tat, (SELECT now FROM clock)) + (excluded.tat - (SELECT now FROM clock)),
        burst = excluded.burst
    WHERE greatest(cell.tat, (SELECT now FROM clock)) + (excluded.tat - (SELECT now FROM clock))
        <= (SELECT now FROM clock) + excluded.burst
    RETURNING scope, subject, tat
)
SELECT clock.now, taken.scope, taken.subject, taken.tat FROM clock LEFT JOIN taken ON true

-- name: look
SELECT scope, subject, tat
FROM limits
WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))

-- name: fill
INSERT INTO limits (scope, subject, tat, burst)
SELECT scope, subject, coalesce(%(at)s::timestamptz, clock_timestamp()), interval '0'
FROM unnest(%(scopes)s::text[], %(subjects)s::text[]) AS cell (scope, subject)
ORDER BY scope COLLATE "C", subject COLLATE "C"
ON CONFLICT DO NOTHING

-- name: hold
SELECT scope, subject, tat FROM limits
WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))
ORDER BY scope, subject
FOR NO KEY UPDATE

-- name: write
UPDATE limits SET tat = cell.tat
FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(tats)s::timestamptz[]) AS cell (scope, subject, tat)
WHERE limits.scope = cell.scope AND limits.subject = cell.subject

-- name: sweep
DELETE FROM limits WHERE (scope, subject) IN (
    SELECT scope, subject FROM limits WHERE tat < %(idle_before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
