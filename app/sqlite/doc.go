// Package sqlite owns the file: it creates or adopts it, proves that it is whole, hashes its rows, freezes a moment of
// it, and puts a restored image in its place. It is the only importer of modernc.org/sqlite.
//
// # Other programs write this file while we run
//
// That is the normal case, and it shapes everything here. Connections are opened for one operation and closed after
// it. The write lock is held for at most 200 ms at a time; the one exception is Replace, which says how long.
// Nothing here opens the live file by other means than SQLite while a connection may exist: closing a plain
// descriptor of a file drops every POSIX lock the process has on it, and SQLite's with them. InstallImage, which must
// look at the locks of a damaged file, shuts the gate first (see Quiesce).
//
// # The row hash
//
// The hash of a table is its number of rows and the sum, modulo 2^64, of the rows' 64-bit hashes, so it does not
// depend on any order. A row's hash is PostgreSQL's hashtextextended(text, 0) of its canonical text: each column, in
// table order, as
//
//	n                    NULL
//	i<len>:<decimal>     an integer
//	r<len>:<16 hex>      a real: the bits of its IEEE 754 form, -0 taken as 0
//	t<len>:<bytes>       a text, its bytes as stored
//	b<len>:<hex>         a blob, in lower-case hex
//
// where len counts the bytes after the colon. It tells rows apart that differ by accident; it is no proof against
// somebody who tampers on purpose.
//
// # Which tables are hashed
//
// Every ordinary table, full-text shadow tables of other programs included, but for SQLite's own (sqlite_…),
// Litestream's (_litestream_…) and our bookkeeping (_coditect_…).
//
// # Comparing two files
//
// Compare pairs rows by primary key, or by the row's number (rowid) in a table that has no key; by neither where the key
// is another than before, so that every row counts as removed and added. A column that only one side has is NULL on the
// other; generated columns say nothing of their own. Left out is what the row hash leaves out, and the tables that an
// index keeps for itself, but for the texts of a full-text table.
//
// Both tables are read in the order they are stored in, which is fast and needs no memory, and whatever does not meet its
// mate at its own place is looked up by key.
//
// # Full-text search
//
// A context memory carries triggers that note the id of a changed row in a table without constraints. They are plain
// SQL, so that a writer whose SQLite has no FTS5 is not disturbed. FillSearch, called by the agent, drains the notes
// into the index. The index refers to rows by id, never by rowid, which a VACUUM may change.
package sqlite
