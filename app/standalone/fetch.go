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
	client    replicaClient
	node      uint64 // the machine's own
	history   history
	objects   []*ltx.FileInfo
	progress  func(done, total int64) // may be nil
	laterRoom int                     // how much is kept for later at most, in bytes

	image  *image
	sums   *pageSum
	voices []voice
	low    ltx.TXID // every change from here to the point is in the image; 0 for none
	now    underway
	done   int64
	total  int64
	said   int64

	// Of a fetch that goes on: where it does, and what is written down for the next one.
	from  *part
	notes *notes
	had   int64 // bytes that were not read again
}

// underway is the object that is being read, and how far its pages were: between two of them.
type underway struct {
	f   *ltx.FileInfo // nil between two objects
	hdr ltx.Header
	spot
}

// voice is a machine's number, and the first object that had it.
type voice struct {
	node   uint64
	object *ltx.FileInfo
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

// newestFirst is the order in which objects are read.
func (a *assembly) newestFirst() []*ltx.FileInfo {
	newest := slices.Clone(a.objects)
	slices.Reverse(newest)
	return newest
}

// run reads every object to its end and writes the pages to f; without f it only checks.
func (a *assembly) run(ctx context.Context, f *os.File) error { return a.read(ctx, f, a.newestFirst()) }

// read reads the objects that are left, newest first.
func (a *assembly) read(ctx context.Context, f *os.File, left []*ltx.FileInfo) (err error) {
	a.total = bytesOf(a.objects)
	a.done = a.total - bytesOf(left)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	offset := int64(0)
	if a.from != nil {
		offset = a.from.At
	}
	if a.image != nil {
		a.image.stop = func() { stop(nil) }
	}
	p := prefetch(ctx, a.client, left, offset)
	defer p.close()
	defer func() {
		if a.image != nil {
			// When writing failed that is the cause, and reading only stopped because of it.
			if writeErr := a.image.finish(); writeErr != nil {
				err = writeErr
			}
		}
	}()
	for range left {
		if err := a.readNext(ctx, p, f, func() { stop(nil) }); err != nil {
			return err
		}
	}
	if err := a.image.complete(); err != nil {
		return err
	}
	a.tell(true)
	if err := a.checkNodes(ctx); err != nil {
		return err
	}
	if pgno := a.image.missing(); pgno != 0 {
		return &damage{object: a.objects[0], what: isWrong, err: wrong("page %d is in no object", pgno)}
	}
	return nil
}

func bytesOf(objects []*ltx.FileInfo) (n int64) {
	for _, f := range objects {
		n += f.Size
	}
	return n
}

func (a *assembly) readNext(ctx context.Context, p *prefetcher, f *os.File, stop context.CancelFunc) error {
	o, err := p.next(ctx)
	if err != nil {
		return err
	}
	err = a.readOne(ctx, o, f, stop)
	o.close()
	if fault, ok := errors.AsType[*decodeError](err); ok {
		return &damage{object: o.f, what: fault.what, err: fault.err}
	}
	return err
}

func (a *assembly) readOne(ctx context.Context, o *opened, f *os.File, stop context.CancelFunc) error {
	d, err := a.decoder(o)
	if err != nil {
		return err
	}
	if a.image == nil {
		if err := a.begin(f, d.hdr.PageSize, d.hdr.Commit, stop); err != nil {
			return err
		}
	}
	if int(d.hdr.PageSize) != a.image.pageSize {
		return wrong("page size %d, not %d", d.hdr.PageSize, a.image.pageSize)
	}
	if a.sums == nil {
		a.sums = newPageSum(d.hdr.PageSize)
	}
	d.pages = a.sums
	a.heard(d.hdr.NodeID, o.f)
	before := a.done
	for ctx.Err() == nil {
		a.now = underway{f: o.f, hdr: d.hdr, spot: d.spot()}
		pgno, err := d.page(a.image.room())
		if err != nil {
			return err
		}
		if pgno == 0 {
			if err := d.end(); err != nil {
				return err
			}
			a.done = before + d.n
			a.now, a.low = underway{}, o.f.MinTXID
			return nil
		}
		if o.rc == nil {
			err = a.image.keepLater(pgno, d.frame)
		} else {
			err = a.image.keep(pgno)
		}
		if err != nil {
			return err
		}
		a.done = before + d.n
		a.tell(false)
	}
	return ctx.Err()
}

// decoder is at the object's first page, or where the fetch before came to.
func (a *assembly) decoder(o *opened) (d *decoder, err error) {
	d = &decoder{w: o.w}
	if a.from == nil {
		err = d.header(o.f)
		return d, err
	}
	err = d.goOn(a.from)
	a.from = nil
	return d, err
}

// begin starts the image, once it is known how large it is.
func (a *assembly) begin(f *os.File, pageSize, commit uint32, stop context.CancelFunc) (err error) {
	if a.image, err = newImage(f, pageSize, commit, ltx.LockPgno(pageSize), stop); err != nil {
		return err
	}
	if a.image.laterRoom = a.laterRoom; a.notes == nil {
		return nil
	}
	a.image.notes, a.image.here = a.notes, a.here
	return a.notes.begin(pageSize, commit)
}

// heard takes note of whose an object is; 0 is nobody's.
func (a *assembly) heard(node uint64, f *ltx.FileInfo) {
	if node != 0 && !slices.ContainsFunc(a.voices, func(v voice) bool { return v.node == node }) {
		a.voices = append(a.voices, voice{node, f})
	}
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
func (a *assembly) checkNodes(ctx context.Context) error {
	switch {
	case len(a.voices) == 0:
		return nil
	case len(a.voices) > 1 && a.voices[1].node == a.node:
		return &damage{object: a.voices[0].object, what: isForeign}
	case len(a.voices) > 1:
		return &damage{object: a.voices[1].object, what: isForeign}
	case a.voices[0].node == a.node:
		return nil
	}
	other, err := a.witness(ctx)
	if err == nil && other == a.node {
		return &damage{object: a.voices[0].object, what: isForeign}
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
		return ltx.Header{}, asMissing(f, err)
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
