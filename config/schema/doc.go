// Package schema describes the context memory: six tables, their columns, and which columns a full-text search covers.
// Everything that must agree about the tables is generated from this description or tested against it, so there is no
// second list of columns anywhere.
//
// # What a row is
//
// Every table has id, user_id, created_at and updated_at, and every table but projects a nullable project_id. Sharing
// (visibility, team_id) is a property of a project. The tenant is never in the local file.
//
// Types are the three that mean the same in SQLite and PostgreSQL: TEXT, INTEGER (64 bits), REAL (64 bits). JSON and
// times are TEXT; times are RFC 3339 in UTC with milliseconds.
//
// # Ids
//
// An id is a UUIDv7 in its text form. A writer may bring its own; else the column's default makes one in plain SQL that
// works on SQLite 3.38 and newer. Ids made in the same millisecond are in no particular order.
//
// # The content hash of a message
//
// messages.hash is the SHA-256 of content in 64 lower-case hex digits. Plain SQLite has no such function, so a writer
// may leave it NULL: the agent fills it within seconds, and refreshes a hash that fitted the content before an update.
// A hash that never fitted belongs to the writer and is left alone.
package schema
