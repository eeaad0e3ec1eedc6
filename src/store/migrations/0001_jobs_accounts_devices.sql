-- Jobs, the accounts of devices at the embedded DM server, and what devices say they are.
-- Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE job (
    id          TEXT    NOT NULL PRIMARY KEY, -- sorts by the time of making
    key         TEXT    UNIQUE,               -- the caller's name for it
    state       TEXT    NOT NULL,
    reason      TEXT,
    profile     TEXT    NOT NULL,
    version     INTEGER NOT NULL,             -- of the profile
    server_id   TEXT    NOT NULL,
    route       TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    imei        TEXT,
    iccid       TEXT,
    account     INTEGER UNIQUE,               -- may outlive the account, which is dropped when a newer one was used
    owner       TEXT,                         -- the process that delivers, while it does
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_iccid ON job (iccid);

CREATE TABLE attempt (
    job         TEXT    NOT NULL REFERENCES job (id),
    number      INTEGER NOT NULL,
    route       TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    job         TEXT    NOT NULL REFERENCES job (id),
    number      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    from_state  TEXT,
    to_state    TEXT    NOT NULL,
    reason      TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- A history is only added to.
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'the history of a job is only added to'); END;
CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'the history of a job is only added to'); END;

-- Of a secret only B64(MD5(name:secret)) is kept. Whoever has that can compute MD5 credentials, so the file is as
-- secret as what is in it.
CREATE TABLE account (
    id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, since jobs name it
    server_id       TEXT    NOT NULL,
    device          TEXT,
    client_scheme   TEXT    NOT NULL,
    client_name     TEXT    NOT NULL,
    client_digest   TEXT    NOT NULL,
    client_nonce    BLOB    NOT NULL,
    server_scheme   TEXT    NOT NULL,
    server_name     TEXT    NOT NULL,
    server_digest   TEXT    NOT NULL,
    server_nonce    BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    used_at         INTEGER,
    inventoried_at  INTEGER
) STRICT;

CREATE INDEX account_by_name ON account (client_name, id);
CREATE INDEX account_by_device ON account (device, id);

CREATE TABLE device (
    name    TEXT    NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device_node (
    device  TEXT NOT NULL REFERENCES device (name),
    uri     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (device, uri)
) STRICT, WITHOUT ROWID;
