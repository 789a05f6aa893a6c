-- name: add
INSERT INTO newsletters (newsletter_id, slug, name, sender_email, reply_to, postal_address)
VALUES (%(id)s, %(slug)s, %(name)s, %(sender)s, %(reply_to)s, %(postal_address)s)
ON CONFLICT (slug) DO NOTHING

-- name: find
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address
FROM newsletters
WHERE slug = ANY(%(slugs)s::text[])

-- name: find_and_lock
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address
FROM newsletters
WHERE slug = ANY(%(slugs)s::text[])
ORDER BY slug
FOR NO KEY UPDATE

-- name: save
UPDATE newsletters
SET name = %(name)s, sender_email = %(sender)s, reply_to = %(reply_to)s, postal_address = %(postal_address)s
WHERE newsletter_id = %(id)s

-- name: get_batch
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address
FROM newsletters
WHERE newsletter_id = ANY(%(ids)s::uuid[])

-- name: list
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address
FROM newsletters
ORDER BY slug
