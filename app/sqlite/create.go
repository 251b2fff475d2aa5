package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/coditect-ai/coditect-sync/app"
)

// Create makes the file with the context-memory schema, or brings an older context memory up to date. It does nothing
// on one that is up to date. It survives a crash at any step: the next call goes on where the last one was.
//
// The error is CodeNotFound when the folder is missing, CodeRefused when the file holds something else than a context
// memory or was made by a newer version; the file is then untouched.
func (f *File) Create(ctx context.Context) error {
	folder := filepath.Dir(f.path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return app.Errorf(app.CodeNotFound, "create", "There is no folder %s.", folder).
			WithHint("Make the folder, or choose another place for the file.").Wrap(err)
	}
	if err := f.beginPrivate(); err != nil {
		return err
	}
	f.step("open")
	return f.withLive(ctx, "create", modeCreate, func(c *conn) error { return f.bringUp(ctx, c) })
}

// beginPrivate makes a missing file as an empty one that only its owner may read: it holds what was said in private, and
// SQLite gives its -wal and -shm files the same permissions. A file that exists is not opened here.
func (f *File) beginPrivate() error {
	fd, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	} else if isNoSpace(err) || isReadOnlySystem(err) {
		return classify("create", f.path, err)
	} else if err != nil {
		return app.Errorf(app.CodeDenied, "create", "The file %s cannot be made.", f.path).
			WithHint("Check the permissions of its folder.").Wrap(err)
	}
	return fd.Close()
}

func (f *File) bringUp(ctx context.Context, c *conn) error {
	id, err := f.identity(ctx, c)
	if err != nil {
		return err
	}
	if err := id.creatable(f.path); err != nil {
		return err
	}
	f.step("wal")
	if err := c.turnWALOn(ctx); err != nil {
		return err
	}
	for v := id.version + 1; v <= len(migrations); v++ {
		if err := f.migrate(ctx, c, v); err != nil {
			return err
		}
	}
	return nil
}

// identity reads it in one transaction: somebody else may be making the file, and a part of that would be refused.
func (f *File) identity(ctx context.Context, c *conn) (id identity, err error) {
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return id, err
	}
	id, err = f.readIdentity(ctx, c)
	return id, errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
}

// identity is what a file says about itself.
type identity struct {
	application int
	version     int
	tables      int // but for bookkeeping
}

func (f *File) readIdentity(ctx context.Context, c *conn) (id identity, err error) {
	tables, err := dataTables(ctx, c)
	if err != nil {
		return id, err
	}
	id.tables = len(tables)
	if err := c.one(ctx, "PRAGMA application_id", nil, &id.application); err != nil {
		return id, err
	}
	f.step("identity")
	return id, c.one(ctx, "PRAGMA user_version", nil, &id.version)
}

func (id identity) contextMemory() bool { return id.application == applicationID && id.version > 0 }

func (id identity) fresh() bool { return id == identity{} }

func (id identity) creatable(path string) error {
	switch {
	case !id.fresh() && !id.contextMemory():
		return app.Errorf(app.CodeRefused, "create", "%s holds other data than a context memory and was left as it is.", path).
			WithHint("Choose it as the memory file to keep it safe as it is.").Typed("Name the file in setup --db to keep it safe as it is.")
	case id.version > len(migrations):
		return app.Errorf(app.CodeRefused, "create",
			"The file was made by a newer version of CODITECT Sync (its schema is %d, this version knows %d) and was left as it is.",
			id.version, len(migrations)).WithHint("Update CODITECT Sync.")
	}
	return nil
}

// turnWALOn makes WAL the file's journal mode. SQLite answers with the mode it has now, also when it cannot change it.
func (c *conn) turnWALOn(ctx context.Context) error {
	now, err := c.askForWAL(ctx)
	if err != nil {
		return err
	}
	if now != "wal" {
		return app.Errorf(app.CodeRefused, "open", "The file cannot be switched to write-ahead logging; it stays in mode %q.", now).
			WithHint("Move it to a disk of this machine.")
	}
	return nil
}

// askForWAL waits for other programs itself: while one of them makes the same change SQLite says busy at once.
func (c *conn) askForWAL(ctx context.Context) (now string, err error) {
	err = whileBusy(ctx, func() error { return c.one(ctx, "PRAGMA journal_mode = WAL", nil, &now) })
	return now, err
}

// whileBusy tries for as long as a statement would wait, and ends with ctx, which a statement that waits does not.
func whileBusy(ctx context.Context, try func() error) error {
	for deadline := time.Now().Add(busyTimeout); ; {
		err := try()
		if primary(err) != lib.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, busyAgain); err != nil {
			return err
		}
	}
}

// busyAgain is the time between two attempts.
const busyAgain = 10 * time.Millisecond
