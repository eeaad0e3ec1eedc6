-- Deliveries are handed out lane by lane, so that a route that is stuck holds up no other; and what was handed out is in
-- doubt only once it is about to leave.
ALTER TABLE delivery ADD COLUMN lane TEXT NOT NULL DEFAULT '';      -- of the bearer, while it waits
ALTER TABLE delivery ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0; -- while it is sent: 1 when something of it may have left
UPDATE delivery SET leaving = 1 WHERE state = 1;

DROP INDEX delivery_waiting;
CREATE INDEX delivery_waiting ON delivery (lane, priority, due_at) WHERE state = 0;
