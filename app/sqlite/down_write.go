package sqlite

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
	lib "modernc.org/sqlite/lib"
)

func (w *applier) prepareTables() error {
	for _, t := range w.f.tables {
		d := &downTable{Table: t, n: w.f.down.numbers[t.Name], index: map[string]int{}, known: map[string]bool{}}
		var names, values, sets []string
		for i, c := range t.Columns {
			d.index[c.Name] = i
			names, values = append(names, quoted(c.Name)), append(values, "?"+strconv.Itoa(i+1))
			if i > 0 {
				sets = append(sets, quoted(c.Name)+" = ?"+strconv.Itoa(i+1))
			}
		}
		table, all := quoted(t.Name), strings.Join(names, ", ")
		w.tables[d.n] = d
		for query, s := range map[string]**stmt{
			"INSERT INTO " + table + " (" + all + ") VALUES (" + strings.Join(values, ", ") + ") ON CONFLICT (" + schema.ID + ") DO NOTHING": &d.insert,
			"SELECT " + all + " FROM " + table + " WHERE " + schema.ID + " = ?":                                                              &d.read,
			"UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE " + schema.ID + " = ?1":                                         &d.update,
			"DELETE FROM " + table + " WHERE " + schema.ID + " = ?":                                                                          &d.remove,
		} {
			var err error
			if *s, err = w.r.statement(query); err != nil {
				return err
			}
		}
	}
	return nil
}

// putRow writes what an entry says, unless the row is just so.
func (w *applier) putRow(ctx context.Context, t *downTable, now, was *place) error {
	cells := w.ready.cells
	if w.ready.is(now.doc) {
		now.hash = w.ready.hash
	} else {
		cells = w.decode(t, w.id, now.doc)
		now.hash = w.hashCells(cells)
	}
	if was == nil { // probably there is no such row
		inserted, err := w.write(t.insert, cells)
		if constrained(err) {
			return w.unfit(t, t.insert, cells, now)
		}
		if err != nil || inserted > 0 {
			w.count.rows += inserted
			return err
		}
	}
	there, hash, err := w.readHash(t)
	if err != nil {
		return err
	}
	s := t.update
	switch {
	case !there:
		s = t.insert
	case hash == now.hash:
		return nil
	case was == nil || hash != was.hash:
		if err := w.rescue(ctx, t, now, was); err != nil {
			return err
		}
		cells = w.decode(t, w.id, now.doc) // others were looked at
	}
	changed, err := w.write(s, cells)
	if constrained(err) {
		return w.unfit(t, s, cells, now)
	}
	w.count.rows += changed
	return err
}

func columnType(s *stmt, i int) byte {
	switch lib.Xsqlite3_column_type(s.r.tls, s.p, int32(i)) {
	case lib.SQLITE_INTEGER:
		return 'i'
	case lib.SQLITE_FLOAT:
		return 'r'
	case lib.SQLITE_TEXT:
		return 't'
	}
	return 'n'
}

func (w *applier) write(s *stmt, cells []cell) (int64, error) {
	for i := range cells {
		s.cell(i+1, cells[i])
	}
	return s.run()
}

// unfit writes a row without the values that a condition of the table refuses, or not at all: one row must not stop the rest.
func (w *applier) unfit(t *downTable, s *stmt, cells []cell, now *place) error {
	w.f.down.ignored[ignoredName{t.Name, ""}] = true
	for i, c := range t.Columns {
		if c.Check != "" {
			cells[i], _ = fitted(c, powersync.Value{})
		}
	}
	changed, err := w.write(s, cells)
	if constrained(err) {
		w.count.unfit++
		now.hash = 0
		return nil
	}
	w.count.rows += changed
	now.hash = w.hashCells(cells)
	return err
}

// removeRow removes a row that is in no bucket any more.
func (w *applier) removeRow(ctx context.Context, t *downTable, key []byte, was *place) error {
	if w.unseen[rowName{t.Name, string(w.id)}] {
		return nil // this machine changed it, and that is on its way
	}
	there, hash, err := w.readHash(t)
	if err != nil || !there {
		return err
	}
	if hash != was.hash {
		if err := w.rescue(ctx, t, nil, was); err != nil {
			return err
		}
	}
	if w.lapsed[was.bucket] {
		w.taken++
	}
	return w.remove(t)
}

func (w *applier) remove(t *downTable) error {
	t.remove.text(1, w.id)
	n, err := t.remove.run()
	w.count.rows += n
	return err
}

func (w *applier) hashCells(cells []cell) int64 {
	w.text = w.text[:0]
	for _, c := range cells {
		w.text = appendCell(w.text, c)
	}
	return int64(hashText(w.text))
}

// readHash is the hash of the row as it is, and whether there is one.
func (w *applier) readHash(t *downTable) (there bool, hash int64, err error) {
	t.read.text(1, w.id)
	there, err = t.read.step()
	if err != nil || !there {
		return false, 0, err
	}
	w.text = w.r.canonical(w.text[:0], t.read.p)
	t.read.reset()
	return true, int64(hashText(w.text)), nil
}

// rowDocument is the row as a document, nil if there is none.
func (w *applier) rowDocument(t *downTable) ([]byte, error) {
	t.read.text(1, w.id)
	there, err := t.read.step()
	if err != nil || !there {
		return nil, err
	}
	doc := []byte{'{'}
	for i, c := range t.Columns {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = append(appendJSON(doc, c.Name), ':')
		doc = w.appendColumn(doc, t.read, i)
	}
	t.read.reset()
	return append(doc, '}'), nil
}

func (w *applier) appendColumn(doc []byte, s *stmt, i int) []byte {
	switch columnType(s, i) {
	case 'i':
		return strconv.AppendInt(doc, s.colInt(i), 10)
	case 'r':
		return appendDouble(doc, s.colReal(i))
	case 't':
		return appendJSON(doc, string(s.colBytes(i)))
	}
	return append(doc, "null"...)
}

func appendDouble(doc []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(doc, "Infinity"...)
	case math.IsInf(f, -1):
		return append(doc, "-Infinity"...)
	}
	return strconv.AppendFloat(doc, f, 'g', -1, 64)
}

func appendJSON(doc []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(doc, `""`...) // a string always has a form
	}
	return append(doc, quoted...)
}
