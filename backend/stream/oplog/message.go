package oplog

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/coditect-ai/coditect-sync/backend/stream/row"
)

// lsn is a position in PostgreSQL's log.
type lsn uint64

// The messages of pgoutput, protocol version 1, that matter here.
type (
	beginMessage    struct{ commit lsn }
	commitMessage   struct{ end lsn }
	relationMessage struct {
		id           uint32
		schema, name string
		full         bool // changes carry the whole row as it was
		columns      []row.Column
	}
	changeMessage struct {
		relation uint32
		old, now []row.Value // nil: the key has not changed; the row is gone
	}
	truncateMessage struct{ relations []uint32 }
	logicalMessage  struct {
		prefix  string
		content []byte
	}
	// idleMessage says that everything up to a position was sent.
	idleMessage struct{ end lsn }
)

var errShort = errors.New("a replication message ends early")

// parse reads one message; nil for a kind that does not matter. What it returns refers to data.
func parse(data []byte) (message any, err error) {
	r := &reader{data: data}
	switch r.byte() {
	case 'B':
		message = beginMessage{lsn(r.uint64())}
	case 'C':
		r.take(1 + 8)
		message = commitMessage{lsn(r.uint64())}
	case 'R':
		message = r.relation()
	case 'I':
		message = changeMessage{relation: r.uint32(), now: r.marked()}
	case 'U':
		message = r.update()
	case 'D':
		message = changeMessage{relation: r.uint32(), old: r.marked()}
	case 'T':
		message = r.truncate()
	case 'M':
		r.take(1 + 8)
		message = logicalMessage{r.text(), r.take(int(r.uint32()))}
	}
	if r.short {
		return nil, errShort
	}
	return message, nil
}

type reader struct {
	data  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short, n = true, 0
	}
	taken := r.data[:n:n]
	r.data = r.data[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); len(b) == 2 {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() string {
	end := strings.IndexByte(string(r.data), 0)
	s := string(r.take(end))
	r.take(1)
	return s
}

func (r *reader) relation() relationMessage {
	m := relationMessage{id: r.uint32(), schema: r.text(), name: r.text(), full: r.byte() == 'f'}
	for n := r.uint16(); n > 0 && !r.short; n-- {
		r.take(1)
		m.columns = append(m.columns, row.Column{Name: r.text(), Type: r.uint32()})
		r.take(4)
	}
	return m
}

func (r *reader) update() changeMessage {
	m := changeMessage{relation: r.uint32()}
	if mark := r.byte(); mark != 'N' {
		m.old = r.tuple()
		r.take(1)
	}
	m.now = r.tuple()
	return m
}

func (r *reader) marked() []row.Value {
	r.take(1)
	return r.tuple()
}

func (r *reader) tuple() []row.Value {
	values := make([]row.Value, r.uint16())
	for i := range values {
		switch r.byte() {
		case 't':
			values[i] = row.Value{Kind: row.Text, Data: r.take(int(r.uint32()))}
		case 'u':
			values[i].Kind = row.Unchanged
		}
	}
	return values
}

func (r *reader) truncate() truncateMessage {
	n := r.uint32()
	r.take(1)
	var m truncateMessage
	for ; n > 0 && !r.short; n-- {
		m.relations = append(m.relations, r.uint32())
	}
	return m
}
