-- Two cards may have one number, and two processes one journal: an entry has an identity and an owner, and only the owner
-- closes it. No owner: nobody works on it. Numbers are never given twice.

CREATE TABLE card_write_2 (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    iccid       TEXT    NOT NULL UNIQUE,
    owner       TEXT,
    script      INTEGER NOT NULL DEFAULT 0,
    began_at    INTEGER NOT NULL,
    steps       INTEGER NOT NULL,
    sealed      BLOB    NOT NULL
) STRICT;

INSERT INTO card_write_2 (iccid, began_at, steps, sealed)
SELECT iccid, began_at, steps, sealed FROM card_write ORDER BY began_at, iccid;

DROP TABLE card_write;
ALTER TABLE card_write_2 RENAME TO card_write;
