package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// tracePrefix marks the logical messages that name a push's trace; the writer of the stream's log reads them.
const tracePrefix = "coditect_trace"

// carry writes into the database's log, with the transaction, whose work it is. Without a trace it does nothing.
func carry(ctx context.Context, tx pgx.Tx, trace string) error {
	if trace == "" {
		return nil
	}
	_, err := tx.Exec(ctx, "SELECT pg_logical_emit_message(true, $1, $2)", tracePrefix, trace)
	return err
}
