package powersync

import "bytes"

// Kind is what an operation does to its bucket.
type Kind byte

// The kinds. Put sets a row's document, Remove takes it out of the bucket, Move stands for an operation that a later one
// made void, Clear for everything in the bucket up to it. A kind that is not known reads as Unknown.
const (
	Unknown Kind = iota
	Put
	Remove
	Move
	Clear
)

var kinds = map[string]Kind{"PUT": Put, "REMOVE": Remove, "MOVE": Move, "CLEAR": Clear}

// Op is one operation of a bucket. Its bytes are valid until the next line is given to the machine.
type Op struct {
	ID       int64
	Kind     Kind
	Table    []byte
	Row      []byte // the row's id
	Subkey   []byte // nil when there is none
	Checksum uint32
	Document []byte // of Put: a JSON object, in which NaN and Infinity may stand bare
}

// Listing is a bucket as a checkpoint lists it.
type Listing struct {
	Name     string
	Checksum uint32 // of all its operations
	Count    int64  // of all its operations, those that compaction took away included
	Priority int    // 0 is the most urgent
}

// line is one line of the stream. Of what it has not been told it has nothing.
type line struct {
	kind     lineKind
	lastOp   int64
	request  int64 // the write checkpoint, 0 when there is none
	listings []Listing
	removed  []string
	priority int
	bucket   []byte
	ops      []Op
	seconds  int64
}

type lineKind byte

const (
	lineOther lineKind = iota
	lineCheckpoint
	lineDiff
	lineData
	linePartial
	lineComplete
	lineToken
)

var lineKinds = map[string]lineKind{
	"checkpoint": lineCheckpoint, "checkpoint_diff": lineDiff, "data": lineData,
	"partial_checkpoint_complete": linePartial, "checkpoint_complete": lineComplete, "token_expires_in": lineToken,
}

// parse reads one line. It changes text, which the result refers to. Operations are appended to ops[:0].
func parse(text []byte, ops []Op) (line, error) {
	l := line{ops: ops[:0]}
	s := scanner{src: text}
	for more := s.enter('{', '}'); more; more = s.next('}') {
		kind := lineKinds[string(s.key())]
		if kind == lineOther {
			s.skip(0)
			continue
		}
		l.kind = kind
		l.body(&s)
	}
	return l, s.end()
}

func (l *line) body(s *scanner) {
	switch l.kind {
	case lineToken:
		l.seconds = s.integer()
	case lineData:
		l.data(s)
	default:
		l.checkpoint(s)
	}
}

func (l *line) checkpoint(s *scanner) {
	for more := s.enter('{', '}'); more; more = s.next('}') {
		switch string(s.key()) {
		case "last_op_id":
			l.lastOp = s.id()
		case "write_checkpoint":
			if !s.null() {
				l.request = s.id()
			}
		case "buckets", "updated_buckets":
			for more := s.enter('[', ']'); more; more = s.next(']') {
				l.listings = append(l.listings, listing(s))
			}
		case "removed_buckets":
			for more := s.enter('[', ']'); more; more = s.next(']') {
				l.removed = append(l.removed, string(s.text()))
			}
		case "priority":
			l.priority = int(s.integer())
		default:
			s.skip(0)
		}
	}
}

// defaultPriority is that of a bucket without one.
const defaultPriority = 3

func listing(s *scanner) Listing {
	b := Listing{Priority: defaultPriority}
	for more := s.enter('{', '}'); more; more = s.next('}') {
		switch string(s.key()) {
		case "bucket":
			b.Name = string(s.text())
		case "checksum":
			b.Checksum = uint32(s.integer()) // signed or not, it is meant modulo 2^32
		case "count":
			if !s.null() {
				b.Count = s.integer()
			}
		case "priority":
			if !s.null() {
				b.Priority = int(s.integer())
			}
		default:
			s.skip(0)
		}
	}
	return b
}

func (l *line) data(s *scanner) {
	for more := s.enter('{', '}'); more; more = s.next('}') {
		switch string(s.key()) {
		case "bucket":
			l.bucket = s.text()
		case "data":
			for more := s.enter('[', ']'); more; more = s.next(']') {
				l.ops = append(l.ops, operation(s))
			}
		case "next_after":
			if !s.null() {
				l.lastOp = s.id()
			}
		default:
			s.skip(0)
		}
	}
}

func operation(s *scanner) (o Op) {
	for more := s.enter('{', '}'); more; more = s.next('}') {
		switch string(s.key()) {
		case "op_id":
			o.ID = s.id()
		case "op":
			o.Kind = kinds[string(s.text())]
		case "object_type":
			o.Table = s.textOrNull()
		case "object_id":
			o.Row = s.textOrNull()
		case "subkey":
			o.Subkey = s.textOrNull()
		case "checksum":
			o.Checksum = uint32(s.integer())
		case "data":
			o.Document = s.document()
		default:
			s.skip(0)
		}
	}
	return o
}

func (s *scanner) textOrNull() []byte {
	if s.null() {
		return nil
	}
	return s.text()
}

// document is a string, or an object where the server did not know raw_data.
func (s *scanner) document() []byte {
	if s.space() != '{' {
		return s.textOrNull()
	}
	start := s.at
	check := scanner{src: bytes.Clone(s.src[s.at:])} // unescaping in place would change the document
	if check.skip(0); check.err != nil {
		s.err = check.err
		return nil
	}
	s.at += check.at
	return s.src[start:s.at]
}
