-- name: add
INSERT INTO sessions (session_hash, account_id, created_at, seen_at, expires_at)
VALUES (%(hash)s, %(account)s, %(created_at)s, %(seen_at)s, %(expires_at)s)

-- name: get
SELECT session_hash, account_id, created_at, seen_at, expires_at FROM sessions WHERE session_hash = %(hash)s

-- name: touch
UPDATE sessions SET seen_at = %(at)s WHERE session_hash = %(hash)s AND seen_at < %(at)s

-- name: end
DELETE FROM sessions WHERE session_hash = %(hash)s

-- name: end_all
DELETE FROM sessions WHERE account_id = %(account)s AND session_hash IS DISTINCT FROM %(but)s::bytea

-- name: sweep
DELETE FROM sessions WHERE session_hash = ANY(ARRAY(
    SELECT session_hash FROM sessions
    WHERE expires_at <= %(at)s OR seen_at <= %(idle_since)s
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
