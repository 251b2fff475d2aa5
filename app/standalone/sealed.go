package standalone

import (
	"context"
	"errors"
	"io"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app/standalone/crypt"
)

// # Encryption
//
// A target that was opened with a recovery key seals every object of its user: the copies, machine.json and the leases. An
// object is stored as NAME.age and bound to the machine and the name it was written as, so that one that was moved, swapped
// or written by somebody without the key is refused as a damaged one is. A copy in another level is the same object: its
// level is not bound, and what a level holds is checked anyway. Who keeps the storage sees the ids of user, machine and
// lineage, and names, sizes and times of the objects: when and about how much was changed, up to which number.
//
// Plain are standalone/index.json, which lists the user ids that the folders show too, and encryption.json (see
// encryption.go). Plain and sealed objects are never mixed: of what lies between, a sealed target sees nothing.

// sealedStore seals what goes into a store and opens what comes out. Sizes in its listings are those of the content.
type sealedStore struct {
	store
	key   *crypt.Key
	place string // how people call the target
}

// isSealed tells the objects of a user from what all users share.
func isSealed(key string) bool {
	return strings.Count(key, "/") >= 2 && path.Base(key) != encryptionName
}

// boundName is what an object is bound to: its key below the user's folder, for copies without their level.
func boundName(key string) string {
	parts := strings.Split(key, "/")[2:]
	if n := len(parts); n == 4 && parts[1] == ltxDir {
		return path.Join(parts[0], parts[3])
	}
	return path.Join(parts...)
}

func (s sealedStore) put(ctx context.Context, key string, at time.Time, write func(io.Writer) error) (int64, error) {
	if !isSealed(key) {
		return s.store.put(ctx, key, at, write)
	}
	size, err := s.store.put(ctx, key+crypt.Suffix, at, func(w io.Writer) error {
		sealing, err := s.key.Seal(w, boundName(key))
		if err != nil {
			return err
		}
		if err := write(sealing); err != nil {
			return err
		}
		return sealing.Close()
	})
	return contentSize(size), err
}

func (s sealedStore) claim(ctx context.Context, key string, content []byte) error {
	if !isSealed(key) {
		return s.store.claim(ctx, key, content)
	}
	content, err := s.key.SealBytes(content, boundName(key))
	if err != nil {
		return err
	}
	return s.store.claim(ctx, key+crypt.Suffix, content)
}

func (s sealedStore) remove(ctx context.Context, key string) error {
	return s.store.remove(ctx, storedKey(key))
}

func (s sealedStore) duplicate(ctx context.Context, from, to string) error {
	return s.store.duplicate(ctx, storedKey(from), storedKey(to))
}

func storedKey(key string) string {
	if isSealed(key) {
		return key + crypt.Suffix
	}
	return key
}

func (s sealedStore) list(ctx context.Context, dir, from string) iter.Seq2[object, error] {
	if !isSealed(path.Join(dir, "x")) {
		return s.store.list(ctx, dir, from)
	}
	return func(yield func(object, error) bool) {
		for o, err := range s.store.list(ctx, dir, from) {
			name, ours := strings.CutSuffix(o.name, crypt.Suffix)
			if err == nil && !ours {
				continue
			}
			o.name, o.size = name, contentSize(o.size)
			if !yield(o, err) {
				return
			}
		}
	}
}

// contentSize is that of an object as it is stored. One that is too short to be whole is not called empty.
func contentSize(stored int64) int64 {
	size := crypt.ContentSize(stored)
	if size < 0 {
		return min(stored, 1)
	}
	return size
}

// open opens while it reads, a piece of 64 KiB at a time. From the beginning on it asks for no more than the pieces it
// needs; from further on also for the header and the last piece.
func (s sealedStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	if !isSealed(key) {
		return s.store.open(ctx, key, offset, size)
	}
	if offset > 0 {
		return s.openFrom(ctx, key, offset, size)
	}
	until := int64(0)
	if size > 0 {
		until = crypt.Until(size)
	}
	rc, err := s.store.open(ctx, key+crypt.Suffix, 0, until)
	if err != nil {
		return nil, err
	}
	r, err := s.key.Open(rc, boundName(key))
	if err != nil {
		_ = rc.Close() // only read
		return nil, s.fail(key, err)
	}
	return &unsealing{limited(r, size), rc, s, key}, nil
}

