package sqlite

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// raw is a read-only connection through SQLite's C interface. Reading every row of a file through the driver allocates
// each value and costs several times as much as the hash itself. A raw connection belongs to one goroutine at a time.
type raw struct {
	tls  *libc.TLS
	db   uintptr
	path string
	// utf8 tells that texts are stored as UTF-8, so that they can be read as they are, without a terminating zero.
	utf8 bool
}

// rawError is an error of the C interface.
type rawError struct {
	code       int
	text, path string
}

func (e *rawError) Error() string { return fmt.Sprintf("%s (%d)", e.text, e.code) }

// openRaw opens path for reading. The caller closes it.
func openRaw(ctx context.Context, path string, m mode) (*raw, error) {
	r := &raw{tls: libc.NewTLS(), path: path}
	if err := r.open(uri(path, m)); err != nil {
		r.close()
		return nil, err
	}
	lib.Xsqlite3_busy_timeout(r.tls, r.db, int32(busyTimeout.Milliseconds()))
	encoding, err := r.texts(ctx, "PRAGMA encoding")
	if err != nil {
		r.close()
		return nil, err
	}
	r.utf8 = encoding[0] == "UTF-8"
	return r, nil
}

func (r *raw) open(name string) error {
	zName, err := libc.CString(name)
	if err != nil {
		return err
	}
	defer libc.Xfree(r.tls, zName)
	out := r.tls.Alloc(int(unsafe.Sizeof(r.db)))
	defer r.tls.Free(int(unsafe.Sizeof(r.db)))
	// No mutex: only sqlite3_interrupt is called from another goroutine, which needs none.
	const flags = lib.SQLITE_OPEN_READONLY | lib.SQLITE_OPEN_URI | lib.SQLITE_OPEN_NOMUTEX
	rc := lib.Xsqlite3_open_v2(r.tls, zName, out, flags, 0)
	r.db = *at[uintptr](out)
	if rc != lib.SQLITE_OK {
		return r.failed()
	}
	lib.Xsqlite3_extended_result_codes(r.tls, r.db, 1)
	return nil
}

// close ends the connection and any transaction of it.
func (r *raw) close() {
	lib.Xsqlite3_close_v2(r.tls, r.db)
	r.tls.Close()
}

func (r *raw) failed() error {
	return &rawError{
		int(lib.Xsqlite3_extended_errcode(r.tls, r.db)), libc.GoString(lib.Xsqlite3_errmsg(r.tls, r.db)), r.path,
	}
}

// each runs a query and calls row for each of its rows. A done ctx interrupts it, also inside a long step.
func (r *raw) each(ctx context.Context, query string, row func(stmt uintptr) error) error {
	stmt, err := r.prepare(query)
	if err != nil {
		return err
	}
	defer lib.Xsqlite3_finalize(r.tls, stmt)
	defer r.interruptWith(ctx)()
	for {
		switch rc := lib.Xsqlite3_step(r.tls, stmt); rc {
		case lib.SQLITE_ROW:
			if err := row(stmt); err != nil {
				return err
			}
		case lib.SQLITE_DONE:
			return ctx.Err()
		default:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return r.failed()
		}
	}
}

// prepare takes one statement.
func (r *raw) prepare(query string) (uintptr, error) {
	zQuery, err := libc.CString(query)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(r.tls, zQuery)
	size := int(unsafe.Sizeof(r.db))
	out := r.tls.Alloc(2 * size)
	defer r.tls.Free(2 * size)
	tail := out + uintptr(size)
	if rc := lib.Xsqlite3_prepare_v2(r.tls, r.db, zQuery, -1, out, tail); rc != lib.SQLITE_OK {
		return 0, r.failed()
	}
	if stmt, rest := *at[uintptr](out), *at[uintptr](tail); int(rest-zQuery) != len(query) {
		lib.Xsqlite3_finalize(r.tls, stmt)
		return 0, errStatements
	}
	return *at[uintptr](out), nil
}

// errStatements is a query that has more than one statement.
var errStatements = errors.New("there is more than one statement")

// interruptWith interrupts the connection when ctx ends. stop returns when nothing will touch it any more.
func (r *raw) interruptWith(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		tls := libc.NewTLS()
		defer tls.Close()
		lib.Xsqlite3_interrupt(tls, r.db)
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}

// texts reads a query of one text column.
func (r *raw) texts(ctx context.Context, query string) ([]string, error) {
	var out []string
	err := r.each(ctx, query, func(stmt uintptr) error {
		out = append(out, libc.GoString(lib.Xsqlite3_column_text(r.tls, stmt, 0)))
		return nil
	})
	return out, err
}

// at reads C memory as a *T.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// view is n bytes of C memory. It is valid until SQLite changes them.
func view(p uintptr, n int32) []byte {
	if p == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](p), n)
}
