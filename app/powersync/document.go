package powersync

import "strconv"

// ValueKind is what a document says about a column.
type ValueKind byte

// The kinds of values. An array or object is JSON: its text as it stands.
const (
	Null ValueKind = iota
	Text
	Number
	Bool
	JSON
)

// Value is the value of a column. Its bytes lie in the document.
type Value struct {
	Kind  ValueKind
	Bytes []byte // of Text the text; of Number, Bool and JSON as written
}

// Int64 is the value as an integer, and whether it is one without loss.
func (v Value) Int64() (int64, bool) {
	switch v.Kind {
	case Bool:
		if len(v.Bytes) == len("true") {
			return 1, true
		}
		return 0, true
	case Number, Text:
		n, err := strconv.ParseInt(string(v.Bytes), 10, 64)
		if err == nil {
			return n, true
		}
		f, ok := v.Float64()
		if ok && f == float64(int64(f)) && f > -1<<62 && f < 1<<62 {
			return int64(f), true
		}
	case Null, JSON:
	}
	return 0, false
}

// Float64 is the value as a real, infinities and NaN included, and whether it is a number.
func (v Value) Float64() (float64, bool) {
	if v.Kind != Number && v.Kind != Text {
		n, ok := v.Int64()
		return float64(n), ok
	}
	f, err := strconv.ParseFloat(string(v.Bytes), 64)
	if err != nil && f == 0 {
		return 0, false
	}
	return f, len(v.Bytes) > 0
}

// Document reads the columns of a row's document in the order they stand in. It changes the text: names and values are
// unescaped in place.
type Document struct {
	s    scanner
	more bool
}

// NewDocument begins to read text. Bare NaN, Infinity and -Infinity are numbers.
func NewDocument(text []byte) Document {
	d := Document{s: scanner{src: text, bare: true}}
	d.more = d.s.enter('{', '}')
	return d
}

// Next returns the next column; ok is false behind the last one and where the text is no document.
func (d *Document) Next() (name []byte, v Value, ok bool) {
	if !d.more || d.s.err != nil {
		return nil, Value{}, false
	}
	name = d.s.key()
	v = d.s.value()
	d.more = d.s.next('}')
	return name, v, d.s.err == nil
}

// Err tells, after the last column, whether the text was a document.
func (d *Document) Err() error { return d.s.end() }

func (s *scanner) value() Value {
	if s.err != nil {
		return Value{}
	}
	switch s.space() {
	case '"':
		return Value{Text, s.text()}
	case 'n':
		s.literal("null")
		return Value{}
	case 't', 'f':
		start := s.at
		s.boolean()
		return Value{Bool, s.src[start:s.at]}
	case '{', '[':
		return s.nested()
	}
	return Value{Number, s.number()}
}

// nested keeps an array or object as it is written.
func (s *scanner) nested() Value {
	start := s.at
	check := scanner{src: append([]byte(nil), s.src[s.at:]...), bare: s.bare}
	if check.skip(0); check.err != nil {
		s.err = check.err
		return Value{}
	}
	s.at += check.at
	return Value{JSON, s.src[start:s.at]}
}
