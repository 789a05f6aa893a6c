-- name: add
INSERT INTO consent (
    consent_id, kind, subscription_id, round_id, occurred_at, source, form_version, form_hash, request_id,
    network_address, user_agent, actor_kind, actor_id, message_id
)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(kinds)s::text[], %(subscribers)s::uuid[], %(rounds)s::uuid[], %(occurred_ats)s::timestamptz[],
    %(sources)s::text[], %(form_versions)s::text[], %(form_hashes)s::text[], %(request_ids)s::text[],
    %(network_addresses)s::text[], %(user_agents)s::text[], %(actor_kinds)s::text[], %(actor_ids)s::text[],
    %(message_ids)s::text[]
)

-- name: of
SELECT
    consent_id, kind, subscription_id, round_id, occurred_at, source, form_version, form_hash, request_id,
    network_address, user_agent, actor_kind, actor_id, message_id
FROM consent
WHERE subscription_id = ANY(%(subscribers)s::uuid[])
ORDER BY occurred_at, consent_id

-- name: forget
UPDATE consent SET network_address = NULL, user_agent = NULL
WHERE subscription_id = ANY(%(subscribers)s::uuid[]) AND num_nonnulls(network_address, user_agent) > 0
