package sqlite

import (
	"context"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// doomedSource names the rows that are in buckets which are gone. It reads ahead, a few thousand at a time, without a lock.
type doomedSource struct {
	ops   []staged
	last  bool // nothing comes after ops
	fetch func(after *staged) ([]staged, bool, error)
}

const doomedPage = 2 * liveOps

// doomedRows reads the first of them.
func (f *File) doomedRows(ctx context.Context, c *conn, doomed map[int64]bool) (*doomedSource, error) {
	s := &doomedSource{}
	s.fetch = func(after *staged) ([]staged, bool, error) { return f.doomedPage(ctx, doomed, after) }
	var err error
	s.ops, s.last, err = doomedAfter(ctx, c, f.path, doomed, nil)
	return s, err
}

// doomedPage opens a connection of its own: it is called between transactions and inside of them.
func (f *File) doomedPage(ctx context.Context, doomed map[int64]bool, after *staged) (ops []staged, last bool, err error) {
	c, err := f.openLive(ctx, modeRead)
	if err != nil {
		return nil, false, err
	}
	ops, last, err = doomedAfter(ctx, c, f.path, doomed, after)
	if closed := c.Close(); err == nil {
		err = closed
	}
	return ops, last, err
}

func doomedAfter(ctx context.Context, c *conn, path string, doomed map[int64]bool, after *staged) (ops []staged, last bool, err error) {
	r, err := c.throughC(path)
	if err != nil {
		return nil, false, err
	}
	defer r.interruptWith(ctx)()
	query := "SELECT tbl, id, typeof(id) = 'blob', bucket FROM " + downRows
	if after != nil {
		query += " WHERE (tbl, id) > (?1, ?2)"
	}
	s, err := r.statement(query + " ORDER BY tbl, id")
	if err != nil {
		return nil, false, err
	}
	defer s.close()
	if after != nil {
		s.int(1, after.table)
		s.key(2, after.key)
	}
	for {
		more, err := s.step()
		if err != nil || !more {
			return ops, err == nil, err
		}
		if !doomed[s.colInt(3)] {
			continue
		}
		ops = append(ops, staged{table: s.colInt(0), kind: powersync.Unknown, key: columnKey(s, 1, 2)})
		if len(ops) >= doomedPage {
			return ops, false, nil
		}
	}
}

// columnKey is the key in a column of downRows; another says whether it is a blob.
func columnKey(s *stmt, id, blob int) []byte {
	kind := keyText
	if s.colInt(blob) == 1 {
		kind = keyUUID
	}
	return append([]byte{kind}, s.colBytes(id)...)
}

func (s *doomedSource) head() *staged {
	if len(s.ops) == 0 {
		return nil
	}
	return &s.ops[0]
}

func (s *doomedSource) advance() (err error) {
	now := s.ops[0]
	s.ops = s.ops[1:]
	if len(s.ops) == 0 && !s.last {
		s.ops, s.last, err = s.fetch(&now)
	}
	return err
}

func (s *doomedSource) close() error { return nil }
