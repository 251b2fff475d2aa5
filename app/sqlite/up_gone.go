package sqlite

import (
	"context"
	"fmt"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// gonePage is how many rows are filed as deleted in one transaction.
const gonePage = 500

// fileGone files the rows as deleted that came from the cloud, or went there and came back, and are gone from a table whose
// triggers were gone. When most rows of a table are gone at once, nobody is taken to have wanted that: they stay in the
// cloud, and the next proof brings them back.
func (f *File) fileGone(ctx context.Context) error {
	for _, t := range schema.Tables() {
		floor, ids, known, err := f.findGone(ctx, t)
		if err != nil {
			return err
		}
		if floor == "" {
			continue
		}
		if len(ids) > 20 && len(ids)*2 > known {
			f.log.Warn("most rows of a table are gone without a trace and are not deleted in the cloud", "table", t.Name, "rows", len(ids))
			ids = nil
		}
		for len(ids) > 0 {
			n := min(len(ids), gonePage)
			if err := f.writing(ctx, "recheck", func(c *conn) error { return c.fileDeleted(ctx, t, ids[:n]) }); err != nil {
				return err
			}
			ids = ids[n:]
		}
		if err := f.writing(ctx, "recheck", func(c *conn) error { return c.dropState(ctx, keyGone+t.Name) }); err != nil {
			return err
		}
	}
	return nil
}

// findGone reads which of the rows that were downloaded are not there. floor is empty when that need not be known.
func (f *File) findGone(ctx context.Context, t schema.Table) (floor string, ids []string, known int, err error) {
	err = f.reading(ctx, "recheck", func(c *conn) error {
		if floor, err = c.state(ctx, keyGone+t.Name); err != nil || floor == "" {
			return err
		}
		var there bool
		if err := c.one(ctx, "SELECT count(*) = 2 FROM sqlite_schema WHERE type = 'table' AND name IN ('_coditect_rows', '_coditect_tables')", nil, &there); err != nil || !there {
			return err
		}
		const rows = " FROM _coditect_rows AS r WHERE r.tbl = (SELECT n FROM _coditect_tables WHERE name = ?)"
		if err := c.one(ctx, "SELECT count(DISTINCT r.id)"+rows, []any{t.Name}, &known); err != nil {
			return err
		}
		// A UUID is kept in 16 bytes there.
		const id = "CASE typeof(r.id) WHEN 'blob' THEN lower(substr(hex(r.id), 1, 8) || '-' || substr(hex(r.id), 9, 4) || '-' || " +
			"substr(hex(r.id), 13, 4) || '-' || substr(hex(r.id), 17, 4) || '-' || substr(hex(r.id), 21)) ELSE r.id END"
		ids, err = texts(ctx, c, fmt.Sprintf("SELECT DISTINCT %s%s AND NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.id = %s)", id, rows, t.Name, id), t.Name)
		return err
	})
	return floor, ids, known, err
}

// fileDeleted files rows as deleted that are still not there. Their clock is the moment up to which all was captured: who
// changed such a row elsewhere since keeps it.
func (c *conn) fileDeleted(ctx context.Context, t schema.Table, ids []string) error {
	if err := c.noteClock(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		err := c.exec(ctx, "INSERT INTO "+upQueue+" (tbl, op, id, clock) SELECT ?, ?, ?, (SELECT value FROM "+upState+" WHERE key = ?) + 1 WHERE NOT EXISTS (SELECT 1 FROM "+t.Name+" WHERE id = ?)",
			t.Name, opDelete, id, keyGone+t.Name, id)
		if err != nil {
			return err
		}
	}
	return nil
}
