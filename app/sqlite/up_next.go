package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// NextGroups returns what goes up next: the oldest groups, or parts of them, that the server has not answered, of at most
// maxChanges changes and maxBytes bytes of JSON in all, but at least one part if there is any. Without Settle, the next call
// returns the same bytes again, also after a crash: numbers and divisions are written down before they are returned.
// It does what Recheck does first. An empty Outbox means that nothing waits, or that the file is not enrolled and nothing was
// left behind.
func (f *File) NextGroups(ctx context.Context, maxChanges, maxBytes int) (pushapi.Outbox, error) {
	f.pushing.Lock()
	defer f.pushing.Unlock()
	for checked := false; ; checked = true {
		var q queued
		err := f.withOpen(ctx, "push", func(c *conn) (err error) {
			if q, err = f.queued(ctx, c, !checked); err != nil || q.moved {
				return err
			}
			if q.shown {
				if q.swept, err = f.forgetShown(ctx, c); err != nil {
					return err
				}
			}
			return f.next(ctx, c, &q, maxChanges, maxBytes)
		})
		if err == nil && q.swept {
			err = f.sweep(ctx)
		}
		if err != nil || !q.moved {
			return q.out, err
		}
		if _, err := f.Recheck(ctx); err != nil {
			return pushapi.Outbox{}, err
		}
	}
}

// queued is how the queue stands.
type queued struct {
	there          bool // the file has one
	moved          bool // the file must be looked at before: see Recheck
	shown          bool // there are groups whose changes came back and are shown
	swept          bool // a slice of their entries was removed, and there may be more
	out            pushapi.Outbox
	groups         []group // not acknowledged
	sealed, newest int64
}

// queued reads it all in one transaction: most looks find that nothing waits, and opening the file is what a look costs.
func (f *File) queued(ctx context.Context, c *conn, check bool) (q queued, err error) {
	now := f.now().UnixMilli()
	err = c.inRead(ctx, func() error {
		if q.there, err = c.kept(ctx); err != nil || !q.there {
			return err
		}
		if check {
			if q.moved, err = f.schemaMoved(ctx, c); err != nil || q.moved {
				return err
			}
			f.wholeAt.Store(now)
		}
		if q.out.ClientID, err = c.state(ctx, keyClient); err != nil {
			return err
		}
		if q.out.After, err = c.number(ctx, keyAnswered); err != nil {
			return err
		}
		if q.out.Mark, err = c.mark(ctx); err != nil {
			return err
		}
		if q.groups, err = c.groups(ctx, "NOT acked"); err != nil {
			return err
		}
		return c.one(ctx, "SELECT "+sealedSQL+", ifnull((SELECT max(seq) FROM "+upQueue+"), 0), EXISTS (SELECT 1 FROM "+upGroups+
			" WHERE "+shownSQL+")", nil, &q.sealed, &q.newest, &q.shown)
	})
	return q, err
}

// next plans what must be planned and encodes what goes up.
func (f *File) next(ctx context.Context, c *conn, q *queued, maxChanges, maxBytes int) error {
	if !q.there {
		return nil
	}
	planned, err := f.plan(ctx, c, q, maxChanges)
	if err != nil || !planned && len(q.groups) == 0 {
		return err
	}
	return f.readRaw(ctx, c, func(r *raw) error {
		if planned {
			if q.groups, err = c.groups(ctx, "NOT acked"); err != nil {
				return err
			}
		}
		return fillOutbox(ctx, r, &q.out, q.groups, maxChanges, maxBytes)
	})
}

// inRead runs work in a read transaction of a connection that has none.
func (c *conn) inRead(ctx context.Context, work func() error) error {
	err := c.beginRead(ctx)
	if err == nil {
		err = work()
	}
	return errors.Join(err, c.endRead(ctx))
}

