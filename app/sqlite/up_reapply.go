package sqlite

import (
	"context"
	"fmt"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// unseen is an entry that a downloaded checkpoint may not have.
type unseen struct {
	table  schema.Table
	op, id string
	names  []string // columns, of a put or patch
	values []any
}

// eachUnseen calls work for each entry that waits or is acknowledged and not seen yet, oldest first, of the rows that wanted
// tells (nil: all). It is for whoever applies a checkpoint that has not all of it: in that same transaction, after the
// downloaded rows, each is written again on top (see reapply). The caller may write while it is called.
func (c *conn) eachUnseen(ctx context.Context, wanted func(table, id string) bool, work func(unseen) error) error {
	there, err := c.kept(ctx)
	if err != nil || !there {
		return err
	}
	const page = 500
	for after := int64(0); ; {
		list, last, err := c.unseenAfter(ctx, after, page, wanted)
		if err != nil || last == after {
			return err
		}
		after = last
		for _, u := range list {
			if err := work(u); err != nil {
				return err
			}
		}
	}
}

func (c *conn) unseenAfter(ctx context.Context, after int64, page int, wanted func(table, id string) bool) (list []unseen, last int64, err error) {
	rows, err := c.QueryContext(ctx, "SELECT seq, tbl, op, CAST(id AS TEXT), ifnull(mask, -1), "+slotList("v%d")+" FROM "+upQueue+
		" AS q WHERE seq > ? AND "+unseenSQL+" ORDER BY seq LIMIT ?", after, page)
	if err != nil {
		return nil, after, err
	}
	defer rows.Close()
	last = after
	got := make([]any, slots())
	for rows.Next() {
		var u unseen
		var tbl string
		var mask int64
		targets := []any{&last, &tbl, &u.op, &u.id, &mask}
		for i := range got {
			targets = append(targets, &got[i])
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, after, err
		}
		t, ours := searched(tbl)
		if !ours || wanted != nil && !wanted(tbl, u.id) {
			continue
		}
		u.table = t
		u.take(mask, got)
		list = append(list, u)
	}
	return list, last, rows.Err()
}

func (u *unseen) take(mask int64, got []any) {
	if u.op = wireOp(u.op); u.op == opDelete {
		return
	}
	for i, column := range u.table.Columns[1:] {
		if mask>>i&1 == 1 && column.Name != ownerColumn { // what the server says of that stays
			u.names, u.values = append(u.names, column.Name), append(u.values, got[i])
		}
	}
}

// reapply writes an entry's change into the file again. Capture is off.
func (c *conn) reapply(ctx context.Context, u unseen) error {
	switch u.op {
	case opDelete:
		return c.exec(ctx, "DELETE FROM "+u.table.Name+" WHERE id = ?", u.id)
	case opPut:
		return c.upsert(ctx, u.table, u.id, u.names, u.values)
	}
	if len(u.names) == 0 {
		return nil
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE id = ?", u.table.Name, assignments(u.names)), append(u.values, u.id)...)
	return err
}
