// Package pgtest gives tests a real PostgreSQL. A package that needs one has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// and its tests call New for a database of their own, migrated, in the server of this process: it is started when the first
// test asks, listens on a Unix socket only, and is gone when the process ends, however it ends. A test that kills its server
// starts one with Start.
//
// build/setup/postgres.sh installs PostgreSQL where it is missing; no test is ever skipped.
package pgtest
