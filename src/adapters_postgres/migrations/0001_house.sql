-- Everything but the ledger of deliveries. docs/reference/schema.md says what each table and column is for.
-- Text that is compared, never shown in order, is COLLATE "C": byte order is several times faster, and no update of the
-- system moves it.

CREATE TABLE newsletters (
    newsletter_id uuid PRIMARY KEY,
    slug text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    sender_email text,
    reply_to text,
    postal_address text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE subscriptions (
    id uuid PRIMARY KEY,
    newsletter_id uuid NOT NULL REFERENCES newsletters,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    email_domain text COLLATE "C" NOT NULL,
    email_digest bytea NOT NULL,
    email_digest_key text COLLATE "C" NOT NULL,
    name text NOT NULL,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('pending_confirmation', 'confirmed', 'unsubscribed', 'bounced', 'complained')),
    earlier_status text COLLATE "C"
        CHECK (earlier_status IN ('confirmed', 'unsubscribed', 'bounced', 'complained')),
    subscribed_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    paused_until timestamptz,
    fields jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(fields) = 'object'),
    tags text[] NOT NULL DEFAULT '{}',
    -- The e-mail address first: one index finds a subscriber of one newsletter, and a person's rows in all of them.
    CONSTRAINT subscriptions_email_key UNIQUE (email_key, newsletter_id)
);
CREATE INDEX subscriptions_by_digest ON subscriptions (email_digest_key, email_digest);
CREATE INDEX subscriptions_audience ON subscriptions (newsletter_id, id) WHERE status = 'confirmed';

CREATE TABLE sign_up_rounds (
    round_id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    name text NOT NULL,
    source text NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'confirmed', 'ended')),
    opened_at timestamptz NOT NULL
);
CREATE INDEX sign_up_rounds_by_subscription ON sign_up_rounds (subscription_id);

CREATE TABLE tokens (
    token_id uuid PRIMARY KEY,
    purpose text COLLATE "C" NOT NULL,
    subject_id uuid NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX tokens_by_subject ON tokens (subject_id, purpose);
CREATE INDEX tokens_by_expiry ON tokens (expires_at);

-- No foreign keys: the evidence outlives the subscriber it is about.
CREATE TABLE consent (
    consent_id uuid PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    subscription_id uuid NOT NULL,
    round_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    source text NOT NULL,
    form_version text,
    form_hash text,
    request_id text,
    network_address text,
    user_agent text,
    actor_kind text COLLATE "C" NOT NULL,
    actor_id text,
    message_id text
);
CREATE INDEX consent_by_subscription ON consent (subscription_id, occurred_at);

-- An issue and its letter name each other and are written by one transaction, in either order: no foreign keys between
-- them.
CREATE TABLE newsletter_issues (
    newsletter_issue_id uuid PRIMARY KEY,
    newsletter_id uuid NOT NULL REFERENCES newsletters,
    letter_id uuid NOT NULL,
    title text NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('draft', 'scheduled', 'sending', 'paused', 'finished', 'cancelled')),
    audience bigint NOT NULL DEFAULT 0 CHECK (audience >= 0),
    created_at timestamptz NOT NULL,
    published_at timestamptz,
    finished_at timestamptz,
    pause_reason text,
    segment jsonb NOT NULL DEFAULT '{"all": "confirmed"}'
);
CREATE INDEX newsletter_issues_at_work ON newsletter_issues (newsletter_issue_id) WHERE state IN ('sending', 'paused');

CREATE TABLE letters (
    letter_id uuid PRIMARY KEY,
    newsletter_id uuid NOT NULL REFERENCES newsletters,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('issue', 'confirmation', 'notice', 'reset', 'invitation')),
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'paused', 'closed')),
    uncertain_policy text COLLATE "C" NOT NULL CHECK (uncertain_policy IN ('resend', 'hold')),
    newsletter_issue_id uuid,
    subject text,
    text_body text,
    html_body text,
    headers jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(headers) = 'object'),
    priority smallint NOT NULL,
    dated_at timestamptz,
    pause_reason text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT letters_words CHECK (
        CASE kind WHEN 'issue' THEN subject IS NOT NULL ELSE num_nonnulls(subject, text_body, html_body) = 0 END
    )
);

