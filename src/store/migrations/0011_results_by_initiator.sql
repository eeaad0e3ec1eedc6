-- Results are told initiator by initiator, so that one that does not answer holds up no other.
ALTER TABLE delivery ADD COLUMN told_to TEXT NOT NULL DEFAULT ''; -- the initiator that wants to be told; empty for nobody
UPDATE delivery SET told_to = (SELECT initiator FROM push WHERE push.id = delivery.push) WHERE notice IN (1, 2);

DROP INDEX delivery_untold;
CREATE INDEX delivery_untold ON delivery (told_to, due_at) WHERE notice = 2;
