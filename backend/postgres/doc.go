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
package postgres
