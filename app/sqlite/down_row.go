package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	lib "modernc.org/sqlite/lib"
)

// place says that a row is in a bucket.
type place struct {
	bucket int64
	subkey uint32
	op     int64
	sum    uint32
	hash   int64 // of the row as it was written, where this entry is the newest
	doc    []byte
	inHand bool // doc is what the entry stands for
}

func (e *place) is(bucket int64, subkey uint32) bool { return e.bucket == bucket && e.subkey == subkey }

// newest is the entry whose document is shown: that of the highest operation.
func newest(list []place) *place {
	var top *place
	for i := range list {
		if e := &list[i]; top == nil || e.op > top.op || e.op == top.op && e.bucket > top.bucket {
			top = e
		}
	}
	return top
}

// applier writes rows within a transaction. It belongs to one connection.
type applier struct {
	f      *File
	c      *conn
	r      *raw
	tables map[int64]*downTable
	doomed map[int64]bool
	lapsed map[int64]bool
	taken  int64 // rows of this transaction that went with lapsed buckets
	gate   gateState

	read, put, drop                  *stmt // of downRows
	docRead, docPut, docDrop, docAll *stmt // of downDocs
	beyond                           *stmt
	coverPut, coverDrop              *stmt // of downCovered

	fresh   int64 // the table none of whose rows is in a bucket from here on; 0: none
	cells   cells // of the document that was decoded last
	text    []byte
	id      []byte
	before  []place
	after   []place
	ready   readyRow         // the row in hand
	pending map[rowName]bool // rows that the queue has a change of; nil until it is asked for
	touched map[rowName]bool // rows of this transaction, where the gate is overridden
	unseen  map[rowName]bool // rows with changes that the checkpoint may not have, where the gate is overridden
	covers  covers
	prelude time.Duration // what looking at unseen changes took, which is done twice a transaction, and at those in the queue
	began   time.Time     // when the transaction had the lock
	took    int           // rows
	wrote   time.Duration // for how long it took them
	ending  time.Duration // how long the last one needed after its rows, most of it its commit
	count   effect
	refetch map[int64]bool
}

type effect struct{ rows, lost, unfit int64 }

// rowName names a row across tables.
type rowName struct{ table, id string }

