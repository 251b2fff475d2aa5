package sqlite

import "context"

// Where the write gate is shut for long, a checkpoint is shown, and the changes of this machine that it may not have are
// written again on top (see Apply). What came is covered then, and nothing says that it ever comes again: the change may be
// older than what it covers and lose in the cloud, or the checkpoint may have had it all along. So the document that came
// is kept, and is shown when the stream has come to the change.

// coveredRow names a row by the number of its table and its key.
type coveredRow struct {
	table int64
	key   string
}

// cover is what is shown in the place of what came: a row with that hash, or none.
type cover struct{ hash int64 }

// under is the entry that came, as if it had been written as the row is now: that is no change that nobody recorded.
func (c *cover) under(was *place) *place {
	if was == nil {
		was = &place{}
	}
	was.hash = c.hash
	return was
}

// covers are the covered rows, within a transaction.
type covers struct {
	all   map[coveredRow]*cover
	fresh []coveredRow // covered in this transaction
}

func (c *covers) on(t *downTable, key []byte) *cover {
	if len(c.all) == 0 {
		return nil
	}
	return c.all[coveredRow{t.n, string(key)}]
}

func (w *applier) lookAtCovers(ctx context.Context) error {
	w.covers = covers{}
	rows, err := w.c.QueryContext(ctx, "SELECT tbl, typeof(id) = 'blob', CAST(id AS BLOB), ifnull(hash, 0) FROM "+downCovered)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table int64
		var uuid bool
		var id []byte
		var c cover
		if err := rows.Scan(&table, &uuid, &id, &c.hash); err != nil {
			return err
		}
		key := []byte{keyText}
		if uuid {
			key[0] = keyUUID
		}
		if w.covers.all == nil {
			w.covers.all = map[coveredRow]*cover{}
		}
		w.covers.all[coveredRow{table, string(append(key, id...))}] = &c
	}
	return rows.Err()
}

// uncoverSeen shows what came of the rows whose changes the stream has come to.
func (w *applier) uncoverSeen(ctx context.Context) error {
	for name := range w.covers.all {
		t := w.tables[name.table]
		if t == nil {
			continue
		}
		w.id = appendID(w.id[:0], []byte(name.key))
		if w.unseen[rowName{t.Name, string(w.id)}] {
			continue
		}
		w.fresh = 0
		if err := w.row(ctx, t, []byte(name.key), nil); err != nil {
			return err
		}
	}
	return nil
}

// keepCover notes after a row was shown that it will be covered, or that it is so no more.
func (w *applier) keepCover(t *downTable, key []byte) error {
	now, covered := newest(w.after), w.covers.on(t, key)
	switch {
	case w.unseen[rowName{t.Name, string(w.id)}]:
		if now != nil && now.doc == nil { // nothing of it was written
			return nil
		}
		w.covers.fresh = append(w.covers.fresh, coveredRow{t.n, string(key)})
		if now == nil {
			return nil
		}
		w.entryKey(w.docPut, t, key, now)
		w.docPut.blob(5, now.doc)
		_, err := w.docPut.run()
		return err
	case covered == nil:
		return nil
	}
	delete(w.covers.all, coveredRow{t.n, string(key)})
	w.coverDrop.int(1, t.n)
	w.coverDrop.key(2, key)
	_, err := w.coverDrop.run()
	if err != nil || now == nil || now.doc == nil {
		return err // without a document it was not found, and comes again
	}
	w.entryKey(w.docDrop, t, key, now)
	_, err = w.docDrop.run()
	return err
}

// overlay writes the changes of this machine on top of the rows that were touched.
func (w *applier) overlay(ctx context.Context) error {
	touched := func(table, id string) bool { return w.touched[rowName{table, id}] }
	if err := w.c.eachUnseen(ctx, touched, func(u unseen) error { return w.c.reapply(ctx, u) }); err != nil {
		return err
	}
	for _, name := range w.covers.fresh {
		t := w.tables[name.table]
		w.id = appendID(w.id[:0], []byte(name.key))
		there, hash, err := w.readHash(t)
		if err != nil {
			return err
		}
		w.coverPut.int(1, t.n)
		w.coverPut.key(2, []byte(name.key))
		if w.coverPut.int(3, hash); !there {
			w.coverPut.null(3)
		}
		if _, err := w.coverPut.run(); err != nil {
			return err
		}
	}
	return nil
}
