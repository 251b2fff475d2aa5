package sqlite

import (
	"context"
	"errors"
	"os"

	"github.com/coditect-ai/coditect-sync/app"
	lib "modernc.org/sqlite/lib"
)

// Inspect describes the file. It changes nothing; it counts the rows of every table, which reads an index of each.
func (f *File) Inspect(ctx context.Context) (info app.FileInfo, err error) {
	err = f.withLive(ctx, "inspect", modeRead, func(c *conn) error {
		if err := c.beginRead(ctx); err != nil {
			return err
		}
		info, err = f.describe(ctx, c)
		return errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	})
	return info, err
}

func (f *File) describe(ctx context.Context, c *conn) (app.FileInfo, error) {
	id, err := f.readIdentity(ctx, c)
	if err != nil {
		return app.FileInfo{}, err
	}
	stat, err := os.Stat(f.path)
	if err != nil {
		return app.FileInfo{}, err
	}
	info := app.FileInfo{Bytes: stat.Size(), ContextMemory: id.contextMemory()}
	if info.ContextMemory {
		info.SchemaVersion = id.version
	}
	err = errors.Join(c.one(ctx, "PRAGMA page_size", nil, &info.PageSize), c.one(ctx, "PRAGMA journal_mode", nil, &info.JournalMode))
	if err != nil {
		return app.FileInfo{}, err
	}
	info.Rows, err = countRows(ctx, c)
	return info, err
}

func countRows(ctx context.Context, c *conn) (map[string]int64, error) {
	tables, err := dataTables(ctx, c)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int64, len(tables))
	for _, name := range tables {
		n, err := count(ctx, c, name)
		if err != nil {
			return nil, err
		}
		counts[name] = n
	}
	return counts, nil
}

// count reads the smallest index, but for one whose sort order only another program knows.
func count(ctx context.Context, c *conn, table string) (n int64, err error) {
	query := "SELECT count(*) FROM " + quoted(table)
	err = c.one(ctx, query, nil, &n)
	if primary(err) == lib.SQLITE_ERROR {
		err = c.one(ctx, query+" NOT INDEXED", nil, &n)
	}
	return n, err
}