// newApplier prepares what a transaction needs; large tells that it may be of many rows.
func (f *File) newApplier(ctx context.Context, c *conn, large bool) (*applier, error) {
	r, err := c.throughC(f.path)
	if err != nil {
		return nil, err
	}
	if large {
		if err := c.enlarge(ctx); err != nil {
			return nil, err
		}
	}
	r.utf8 = true
	a := &applier{f: f, c: c, r: r, tables: map[int64]*downTable{}, refetch: map[int64]bool{}}
	if err := a.prepare(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (w *applier) prepare() error {
	for query, s := range map[string]**stmt{
		"SELECT bucket, subkey, op, checksum, hash FROM " + downRows + " WHERE tbl = ? AND id = ?":                     &w.read,
		"INSERT OR REPLACE INTO " + downRows + " (tbl, id, bucket, subkey, op, checksum, hash) VALUES (?,?,?,?,?,?,?)": &w.put,
		"DELETE FROM " + downRows + " WHERE tbl = ? AND id = ? AND bucket = ? AND subkey = ?":                          &w.drop,
		"SELECT document FROM " + downDocs + " WHERE tbl = ? AND id = ? AND bucket = ? AND subkey = ?":                 &w.docRead,
		"INSERT OR REPLACE INTO " + downDocs + " (tbl, id, bucket, subkey, document) VALUES (?,?,?,?,?)":               &w.docPut,
		"DELETE FROM " + downDocs + " WHERE tbl = ? AND id = ? AND bucket = ? AND subkey = ?":                          &w.docDrop,
		"DELETE FROM " + downDocs + " WHERE tbl = ? AND id = ?":                                                        &w.docAll,
		"INSERT OR REPLACE INTO " + downCovered + " (tbl, id, hash) VALUES (?,?,?)":                                    &w.coverPut,
		"DELETE FROM " + downCovered + " WHERE tbl = ? AND id = ?":                                                     &w.coverDrop,
		"SELECT EXISTS (SELECT 1 FROM " + downRows + " WHERE tbl = ?1 AND id >= ?2)":                                   &w.beyond,
	} {
		var err error
		if *s, err = w.r.statement(query); err != nil {
			return err
		}
	}
	return w.prepareTables()
}

func (w *applier) close() {
	for _, s := range []*stmt{w.read, w.put, w.drop, w.docRead, w.docPut, w.docDrop, w.docAll, w.beyond, w.coverPut, w.coverDrop} {
		s.close()
	}
	for _, t := range w.tables {
		for _, s := range []*stmt{t.insert, t.read, t.update, t.remove} {
			s.close()
		}
	}
}

func (w *applier) begin(ctx context.Context, c *conn, work *catchUp, gate gateState) error {
	w.doomed, w.lapsed, w.gate, w.fresh, w.taken = work.doomed, work.lapsed, gate, 0, 0
	w.count, w.pending, w.touched, w.unseen = effect{}, nil, nil, nil
	began := time.Now()
	if gate.over {
		if err := w.lookAtUnseen(ctx); err != nil {
			return err
		}
	}
	w.prelude = time.Since(began)
	if err := w.lookAtCovers(ctx); err != nil {
		return err
	}
	return c.captureWhile(ctx, true)
}

func (w *applier) end(ctx context.Context, c *conn) error {
	if err := w.uncoverSeen(ctx); err != nil {
		return err
	}
	if w.gate.over {
		if err := w.overlay(ctx); err != nil {
			return err
		}
	}
	if err := w.again(ctx); err != nil {
		return err
	}
	return c.captureWhile(ctx, false)
}

// again has buckets come anew whose document of a row we do not have.
func (w *applier) again(ctx context.Context) error {
	for id := range w.refetch {
		err := w.c.exec(ctx, "INSERT INTO "+downBuckets+" (name, position, checksum, known) SELECT name, 0, 0, 0 FROM "+downBuckets+" WHERE n = ?", id)
		if err != nil {
			return err
		}
	}
	return nil
}

// report adds what a committed transaction did.
func (w *applier) report(out *powersync.Applied) {
	out.Rows += w.count.rows
	out.Kept += w.count.lost
	out.Refetch = out.Refetch || len(w.refetch) > 0
	if w.count.unfit > 0 {
		w.f.log.Warn("rows from the cloud do not fit the file", "rows", w.count.unfit)
	}
	w.count = effect{}
}

// hold begins a transaction that has the lock since then, held ends it.
func (w *applier) hold(since time.Time) { w.began, w.wrote = since, 0 }

func (w *applier) held(all time.Duration) { w.ending = max(all-w.wrote, 0) }

// share is for how long a transaction takes rows: what its commit will need is left, and most of it goes to rows.
func (w *applier) share() time.Duration {
	hold := w.f.down.hold
	return max(hold-w.ending, hold/4, 4*w.prelude)
}

// rows writes rows until the time of the slice is over, and tells whether it has come to the end.
func (w *applier) rows(ctx context.Context, work *catchUp) (finished bool, err error) {
	n := 0
	defer func() { w.took, w.wrote = n, time.Since(w.began) }()
	for ; ; n++ {
		if !work.small && n%16 == 15 && time.Since(w.began) > w.share() {
			return false, nil
		}
		w.ready, err = work.next(w.ready)
		ops := w.ready.ops
		if err != nil || len(ops) == 0 {
			return true, err
		}
		work.done += int64(len(ops))
		if n%256 == 255 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		w.f.step("row")
		if t := w.tables[ops[0].table]; t != nil { // else this version does not have the table any more
			if err := w.row(ctx, t, ops[0].key, ops); err != nil {
				return false, err
			}
		}
	}
}

// row carries out the operations of one row, which may be none.
func (w *applier) row(ctx context.Context, t *downTable, key []byte, ops []staged) error {
	if err := w.entries(t, key); err != nil {
		return err
	}
	w.after = append(w.after[:0], w.before...)
	w.after = slices.DeleteFunc(w.after, func(e place) bool { return w.doomed[e.bucket] })
	for i := range ops {
		w.after = ops[i].on(w.after)
	}
	w.id = appendID(w.id[:0], key)
	if w.touched != nil {
		w.touched[rowName{t.Name, string(w.id)}] = true
	}
	if err := w.show(ctx, t, key); err != nil {
		return err
	}
	if err := w.keepEntries(t, key); err != nil {
		return err
	}
	return w.keepCover(t, key)
}

// on carries out an operation on the entries of its row.
func (o *staged) on(list []place) []place {
	if o.bucket == nil {
		return list
	}
	list = slices.DeleteFunc(list, func(e place) bool { return e.is(o.bucket.id, o.subkey) })
	if o.kind == powersync.Put {
		list = append(list, place{bucket: o.bucket.id, subkey: o.subkey, op: o.op, sum: o.sum, doc: o.doc, inHand: true})
	}
	return list
}

// entries reads what is known of a row into before. Beyond the last row that is known it need not look.
func (w *applier) entries(t *downTable, key []byte) error {
	w.before = w.before[:0]
	if w.fresh == t.n {
		return nil
	}
	w.fresh = 0
	s := w.read
	s.int(1, t.n)
	s.key(2, key)
	for {
		more, err := s.step()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		w.before = append(w.before, place{
			bucket: s.colInt(0), subkey: uint32(s.colInt(1)), op: s.colInt(2), sum: uint32(s.colInt(3)), hash: s.colInt(4),
		})
	}
	if len(w.before) > 0 {
		return nil
	}
	return w.lookBeyond(t, key)
}

// lookBeyond finds out whether there are any entries from a row on, which saves looking for each when there are none.
func (w *applier) lookBeyond(t *downTable, key []byte) error {
	w.beyond.int(1, t.n)
	w.beyond.key(2, key)
	if _, err := w.beyond.step(); err != nil {
		return err
	}
	if w.beyond.colInt(0) == 0 {
		w.fresh = t.n
	}
	w.beyond.reset()
	return nil
}

// show makes the row what its newest entry says.
func (w *applier) show(ctx context.Context, t *downTable, key []byte) error {
	was, now := newest(w.before), newest(w.after)
	covered := w.covers.on(t, key)
	if covered != nil {
		was = covered.under(was)
	}
	if len(w.before) > 1 || len(w.after) > 1 {
		if err := w.hide(t, key, was, now); err != nil {
			return err
		}
	}
	switch {
	case now == nil && was == nil:
		return w.removeOwn(ctx, t)
	case now == nil:
		return w.removeRow(ctx, t, key, was)
	case now.inHand:
		return w.putRow(ctx, t, now, was)
	case covered != nil && !w.unseen[rowName{t.Name, string(w.id)}]:
		return w.uncover(ctx, t, key, now, was)
	case was != nil && was.sum == now.sum:
		now.hash = was.hash
		return nil
	}
	return w.uncover(ctx, t, key, now, was)
}

// uncover shows a document that was hidden.
func (w *applier) uncover(ctx context.Context, t *downTable, key []byte, now, was *place) error {
	s := w.docRead
	w.entryKey(s, t, key, now)
	found, err := s.step()
	if err != nil {
		return err
	}
	if !found {
		w.refetch[now.bucket] = true
		now.hash = was.hash
		return nil
	}
	now.doc = append([]byte(nil), s.colBytes(0)...)
	s.reset()
	return w.putRow(ctx, t, now, was)
}

// hide keeps the documents of entries that differ from the newest one. That of an entry which was shown up to now is made of
// the row.
func (w *applier) hide(t *downTable, key []byte, was, now *place) error {
	var shown []byte
	for i := range w.after {
		e := &w.after[i]
		if e == now || e.sum == now.sum {
			continue
		}
		doc := e.doc
		if !e.inHand {
			if was == nil || e.sum != was.sum || w.covers.on(t, key) != nil {
				continue // it is kept already
			}
			if shown == nil {
				var err error
				if shown, err = w.rowDocument(t); err != nil {
					return err
				}
			}
			if doc = shown; doc == nil {
				continue
			}
		}
		w.entryKey(w.docPut, t, key, e)
		w.docPut.blob(5, doc)
		if _, err := w.docPut.run(); err != nil {
			return err
		}
	}
	return nil
}

func (w *applier) entryKey(s *stmt, t *downTable, key []byte, e *place) {
	s.int(1, t.n)
	s.key(2, key)
	s.int(3, e.bucket)
	s.int(4, int64(e.subkey))
}

// keepEntries writes what differs between before and after.
func (w *applier) keepEntries(t *downTable, key []byte) error {
	for i := range w.before {
		e := &w.before[i]
		if slices.ContainsFunc(w.after, func(o place) bool { return o.is(e.bucket, e.subkey) }) {
			continue
		}
		for _, s := range []*stmt{w.drop, w.docDrop} {
			w.entryKey(s, t, key, e)
			if _, err := s.run(); err != nil {
				return err
			}
		}
	}
	for i := range w.after {
		e := &w.after[i]
		if slices.ContainsFunc(w.before, func(o place) bool {
			return o.is(e.bucket, e.subkey) && o.op == e.op && o.sum == e.sum && o.hash == e.hash
		}) {
			continue
		}
		s := w.put
		w.entryKey(s, t, key, e)
		s.int(5, e.op)
		s.int(6, int64(e.sum))
		s.int(7, e.hash)
		if _, err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// constrained tells whether SQLite refused a value.
func constrained(err error) bool { return primary(err) == lib.SQLITE_CONSTRAINT }
