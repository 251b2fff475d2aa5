package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// note says that a row changed, came or went; or, as a sweep, that every row of a table after an id must be looked at.
type note struct{ kind, id string }

// sweepMark begins the kind of a sweep. A sweep goes on as a new note where its slice ended.
const sweepMark = "*"

func sweepOf(kind, after string) note { return note{sweepMark + kind, after} }

func add(ctx context.Context, c *conn, n note) error {
	return c.exec(ctx, "INSERT INTO "+searchNotes+" VALUES (?, ?)", n.kind, n.id)
}

// drain indexes noted rows until deadline, and at least one. The caller holds the write lock.
func drain(ctx context.Context, c *conn, deadline time.Time) (n int, err error) {
	notes, rowids, err := readNotes(ctx, c)
	if err != nil {
		return 0, err
	}
	x, err := newIndexer(c)
	if err != nil {
		return 0, err
	}
	defer x.close()
	defer x.r.interruptWith(ctx)()
	seen := make(map[note]bool, len(notes))
	done := int64(0)
	for i, noted := range notes {
		if !seen[noted] {
			seen[noted] = true
			looked, err := x.follow(ctx, c, noted, deadline)
			if err != nil {
				return 0, err
			}
			n += looked
		}
		if done = rowids[i]; time.Now().After(deadline) {
			break
		}
	}
	return n, c.exec(ctx, "DELETE FROM "+searchNotes+" WHERE rowid <= ?", done)
}

// follow does what a note asks and returns how many rows it looked at. A note of no table of ours asks nothing.
func (x *indexer) follow(ctx context.Context, c *conn, n note, deadline time.Time) (int, error) {
	kind, sweeping := strings.CutPrefix(n.kind, sweepMark)
	table, ours := searched(kind)
	switch {
	case !ours:
		return 0, nil
	case sweeping:
		return x.sweep(ctx, c, table, n.id, deadline)
	}
	return 1, x.index(table, n.id)
}

func searched(kind string) (schema.Table, bool) {
	for _, t := range schema.Tables() {
		if t.Name == kind {
			return t, true
		}
	}
	return schema.Table{}, false
}

// sweep looks at the rows after an id until deadline, and notes where to go on.
func (x *indexer) sweep(ctx context.Context, c *conn, table schema.Table, after string, deadline time.Time) (n int, err error) {
	ids, err := texts(ctx, c, "SELECT id FROM "+table.Name+" WHERE id > ? ORDER BY id LIMIT ?", after, sliceNotes)
	if err != nil {
		return 0, err
	}
	for n < len(ids) && (n == 0 || time.Now().Before(deadline)) {
		if err := x.index(table, ids[n]); err != nil {
			return n, err
		}
		n++
	}
	if n == len(ids) && n < sliceNotes {
		return n, nil
	}
	return n, add(ctx, c, sweepOf(table.Name, ids[n-1]))
}

// readNotes reads the oldest notes and their rowids. What is noted in other words than ours reads as an empty note.
func readNotes(ctx context.Context, c *conn) (notes []note, rowids []int64, err error) {
	rows, err := c.QueryContext(ctx, "SELECT rowid, ifnull(kind, ''), ifnull(id, '') FROM "+searchNotes+" ORDER BY rowid LIMIT ?", sliceNotes)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n note
		var rowid int64
		if err := rows.Scan(&rowid, &n.kind, &n.id); err != nil {
			return nil, nil, err
		}
		notes, rowids = append(notes, n), append(rowids, rowid)
	}
	return notes, rowids, rows.Err()
}
