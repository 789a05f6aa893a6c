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

-- name: of_domain
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id FROM subscriptions
        WHERE (newsletter_id, status, email_domain, id) < (%(newsletter)s, wanted.status, %(domain)s, %(before)s)
            AND (newsletter_id, status, email_domain, id) > (%(newsletter)s, wanted.status, %(domain)s, %(first)s)
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
        ORDER BY newsletter_id, status, email_key, id
        LIMIT %(limit)s
    ) AS first
    ORDER BY email_key
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.email_key

-- name: by_name
/* Whom `by_email` has found is passed over: in all pages together no more than the pages before showed. */
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.* FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT id, name_key FROM subscriptions
        WHERE (newsletter_id, status, name_key, id) > (%(newsletter)s, wanted.status, %(name)s, %(after)s)
            AND (newsletter_id, status, name_key, id) < (%(newsletter)s, wanted.status, %(end)s, %(first)s)
            AND NOT (email_key >= %(prefix)s AND email_key < %(end)s)
        ORDER BY newsletter_id, status, name_key, id
        LIMIT %(limit)s
    ) AS first
    ORDER BY name_key, id
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.name_key, page.id

-- name: newest_within_tag
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT subscription_id AS id FROM subscription_tags
        WHERE (newsletter_id, tag, status, subscription_id) < (%(newsletter)s, %(tag)s, wanted.status, %(before)s)
            AND (newsletter_id, tag, status, subscription_id) > (%(newsletter)s, %(tag)s, wanted.status, %(first)s)
        ORDER BY newsletter_id DESC, tag DESC, status DESC, subscription_id DESC
        LIMIT %(limit)s
    ) AS first
    ORDER BY id DESC
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY subscriber.id DESC

-- name: of_domain_within_tag
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.id FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT subscription_id AS id FROM subscription_tags
        WHERE (newsletter_id, tag, status, email_domain, subscription_id)
            < (%(newsletter)s, %(tag)s, wanted.status, %(domain)s, %(before)s)
            AND (newsletter_id, tag, status, email_domain, subscription_id)
                > (%(newsletter)s, %(tag)s, wanted.status, %(domain)s, %(first)s)
        ORDER BY newsletter_id DESC, tag DESC, status DESC, email_domain DESC, subscription_id DESC
        LIMIT %(limit)s
    ) AS first
    ORDER BY id DESC
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY subscriber.id DESC

-- name: by_email_within_tag
SELECT
    subscriber.id, newsletter_id, email, subscriber.email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.* FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT subscription_id AS id, email_key FROM subscription_tags
        WHERE (newsletter_id, tag, status, email_key, subscription_id)
            > (%(newsletter)s, %(tag)s, wanted.status, %(email)s, %(after)s)
            AND (newsletter_id, tag, status, email_key, subscription_id)
                < (%(newsletter)s, %(tag)s, wanted.status, %(end)s, %(first)s)
        ORDER BY newsletter_id, tag, status, email_key, subscription_id
        LIMIT %(limit)s
    ) AS first
    ORDER BY email_key
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.email_key

-- name: by_name_within_tag
SELECT
    subscriber.id, newsletter_id, email, email_key, email_digest_key, email_digest, name, status, subscribed_at,
    earlier_status, confirmed_at, paused_until, fields, tags
FROM (
    SELECT first.* FROM unnest(%(statuses)s::text[]) AS wanted (status) CROSS JOIN LATERAL (
        SELECT subscription_id AS id, name_key FROM subscription_tags
        WHERE (newsletter_id, tag, status, name_key, subscription_id)
            > (%(newsletter)s, %(tag)s, wanted.status, %(name)s, %(after)s)
            AND (newsletter_id, tag, status, name_key, subscription_id)
                < (%(newsletter)s, %(tag)s, wanted.status, %(end)s, %(first)s)
            AND NOT (email_key >= %(prefix)s AND email_key < %(end)s)
        ORDER BY newsletter_id, tag, status, name_key, subscription_id
        LIMIT %(limit)s
    ) AS first
    ORDER BY name_key, id
    LIMIT %(limit)s
) AS page CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = page.id OFFSET 0) AS subscriber
ORDER BY page.name_key, page.id

-- name: place
SELECT email_key, name_key FROM subscriptions WHERE id = %(id)s
