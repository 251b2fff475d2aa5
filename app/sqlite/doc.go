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
//
// # What comes down
//
// Whoever follows a sync stream (package powersync) takes the positions from Buckets, and gives its instructions to Store,
// Restart and Apply. Store keeps operations in memory and, when they become many, in sorted files in a folder beside the
// database (NAME-download). Apply merges them with the rows of buckets that are gone, row by row: a small checkpoint is one
// transaction; a large one goes in slices in the order of ids, each with a short write lock and a pause as long, in which the
// log is copied back and the next rows are read and decoded.
//
// Nothing of a row's data is kept twice. _coditect_rows has one short entry for each row and bucket: which operation put it
// there, and the hash of the row as it was written. That is enough to know that a row must stay because another bucket has
// it, that an operation was carried out before, and that somebody changed the row without being recorded: then it goes to
// lost & found before it is overwritten. _coditect_docs keeps the few documents that a newer one of another bucket hides, or
// that a change of this machine covers until the stream has come to it (_coditect_covered).
//
// A crash at any point does no harm. Positions move in the transaction that shows the last row of a checkpoint. Before that,
// whatever was received again, from the files or from the server, is carried out again with the same result. A bucket that
// must begin anew gets another number; rows that are in the old one alone go when the new one has come.
//
// What a newer server sends and this version does not know, tables and columns, is passed over and noted in
// _coditect_ignored. The first version that knows it has everything sent again.
//
// # Capture
//
// Enrol has triggers note every change of the context memory's tables in a queue, in the transaction that makes it. They
// are plain SQL for any SQLite from 3.38 on, and are written so that no statement of a writer fails or does other than
// without them: values are kept as they are, in columns without type or constraint, and become JSON when they are sent.
// (What SQLite itself does otherwise where a table has a trigger: total_changes() counts the triggers' rows too; and a
// statement of several rows with OR IGNORE that fails at a value of a wrong type leaves none of them, as it should.)
//
// A trigger cannot see transactions. The unit is the group: all that one look at the file finds after the last one. It is
// written down which entries it has and how they are divided before it is sent, so that it can be sent again as the same
// bytes (NextGroups, Settle). Rows that were there before are filed as entries of their own kind, among which a group may
// end anywhere. A group over the limits goes in parts; one over all that the server takes ends where the limit is.
//
// What the server rejects is taken out of its group and kept in lost & found, with the server's row in its place, and the
// rest is sent again: a group has changes of many programs, which must not share the fate of one. What is known to be
// rejected, such as a NUL in a text, is sent alone from the start.
//
// A table that another program rebuilt has lost its triggers. Recheck, which NextGroups calls, makes them anew and files
// the table's rows again. A file that is copied or restored takes a new client id (see home); a restore into the live
// file carries the queue over into the image first (see carry).
package sqlite
