package sqlite

import (
	"errors"
	"reflect"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// throughC is the same connection through SQLite's C interface, for the statements that are run for each downloaded row:
// the driver takes twice as long for them, and a connection of our own could not take part in the transaction. The driver
// keeps its handle to itself; TestThroughC fails should it be kept elsewhere one day. The caller uses one of the two at a
// time, and closes the result's statements before the connection.
func (c *conn) throughC(path string) (r *raw, err error) {
	err = c.Raw(func(driver any) error {
		v := reflect.ValueOf(driver)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return errors.ErrUnsupported
		}
		db, tls := v.Elem().FieldByName("db"), v.Elem().FieldByName("tls")
		if db.Kind() != reflect.Uintptr || tls.Type() != reflect.TypeFor[*libc.TLS]() {
			return errors.ErrUnsupported
		}
		r = &raw{tls: (*libc.TLS)(tls.UnsafePointer()), db: uintptr(db.Uint()), path: path}
		return nil
	})
	return r, err
}

// stmt is a prepared statement. What is bound is copied, and kept until the statement is run.
type stmt struct {
	r *raw
	p uintptr
	// room is C memory for texts and blobs, used up to fill.
	room uintptr
	size int
	fill int
	more []uintptr // memory for what did not fit
}

const stmtRoom = 4096

func (r *raw) statement(query string) (*stmt, error) {
	p, err := r.prepare(query)
	if err != nil {
		return nil, err
	}
	return &stmt{r: r, p: p, room: libc.Xmalloc(r.tls, stmtRoom), size: stmtRoom}, nil
}

func (s *stmt) close() {
	if s == nil {
		return
	}
	s.free()
	libc.Xfree(s.r.tls, s.room)
	lib.Xsqlite3_finalize(s.r.tls, s.p)
}

// free gives back what did not fit, and makes the room as large as was needed, within reason.
func (s *stmt) free() {
	for _, p := range s.more {
		libc.Xfree(s.r.tls, p)
	}
	s.more, s.fill = s.more[:0], 0
}

func (s *stmt) keep(b []byte) uintptr {
	if s.fill+len(b)+1 > s.size {
		p := libc.Xmalloc(s.r.tls, uint64(len(b)+1))
		s.more = append(s.more, p)
		copy(view(p, int32(len(b))), b)
		return p
	}
	p := s.room + uintptr(s.fill)
	s.fill += len(b) + 1
	copy(view(p, int32(len(b))), b)
	return p
}

func (s *stmt) int(i int, v int64)    { lib.Xsqlite3_bind_int64(s.r.tls, s.p, int32(i), v) }
func (s *stmt) real(i int, v float64) { lib.Xsqlite3_bind_double(s.r.tls, s.p, int32(i), v) }
func (s *stmt) null(i int)            { lib.Xsqlite3_bind_null(s.r.tls, s.p, int32(i)) }

func (s *stmt) text(i int, b []byte) {
	lib.Xsqlite3_bind_text(s.r.tls, s.p, int32(i), s.keep(b), int32(len(b)), lib.SQLITE_STATIC)
}

func (s *stmt) blob(i int, b []byte) {
	lib.Xsqlite3_bind_blob(s.r.tls, s.p, int32(i), s.keep(b), int32(len(b)), lib.SQLITE_STATIC)
}

// step goes to the next row; false at the end, where the statement is ready to be run again.
func (s *stmt) step() (bool, error) {
	switch rc := lib.Xsqlite3_step(s.r.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		s.reset()
		return false, nil
	default:
		err := s.r.failed()
		s.reset()
		return false, err
	}
}

func (s *stmt) reset() {
	lib.Xsqlite3_reset(s.r.tls, s.p)
	s.free()
}

// run runs a statement that returns nothing, and says how many rows it changed.
func (s *stmt) run() (int64, error) {
	for {
		more, err := s.step()
		if err != nil || !more {
			return int64(lib.Xsqlite3_changes(s.r.tls, s.r.db)), err
		}
	}
}

func (s *stmt) colInt(i int) int64    { return lib.Xsqlite3_column_int64(s.r.tls, s.p, int32(i)) }
func (s *stmt) colReal(i int) float64 { return lib.Xsqlite3_column_double(s.r.tls, s.p, int32(i)) }
func (s *stmt) colBytes(i int) []byte { return s.r.blob(s.p, int32(i)) }

// colText is a value as UTF-8 text, whatever it is stored as: a copy, nil for NULL.
func (s *stmt) colText(i int) []byte {
	if lib.Xsqlite3_column_type(s.r.tls, s.p, int32(i)) == lib.SQLITE_NULL {
		return nil
	}
	p := lib.Xsqlite3_column_text(s.r.tls, s.p, int32(i))
	return append([]byte{}, view(p, lib.Xsqlite3_column_bytes(s.r.tls, s.p, int32(i)))...)
}
