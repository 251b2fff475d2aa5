package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// Recheck sees to it that every change is still recorded: another program may have rebuilt a table, which drops its
// triggers, or copied the file. It installs what is missing and files the rows of such a table anew, so that what changed
// meanwhile goes up too; mended tells that it had to. It is cheap while the file's schema stays as it is, and is called
// before whatever waits is sent.
func (f *File) Recheck(ctx context.Context) (mended bool, err error) {
	var look bool
	now := f.now().UnixMilli()
	err = f.reading(ctx, "recheck", func(c *conn) (err error) {
		look, err = f.schemaMoved(ctx, c)
		return err
	})
	if err != nil {
		return false, err
	}
	if !look {
		f.wholeAt.Store(now)
		return false, nil
	}
	err = f.writing(ctx, "recheck", func(c *conn) (err error) {
		on, err := c.enrolled(ctx)
		if err != nil || !on {
			return err
		}
		mended, err = f.mend(ctx, c)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := f.fileAll(ctx, nil); err != nil {
		return mended, err
	}
	return mended, f.fileGone(ctx)
}

// schemaMoved tells whether an enrolled file must be looked at: its schema changed since the last look, it lies
// somewhere else, or a filing was interrupted.
func (f *File) schemaMoved(ctx context.Context, c *conn) (bool, error) {
	on, err := c.enrolled(ctx)
	if err != nil || !on {
		return false, err
	}
	var now int64
	if err := c.one(ctx, "PRAGMA schema_version", nil, &now); err != nil {
		return false, err
	}
	var unfinished bool
	err = c.one(ctx, "SELECT EXISTS (SELECT 1 FROM "+upState+" WHERE key GLOB '"+keyFile+"*' OR key GLOB '"+keyGone+"*')", nil, &unfinished)
	if err != nil || unfinished {
		return true, err
	}
	moved, err := f.homeMoved(ctx, c)
	return moved || f.seenSchema.Load() != now+1, err
}

func (f *File) homeMoved(ctx context.Context, c *conn) (bool, error) {
	machine, err := c.state(ctx, keyMachine)
	if err != nil {
		return false, err
	}
	home, err := c.state(ctx, keyHome)
	return home != f.home(machine), err
}

func (f *File) mend(ctx context.Context, c *conn) (mended bool, err error) {
	if err := c.makeBookkeeping(ctx); err != nil {
		return false, err
	}
	moved, err := f.homeMoved(ctx, c)
	if err != nil {
		return false, err
	}
	if moved {
		if err := f.mintClient(ctx, c); err != nil {
			return false, err
		}
	}
	for _, t := range schema.Tables() {
		one, err := c.mendTable(ctx, t, f.wholeAt.Load())
		if err != nil {
			return false, err
		}
		mended = mended || one
	}
	var now int64
	err = c.one(ctx, "PRAGMA schema_version", nil, &now)
	f.seenSchema.Store(now + 1)
	return mended, err
}

// mendTable compares a table's triggers with what they should be. Where one of those that always are is missing, rows may
// have changed without being captured, and the table is filed anew. A table of another shape is left as it is.
func (c *conn) mendTable(ctx context.Context, t schema.Table, whole int64) (mended bool, err error) {
	ct, err := c.capturable(ctx, t)
	if app.CodeOf(err) == app.CodeRefused {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	job, err := c.state(ctx, keyFile+t.Name)
	if err != nil {
		return false, err
	}
	ct.filing = job != ""
	have, err := texts(ctx, c, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE AND name GLOB ? ORDER BY name", t.Name, "_coditect_capture_"+t.Name+"_*")
	if err != nil || slices.Equal(have, ct.ddls()) {
		return false, err
	}
	gap, err := c.captureGap(ctx, t)
	if err != nil {
		return false, err
	}
	if gap {
		if err := c.fileAnew(ctx, t, whole); err != nil {
			return false, err
		}
		ct.filing = true
	}
	return gap, c.install(ctx, ct)
}

// captureGap tells whether one of the triggers that every captured table has is missing.
func (c *conn) captureGap(ctx context.Context, t schema.Table) (bool, error) {
	names, err := texts(ctx, c, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE AND name GLOB ?", t.Name, "_coditect_capture_"+t.Name+"_*")
	for _, event := range []string{"insert", "update", "id", "delete"} {
		if !slices.Contains(names, "_coditect_capture_"+t.Name+"_"+event) {
			return true, err
		}
	}
	return false, err
}

// fileAnew begins to file a table whose changes were not captured for a while: at most since the newest entry, and since
// whole, when its triggers were last seen (ms).
func (c *conn) fileAnew(ctx context.Context, t schema.Table, whole int64) error {
	var floor, rows int64
	err := errors.Join(c.noteClock(ctx), c.one(ctx, "SELECT max(clock) FROM "+upCapture, nil, &floor))
	if err != nil {
		return err
	}
	floor = max(floor, whole<<16)
	if rows, err = count(ctx, c, t.Name); err != nil {
		return err
	}
	total, err := c.number(ctx, keyTotal)
	if err != nil {
		return err
	}
	return errors.Join(c.setFiling(ctx, filing{table: t.Name, Floor: floor}), c.setState(ctx, keyGone+t.Name, floor),
		c.setState(ctx, keyTotal, total+rows))
}

func (t captured) ddls() []string {
	list := t.triggers()
	slices.SortFunc(list, func(a, b trigger) int { return cmp.Compare(a.name, b.name) })
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].ddl
	}
	return out
}