// endRead ends a read transaction, if there is one.
func (c *conn) endRead(ctx context.Context) error {
	err := c.exec(context.WithoutCancel(ctx), "COMMIT")
	if err != nil && c.exec(context.WithoutCancel(ctx), "ROLLBACK") != nil {
		return nil //nolint:nilerr // it had not begun
	}
	return err
}

// readRaw runs work with the same connection through the C interface, in one read transaction.
func (f *File) readRaw(ctx context.Context, c *conn, work func(*raw) error) error {
	r, err := c.throughC(f.path)
	if err != nil {
		return err
	}
	var encoding string
	if err := c.one(ctx, "PRAGMA encoding", nil, &encoding); err != nil {
		return err
	}
	r.utf8 = encoding == "UTF-8"
	return c.inRead(ctx, func() error { return work(r) })
}

// withRaw runs work with a raw connection to the live file, in one read transaction.
func (f *File) withRaw(ctx context.Context, op string, work func(*raw) error) error {
	leave, err := f.gate.enter(ctx)
	if err != nil {
		return classify(op, f.path, err)
	}
	defer leave()
	r, err := f.openLiveRaw(ctx)
	if err != nil {
		return classify(op, f.path, err)
	}
	defer r.close()
	return classify(op, f.path, errors.Join(r.begin(ctx), work(r)))
}

// fillOutbox encodes groups until a limit is reached.
func fillOutbox(ctx context.Context, r *raw, out *pushapi.Outbox, groups []group, maxChanges, maxBytes int) error {
	enc, total := newEncoder(out.ClientID), 0
	for _, g := range groups {
		parts := max(1, len(g.cuts))
		for part := g.staged; part < parts; part++ {
			if out.Changes >= maxChanges {
				out.More = true
				return nil
			}
			one, n, err := enc.part(ctx, r, g, part)
			if err != nil {
				return err
			}
			if total += len(one.Raw) + 1; len(out.Groups) > 0 && (out.Changes+n > maxChanges || total > maxBytes || len(out.Groups) >= pushapi.MaxGroups) {
				out.More = true
				return nil
			}
			out.Groups, out.Changes = append(out.Groups, one), out.Changes+n
		}
	}
	return nil
}

// part encodes a part of a group, or all of one that has no parts.
func (e *encoder) part(ctx context.Context, r *raw, g group, part int) (out pushapi.Group, changes int, err error) {
	from, to := g.first, g.last
	b := strconv.AppendInt(append(make([]byte, 0, 4<<10), `{"group":`...), g.number, 10)
	out.Number = g.number
	if len(g.cuts) > 0 {
		if to = g.cuts[part]; part > 0 {
			from = g.cuts[part-1] + 1
		}
		out.Part, out.Parts = part+1, len(g.cuts)
		b = fmt.Appendf(b, `,"part":%d,"parts":%d`, out.Part, out.Parts)
	}
	b = append(b, `,"changes":[`...)
	err = r.each(ctx, entrySQL(fmt.Sprintf("seq BETWEEN %d AND %d", from, to)), func(stmt uintptr) error {
		if changes > 0 {
			b = append(b, ',')
		}
		_, b = e.entry(r, stmt, b)
		changes++
		return nil
	})
	b = append(b, "]}"...)
	out.Raw = b
	return out, changes, err
}

// plan sees to it that at least want changes are in numbered groups, if so many wait, in one transaction. It tells whether it
// wrote anything.
func (f *File) plan(ctx context.Context, c *conn, q *queued, want int) (planned bool, err error) {
	var ranges []division
	numbered, have := true, 0
	for _, g := range q.groups {
		if g.staged == divide {
			one, err := f.planRange(ctx, c, g.first, g.last, true, 0)
			if err != nil {
				return false, err
			}
			ranges = append(ranges, one)
		}
		numbered = numbered && g.number > 0 && g.staged != divide
		have += g.changes
	}
	if have < want && q.newest > q.sealed {
		one, err := f.planRange(ctx, c, q.sealed+1, q.newest, false, want-have)
		if err != nil {
			return false, err
		}
		ranges, numbered = append(ranges, one), false
	}
	if numbered {
		return false, nil
	}
	return true, f.transact(ctx, c, func(c *conn) error {
		for _, one := range ranges {
			if err := f.seal(ctx, c, one); err != nil {
				return err
			}
		}
		return c.giveNumbers(ctx)
	})
}

