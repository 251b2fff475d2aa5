package oplog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// truncate removes every row of some tables.
func (h *holder) truncate(ctx context.Context, m truncateMessage) error {
	if h.skip {
		return nil
	}
	if err := h.flushChanges(ctx); err != nil {
		return err
	}
	for _, id := range m.relations {
		if r := h.relations[id]; r != nil {
			if err := h.removeAll(ctx, r); err != nil {
				return fmt.Errorf("empty table %s: %w", r.name, err)
			}
		}
	}
	return nil
}

func (h *holder) removeAll(ctx context.Context, r *relation) error {
	if err := h.begin(ctx); err != nil {
		return err
	}
	b := newBatch(h.bucket)
	rows, err := h.tx.Query(ctx, "SELECT key, bucket, op_id, kind, row_id, NULL::text FROM sync_log.ops WHERE key IS NOT NULL AND tbl = $1", r.number)
	if err != nil {
		return err
	}
	if err := b.fill(rows); err != nil {
		return err
	}
	for key := range b.places {
		b.leave(r, key, nil)
	}
	rows, err = h.tx.Query(ctx, "SELECT key FROM sync_log.grants WHERE lookup = ANY ($1)", r.match.Lookups())
	if err != nil {
		return err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[uuid])
	for _, key := range keys {
		b.grants[key] = nil
	}
	if err != nil {
		return err
	}
	return h.write(ctx, b)
}
