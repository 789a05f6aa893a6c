-- name: enqueue
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
added AS (
    INSERT INTO deliveries (
        letter_id, recipient_id, occasion, recipient_kind, domain, email_digest, email_digest_key, priority, due_at,
        give_up_at, created_at
    )
    SELECT
        letter_id, recipient_id, occasion, recipient_kind, domain, email_digest, email_digest_key, priority, clock.at,
        give_up_at, clock.at
    FROM clock, unnest(
        %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[], %(kinds)b::text[], %(domains)b::text[],
        %(digests)b::bytea[], %(digest_keys)b::text[], %(priorities)b::smallint[], %(give_ups)s::timestamptz[]
    ) AS new (
        letter_id, recipient_id, occasion, recipient_kind, domain, email_digest, email_digest_key, priority, give_up_at
    )
    ORDER BY letter_id, recipient_id, occasion
    ON CONFLICT DO NOTHING
    RETURNING 1
),
woken AS MATERIALIZED (SELECT pg_notify('deliveries', '') FROM added LIMIT 1)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM woken)

-- name: hold_letter
SELECT FROM letters WHERE letter_id = %(letter)s::uuid FOR NO KEY UPDATE

-- name: enqueue_audience
/* The letter is held, so nobody adds its audience beside this one. Who has it already is left out beforehand: ON CONFLICT
   DO NOTHING would insert each row on trial, which takes twice the time. Mostly nobody has, and nobody is looked for: an
   anti-join would be planned anew for tables without statistics, and read all rows of this statement for each. */
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
begun AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM deliveries WHERE letter_id = %(letter)s::uuid AND occasion = %(occasion)s::uuid) AS already
),
added AS (
    INSERT INTO deliveries (
        letter_id, recipient_id, recipient_kind, domain, email_digest, email_digest_key, priority, due_at, give_up_at,
        created_at
    )
    SELECT
        %(letter)s::uuid, id, 'subscriber', email_domain, email_digest, email_digest_key, %(priority)s::smallint,
        clock.at, clock.at + %(give_up_after)s::interval, clock.at
    FROM clock, begun, subscriptions
    WHERE newsletter_id = %(newsletter)s::uuid AND status = 'confirmed'
        AND (paused_until IS NULL OR paused_until <= clock.at)
        AND NOT EXISTS (
            SELECT FROM suppressions
            WHERE suppressions.email_digest_key = subscriptions.email_digest_key
                AND suppressions.email_digest = subscriptions.email_digest
        )
        AND (NOT already OR NOT EXISTS (
            SELECT FROM deliveries
            WHERE letter_id = %(letter)s::uuid AND recipient_id = id AND occasion = %(occasion)s::uuid
        ))
    ORDER BY id
    RETURNING 1
),
woken AS MATERIALIZED (SELECT pg_notify('deliveries', '') FROM added LIMIT 1)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM woken)

-- name: claim
/* Each open letter's grades are found by one probe apiece, and no row of another letter is read. The oldest turns of
   every grade are locked before the best of all are chosen, so that a claim beside it looks further, and not in vain.
   Empty fields and tags, which most readers have, are NULL, of which nothing is parsed. */