func limited(r io.Reader, size int64) io.Reader {
	if size > 0 {
		return io.LimitReader(r, size)
	}
	return r
}

func (s sealedStore) openFrom(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	stored, err := s.storedSize(ctx, key)
	if err != nil {
		return nil, err
	}
	src := &pieces{open: func(at, n int64) (io.ReadCloser, error) { return s.store.open(ctx, key+crypt.Suffix, at, n) }, size: stored}
	at, content, err := s.key.OpenAt(src, stored, boundName(key))
	if err != nil {
		return nil, errors.Join(s.fail(key, err), src.Close())
	}
	end := content
	if size > 0 {
		end = min(content, offset+size)
	}
	src.end = min(stored, crypt.Until(end))
	return &unsealing{io.NewSectionReader(at, offset, max(0, end-offset)), src, s, key}, nil
}

// storedSize is how large an object is; what is not there fails as opening it does.
func (s sealedStore) storedSize(ctx context.Context, key string) (int64, error) {
	name := path.Base(key) + crypt.Suffix
	for o, err := range s.store.list(ctx, path.Dir(key), name) {
		if err != nil {
			return 0, err
		}
		if o.name == name {
			return o.size, nil
		}
		break
	}
	rc, err := s.store.open(ctx, key+crypt.Suffix, 0, 1)
	if err == nil {
		err = errors.Join(io.ErrUnexpectedEOF, rc.Close()) // it came just now
	}
	return 0, err
}

// pieces reads a stored object at any place. Once end is set it keeps what it opened, and goes on in it.
type pieces struct {
	open func(at, n int64) (io.ReadCloser, error)
	size int64
	end  int64 // of what is going to be read; 0 while it is not known

	rc io.ReadCloser
	at int64
}

// ReadAt implements io.ReaderAt for one goroutine.
func (p *pieces) ReadAt(b []byte, at int64) (int, error) {
	n := min(int64(len(b)), p.size-at)
	if n <= 0 {
		return 0, io.EOF
	}
	if p.rc == nil || p.at != at {
		if err := p.Close(); err != nil {
			return 0, err
		}
		rc, err := p.open(at, max(n, p.end-at))
		if err != nil {
			return 0, err
		}
		p.rc, p.at = rc, at
	}
	read, err := io.ReadFull(p.rc, b[:n])
	p.at += int64(read)
	if err == nil && n < int64(len(b)) {
		err = io.EOF
	}
	return read, err
}

// Close implements io.Closer.
func (p *pieces) Close() error {
	if p.rc == nil {
		return nil
	}
	rc := p.rc
	p.rc = nil
	return rc.Close()
}

// unsealing says of what does not open that it is damaged.
type unsealing struct {
	r io.Reader
	io.Closer
	store sealedStore
	key   string
}

func (u *unsealing) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	return n, u.store.fail(u.key, err)
}

// fail makes the fault of an object's content of what does not open.
func (s sealedStore) fail(key string, err error) error {
	what := isUnsealed
	switch {
	case errors.Is(err, crypt.ErrElsewhere):
		what = isElsewhere
	case !errors.Is(err, crypt.ErrUnsealed):
		return err
	}
	return &accessError{need: rightRead, place: s.place, key: storedKey(key), err: &decodeError{what, err}}
}

// What is said of a sealed object that does not open.
const (
	isUnsealed  = "is damaged, or was not written with your recovery key"
	isElsewhere = "was not written there with your recovery key"
)

// storedSize is how many bytes are stored for so many of content.
func (t *Target) storedSize(content int64) int64 {
	if t.sealed() == nil || content <= 0 {
		return content
	}
	return crypt.Size(content)
}

// sealed is the key that the target's objects are sealed with, nil for a plain one.
func (t *Target) sealed() *crypt.Key {
	if s, ok := t.store.(sealedStore); ok {
		return s.key
	}
	return nil
}
