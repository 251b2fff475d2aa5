package sqlite

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// staged is an operation that came and is not shown yet.
type staged struct {
	table  int64
	kind   powersync.Kind
	bucket *downBucket
	op     int64
	sum    uint32
	subkey uint32
	key    []byte // see appendKey
	doc    []byte
}

func (o *staged) compare(other *staged) int {
	return cmp.Or(cmp.Compare(o.table, other.table), bytes.Compare(o.key, other.key))
}

const (
	spoolBytes = 4 << 20 // what stays in memory
	spoolOps   = 10_000
	spoolChunk = 256 << 10
)

// spool keeps operations in the order they came: the oldest in files, each sorted by row, the newest in memory.
type spool struct {
	ops   []staged
	chunk []byte // where the next texts go
	bytes int
	dir   string
	runs  []*run
	next  int // the number of the next file
}

// add copies what the operation refers to.
func (s *spool) add(o staged, id, doc []byte) {
	need := len(id) + 1 + len(doc)
	if cap(s.chunk)-len(s.chunk) < need {
		s.chunk = make([]byte, 0, max(spoolChunk, need))
	}
	start := len(s.chunk)
	s.chunk = appendKey(s.chunk, id)
	mid := len(s.chunk)
	s.chunk = append(s.chunk, doc...)
	o.key, o.doc = s.chunk[start:mid:mid], s.chunk[mid:len(s.chunk):len(s.chunk)]
	s.ops = append(s.ops, o)
	s.bytes += need
}

func (s *spool) full(most int) bool { return s.bytes >= spoolBytes || len(s.ops) >= most }

// sort orders what is in memory by row; operations of one row stay in the order they came.
func (s *spool) sort() { slices.SortStableFunc(s.ops, func(a, b staged) int { return a.compare(&b) }) }

// drop forgets what came of a bucket.
func (s *spool) drop(b *downBucket) {
	s.ops = slices.DeleteFunc(s.ops, func(o staged) bool { return o.bucket == b })
	for _, r := range s.runs {
		delete(r.live, b.id)
	}
}

// size is how many operations there are.
func (s *spool) size() int64 {
	n := int64(len(s.ops))
	for _, r := range s.runs {
		n += r.ops
	}
	return n
}

// freed forgets what was shown: the operations of the buckets that are covered, and files of which nothing is left.
func (s *spool) freed(covered func(*downBucket) bool) error {
	s.ops = slices.DeleteFunc(s.ops, func(o staged) bool { return covered(o.bucket) })
	if len(s.ops) == 0 {
		s.ops, s.chunk, s.bytes = nil, nil, 0
	}
	for _, r := range s.runs {
		for id, b := range r.live {
			if covered(b) {
				delete(r.live, id)
			}
		}
	}
	return s.sweep()
}
