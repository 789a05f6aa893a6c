-- name: add
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, name_key, status,
    earlier_status, subscribed_at, confirmed_at, paused_until, fields, tags
)
SELECT
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, name_key, status,
    earlier_status, subscribed_at, confirmed_at, paused_until, fields, ARRAY(SELECT jsonb_array_elements_text(tags))
FROM unnest(
    %(ids)s::uuid[], %(newsletters)s::uuid[], %(emails)s::text[], %(email_keys)s::text[], %(email_domains)s::text[],
    %(email_digests)s::bytea[], %(email_digest_keys)s::text[], %(names)s::text[], %(name_keys)s::text[],
    %(statuses)s::text[], %(earlier_statuses)s::text[], %(subscribed_ats)s::timestamptz[],
    %(confirmed_ats)s::timestamptz[], %(paused_untils)s::timestamptz[], %(fields)s::jsonb[], %(tags)s::jsonb[]
) AS candidate (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, name_key, status,
    earlier_status, subscribed_at, confirmed_at, paused_until, fields, tags
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

-- name: of_email
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE email_key = %(email_key)s
ORDER BY id

-- name: save
UPDATE subscriptions
SET
    name = changed.name,
    name_key = changed.name_key,
    status = changed.status,
    earlier_status = changed.earlier_status,
    subscribed_at = changed.subscribed_at,
    confirmed_at = changed.confirmed_at,
    paused_until = changed.paused_until,
    fields = changed.fields,
    tags = ARRAY(SELECT jsonb_array_elements_text(changed.tags))
FROM unnest(
    %(ids)s::uuid[], %(names)s::text[], %(name_keys)s::text[], %(statuses)s::text[], %(earlier_statuses)s::text[],
    %(subscribed_ats)s::timestamptz[], %(confirmed_ats)s::timestamptz[], %(paused_untils)s::timestamptz[],
    %(fields)s::jsonb[], %(tags)s::jsonb[]
) AS changed (id, name, name_key, status, earlier_status, subscribed_at, confirmed_at, paused_until, fields, tags)
WHERE subscriptions.id = changed.id

-- name: rounds_of
SELECT round_id FROM sign_up_rounds WHERE subscription_id = ANY(%(ids)s::uuid[])

-- name: rewrite_alone
/* Of all that rewrite digests one at a time: in the middle of a rotation two processes may want opposite things. The
   number is any that no other lock has. */
SELECT pg_advisory_xact_lock(5_060_001)

-- name: adopt_digests
WITH old AS (
    SELECT * FROM unnest(
        %(key_ids)s::text[], %(digests)s::bytea[], %(new_key_ids)s::text[], %(new_digests)s::bytea[]
    ) AS old (key_id, digest, new_key_id, new_digest)
),
/* Those who are known under the newest key already are locked too: each person's rows are taken in one order. */
theirs AS MATERIALIZED (
    SELECT id, email_digest_key, email_digest FROM subscriptions
    WHERE (email_digest_key, email_digest) IN (
        SELECT key_id, digest FROM old UNION SELECT new_key_id, new_digest FROM old
    )
    ORDER BY email_key, newsletter_id
    FOR NO KEY UPDATE
)
UPDATE subscriptions SET email_digest_key = new_key_id, email_digest = new_digest
FROM theirs JOIN old ON theirs.email_digest_key = old.key_id AND theirs.email_digest = old.digest
WHERE subscriptions.id = theirs.id

-- name: exist
SELECT EXISTS (SELECT FROM subscriptions)

-- name: exist_confirmed
SELECT EXISTS (SELECT FROM subscriptions WHERE confirmed_at IS NOT NULL)

-- name: count
SELECT count(*) FROM subscriptions WHERE newsletter_id = %(newsletter)s AND status = %(status)s

-- name: add_rounds
INSERT INTO sign_up_rounds (round_id, subscription_id, name, source, state, opened_at, fields, tags)
SELECT
    round_id, subscription_id, name, source, state, opened_at, fields, ARRAY(SELECT jsonb_array_elements_text(tags))
FROM unnest(
    %(ids)s::uuid[], %(subscribers)s::uuid[], %(names)s::text[], %(sources)s::text[], %(states)s::text[],
    %(opened_ats)s::timestamptz[], %(fields)s::jsonb[], %(tags)s::jsonb[]
) AS opened (round_id, subscription_id, name, source, state, opened_at, fields, tags)

-- name: get_round
SELECT round_id, subscription_id, name, source, opened_at, state, fields, tags FROM sign_up_rounds WHERE round_id = %(id)s

-- name: save_round
UPDATE sign_up_rounds SET state = %(state)s WHERE round_id = %(id)s

-- name: end_rounds
UPDATE sign_up_rounds SET state = 'ended' WHERE subscription_id = ANY(%(subscribers)s::uuid[]) AND state <> 'ended'

-- name: last_round
SELECT round_id, subscription_id, name, source, opened_at, state, fields, tags
FROM sign_up_rounds
WHERE subscription_id = %(subscriber)s
ORDER BY opened_at DESC, round_id DESC
LIMIT 1

-- name: lock_lapsing
/* Whoever ends rounds holds the subscriber first. */
SELECT id FROM subscriptions
WHERE id = ANY(ARRAY(
    SELECT subscription_id FROM sign_up_rounds
    WHERE state = 'open' AND opened_at < %(opened_before)s
    ORDER BY opened_at
    LIMIT %(limit)s
))
ORDER BY email_key, newsletter_id
FOR NO KEY UPDATE SKIP LOCKED

-- name: lapse
WITH over AS (
    UPDATE sign_up_rounds SET state = 'ended'
    WHERE subscription_id = ANY(%(ids)s::uuid[]) AND state = 'open' AND opened_at < %(opened_before)s
),
left_alone AS (
    SELECT id, earlier_status FROM subscriptions
    WHERE id = ANY(%(ids)s::uuid[]) AND status = 'pending_confirmation' AND NOT EXISTS (
        SELECT FROM sign_up_rounds
        WHERE subscription_id = subscriptions.id AND state = 'open' AND opened_at >= %(opened_before)s
    )
),
returned AS (
    UPDATE subscriptions SET status = left_alone.earlier_status, earlier_status = NULL
    FROM left_alone
    WHERE subscriptions.id = left_alone.id AND left_alone.earlier_status IS NOT NULL
)
SELECT id, earlier_status IS NOT NULL FROM left_alone ORDER BY id

-- name: remove
DELETE FROM subscriptions WHERE id = ANY(%(ids)s::uuid[])

-- name: lock_under_keys
SELECT
    id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM subscriptions
WHERE id = ANY(ARRAY(
    SELECT id FROM subscriptions
    WHERE email_digest_key = ANY(%(key_ids)s::text[])
    ORDER BY email_digest_key, email_digest
    LIMIT %(limit)s
))
ORDER BY email_key, newsletter_id
FOR NO KEY UPDATE SKIP LOCKED

-- name: save_digests
UPDATE subscriptions SET email_digest_key = changed.key_id, email_digest = changed.digest
FROM unnest(%(ids)s::uuid[], %(key_ids)s::text[], %(digests)s::bytea[]) AS changed (id, key_id, digest)
WHERE subscriptions.id = changed.id
