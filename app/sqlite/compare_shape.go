package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strings"

	lib "modernc.org/sqlite/lib"
)

// listed is a table to compare.
type listed struct{ shown, name string }

func (l listed) compare(other listed) int {
	return cmp.Or(cmp.Compare(l.shown, other.shown), cmp.Compare(l.name, other.name))
}

// searchContent ends the name of the shadow table in which a full-text table keeps its texts.
const searchContent = "_content"

// listTables lists the tables that hold somebody's data. Of the tables that an index keeps for itself only the texts of
// a full-text table count, under its name: they may be nowhere else.
func (r *raw) listTables(ctx context.Context) (list []listed, err error) {
	const query = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')"
	err = r.each(ctx, query, func(stmt uintptr) error {
		t := listed{name: r.utf8Text(stmt, 0)}
		index, isContent := strings.CutSuffix(t.name, searchContent)
		switch shadow := r.utf8Text(stmt, 1) == "shadow"; {
		case bookkeeping(t.name), shadow && !isContent:
			return nil
		case shadow:
			t.shown = index
		default:
			t.shown = t.name
		}
		list = append(list, t)
		return nil
	})
	return list, err
}

// utf8Text copies a short text of the current row.
func (r *raw) utf8Text(stmt uintptr, i int32) string { return string(r.text(stmt, i)) }

// shape is what of a table matters when two of one name are compared.
type shape struct {
	columns []string // that are stored and not generated, in table order
	key     []string // the primary key, in its order
	rowid   string   // a name for the row's number, "" where there is none
}

// rowidNames are SQLite's names for the number of a row. A column of the same name hides one.
var rowidNames = []string{"rowid", "_rowid_", "oid"}

// shape reads the shape of a table, nil if there is no such table.
func (r *raw) shape(ctx context.Context, name string) (*shape, error) {
	s := &shape{}
	keys := map[int64]string{}
	literal := "'" + strings.ReplaceAll(name, "'", "''") + "'"
	err := r.each(ctx, "SELECT name, pk FROM pragma_table_xinfo("+literal+") WHERE hidden = 0 ORDER BY cid", func(stmt uintptr) error {
		column := r.utf8Text(stmt, 0)
		s.columns = append(s.columns, column)
		if nth := lib.Xsqlite3_column_int64(r.tls, stmt, 1); nth > 0 {
			keys[nth] = column
		}
		return nil
	})
	if err != nil || len(s.columns) == 0 {
		return nil, err
	}
	for n := int64(1); n <= int64(len(keys)); n++ {
		s.key = append(s.key, keys[n])
	}
	s.rowid, err = r.rowidName(ctx, literal, s)
	return s, err
}

// rowidName finds a name for the number of a row that no column has taken.
func (r *raw) rowidName(ctx context.Context, literal string, s *shape) (string, error) {
	without, err := r.texts(ctx, "SELECT wr FROM pragma_table_list("+literal+") WHERE schema = 'main'")
	if err != nil || slices.Contains(without, "1") {
		return "", err
	}
	all, err := r.texts(ctx, "SELECT lower(name) FROM pragma_table_xinfo("+literal+")")
	for _, name := range rowidNames {
		if err == nil && !slices.Contains(all, name) {
			return name, nil
		}
	}
	return "", err
}

// layout is how the rows of two tables of one name are read and which of them belong together. Both are read with the
// same columns: first the row's number, then every column that either has. A column that one side lacks is NULL there.
type layout struct {
	columns []string // of the rows, from index 1 on
	place   []int32  // the columns whose order the rows come in, more or less
	key     []int32  // the columns that tell which row it is; none: no two rows belong together
	rowid   bool     // both have row numbers
}

// newLayout takes nil for a table that is not there; its rows are told apart as the other side does.
func newLayout(then, now *shape) *layout {
	l := &layout{}
	for _, s := range []*shape{then, now} {
		for _, column := range s.all() {
			if l.index(column) < 0 {
				l.columns = append(l.columns, column)
			}
		}
	}
	if then == nil || now == nil {
		then = cmp.Or(then, now, &shape{})
		now = then
	}
	l.rowid = then.rowid != "" && now.rowid != ""
	if len(then.key) > 0 && slices.EqualFunc(then.key, now.key, strings.EqualFold) {
		for _, column := range then.key {
			l.key = append(l.key, l.index(column))
		}
	} else {
		l.byNumber()
	}
	if l.place = l.key; l.rowid {
		l.place = []int32{0}
	}
	return l
}

// byNumber takes the row's number as its key, where both sides have one.
func (l *layout) byNumber() {
	l.key = nil
	if l.rowid {
		l.key = []int32{0}
	}
}

// index is where a column is in the rows read, -1 if it is not.
func (l *layout) index(column string) int32 {
	for i, c := range l.columns {
		if strings.EqualFold(c, column) {
			return int32(i) + 1 // SQLite has at most 32,767 columns
		}
	}
	return -1
}

// leave takes a column out of what matters.
func (s *shape) leave(column string) {
	if s != nil {
		s.columns = slices.DeleteFunc(s.columns, func(c string) bool { return strings.EqualFold(c, column) })
	}
}

func (s *shape) all() []string {
	if s == nil {
		return nil
	}
	return s.columns
}
