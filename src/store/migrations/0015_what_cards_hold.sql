-- A job of the card route says what it brought, as a fingerprint, and is told when something else is written to its card: what it
-- brought is not what the card holds from then on. Jobs from before this have neither.

ALTER TABLE job ADD COLUMN asked TEXT;
ALTER TABLE job ADD COLUMN overwritten_at INTEGER;
