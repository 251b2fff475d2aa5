package sqlite

import (
	"context"
	"os"
	"sync"

	"github.com/coditect-ai/coditect-sync/app"
)

// stamps keeps how our own last commit left the file.
type stamps struct {
	mu  sync.Mutex
	own app.Stamp
}

// Stamp says how the file and its log are now, and how the last commit of this process left them, as far as no other program
// has committed since. It opens neither: closing such a descriptor would drop SQLite's locks.
func (f *File) Stamp() (now, own app.Stamp) {
	f.stamps.mu.Lock()
	defer f.stamps.mu.Unlock()
	return stampOf(f.path), f.stamps.own
}

func stampOf(path string) app.Stamp {
	one := func(name string) (s app.FileStamp) {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			s = app.FileStamp{Size: info.Size(), Modified: info.ModTime()}
		}
		return s
	}
	return app.Stamp{File: one(path), Log: one(path + "-wal")}
}

// version is another one after every commit of any other connection.
func (c *conn) version(ctx context.Context) (n int64, err error) {
	err = c.one(ctx, "PRAGMA data_version", nil, &n)
	return n, err
}

// commit commits, and notes how that left the file; before is the version from inside the transaction. Whoever asks for stamps
// meanwhile waits, or would take what is half written for another program's. Another program that writes at the same instant and
// commits a moment later is missed: whoever asks looks again somewhat later, for that.
func (f *File) commit(ctx context.Context, c *conn, before int64) error {
	return f.stamped(ctx, c, before, "COMMIT")
}

// stamped carries out what changes the files by us alone.
func (f *File) stamped(ctx context.Context, c *conn, before int64, query string) error {
	f.stamps.mu.Lock()
	defer f.stamps.mu.Unlock()
	if err := c.exec(ctx, query); err != nil {
		return err
	}
	f.step("stamp")
	stamp := stampOf(f.path)
	if after, err := c.version(ctx); err == nil && after == before {
		f.stamps.own = stamp
	}
	return nil
}
