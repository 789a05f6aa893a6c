-- name: hold
SELECT scope, subject, open_until, failures, reason, probing FROM breakers
WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))
ORDER BY scope DESC, subject
FOR NO KEY UPDATE

-- name: save
INSERT INTO breakers (scope, subject, open_until, failures, reason, probing, updated_at)
SELECT scope, subject, open_until, failures, reason, probing, clock_timestamp() FROM unnest(
    %(scopes)s::text[], %(subjects)s::text[], %(untils)s::timestamptz[], %(failures)s::integer[], %(reasons)s::text[],
    %(probing)s::boolean[]
) AS breaker (scope, subject, open_until, failures, reason, probing)
ORDER BY scope COLLATE "C" DESC, subject COLLATE "C"
ON CONFLICT (scope, subject) DO UPDATE SET
    open_until = excluded.open_until,
    failures = excluded.failures,
    reason = excluded.reason,
    probing = excluded.probing,
    updated_at = excluded.updated_at

-- name: remove
DELETE FROM breakers WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))

-- name: sweep
WITH old AS MATERIALIZED (
    SELECT scope, subject FROM breakers WHERE open_until < %(before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM breakers USING old WHERE breakers.scope = old.scope AND breakers.subject = old.subject

-- name: list
SELECT scope, subject, open_until, failures, reason, probing FROM breakers
WHERE open_until > coalesce(%(at)s::timestamptz, clock_timestamp())
ORDER BY scope DESC, failures DESC, subject
LIMIT %(limit)s::integer
