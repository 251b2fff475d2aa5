package oplog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Request asks for a write checkpoint for a client, and returns its number: the value asked for, or one more than the
// last where none is (0). The stream will tell it to the client in a line that covers everything committed before the
// call. A value at or below the last one asks for nothing new and returns the last one.
func (s *Store) Request(ctx context.Context, subject, client string, value int64) (int64, error) {
	var given int64
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		given, err = nextRequest(ctx, tx, subject, client, value)
		if err != nil || given == 0 {
			return err
		}
		content, _ := json.Marshal(request{subject, client, given}) // strings and a number cannot fail
		_, err = tx.Exec(ctx, "SELECT pg_logical_emit_message(true, $1, $2::text)", Prefix, string(content))
		return err
	})
	if err == nil && given == 0 {
		err = s.pool.QueryRow(ctx, "SELECT value FROM sync_log.requests WHERE subject = $1 AND client = $2", subject, client).Scan(&given)
	}
	if err != nil {
		return 0, fmt.Errorf("ask for a write checkpoint: %w", err)
	}
	return given, nil
}

// nextRequest stores the number and returns it, 0 where it is not newer than the last one.
func nextRequest(ctx context.Context, tx pgx.Tx, subject, client string, value int64) (given int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO sync_log.requests AS r (subject, client, value) VALUES ($1, $2, greatest($3::bigint, 1))
		ON CONFLICT (subject, client) DO UPDATE SET value = CASE WHEN $3::bigint = 0 THEN r.value + 1 ELSE $3 END
		WHERE $3 = 0 OR $3 > r.value RETURNING value`, subject, client, value).Scan(&given)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return given, err
}
