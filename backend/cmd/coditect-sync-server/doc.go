// Command coditect-sync-server is the cloud side of CODITECT Sync in one program: the push API, sign-in, and the built-in
// stream. It needs PostgreSQL 15 or newer with wal_level = logical.
//
//	coditect-sync-server serve       answer requests until it is told to end
//	coditect-sync-server migrate     bring the database up to date; the serving process never changes the schema
//	coditect-sync-server tenant …    add, list
//	coditect-sync-server user …      add, invite, list, disable, enable, password, reset, export, erase
//	coditect-sync-server team …      add, list, join, leave
//	coditect-sync-server keys …      replace the signing keys, when they may have leaked
//	coditect-sync-server doctor      look for what is wrong with the configuration and the database
//
// # Settings
//
// Each is an environment variable that begins with CODITECT_SERVER_, or a line NAME=VALUE without that beginning in the file
// of --config (CODITECT_SERVER_CONFIG). The environment wins. NAME_FILE names a file that has the value. `serve --help` lists
// them. All mistakes are told at once, a sentence each, before anything else happens.
package main
