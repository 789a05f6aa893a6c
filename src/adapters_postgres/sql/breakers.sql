-- name: hold
SELECT scope, subject, open_until, failures, reason, probing FROM breakers
WHERE (scope, subject) IN (SELECT * FROM unnest(%(scopes)s::text[], %(subjects)s::text[]))
ORDER BY scope DESC, subject
FOR NO KEY UPDATE

-- name: add
/* Only those who are adding the same at this moment are waited for, and they add in the same order. */
INSERT INTO breakers (scope, subject, open_until, failures, reason, probing, updated_at)
SELECT scope, subject, open_until, failures, reason, probing, clock_timestamp() FROM unnest(
    %(scopes)s::text[], %(subjects)s::text[], %(untils)s::timestamptz[], %(failures)s::integer[], %(reasons)s::text[],
    %(probing)s::boolean[]
) AS breaker (scope, subject, open_until, failures, reason, probing)
ORDER BY scope COLLATE "C" DESC, subject COLLATE "C"
ON CONFLICT DO NOTHING

-- name: save
UPDATE breakers SET
    open_until = breaker.open_until,
    failures = breaker.failures,
    reason = breaker.reason,
    probing = breaker.probing,
    updated_at = clock_timestamp()
FROM unnest(
    %(scopes)s::text[], %(subjects)s::text[], %(untils)s::timestamptz[], %(failures)s::integer[], %(reasons)s::text[],
    %(probing)s::boolean[]
) AS breaker (scope, subject, open_until, failures, reason, probing)
WHERE breakers.scope = breaker.scope AND breakers.subject = breaker.subject

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
