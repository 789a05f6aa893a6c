-- What an account no longer wants on its checklist, and consent that is withdrawn: by a link of any issue, of no round.

ALTER TABLE accounts ADD COLUMN dismissed_steps text[] COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE consent ALTER COLUMN round_id DROP NOT NULL;
