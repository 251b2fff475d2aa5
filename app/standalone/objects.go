package standalone

import (
	"context"
	"errors"
	"io"
	"iter"
	"path"
	"time"
)

// objects is how everything at a target is read and written, by key: a slash-separated path below the target's URL.
// Failures are *accessError; of a missing object it wraps fs.ErrNotExist, and only if the target itself is there.
type objects interface {
	// put makes the object that write writes: whole, or not at all and as it was before. A non-zero at is kept as the
	// object's time. It returns the object's size in bytes.
	put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error)
	// open reads size bytes from offset; a size of 0 means all.
	open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error)
	// list yields the objects right in dir in the order of their names, from the name that is or follows from.
	list(ctx context.Context, dir, from string) iter.Seq2[object, error]
	// claim makes a small object only if there is none of that key: errClaimed else. Of several that claim at the same
	// time one succeeds.
	claim(ctx context.Context, key string, content []byte) error
	// remove deletes an object; one that is not there is no error.
	remove(ctx context.Context, key string) error
}

// errClaimed is wrapped where an object that is to be made is there already.
var errClaimed = errors.New("there already")

// store is objects and what else a kind of target does in its own way.
type store interface {
	objects
	// dirs lists the names of the folders right in dir, sorted.
	dirs(ctx context.Context, dir string) ([]string, error)
	// duplicate copies an object with its time within the target.
	duplicate(ctx context.Context, from, to string) error
	// create makes the bucket or the last folder.
	create(ctx context.Context) error
	close() error
}

// sweeper is a store where an upload that is killed leaves something, which takes room or is paid for.
type sweeper interface {
	// sweep takes away what is left below dir of uploads that were begun before a time, but for those under way in this
	// process. left is how many younger ones there are.
	sweep(ctx context.Context, dir string, before time.Time) (left int, err error)
}

// object is one entry of a listing.
type object struct {
	name string // last part of the key
	size int64
	at   time.Time
}

// steadyReader reads an object to its end though a connection breaks: it goes on from where it was.
type steadyReader struct {
	r        io.ReadCloser
	at, left int64 // left is 0 for all
	tries    int   // since the last byte
	again    func(offset, size int64) (io.ReadCloser, error)
	fail     func(error) error
}

// openSteady opens at offset; a size of 0 means all. What fails is told to fail.
func openSteady(offset, size int64, open func(offset, size int64) (io.ReadCloser, error), fail func(error) error) (io.ReadCloser, error) {
	r, err := open(offset, size)
	if err != nil {
		return nil, fail(err)
	}
	return &steadyReader{r: r, at: offset, left: size, again: open, fail: fail}, nil
}

func (s *steadyReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.at += int64(n); n > 0 {
		s.tries = 0
	}
	if s.left > 0 {
		if s.left -= int64(n); s.left == 0 {
			return n, io.EOF // all that was asked for is here
		}
	}
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	for ; isNetwork(err) && s.tries+1 < maxAttempts; s.tries++ {
		var r io.ReadCloser
		if r, err = s.again(s.at, s.left); err == nil {
			_ = s.r.Close() // it is broken
			s.r, s.tries = r, s.tries+1
			return n, nil
		}
	}
	return n, s.fail(err)
}

func (s *steadyReader) Close() error { return s.r.Close() }

// failReader says where a read failed.
type failReader struct {
	io.ReadCloser
	fail func(error) error
}

func (r *failReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.fail(err)
	}
	return n, err
}

// The layout below a target's URL.
const (
	layoutRoot  = "standalone"
	indexName   = "index.json"
	machineName = "machine.json"
	ltxDir      = "ltx"
	lineageName = "lineage"
)

func indexKey() string                 { return path.Join(layoutRoot, indexName) }
func userDir(user string) string       { return path.Join(layoutRoot, user) }
func machineDir(user, m string) string { return path.Join(layoutRoot, user, m) }
func machineKey(user, m string) string { return path.Join(layoutRoot, user, m, machineName) }
func probeKey(random string) string    { return path.Join(layoutRoot, ".probe-"+random) }
