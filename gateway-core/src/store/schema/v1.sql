-- Times are milliseconds since 1970. Lists and free values are JSON text.

-- A transcript outlives a reset of its session: it is then no longer the current one.
CREATE TABLE transcript (
    session_id  TEXT PRIMARY KEY,
    session_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX transcript_by_key ON transcript (session_key);

CREATE TABLE session (
    key            TEXT PRIMARY KEY,
    session_id     TEXT NOT NULL UNIQUE REFERENCES transcript (session_id),
    agent_id       TEXT NOT NULL,
    label          TEXT,
    model          TEXT,
    thinking_level TEXT,
    pinned         INTEGER NOT NULL DEFAULT 0,
    archived       INTEGER NOT NULL DEFAULT 0,
    unread         INTEGER NOT NULL DEFAULT 0,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    input_tokens   INTEGER NOT NULL DEFAULT 0,
    output_tokens  INTEGER NOT NULL DEFAULT 0,
    context_tokens INTEGER NOT NULL DEFAULT 0,
    status         TEXT NOT NULL DEFAULT 'idle',
    last_run_error TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX session_by_update ON session (updated_at_ms DESC, key);

CREATE TABLE message (
    session_id      TEXT NOT NULL REFERENCES transcript (session_id) ON DELETE CASCADE,
    seq             INTEGER NOT NULL,
    id              TEXT NOT NULL UNIQUE,
    role            TEXT NOT NULL,
    content         TEXT NOT NULL,
    timestamp_ms    INTEGER NOT NULL,
    run_id          TEXT,
    idempotency_key TEXT,
    extra           TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;

CREATE INDEX message_by_run ON message (run_id) WHERE run_id IS NOT NULL;
-- One input is one message, however often it is sent.
CREATE UNIQUE INDEX message_by_idempotency_key
    ON message (session_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE run (
    -- The order in which runs were accepted.
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id         TEXT NOT NULL UNIQUE,
    session_key    TEXT NOT NULL,
    session_id     TEXT NOT NULL,
    state          TEXT NOT NULL,
    accepted_at_ms INTEGER NOT NULL,
    started_at_ms  INTEGER,
    ended_at_ms    INTEGER,
    outcome        TEXT NOT NULL
) STRICT;

CREATE INDEX run_unfinished ON run (session_key, number) WHERE state IN ('queued', 'running');

-- The message of a run queued behind another one. The row becomes a message when the run starts.
CREATE TABLE waiting_input (
    run_id       TEXT PRIMARY KEY REFERENCES run (run_id) ON DELETE CASCADE,
    message_id   TEXT NOT NULL UNIQUE,
    content      TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    extra        TEXT NOT NULL
) STRICT;

CREATE TABLE device (
    device_id       TEXT PRIMARY KEY,
    public_key      TEXT NOT NULL,
    display_name    TEXT,
    platform        TEXT,
    device_family   TEXT,
    client_id       TEXT,
    client_mode     TEXT,
    roles           TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    approved_via    TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    approved_at_ms  INTEGER NOT NULL,
    last_seen_at_ms INTEGER,
    label           TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_pairing (
    request_id    TEXT PRIMARY KEY,
    device_id     TEXT NOT NULL UNIQUE,
    public_key    TEXT NOT NULL,
    display_name  TEXT,
    platform      TEXT,
    device_family TEXT,
    client_id     TEXT,
    client_mode   TEXT,
    role          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    remote_ip     TEXT,
    reason        TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The token itself is nowhere: only its SHA-256.
CREATE TABLE device_token (
    device_id     TEXT NOT NULL REFERENCES device (device_id) ON DELETE CASCADE,
    role          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    scopes        TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    rotated_at_ms INTEGER,
    revoked_at_ms INTEGER,
    PRIMARY KEY (device_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_surface (
    request_id    TEXT PRIMARY KEY,
    node_id       TEXT NOT NULL UNIQUE,
    caps          TEXT NOT NULL,
    commands      TEXT NOT NULL,
    permissions   TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE node_surface (
    node_id        TEXT PRIMARY KEY,
    caps           TEXT NOT NULL,
    commands       TEXT NOT NULL,
    permissions    TEXT NOT NULL,
    approved_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE exec_allow (
    agent_id      TEXT NOT NULL,
    argv_hash     TEXT NOT NULL,
    cwd           TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent_id, argv_hash, cwd)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    method       TEXT NOT NULL,
    key          TEXT NOT NULL,
    value        TEXT NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    UNIQUE (method, key)
) STRICT;
