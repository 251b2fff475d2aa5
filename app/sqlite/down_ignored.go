package sqlite

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// ignoredName is something that a newer server sent and this version does not know: a table, or a column of one.
type ignoredName struct{ table, column string }

// recheckIgnored looks at what was ignored. When this version knows one of these tables in another shape than the version
// that ignored it did, everything comes again from its beginning. It runs inside the transaction that loads.
func (f *File) recheckIgnored(ctx context.Context, c *conn) error {
	shapes := map[string]string{}
	for _, t := range f.tables {
		shapes[t.Name] = shapeOf(t)
	}
	rows, err := c.QueryContext(ctx, "SELECT tbl, shape FROM "+downIgnored)
	if err != nil {
		return err
	}
	defer rows.Close()
	again := false
	for rows.Next() {
		var table, shape string
		if err := rows.Scan(&table, &shape); err != nil {
			return err
		}
		again = again || shapes[table] != shape
	}
	if err := rows.Err(); err != nil || !again {
		return err
	}
	rows.Close()
	return c.beginAnew(ctx)
}

// beginAnew gives every bucket another number, at its beginning.
func (c *conn) beginAnew(ctx context.Context) error {
	if err := c.exec(ctx, "DELETE FROM "+downIgnored); err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO "+downBuckets+" (name, position, checksum, known) SELECT DISTINCT name, 0, 0, 0 FROM "+downBuckets)
}

// noteIgnored keeps what was ignored, with the shape that the table has for this version.
func (f *File) noteIgnored(ctx context.Context, c *conn) error {
	for name := range f.down.ignored {
		shape := ""
		for _, t := range f.tables {
			if t.Name == name.table {
				shape = shapeOf(t)
			}
		}
		err := c.exec(ctx, "INSERT OR REPLACE INTO "+downIgnored+" (tbl, col, shape) VALUES (?, ?, ?)", name.table, name.column, shape)
		if err != nil {
			return err
		}
	}
	return nil
}

// decode reads a document into cells, one for each column of the table, which are valid until the next call. A key that is
// missing is NULL. What the table cannot hold is noted; a document that cannot be read to its end gives what could be read.
func (w *applier) decode(t *downTable, id, doc []byte) []cell {
	w.cells = w.cells.empty()
	return w.decodeInto(&w.cells, t, id, doc)
}

// decodeInto is decode, with the cells in the memory of m.
func (w *applier) decodeInto(m *cells, t *downTable, id, doc []byte) []cell {
	from := len(m.list)
	for _, c := range t.Columns {
		v, _ := fitted(c, powersync.Value{})
		m.list = append(m.list, v)
	}
	out := m.list[from:len(m.list):len(m.list)]
	next := 0
	d := powersync.NewDocument(m.keep(doc)) // what is unescaped in place must stay what it is: the slice may be done again
	for name, v, ok := d.Next(); ok; name, v, ok = d.Next() {
		i := t.column(name, next)
		if i < 0 {
			w.ignore(t, string(name))
			continue
		}
		next = i + 1
		cell, whole := fitted(t.Columns[i], v)
		if !whole {
			w.ignore(t, t.Columns[i].Name)
		}
		out[i] = cell
	}
	if d.Err() != nil {
		w.ignore(t, "")
	}
	out[0] = cell{kind: 't', b: id}
	return out
}

// column finds a column by its name, first where it is expected. -1: it is not known.
func (t *downTable) column(name []byte, expected int) int {
	if expected < len(t.Columns) && sameName(name, t.Columns[expected]) {
		return expected
	}
	if i, known := t.index[string(name)]; known {
		return i
	}
	return -1
}

func (w *applier) ignore(t *downTable, column string) {
	if t.known[column] {
		return
	}
	t.known[column] = true
	// The tenant is never in the local file; its column is no news.
	if column != tenantColumn {
		w.f.down.ignored[ignoredName{t.Name, column}] = true
	}
}

const tenantColumn = "tenant_id"

// downTable is a table as downloads write it.
type downTable struct {
	schema.Table
	n     int64
	index map[string]int
	known map[string]bool // columns that were noted as ignored

	insert, read, update, remove *stmt
}
