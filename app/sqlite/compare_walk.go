package sqlite

import (
	"context"
	"fmt"
	"strings"

	lib "modernc.org/sqlite/lib"
)

// walk goes over one table of both files at once, in the order the rows are stored in, so that a file is read from end
// to end and once. Where both have the same row at the same place they are compared there and then: that is nearly
// always so, because the one file was the other some time ago. A row without such a mate is looked up by its key on the
// other side, so the order only makes it fast, and never wrong.
type walk struct {
	*comparison
	layout    *layout
	then, now *rows // the whole table each
	inNow     *rows // one row, found by its key
	inThen    *rows
	sum       tally
}

// newWalk reads the table's shape on both sides. The caller closes the walk.
func (c *comparison) newWalk(ctx context.Context, table string, now *raw) (*walk, error) {
	thenShape, err := c.then.shape(ctx, table)
	if err != nil {
		return nil, err
	}
	nowShape, err := now.shape(ctx, table)
	if err != nil {
		return nil, err
	}
	if _, ours := searched(table); ours && c.owned {
		thenShape.leave(ownerColumn)
		nowShape.leave(ownerColumn)
	}
	w := &walk{
		comparison: c, layout: newLayout(thenShape, nowShape),
		then: &rows{r: c.then}, now: &rows{r: now}, inThen: &rows{r: c.then}, inNow: &rows{r: now},
	}
	w.sum.layout = w.layout
	if err := w.prepare(table, thenShape, nowShape); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *walk) close() {
	for _, rows := range []*rows{w.then, w.now, w.inThen, w.inNow} {
		rows.close()
	}
}

func (w *walk) prepare(table string, then, now *shape) error {
	if err := w.scan(w.then, table, then); err != nil {
		return err
	}
	if err := w.scan(w.now, table, now); err != nil {
		return err
	}
	err := w.prepareLookups(table, then, now)
	if primary(err) == lib.SQLITE_ERROR {
		// The key has a sort order that only its own program knows. The number of the row knows none.
		w.layout.byNumber()
		err = w.prepareLookups(table, then, now)
	}
	return err
}

// scan reads the table itself, never an index of it.
func (w *walk) scan(rows *rows, table string, s *shape) (err error) {
	if s != nil {
		rows.stmt, err = rows.r.prepare(w.layout.query(table, s) + " NOT INDEXED")
	}
	return err
}

func (w *walk) prepareLookups(table string, then, now *shape) error {
	if then == nil || now == nil || len(w.layout.key) == 0 {
		return nil
	}
	if err := w.lookup(w.inThen, table, then); err != nil {
		return err
	}
	return w.lookup(w.inNow, table, now)
}

// lookup finds no row by a key that is NULL in part. Only a table with row numbers can have such rows, and it is at
// the same place on both sides if it is on both.
func (w *walk) lookup(rows *rows, table string, s *shape) (err error) {
	rows.close()
	rows.stmt, err = rows.r.prepare(w.layout.query(table, s) + " WHERE " + w.layout.condition(s))
	return err
}

// query reads the columns of the layout from a table of shape s.
func (l *layout) query(table string, s *shape) string {
	columns := []string{"NULL"}
	if l.rowid {
		columns[0] = s.rowid
	}
	for _, column := range l.columns {
		if s.has(column) {
			columns = append(columns, quoted(column))
		} else {
			columns = append(columns, "NULL")
		}
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + quoted(table)
}

func (s *shape) has(column string) bool {
	for _, c := range s.columns {
		if strings.EqualFold(c, column) {
			return true
		}
	}
	return false
}

// condition is that of the row with a key.
func (l *layout) condition(s *shape) string {
	var parts []string
	for n, i := range l.key {
		name := s.rowid
		if i > 0 {
			name = quoted(l.columns[i-1])
		}
		parts = append(parts, fmt.Sprintf("%s = ?%d", name, n+1))
	}
	return strings.Join(parts, " AND ")
}

// run walks to the end of both sides.
func (w *walk) run(ctx context.Context) error {
	if err := w.advance(ctx, true, true); err != nil {
		return err
	}
	for w.then.on || w.now.on {
		place := w.places()
		var err error
		if place == 0 && w.mates() {
			w.sum.pair(w.then, w.now)
		} else {
			err = w.apart(ctx, place)
		}
		if err == nil {
			err = w.advance(ctx, place <= 0, place >= 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// places compares the places of the current rows: negative when the one of then comes first.
func (w *walk) places() int {
	switch {
	case !w.now.on:
		return -1
	case !w.then.on:
		return 1
	}
	for _, i := range w.layout.place {
		if o := order(w.then, w.now, i); o != 0 {
			return o
		}
	}
	return 0
}

// mates tells whether the current rows, which are at the same place, are one row. A key that is NULL in part tells
// nothing, but then the place does.
func (w *walk) mates() bool { return len(w.layout.key) > 0 && sameAll(w.then, w.now, w.layout.key) }

// apart looks up the current row of the side that comes first; of both when they are at the same place.
func (w *walk) apart(ctx context.Context, place int) error {
	if place <= 0 {
		mate, err := w.mate(ctx, w.then, w.inNow)
		switch {
		case err != nil:
			return err
		case mate != nil:
			w.sum.pair(w.then, mate)
		default:
			w.sum.gone(w.then)
		}
	}
	if place >= 0 {
		mate, err := w.mate(ctx, w.now, w.inThen)
		switch {
		case err != nil:
			return err
		case mate == nil:
			w.sum.came(w.now)
		}
	}
	return nil
}

// mate finds the row on the other side, nil if there is none.
func (w *walk) mate(ctx context.Context, row, side *rows) (*rows, error) {
	if side.stmt == 0 {
		return nil, nil
	}
	found, err := side.find(ctx, row, w.layout.key)
	if err != nil || !found {
		return nil, err
	}
	return side, nil
}

// advance counts the next row of the sides asked for.
func (w *walk) advance(ctx context.Context, then, now bool) error {
	for _, side := range []struct {
		rows *rows
		on   bool
		n    *int64
	}{{w.then, then, &w.sum.then}, {w.now, now, &w.sum.now}} {
		if !side.on {
			continue
		}
		if err := side.rows.next(ctx); err != nil {
			return err
		}
		if side.rows.on {
			*side.n++
			w.read(side.rows.size(len(w.layout.columns) + 1))
		}
	}
	return nil
}
