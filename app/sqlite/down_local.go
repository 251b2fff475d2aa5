package sqlite

import (
	"context"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/powersync"
)

// overrideMost is over how many changes that wait a checkpoint may be shown: they are all looked at under the lock.
const overrideMost = 5000

// gateState is what the write gate says inside a transaction.
type gateState struct {
	shut powersync.Shut
	// over: what this machine changed and the checkpoint may not have is written again on top.
	over bool
}

// downGate looks at the write gate, and notes the write checkpoint that the stream has come to.
func (f *File) downGate(ctx context.Context, c *conn, a powersync.Apply) (gateState, error) {
	if a.All && a.WriteCheckpoint > 0 {
		if err := c.setDownState(ctx, keySeen, a.WriteCheckpoint); err != nil {
			return gateState{}, err
		}
	}
	open, filing, err := c.gateOpen(ctx)
	if err != nil {
		return gateState{}, err
	}
	if open {
		f.down.shut = time.Time{}
		return gateState{}, nil
	}
	return f.shutGate(ctx, c, filing)
}

// shutGate says why the gate is shut, unless that has lasted too long for changes that keep coming.
func (f *File) shutGate(ctx context.Context, c *conn, filing bool) (g gateState, err error) {
	d := &f.down
	now := f.now()
	if d.shut.IsZero() || d.shut.After(now) {
		d.shut = now
	}
	if !filing && now.Sub(d.shut) >= overrideAfter {
		err := c.one(ctx, "SELECT count(*) <= ? FROM (SELECT 1 FROM "+upQueue+" LIMIT ?)", []any{overrideMost, overrideMost + 1}, &g.over)
		if err != nil || g.over {
			return g, err
		}
	}
	pushed, err := c.drained(ctx)
	if g.shut = powersync.ShutWaiting; pushed {
		g.shut = powersync.ShutUnseen
	}
	return g, err
}

// captureWhile switches recording off, or on again, within the transaction. A file that is not enrolled records nothing.
func (c *conn) captureWhile(ctx context.Context, applying bool) error {
	there, err := c.kept(ctx)
	if err != nil || !there {
		return err
	}
	return c.setApplying(ctx, applying)
}

// lookAtQueue reads which rows have changes that were recorded and are not shown yet, also those that the checkpoint in hand
// has.
func (w *applier) lookAtQueue(ctx context.Context) error {
	w.f.step("queue")
	began := time.Now()
	defer func() { w.prelude += time.Since(began) }()
	w.pending = map[rowName]bool{}
	there, err := w.c.kept(ctx)
	if err != nil || !there {
		return err
	}
	w.pending, err = w.c.unshownRows(ctx)
	return err
}

// lookAtUnseen reads which rows have changes that the checkpoint may not have.
func (w *applier) lookAtUnseen(ctx context.Context) error {
	w.touched, w.unseen = map[rowName]bool{}, map[rowName]bool{}
	return w.c.eachUnseen(ctx, nil, func(u unseen) error {
		w.unseen[rowName{u.table.Name, u.id}] = true
		return nil
	})
}

// rescue puts the row into lost & found before it is overwritten or removed, unless nothing of it is lost, or the queue has
// what was changed: nobody recorded the change. now and was may be nil. The cells of now have to be decoded again.
func (w *applier) rescue(ctx context.Context, t *downTable, now, was *place) error {
	if same, err := w.came(ctx, t, now, was); err != nil || same {
		return err
	}
	if w.pending == nil { // all of the queue, so only where it matters
		if err := w.lookAtQueue(ctx); err != nil {
			return err
		}
	}
	if w.pending[rowName{t.Name, string(w.id)}] {
		return nil
	}
	return w.keepLocal(ctx, t)
}

// came tells whether the row is one that came: now, just before something else of it, or as it was last shown. Whose it is
// does not count: the server says that of each row that is pushed, whatever a program wrote there, so a row of this machine
// is not yet what it will be, and has no entry before it comes back.
func (w *applier) came(ctx context.Context, t *downTable, now, was *place) (bool, error) {
	docs := make([][]byte, 0, len(w.ready.ops)+1)
	for _, o := range w.ready.ops {
		if o.kind == powersync.Put {
			docs = append(docs, o.doc)
		}
	}
	if now != nil {
		docs = append(docs, now.doc)
	}
	for _, doc := range docs {
		cells := w.decode(t, w.id, doc)
		hash := w.hashCells(cells)
		if i, owned := t.index[ownerColumn]; owned {
			cells = cells[i : i+1]
		}
		if same, err := w.ownedIs(t, cells[0], hash); err != nil || same {
			return same, err
		}
	}
	if was == nil {
		return false, nil
	}
	user, err := w.c.state(ctx, keyUser)
	if err != nil {
		return false, err
	}
	return w.ownedIs(t, cell{kind: 't', b: []byte(user)}, was.hash)
}

// ownedIs tells whether the row would have the hash if it had this owner.
func (w *applier) ownedIs(t *downTable, owner cell, hash int64) (bool, error) {
	t.read.text(1, w.id)
	there, err := t.read.step()
	if err != nil || !there {
		return false, err
	}
	w.text = w.text[:0]
	for i, c := range t.Columns {
		if c.Name == ownerColumn {
			w.text = appendCell(w.text, owner)
			continue
		}
		w.text = w.r.canonicalColumn(w.text, t.read.p, int32(i))
	}
	t.read.reset()
	return int64(hashText(w.text)) == hash, nil
}

// removeOwn removes a row that this machine pushed, when it was removed elsewhere before it came back: it has no entry, but
// it is just what came before the removal.
func (w *applier) removeOwn(ctx context.Context, t *downTable) error {
	there, _, err := w.readHash(t)
	if err != nil || !there || w.unseen[rowName{t.Name, string(w.id)}] {
		return err
	}
	if same, err := w.came(ctx, t, nil, nil); err != nil || !same {
		return err
	}
	return w.remove(t)
}

// keepLocal puts a row into lost & found as it is.
func (w *applier) keepLocal(ctx context.Context, t *downTable) error {
	if err := w.c.makeBookkeeping(ctx); err != nil {
		return err
	}
	row, err := w.c.rowJSON(ctx, t.Table, string(w.id))
	if err != nil || row == nil {
		return err
	}
	w.count.lost++
	return w.c.keepLost(ctx, lostItem{
		kind: app.LostLocal, tbl: t.Name, id: string(w.id), op: opPut, mine: row,
		why: "It was changed on this machine in a way that was not recorded, and the cloud has another version.",
	}, w.f.now().UnixMilli())
}
