package standalone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/superfly/ltx"
)

const (
	// prefetchObjects is how many objects are opened at the same time, and how many large ones wait to be decoded: twice as many
	// files or connections are open at most.
	prefetchObjects = 8
	// prefetchWhole is up to what size an object is read ahead whole; a larger one is only opened.
	prefetchWhole = 1 << 20
	// prefetchAhead is how many bytes are read ahead, where an object counts as prefetchLeast at least and as prefetchWhole
	// at most.
	prefetchAhead = prefetchObjects * prefetchWhole
	prefetchLeast = 32 << 10
	// readBuffer holds the largest page frame many times over.
	readBuffer = 1 << 20
)

// opened is an object ready to be decoded.
type opened struct {
	f   *ltx.FileInfo
	w   *window
	rc  io.ReadCloser // of a large object
	err error
}

func (o *opened) close() {
	if o.rc != nil {
		_ = o.rc.Close() // only read
	}
}

// prefetcher opens objects ahead of their use and hands them out in order. Of thousands of small ones, what passes between who
// reads and who decodes would cost more than the reading: so its readers stay for all objects, run far ahead of who decodes,
// and are woken for many at once. A buffer is used again as soon as its object is decoded.
type prefetcher struct {
	client  replicaClient
	objects []*ltx.FileInfo
	offset  int64 // of the first
	cancel  context.CancelFunc
	readers sync.WaitGroup
	large   *window // shared: one large object is decoded at a time

	mu     sync.Mutex
	room   *sync.Cond // for who reads
	come   *sync.Cond // for who decodes
	ahead  map[int]*opened
	taken  int   // objects that somebody reads or has read
	given  int   // objects that were handed out
	held   int64 // bytes of those in between, and of the one that is being decoded
	full   bool  // nothing more is read until there is room for many
	closed bool
	spare  [][]byte
}

// prefetch opens the first of the objects at offset, the others at their beginning.
func prefetch(ctx context.Context, client replicaClient, objects []*ltx.FileInfo, offset int64) *prefetcher {
	ctx, cancel := context.WithCancel(ctx)
	p := &prefetcher{
		client: client, objects: objects, offset: offset, cancel: cancel,
		large: &window{buf: make([]byte, readBuffer)}, ahead: map[int]*opened{},
	}
	p.room, p.come = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	for range min(prefetchObjects, len(objects)) {
		p.readers.Go(func() { p.read(ctx) })
	}
	return p
}

// read opens one object after another until none is left.
func (p *prefetcher) read(ctx context.Context) {
	for {
		i, buf := p.take()
		if i < 0 {
			return
		}
		o := p.open(ctx, i, buf)
		p.mu.Lock()
		if p.ahead[i] = o; i == p.given {
			p.come.Signal()
		}
		p.mu.Unlock()
	}
}

// take waits for room and says which object is the next to be read, and into what; -1 when none is.
func (p *prefetcher) take() (int, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.full && !p.closed {
		p.room.Wait()
	}
	if p.closed || p.taken == len(p.objects) {
		return -1, nil
	}
	i := p.taken
	p.taken++
	p.held += weight(p.objects[i])
	p.full = p.held >= prefetchAhead
	return i, p.buffer(p.objects[i].Size)
}

// weight is what an object counts as.
func weight(f *ltx.FileInfo) int64 { return min(max(f.Size, prefetchLeast), prefetchWhole) }

// buffer is one for an object of a size and a byte more, by which its end is seen; nil for a large object.
func (p *prefetcher) buffer(size int64) []byte {
	if size > prefetchWhole {
		return nil
	}
	if n := len(p.spare); n > 0 {
		buf := p.spare[n-1]
		p.spare = p.spare[:n-1]
		if int64(cap(buf)) > size {
			return buf
		}
	}
	return make([]byte, 0, max(size+1, prefetchLeast/4))
}

func (p *prefetcher) open(ctx context.Context, i int, buf []byte) *opened {
	f, offset := p.objects[i], int64(0)
	if i == 0 {
		offset = p.offset
	}
	if f.Size == 0 {
		return &opened{f: f, err: &damage{object: f, what: isEmpty}}
	}
	if offset > 0 || buf == nil {
		rc, err := p.client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, offset, 0)
		return &opened{f: f, rc: rc, err: asMissing(f, err)}
	}
	content, err := readObject(ctx, p.client, f, buf)
	return &opened{f: f, w: windowOver(content), err: asMissing(f, err)}
}

// next hands out the next object, nil after the last. The one before must be closed, and is not looked at any more.
func (p *prefetcher) next(ctx context.Context) (*opened, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(p.given - 1)
	if p.given == len(p.objects) {
		return nil, ctx.Err()
	}
	for p.ahead[p.given] == nil {
		p.come.Wait()
	}
	o := p.ahead[p.given]
	p.given++
	if o.rc != nil {
		p.large.reset(o.rc)
		o.w = p.large
	}
	return o, o.err
}

// release makes room where object i was.
func (p *prefetcher) release(i int) {
	if i < 0 || p.ahead[i] == nil {
		return
	}
	if o := p.ahead[i]; o.rc == nil && o.w != nil && cap(o.w.buf) <= prefetchLeast {
		p.spare = append(p.spare, o.w.buf[:0])
	}
	delete(p.ahead, i)
	p.held -= weight(p.objects[i])
	if p.full && p.held <= prefetchAhead-prefetchWhole {
		p.full = false
		p.room.Broadcast()
	}
}

// close waits for everything to be closed.
func (p *prefetcher) close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	p.room.Broadcast()
	p.mu.Unlock()
	p.readers.Wait()
	for i, o := range p.ahead {
		if i >= p.given {
			o.close()
		}
	}
}

// asMissing tells an object that is gone, or does not open, from a target that is gone.
func asMissing(f *ltx.FileInfo, err error) error {
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoPlace) {
		return &damage{object: f, what: isMissing, err: err}
	}
	if fault, ok := errors.AsType[*decodeError](err); ok {
		return &damage{object: f, what: fault.what, err: fault.err}
	}
	return err
}
