package sqlite

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Settle takes the server's answer to what was sent under a client id, in one transaction; an answer to another client id is
// ignored. What it says about groups that are not there any more is ignored too, so that an answer may be taken twice.
//
// An acknowledged group waits in the queue, without being counted, until the stream has brought it back (SetTarget) or
// Forget is called. A rejected group that has other rows is divided: what is known to be bad goes to lost & found, with
// the server's row put back in its place, and the others are sent again. A row that has been changed since is not put back
// but sent again as a whole.
func (f *File) Settle(ctx context.Context, client string, answer pushapi.Answer) (s app.Settled, err error) {
	f.pushing.Lock()
	defer f.pushing.Unlock()
	more := false
	err = f.withOpen(ctx, "push", func(c *conn) error {
		err := f.transact(ctx, c, func(c *conn) error {
			now, err := c.state(ctx, keyClient)
			if err != nil || now != client {
				return err
			}
			if s, err = f.settleAll(ctx, c, answer); err != nil {
				return err
			}
			if s.Mark, err = c.mark(ctx); err != nil {
				return err
			}
			s.Drained, err = c.drained(ctx)
			return err
		})
		if err == nil {
			more, err = f.sweepSome(ctx, c)
		}
		return err
	})
	if err != nil {
		return app.Settled{}, err
	}
	if more {
		err = f.sweep(ctx)
	}
	return s, err
}

// settleAll takes what is in effect first: it is not waiting any more when a rejected row is looked at.
func (f *File) settleAll(ctx context.Context, c *conn, answer pushapi.Answer) (s app.Settled, err error) {
	groups, err := c.groups(ctx, "NOT acked AND number > 0")
	if err != nil {
		return s, err
	}
	for _, good := range []bool{true, false} {
		for _, r := range answer.Results {
			i := slices.IndexFunc(groups, func(g group) bool { return g.number == r.Group })
			if i < 0 || good != (r.Status != pushapi.Rejected && r.Status != pushapi.Retry) {
				continue
			}
			if err := f.settle(ctx, c, &groups[i], r, &s); err != nil || s.Renewed {
				return s, err
			}
		}
	}
	return s, f.followClock(ctx, c, answer.Time)
}

func (f *File) settle(ctx context.Context, c *conn, g *group, r pushapi.Result, s *app.Settled) error {
	switch r.Status {
	case pushapi.Applied, pushapi.Duplicate:
		s.Applied++
		s.Changes += g.changes
		s.Lost += r.Lost
		return c.acknowledge(ctx, *g)
	case pushapi.Staged:
		if g.staged = max(g.staged, r.Part); g.staged >= len(g.cuts) {
			g.staged = 0 // it forgot some: all of them go again
		}
		return c.putGroup(ctx, *g)
	case pushapi.Rejected:
		return f.rejected(ctx, c, *g, r, s)
	case pushapi.Retry:
		if r.Code == pushapi.OutOfOrder {
			return c.sendUnseenAgain(ctx)
		}
	}
	return nil
}

// acknowledge notes that a group is in effect. Entries of rows that were there before are not needed any more; others
// are, in case a checkpoint that does not have them yet is applied.
func (c *conn) acknowledge(ctx context.Context, g group) error {
	return errors.Join(c.noteClock(ctx), c.setState(ctx, keyAnswered, g.number),
		c.exec(ctx, "UPDATE "+upGroups+" SET acked = 1 WHERE first = ?", g.first),
		c.exec(ctx, "DELETE FROM "+upQueue+" WHERE seq BETWEEN ? AND ? AND op = ?", g.first, g.last, opEnrol))
}

// sendUnseenAgain is the way out when the server does not know what it had acknowledged: it was set back. What it has not
// shown yet in the stream goes up again.
func (c *conn) sendUnseenAgain(ctx context.Context) error {
	return errors.Join(c.setState(ctx, keyAnswered, 0),
		c.exec(ctx, "UPDATE "+upGroups+" SET acked = 0, staged = 0, target = NULL, number = 0 WHERE EXISTS (SELECT 1 FROM "+upQueue+" WHERE seq BETWEEN first AND last)"))
}

// rejected takes a group apart. Later groups are numbered anew, so that what remains of this one stays before them.
func (f *File) rejected(ctx context.Context, c *conn, g group, r pushapi.Result, s *app.Settled) error {
	if r.Code == pushapi.Reused {
		s.Renewed = true
		return f.mintClient(ctx, c)
	}
	if !r.Unread { // else the server asks for the group before the next one
		if err := c.setState(ctx, keyAnswered, g.number); err != nil {
			return err
		}
	}
	entries, err := c.entries(ctx, g.first, g.last)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return c.divideInto(ctx, g, []int64{g.first})
	}
	bad := offender(entries, r)
	if bad < 0 {
		return c.divideInto(ctx, g, []int64{g.first, entries[len(entries)/2].seq})
	}
	s.Rejected++
	if err := f.loseRow(ctx, c, entries, entries[bad], r); err != nil {
		return err
	}
	return c.divideAround(ctx, g, entries, bad)
}

