-- A job of the card route says which octets it has put on its card, as a fingerprint under the key of fingerprints: a card that is
-- there is compared with them. Jobs from before this say nothing.

ALTER TABLE job ADD COLUMN octets TEXT;