CREATE TABLE suppressions (
    email_digest_key text COLLATE "C",
    email_digest bytea,
    reason text COLLATE "C" CHECK (reason IN ('bounce', 'complaint', 'erasure', 'import', 'manual')),
    created_at timestamptz NOT NULL,
    note text,
    PRIMARY KEY (email_digest_key, email_digest, reason)
);

CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL UNIQUE,
    email text,
    email_key text COLLATE "C",
    email_digest bytea,
    email_digest_key text COLLATE "C",
    password_hash text,
    created_at timestamptz NOT NULL,
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK ((email_digest IS NULL) = (email_digest_key IS NULL))
);

CREATE TABLE sessions (
    session_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_use ON sessions (seen_at);

CREATE TABLE idempotency (
    newsletter_id uuid REFERENCES newsletters,
    idempotency_key text COLLATE "C",
    fingerprint bytea NOT NULL,
    actor text NOT NULL,
    newsletter_issue_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (newsletter_id, idempotency_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Half of each page stays free, so that taking from a cell rewrites it within its page and touches no index.
CREATE TABLE limits (
    scope text COLLATE "C",
    subject text COLLATE "C",
    tat timestamptz NOT NULL,
    burst interval NOT NULL,
    PRIMARY KEY (scope, subject)
) WITH (fillfactor = 50);

CREATE TABLE limit_refusals (
    scope text COLLATE "C",
    subject_digest bytea,
    minute timestamptz,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (scope, subject_digest, minute)
) WITH (fillfactor = 50);

CREATE TABLE audit_events (
    event_id uuid,
    occurred_at timestamptz,
    action text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    reason text,
    actor_kind text COLLATE "C" NOT NULL,
    actor_id text,
    request_id text,
    resource_type text COLLATE "C" NOT NULL,
    resource_id text COLLATE "C" NOT NULL,
    before jsonb,
    after jsonb,
    details_digest bytea,
    canonical text NOT NULL,
    PRIMARY KEY (occurred_at, event_id)
) PARTITION BY RANGE (occurred_at);

CREATE TABLE audit_details (
    event_id uuid PRIMARY KEY,
    salt bytea NOT NULL,
    details jsonb NOT NULL
);

CREATE TABLE audit_unsealed (
    event_id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL
);

CREATE TABLE audit_seals (
    seq bigint PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    occurred_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: audit events are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Statement triggers fire for the table that a statement names, so the parent and every partition has its own.
CREATE FUNCTION audit_protect(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()', relation);
END
$$;

-- Called by every `migrate`. A month whose events are already in the default partition stays there: they cannot be
-- moved.
CREATE FUNCTION audit_partitions_ahead(months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamp;
    partition text;
BEGIN
    FOR ahead IN 0..months LOOP
        first := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => ahead);
        partition := 'audit_events_' || to_char(first, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF audit_events FOR VALUES FROM (%L) TO (%L)',
                partition, first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
            PERFORM audit_protect(partition::regclass);
        EXCEPTION WHEN check_violation THEN
            CONTINUE;
        END;
    END LOOP;
END
$$;

CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
SELECT audit_protect('audit_events'), audit_protect('audit_events_default');

-- The newsletter every store starts with, and its letters: ids are uuid5(newsletter, kind).
INSERT INTO newsletters (newsletter_id, slug, name)
VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'Newsletter');
INSERT INTO letters (letter_id, newsletter_id, kind, state, uncertain_policy, priority)
SELECT letter_id, '00000000-0000-7000-8000-000000000001', kind, 'open', 'resend', 0
FROM (VALUES
    ('413427a5-53b6-55cb-83b6-b35892077d95'::uuid, 'confirmation'),
    ('d4ab2aa6-3e68-548e-a7d7-a193e1b23fe9', 'notice'),
    ('e283942f-b528-5b86-8b47-9981d10b0e97', 'reset'),
    ('2068d0c6-f341-5b1f-a8cc-6e28a5253ae3', 'invitation')
) AS template (letter_id, kind);