WITH RECURSIVE clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
grades AS (
    SELECT letter_id, kind, (
        SELECT min(priority) FROM deliveries
        WHERE deliveries.letter_id = letters.letter_id AND due_at IS NOT NULL AND lease_id IS NULL
            AND priority BETWEEN %(first)s::smallint AND %(last)s::smallint
    ) AS priority
    FROM letters WHERE state = 'open'
    UNION ALL
    SELECT letter_id, kind, (
        SELECT min(priority) FROM deliveries
        WHERE deliveries.letter_id = grades.letter_id AND due_at IS NOT NULL AND lease_id IS NULL
            AND priority > grades.priority AND priority <= %(last)s::smallint
    )
    FROM grades WHERE priority IS NOT NULL
),
due AS MATERIALIZED (
    SELECT turn.*, grades.kind FROM clock, grades CROSS JOIN LATERAL (
        SELECT * FROM deliveries
        WHERE letter_id = grades.letter_id AND priority = grades.priority
            AND due_at <= clock.at AND lease_id IS NULL
        ORDER BY due_at
        LIMIT %(limit)s::integer
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS turn
    ORDER BY priority, due_at
    LIMIT %(limit)s::integer
),
judged AS MATERIALIZED (
    SELECT
        letter_id, recipient_id, occasion, email, email_key, name, fields, tags,
        CASE
            WHEN give_up_at <= clock.at AND occasion <> %(no_occasion)s::uuid THEN 'failed'
            ELSE coalesce(verdict, 'leased')
        END AS state
    FROM due, clock, delivery_standing(due.kind, recipient_kind, recipient_id, occasion, clock.at)
),
taken AS (
    UPDATE deliveries SET
        state = judged.state,
        lease_id = CASE judged.state WHEN 'leased' THEN %(lease)s::uuid END,
        due_at = CASE judged.state WHEN 'leased' THEN due_at END,
        settled_at = CASE judged.state WHEN 'leased' THEN NULL ELSE clock.at END
    FROM judged, clock
    WHERE deliveries.letter_id = judged.letter_id AND deliveries.recipient_id = judged.recipient_id
        AND deliveries.occasion = judged.occasion
    RETURNING
        deliveries.letter_id, deliveries.recipient_id, deliveries.occasion, recipient_kind, attempts, created_at,
        deliveries.state, priority, due_at, email, email_key, name, email_digest_key, fields, tags
),
leased AS (
    INSERT INTO leases (lease_id, worker, taken_at, expires_at)
    SELECT %(lease)s::uuid, %(worker)s::text, clock.at, clock.at + %(lasts)s::interval FROM clock
    WHERE EXISTS (SELECT FROM judged WHERE state = 'leased')
    ON CONFLICT DO NOTHING
)
SELECT
    state, letter_id, recipient_id, occasion, recipient_kind, attempts + 1, email, email_key, name, email_digest_key,
    created_at, nullif(fields, '{}'), nullif(tags, '{}')
FROM taken ORDER BY priority, due_at, letter_id, recipient_id, occasion

-- name: renew
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at)
UPDATE leases SET expires_at = clock.at + %(lasts)s::interval FROM clock
WHERE lease_id = %(lease)s::uuid AND expires_at > clock.at
RETURNING true

-- name: lock
/* The order of all locks: leases, letters, recipients, deliveries, each by its key. What follows in the transaction
   reads after these were got, and so sees every change that was committed before. A lease may be renewed meanwhile, not
   ended: FOR KEY SHARE. A letter may not be paused: FOR SHARE, for any number of markers at once. */
SELECT count(*) FROM (
    SELECT FROM leases WHERE lease_id = ANY (%(leases)b::uuid[]) ORDER BY lease_id FOR KEY SHARE
) AS lease
UNION ALL
SELECT count(*) FROM (
    SELECT FROM letters WHERE letter_id = ANY (%(marked_letters)b::uuid[]) ORDER BY letter_id FOR SHARE
) AS letter
UNION ALL
SELECT count(*) FROM (
    SELECT FROM subscriptions WHERE id = ANY (%(marked_recipients)b::uuid[]) ORDER BY email_key, newsletter_id FOR SHARE
) AS subscription
UNION ALL
SELECT count(*) FROM (
    SELECT FROM accounts WHERE account_id = ANY (%(marked_recipients)b::uuid[]) ORDER BY account_id FOR SHARE
) AS account
UNION ALL
SELECT count(*) FROM (
    SELECT FROM bare_recipients WHERE recipient_id = ANY (%(marked_recipients)b::uuid[]) ORDER BY recipient_id FOR SHARE
) AS bare
UNION ALL
SELECT count(*) FROM (
    SELECT FROM deliveries JOIN unnest(
        %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[]
    ) AS key (letter_id, recipient_id, occasion) USING (letter_id, recipient_id, occasion)
    ORDER BY letter_id, recipient_id, occasion
    FOR NO KEY UPDATE OF deliveries
) AS delivery

