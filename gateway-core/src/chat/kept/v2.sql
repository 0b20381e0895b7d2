-- The files of messages that are on their way or were refused. They go with their message, whatever removes it.
CREATE TABLE attachment (
    gateway TEXT NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    -- In base64, as it is sent.
    data TEXT NOT NULL,
    PRIMARY KEY (gateway, key, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER message_is_gone AFTER DELETE ON message BEGIN
    DELETE FROM attachment WHERE gateway = OLD.gateway AND key = OLD.key;
END;
