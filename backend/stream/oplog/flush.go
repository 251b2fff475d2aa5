package oplog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
	"github.com/coditect-ai/coditect-sync/backend/stream/wire"
)

// copyFrom is the number of operations from which COPY is faster than arrays.
const copyFrom = 100

// flush writes what some changes do to the log. It becomes visible with the commit that the caller makes.
func (h *holder) flush(ctx context.Context, changes []change) error {
	b := newBatch(h.bucket)
	if err := h.load(ctx, b, changes); err != nil {
		return err
	}
	for _, c := range changes {
		b.apply(c)
	}
	if b.lost > 0 {
		h.config.Log.Error("values that a change left out were not in the log", "count", b.lost)
	}
	return h.write(ctx, b)
}

// load fetches where the rows are. Documents come only for rows that need one.
func (h *holder) load(ctx context.Context, b *batch, changes []change) error {
	if h.empty {
		return nil
	}
	keys, needed := make([]uuid, 0, len(changes)), []uuid{}
	for _, c := range changes {
		if c.relation.match.Streamed() {
			keys = append(keys, c.before())
			if c.lacks() {
				needed = append(needed, c.before())
			}
			if c.now != nil && c.old != nil {
				keys = append(keys, c.relation.rowKey(c.now))
			}
		}
	}
	rows, err := h.tx.Query(ctx, `SELECT key, bucket, op_id, kind, row_id, CASE WHEN key = ANY ($2) THEN data END
		FROM sync_log.ops WHERE key = ANY ($1)`, keys, needed)
	if err != nil {
		return fmt.Errorf("read where rows are: %w", err)
	}
	return b.fill(rows)
}

func (b *batch) fill(rows pgx.Rows) error {
	var key uuid
	var kind int16
	var document *string
	var p place
	_, err := pgx.ForEachRow(rows, []any{&key, &p.bucket, &p.number, &kind, &p.rowID, &document}, func() error {
		one := p
		one.op = wire.Op(kind) // a letter
		if document != nil {
			one.document = *document
		}
		b.places[key] = append(b.places[key], &one)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read where rows are: %w", err)
	}
	return nil
}

// delta is what a batch does to one bucket.
type delta struct {
	checksum, count, lastOp, stable, live, dead int64
}

func (h *holder) write(ctx context.Context, b *batch) error {
	added := slices.DeleteFunc(b.added, func(o *operation) bool { return o.dropped })
	numbers := h.number(added)
	deltas := map[int32]*delta{}
	h.sum(deltas, added, numbers, b.void)
	steps := []func() error{
		func() error { return h.newBuckets(ctx) },
		func() error { return h.shrink(ctx, b.void) },
		func() error { return h.append(ctx, added, numbers) },
		func() error { return h.update(ctx, deltas) },
		func() error { return h.grant(ctx, b.grants) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("append to the operation log: %w", err)
		}
	}
	return nil
}

// number gives the operations their numbers. A change of who may see what takes one too, so that a checkpoint with it
// is newer than one without.
func (h *holder) number(added []*operation) []int64 {
	numbers := make([]int64, len(added))
	for i, o := range added {
		if o.bucket == held {
			h.state.held++
			numbers[i] = h.state.held
			continue
		}
		h.state.lastOp++
		numbers[i] = h.state.lastOp
	}
	return numbers
}

func (h *holder) sum(deltas map[int32]*delta, added []*operation, numbers []int64, void []stored) {
	at := func(bucket int32) *delta {
		if deltas[bucket] == nil {
			deltas[bucket] = &delta{}
		}
		return deltas[bucket]
	}
	for i, o := range added {
		d := at(o.bucket)
		d.checksum += int64(o.checksum)
		d.count++
		d.lastOp = numbers[i]
		if o.op == wire.Put {
			d.live++
		} else {
			d.dead++
		}
	}
	for _, v := range void {
		d := at(v.bucket)
		d.stable = h.state.lastOp
		if v.op == wire.Put {
			d.live--
			d.dead++
		}
	}
	delete(deltas, held)
}

func (h *holder) newBuckets(ctx context.Context) error {
	if len(h.fresh) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(h.fresh))
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = h.fresh[id]
	}
	clear(h.fresh)
	_, err := h.tx.Exec(ctx, `INSERT INTO sync_log.buckets (id, name, seq) SELECT i, n, $3 FROM unnest($1::int[], $2::text[]) AS u (i, n)`,
		ids, names, h.state.seq)
	return err
}