// offender is the entry that a rejection is about, -1 if that is not known. A group of one row needs not be told.
func offender(entries []entry, r pushapi.Result) int {
	same := func(e entry) bool { return e.tbl == r.Table && e.id == r.ID }
	if i := slices.IndexFunc(entries, same); i >= 0 {
		return i
	}
	if r.Change != nil && *r.Change >= 0 && *r.Change < len(entries) {
		return *r.Change
	}
	other := func(e entry) bool { return e.tbl != entries[0].tbl || e.id != entries[0].id }
	if slices.ContainsFunc(entries, other) {
		return -1
	}
	return 0
}

// entries reads what a range has, without values.
func (c *conn) entries(ctx context.Context, first, last int64) ([]entry, error) {
	rows, err := c.QueryContext(ctx, "SELECT seq, tbl, op, CAST(id AS TEXT), clock FROM "+upQueue+" WHERE seq BETWEEN ? AND ? ORDER BY seq", first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.seq, &e.tbl, &e.op, &e.id, &e.clock); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// divideAround divides a range before and behind the bad entry, and what is behind it in two: if all of it is bad, it takes
// few requests to find that out.
func (c *conn) divideAround(ctx context.Context, g group, entries []entry, bad int) error {
	starts := []int64{g.first}
	if bad < len(entries) && entries[bad].seq > g.first {
		starts = append(starts, entries[bad].seq)
	}
	if rest := entries[min(bad+1, len(entries)):]; len(rest) > 1 {
		starts = append(starts, rest[len(rest)/2].seq)
	}
	return c.divideInto(ctx, g, starts)
}

// divideInto leaves ranges that begin at starts to be divided into groups, and all later groups to be numbered anew.
func (c *conn) divideInto(ctx context.Context, g group, starts []int64) error {
	for i, first := range starts {
		last := g.last
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		piece := group{first: first, last: last, since: g.since, staged: divide}
		if err := c.one(ctx, "SELECT count(*) FROM "+upQueue+" WHERE seq BETWEEN ? AND ?", []any{first, last}, &piece.changes); err != nil {
			return err
		}
		if err := c.putGroup(ctx, piece); err != nil {
			return err
		}
	}
	return c.exec(ctx, "UPDATE "+upGroups+" SET number = 0, staged = min(staged, 0) WHERE NOT acked AND first > ?", g.last)
}

// loseRow puts what a group has of a row into lost & found. Nothing else of the row waits: then the server's row is put in
// its place. Else the row as it is now goes up as a whole, in the place of what waits.
func (f *File) loseRow(ctx context.Context, c *conn, entries []entry, bad entry, r pushapi.Result) error {
	first, last := entries[0].seq, entries[len(entries)-1].seq
	others, err := c.othersOf(ctx, bad, first, last)
	if err != nil {
		return err
	}
	theirs, known := currentOf(r, bad)
	item := lostItem{kind: app.LostRejected, tbl: bad.tbl, id: bad.id, theirs: theirs, code: string(r.Code), why: r.Message}
	if err := f.loseEntries(ctx, c, item, first, last, !known || len(others) > 0 || string(theirs) != "null"); err != nil {
		return err
	}
	t, ours := searched(bad.tbl)
	if len(others) > 0 && ours {
		return c.fileAgain(ctx, t, bad.id, others)
	}
	if !known || !ours {
		return nil
	}
	return c.withoutCapture(ctx, func() error { return c.putBack(ctx, t, bad.id, theirs) })
}

// othersOf are the waiting entries of a row outside a range.
func (c *conn) othersOf(ctx context.Context, e entry, first, last int64) ([]int64, error) {
	rows, err := c.QueryContext(ctx, "SELECT seq FROM "+upQueue+" WHERE seq >= (SELECT min(first) FROM "+upGroups+" WHERE NOT acked) AND tbl = ? AND id = ? AND seq NOT BETWEEN ? AND ?"+
		" AND NOT EXISTS (SELECT 1 FROM "+upGroups+" WHERE acked AND seq BETWEEN first AND last)", e.tbl, e.id, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		list = append(list, seq)
	}
	return list, rows.Err()
}

// fileAgain files a row as it is now in the place of what waits of it.
func (c *conn) fileAgain(ctx context.Context, t schema.Table, id string, waiting []int64) error {
	if err := c.noteClock(ctx); err != nil {
		return err
	}
	for _, seq := range waiting {
		err := errors.Join(c.exec(ctx, "DELETE FROM "+upQueue+" WHERE seq = ?", seq),
			c.exec(ctx, "UPDATE "+upGroups+" SET changes = max(changes - 1, 0), staged = ?, cuts = '', number = 0 WHERE NOT acked AND ? BETWEEN first AND last", divide, seq))
		if err != nil {
			return err
		}
	}
	return c.fileNow(ctx, t, id)
}

// fileNow files a row as it is now: whole, or as deleted.
func (c *conn) fileNow(ctx context.Context, t schema.Table, id string) error {
	ct := captured{Table: t}
	if err := c.exec(ctx, ct.putOf("t.id = ?"), id); err != nil {
		return err
	}
	return c.exec(ctx, "INSERT INTO "+upQueue+" (tbl, op, id, clock) SELECT ?, ?, ?, "+clockSQL+" WHERE NOT EXISTS (SELECT 1 FROM "+t.Name+" WHERE id = ?)",
		t.Name, opDelete, id, id)
}

// followClock notes what the cloud's clock is ahead of ours, when that is more than its answer may have been under way: a
// machine whose clock is a day behind would else lose to everything that others wrote that day.
func (f *File) followClock(ctx context.Context, c *conn, serverTime string) error {
	at, err := time.Parse(time.RFC3339Nano, serverTime)
	if err != nil {
		return nil //nolint:nilerr // a server that does not say is not believed, nothing else
	}
	var before int64
	if err := c.one(ctx, "SELECT ifnull(max(skew), 0) FROM "+upCapture, nil, &before); err != nil {
		return err
	}
	skew := at.Sub(f.now()).Milliseconds()
	if skew > -skewTolerance && skew < skewTolerance {
		skew = 0
	}
	if d := skew - before; d <= -skewTolerance || d >= skewTolerance {
		f.log.Warn("the clock of this machine differs from the cloud's", "ahead_ms", -skew)
		if err := c.exec(ctx, "UPDATE "+upCapture+" SET skew = ?", skew); err != nil {
			return err
		}
	}
	return c.lowerClock(ctx, at)
}

// skewTolerance is what clocks may differ without being corrected, in ms.
const skewTolerance = 2000

// lowerClock takes back a clock that ran ahead, as far as the server does: what it has of us is five minutes ahead of its
// own clock at most. Without that, an hour in which the clock was a year ahead would put all later clocks there. It waits
// until all is acknowledged: what waits keeps its order.
func (c *conn) lowerClock(ctx context.Context, server time.Time) error {
	limit := server.Add(5*time.Minute+10*time.Second).UnixMilli() << 16
	var newest int64
	if err := errors.Join(c.noteClock(ctx), c.one(ctx, "SELECT ifnull(max(clock), 0) FROM "+upCapture, nil, &newest)); err != nil || newest <= limit {
		return err
	}
	if done, err := c.drained(ctx); err != nil || !done {
		return err
	}
	return errors.Join(c.exec(ctx, "UPDATE "+upCapture+" SET clock = ?", limit),
		c.exec(ctx, "UPDATE "+upQueue+" SET clock = ? WHERE clock > ?", limit, limit))
}

// sweep removes entries that are in no group any more, in slices.
func (f *File) sweep(ctx context.Context) error {
	for more := true; more; {
		started := time.Now()
		err := f.withOpen(ctx, "push", func(c *conn) (err error) {
			more, err = f.sweepSome(ctx, c)
			return err
		})
		if err != nil {
			return err
		}
		if more {
			err = pause(ctx, time.Since(started))
		}
		if err != nil {
			return classify("push", f.path, err)
		}
	}
	return nil
}

// sweepSome is one slice of it, if there is anything to remove, and tells whether there may be more.
func (f *File) sweepSome(ctx context.Context, c *conn) (more bool, err error) {
	err = c.one(ctx, "SELECT EXISTS (SELECT 1 FROM "+upQueue+" WHERE "+sweptSQL+")", nil, &more)
	if err != nil || !more {
		return false, err
	}
	return true, f.transact(ctx, c, func(c *conn) error {
		return errors.Join(c.noteClock(ctx), c.exec(ctx, "DELETE FROM "+upQueue+" WHERE seq IN (SELECT seq FROM "+upQueue+" WHERE "+sweptSQL+" LIMIT 5000)"))
	})
}

// sweptSQL finds entries before the first group. It is one bound: of two, SQLite would look for one and walk to the other.
const sweptSQL = "seq < min(" + sealedSQL + " + 1, ifnull((SELECT min(first) FROM " + upGroups + "), 9223372036854775807))"
