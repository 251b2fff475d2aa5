package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
)

const (
	// liveOps and liveBytes bound what is shown in one transaction: beyond them it goes in slices.
	liveOps   = 2000
	liveBytes = 2 << 20
	// downHold is for how long a slice keeps other writers out, its commit included. SQLite lets them try again 18 and 33 ms
	// after their first try: with a pause as long, one of these meets it.
	downHold = 16 * time.Millisecond
	// downTurn is after how long Apply returns with More.
	downTurn = time.Second
	// fewBuckets is of how many buckets without news a part of a checkpoint keeps the position. Where there are thousands, the
	// whole checkpoint, which sets them all at once, is soon to come; the position of before does no harm.
	fewBuckets = 64
	// overrideAfter is how long the write gate may stay shut before a checkpoint is shown under the changes that wait.
	overrideAfter = 2 * time.Second
)

// catchUp is an Apply under way.
type catchUp struct {
	apply  powersync.Apply
	listed map[string]powersync.Listing
	doomed map[int64]bool // numbers of buckets whose rows go
	lapsed map[int64]bool // those of them that this account has no longer
	taken  int64          // rows that went with these
	merge  *merged
	ahead  ahead // of what the merge gave
	small  bool  // one transaction will do
	total  int64
	done   int64
}

func (w *catchUp) wants(b *downBucket) bool {
	l, listed := w.listed[b.Name]
	return listed && w.apply.Covers(l)
}

func (d *download) stopWork() {
	if d.work != nil && d.work.merge != nil {
		_ = d.work.merge.close() // files that were read
	}
	d.work = nil
}

// Apply shows what was stored, as the instruction says. A small checkpoint, which is nearly every one, is one transaction. A
// large one (a first sync, a bucket that comes again) goes in slices in the order of rows, each with its own short write lock
// and a pause as long, in which the log is copied back; after a second it returns with More, and is called again to go on. Meanwhile other programs see some
// of it. Whatever interrupts it, it begins again and does no harm.
//
// While changes of this machine wait, or the stream has not come to them, nothing is shown: the result says Shut. Then call
// it again when they are pushed, or give it the next Apply. When that has lasted for two seconds because writers never stop,
// the checkpoint is shown, and the changes that it may not have are written again on top of it in the same transaction.
//
// A row that differs from what was last written by us or captured is put into lost & found before it is overwritten or
// removed. The error is CodeBusy when another program holds the file locked, CodeNoSpace when the disk is full.
func (f *File) Apply(ctx context.Context, a powersync.Apply) (out powersync.Applied, err error) {
	d := &f.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.ready(ctx); err != nil {
		return out, err
	}
	if d.void && d.asked != nil && sameApply(*d.asked, a) {
		return powersync.Applied{Shut: powersync.ShutVoid}, nil
	}
	if d.work != nil && !sameApply(d.work.apply, a) {
		d.stopWork()
	}
	d.void, d.asked = false, &a
	err = f.withOpen(ctx, "pull", func(c *conn) error {
		if d.work == nil {
			if err := f.startWork(ctx, c, a); err != nil {
				return err
			}
		}
		out, err = f.turn(ctx, c)
		return err
	})
	return f.applied(out, err)
}

// applied tidies up after a turn. What went wrong begins anew next time.
func (f *File) applied(out powersync.Applied, err error) (powersync.Applied, error) {
	d := &f.down
	switch {
	case errors.Is(err, errElsewhere), errors.Is(err, errTorn):
		d.stopWork()
		f.log.Warn("downloads begin where the file stands", "op", "pull")
		torn := errors.Is(err, errTorn)
		if torn {
			d.spool.discard()
		}
		d.loaded = false
		return powersync.Applied{Refetch: true}, nil
	case err != nil:
		d.stopWork()
		return powersync.Applied{}, err
	case out.Done:
		d.stopWork()
	}
	return out, nil
}

