-- name: add
INSERT INTO letters (
    letter_id, newsletter_id, kind, state, uncertain_policy, newsletter_issue_id, subject, text_body, html_body,
    priority, dated_at, pause_reason, markdown_body, imprint
)
VALUES (
    %(id)s, %(newsletter)s, %(kind)s, %(state)s, %(uncertain)s, %(issue)s, %(subject)s, %(text)s, %(html)s,
    %(priority)s, %(dated_at)s, %(pause_reason)s, %(markdown)s, %(imprint)s
)

-- name: ensure
INSERT INTO letters (letter_id, newsletter_id, kind, state, uncertain_policy, priority)
VALUES (%(id)s, %(newsletter)s, %(kind)s, %(state)s, %(uncertain)s, %(priority)s)
ON CONFLICT (letter_id) DO NOTHING

-- name: get_batch
SELECT
    letter_id, newsletter_id, kind, subject, text_body, html_body, state, uncertain_policy, newsletter_issue_id,
    dated_at, pause_reason, markdown_body, imprint
FROM letters
WHERE letter_id = ANY(%(ids)s::uuid[])

-- name: lock_batch
SELECT
    letter_id, newsletter_id, kind, subject, text_body, html_body, state, uncertain_policy, newsletter_issue_id,
    dated_at, pause_reason, markdown_body, imprint
FROM letters
WHERE letter_id = ANY(%(ids)s::uuid[])
ORDER BY letter_id
FOR NO KEY UPDATE

-- name: save
UPDATE letters
SET state = %(state)s, pause_reason = %(pause_reason)s, imprint = %(imprint)s
WHERE letter_id = %(id)s
