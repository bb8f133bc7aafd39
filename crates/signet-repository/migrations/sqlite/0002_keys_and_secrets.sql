-- Keys in the repository: the legacy place, from which and to which `signet keys relocate` moves them. They stay on this instance.
CREATE TABLE keys (
  ring  TEXT NOT NULL,
  id    TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (ring, id)
) STRICT, WITHOUT ROWID;

-- Counts the changes of `keys`, so that a running instance notices them.
CREATE TABLE key_changes (
  id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL
) STRICT;

INSERT INTO key_changes (id, count) VALUES (1, 0);

-- Sealed values, each for the place it belongs to. One that was removed stays as a row without value.
CREATE TABLE secrets (
  seq     INTEGER NOT NULL PRIMARY KEY,
  place   TEXT    NOT NULL UNIQUE,
  value   TEXT,
  changed INTEGER NOT NULL
) STRICT;

-- Values that were sealed anew and are not in force yet: all are put in force at once, or none.
CREATE TABLE resealed (
  place TEXT NOT NULL PRIMARY KEY,
  was   TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- OAuth clients. The secret of one is in `secrets`. One that was removed stays as a row without definition.
CREATE TABLE clients (
  seq        INTEGER NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL UNIQUE,
  definition TEXT,
  changed    INTEGER NOT NULL
) STRICT;

-- Access tokens that this instance was given, sealed, until they expire.
CREATE TABLE client_tokens (
  name    TEXT    NOT NULL PRIMARY KEY,
  value   TEXT    NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
