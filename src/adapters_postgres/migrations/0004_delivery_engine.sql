-- Issues in Markdown, causes of pauses, breakers that one worker tries, and a ledger whose old rows become sums.

ALTER TABLE letters ADD COLUMN markdown_body text;
ALTER TABLE letters ADD COLUMN imprint jsonb CHECK (jsonb_typeof(imprint) = 'object');
ALTER TABLE letters DROP CONSTRAINT letters_words;
ALTER TABLE letters ADD CONSTRAINT letters_words CHECK (
    CASE kind
        WHEN 'issue' THEN subject IS NOT NULL
        ELSE num_nonnulls(subject, text_body, html_body, markdown_body) = 0
    END
);

ALTER TABLE newsletter_issues ADD COLUMN pause_cause text COLLATE "C"
    CHECK (pause_cause IN ('person', 'sender', 'refusals'));

ALTER TABLE deliveries ADD COLUMN blames_letter boolean NOT NULL DEFAULT false;
-- An index that looked at the state itself would be touched by every mark.
ALTER TABLE deliveries ADD COLUMN has_failed boolean NOT NULL GENERATED ALWAYS AS (state = 'failed') STORED;
CREATE INDEX deliveries_failed ON deliveries (letter_id, recipient_id, occasion) WHERE has_failed;
-- A letter's last outcomes, and what is old enough to become sums.
CREATE INDEX deliveries_by_settlement ON deliveries (letter_id, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX deliveries_blaming ON deliveries (letter_id, recipient_id, occasion) WHERE blames_letter;
CREATE INDEX deliveries_in_doubt ON deliveries (letter_id, recipient_id, occasion) WHERE resend_at IS NOT NULL;
CREATE INDEX deliveries_once_in_doubt ON deliveries (letter_id) WHERE uncertain_attempts > 0;

CREATE TABLE delivery_sums (
    letter_id uuid,
    state text COLLATE "C" CHECK (state IN ('sent', 'suppressed', 'cancelled')),
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (letter_id, state)
);

ALTER TABLE breakers ADD COLUMN probing boolean NOT NULL DEFAULT false;
