-- name: add
INSERT INTO suppressions (email_digest_key, email_digest, reason, created_at)
SELECT DISTINCT ON (key_id, digest, reason) *
FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[], %(reasons)s::text[], %(created_ats)s::timestamptz[])
    AS suppression (key_id, digest, reason, created_at)
ORDER BY key_id, digest, reason, created_at
ON CONFLICT (email_digest_key, email_digest, reason) DO NOTHING

-- name: reasons
SELECT asked.position, suppressions.reason
FROM unnest(%(positions)s::integer[], %(key_ids)s::text[], %(digests)s::bytea[]) AS asked (position, key_id, digest)
JOIN suppressions ON suppressions.email_digest_key = asked.key_id AND suppressions.email_digest = asked.digest

-- name: lift
DELETE FROM suppressions
WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
    AND reason = ANY(%(reasons)s::text[])
