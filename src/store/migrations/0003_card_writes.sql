-- Writes to cards that were begun and not closed: after a cut the next contact with the card goes on from here or back.
-- What the card held and is to hold is sealed by the vault.

CREATE TABLE card_write (
    iccid       TEXT    NOT NULL PRIMARY KEY,
    began_at    INTEGER NOT NULL,
    steps       INTEGER NOT NULL,
    sealed      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
