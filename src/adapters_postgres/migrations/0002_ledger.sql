-- The ledger of deliveries, and what workers share. docs/reference/schema.md says what each table and column is for.

-- Deliveries point to their lease without a foreign key: its check would lock the lease once for every row, and a lease is
-- removed only by the statement that takes its rows back.
CREATE TABLE leases (
    lease_id uuid PRIMARY KEY,
    worker text NOT NULL,
    taken_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX leases_by_end ON leases (expires_at);

-- No foreign keys either to letters, which are never removed and whose check would double the price of a row, or to
-- recipients, who may be erased while the sums stay.
-- A row is due while it is unfinished, and to be resent while it is uncertain: the indexes look at these times and at the
-- lease, never at the state, so that a mark, which changes the state alone, touches no index. It needs room in the row's
-- page for that; half a page each makes it so for all but a few.
CREATE TABLE deliveries (
    letter_id uuid,
    recipient_id uuid,
    occasion uuid DEFAULT '00000000-0000-0000-0000-000000000000',
    recipient_kind text COLLATE "C" NOT NULL CHECK (recipient_kind IN ('subscriber', 'account', 'email_address')),
    domain text COLLATE "C" NOT NULL,
    email_digest bytea NOT NULL,
    email_digest_key text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (
        state IN ('pending', 'deferred', 'leased', 'attempting', 'sent', 'failed', 'suppressed', 'uncertain', 'cancelled')
    ),
    attempts smallint NOT NULL DEFAULT 0,
    uncertain_attempts smallint NOT NULL DEFAULT 0,
    priority smallint NOT NULL,
    due_at timestamptz,
    resend_at timestamptz,
    give_up_at timestamptz NOT NULL,
    lease_id uuid,
    reply_code smallint,
    reply text,
    settled_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (letter_id, recipient_id, occasion),
    CONSTRAINT deliveries_due CHECK ((due_at IS NOT NULL) = (state IN ('pending', 'deferred', 'leased', 'attempting'))),
    CONSTRAINT deliveries_held CHECK ((lease_id IS NOT NULL) = (state IN ('leased', 'attempting'))),
    CONSTRAINT deliveries_uncertain CHECK ((resend_at IS NOT NULL) = (state = 'uncertain')),
    CONSTRAINT deliveries_settled CHECK (
        (settled_at IS NOT NULL) = (state IN ('sent', 'failed', 'suppressed', 'cancelled'))
    )
) WITH (fillfactor = 50);
CREATE INDEX deliveries_by_turn ON deliveries (letter_id, priority, due_at) WHERE due_at IS NOT NULL AND lease_id IS NULL;
CREATE INDEX deliveries_by_lease ON deliveries (lease_id) WHERE lease_id IS NOT NULL;
CREATE INDEX deliveries_by_resend ON deliveries (resend_at) WHERE resend_at IS NOT NULL;
CREATE INDEX letters_open ON letters (letter_id) WHERE state = 'open';

-- One row for each delivery that is waiting, held by a lease, or uncertain and to be resent by itself; asked for one letter,
-- it reads the three small indexes.
CREATE VIEW unfinished_deliveries AS
SELECT letter_id, recipient_id, occasion FROM deliveries WHERE due_at IS NOT NULL AND lease_id IS NULL
UNION ALL
SELECT letter_id, recipient_id, occasion FROM deliveries WHERE lease_id IS NOT NULL
UNION ALL
SELECT letter_id, recipient_id, occasion FROM deliveries JOIN letters USING (letter_id)
WHERE resend_at IS NOT NULL AND uncertain_policy = 'resend';

CREATE TABLE bare_recipients (
    recipient_id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    email_domain text COLLATE "C" NOT NULL,
    email_digest bytea NOT NULL,
    email_digest_key text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whom a delivery of an open letter reaches; `verdict` is the state it goes to instead where nobody may be mailed, else null.
-- Which suppressions hold follows domain/suppressions.py (BLOCKS_ACCOUNT_MAIL, LIFTED_BY_CONFIRMING).
-- The planner unfolds a function of this form into the statement that calls it.
CREATE FUNCTION delivery_standing(
    letter_kind text, kind text, recipient uuid, occasion uuid, digest_key text, digest bytea, at timestamptz
) RETURNS TABLE (verdict text, email text, email_key text, name text) LANGUAGE sql STABLE AS $$
    SELECT
        CASE
            WHEN EXISTS (
                SELECT FROM suppressions
                WHERE email_digest_key = digest_key AND email_digest = digest AND CASE
                    WHEN kind = 'account' THEN reason = 'bounce'
                    WHEN letter_kind = 'confirmation' THEN reason NOT IN ('bounce', 'erasure')
                    ELSE true
                END
            ) THEN 'suppressed'
            WHEN num_nonnulls(subscriptions.email, accounts.email, bare_recipients.email) = 0 THEN 'suppressed'
            WHEN kind <> 'subscriber' THEN NULL
            WHEN letter_kind = 'issue' AND (status <> 'confirmed' OR at < paused_until) THEN 'suppressed'
            WHEN letter_kind = 'confirmation' AND (status <> 'pending_confirmation' OR token_id IS NULL) THEN 'cancelled'
        END,
        coalesce(subscriptions.email, accounts.email, bare_recipients.email),
        coalesce(subscriptions.email_key, accounts.email_key, bare_recipients.email_key),
        coalesce(subscriptions.name, accounts.username, '')
    FROM (SELECT) AS delivery
    LEFT JOIN subscriptions ON kind = 'subscriber' AND subscriptions.id = recipient
    LEFT JOIN accounts ON kind = 'account' AND accounts.account_id = recipient
    LEFT JOIN bare_recipients ON kind = 'email_address' AND bare_recipients.recipient_id = recipient
    LEFT JOIN tokens ON letter_kind = 'confirmation'
        AND token_id = occasion AND purpose = 'confirm' AND spent_at IS NULL AND at < tokens.expires_at
$$;

CREATE TABLE breakers (
    scope text COLLATE "C" CHECK (scope IN ('relay', 'domain')),
    subject text COLLATE "C",
    open_until timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    reason text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (scope, subject)
) WITH (fillfactor = 50);

CREATE TABLE workers (
    worker text COLLATE "C" PRIMARY KEY,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);
