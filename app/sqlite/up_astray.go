package sqlite

import (
	"context"
	"errors"

	"github.com/coditect-ai/coditect-sync/app"
)

// A row that this machine wrote and the cloud accepted comes back with the checkpoint that has it, and from then on is in a
// bucket. One that does not was removed elsewhere meanwhile, lost to an earlier removal, or its project is no longer shared
// with this account: no operation ever tells so, since the row has never been in a bucket here. It must not stay.

// astraySQL finds the rows of shown groups that are in no bucket. Of a UUID the 16 bytes are kept there.
const astraySQL = "SELECT DISTINCT q.tbl, CAST(q.id AS TEXT) FROM " + upGroups + " AS g JOIN " + upQueue + " AS q ON q.seq BETWEEN g.first AND g.last" +
	" JOIN " + downTables + " AS t ON t.name = q.tbl WHERE g." + shownSQL + " AND q.op <> '" + opDelete + "'" +
	" AND NOT EXISTS (SELECT 1 FROM " + downRows + " AS r WHERE r.tbl = t.n AND r.id = CAST(q.id AS TEXT))" +
	" AND NOT EXISTS (SELECT 1 FROM " + downRows + " AS r WHERE r.tbl = t.n AND r.id = unhex(replace(q.id, '-', '')))"

// clearAstray moves such rows into lost & found, before the entries are forgotten that tell who wrote them. A row that was
// changed once more stays until that is shown. Most often there is none, which is found out without the write lock.
func (f *File) clearAstray(ctx context.Context, c *conn) error {
	if there, err := c.pulls(ctx); err != nil || !there {
		return err
	}
	if list, err := c.astray(ctx); err != nil || len(list) == 0 {
		return err
	}
	return f.transact(ctx, c, func(c *conn) error {
		list, err := c.astray(ctx)
		if err != nil {
			return err
		}
		pending, err := c.unshownRows(ctx)
		if err != nil {
			return err
		}
		return c.withoutCapture(ctx, func() error {
			for _, row := range list {
				if pending[row] {
					continue
				}
				if err := f.loseAstray(ctx, c, row); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (f *File) loseAstray(ctx context.Context, c *conn, row rowName) error {
	t, ours := searched(row.table)
	if !ours {
		return nil
	}
	mine, err := c.rowJSON(ctx, t, row.id)
	if err != nil || mine == nil {
		return err
	}
	f.log.Warn("a row that the cloud does not show to this account any more is in lost & found", "table", t.Name)
	return errors.Join(
		c.keepLost(ctx, lostItem{kind: app.LostShare, tbl: t.Name, id: row.id, op: opPut, mine: mine,
			why: "The cloud took it, and does not show it to you any more: it is no longer shared with you, or was deleted elsewhere."}, f.now().UnixMilli()),
		c.exec(ctx, "DELETE FROM "+t.Name+" WHERE id = ?", row.id))
}

func (c *conn) astray(ctx context.Context) ([]rowName, error) { return c.rowNames(ctx, astraySQL) }

// unshownRows are the rows with changes that were recorded and are not shown yet, also those that the checkpoint in hand has.
func (c *conn) unshownRows(ctx context.Context) (map[rowName]bool, error) {
	list, err := c.rowNames(ctx, "SELECT DISTINCT tbl, CAST(id AS TEXT) FROM "+upQueue+" AS q WHERE "+unshownSQL)
	set := map[rowName]bool{}
	for _, n := range list {
		set[n] = true
	}
	return set, err
}

func (c *conn) rowNames(ctx context.Context, query string) (list []rowName, err error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n rowName
		if err := rows.Scan(&n.table, &n.id); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// pulls tells whether the file has the bookkeeping of downloads.
func (c *conn) pulls(ctx context.Context) (there bool, err error) {
	err = c.one(ctx, "SELECT count(*) = 2 FROM sqlite_schema WHERE type = 'table' AND name IN (?, ?)", []any{downTables, downRows}, &there)
	return there, err
}
