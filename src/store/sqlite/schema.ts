/**
 * The file. Rows are only ever appended and deleted. `entry` holds what the index in memory is built from and stays small,
 * so that opening a file does not read the values; `content` holds the values under the same row numbers.
 */

/** 'SAMP': marks the file as ours. */
export const APPLICATION_ID = 0x53414d50
export const SCHEMA_VERSION = 1

export const CREATE_SCHEMA = `
CREATE TABLE entry (
  row INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  revision INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  deleted INTEGER NOT NULL
) STRICT;
CREATE TABLE content (row INTEGER PRIMARY KEY, value BLOB) STRICT;
CREATE TABLE lease (id INTEGER PRIMARY KEY, ttl_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Names of the rows of `state`. */
export const STATE = { compactedRevision: 'compacted_revision', lastLease: 'last_lease' } as const
