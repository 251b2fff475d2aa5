package sqlite

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// source gives operations in the order of rows.
type source interface {
	// head is the next operation, nil at the end. It is valid until advance.
	head() *staged
	advance() error
	close() error
}

// memorySource is what is in memory, sorted, of the buckets that are wanted.
type memorySource struct {
	ops  []staged
	want func(*downBucket) bool
}

func (s *memorySource) head() *staged {
	for len(s.ops) > 0 {
		if s.want(s.ops[0].bucket) {
			return &s.ops[0]
		}
		s.ops = s.ops[1:]
	}
	return nil
}

func (s *memorySource) advance() error {
	s.ops = s.ops[1:]
	return nil
}

func (s *memorySource) close() error { return nil }

// runSource reads a file. Each block is memory of its own, so that what was read stays valid.
type runSource struct {
	run   *run
	want  func(*downBucket) bool
	file  *os.File
	r     *bufio.Reader
	block []byte
	now   staged
	ok    bool
	left  int64
}

func (r *run) source(want func(*downBucket) bool) (*runSource, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return nil, err
	}
	s := &runSource{run: r, want: want, file: file, r: bufio.NewReaderSize(file, runBlock), left: r.ops}
	if err := s.advance(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

func (s *runSource) head() *staged {
	if !s.ok {
		return nil
	}
	return &s.now
}

func (s *runSource) advance() error {
	for s.left > 0 {
		if len(s.block) == 0 {
			block, err := readBlock(s.r)
			if err != nil {
				return errors.Join(errTorn, err)
			}
			s.block = block
		}
		s.left--
		if err := s.record(); err != nil {
			return err
		}
		if s.now.bucket != nil && s.want(s.now.bucket) {
			s.ok = true
			return nil
		}
	}
	s.ok = false
	return nil
}

func (s *runSource) record() error {
	var bad bool
	number := func() uint64 {
		n, size := binary.Uvarint(s.block)
		if size <= 0 {
			bad = true
			return 0
		}
		s.block = s.block[size:]
		return n
	}
	take := func(n uint64) []byte {
		if uint64(len(s.block)) < n {
			bad = true
			return nil
		}
		out := s.block[:n:n]
		s.block = s.block[n:]
		return out
	}
	s.now = staged{table: int64(number())}
	if kind := take(1); !bad {
		s.now.kind = powersync.Kind(kind[0])
	}
	s.now.bucket = s.run.live[int64(number())]
	op, size := binary.Varint(s.block)
	if size <= 0 {
		return errTorn
	}
	s.now.op, s.block = op, s.block[size:]
	if sums := take(8); !bad {
		s.now.sum, s.now.subkey = binary.LittleEndian.Uint32(sums), binary.LittleEndian.Uint32(sums[4:])
	}
	s.now.key = take(number())
	s.now.doc = take(number())
	if bad || len(s.now.key) == 0 {
		return errTorn
	}
	return nil
}

func (s *runSource) close() error { return s.file.Close() }

// merged is all sources as one, in the order of rows; operations of one row come in the order they arrived, since an
// earlier source has the earlier ones.
type merged struct {
	order []source // by age
	heap  []int    // of order
}

func mergeOf(sources []source) *merged {
	m := &merged{order: sources}
	for i, s := range sources {
		if s.head() != nil {
			m.heap = append(m.heap, i)
		}
	}
	heap.Init(m)
	return m
}

// Len, Less, Swap, Push and Pop make it a heap.
func (m *merged) Len() int { return len(m.heap) }

// Less compares the heads of two sources.
func (m *merged) Less(i, j int) bool {
	a, b := m.heap[i], m.heap[j]
	if c := m.order[a].head().compare(m.order[b].head()); c != 0 {
		return c < 0
	}
	return a < b
}

// Swap swaps two sources.
func (m *merged) Swap(i, j int) { m.heap[i], m.heap[j] = m.heap[j], m.heap[i] }

// Push is never called: sources do not come later.
func (m *merged) Push(any) {}

// Pop takes the last one.
func (m *merged) Pop() any {
	last := len(m.heap) - 1
	m.heap = m.heap[:last]
	return nil
}

// group appends the operations of the next row to ops[:0]; none at the end. They are valid until the next call.
func (m *merged) group(ops []staged) ([]staged, error) {
	ops = ops[:0]
	for len(m.heap) > 0 {
		s := m.order[m.heap[0]]
		head := s.head()
		if len(ops) > 0 && ops[0].compare(head) != 0 {
			break
		}
		ops = append(ops, *head)
		if err := s.advance(); err != nil {
			return nil, err
		}
		if s.head() == nil {
			heap.Pop(m)
			continue
		}
		heap.Fix(m, 0)
	}
	return ops, nil
}

func (m *merged) close() error {
	var errs []error
	for _, s := range m.order {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

var _ io.Closer = (*os.File)(nil)
