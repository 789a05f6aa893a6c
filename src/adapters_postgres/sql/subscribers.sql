-- name: add
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, earlier_status,
    subscribed_at, confirmed_at, paused_until, fields, tags
)
SELECT
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, earlier_status,
    subscribed_at, confirmed_at, paused_until, fields, ARRAY(SELECT jsonb_array_elements_text(tags))
FROM unnest(
    %(ids)s::uuid[], %(newsletters)s::uuid[], %(emails)s::text[], %(email_keys)s::text[], %(email_domains)s::text[],
    %(email_digests)s::bytea[], %(email_digest_keys)s::text[], %(names)s::text[], %(statuses)s::text[],
    %(earlier_statuses)s::text[], %(subscribed_ats)s::timestamptz[], %(confirmed_ats)s::timestamptz[],
    %(paused_untils)s::timestamptz[], %(fields)s::jsonb[], %(tags)s::jsonb[]
) AS candidate (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, earlier_status,
    subscribed_at, confirmed_at, paused_until, fields, tags
)
-- The order in which rows are locked everywhere.
ORDER BY email_key COLLATE "C", newsletter_id
ON CONFLICT (email_key, newsletter_id) DO NOTHING
RETURNING id

-- name: lock_by_email
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE (email_key, newsletter_id) IN (SELECT * FROM unnest(%(email_keys)s::text[], %(newsletters)s::uuid[]))
ORDER BY email_key, newsletter_id
FOR NO KEY UPDATE

-- name: lock_by_id
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE id = ANY(%(ids)s::uuid[])
ORDER BY email_key, newsletter_id
FOR NO KEY UPDATE

-- name: lock_sharing_email
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE email_key IN (SELECT email_key FROM subscriptions WHERE id = ANY(%(ids)s::uuid[]))
ORDER BY email_key, newsletter_id
FOR NO KEY UPDATE

-- name: get_batch
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE id = ANY(%(ids)s::uuid[])

-- name: find
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE newsletter_id = %(newsletter)s AND email_key = %(email_key)s

-- name: save
UPDATE subscriptions
SET
    name = changed.name,
    status = changed.status,
    earlier_status = changed.earlier_status,
    subscribed_at = changed.subscribed_at,
    confirmed_at = changed.confirmed_at,
    paused_until = changed.paused_until,
    fields = changed.fields,
    tags = ARRAY(SELECT jsonb_array_elements_text(changed.tags))
FROM unnest(
    %(ids)s::uuid[], %(names)s::text[], %(statuses)s::text[], %(earlier_statuses)s::text[],
    %(subscribed_ats)s::timestamptz[], %(confirmed_ats)s::timestamptz[], %(paused_untils)s::timestamptz[],
    %(fields)s::jsonb[], %(tags)s::jsonb[]
) AS changed (id, name, status, earlier_status, subscribed_at, confirmed_at, paused_until, fields, tags)
WHERE subscriptions.id = changed.id

-- name: exist
SELECT EXISTS (SELECT FROM subscriptions)

-- name: exist_confirmed
SELECT EXISTS (SELECT FROM subscriptions WHERE confirmed_at IS NOT NULL)

-- name: count
SELECT count(*) FROM subscriptions WHERE newsletter_id = %(newsletter)s AND status = %(status)s

-- name: add_rounds
INSERT INTO sign_up_rounds (round_id, subscription_id, name, source, state, opened_at)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(subscribers)s::uuid[], %(names)s::text[], %(sources)s::text[], %(states)s::text[],
    %(opened_ats)s::timestamptz[]
)

-- name: get_round
SELECT round_id, subscription_id, name, source, opened_at, state FROM sign_up_rounds WHERE round_id = %(id)s

-- name: save_round
UPDATE sign_up_rounds SET state = %(state)s WHERE round_id = %(id)s

-- name: end_rounds
UPDATE sign_up_rounds SET state = 'ended' WHERE subscription_id = %(subscriber)s AND state <> 'ended'
