-- name: add
INSERT INTO newsletters (newsletter_id, slug, name, sender_email, reply_to, postal_address, fields, tags)
VALUES (%(id)s, %(slug)s, %(name)s, %(sender)s, %(reply_to)s, %(postal_address)s, %(fields)s, %(tags)s)
ON CONFLICT (slug) DO NOTHING

-- name: find
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address, fields, tags
FROM newsletters
WHERE slug = ANY(%(slugs)s::text[])

-- name: find_and_lock
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address, fields, tags
FROM newsletters
WHERE slug = ANY(%(slugs)s::text[])
ORDER BY slug
FOR NO KEY UPDATE

-- name: save
UPDATE newsletters
SET
    name = %(name)s, sender_email = %(sender)s, reply_to = %(reply_to)s, postal_address = %(postal_address)s,
    fields = %(fields)s, tags = %(tags)s
WHERE newsletter_id = %(id)s

-- name: get_batch
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address, fields, tags
FROM newsletters
WHERE newsletter_id = ANY(%(ids)s::uuid[])

-- name: list
SELECT newsletter_id, slug, name, sender_email, reply_to, postal_address, fields, tags
FROM newsletters
ORDER BY slug
