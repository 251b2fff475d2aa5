package sqlite

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	lib "modernc.org/sqlite/lib"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// entry is one line of the queue, as far as it decides about groups.
type entry struct {
	seq, clock int64
	tbl, op    string
	id         string
	// poison tells that the server will not take it: then nothing else should share its fate. unsendable tells that it
	// cannot even be named to the server.
	poison, unsendable bool
	hashless           bool // a message whose content hash is still to be filled in
}

// entrySQL reads entries: what the encoder needs, in its order.
func entrySQL(where string) string {
	return "SELECT seq, tbl, op, id, clock, mask, " + slotList("v%d") + ", " + slotList("o%d") + " FROM " + upQueue + " WHERE " + where + " ORDER BY seq"
}

// The columns of entrySQL before the slots.
const (
	atSeq int32 = iota
	atTable
	atOp
	atID
	atClock
	atMask
	atValues
)

// encoder makes JSON of entries. The same entry is the same bytes whenever it is encoded.
type encoder struct {
	client string
	tables map[string]schema.Table
	slots  int32
}

func newEncoder(client string) *encoder {
	e := &encoder{client: client, tables: map[string]schema.Table{}, slots: int32(slots())}
	for _, t := range schema.Tables() {
		e.tables[t.Name] = t
	}
	return e
}

// entry reads the current row of entrySQL and appends it to b as a change of the push contract.
func (e *encoder) entry(r *raw, stmt uintptr, b []byte) (entry, []byte) {
	out := entry{seq: lib.Xsqlite3_column_int64(r.tls, stmt, atSeq), clock: lib.Xsqlite3_column_int64(r.tls, stmt, atClock),
		tbl: r.utf8Text(stmt, atTable), op: r.utf8Text(stmt, atOp), id: r.utf8Text(stmt, atID)}
	t, known := e.tables[out.tbl]
	textID := lib.Xsqlite3_column_type(r.tls, stmt, atID) == lib.SQLITE_TEXT
	out.unsendable = !known || !textID || out.id == "" || len(out.id) > pushapi.MaxID || !utf8.ValidString(out.id) || hasNUL(out.id)
	if out.unsendable {
		return out, b
	}
	b = append(appendText(append(b, `{"table":"`+out.tbl+`","op":"`+wireOp(out.op)+`","id":`...), []byte(out.id)), `,"hlc":"`...)
	b = append(b, e.hlc(out.clock)...)
	b = append(b, '"')
	switch out.op {
	case opPut, opEnrol:
		b = e.object(r, stmt, append(b, `,"data":`...), t, atValues, math.MaxInt64, &out.poison)
		out.hashless = t.Name == schema.Messages && hashless(r, stmt, t)
	case opPatch:
		mask := lib.Xsqlite3_column_int64(r.tls, stmt, atMask)
		b = e.object(r, stmt, append(b, `,"data":`...), t, atValues, mask, &out.poison)
		ignored := false // what cannot be said of the past is left for the server to not know
		b = e.object(r, stmt, append(b, `,"old":`...), t, atValues+e.slots, mask, &ignored)
	}
	return out, append(b, '}')
}

func wireOp(op string) string {
	switch op {
	case opEnrol:
		return opPut
	case opMaybe:
		return opDelete
	}
	return op
}

// hlc is the clock with the client that breaks ties.
func (e *encoder) hlc(clock int64) string {
	return fmt.Sprintf("%012x-%04x-%s", clock>>16, clock&0xffff, e.client)
}

// object appends the slots that mask names as an object of columns and values.
func (e *encoder) object(r *raw, stmt uintptr, b []byte, t schema.Table, from int32, mask int64, poison *bool) []byte {
	b = append(b, '{')
	first := true
	for i, column := range t.Columns[1:] {
		if mask>>i&1 == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `"`+column.Name+`":`...)
		b = appendValue(r, stmt, b, column, from+int32(i), poison)
	}
	return append(b, '}')
}

// appendValue appends one value. What has no place in its column goes as an object that the server does not take, with
// nothing of it lost: {"blob": hex}, {"text": hex} for a text that is not UTF-8.
func appendValue(r *raw, stmt uintptr, b []byte, column schema.Column, i int32, poison *bool) []byte {
	switch lib.Xsqlite3_column_type(r.tls, stmt, i) {
	case lib.SQLITE_INTEGER:
		*poison = *poison || column.Type == schema.Text
		return strconv.AppendInt(b, lib.Xsqlite3_column_int64(r.tls, stmt, i), 10)
	case lib.SQLITE_FLOAT:
		*poison = *poison || column.Type != schema.Real
		return appendFloat(b, lib.Xsqlite3_column_double(r.tls, stmt, i))
	case lib.SQLITE_TEXT:
		text := r.text(stmt, i)
		bad := column.Type != schema.Text || !utf8.Valid(text) || hasNUL(text)
		*poison = *poison || bad
		if !utf8.Valid(text) {
			return appendTagged(b, "text", text)
		}
		return appendText(b, text)
	case lib.SQLITE_BLOB:
		*poison = true
		return appendTagged(b, "blob", r.blob(stmt, i))
	}
	*poison = *poison || column.NotNull
	return append(b, "null"...)
}

func appendTagged(b []byte, tag string, bytes []byte) []byte {
	b = append(b, `{"`+tag+`":"`...)
	return append(hex.AppendEncode(b, bytes), `"}`...)
}

// appendFloat appends a real to its last bit; the infinite ones as the push contract has them.
func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendText appends valid UTF-8 as a JSON string: the shortest one, always the same.
func appendText(b, text []byte) []byte {
	b = append(b, '"')
	start := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, text[start:]...), '"')
}

func hasNUL[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] == 0 {
			return true
		}
	}
	return false
}

// slot is the place of a column among the slots, from 0.
func slot(t schema.Table, name string) int {
	return slices.IndexFunc(t.Columns[1:], func(c schema.Column) bool { return c.Name == name })
}

func hashless(r *raw, stmt uintptr, t schema.Table) bool {
	return lib.Xsqlite3_column_type(r.tls, stmt, atValues+int32(slot(t, schema.Hash))) == lib.SQLITE_NULL &&
		lib.Xsqlite3_column_type(r.tls, stmt, atValues+int32(slot(t, schema.Content))) == lib.SQLITE_TEXT
}
