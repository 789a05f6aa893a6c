-- name: newest
/* A step into each status finds its first; of all these the first are taken, and looked up one by one (OFFSET 0): how
   many a page has is not known when the plan is made. Whole rows are compared and ordered by, so that no index but the
   one with these columns will do: another one, with a filter, looks as cheap where all are alike, and is not. */
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id FROM subscriptions
        WHERE (newsletter_id, status, id) < (%(newsletter)s, wanted.status, %(before)s)
            AND (newsletter_id, status, id) > (%(newsletter)s, wanted.status, %(first)s)
        ORDER BY newsletter_id DESC, status DESC, id DESC
        LIMIT %(limit)s
    ) AS first
    ORDER BY id DESC
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY subscriber.id DESC

-- name: of_tag
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT subscription_id AS id FROM subscription_tags
        WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = wanted.status
            AND subscription_id < %(before)s
        ORDER BY subscription_id DESC
        LIMIT %(limit)s
    ) AS first
    ORDER BY id DESC
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY subscriber.id DESC

-- name: of_domain
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id FROM subscriptions
        WHERE (newsletter_id, status, email_domain, id) < (%(newsletter)s, wanted.status, %(domain)s, %(before)s)
            AND (newsletter_id, status, email_domain, id) > (%(newsletter)s, wanted.status, %(domain)s, %(first)s)
            AND (%(tag)s::text IS NULL OR (
                SELECT true FROM subscription_tags
                WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = wanted.status
                    AND subscription_id = subscriptions.id
            ))
        ORDER BY newsletter_id DESC, status DESC, email_domain DESC, id DESC
        LIMIT %(limit)s
    ) AS first
    ORDER BY id DESC
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY subscriber.id DESC

-- name: by_email
SELECT
    subscriber.id, newsletter_id, email, subscriber.email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.* FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id, email_key FROM subscriptions
        WHERE (newsletter_id, status, email_key, id) > (%(newsletter)s, wanted.status, %(email)s, %(after)s)
            AND (newsletter_id, status, email_key, id) < (%(newsletter)s, wanted.status, %(end)s, %(first)s)
            AND (%(tag)s::text IS NULL OR (
                SELECT true FROM subscription_tags
                WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = wanted.status
                    AND subscription_id = subscriptions.id
            ))
        ORDER BY newsletter_id, status, email_key, id
        LIMIT %(limit)s
    ) AS first
    ORDER BY email_key
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.email_key

-- name: by_name
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.* FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id, name_key FROM subscriptions
        WHERE (newsletter_id, status, name_key, id) > (%(newsletter)s, wanted.status, %(name)s, %(after)s)
            AND (newsletter_id, status, name_key, id) < (%(newsletter)s, wanted.status, %(end)s, %(first)s)
            AND NOT (email_key >= %(prefix)s AND email_key < %(end)s)
            AND (%(tag)s::text IS NULL OR (
                SELECT true FROM subscription_tags
                WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = wanted.status
                    AND subscription_id = subscriptions.id
            ))
        ORDER BY newsletter_id, status, name_key, id
        LIMIT %(limit)s
    ) AS first
    ORDER BY name_key, id
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.name_key, page.id

-- name: count_tag
/* Whether it is given to few, without counting many. */
SELECT count(*) FROM (
    SELECT FROM subscription_tags
    WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = ANY (%(statuses)s::text[])
    LIMIT %(limit)s
) AS counted

-- name: few_of_domain
WITH theirs AS MATERIALIZED (
    SELECT subscription_id AS id FROM subscription_tags
    WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = ANY (%(statuses)s::text[])
)
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM theirs CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = theirs.id OFFSET 0) AS subscriber
WHERE email_domain = %(domain)s AND theirs.id < %(before)s
ORDER BY theirs.id DESC
LIMIT %(limit)s

-- name: few_by_prefix
/* In the order that `by_email` and then `by_name` give. */
WITH theirs AS MATERIALIZED (
    SELECT subscription_id AS id FROM subscription_tags
    WHERE newsletter_id = %(newsletter)s AND tag = %(tag)s AND status = ANY (%(statuses)s::text[])
)
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM theirs CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = theirs.id OFFSET 0) AS subscriber
CROSS JOIN LATERAL (SELECT NOT starts_with(email_key, %(prefix)s) AS by_name) AS found
CROSS JOIN LATERAL (SELECT CASE WHEN by_name THEN name_key ELSE email_key END AS key) AS place
WHERE (by_name, key, theirs.id) > (%(by_name)s, %(key)s, %(after)s) AND starts_with(key, %(prefix)s)
ORDER BY by_name, key, theirs.id
LIMIT %(limit)s

-- name: place
SELECT email_key, name_key FROM subscriptions WHERE id = %(id)s