-- name: settle
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
ruled AS MATERIALIZED (
    SELECT
        ruling.*, clock.at, next_at, end_at,
        CASE WHEN ruling.state = 'deferred' AND next_at > end_at THEN 'failed' ELSE ruling.state END AS verdict
    FROM clock CROSS JOIN unnest(
        %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[], %(leases)b::uuid[], %(attempts)b::smallint[],
        %(states)b::text[], %(counted)b::smallint[], %(waits)b::float8[], %(codes)b::smallint[], %(replies)b::text[],
        %(blames)b::boolean[], %(give_ups)b::float8[]
    ) WITH ORDINALITY AS ruling (
        letter_id, recipient_id, occasion, lease_id, attempt, state, counted, seconds, code, words, blames, give_up, place
    )
    CROSS JOIN LATERAL (SELECT clock.at + seconds * interval '1 second') AS next (next_at)
    JOIN deliveries USING (letter_id, recipient_id, occasion)
    CROSS JOIN LATERAL (SELECT coalesce(clock.at + give_up * interval '1 second', give_up_at)) AS last (end_at)
    LEFT JOIN leases ON leases.lease_id = ruling.lease_id AND leases.expires_at > clock.at
    WHERE deliveries.state || '>' || ruling.state = ANY (%(arrows)b::text[]) AND CASE deliveries.state
        WHEN 'uncertain' THEN ruling.state = 'sent' AND attempts = attempt
        ELSE attempts + 1 = attempt AND deliveries.lease_id = CASE
            WHEN deliveries.state = 'attempting' AND ruling.state = 'sent' THEN ruling.lease_id ELSE leases.lease_id
        END
    END
)
UPDATE deliveries SET
    state = verdict,
    attempts = counted,
    uncertain_attempts =
        uncertain_attempts + (verdict = 'uncertain')::integer - (deliveries.state = 'uncertain')::integer,
    lease_id = NULL,
    due_at = CASE WHEN verdict IN ('pending', 'deferred') THEN next_at END,
    give_up_at = end_at,
    resend_at = CASE verdict WHEN 'uncertain' THEN next_at END,
    settled_at = CASE WHEN verdict NOT IN ('pending', 'deferred', 'uncertain') THEN ruled.at END,
    reply_code = code,
    reply = CASE WHEN deliveries.domain <> '' THEN words END, -- else its recipient was forgotten meanwhile
    blames_letter = blames
FROM ruled
WHERE deliveries.letter_id = ruled.letter_id AND deliveries.recipient_id = ruled.recipient_id
    AND deliveries.occasion = ruled.occasion
RETURNING place

-- name: mark
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
asked AS MATERIALIZED (
    SELECT deliveries.*, place, mark.lease_id = deliveries.lease_id AND attempt = attempts + 1 AS current
    FROM unnest(
        %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[], %(leases)b::uuid[], %(attempts)b::smallint[]
    ) WITH ORDINALITY AS mark (letter_id, recipient_id, occasion, lease_id, attempt, place)
    JOIN deliveries USING (letter_id, recipient_id, occasion)
),
judged AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion, place, clock.at, CASE
        WHEN asked.state = 'attempting' THEN 'attempting' -- asked again: it was granted, and the answer lost
        WHEN letters.state = 'closed' THEN 'cancelled' WHEN letters.state = 'paused' THEN 'pending'
        ELSE coalesce(standing.verdict, 'attempting')
    END AS verdict
    FROM clock CROSS JOIN asked JOIN leases USING (lease_id) JOIN letters USING (letter_id)
    CROSS JOIN LATERAL delivery_standing(letters.kind, recipient_kind, recipient_id, occasion, clock.at) AS standing
    WHERE current AND leases.expires_at > clock.at
)
UPDATE deliveries SET
    state = verdict,
    lease_id = CASE verdict WHEN 'attempting' THEN lease_id END,
    due_at = CASE WHEN verdict IN ('attempting', 'pending') THEN due_at END,
    settled_at = CASE WHEN verdict NOT IN ('attempting', 'pending') THEN judged.at END
FROM judged
WHERE deliveries.letter_id = judged.letter_id AND deliveries.recipient_id = judged.recipient_id
    AND deliveries.occasion = judged.occasion
RETURNING place, state = 'attempting'

-- name: postpone
UPDATE deliveries SET state = 'pending', lease_id = NULL, due_at = postponed.due_at
FROM unnest(
    %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[], %(untils)s::timestamptz[]
) AS postponed (letter_id, recipient_id, occasion, due_at)
WHERE deliveries.letter_id = postponed.letter_id AND deliveries.recipient_id = postponed.recipient_id
    AND deliveries.occasion = postponed.occasion AND lease_id = %(lease)s::uuid AND state = 'leased'
RETURNING TRUE

-- name: hold_lease
SELECT lease_id FROM leases WHERE lease_id = %(lease)s::uuid FOR UPDATE

