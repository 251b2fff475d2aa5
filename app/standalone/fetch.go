package standalone

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/superfly/ltx"
)

// assembly decodes the objects of a plan, newest first, into an image.
type assembly struct {
	client   replicaClient
	node     uint64 // the machine's own
	history  history
	objects  []*ltx.FileInfo
	progress func(done, total int64) // may be nil

	image *image
	nodes []uint64 // of the objects as read
	done  int64
	total int64
	said  int64
}

// progressStep is how many bytes are read between two calls of progress.
const progressStep = 1 << 20

// fetch writes the image to a new file, which is whole and durable when it returns nil, and gone otherwise.
func (a *assembly) fetch(ctx context.Context, to string) (err error) {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	defer func() {
		closeErr := f.Close()
		if err == nil {
			err = closeErr
		}
		if err != nil {
			_ = os.Remove(to) // it would be reported as the cause, which it is not
		}
	}()
	if err := a.run(ctx, f); err != nil {
		return err
	}
	return f.Sync()
}

// run reads every object to its end and writes the pages to f; without f it only checks.
func (a *assembly) run(ctx context.Context, f *os.File) (err error) {
	for _, o := range a.objects {
		a.total += o.Size
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	newest := slices.Clone(a.objects)
	slices.Reverse(newest)
	p := prefetch(ctx, a.client, newest)
	defer p.close()
	defer func() {
		if a.image != nil {
			// When writing failed that is the cause, and reading only stopped because of it.
			if writeErr := a.image.finish(); writeErr != nil {
				err = writeErr
			}
		}
	}()
	if err := a.readAll(ctx, p, f, func() { stop(nil) }); err != nil {
		return err
	}
	if err := a.image.finish(); err != nil {
		return err
	}
	a.tell(true)
	if err := a.checkNodes(ctx, newest); err != nil {
		return err
	}
	if pgno := a.image.missing(); pgno != 0 {
		return &damage{object: a.objects[0], what: isWrong, err: wrong("page %d is in no object", pgno)}
	}
	return nil
}

func (a *assembly) readAll(ctx context.Context, p *prefetcher, f *os.File, stop context.CancelFunc) error {
	for range a.objects {
		o, err := p.next(ctx)
		if err != nil {
			return err
		}
		err = a.readOne(ctx, o, f, stop)
		o.close()
		if fault, ok := errors.AsType[*decodeError](err); ok {
			return &damage{object: o.f, what: fault.what, err: fault.err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) readOne(ctx context.Context, o *opened, f *os.File, stop context.CancelFunc) error {
	d := &decoder{w: o.w}
	if err := d.header(o.f); err != nil {
		return err
	}
	if a.image == nil {
		var err error
		if a.image, err = newImage(f, d.hdr.PageSize, d.hdr.Commit, d.hdr.LockPgno(), stop); err != nil {
			return err
		}
	}
	if int(d.hdr.PageSize) != a.image.pageSize {
		return wrong("page size %d, not %d", d.hdr.PageSize, a.image.pageSize)
	}
	a.nodes = append(a.nodes, d.hdr.NodeID)
	before := a.done
	for ctx.Err() == nil {
		pgno, err := d.page(a.image.room())
		if err != nil {
			return err
		}
		if pgno == 0 {
			err = d.end()
			a.done = before + d.n
			return err
		}
		a.image.keep(pgno)
		a.done = before + d.n
		a.tell(false)
	}
	return ctx.Err()
}

func (a *assembly) tell(last bool) {
	if a.progress != nil && (last || a.done-a.said >= progressStep) {
		a.said = a.done
		a.progress(min(a.done, a.total), a.total)
	}
}

// checkNodes refuses objects of another machine. Which number is right is judged by the objects themselves, so that
// data whose folder was renamed by hand stays restorable: a plan of one voice that is not the machine's own is
// compared with an object outside of it.
func (a *assembly) checkNodes(ctx context.Context, newest []*ltx.FileInfo) error {
	voice := uint64(0)
	for i, n := range a.nodes {
		if n == 0 || n == voice {
			continue // not stamped, or as the others
		}
		if voice == 0 {
			voice = n
			continue
		}
		odd := newest[i]
		if n == a.node {
			odd = newest[slices.Index(a.nodes, voice)]
		}
		return &damage{object: odd, what: isForeign}
	}
	if voice == 0 || voice == a.node {
		return nil
	}
	other, err := a.witness(ctx)
	if err == nil && other == a.node {
		return &damage{object: newest[slices.Index(a.nodes, voice)], what: isForeign}
	}
	return err
}

// witness is the number in the newest readable object outside the plan, 0 without one.
func (a *assembly) witness(ctx context.Context) (uint64, error) {
	const maxTries = 8
	tries := 0
	for _, f := range slices.Backward(a.history) {
		if slices.Contains(a.objects, f) || tries == maxTries {
			continue
		}
		tries++
		hdr, err := readHeader(ctx, a.client, f)
		if _, damaged := errors.AsType[*damage](err); damaged {
			continue
		}
		if err != nil || hdr.NodeID != 0 {
			return hdr.NodeID, err
		}
	}
	return 0, nil
}

// readHeader reads an object's header alone.
func readHeader(ctx context.Context, client replicaClient, f *ltx.FileInfo) (ltx.Header, error) {
	if f.Size == 0 {
		return ltx.Header{}, &damage{object: f, what: isEmpty}
	}
	rc, err := client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, ltx.HeaderSize)
	if err != nil {
		return ltx.Header{}, asMissing(f, err)
	}
	defer func() { _ = rc.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(rc, ltx.HeaderSize))
	if err != nil {
		return ltx.Header{}, err
	}
	d := &decoder{w: windowOver(b)}
	if err := d.header(f); err != nil {
		if fault, ok := errors.AsType[*decodeError](err); ok {
			err = &damage{object: f, what: fault.what, err: fault.err}
		}
		return ltx.Header{}, err
	}
	return d.hdr, nil
}
