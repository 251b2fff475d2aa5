package sqlite

import (
	"context"
	"errors"
)

// QueueMark returns the newest entry of the queue that there ever was, and whether everything up to it is acknowledged.
// Whoever asks the server for a write checkpoint takes the mark first, and gives it to SetTarget with the answer.
func (f *File) QueueMark(ctx context.Context) (mark int64, drained bool, err error) {
	err = f.withOpen(ctx, "push", func(c *conn) error {
		return c.inRead(ctx, func() error {
			there, err := c.kept(ctx)
			if err != nil || !there {
				drained = true
				return err
			}
			if mark, err = c.mark(ctx); err != nil {
				return err
			}
			drained, err = c.drained(ctx)
			return err
		})
	})
	return mark, drained, err
}

func (c *conn) mark(ctx context.Context) (mark int64, err error) {
	err = c.one(ctx, "SELECT max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = '"+upQueue+"'), 0), "+sealedSQL+")", nil, &mark)
	return mark, err
}

// drained tells whether everything that was captured is acknowledged, and every row that was there before is filed.
func (c *conn) drained(ctx context.Context) (yes bool, err error) {
	err = c.one(ctx, "SELECT NOT EXISTS (SELECT 1 FROM "+upQueue+" WHERE seq > "+sealedSQL+") AND NOT EXISTS (SELECT 1 FROM "+upGroups+" WHERE NOT acked)"+
		" AND NOT EXISTS (SELECT 1 FROM "+upState+" WHERE key GLOB '"+keyFile+"*')", nil, &yes)
	return yes, err
}

// SetTarget notes the write checkpoint that the server gave for everything up to mark: a downloaded checkpoint has all of
// it when it has seen that one. ok is false, and nothing is noted, when something was captured meanwhile or the queue is
// not drained: then ask again when it is.
func (f *File) SetTarget(ctx context.Context, checkpoint, mark int64) (ok bool, err error) {
	err = f.withOpen(ctx, "push", func(c *conn) error {
		return f.transact(ctx, c, func(c *conn) error {
			there, err := c.kept(ctx)
			if err != nil || !there {
				return err
			}
			now, err := c.mark(ctx)
			if err != nil {
				return err
			}
			if ok, err = c.drained(ctx); err != nil {
				return err
			}
			if ok = ok && now == mark; !ok {
				return nil
			}
			return errors.Join(c.setState(ctx, keyTarget, checkpoint), c.exec(ctx, "UPDATE "+upGroups+" SET target = ? WHERE acked", checkpoint))
		})
	})
	return ok && err == nil, err
}

// Forget drops what is acknowledged without waiting for the stream to show it: for pushing while nothing is pulled.
func (f *File) Forget(ctx context.Context) error {
	f.pushing.Lock()
	defer f.pushing.Unlock()
	err := f.writing(ctx, "push", func(c *conn) error {
		there, err := c.kept(ctx)
		if err != nil || !there {
			return err
		}
		return c.exec(ctx, "DELETE FROM "+upGroups+" WHERE acked")
	})
	if err != nil {
		return err
	}
	return f.sweep(ctx)
}

// seenSQL tells of a group that a checkpoint which came has it, because that has seen the write checkpoint asked for after it.
const seenSQL = "acked AND target IS NOT NULL AND target <= ifnull((SELECT value FROM " + upState + " WHERE key = '" + keySeen + "'), 0)"

// shownSQL tells of a group that what is shown has it. Until then its entries tell that somebody recorded the change.
const shownSQL = "acked AND target IS NOT NULL AND target <= ifnull((SELECT value FROM " + upState + " WHERE key = '" + keyShown + "'), 0)"

// unshownSQL tells of an entry q of the queue that what is shown may not have it.
const unshownSQL = "(q.seq > " + sealedSQL + " OR EXISTS (SELECT 1 FROM " + upGroups + " WHERE q.seq BETWEEN first AND last AND NOT (" + shownSQL + ")))"

// unseenSQL tells of an entry q of the queue that no checkpoint that came has it for certain.
const unseenSQL = "(q.seq > " + sealedSQL + " OR EXISTS (SELECT 1 FROM " + upGroups + " WHERE q.seq BETWEEN first AND last AND NOT (" + seenSQL + ")))"

// forgetShown drops groups whose changes came back and are shown, and some of their entries; more tells that some are left.
func (f *File) forgetShown(ctx context.Context, c *conn) (more bool, err error) {
	if err := f.clearAstray(ctx, c); err != nil {
		return false, err
	}
	err = f.transact(ctx, c, func(c *conn) error { return c.exec(ctx, "DELETE FROM "+upGroups+" WHERE "+shownSQL) })
	if err != nil {
		return false, err
	}
	return f.sweepSome(ctx, c)
}

// gateOpen tells, inside the transaction that applies a checkpoint, whether that has everything that was written here: nothing
// waits, and what was acknowledged is in it, because the stream has come to its write checkpoint. While filing tells that
// rows that were there before are not all filed, nothing may be applied over waiting changes either.
func (c *conn) gateOpen(ctx context.Context) (open, filing bool, err error) {
	there, err := c.kept(ctx)
	if err != nil || !there {
		return err == nil, false, err
	}
	err = errors.Join(
		c.one(ctx, "SELECT NOT EXISTS (SELECT 1 FROM "+upQueue+" WHERE seq > "+sealedSQL+") AND NOT EXISTS (SELECT 1 FROM "+upGroups+" WHERE NOT ("+seenSQL+"))", nil, &open),
		c.one(ctx, "SELECT EXISTS (SELECT 1 FROM "+upState+" WHERE key GLOB '"+keyFile+"*')", nil, &filing))
	return open && !filing, filing, err
}

// showSeen notes, inside the transaction that shows the last row of a whole checkpoint, that what it has seen is shown. What
// is shown goes from the queue when that is looked at next.
func (c *conn) showSeen(ctx context.Context) error {
	there, err := c.kept(ctx)
	if err != nil || !there {
		return err
	}
	return c.exec(ctx, "INSERT OR REPLACE INTO "+upState+" (key, value) SELECT '"+keyShown+"', value FROM "+upState+" WHERE key = '"+keySeen+"'")
}

// withoutCapture runs work in the transaction that is open, and captures nothing of what it writes.
func (c *conn) withoutCapture(ctx context.Context, work func() error) error {
	there, err := c.kept(ctx)
	if err != nil {
		return err
	}
	if !there {
		return work()
	}
	if err := c.setApplying(ctx, true); err != nil {
		return err
	}
	if err := work(); err != nil {
		return err // the transaction is rolled back, and with it the flag
	}
	return c.setApplying(ctx, false)
}