-- name: hold_ended_leases
/* A lease that is being used at this moment is left to the next run. */
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at)
SELECT lease_id FROM leases, clock WHERE expires_at <= clock.at ORDER BY lease_id FOR UPDATE OF leases SKIP LOCKED

-- name: end_leases
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
ended AS (DELETE FROM leases WHERE lease_id = ANY (%(leases)b::uuid[])),
held AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion FROM deliveries WHERE lease_id = ANY (%(leases)b::uuid[])
    ORDER BY letter_id, recipient_id, occasion FOR NO KEY UPDATE
),
returned AS (
    UPDATE deliveries SET
        state = CASE state WHEN 'leased' THEN 'pending' ELSE 'uncertain' END,
        attempts = attempts + (state = 'attempting')::integer,
        uncertain_attempts = uncertain_attempts + (state = 'attempting')::integer,
        due_at = CASE state WHEN 'leased' THEN due_at END,
        resend_at = CASE state WHEN 'attempting' THEN clock.at + %(resend_after)s::interval END,
        lease_id = NULL
    FROM held, clock
    WHERE deliveries.letter_id = held.letter_id AND deliveries.recipient_id = held.recipient_id
        AND deliveries.occasion = held.occasion
    RETURNING state
)
SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'uncertain') FROM returned

-- name: resend
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
due AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion FROM clock, deliveries JOIN letters USING (letter_id)
    WHERE resend_at <= clock.at AND letters.state = 'open' AND uncertain_policy = 'resend'
    ORDER BY letter_id, recipient_id, occasion FOR NO KEY UPDATE OF deliveries SKIP LOCKED
)
UPDATE deliveries SET state = 'pending', due_at = resend_at, resend_at = NULL FROM due
WHERE deliveries.letter_id = due.letter_id AND deliveries.recipient_id = due.recipient_id
    AND deliveries.occasion = due.occasion

-- name: cancel
/* The letters with waiting rows are found by one probe each: they are few, while closed letters become many. */
WITH RECURSIVE clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
waiting AS (
    (
        SELECT letter_id FROM deliveries WHERE due_at IS NOT NULL AND lease_id IS NULL
        ORDER BY letter_id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT letter_id FROM deliveries
        WHERE due_at IS NOT NULL AND lease_id IS NULL AND deliveries.letter_id > waiting.letter_id
        ORDER BY letter_id LIMIT 1
    )
    FROM waiting WHERE letter_id IS NOT NULL
),
spare AS MATERIALIZED (
    SELECT turn.* FROM waiting JOIN letters USING (letter_id) CROSS JOIN LATERAL (
        SELECT letter_id, recipient_id, occasion FROM deliveries
        WHERE deliveries.letter_id = waiting.letter_id AND due_at IS NOT NULL AND lease_id IS NULL
        LIMIT %(limit)s::integer
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS turn
    WHERE letters.state = 'closed'
    LIMIT %(limit)s::integer
)
UPDATE deliveries SET state = 'cancelled', due_at = NULL, settled_at = clock.at FROM spare, clock
WHERE deliveries.letter_id = spare.letter_id AND deliveries.recipient_id = spare.recipient_id
    AND deliveries.occasion = spare.occasion

-- name: revive
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
failed AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion FROM deliveries
    WHERE letter_id = %(letter)s::uuid AND state = 'failed'
    ORDER BY letter_id, recipient_id, occasion FOR NO KEY UPDATE
),
revived AS (
    UPDATE deliveries SET
        state = 'pending', due_at = clock.at, give_up_at = clock.at + %(give_up_after)s::interval, settled_at = NULL,
        blames_letter = false, attempts = 0
    FROM failed, clock
    WHERE deliveries.letter_id = failed.letter_id AND deliveries.recipient_id = failed.recipient_id
        AND deliveries.occasion = failed.occasion
    RETURNING 1
),
woken AS MATERIALIZED (SELECT pg_notify('deliveries', '') FROM revived LIMIT 1)
SELECT (SELECT count(*) FROM revived), (SELECT count(*) FROM woken)

