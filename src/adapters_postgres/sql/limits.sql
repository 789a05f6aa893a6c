-- name: hold
/* Cells that are missing are made, full at this moment; those that are there are locked by writing what they hold. */
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS now)
INSERT INTO limits AS cell (scope, subject, tat)
SELECT scope, subject, clock.now FROM clock, unnest(%(scopes)s::text[], %(subjects)s::text[]) AS asked (scope, subject)
ORDER BY scope COLLATE "C", subject COLLATE "C"
ON CONFLICT (scope, subject) DO UPDATE SET tat = cell.tat
RETURNING scope, subject, tat, (SELECT now FROM clock)

-- name: peek
SELECT scope, subject, tat
FROM unnest(%(scopes)s::text[], %(subjects)s::text[]) AS asked (scope, subject) JOIN limits USING (scope, subject)

-- name: write
UPDATE limits SET tat = cell.tat
FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(tats)s::timestamptz[]) AS cell (scope, subject, tat)
WHERE limits.scope = cell.scope AND limits.subject = cell.subject

-- name: sweep
/* Chosen once: a subquery may be run again for each row that it is compared with, and choose others. */
WITH idle AS MATERIALIZED (
    SELECT scope, subject FROM limits WHERE tat < %(idle_before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM limits USING idle WHERE limits.scope = idle.scope AND limits.subject = idle.subject

-- name: count_refusals
INSERT INTO limit_refusals AS known (scope, subject_digest, minute, count)
SELECT scope, digest, %(minute)s, count
FROM unnest(%(scopes)s::text[], %(digests)s::bytea[], %(counts)s::bigint[]) AS told (scope, digest, count)
ORDER BY scope COLLATE "C", digest
ON CONFLICT (scope, subject_digest, minute) DO UPDATE SET count = known.count + excluded.count

-- name: take_refusals
WITH taken AS (
    DELETE FROM limit_refusals
    WHERE minute = (SELECT min(minute) FROM limit_refusals WHERE minute < %(before)s)
    RETURNING *
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY scope ORDER BY count DESC, subject_digest) AS place FROM taken
), told AS (
    SELECT scope, CASE WHEN place <= %(most)s THEN subject_digest END AS digest, minute, count FROM ranked
)
SELECT scope, digest, minute, sum(count), count(*) FROM told GROUP BY scope, digest, minute
ORDER BY scope, digest IS NULL, sum(count) DESC, digest
