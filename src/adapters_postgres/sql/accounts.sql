-- name: add
INSERT INTO accounts (
    account_id, username, username_key, email, email_key, email_digest_key, email_digest, password_hash, created_at,
    dismissed_steps
)
VALUES (
    %(id)s, %(username)s, %(username_key)s, %(email)s, %(email_key)s, %(digest_key)s, %(digest)s, %(password_hash)s,
    %(created_at)s, %(dismissed_steps)s
)
ON CONFLICT (username_key) DO NOTHING

-- name: get
SELECT account_id, username, created_at, email, email_key, email_digest_key, email_digest, password_hash,
    dismissed_steps
FROM accounts
WHERE account_id = %(id)s

-- name: lock
SELECT account_id, username, created_at, email, email_key, email_digest_key, email_digest, password_hash,
    dismissed_steps
FROM accounts
WHERE account_id = %(id)s
FOR NO KEY UPDATE

-- name: find
SELECT account_id, username, created_at, email, email_key, email_digest_key, email_digest, password_hash,
    dismissed_steps
FROM accounts
WHERE username_key = %(username_key)s

-- name: find_and_lock
SELECT account_id, username, created_at, email, email_key, email_digest_key, email_digest, password_hash,
    dismissed_steps
FROM accounts
WHERE username_key = %(username_key)s
FOR NO KEY UPDATE

-- name: list
SELECT account_id, username, created_at, email, email_key, email_digest_key, email_digest, password_hash,
    dismissed_steps
FROM accounts
ORDER BY username_key

-- name: save
UPDATE accounts
SET
    email = %(email)s,
    email_key = %(email_key)s,
    email_digest_key = %(digest_key)s,
    email_digest = %(digest)s,
    password_hash = %(password_hash)s,
    dismissed_steps = %(dismissed_steps)s
WHERE account_id = %(id)s