-- name: doubtful
SELECT letter_id, recipient_id, occasion, standing.email, standing.email_key, attempts, resend_at, reply_code, reply
FROM deliveries JOIN letters USING (letter_id) CROSS JOIN LATERAL delivery_standing(
    letters.kind, recipient_kind, recipient_id, occasion, clock_timestamp()
) AS standing
WHERE letter_id = %(letter)s::uuid AND resend_at IS NOT NULL
    AND (recipient_id, occasion) > (%(recipient)s::uuid, %(occasion)s::uuid)
ORDER BY letter_id, recipient_id, occasion
LIMIT %(limit)s::integer

-- name: failures
SELECT letter_id, recipient_id, occasion, standing.email, standing.email_key, attempts, reply_code, reply
FROM deliveries JOIN letters USING (letter_id) CROSS JOIN LATERAL delivery_standing(
    letters.kind, recipient_kind, recipient_id, occasion, clock_timestamp()
) AS standing
WHERE letter_id = %(letter)s::uuid AND has_failed
    AND (recipient_id, occasion) > (%(recipient)s::uuid, %(occasion)s::uuid)
ORDER BY letter_id, recipient_id, occasion
LIMIT %(limit)s::integer

-- name: resolve
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at),
doubtful AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion FROM deliveries
    WHERE letter_id = %(letter)s::uuid AND resend_at IS NOT NULL
        AND (%(recipients)s::uuid[] IS NULL OR recipient_id = ANY (%(recipients)s::uuid[]))
    ORDER BY letter_id, recipient_id, occasion FOR NO KEY UPDATE
),
resolved AS (
    UPDATE deliveries SET
        state = CASE WHEN %(accept)s::boolean THEN 'sent' ELSE 'pending' END,
        due_at = CASE WHEN NOT %(accept)s::boolean THEN clock.at END,
        settled_at = CASE WHEN %(accept)s::boolean THEN clock.at END,
        uncertain_attempts = uncertain_attempts - %(accept)s::boolean::integer,
        resend_at = NULL
    FROM doubtful, clock
    WHERE deliveries.letter_id = doubtful.letter_id AND deliveries.recipient_id = doubtful.recipient_id
        AND deliveries.occasion = doubtful.occasion AND deliveries.state = 'uncertain'
    RETURNING 1
),
woken AS MATERIALIZED (SELECT pg_notify('deliveries', '') FROM resolved LIMIT 1)
SELECT (SELECT count(*) FROM resolved), (SELECT count(*) FROM woken)

-- name: recent
SELECT domain, blames_letter FROM deliveries
WHERE letter_id = %(letter)s::uuid AND settled_at IS NOT NULL AND state IN ('sent', 'failed')
ORDER BY settled_at DESC
LIMIT %(limit)s::integer

-- name: forgive
WITH refused AS MATERIALIZED (
    SELECT letter_id, recipient_id, occasion FROM deliveries WHERE letter_id = %(letter)s::uuid AND blames_letter
    ORDER BY letter_id, recipient_id, occasion FOR NO KEY UPDATE
)
UPDATE deliveries SET blames_letter = false FROM refused
WHERE deliveries.letter_id = refused.letter_id AND deliveries.recipient_id = refused.recipient_id
    AND deliveries.occasion = refused.occasion

-- name: compact
/* The letters with settled rows are found by one probe each. */
WITH RECURSIVE settled AS (
    (SELECT letter_id FROM deliveries WHERE settled_at IS NOT NULL ORDER BY letter_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT letter_id FROM deliveries
        WHERE settled_at IS NOT NULL AND deliveries.letter_id > settled.letter_id
        ORDER BY letter_id LIMIT 1
    )
    FROM settled WHERE letter_id IS NOT NULL
),
old AS MATERIALIZED (
    SELECT spent.* FROM settled JOIN letters USING (letter_id) CROSS JOIN LATERAL (
        SELECT letter_id, recipient_id, occasion FROM deliveries
        WHERE deliveries.letter_id = settled.letter_id AND settled_at < %(before)s::timestamptz
            AND (state IN ('suppressed', 'cancelled') OR (state = 'sent' AND uncertain_attempts = 0))
        LIMIT %(limit)s::integer
        FOR UPDATE SKIP LOCKED
    ) AS spent
    WHERE letters.state = 'closed' OR letters.kind <> 'issue'
    LIMIT %(limit)s::integer
),
removed AS (
    DELETE FROM deliveries USING old
    WHERE deliveries.letter_id = old.letter_id AND deliveries.recipient_id = old.recipient_id
        AND deliveries.occasion = old.occasion
    RETURNING deliveries.letter_id, state
),
counted AS (
    INSERT INTO delivery_sums (letter_id, state, count)
    SELECT letter_id, state, count(*) FROM removed GROUP BY letter_id, state ORDER BY letter_id, state
    ON CONFLICT (letter_id, state) DO UPDATE SET count = delivery_sums.count + excluded.count
)
SELECT count(*) FROM removed