// sameApply tells whether it is the Apply that is under way.
func sameApply(a, b powersync.Apply) bool {
	return a.LastOp == b.LastOp && a.All == b.All && a.Priority == b.Priority && a.WriteCheckpoint == b.WriteCheckpoint &&
		len(a.Listed) == len(b.Listed) && (len(a.Listed) == 0 || &a.Listed[0] == &b.Listed[0])
}

// startWork gathers what there is to do. It writes nothing but the numbers of new buckets.
func (f *File) startWork(ctx context.Context, c *conn, a powersync.Apply) error {
	d := &f.down
	w := &catchUp{apply: a, listed: make(map[string]powersync.Listing, len(a.Listed)), doomed: map[int64]bool{}, lapsed: map[int64]bool{}}
	for _, l := range a.Listed {
		w.listed[l.Name] = l
		d.bucket(l.Name)
	}
	if err := f.numberBuckets(ctx, c, a.All); err != nil {
		return err
	}
	for _, b := range d.buckets {
		_, listed := w.listed[b.Name]
		lapsed := a.All && !listed
		if lapsed && b.id != 0 {
			w.doomed[b.id], w.lapsed[b.id] = true, true
		}
		if !lapsed && !w.wants(b) {
			continue
		}
		for _, id := range b.old {
			w.doomed[id], w.lapsed[id] = true, lapsed
		}
	}
	d.work = w
	return f.gather(ctx, c, w)
}

// gather opens the sources, and decides whether one transaction will do.
func (f *File) gather(ctx context.Context, c *conn, w *catchUp) error {
	s := &f.down.spool
	if len(s.runs) > 0 && len(s.ops) > f.down.live { // the memory is better used for rows in hand
		if err := s.spill(f.down.buckets); err != nil {
			return err
		}
	}
	if len(s.ops) == 0 {
		s.ops = nil
	}
	s.sort()
	var sources []source
	files := false
	for _, r := range s.runs {
		one, err := r.source(w.wants)
		if err != nil {
			_ = mergeOf(sources).close()
			return errors.Join(errTorn, err)
		}
		sources = append(sources, one)
		files = files || one.head() != nil
	}
	sources = append(sources, &memorySource{ops: s.ops, want: w.wants})
	w.total = s.size()
	w.small = !files && len(s.ops) <= f.down.live && s.bytes <= liveBytes
	if len(w.doomed) > 0 {
		going, err := f.doomedRows(ctx, c, w.doomed)
		if err != nil {
			_ = mergeOf(sources).close()
			return err
		}
		sources = append(sources, going)
		w.small = w.small && going.last && len(going.ops) <= f.down.live
		w.total += int64(len(going.ops))
	}
	w.merge = mergeOf(sources)
	return nil
}

// turn works until it is done, the gate is shut or its time is over.
func (f *File) turn(ctx context.Context, c *conn) (out powersync.Applied, err error) {
	d := &f.down
	a, err := f.newApplier(ctx, c, !d.work.small)
	if err != nil {
		return out, err
	}
	defer a.close()
	out.Total = d.work.total
	for began := time.Now(); ; {
		held, err := f.slice(ctx, c, a, &out)
		if err != nil {
			return out, err
		}
		a.report(&out)
		out.Left = max(d.work.total-d.work.done, 0)
		if out.Done || out.Shut != powersync.ShutNot {
			return out, nil
		}
		if err := f.between(ctx, c, a, held); err != nil {
			return out, err
		}
		if time.Since(began) > downTurn {
			out.More = true
			return out, nil
		}
	}
}

// between is the time until others have had their turn, as long as they were kept out. What needs no lock on the file is done
// in it.
func (f *File) between(ctx context.Context, c *conn, a *applier, held time.Duration) error {
	until := time.Now().Add(held)
	version, err := c.version(ctx)
	if err != nil {
		return err
	}
	// At once, or whoever writes now copies back what we wrote. As where a commit does it: that it cannot be done now is no
	// fault of what is in the log.
	_ = f.stamped(ctx, c, version, "PRAGMA wal_checkpoint(PASSIVE)")
	if copied := time.Now().Add(held / 2); until.Before(copied) {
		until = copied
	}
	if err := a.readAhead(f.down.work, until); err != nil {
		return err
	}
	return pause(ctx, time.Until(until))
}

