package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// Adopt takes an existing file into care: it checks that the file is a whole SQLite database that can be written, and
// turns write-ahead logging on. It touches nothing else.
//
// The error is CodeNotFound when the file is missing, CodeInvalid when it is not a SQLite database, CodeDamaged when
// it is damaged or encrypted, CodeDenied when it or its folder cannot be written, CodeBusy when another program keeps
// it locked.
func (f *File) Adopt(ctx context.Context) (info app.FileInfo, err error) {
	if err := f.adoptable(); err != nil {
		return app.FileInfo{}, err
	}
	if err := f.readable(ctx); err != nil {
		return app.FileInfo{}, err
	}
	err = f.withLive(ctx, "adopt", modeWrite, func(c *conn) error {
		if err := c.turnWALOn(ctx); err != nil {
			return f.unwritable(err)
		}
		info, err = f.describe(ctx, c)
		return err
	})
	return info, err
}

func (f *File) adoptable() error {
	exists, err := f.Exists()
	if err == nil && !exists {
		return app.Errorf(app.CodeNotFound, "adopt", "There is no file %s.", f.path).WithHint("Check the path.").Wrap(fs.ErrNotExist)
	}
	return err
}

// readable reads all of it: a copy of a damaged file would be a damaged copy.
func (f *File) readable(ctx context.Context) error {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return classify("adopt", f.path, err)
	}
	defer leave()
	err = checkIntegrity(ctx, f.path, modeRead)
	if primary(err) == lib.SQLITE_NOTADB {
		return f.notSQLite(err)
	}
	return classify("adopt", f.path, err)
}

// notSQLite tells a file of another kind from one whose beginning is unreadable. SQLite does not say, and the file may
// not be opened by other means; but a database is made of pages, whose size is a multiple of 512 bytes, encrypted or not.
func (f *File) notSQLite(cause error) error {
	info, err := os.Stat(f.path)
	if err != nil {
		return errors.Join(cause, err)
	}
	if info.Size()%512 != 0 {
		return app.Errorf(app.CodeInvalid, "adopt", "%s is not a SQLite database.", f.path).
			WithHint("Choose the database file itself.").Wrap(cause)
	}
	return app.Errorf(app.CodeDamaged, "adopt", "%s cannot be read: it is encrypted, or damaged at its beginning.", f.path).
		WithHint("An encrypted file must be kept safe by the program that encrypts it; a damaged one comes back from a copy.").Wrap(cause)
}

func (f *File) unwritable(cause error) error {
	switch primary(cause) {
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return app.Errorf(app.CodeDenied, "adopt", "%s or its folder cannot be written.", f.path).
			WithHint("Give this account the right to write both: changes are first written to files beside the database.").Wrap(cause)
	}
	return cause
}