-- name: of_recipients
/* Each letter is asked for its rows of these recipients: an index by recipient would cost every row for the few who are
   ever asked about. */
SELECT recipient_id, kind, subject, theirs.state, attempts, theirs.created_at, settled_at, reply_code, reply
FROM letters CROSS JOIN LATERAL (
    SELECT * FROM deliveries
    WHERE deliveries.letter_id = letters.letter_id AND recipient_id = ANY (%(recipients)s::uuid[])
    OFFSET 0
) AS theirs
ORDER BY theirs.created_at, theirs.letter_id, recipient_id, occasion

-- name: lock_recipients
SELECT theirs.* FROM (SELECT letter_id FROM letters ORDER BY letter_id) AS letter CROSS JOIN LATERAL (
    SELECT letter_id, recipient_id, occasion FROM deliveries
    WHERE deliveries.letter_id = letter.letter_id AND recipient_id = ANY (%(recipients)s::uuid[])
    ORDER BY letter_id, recipient_id, occasion
    FOR NO KEY UPDATE
) AS theirs

-- name: forget
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at)
UPDATE deliveries SET
    reply = NULL,
    domain = '',
    state = CASE WHEN due_at IS NOT NULL AND lease_id IS NULL THEN 'cancelled' ELSE state END,
    due_at = CASE WHEN lease_id IS NOT NULL THEN due_at END,
    settled_at = CASE WHEN due_at IS NOT NULL AND lease_id IS NULL THEN clock.at ELSE settled_at END
FROM clock, unnest(%(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[])
    AS theirs (letter_id, recipient_id, occasion)
WHERE deliveries.letter_id = theirs.letter_id AND deliveries.recipient_id = theirs.recipient_id
    AND deliveries.occasion = theirs.occasion

-- name: sums
SELECT state, sum(count)::bigint FROM (
    SELECT state, count(*) FROM deliveries WHERE letter_id = %(letter)s::uuid GROUP BY state
    UNION ALL
    SELECT state, count FROM delivery_sums WHERE letter_id = %(letter)s::uuid
) AS counted GROUP BY state

-- name: possibly_twice
SELECT count(*) FROM deliveries
WHERE letter_id = %(letter)s::uuid AND uncertain_attempts > 0
    AND (state = 'sent' OR uncertain_attempts > 1)

-- name: any_sent
SELECT EXISTS (SELECT FROM deliveries WHERE letter_id = ANY (%(letters)s::uuid[]) AND state = 'sent')
    OR EXISTS (SELECT FROM delivery_sums WHERE letter_id = ANY (%(letters)s::uuid[]) AND state = 'sent')

-- name: states
SELECT letter_id, recipient_id, occasion, state FROM deliveries JOIN unnest(
    %(letters)b::uuid[], %(recipients)b::uuid[], %(occasions)b::uuid[]
) AS key (letter_id, recipient_id, occasion) USING (letter_id, recipient_id, occasion)

-- name: unfinished
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at)
SELECT (
    SELECT count(*) FROM clock, letters JOIN deliveries USING (letter_id)
    WHERE letters.state = 'open' AND lease_id IS NULL AND due_at <= clock.at
) + (
    SELECT count(*) FROM letters JOIN deliveries USING (letter_id)
    WHERE letters.state = 'open' AND lease_id IS NOT NULL
)

-- name: backlog
/* Read from the index of turns alone; so is the longest wait, which costs nothing beside the count. */
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at)
SELECT kind, sum(waiting.due)::bigint, max(waiting.longest)
FROM letters CROSS JOIN LATERAL (
    SELECT count(*) AS due, max(clock.at - due_at) AS longest FROM clock, deliveries
    WHERE deliveries.letter_id = letters.letter_id AND lease_id IS NULL AND due_at <= clock.at
) AS waiting
WHERE letters.state = 'open' AND waiting.due > 0
GROUP BY kind
