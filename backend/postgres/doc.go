// Package postgres is the server's Store on PostgreSQL 15 or newer: the schema and its migrations, the roles, and the
// writing of what machines push.
//
// # Roles
//
//	app_owner    owns every table; nobody logs in as it, and row-level security is forced on it too
//	app_migrator logs in to run migrations, as app_owner
//	app_admin    accounts and teams: the server's command line; runs the functions that keep app.access
//	app_api      the API: not an owner, no BYPASSRLS; sees and writes what the policies allow the user of the transaction
//	app_identity sign-in: passwords, tokens and keys (schema identity), which no other role reads; no synced row
//	powersync    reads the published tables and the replication slot
//
// Bootstrap makes them once per cluster. No role has BYPASSRLS, because managed PostgreSQL cannot grant it.
//
// # Push
//
// A batch is one transaction, entered by the one door, WithTenant: it says who asks, for this transaction alone. A lock per
// client keeps its requests apart. Each group is looked up in the ledger by the digest of its bytes: known, known with other
// bytes, a part that waits for others, unreadable, newer than this server, or to be applied.
//
// Groups to be applied are typed against config/schema and folded, so that each row is met once, in the order of ids. All of
// them are tried together behind a savepoint: one INSERT per table; and where rows are there already, they are locked, merged
// in Go column by column, and written by one UPDATE and one DELETE per table. When PostgreSQL or a rule refuses something,
// the groups are applied one by one, each behind a savepoint of its own: the bad ones are kept as bytes and rejected, the
// others are not held up. The ledger, the losers and the copies are written in the same transaction; the answer is given
// when it is committed.
//
// An error that may pass (a lost connection, a deadlock, a full disk) undoes the whole request, which is sent again; it
// rejects nothing. One of no known class is tried five times.
package postgres
