package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// fit returns an image with the page size of the live file: the image itself, or a converted copy beside it that
// discard removes. SQLite cannot change the page size of a file in WAL mode, so the image must bend.
func fit(ctx context.Context, live *conn, path string) (fitting string, discard func() error, err error) {
	var want, have int
	if err := live.one(ctx, "PRAGMA page_size", nil, &want); err != nil {
		return "", nil, err
	}
	// Not as immutable: SQLite takes such a file for a temporary one, and does not change the page size of its copy.
	c, err := open(ctx, path, modeWrite)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.one(ctx, "PRAGMA page_size", nil, &have); err != nil {
		return "", nil, err
	}
	if have == want {
		return path, func() error { return nil }, nil
	}
	fitting = path + ".fit"
	discard = func() error { return removeIfThere(fitting) }
	return fitting, discard, convert(ctx, c, fitting, want)
}

// convert copies with VACUUM INTO, which keeps every rowid; a plain VACUUM may number rows anew.
func convert(ctx context.Context, c *conn, to string, pageSize int) error {
	if err := removeIfThere(to); err != nil {
		return err
	}
	if err := c.exec(ctx, fmt.Sprintf("PRAGMA page_size = %d", pageSize)); err != nil {
		return err
	}
	err := c.exec(ctx, "VACUUM INTO ?", to)
	if err == nil {
		return nil
	}
	failed := app.AsError("replace", classify("replace", to, err))
	if primary(err) == lib.SQLITE_ERROR {
		failed = app.Errorf(app.CodeRefused, "replace",
			"The restored file has pages of another size and parts that only its own program can copy, so it cannot go into the open file.").
			WithHint("Restore it to a new file.").Typed("Restore it to a new file with --to.").Wrap(err)
	}
	return errors.Join(failed, removeIfThere(to))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
