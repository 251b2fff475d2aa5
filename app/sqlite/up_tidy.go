package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

// tidy looks at entries before they are sent for the first time: what may have been removed through another key than its id
// is deleted, if it is gone; and a message without a content hash gets the one that belongs to it, so that it goes up and
// comes down once, and not a second time with its hash.
func (f *File) tidy(ctx context.Context, c *conn, p *planner, first, last int64) error {
	if p.maybes {
		if err := f.transact(ctx, c, func(c *conn) error { return c.decideMaybes(ctx, first, last) }); err != nil {
			return err
		}
	}
	for seqs := slices.Sorted(maps.Values(p.hashless)); len(seqs) > 0; {
		started := time.Now()
		err := f.transact(ctx, c, func(c *conn) (err error) {
			seqs, err = c.hashSome(ctx, seqs, started.Add(sliceTime))
			return err
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		if err := pause(ctx, time.Since(started)); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) decideMaybes(ctx context.Context, from, to int64) error {
	for _, t := range schema.Tables() {
		gone := fmt.Sprintf("op = '%s' AND tbl = '%s' AND seq BETWEEN ? AND ? AND NOT EXISTS (SELECT 1 FROM %s AS t WHERE t.id IS %s.id)", opMaybe, t.Name, t.Name, upQueue)
		if err := c.exec(ctx, "UPDATE "+upQueue+" SET op = '"+opDelete+"' WHERE "+gone, from, to); err != nil {
			return err
		}
	}
	return c.exec(ctx, "DELETE FROM "+upQueue+" WHERE op = '"+opMaybe+"' AND seq BETWEEN ? AND ?", from, to)
}

// hashSome fills hashes until deadline, and returns the entries that are left.
func (c *conn) hashSome(ctx context.Context, seqs []int64, deadline time.Time) ([]int64, error) {
	err := c.withoutCapture(ctx, func() error {
		for len(seqs) > 0 && time.Now().Before(deadline) {
			if err := c.fillHashOf(ctx, seqs[0]); err != nil {
				return err
			}
			seqs = seqs[1:]
		}
		return nil
	})
	return seqs, err
}

// fillHashOf fills the hash in the row, where it still has this content and nobody wants hashes to be unique, and then in the
// entry that made it.
func (c *conn) fillHashOf(ctx context.Context, seq int64) error {
	t, _ := searched(schema.Messages)
	hashSlot, contentSlot := fmt.Sprintf("v%d", slot(t, schema.Hash)+1), fmt.Sprintf("v%d", slot(t, schema.Content)+1)
	var id, content string
	err := c.one(ctx, "SELECT id, "+contentSlot+" FROM "+upQueue+" WHERE seq = ?", []any{seq}, &id, &content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	hash := contentHash(content)
	return errors.Join(c.exec(ctx, "UPDATE OR IGNORE messages SET hash = ? WHERE id = ? AND hash IS NULL AND content IS ?", hash, id, content),
		c.exec(ctx, "UPDATE "+upQueue+" SET "+hashSlot+" = ? WHERE seq = ? AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND hash = ?)", hash, seq, id, hash))
}
