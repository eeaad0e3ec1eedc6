-- What is known of the keys that were presented to cards. A key that a card refused is not presented to it again
-- until a person removes its row. No key stands here.

CREATE TABLE presented_key (
    iccid       TEXT    NOT NULL,
    key_ref     INTEGER NOT NULL,
    state       TEXT    NOT NULL, -- unanswered | accepted | refused
    tries       INTEGER,          -- what the counter showed before
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (iccid, key_ref)
) STRICT, WITHOUT ROWID;
