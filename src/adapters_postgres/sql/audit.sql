-- name: append
WITH event AS MATERIALIZED (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(occurred_ats)s::timestamptz[], %(actions)s::text[], %(outcomes)s::text[],
        %(reasons)s::text[], %(actor_kinds)s::text[], %(actor_ids)s::text[], %(request_ids)s::text[],
        %(resource_types)s::text[], %(resource_ids)s::text[], %(befores)s::jsonb[], %(afters)s::jsonb[],
        %(details_digests)s::bytea[], %(canonicals)s::text[], %(salts)s::bytea[], %(details)s::jsonb[]
    ) AS event (
        event_id, occurred_at, action, outcome, reason, actor_kind, actor_id, request_id, resource_type, resource_id,
        before, after, details_digest, canonical, salt, details
    )
),
personal AS (
    INSERT INTO audit_details (event_id, salt, details)
    SELECT event_id, salt, details FROM event WHERE details_digest IS NOT NULL
),
unsealed AS (
    INSERT INTO audit_unsealed (event_id, occurred_at) SELECT event_id, occurred_at FROM event
)
INSERT INTO audit_events (
    event_id, occurred_at, action, outcome, reason, actor_kind, actor_id, request_id, resource_type, resource_id,
    before, after, details_digest, canonical
)
SELECT
    event_id, occurred_at, action, outcome, reason, actor_kind, actor_id, request_id, resource_type, resource_id,
    before, after, details_digest, canonical
FROM event

-- name: tail
SELECT
    event_id, occurred_at, action, outcome, reason, actor_kind, actor_id, request_id, resource_type, resource_id,
    before, after, salt, details
FROM audit_events
LEFT JOIN audit_details USING (event_id)
ORDER BY occurred_at DESC, event_id DESC
LIMIT %(limit)s

-- name: about
SELECT
    event_id, occurred_at, action, outcome, reason, actor_kind, actor_id, request_id, resource_type, resource_id,
    before, after, salt, details
FROM unnest(%(types)s::text[], %(ids)s::text[]) AS resource (resource_type, resource_id)
JOIN audit_events USING (resource_type, resource_id)
LEFT JOIN audit_details USING (event_id)
ORDER BY occurred_at DESC, event_id DESC
LIMIT %(limit)s

-- name: forget
DELETE FROM audit_details WHERE event_id = ANY (ARRAY(
    SELECT event_id FROM audit_events
    JOIN unnest(%(types)s::text[], %(ids)s::text[]) AS resource (resource_type, resource_id)
        USING (resource_type, resource_id)
))
