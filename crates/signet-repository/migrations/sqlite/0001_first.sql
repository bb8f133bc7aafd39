-- Rows that travel to other instances have `seq`, the number of their last change, as their key:
-- reading them in the order of their changes is a plain walk through the table.

CREATE TABLE counter (
  id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL
) STRICT;

INSERT INTO counter (id, seq) VALUES (1, 0);

CREATE TABLE users (
  seq           INTEGER NOT NULL PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE,
  skeleton      TEXT    NOT NULL UNIQUE,
  name          TEXT,
  mail          TEXT,
  password_hash TEXT,
  one_time      INTEGER NOT NULL,
  generation    INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
  enabled       INTEGER NOT NULL,
  deleted       INTEGER NOT NULL,
  created       INTEGER NOT NULL,
  changed       INTEGER NOT NULL
) STRICT;

CREATE TABLE groups (
  seq     INTEGER NOT NULL PRIMARY KEY,
  name    TEXT    NOT NULL UNIQUE,
  created INTEGER NOT NULL
) STRICT;

-- Part of the user's row as far as changes are concerned: the user's `seq` counts.
CREATE TABLE memberships (
  user_id    TEXT NOT NULL REFERENCES users (id),
  group_name TEXT NOT NULL REFERENCES groups (name),
  PRIMARY KEY (user_id, group_name)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_group ON memberships (group_name);

-- No reference to users: a session can belong to a user whom this instance has not met.
CREATE TABLE marks (
  seq     INTEGER NOT NULL PRIMARY KEY,
  id      BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
  ends    INTEGER NOT NULL,
  user_id TEXT,
  reason  TEXT    NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE INDEX marks_by_user ON marks (user_id);
CREATE INDEX marks_by_end ON marks (ends);

CREATE TABLE settings (
  seq   INTEGER NOT NULL PRIMARY KEY,
  name  TEXT    NOT NULL UNIQUE,
  value TEXT
) STRICT;

-- What follows stays on this instance.

CREATE TABLE tokens (
  id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  hash        TEXT    NOT NULL,
  user_id     TEXT    NOT NULL,
  generation  INTEGER NOT NULL,
  session     BLOB    NOT NULL CHECK (length(session) = 16),
  auth_time   INTEGER NOT NULL,
  created     INTEGER NOT NULL,
  expires     INTEGER NOT NULL,
  session_end INTEGER NOT NULL,
  methods     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_user ON tokens (user_id);
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TABLE local_values (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
