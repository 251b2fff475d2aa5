package sqlite

import (
	"bytes"
	"cmp"
	"context"

	lib "modernc.org/sqlite/lib"
)

// rows walks over the result of one query. It is used by one goroutine.
type rows struct {
	r    *raw
	stmt uintptr // 0 for no rows at all
	on   bool    // a row is current
}

// next goes to the next row, if there is one. A done ctx ends it; one inside a long step needs interruptWith too.
func (w *rows) next(ctx context.Context) error {
	w.on = false
	if w.stmt == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	switch lib.Xsqlite3_step(w.r.tls, w.stmt) {
	case lib.SQLITE_ROW:
		w.on = true
		return nil
	case lib.SQLITE_DONE:
		return nil
	}
	return cmp.Or(ctx.Err(), w.r.failed())
}

func (w *rows) close() {
	if w.stmt != 0 {
		lib.Xsqlite3_finalize(w.r.tls, w.stmt)
		w.stmt, w.on = 0, false
	}
}

// find makes the row current that has the values which other has in columns, and tells whether there is one.
func (w *rows) find(ctx context.Context, other *rows, columns []int32) (bool, error) {
	lib.Xsqlite3_reset(w.r.tls, w.stmt)
	for i, column := range columns {
		value := lib.Xsqlite3_column_value(other.r.tls, other.stmt, column)
		if rc := lib.Xsqlite3_bind_value(w.r.tls, w.stmt, int32(i)+1, value); rc != lib.SQLITE_OK { // few
			return false, w.r.failed()
		}
	}
	err := w.next(ctx)
	return w.on, err
}

func (w *rows) kind(i int32) int32 { return lib.Xsqlite3_column_type(w.r.tls, w.stmt, i) }

func (w *rows) integer(i int32) int64 { return lib.Xsqlite3_column_int64(w.r.tls, w.stmt, i) }

func (w *rows) real(i int32) float64 { return lib.Xsqlite3_column_double(w.r.tls, w.stmt, i) }

// bytes are those of a text, in UTF-8, or of a blob. They are valid until the next row.
func (w *rows) bytes(i int32) []byte {
	if w.kind(i) == lib.SQLITE_TEXT {
		return w.r.text(w.stmt, i)
	}
	return w.r.blob(w.stmt, i)
}

// size is about how many bytes the values of the row take.
func (w *rows) size(columns int) (n int64) {
	for i := range int32(columns) { // SQLite has at most 32,767
		if n++; w.kind(i) == lib.SQLITE_TEXT || w.kind(i) == lib.SQLITE_BLOB {
			n += int64(len(w.bytes(i)))
		}
	}
	return n
}

// same tells whether two rows hold the same value in a column, of the same type.
func same(a, b *rows, i int32) bool {
	kind := a.kind(i)
	if kind != b.kind(i) {
		return false
	}
	switch kind {
	case lib.SQLITE_INTEGER:
		return a.integer(i) == b.integer(i)
	case lib.SQLITE_FLOAT:
		return a.real(i) == b.real(i)
	case lib.SQLITE_NULL:
		return true
	}
	return bytes.Equal(a.bytes(i), b.bytes(i))
}

func sameAll(a, b *rows, columns []int32) bool {
	for _, i := range columns {
		if !same(a, b, i) {
			return false
		}
	}
	return true
}

// order compares two values as SQLite's BINARY order does: NULL, numbers, texts, blobs.
func order(a, b *rows, i int32) int {
	class := cmp.Compare(classOf(a.kind(i)), classOf(b.kind(i)))
	if class != 0 || a.kind(i) == lib.SQLITE_NULL {
		return class
	}
	switch {
	case a.kind(i) == lib.SQLITE_INTEGER && b.kind(i) == lib.SQLITE_INTEGER:
		return cmp.Compare(a.integer(i), b.integer(i))
	case classOf(a.kind(i)) == classOf(lib.SQLITE_FLOAT):
		return cmp.Compare(a.real(i), b.real(i))
	}
	return bytes.Compare(a.bytes(i), b.bytes(i))
}

// classOf ranks the types: integers and reals are in one order.
func classOf(kind int32) int {
	switch kind {
	case lib.SQLITE_NULL:
		return 0
	case lib.SQLITE_INTEGER, lib.SQLITE_FLOAT:
		return 1
	case lib.SQLITE_TEXT:
		return 2
	}
	return 3
}
