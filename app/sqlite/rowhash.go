package sqlite

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// hashTables hashes every data table, by name. The connection is in a read transaction, or nobody writes.
func (r *raw) hashTables(ctx context.Context) ([]app.TableHash, error) {
	names, err := r.texts(ctx, dataTablesQuery)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, bookkeeping)
	out := make([]app.TableHash, 0, len(names))
	for _, name := range names {
		h, err := r.hashTable(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// hashTable hashes one table. A generated column that is computed by a function of its own program cannot be read here;
// then what is stored is hashed without such columns, which hold nothing of their own.
func (r *raw) hashTable(ctx context.Context, name string) (app.TableHash, error) {
	h, err := r.hashColumns(ctx, name, "*")
	if primary(err) != lib.SQLITE_ERROR {
		return h, err
	}
	literal := "'" + strings.ReplaceAll(name, "'", "''") + "'"
	stored, err := r.texts(ctx, "SELECT name FROM pragma_table_xinfo("+literal+") WHERE hidden IN (0, 3) ORDER BY cid")
	if err != nil {
		return h, err
	}
	for i := range stored {
		stored[i] = quoted(stored[i])
	}
	return r.hashColumns(ctx, name, strings.Join(stored, ", "))
}

// hashColumns reads the table itself, never an index of it.
func (r *raw) hashColumns(ctx context.Context, name, columns string) (app.TableHash, error) {
	var rows int64
	var sum uint64
	var text []byte
	err := r.each(ctx, "SELECT "+columns+" FROM "+quoted(name)+" NOT INDEXED", func(stmt uintptr) error {
		text = r.canonical(text[:0], stmt)
		sum += hashText(text)
		rows++
		return nil
	})
	return app.TableHash{Table: name, Rows: rows, Sum: fmt.Sprintf("%016x", sum)}, err
}

// canonical appends the canonical text of the current row to b (see the package comment).
func (r *raw) canonical(b []byte, stmt uintptr) []byte {
	for i := range lib.Xsqlite3_data_count(r.tls, stmt) {
		b = r.canonicalColumn(b, stmt, i)
	}
	return b
}

func (r *raw) canonicalColumn(b []byte, stmt uintptr, i int32) []byte {
	switch lib.Xsqlite3_column_type(r.tls, stmt, i) {
	case lib.SQLITE_INTEGER:
		return appendInteger(b, lib.Xsqlite3_column_int64(r.tls, stmt, i))
	case lib.SQLITE_FLOAT:
		return appendReal(b, lib.Xsqlite3_column_double(r.tls, stmt, i))
	case lib.SQLITE_TEXT:
		text := r.text(stmt, i)
		return append(head(b, 't', len(text)), text...)
	case lib.SQLITE_BLOB:
		blob := r.blob(stmt, i)
		return hex.AppendEncode(head(b, 'b', 2*len(blob)), blob)
	}
	return append(b, 'n')
}

func (r *raw) blob(stmt uintptr, i int32) []byte {
	p := lib.Xsqlite3_column_blob(r.tls, stmt, i)
	return view(p, lib.Xsqlite3_column_bytes(r.tls, stmt, i))
}

// text is the value in UTF-8. Asking for a text makes SQLite copy it to add a zero; as a blob it comes as it is.
func (r *raw) text(stmt uintptr, i int32) []byte {
	if r.utf8 {
		return r.blob(stmt, i)
	}
	p := lib.Xsqlite3_column_text(r.tls, stmt, i)
	return view(p, lib.Xsqlite3_column_bytes(r.tls, stmt, i))
}

func appendInteger(b []byte, v int64) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], v, 10)
	return append(head(b, 'i', len(text)), text...)
}

func appendReal(b []byte, v float64) []byte {
	if v == 0 {
		v = 0 // -0 equals 0, and SQLite stores it as 0 wherever it may
	}
	var bits [8]byte
	for i := range bits {
		bits[i] = byte(math.Float64bits(v) >> (56 - 8*i))
	}
	return hex.AppendEncode(head(b, 'r', 16), bits[:])
}

func head(b []byte, tag byte, n int) []byte {
	return append(strconv.AppendInt(append(b, tag), int64(n), 10), ':')
}
