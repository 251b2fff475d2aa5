package standalone

import (
	"context"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// meter counts what is asked of a target.
type meter struct{ writes, reads, fetched atomic.Int64 }

// metered is the target with everything counted that is asked of it through this value.
func (t *Target) metered(m *meter) *Target {
	counted := *t
	if sealed, ok := t.store.(sealedStore); ok { // what is stored counts, not what is in it
		counted.store = sealedStore{meteredStore{sealed.store, m}, sealed.key, sealed.place}
	} else {
		counted.store = meteredStore{t.store, m}
	}
	return &counted
}

// listPage is how many names a bucket lists at once.
const listPage = 1000

// meteredStore counts as buckets bill: writing and listing is one class of requests, reading another, deleting costs
// nothing. An upload in parts is one request; what is sent again after a failure is not counted.
type meteredStore struct {
	store
	m *meter
}

func (s meteredStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	s.m.writes.Add(1)
	return s.store.put(ctx, key, at, write)
}

func (s meteredStore) claim(ctx context.Context, key string, content []byte) error {
	s.m.writes.Add(1)
	return s.store.claim(ctx, key, content)
}

func (s meteredStore) duplicate(ctx context.Context, from, to string) error {
	s.m.writes.Add(1)
	return s.store.duplicate(ctx, from, to)
}

func (s meteredStore) create(ctx context.Context) error {
	s.m.writes.Add(1)
	return s.store.create(ctx)
}

func (s meteredStore) dirs(ctx context.Context, dir string) ([]string, error) {
	s.m.writes.Add(1)
	return s.store.dirs(ctx, dir)
}

func (s meteredStore) list(ctx context.Context, dir, from string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		n := 0
		for o, err := range s.store.list(ctx, dir, from) {
			if n%listPage == 0 {
				s.m.writes.Add(1)
			}
			n++
			if !yield(o, err) {
				return
			}
		}
		if n == 0 {
			s.m.writes.Add(1)
		}
	}
}

func (s meteredStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	s.m.reads.Add(1)
	r, err := s.store.open(ctx, key, offset, size)
	if err != nil {
		return nil, err
	}
	return &meteredReader{r, s.m}, nil
}

// sweep asks once where there is something to ask for.
func (s meteredStore) sweep(ctx context.Context, dir string, before time.Time) (left int, err error) {
	sw, leaves := s.store.(sweeper)
	if !leaves {
		return 0, nil
	}
	s.m.writes.Add(1)
	return sw.sweep(ctx, dir, before)
}

func (s meteredStore) whole(ctx context.Context, key string, size int64, buf []byte) ([]byte, error) {
	s.m.reads.Add(1)
	content, err := readWhole(ctx, s.store, key, size, buf)
	s.m.fetched.Add(int64(len(content)))
	return content, err
}

type meteredReader struct {
	io.ReadCloser
	m *meter
}

func (r *meteredReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.m.fetched.Add(int64(n))
	return n, err
}

// usage is what was counted before, with what was counted since then.
func (m *meter) usage(before app.Usage) app.Usage {
	before.Writes += m.writes.Load()
	before.Reads += m.reads.Load()
	before.Fetched += m.fetched.Load()
	return before
}