// slice is one transaction. It tells for how long that kept other writers out.
func (f *File) slice(ctx context.Context, c *conn, a *applier, out *powersync.Applied) (held time.Duration, err error) {
	w := f.down.work
	finished := false
	var locked time.Time
	err = f.downTx(ctx, c, func() error {
		locked = time.Now()
		a.hold(locked)
		if err := f.down.unchanged(ctx, c); err != nil {
			return err
		}
		gate, err := f.downGate(ctx, c, w.apply)
		if err != nil {
			return err
		}
		if gate.shut != powersync.ShutNot {
			out.Shut = gate.shut
			return nil
		}
		if err := a.begin(ctx, c, w, gate); err != nil {
			return err
		}
		if finished, err = a.rows(ctx, w); err != nil {
			return err
		}
		if err := a.end(ctx, c); err != nil {
			return err
		}
		if !finished {
			return nil
		}
		f.step("finish")
		return f.finish(ctx, c, w)
	})
	if err != nil {
		return 0, err
	}
	held = time.Since(locked)
	a.held(held)
	if !w.small {
		f.shown.Store(time.Now().UnixMilli())
	}
	w.taken += a.taken
	if !finished {
		return held, nil
	}
	f.step("finished")
	out.Done, out.Taken = true, w.taken
	return held, f.settleDownload(w)
}

// finish moves the positions, inside the transaction that shows the last row.
func (f *File) finish(ctx context.Context, c *conn, w *catchUp) error {
	d := &f.down
	moved := 0 // by a part of a checkpoint; all of it sets everything below
	for _, b := range d.buckets {
		l, listed := w.listed[b.Name]
		if !listed || !w.apply.Covers(l) {
			continue
		}
		known := b.Known
		if w.apply.All {
			known = l.Count
		} else if b.Position != w.apply.LastOp {
			moved++
		}
		if !b.dirty && known == b.base.Known && (moved == 0 || moved > fewBuckets) {
			continue
		}
		err := c.exec(ctx, "UPDATE "+downBuckets+" SET position = ?, checksum = ?, known = ? WHERE n = ?", w.apply.LastOp, int64(b.Checksum), known, b.id)
		if err != nil {
			return err
		}
	}
	for id := range w.doomed {
		if err := c.exec(ctx, "DELETE FROM "+downBuckets+" WHERE n = ?", id); err != nil {
			return err
		}
	}
	if w.apply.All {
		err := errors.Join(c.setDownState(ctx, keyAppliedOp, w.apply.LastOp),
			c.exec(ctx, "UPDATE "+downBuckets+" SET position = NULL WHERE position IS NOT NULL"), c.showSeen(ctx))
		if err != nil {
			return err
		}
	}
	return errors.Join(f.noteIgnored(ctx, c), d.bump(ctx, c))
}

// settleDownload is finish in memory, after the commit.
func (f *File) settleDownload(w *catchUp) error {
	d := &f.down
	for name, b := range d.buckets {
		l, listed := w.listed[name]
		switch {
		case w.apply.All && !listed:
			delete(d.buckets, name)
			delete(d.byID, b.id)
		case w.wants(b):
			b.Position = w.apply.LastOp
			if w.apply.All {
				b.Known, b.Got = l.Count, 0
			}
			b.base, b.dirty, b.old = b.Bucket, false, nil
		}
	}
	d.shut = time.Time{}
	clear(d.ignored)
	gone := func(b *downBucket) bool { return w.wants(b) || d.buckets[b.Name] != b }
	if err := w.merge.close(); err != nil {
		return err
	}
	w.merge = nil
	return d.spool.freed(gone)
}
