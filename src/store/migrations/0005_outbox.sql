-- The outbox of the Push Proxy Gateway: what was accepted, until its end is known and told.

CREATE TABLE push (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    initiator   TEXT    NOT NULL,
    push_id     TEXT    NOT NULL,   -- the initiator's name for it
    received_at INTEGER NOT NULL,
    notify_to   TEXT,
    version     INTEGER NOT NULL,   -- of PAP, 10 times
    ports       INTEGER NOT NULL,   -- destination, then source, 16 bits each
    octets      BLOB,               -- the WSP PDU, sealed by the vault; NULL once nothing of it will be sent any more
    UNIQUE (initiator, push_id)
) STRICT;

CREATE TABLE delivery (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, since bearers name it
    push         INTEGER NOT NULL REFERENCES push (id),
    address      TEXT    NOT NULL,  -- as it came
    destination  TEXT,              -- digits or an IP address; NULL where the address was refused
    priority     INTEGER NOT NULL,  -- 0 goes first
    state        INTEGER NOT NULL,  -- 0 waiting, 1 sending, 2 sent; from 3 on it is the end
    code         INTEGER NOT NULL,  -- of PAP
    reason       TEXT    NOT NULL,
    changed_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,  -- waiting: when to send; sent: when to give up waiting; at the end: when to tell
    expires_at   INTEGER,
    tries        INTEGER NOT NULL,  -- of sending; at the end: of telling
    segments     INTEGER NOT NULL,
    owner        TEXT,              -- the process that sends, while it does
    notice       INTEGER NOT NULL   -- 0 nobody wants to be told, 1 to be told at the end, 2 to be told now, 3 told or given up
) STRICT;

CREATE INDEX push_by_time ON push (received_at);
CREATE INDEX delivery_by_push ON delivery (push);
-- Each holds only what somebody looks for, so that what has ended costs nothing.
CREATE INDEX delivery_waiting ON delivery (priority, due_at) WHERE state = 0;
CREATE INDEX delivery_expiring ON delivery (expires_at) WHERE state = 0 AND expires_at IS NOT NULL;
CREATE INDEX delivery_sending ON delivery (id) WHERE state = 1;
CREATE INDEX delivery_sent ON delivery (due_at) WHERE state = 2;
CREATE INDEX delivery_untold ON delivery (due_at) WHERE notice = 2;

-- The segments that SMSCs took, by the names that receipts use. A receipt may come before the answer that gives its
-- segment the name, or be about somebody else's: such a row has no delivery, for a while or for ever.
CREATE TABLE message (
    smsc     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    delivery INTEGER REFERENCES delivery (id),
    segment  INTEGER,
    receipt  INTEGER,               -- what became of it, as SMPP numbers it
    noted_at INTEGER,               -- when a receipt came without a delivery
    PRIMARY KEY (smsc, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_by_delivery ON message (delivery);
CREATE INDEX message_of_nobody ON message (noted_at) WHERE delivery IS NULL;
