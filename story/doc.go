// Package story holds no program, only tests that use the real one as a person and other programs do: a real database
// that others made, Python and the sqlite3 shell writing to it at the same time, a folder or an emulated Cloud Storage
// as the target, the stock litestream command as a second opinion. What they find is held against a ledger that the
// writers keep, statement by statement.
//
// The long forms (more rows, more kills, ten idle minutes) run with -tags long, by `make long`.
package story
