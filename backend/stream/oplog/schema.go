package oplog

import (
	"context"
	_ "embed"
	"fmt"

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

// CreateSchema makes the tables of the log where they are missing. The role must be allowed to create a schema.
func CreateSchema(ctx context.Context, db Execer) error {
	if _, err := db.Exec(ctx, schema); err != nil {
		return fmt.Errorf("create the schema of the operation log: %w", err)
	}
	return nil
}
