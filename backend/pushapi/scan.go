package pushapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
)

// The functions here walk JSON that json.Valid has found valid, without copying it: a batch has thousands of values, and
// each is read once, as the type of its column.

// Members are the members of an object, in order, with raw values. Anything but an object has none.
func Members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		rest := open(object, '{')
		for len(rest) > 0 && rest[0] != '}' {
			raw := value(rest)
			name, err := Text(raw)
			if err != nil {
				name = string(raw) // no column is called like that
			}
			rest = space(rest[len(raw):])[1:] // the colon
			v := value(space(rest))
			rest = next(space(rest)[len(v):])
			if !yield(name, v) {
				return
			}
		}
	}
}

// elements are the raw elements of an array. Anything but an array has none.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		rest := open(array, '[')
		for len(rest) > 0 && rest[0] != ']' {
			v := value(rest)
			rest = next(rest[len(v):])
			if !yield(v) {
				return
			}
		}
	}
}

func open(b []byte, bracket byte) []byte {
	if b = space(b); len(b) == 0 || b[0] != bracket {
		return nil
	}
	return space(b[1:])
}

// next goes past a comma, to the next value or the closing bracket.
func next(b []byte) []byte {
	if b = space(b); len(b) > 0 && b[0] == ',' {
		return space(b[1:])
	}
	return b
}

func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// value is the value that b begins with.
func value(b []byte) []byte {
	switch b[0] {
	case '"':
		return b[:quoted(b)]
	case '{', '[':
		return b[:nested(b)]
	}
	end := bytes.IndexAny(b, ",]} \n\t\r")
	if end < 0 {
		end = len(b)
	}
	return b[:end]
}

// quoted is the length of the string that b begins with. Texts are long, so it looks for the quotes, and only then whether
// one is escaped: after an odd number of backslashes.
func quoted(b []byte) int {
	for i := 1; ; i++ {
		i += bytes.IndexByte(b[i:], '"')
		escapes := i - 1
		for b[escapes] == '\\' {
			escapes--
		}
		if (i-escapes)%2 == 1 {
			return i + 1
		}
	}
}

func nested(b []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch b[i] {
		case '"':
			i += quoted(b[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// What a string may not have: encoding/json would replace the second in silence.
var (
	errNoText    = errors.New("is not text")
	errNul       = errors.New("has the character NUL, which PostgreSQL cannot store")
	errSurrogate = errors.New("has half a surrogate pair, which is no character")
)

// Text is the value of a JSON string. Other values, the character NUL and half surrogate pairs are errors that do not name
// the text.
func Text(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", errNoText
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), nil
	}
	if err := checkEscapes(inner); err != nil {
		return "", err
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// checkEscapes looks at every \u1234 of a string's inside.
func checkEscapes(s []byte) error {
	high := false // the character before was the first half of a pair
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			if high {
				return errSurrogate
			}
			continue
		}
		i++
		unit := uint64(' ')
		if s[i] == 'u' {
			unit, _ = strconv.ParseUint(string(s[i+1:i+5]), 16, 16)
			i += 4
		}
		low := unit >= 0xDC00 && unit < 0xE000
		if unit == 0 {
			return errNul
		}
		if high != low {
			return errSurrogate
		}
		high = unit >= 0xD800 && unit < 0xDC00
	}
	if high {
		return errSurrogate
	}
	return nil
}
