package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Wipe removes every row of the context memory from this machine, what is known of the account, and lost & found, for a
// person who signs out and says so; nothing of it is deleted in the cloud. It works in slices; when it is interrupted,
// call it again. Pages are overwritten, and the log is emptied if no other program keeps it.
//
// The error is CodeRefused while changes are on this machine only, unless evenWaiting; then nothing is removed.
func (f *File) Wipe(ctx context.Context, evenWaiting bool) error {
	status, err := f.Capture(ctx)
	if err != nil {
		return err
	}
	if status.Waiting > 0 && !evenWaiting {
		return app.Errorf(app.CodeRefused, "wipe", "%d changes are on this machine only.", status.Waiting).
			WithHint("Wait until they are in the cloud, or say that they may be lost.")
	}
	if err := f.Unenrol(ctx); err != nil {
		return err
	}
	for _, t := range schema.Tables() {
		if err := f.wipeTable(ctx, t); err != nil {
			return err
		}
	}
	if err := f.wiping(ctx, wipeBookkeeping); err != nil {
		return err
	}
	return f.withLive(ctx, "wipe", modeWrite, func(c *conn) error {
		var busy, pages, moved int64
		return c.one(ctx, "PRAGMA wal_checkpoint(TRUNCATE)", nil, &busy, &pages, &moved)
	})
}

// wiping runs work in a write transaction that overwrites what it frees.
func (f *File) wiping(ctx context.Context, work func(context.Context, *conn) error) error {
	return f.withLive(ctx, "wipe", modeWrite, func(c *conn) error {
		if err := c.exec(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
		return f.transact(ctx, c, func(c *conn) error { return work(ctx, c) })
	})
}

func (f *File) wipeTable(ctx context.Context, t schema.Table) error {
	for left := true; left; {
		started := time.Now()
		err := f.wiping(ctx, func(ctx context.Context, c *conn) error {
			for left && time.Since(started) < sliceTime {
				if err := c.exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE id IN (SELECT id FROM %s LIMIT 100)", t.Name, t.Name)); err != nil {
					return err
				}
				if err := c.one(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.Name+" WHERE id IS NOT NULL)", nil, &left); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := pause(ctx, time.Since(started)); err != nil {
			return classify("wipe", f.path, err)
		}
	}
	return nil
}

// wipeBookkeeping drops what we keep beside the rows. The search index is made anew by FillSearch.
func wipeBookkeeping(ctx context.Context, c *conn) error {
	if err := c.exec(ctx, "DROP TABLE IF EXISTS "+searchIndex); err != nil {
		return err
	}
	names, err := texts(ctx, c, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '_coditect_*' AND name <> ?", searchNotes)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.exec(ctx, "DROP TABLE "+quoted(name)); err != nil {
			return err
		}
	}
	return c.exec(ctx, "DELETE FROM "+searchNotes)
}
