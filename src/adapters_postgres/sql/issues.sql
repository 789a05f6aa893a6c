-- name: add
INSERT INTO newsletter_issues (
    newsletter_issue_id, newsletter_id, letter_id, title, state, created_at, audience, published_at, finished_at,
    pause_reason, pause_cause
)
VALUES (
    %(id)s, %(newsletter)s, %(letter)s, %(title)s, %(state)s, %(created_at)s, %(audience)s, %(published_at)s,
    %(finished_at)s, %(pause_reason)s, %(pause_cause)s
)

-- name: get
SELECT
    newsletter_issue_id, newsletter_id, letter_id, title, state, created_at, audience, published_at, finished_at,
    pause_reason, pause_cause
FROM newsletter_issues
WHERE newsletter_issue_id = %(id)s

-- name: lock
SELECT
    newsletter_issue_id, newsletter_id, letter_id, title, state, created_at, audience, published_at, finished_at,
    pause_reason, pause_cause
FROM newsletter_issues
WHERE newsletter_issue_id = %(id)s
FOR NO KEY UPDATE

-- name: save
UPDATE newsletter_issues
SET
    state = %(state)s,
    audience = %(audience)s,
    published_at = %(published_at)s,
    finished_at = %(finished_at)s,
    pause_reason = %(pause_reason)s,
    pause_cause = %(pause_cause)s
WHERE newsletter_issue_id = %(id)s

-- name: list
SELECT
    newsletter_issue_id, newsletter_id, letter_id, title, state, created_at, audience, published_at, finished_at,
    pause_reason, pause_cause
FROM newsletter_issues
WHERE newsletter_issue_id < coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY newsletter_issue_id DESC
LIMIT %(limit)s

-- name: done
SELECT
    newsletter_issue_id, newsletter_id, letter_id, title, state, created_at, audience, published_at, finished_at,
    pause_reason, pause_cause
FROM newsletter_issues
WHERE state = ANY(%(states)s::text[])
    AND NOT EXISTS (
        SELECT FROM unfinished_deliveries WHERE unfinished_deliveries.letter_id = newsletter_issues.letter_id
    )
ORDER BY newsletter_issue_id
LIMIT %(limit)s
FOR NO KEY UPDATE OF newsletter_issues SKIP LOCKED
