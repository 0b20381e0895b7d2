-- What the app keeps of conversations. Every row belongs to one gateway, by the id of its profile.

-- Messages on their way, and refused ones until their user has decided about them.
CREATE TABLE message (
    gateway TEXT NOT NULL,
    key TEXT NOT NULL,
    session_key TEXT NOT NULL,
    text TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('waiting', 'sent', 'taken', 'refused')),
    -- Why it was refused, for people.
    problem TEXT,
    -- Grows with each message that is handed in: their order.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (gateway, key)
) STRICT;

-- Where a conversation with an older gateway stood, which stores no keys.
CREATE TABLE place (
    gateway TEXT NOT NULL,
    session_key TEXT NOT NULL,
    session_id TEXT,
    seq INTEGER NOT NULL,
    PRIMARY KEY (gateway, session_key)
) STRICT, WITHOUT ROWID;

-- What was sent to such a gateway since then.
CREATE TABLE sent_since (
    gateway TEXT NOT NULL,
    session_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (gateway, session_key, position)
) STRICT, WITHOUT ROWID;

-- The composer's text.
CREATE TABLE draft (
    gateway TEXT NOT NULL,
    session_key TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (gateway, session_key)
) STRICT, WITHOUT ROWID;

-- The last history of a conversation, as the gateway told it.
CREATE TABLE transcript (
    gateway TEXT NOT NULL,
    session_key TEXT NOT NULL,
    as_of_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    history TEXT NOT NULL,
    PRIMARY KEY (gateway, session_key)
) STRICT, WITHOUT ROWID;
