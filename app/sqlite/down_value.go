package sqlite

import (
	"bytes"
	"encoding/hex"
	"math"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// cell is a value as a column of ours can hold it.
type cell struct {
	kind byte // 'n', 'i', 'r' or 't', as in the canonical text
	i    int64
	r    float64
	b    []byte
}

// fitted is the value as the column can hold it, and whether nothing of it was lost. NaN, which SQLite does not have, and
// what is no number in a number's place become NULL. A column that must have a value gets an empty one: a row from the cloud
// is never refused for that.
func fitted(c schema.Column, v powersync.Value) (out cell, whole bool) {
	out, whole = asColumn(c.Type, v)
	if out.kind == 'n' && c.NotNull {
		return empty(c.Type), whole
	}
	return out, whole
}

func asColumn(t schema.Type, v powersync.Value) (cell, bool) {
	null := cell{kind: 'n'}
	if v.Kind == powersync.Null {
		return null, true
	}
	switch t {
	case schema.Integer:
		if n, ok := v.Int64(); ok {
			return cell{kind: 'i', i: n}, true
		}
		return null, false
	case schema.Real:
		f, ok := v.Float64()
		if !ok || math.IsNaN(f) {
			return null, ok
		}
		return cell{kind: 'r', r: f}, true
	case schema.Text:
		return cell{kind: 't', b: v.Bytes}, true
	}
	return asItComes(v), true
}

// asItComes is for a column that takes any type.
func asItComes(v powersync.Value) cell {
	if n, ok := v.Int64(); ok && v.Kind != powersync.Text {
		return cell{kind: 'i', i: n}
	}
	if f, ok := v.Float64(); ok && v.Kind == powersync.Number && !math.IsNaN(f) {
		return cell{kind: 'r', r: f}
	}
	return cell{kind: 't', b: v.Bytes}
}

func empty(t schema.Type) cell {
	switch t {
	case schema.Integer:
		return cell{kind: 'i'}
	case schema.Real:
		return cell{kind: 'r'}
	case schema.Text:
	}
	return cell{kind: 't'}
}

// appendCell appends the canonical text of the value (see the package comment).
func appendCell(b []byte, c cell) []byte {
	switch c.kind {
	case 'i':
		return appendInteger(b, c.i)
	case 'r':
		return appendReal(b, c.r)
	case 't':
		return append(head(b, 't', len(c.b)), c.b...)
	}
	return append(b, 'n')
}

func (s *stmt) cell(i int, c cell) {
	switch c.kind {
	case 'i':
		s.int(i, c.i)
	case 'r':
		s.real(i, c.r)
	case 't':
		s.text(i, c.b)
	default:
		s.null(i)
	}
}

// A row's id is kept as a key: a byte that says which kind it is, then the 16 bytes of a UUID or the text. Keys compare as
// SQLite compares the ids in downRows: texts before blobs, by their bytes.
const (
	keyText byte = iota
	keyUUID
)

// appendKey appends the key of an id.
func appendKey(b, id []byte) []byte {
	start := len(b)
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return append(append(b, keyText), id...)
	}
	b = append(b, keyUUID)
	for i := 0; i < 36; {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			i++
			continue
		}
		high, low := digit(id[i]), digit(id[i+1])
		if high|low > 15 {
			return append(append(b[:start], keyText), id...)
		}
		b = append(b, high<<4|low)
		i += 2
	}
	return b
}

// digit is the value of a lower-case hex digit, 255 of anything else: an upper-case UUID is another id.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// appendID appends the id of a key.
func appendID(b, key []byte) []byte {
	if key[0] == keyText {
		return append(b, key[1:]...)
	}
	for i, part := range [][]byte{key[1:5], key[5:7], key[7:9], key[9:11], key[11:17]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// key binds a key as the id of downRows.
func (s *stmt) key(i int, key []byte) {
	if key[0] == keyText {
		s.text(i, key[1:])
		return
	}
	s.blob(i, key[1:])
}

// subkeyHash stands for the subkey of an operation: two of one row in one bucket are told apart by it.
func subkeyHash(subkey []byte) uint32 {
	if subkey == nil {
		return 0
	}
	return uint32(hashText(subkey))
}

// sameName compares a column's name with one of ours without allocating.
func sameName(name []byte, c schema.Column) bool { return bytes.Equal(name, []byte(c.Name)) }
