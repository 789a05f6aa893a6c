-- name: add
INSERT INTO tokens (token_id, purpose, subject_id, key_id, issued_at, expires_at, spent_at)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(purposes)s::text[], %(subjects)s::uuid[], %(key_ids)s::text[], %(issued_ats)s::timestamptz[],
    %(expires_ats)s::timestamptz[], %(spent_ats)s::timestamptz[]
)

-- name: get
SELECT token_id, purpose, subject_id, key_id, issued_at, expires_at, spent_at
FROM tokens
WHERE token_id = %(id)s AND purpose = %(purpose)s

-- name: lock
SELECT token_id, purpose, subject_id, key_id, issued_at, expires_at, spent_at
FROM tokens
WHERE token_id = %(id)s AND purpose = %(purpose)s
FOR NO KEY UPDATE

-- name: spend
UPDATE tokens SET spent_at = %(at)s WHERE token_id = %(id)s AND spent_at IS NULL

-- name: revoke
DELETE FROM tokens WHERE subject_id = %(subject)s AND purpose = %(purpose)s

-- name: forget
/* Whoever confirms holds the token and waits for the subscriber, whom whoever forgets holds. */
DELETE FROM tokens WHERE token_id IN (
    SELECT token_id FROM tokens WHERE subject_id = ANY(%(subjects)s::uuid[]) FOR UPDATE SKIP LOCKED
)

-- name: sweep
DELETE FROM tokens WHERE token_id = ANY(ARRAY(
    SELECT token_id FROM tokens
    WHERE expires_at < %(expired_before)s
    ORDER BY expires_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
