package row

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
)

// Column is a column's name and its type in PostgreSQL (an OID).
type Column struct {
	Name string
	Type uint32
}

// Kind is what is known of a column's value.
type Kind byte

// The kinds.
const (
	Null      Kind = iota
	Text           // PostgreSQL's text form
	JSON           // as it stands in a document
	Unchanged      // out of line, and not in the change record
)

// Value is a column's value.
type Value struct {
	Kind Kind
	Data []byte
}

// The types that are not sent as text.
const (
	oidBool        = 16
	oidBytea       = 17
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidFloat4      = 700
	oidFloat8      = 701
	oidTimestamptz = 1184
)

// AppendDocument appends the document of the columns at the given indexes.
func AppendDocument(dst []byte, columns []Column, values []Value, indexes []int) []byte {
	dst = append(dst, '{')
	for n, i := range indexes {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, columns[i].Name)
		dst = append(dst, ':')
		dst = appendValue(dst, columns[i].Type, values[i])
	}
	return append(dst, '}')
}

func appendValue(dst []byte, oid uint32, v Value) []byte {
	switch v.Kind {
	case JSON:
		return append(dst, v.Data...)
	case Text:
		return appendText(dst, oid, v.Data)
	default:
		return append(dst, "null"...)
	}
}

func appendText(dst []byte, oid uint32, text []byte) []byte {
	switch oid {
	case oidInt2, oidInt4, oidInt8:
		return append(dst, text...)
	case oidFloat4, oidFloat8:
		return appendFloat(dst, oid, string(text))
	case oidBool:
		if string(text) == "t" {
			return append(dst, '1')
		}
		return append(dst, '0')
	case oidTimestamptz:
		return appendTime(dst, string(text))
	case oidBytea:
		return appendBytes(dst, string(text))
	default:
		return AppendString(dst, string(text))
	}
}

func appendBytes(dst []byte, text string) []byte {
	raw, err := hex.DecodeString(text[min(2, len(text)):])
	if err != nil {
		return AppendString(dst, text) // bytea_output = escape
	}
	dst = append(dst, '"')
	return append(base64.StdEncoding.AppendEncode(dst, raw), '"')
}

// appendFloat writes a number as JavaScript does, and marks it as a double.
func appendFloat(dst []byte, oid uint32, text string) []byte {
	bits := 64
	if oid == oidFloat4 {
		bits = 32
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, text...)
	}
	if f == 0 {
		return append(dst, "0.0"...)
	}
	if size := math.Abs(f); size >= 1e21 || size < 1e-6 {
		return append(dst, exponent(strconv.AppendFloat(nil, f, 'e', -1, bits))...)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if f == math.Trunc(f) {
		dst = append(dst, ".0"...)
	}
	return dst
}

// exponent drops the zero that Go pads a small exponent with.
func exponent(text []byte) []byte {
	if n := len(text); n >= 4 && text[n-2] == '0' && (text[n-3] == '-' || text[n-3] == '+') {
		return append(text[:n-2], text[n-1])
	}
	return text
}
