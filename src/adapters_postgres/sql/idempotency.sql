-- name: add
INSERT INTO idempotency (newsletter_id, idempotency_key, fingerprint, actor, newsletter_issue_id, created_at)
VALUES (%(newsletter)s, %(key)s, %(fingerprint)s, %(actor)s, %(issue)s, %(created_at)s)
ON CONFLICT (newsletter_id, idempotency_key) DO NOTHING

-- name: get
SELECT newsletter_id, idempotency_key, fingerprint, actor, newsletter_issue_id, created_at
FROM idempotency
WHERE newsletter_id = %(newsletter)s AND idempotency_key = %(key)s

-- name: sweep
WITH old AS MATERIALIZED (
    SELECT newsletter_id, idempotency_key FROM idempotency
    WHERE created_at < %(created_before)s
    ORDER BY created_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM idempotency USING old
WHERE idempotency.newsletter_id = old.newsletter_id AND idempotency.idempotency_key = old.idempotency_key
