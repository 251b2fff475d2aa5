package oplog

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed schema.sql
var schema string

// Channel is what the writer notifies.
const Channel = "sync_log"

// Prefix marks the logical messages that ask for a write checkpoint.
const Prefix = "sync_log"

// Execer is a connection, pool or transaction.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// CreateSchema makes the tables of the log where they are missing, and lets a role write and read them. Who calls it must
// be allowed to create a schema.
func CreateSchema(ctx context.Context, db Execer, role string) error {
	name := pgx.Identifier{role}.Sanitize()
	for _, sql := range []string{schema, "GRANT USAGE ON SCHEMA sync_log TO " + name,
		"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA sync_log TO " + name} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("create the schema of the operation log: %w", err)
		}
	}
	return nil
}
