-- What a push job needs until it has ended: number, push, account, PIN, sealed by the vault. The row stays when the job
-- has ended, with no more in it than what the same request is known by.

CREATE TABLE job_order (
    job     TEXT    NOT NULL PRIMARY KEY REFERENCES job (id),
    open    INTEGER NOT NULL, -- 1 while somebody has to work on it
    owner   TEXT,             -- the process that does
    sealed  BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX job_order_open ON job_order (job) WHERE open = 1;