// errEnough ends a read early.
var errEnough = errors.New("enough is read")

// division is how a range of entries is divided into groups.
type division struct {
	*planner
	first, end int64
	again      bool // the range was divided before
}

// planRange divides the entries from first on into groups: to last exactly where the range is one that was divided before,
// else up to what is there, or at least want changes.
func (f *File) planRange(ctx context.Context, c *conn, first, last int64, again bool, want int) (d division, err error) {
	if again {
		want = 1 << 30
	}
	d = division{first: first, again: again}
	if d.planner, d.end, err = f.scan(ctx, c, first, last, again, want); err != nil {
		return d, err
	}
	if d.maybes || len(d.hashless) > 0 {
		if err := f.tidy(ctx, c, d.planner, first, d.end); err != nil {
			return d, err
		}
		d.planner, _, err = f.scan(ctx, c, first, d.end, true, 1<<30)
	}
	return d, err
}

// scan plans a range without the write lock. end is the last entry that it looked at, or last.
func (f *File) scan(ctx context.Context, c *conn, first, last int64, exact bool, want int) (*planner, int64, error) {
	p, end := &planner{hashless: map[string]int64{}}, last
	enc := newEncoder(clientLength)
	where := fmt.Sprintf("seq BETWEEN %d AND %d", first, last)
	if !exact {
		where = fmt.Sprintf("seq >= %d", first)
	}
	err := f.readRaw(ctx, c, func(r *raw) error {
		var b []byte
		err := r.each(ctx, entrySQL(where), func(stmt uintptr) (err error) {
			var e entry
			e, b = enc.entry(r, stmt, b[:0])
			if p.enough(e, want) {
				return errEnough
			}
			p.add(e, len(b))
			end = max(end, e.seq)
			if !exact {
				end = e.seq
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	p.close()
	return p, end, err
}

// clientLength is as long as every client id.
const clientLength = "00000000-0000-0000-0000-000000000000"

// seal writes a division down.
func (f *File) seal(ctx context.Context, c *conn, d division) error {
	if len(d.drop) > 0 {
		if err := f.loseUnsendable(ctx, c, d.drop); err != nil {
			return err
		}
	}
	if d.again {
		if err := c.exec(ctx, "DELETE FROM "+upGroups+" WHERE first = ?", d.first); err != nil {
			return err
		}
	}
	spread(d.groups, d.end)
	for _, g := range d.groups {
		if err := c.putGroup(ctx, g); err != nil {
			return err
		}
	}
	if d.again {
		return nil
	}
	return c.setState(ctx, keySealed, d.end)
}

// giveNumbers numbers the groups that have no number, and those that would overtake one.
func (c *conn) giveNumbers(ctx context.Context) error {
	groups, err := c.groups(ctx, "NOT acked")
	if err != nil {
		return err
	}
	next, err := c.number(ctx, keyNext)
	if err != nil {
		return err
	}
	anew := false
	for _, g := range groups {
		if anew = anew || g.number == 0; !anew {
			continue
		}
		g.number, g.staged = max(next, 1), 0
		if err := c.putGroup(ctx, g); err != nil {
			return err
		}
		next = g.number + 1
	}
	return c.setState(ctx, keyNext, next)
}

// setApplying switches capture off or on inside the transaction that is open.
func (c *conn) setApplying(ctx context.Context, on bool) error {
	return c.exec(ctx, "UPDATE "+upCapture+" SET applying = ?", on)
}
