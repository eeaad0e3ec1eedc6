-- Jobs are found by their IMSI without holding it: HMAC-SHA-256 under a key that the vault seals. Jobs from before this have none.

ALTER TABLE job ADD COLUMN imsi TEXT;
CREATE INDEX job_by_imsi ON job (imsi) WHERE imsi IS NOT NULL;

CREATE TABLE fingerprint_key (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    sealed      BLOB    NOT NULL
) STRICT;

-- Which card a row of a table was given to, for tables that do not name their cards. A row is known by its fingerprint.
CREATE TABLE row_claim (
    row         TEXT    NOT NULL PRIMARY KEY,
    iccid       TEXT,                  -- none when the row was taken back
    claimed_at  INTEGER NOT NULL,
    done_at     INTEGER                -- of rows that make no job: when the card was done
) STRICT, WITHOUT ROWID;

CREATE INDEX row_claim_by_iccid ON row_claim (iccid);
