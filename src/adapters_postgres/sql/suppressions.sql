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

-- name: adopt
WITH old AS (
    SELECT * FROM unnest(
        %(key_ids)s::text[], %(digests)s::bytea[], %(new_key_ids)s::text[], %(new_digests)s::bytea[]
    ) AS old (key_id, digest, new_key_id, new_digest)
),
/* What is there under the newest key is locked too: everybody takes the rows of a person in this order. */
held AS MATERIALIZED (
    SELECT email_digest_key, email_digest, reason FROM suppressions
    WHERE (email_digest_key, email_digest) IN (
        SELECT key_id, digest FROM old UNION SELECT new_key_id, new_digest FROM old
    )
    ORDER BY email_digest_key, email_digest, reason
    FOR UPDATE
),
gone AS (
    DELETE FROM suppressions USING held JOIN old ON held.email_digest_key = key_id AND held.email_digest = digest
    WHERE suppressions.email_digest_key = key_id AND suppressions.email_digest = digest
        AND suppressions.reason = held.reason
    RETURNING new_key_id, new_digest, suppressions.reason, created_at, note
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
WITH held AS MATERIALIZED (
    SELECT email_digest_key, email_digest, reason FROM suppressions
    WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
    ORDER BY email_digest_key, email_digest, reason
    FOR UPDATE
)
UPDATE suppressions SET note = NULL
WHERE (email_digest_key, email_digest, reason) IN (SELECT * FROM held) AND note IS NOT NULL

-- name: lift
WITH held AS MATERIALIZED (
    SELECT email_digest_key, email_digest, reason FROM suppressions
    WHERE (email_digest_key, email_digest) IN (SELECT * FROM unnest(%(key_ids)s::text[], %(digests)s::bytea[]))
    ORDER BY email_digest_key, email_digest, reason
    FOR UPDATE
)
DELETE FROM suppressions
WHERE (email_digest_key, email_digest, reason) IN (SELECT * FROM held WHERE reason = ANY(%(reasons)s::text[]))