// shrink makes operations void. The rows keep their number and checksum.
func (h *holder) shrink(ctx context.Context, void []stored) error {
	if len(void) == 0 {
		return nil
	}
	buckets, numbers := make([]int32, len(void)), make([]int64, len(void))
	kept := true
	for i, v := range void {
		buckets[i], numbers[i] = v.bucket, v.number
		kept = kept && v.bucket != held
	}
	if _, err := h.tx.Exec(ctx, `UPDATE sync_log.ops o SET kind = $3, key = NULL, tbl = NULL, row_id = NULL, data = NULL
		FROM unnest($1::int[], $2::bigint[]) AS v (bucket, op_id) WHERE o.bucket = v.bucket AND o.op_id = v.op_id AND o.bucket > 0`,
		buckets, numbers, int16(wire.Move)); err != nil {
		return err
	}
	if kept {
		return nil
	}
	_, err := h.tx.Exec(ctx, `DELETE FROM sync_log.ops o USING unnest($1::int[], $2::bigint[]) AS v (bucket, op_id)
		WHERE o.bucket = v.bucket AND o.op_id = v.op_id AND o.bucket = 0`, buckets, numbers)
	return err
}

var opColumns = []string{"op_id", "bucket", "checksum", "key", "kind", "tbl", "row_id", "data"}

func (h *holder) append(ctx context.Context, added []*operation, numbers []int64) error {
	if len(added) >= copyFrom {
		_, err := h.tx.CopyFrom(ctx, pgx.Identifier{"sync_log", "ops"}, opColumns,
			pgx.CopyFromSlice(len(added), func(i int) ([]any, error) { return added[i].row(numbers[i]), nil }))
		return err
	}
	var batch pgx.Batch
	for i, o := range added {
		batch.Queue(`INSERT INTO sync_log.ops (op_id, bucket, checksum, key, kind, tbl, row_id, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, o.row(numbers[i])...)
	}
	return h.tx.SendBatch(ctx, &batch).Close()
}

func (o *operation) row(number int64) []any {
	var document *string
	if o.op == wire.Put {
		document = &o.document
	}
	return []any{number, o.bucket, int32(o.checksum), o.key, int16(o.op), o.table, o.rowID, document} // the bits
}

func (h *holder) update(ctx context.Context, deltas map[int32]*delta) error {
	if len(deltas) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(deltas))
	columns := make([][]int64, 6)
	for _, id := range ids {
		d := deltas[id]
		for i, v := range []int64{d.checksum, d.count, d.lastOp, d.stable, d.live, d.dead} {
			columns[i] = append(columns[i], v)
		}
	}
	_, err := h.tx.Exec(ctx, `UPDATE sync_log.buckets b SET checksum = (b.checksum + d.checksum) & 4294967295,
		count = b.count + d.count, last_op = greatest(b.last_op, d.last_op), stable = greatest(b.stable, d.stable),
		live = b.live + d.live, dead = b.dead + d.dead, seq = $8
		FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
		AS d (id, checksum, count, last_op, stable, live, dead) WHERE b.id = d.id`,
		ids, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], h.state.seq)
	return err
}

// grant replaces what rows of lookups give, and notes whom it concerns.
func (h *holder) grant(ctx context.Context, grants map[uuid]*rules.Grant) error {
	if len(grants) == 0 {
		return nil
	}
	h.state.lastOp++
	keys, whole := make([]uuid, 0, len(grants)), make([]uuid, 0, len(grants))
	columns := make([][]string, 3)
	for key, g := range grants {
		keys = append(keys, key)
		if g != nil {
			whole = append(whole, key)
			columns[0], columns[1], columns[2] = append(columns[0], g.Lookup), append(columns[1], g.Who), append(columns[2], g.Key)
		}
	}
	if _, err := h.tx.Exec(ctx, `WITH gone AS (DELETE FROM sync_log.grants WHERE key = ANY ($1) RETURNING lookup, who)
		INSERT INTO sync_log.woken (seq, lookup, who) SELECT DISTINCT $2::bigint, lookup, who FROM gone`, keys, h.state.seq); err != nil {
		return err
	}
	_, err := h.tx.Exec(ctx, `WITH made AS (INSERT INTO sync_log.grants (key, lookup, who, val)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) RETURNING lookup, who)
		INSERT INTO sync_log.woken (seq, lookup, who) SELECT DISTINCT $5::bigint, lookup, who FROM made`,
		whole, columns[0], columns[1], columns[2], h.state.seq)
	return err
}
