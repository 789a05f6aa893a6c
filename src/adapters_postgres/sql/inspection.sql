-- name: server
SELECT
    current_setting('server_version_num')::integer / 10000,
    current_user::text,
    rolsuper OR EXISTS (
        SELECT FROM pg_class WHERE oid = to_regclass('schema_migrations') AND relowner = pg_roles.oid
    )
FROM pg_roles WHERE rolname = current_user

-- name: closed_tables
-- Those that belong to whoever migrated, and that this role may not even read.
SELECT relname::text FROM pg_class
WHERE relkind IN ('r', 'p', 'v') AND NOT relispartition AND NOT has_table_privilege(oid, 'SELECT')
    AND (relnamespace, relowner) = (SELECT relnamespace, relowner FROM pg_class WHERE oid = to_regclass('schema_migrations'))
ORDER BY relname

-- name: now
SELECT clock_timestamp()

-- name: keys_of_tokens
SELECT key_id, count(*) FROM tokens WHERE expires_at > clock_timestamp() GROUP BY key_id

-- name: keys_of_subscribers
SELECT email_digest_key, count(*) FROM subscriptions GROUP BY email_digest_key

-- name: keys_of_suppressions
SELECT email_digest_key, count(*) FROM suppressions GROUP BY email_digest_key

-- name: keys_of_accounts
SELECT email_digest_key, count(*) FROM accounts WHERE email_digest_key IS NOT NULL GROUP BY email_digest_key

-- name: keys_of_deliveries
SELECT email_digest_key, count(*) FROM deliveries WHERE settled_at IS NULL GROUP BY email_digest_key

-- name: keys_of_bare_recipients
SELECT email_digest_key, count(*) FROM bare_recipients GROUP BY email_digest_key
