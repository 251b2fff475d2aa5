package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// applicationID marks a context memory: "CDSY" in the file's header.
const applicationID = 0x43445359

// migrations lead from an empty file to the newest schema. The schema version of a file (user_version) is how many of
// them it has. They only go forward, and one that was ever released does not change.
var migrations = [][]string{
	tablesDDL(),
	searchNotesDDL(),
}

func tablesDDL() []string {
	var ddl []string
	for _, t := range schema.Tables() {
		ddl = append(ddl, t.DDL())
	}
	return ddl
}

// migrate takes the file from version to-1 to version to, all or nothing.
func (f *File) migrate(ctx context.Context, c *conn, to int) error {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f.applyMigration(ctx, c, to)
	if err == nil {
		f.step("commit")
		err = c.exec(ctx, "COMMIT")
	}
	if err != nil {
		return errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	f.step("committed")
	return nil
}

func (f *File) applyMigration(ctx context.Context, c *conn, to int) error {
	var version int
	if err := c.one(ctx, "PRAGMA user_version", nil, &version); err != nil {
		return err
	}
	if version >= to {
		return nil // another process did it while we waited for the lock
	}
	for _, statement := range migrations[to-1] {
		f.step("statement")
		if err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	f.step("version")
	return c.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, to))
}
