package sqlite

import (
	"context"
	"errors"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const (
	// stepBytes is how much is copied between two looks at ctx and two reports of progress.
	stepBytes = 4 << 20
	// lockPatience is how long Replace tries to get the write lock.
	lockPatience = 30 * time.Second
	// lockTurn makes it look at its ctx in between.
	lockTurn = "PRAGMA busy_timeout = 250"
)

// Replace makes the file's content that of the image, through SQLite's backup API: other programs may have the file
// open, they see the restored rows with their next statement, and wait to write meanwhile. It calls before with the
// write lock held and nothing changed yet, then progress after each few megabytes (bytes). Whatever fails, a done ctx
// and a crash included, every row stays as it was. locked is how long the write lock was held.
//
// What the file has captured for the cloud goes over into the image before (see carry), with everything captured until the
// lock is taken.
//
// The image is checked first, unless it is the one that passed Check last. One with another page size is converted
// beside itself, which needs its size in disk space once more. The error is CodeBusy when the lock is not to be had
// within 30 s.
func (f *File) Replace(ctx context.Context, image string, before func() error, progress func(done, total int64)) (locked time.Duration, err error) {
	if err := f.ensureChecked(ctx, image); err != nil {
		return 0, err
	}
	err = f.withLive(ctx, "replace", modeWrite, func(c *conn) error {
		if err := c.turnWALOn(ctx); err != nil {
			return err
		}
		fitting, discard, err := fit(ctx, c, image)
		if err != nil {
			return err
		}
		err = f.overwriteCarrying(ctx, c, fitting, func(before func() error) (err error) {
			locked, err = f.overwrite(ctx, c, fitting, before, progress)
			return err
		}, before)
		return errors.Join(err, discard())
	})
	return locked, err
}

func (f *File) ensureChecked(ctx context.Context, path string) error {
	now, err := identify(path)
	if err != nil {
		return classify("replace", path, err)
	}
	if f.checked.is(now) {
		return nil
	}
	_, err = f.Check(ctx, path)
	return err
}

// restorer is what the driver's connection offers.
type restorer interface {
	NewRestore(srcURI string) (*sqlite.Backup, error)
}

func (f *File) overwrite(ctx context.Context, c *conn, image string, before func() error, progress func(done, total int64)) (locked time.Duration, err error) {
	m, err := imageMode(image)
	if err != nil {
		return 0, err
	}
	var pageSize int
	err = errors.Join(c.one(ctx, "PRAGMA page_size", nil, &pageSize), c.exec(ctx, lockTurn))
	if err != nil {
		return 0, err
	}
	err = c.Raw(func(dc any) error {
		backup, err := dc.(restorer).NewRestore(uri(image, m))
		if err != nil {
			return err
		}
		w := overwriting{ctx: ctx, backup: backup, pageSize: pageSize, chunk: f.chunk, before: before, progress: progress}
		err = errors.Join(w.run(), backup.Finish())
		if !w.lockedAt.IsZero() {
			locked = time.Since(w.lockedAt)
		}
		return err
	})
	return locked, err
}

// overwriting is one run of the backup API into the live file. Its transaction is committed by the step that copies
// the last page, and by nothing else.
type overwriting struct {
	ctx      context.Context
	backup   *sqlite.Backup
	pageSize int
	chunk    int
	before   func() error
	progress func(done, total int64)
	lockedAt time.Time
}

func (w *overwriting) run() error {
	if err := w.lock(); err != nil {
		return err
	}
	if err := w.before(); err != nil {
		return err
	}
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		more, err := w.backup.Step(int32(max(1, w.chunk/w.pageSize)))
		if err != nil {
			return err
		}
		total := w.backup.PageCount()
		w.progress(int64(total-w.backup.Remaining())*int64(w.pageSize), int64(total)*int64(w.pageSize))
		if !more {
			return nil
		}
	}
}

// lock takes the write lock: a step of no pages does just that.
func (w *overwriting) lock() error {
	for deadline := time.Now().Add(lockPatience); ; {
		_, err := w.backup.Step(0)
		if err == nil {
			w.lockedAt = time.Now()
			return nil
		}
		if primary(err) != lib.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
}
