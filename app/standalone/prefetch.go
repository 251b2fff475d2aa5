package standalone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/superfly/ltx"
)

const (
	// prefetchObjects is how many objects are opened ahead, and so how many files or connections are open at most.
	prefetchObjects = 8
	// prefetchWhole is up to what size an object is read ahead whole; a larger one is only opened.
	prefetchWhole = 1 << 20
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

// prefetcher opens objects ahead of their use and hands them out in order.
type prefetcher struct {
	client replicaClient
	queue  chan chan *opened
	cancel context.CancelFunc
	wg     sync.WaitGroup
	large  *window // shared: one large object is read at a time
}

// prefetch opens the first of the objects at offset, the others at their beginning.
func prefetch(ctx context.Context, client replicaClient, objects []*ltx.FileInfo, offset int64) *prefetcher {
	ctx, cancel := context.WithCancel(ctx)
	p := &prefetcher{client: client, queue: make(chan chan *opened, prefetchObjects-1), cancel: cancel, large: &window{buf: make([]byte, readBuffer)}}
	p.wg.Go(func() {
		defer close(p.queue)
		for i, f := range objects {
			at := int64(0)
			if i == 0 {
				at = offset
			}
			slot := make(chan *opened, 1)
			select {
			case p.queue <- slot:
			case <-ctx.Done():
				return
			}
			p.wg.Go(func() { slot <- p.open(ctx, f, at) })
		}
	})
	return p
}

func (p *prefetcher) open(ctx context.Context, f *ltx.FileInfo, offset int64) *opened {
	if f.Size == 0 {
		return &opened{f: f, err: &damage{object: f, what: isEmpty}}
	}
	rc, err := p.client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, offset, 0)
	if err != nil {
		return &opened{f: f, err: asMissing(f, err)}
	}
	if offset > 0 || f.Size > prefetchWhole {
		return &opened{f: f, rc: rc}
	}
	defer func() { _ = rc.Close() }() // only read
	content := bytes.NewBuffer(make([]byte, 0, f.Size+bytes.MinRead))
	_, err = content.ReadFrom(io.LimitReader(rc, 2*prefetchWhole))
	return &opened{f: f, w: windowOver(content.Bytes()), err: asMissing(f, err)}
}

// next hands out the next object, nil after the last. The one before must be closed.
func (p *prefetcher) next(ctx context.Context) (*opened, error) {
	slot, ok := <-p.queue
	if !ok {
		return nil, ctx.Err()
	}
	o := <-slot
	if o.rc != nil {
		p.large.reset(o.rc)
		o.w = p.large
	}
	return o, o.err
}

// close waits for everything to be closed.
func (p *prefetcher) close() {
	p.cancel()
	for slot := range p.queue {
		(<-slot).close()
	}
	p.wg.Wait()
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
