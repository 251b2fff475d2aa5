package sqlite

import (
	"context"
	"errors"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// The bookkeeping of downloads.
const (
	downTables  = "_coditect_tables"
	downBuckets = "_coditect_buckets"
	downRows    = "_coditect_rows"
	downDocs    = "_coditect_docs"
	downIgnored = "_coditect_ignored"
	downCovered = "_coditect_covered"
)

// Keys of upState that downloads write.
const (
	keyAppliedOp = "applied_op" // where every bucket stands that has no position of its own
	keyDownRev   = "down_rev"   // grows with each of our transactions
)

// downDDL is the bookkeeping. A bucket that begins anew is another line of downBuckets with the same name: the one with the
// highest number is what the name means now, and rows of the others go when it has come. An entry of downRows says that a
// row is in a bucket: with which operation, its checksum, and, for the newest operation of the row, the hash of the row as
// it was written. An id that is a UUID in its usual form is kept in 16 bytes. downDocs has the documents of a row that
// another bucket's newer one hides and that differ from it. downCovered has the rows that a change of this machine covers,
// with the hash of what is shown, NULL for a row that is not there: see cover.
var downDDL = []string{
	"CREATE TABLE IF NOT EXISTS " + upState + " (key TEXT PRIMARY KEY, value)",
	"CREATE TABLE IF NOT EXISTS " + downTables + " (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
	"CREATE TABLE IF NOT EXISTS " + downBuckets + " (n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, position INTEGER, " +
		"checksum INTEGER NOT NULL, known INTEGER NOT NULL)",
	"CREATE TABLE IF NOT EXISTS " + downRows + " (tbl INTEGER, id, bucket INTEGER, subkey INTEGER, op INTEGER NOT NULL, " +
		"checksum INTEGER NOT NULL, hash INTEGER, PRIMARY KEY (tbl, id, bucket, subkey)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS " + downDocs + " (tbl INTEGER, id, bucket INTEGER, subkey INTEGER, document BLOB NOT NULL, " +
		"PRIMARY KEY (tbl, id, bucket, subkey)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS " + downCovered + " (tbl INTEGER, id, hash INTEGER, PRIMARY KEY (tbl, id)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS " + downIgnored + " (tbl TEXT, col TEXT, shape TEXT NOT NULL, PRIMARY KEY (tbl, col)) WITHOUT ROWID",
}

// makeDownBookkeeping makes what is missing and returns the numbers of the tables.
func (c *conn) makeDownBookkeeping(ctx context.Context, tables []schema.Table) (map[string]int64, error) {
	for _, statement := range downDDL {
		if err := c.exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	numbers := map[string]int64{}
	for _, t := range tables {
		var n int64
		err := errors.Join(c.exec(ctx, "INSERT OR IGNORE INTO "+downTables+" (name) VALUES (?)", t.Name),
			c.one(ctx, "SELECT n FROM "+downTables+" WHERE name = ?", []any{t.Name}, &n))
		if err != nil {
			return nil, err
		}
		numbers[t.Name] = n
	}
	return numbers, nil
}

// shapeOf describes what of a table this program knows.
func shapeOf(t schema.Table) string { return t.DDL() }
