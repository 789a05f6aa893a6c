-- name: add
INSERT INTO suppressions (email_digest_key, email_digest, reason, created_at, note)
SELECT DISTINCT ON (key_id, digest, reason) *
FROM unnest(
    %(key_ids)s::text[], %(digests)s::bytea[], %(reasons)s::text[], %(created_ats)s::timestamptz[], %(notes)s::text[]
) AS suppression (key_id, digest, reason, created_at, note)
ORDER BY key_id, digest, reason, created_at
ON CONFLICT (email_digest_key, email_digest, reason) DO NOTHING

-- name: reasons
SELECT asked.position, suppressions.reason
FROM unnest(%(positions)s::integer[], %(key_ids)s::text[], %(digests)s::bytea[]) AS asked (position, key_id, digest)
JOIN suppressions ON suppressions.email_digest_key = asked.key_id AND suppressions.email_digest = asked.digest

-- name: adopt_alone
/* In the middle of a rotation two processes may take the same rows in opposite directions. The number is any that no
   other lock has. */
SELECT pg_advisory_xact_lock(5_060_001)

-- name: adopt
WITH old AS (
    SELECT * FROM unnest(
        %(key_ids)s::text[], %(digests)s::bytea[], %(new_key_ids)s::text[], %(new_digests)s::bytea[]
    ) AS old (key_id, digest, new_key_id, new_digest)
),
gone AS (
    DELETE FROM suppressions USING old
    WHERE email_digest_key = old.key_id AND email_digest = old.digest
    RETURNING new_key_id, new_digest, reason, created_at, note
)
INSERT INTO suppressions (email_digest_key, email_digest, reason, created_at, note)
SELECT DISTINCT ON (new_key_id, new_digest, reason) * FROM gone ORDER BY new_key_id, new_digest, reason, created_at
ON CONFLICT DO NOTHING

-- name: of
SELECT email_digest_key, email_digest, reason, created_at, note
FROM suppressions
WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
ORDER BY created_at, reason

-- name: forget_notes
UPDATE suppressions SET note = NULL
WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
    AND note IS NOT NULL

-- name: lift
DELETE FROM suppressions
WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
    AND reason = ANY(%(reasons)s::text[])
