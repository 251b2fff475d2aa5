package sqlite

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Check reads the whole file (or the image at path, if not empty) and returns the row hash of every table. The error
// is CodeDamaged and names the first problem when integrity_check finds one.
//
// The live file is read in one transaction, and other programs may go on writing. An image must be written by nobody.
func (f *File) Check(ctx context.Context, path string) ([]app.TableHash, error) {
	if f.live(path) {
		return f.checkLive(ctx)
	}
	before, err := identify(path)
	if err != nil {
		return nil, classify("check", path, err)
	}
	hashes, err := checkImage(ctx, path)
	if err != nil {
		return nil, classify("check", path, err)
	}
	f.checked.set(before)
	return hashes, nil
}

// live tells whether path means the file as others write it. A File may also be made for an image; then nobody has it
// open, which shows in that no -shm file is there, and it is read as one.
func (f *File) live(path string) bool {
	if path == "" || filepath.Clean(path) != f.path {
		return path == ""
	}
	_, err := os.Lstat(path + "-shm")
	return !errors.Is(err, fs.ErrNotExist)
}

func (f *File) checkLive(ctx context.Context) ([]app.TableHash, error) {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return nil, classify("check", f.path, err)
	}
	defer leave()
	r, err := f.openLiveRaw(ctx)
	if err != nil {
		return nil, classify("check", f.path, err)
	}
	defer r.close()
	if err := errors.Join(r.begin(ctx), r.integrity(ctx)); err != nil {
		return nil, classify("check", f.path, err)
	}
	hashes, err := r.hashTables(ctx)
	return hashes, classify("check", f.path, err)
}

// checkImage checks and hashes at the same time, each through its own connection.
func checkImage(ctx context.Context, path string) ([]app.TableHash, error) {
	m, err := imageMode(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	checked := make(chan error, 1)
	go func() {
		err := checkIntegrity(ctx, path, m)
		if err != nil {
			cancel(err) // the hash of a damaged image is of no use
		}
		checked <- err
	}()
	hashes, err := hashImage(ctx, path, m)
	return hashes, cmp.Or(<-checked, err)
}

func checkIntegrity(ctx context.Context, path string, m mode) error {
	r, err := openRaw(ctx, path, m)
	if err != nil {
		return err
	}
	defer r.close()
	return r.integrity(ctx)
}

func hashImage(ctx context.Context, path string, m mode) ([]app.TableHash, error) {
	r, err := openRaw(ctx, path, m)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.hashTables(ctx)
}

// begin opens a read transaction. BEGIN alone opens none: only the first read does.
func (r *raw) begin(ctx context.Context) error {
	if _, err := r.texts(ctx, "BEGIN"); err != nil {
		return err
	}
	_, err := r.texts(ctx, "SELECT count(*) FROM sqlite_schema")
	return err
}

// imageMode says how to open an image. One with a filled -wal file beside it was not closed properly: its newest rows
// are in there, so it cannot be taken as immutable.
func imageMode(path string) (mode, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	wal, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && wal.Size() == 0 {
		return modeImage, nil
	}
	return modeRead, err
}

// image identifies a file as it was when it was looked at.
type image struct {
	path     string
	size     int64
	modified time.Time
}

func identify(path string) (image, error) {
	info, err := os.Stat(path)
	if err != nil {
		return image{}, err
	}
	return image{filepath.Clean(path), info.Size(), info.ModTime()}, nil
}

// checkedImage remembers one image.
type checkedImage struct {
	mu sync.Mutex
	image
}

func (c *checkedImage) set(i image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.image = i
}

func (c *checkedImage) is(i image) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.image.path == i.path && c.size == i.size && c.modified.Equal(i.modified)
}
