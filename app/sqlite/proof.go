package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// HashMemory hashes the tables of the context memory over the columns of the schema, in its order, as of one moment, to be
// held against the cloud's. Columns that another program added are left out; they stay on this machine.
func (f *File) HashMemory(ctx context.Context) ([]app.TableHash, error) {
	var out []app.TableHash
	err := f.withRaw(ctx, "proof", func(r *raw) error {
		for _, t := range schema.Tables() {
			h, err := r.hashColumns(ctx, t.Name, memoryColumns(t, false))
			if err != nil {
				return err
			}
			out = append(out, h)
		}
		return nil
	})
	return out, err
}

// memoryColumns are the schema's columns of a table.
func memoryColumns(t schema.Table, withoutOwner bool) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quoted(c.Name)
		if withoutOwner && c.Name == ownerColumn {
			names[i] = "NULL"
		}
	}
	return strings.Join(names, ", ")
}

// ownerColumn is the one that the server decides.
const ownerColumn = "user_id"

// RowHashes calls fn with the id and the hash of each row of a table of the context memory, in the order of ids and as of
// one moment. An error of fn ends it and is returned. withoutOwner takes user_id for NULL.
func (f *File) RowHashes(ctx context.Context, table string, withoutOwner bool, fn func(id string, hash uint64) error) error {
	t, known := memoryTable(table)
	if !known {
		return app.Errorf(app.CodeInvalid, "proof", "There is no table %s in a context memory.", table)
	}
	var text []byte
	return f.withRaw(ctx, "proof", func(r *raw) error {
		query := "SELECT " + memoryColumns(t, withoutOwner) + " FROM " + quoted(t.Name) + " ORDER BY id"
		return r.each(ctx, query, func(stmt uintptr) error {
			text = r.canonical(text[:0], stmt)
			return fn(r.utf8Text(stmt, 0), hashText(text))
		})
	})
}

func memoryTable(name string) (schema.Table, bool) {
	for _, t := range schema.Tables() {
		if t.Name == name {
			return t, true
		}
	}
	return schema.Table{}, false
}

// captureStep is how many rows CaptureRows files under one write lock.
const captureStep = 500

// CaptureRows files rows of a table as they are now, so that they go up as if they had just been written, and returns how
// many of them there are. Rows that were captured already are filed once more, which does no harm.
func (f *File) CaptureRows(ctx context.Context, table string, ids []string) (n int, err error) {
	t, known := memoryTable(table)
	if !known {
		return 0, app.Errorf(app.CodeInvalid, "proof", "There is no table %s in a context memory.", table)
	}
	for len(ids) > 0 {
		some := ids[:min(len(ids), captureStep)]
		ids = ids[len(some):]
		err := f.writing(ctx, "proof", func(c *conn) error {
			if on, err := c.enrolled(ctx); err != nil || !on {
				return err
			}
			return c.captureRows(ctx, t, some, &n)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *conn) captureRows(ctx context.Context, t schema.Table, ids []string, n *int) error {
	put := captured{Table: t}.putOf("t.id = ?")
	for _, id := range ids {
		if err := c.exec(ctx, put, id); err != nil {
			return fmt.Errorf("file a row of %s: %w", t.Name, err)
		}
		var made int
		if err := c.one(ctx, "SELECT changes()", nil, &made); err != nil {
			return err
		}
		*n += made
	}
	return nil
}
