-- name: exists
SELECT to_regclass('schema_migrations') IS NOT NULL

-- name: create
CREATE TABLE schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: applied
SELECT version, name, checksum FROM schema_migrations ORDER BY version

-- name: record
INSERT INTO schema_migrations (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s)

-- name: make_partitions
SELECT audit_partitions_ahead(12)

-- name: grants
-- Statements that give a role what it needs and nothing more; none where it is the owner itself.
SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', current_schema(), %(role)s::text)
WHERE %(role)s::text <> current_user
UNION ALL
SELECT format('REVOKE ALL ON %%1$s FROM %%2$I; GRANT %%3$s ON %%1$s TO %%2$I', oid::regclass, %(role)s::text, CASE
    WHEN relkind = 'v' OR relname = 'schema_migrations' THEN 'SELECT'
    WHEN relname IN ('audit_events', 'audit_seals') THEN 'SELECT, INSERT'
    WHEN relispartition THEN 'SELECT, INSERT'
    ELSE 'SELECT, INSERT, UPDATE, DELETE'
END)
FROM pg_class
WHERE %(role)s::text <> current_user
    AND relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'p', 'v')
    AND pg_get_userbyid(relowner) = current_user
