-- Everything between a stranger's first click and the last trace of them. docs/reference/schema.md says what is for what.

ALTER TABLE letters DROP CONSTRAINT letters_kind_check;
ALTER TABLE letters ADD CONSTRAINT letters_kind_check
    CHECK (kind IN ('issue', 'confirmation', 'notice', 'preferences', 'reset', 'invitation'));
INSERT INTO letters (letter_id, newsletter_id, kind, state, uncertain_policy, priority)
VALUES (
    '63207a3c-3978-51de-a63f-bdd1ccb8f6a2', '00000000-0000-7000-8000-000000000001', 'preferences', 'open', 'resend', 0
);

-- Fields and tags: what a newsletter declares, and what a sign-up gave until its confirmation makes it the subscriber's.
ALTER TABLE newsletters ADD COLUMN fields jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(fields) = 'array');
ALTER TABLE newsletters ADD COLUMN tags jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tags) = 'array');
ALTER TABLE sign_up_rounds ADD COLUMN fields jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(fields) = 'object');
ALTER TABLE sign_up_rounds ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
CREATE INDEX sign_up_rounds_open ON sign_up_rounds (opened_at) WHERE state = 'open';

-- The staff's list: newest first of all, of a domain, of a tag; and those whose e-mail address or name begins so, in that
-- order. The status comes before what an index orders by, so that one status is a piece of it and all are five. The name is
-- compared in the form that the application gives it: what the server makes of letters without case depends on its locale.
ALTER TABLE subscriptions ADD COLUMN name_key text COLLATE "C" NOT NULL DEFAULT '';
UPDATE subscriptions SET name_key = lower(name);
CREATE INDEX subscriptions_by_status ON subscriptions (newsletter_id, status, id);
DROP INDEX subscriptions_audience;
CREATE INDEX subscriptions_by_email ON subscriptions (newsletter_id, status, email_key, id);
CREATE INDEX subscriptions_by_name ON subscriptions (newsletter_id, status, name_key, id);
CREATE INDEX subscriptions_by_domain ON subscriptions (newsletter_id, status, email_domain, id);

-- The same four orders for those who have a tag, with what they need of the subscriber: an index over arrays keeps no
-- order, and a search whose finds hardly have the tag would go through all of them. No foreign key: triggers keep it in
-- step, and cost a subscriber without tags nothing.
CREATE TABLE subscription_tags (
    newsletter_id uuid,
    tag text COLLATE "C",
    status text COLLATE "C",
    subscription_id uuid,
    email_key text COLLATE "C" NOT NULL,
    email_domain text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (newsletter_id, tag, status, subscription_id)
);
INSERT INTO subscription_tags
SELECT DISTINCT newsletter_id, unnest(tags), status, id, email_key, email_domain, name_key
FROM subscriptions WHERE tags <> '{}';
CREATE INDEX subscription_tags_by_email ON subscription_tags (newsletter_id, tag, status, email_key, subscription_id);
CREATE INDEX subscription_tags_by_name ON subscription_tags (newsletter_id, tag, status, name_key, subscription_id);
CREATE INDEX subscription_tags_by_domain ON subscription_tags (newsletter_id, tag, status, email_domain, subscription_id);
CREATE FUNCTION subscription_tags_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM subscription_tags
        WHERE newsletter_id = OLD.newsletter_id AND tag = ANY (OLD.tags) AND status = OLD.status
            AND subscription_id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO subscription_tags
        SELECT DISTINCT
            NEW.newsletter_id, unnest(NEW.tags), NEW.status, NEW.id, NEW.email_key, NEW.email_domain, NEW.name_key;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER tags_added AFTER INSERT ON subscriptions FOR EACH ROW WHEN (NEW.tags <> '{}')
    EXECUTE FUNCTION subscription_tags_follow();
CREATE TRIGGER tags_changed AFTER UPDATE OF tags, status, email_key, email_domain, name_key ON subscriptions FOR EACH ROW
    WHEN (
        (OLD.tags <> '{}' OR NEW.tags <> '{}')
        AND (OLD.tags, OLD.status, OLD.email_key, OLD.email_domain, OLD.name_key)
            <> (NEW.tags, NEW.status, NEW.email_key, NEW.email_domain, NEW.name_key)
    )
    EXECUTE FUNCTION subscription_tags_follow();
CREATE TRIGGER tags_removed AFTER DELETE ON subscriptions FOR EACH ROW WHEN (OLD.tags <> '{}')
    EXECUTE FUNCTION subscription_tags_follow();

-- A cell is its theoretical arrival time; the rate is the asker's.
ALTER TABLE limits DROP COLUMN burst;

-- A person's history, and what erasure empties of it.
CREATE INDEX audit_events_by_resource ON audit_events (resource_type, resource_id, occurred_at);

-- As before, but that suppressions are looked up by the recipient's digest of today, which keys that are rotated rewrite
-- together with them; that notices and links to one's data have conditions too; and that a subscriber's fields and tags come along.
DROP FUNCTION delivery_standing;
CREATE FUNCTION delivery_standing(letter_kind text, kind text, recipient uuid, occasion uuid, at timestamptz)
RETURNS TABLE (verdict text, email text, email_key text, name text, fields jsonb, tags text[]) LANGUAGE sql STABLE AS $$
    SELECT
        CASE
            WHEN num_nonnulls(subscriptions.email, accounts.email, bare_recipients.email) = 0 THEN 'suppressed'
            WHEN EXISTS (
                SELECT FROM suppressions
                WHERE suppressions.email_digest_key = coalesce(
                        subscriptions.email_digest_key, accounts.email_digest_key, bare_recipients.email_digest_key
                    )
                    AND suppressions.email_digest = coalesce(
                        subscriptions.email_digest, accounts.email_digest, bare_recipients.email_digest
                    )
                    AND CASE
                        WHEN kind = 'account' THEN reason = 'bounce'
                        WHEN letter_kind = 'confirmation' THEN reason NOT IN ('bounce', 'erasure')
                        ELSE true
                    END
            ) THEN 'suppressed'
            WHEN kind <> 'subscriber' THEN NULL
            WHEN letter_kind = 'issue' AND (status <> 'confirmed' OR at < paused_until) THEN 'suppressed'
            WHEN letter_kind = 'notice' AND status <> 'confirmed' THEN 'cancelled'
            WHEN letter_kind = 'preferences' AND token_id IS NULL THEN 'cancelled'
            WHEN letter_kind = 'confirmation' AND (status <> 'pending_confirmation' OR token_id IS NULL) THEN 'cancelled'
        END,
        coalesce(subscriptions.email, accounts.email, bare_recipients.email),
        coalesce(subscriptions.email_key, accounts.email_key, bare_recipients.email_key),
        coalesce(subscriptions.name, accounts.username, ''),
        coalesce(subscriptions.fields, '{}'),
        coalesce(subscriptions.tags, '{}')
    FROM (SELECT) AS delivery
    LEFT JOIN subscriptions ON kind = 'subscriber' AND subscriptions.id = recipient
    LEFT JOIN accounts ON kind = 'account' AND accounts.account_id = recipient
    LEFT JOIN bare_recipients ON kind = 'email_address' AND bare_recipients.recipient_id = recipient
    LEFT JOIN tokens ON letter_kind IN ('confirmation', 'preferences')
        AND token_id = occasion AND spent_at IS NULL AND at < tokens.expires_at
        AND purpose = CASE letter_kind WHEN 'confirmation' THEN 'confirm' ELSE 'manage' END
$$;
