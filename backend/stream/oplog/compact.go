package oplog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// keepWoken is how many commits back a server may be and still learn whom a change of access concerned.
const keepWoken = 100_000

// compact goes over the buckets that changed since the last time: what is void at a bucket's beginning becomes one
// CLEAR, and a bucket with many more void operations than live ones is begun anew.
func (h *holder) compact(ctx context.Context) error {
	rows, err := h.conn.Query(ctx, "SELECT id, live, dead FROM sync_log.buckets WHERE seq > $1 AND dead > 1", h.compacted)
	if err != nil {
		return fmt.Errorf("compact the operation log: %w", err)
	}
	type candidate struct {
		ID         int32
		Live, Dead int64
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
	if err != nil {
		return fmt.Errorf("compact the operation log: %w", err)
	}
	upTo := h.state.seq
	for _, c := range all {
		if c.Dead > c.Live+h.config.RewriteAfter {
			err = h.rewrite(ctx, c.ID)
		} else {
			err = h.clearPrefix(ctx, c.ID)
		}
		if err != nil {
			return fmt.Errorf("compact the operation log: %w", err)
		}
	}
	h.compacted = upTo
	_, err = h.conn.Exec(ctx, "DELETE FROM sync_log.woken WHERE seq < $1", h.state.seq-keepWoken)
	return err
}

// clearPrefix replaces what is void at the beginning of a bucket. It wakes nobody: there is nothing to send.
func (h *holder) clearPrefix(ctx context.Context, bucket int32) error {
	return pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error {
		var count, last, sum *int64
		err := tx.QueryRow(ctx, `SELECT count(*), max(op_id), sum(checksum::bigint & 4294967295)::bigint FROM sync_log.ops WHERE bucket = $1
			AND op_id < coalesce((SELECT op_id FROM sync_log.ops WHERE bucket = $1 AND kind = $2 ORDER BY op_id LIMIT 1), 9223372036854775807)`,
			bucket, int16(wire.Put)).Scan(&count, &last, &sum)
		if err != nil || *count < 2 {
			return err
		}
		if err := putClear(ctx, tx, bucket, *last, *sum); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE sync_log.buckets SET stable = greatest(stable, $2), dead = dead - $3 WHERE id = $1", bucket, *last, *count-1)
		return err
	})
}

// putClear replaces all operations of a bucket up to one.
func putClear(ctx context.Context, tx pgx.Tx, bucket int32, last, sum int64) error {
	if _, err := tx.Exec(ctx, "DELETE FROM sync_log.ops WHERE bucket = $1 AND op_id <= $2", bucket, last); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO sync_log.ops (op_id, bucket, checksum, kind) VALUES ($1, $2, $3, $4)",
		last, bucket, int32(uint32(sum)), int16(wire.Clear)) // modulo 2^32 is meant
	return err
}

// rewrite gives the live documents of a bucket new numbers, so that everything before is void and becomes one CLEAR. The
// clients of the bucket get the documents again; it takes as many changes as there are documents until the next time.
func (h *holder) rewrite(ctx context.Context, bucket int32) error {
	if err := h.begin(ctx); err != nil {
		return err
	}
	var last, sum int64
	if err := h.tx.QueryRow(ctx, "SELECT last_op, checksum FROM sync_log.buckets WHERE id = $1", bucket).Scan(&last, &sum); err != nil {
		return err
	}
	var moved, added int64
	err := h.tx.QueryRow(ctx, `WITH live AS (SELECT op_id, row_number() OVER (ORDER BY op_id) AS n FROM sync_log.ops WHERE bucket = $1 AND kind = $2),
		moved AS (UPDATE sync_log.ops o SET op_id = $3 + live.n FROM live WHERE o.bucket = $1 AND o.op_id = live.op_id RETURNING checksum)
		SELECT count(*), coalesce(sum(checksum::bigint & 4294967295), 0)::bigint FROM moved`, bucket, int16(wire.Put), h.state.lastOp).Scan(&moved, &added)
	if err != nil {
		return err
	}
	h.state.lastOp += moved
	if err := putClear(ctx, h.tx, bucket, last, sum); err != nil {
		return err
	}
	if _, err := h.tx.Exec(ctx, `UPDATE sync_log.buckets SET checksum = (checksum + $2) & 4294967295, count = count + $3,
		last_op = greatest(last_op, $4), stable = $4, dead = 1, live = $3, seq = $5 WHERE id = $1`,
		bucket, added, moved, h.state.lastOp, h.state.seq); err != nil {
		return err
	}
	return h.save(ctx)
}
