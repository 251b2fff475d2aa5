package sqlite

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/coditect-ai/coditect-sync/config/schema"
)

const (
	// sliceTime is after how long a slice commits. The commit itself may take as long again on a slow disk. See downHold.
	sliceTime = 20 * time.Millisecond
	// shownLately is for how long after rows were shown nothing is filled.
	shownLately = 100 * time.Millisecond
	// sliceNotes is how many notes a slice reads at most.
	sliceNotes = 2000
	// connectionTime is for how long slices share a connection. A restore has to wait for that.
	connectionTime = time.Second
)

// FillSearch brings the full-text index of a context memory up to date, fills missing content hashes of messages, and
// returns how many rows it looked at. It works in slices that hold the write lock for some 20 ms, each followed by a pause as
// long, and waits while a large download is being shown: two who leave each other a turn leave none to anybody else. It does
// nothing on a file of another kind, and writes nothing when nothing is noted.
func (f *File) FillSearch(ctx context.Context) (int, error) {
	total := 0
	for {
		for f.showing() {
			if err := pause(ctx, shownLately); err != nil {
				return total, err
			}
		}
		todo, err := f.searchTodo(ctx)
		if err != nil || todo.none() {
			return total, err
		}
		n, err := f.fillSome(ctx, todo)
		total += n
		if err != nil {
			return total, err
		}
	}
}

// showing tells whether rows of a large download were shown lately.
func (f *File) showing() bool { return time.Since(time.UnixMilli(f.shown.Load())) < shownLately }

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// searchTodo says what the search needs.
type searchTodo struct {
	notes   bool     // rows are noted
	index   bool     // the index is missing, or a part of it
	mended  []string // DDL of missing notes and triggers
	sweeps  []note   // tables whose rows must all be looked at
	orphans []note   // indexed rows that went without a note
}

func (t searchTodo) none() bool {
	return !t.notes && !t.index && len(t.mended) == 0 && len(t.orphans) == 0
}

// searchTodo looks without the write lock.
func (f *File) searchTodo(ctx context.Context) (todo searchTodo, err error) {
	err = f.withLive(ctx, "search", modeRead, func(c *conn) error {
		if err := c.beginRead(ctx); err != nil {
			return err
		}
		id, err := f.readIdentity(ctx, c)
		if err != nil || !id.contextMemory() || id.version != len(migrations) {
			return err
		}
		return todo.look(ctx, c)
	})
	return todo, err
}

// look finds missing parts: another tool may have rebuilt a table, which drops its triggers, or dropped what it did
// not know. Every row of such a table is then looked at again.
func (t *searchTodo) look(ctx context.Context, c *conn) error {
	have, err := texts(ctx, c, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_coditect\\_search%' ESCAPE '\\'")
	if err != nil {
		return err
	}
	t.index = !slices.Contains(have, searchIndex) || !slices.Contains(have, searchDocs)
	if !slices.Contains(have, searchNotes) {
		t.mended = append(t.mended, notesDDL)
	}
	for _, table := range schema.Tables() {
		t.mend(table, have)
	}
	if t.index || len(t.mended) > 0 {
		return nil // nothing can be read yet
	}
	if err := c.one(ctx, "SELECT EXISTS (SELECT 1 FROM "+searchNotes+")", nil, &t.notes); err != nil || t.notes {
		return err
	}
	return t.findOrphans(ctx, c)
}

func (t *searchTodo) mend(table schema.Table, have []string) {
	before := len(t.mended)
	for _, trigger := range triggers(table) {
		if !slices.Contains(have, trigger.name) {
			t.mended = append(t.mended, trigger.ddl)
		}
	}
	if t.index || len(t.mended) > before {
		t.sweeps = append(t.sweeps, sweepOf(table.Name, ""))
	}
}

// findOrphans finds indexed rows that are gone although nothing noted it: INSERT OR REPLACE removes a row through a
// unique index that somebody added, and no trigger fires. Counting tells whether there are any.
func (t *searchTodo) findOrphans(ctx context.Context, c *conn) error {
	for _, table := range schema.Tables() {
		var gone bool
		err := c.one(ctx, "SELECT (SELECT count(*) FROM "+searchDocs+" WHERE kind = ?) > (SELECT count(*) FROM "+table.Name+")", []any{table.Name}, &gone)
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		ids, err := texts(ctx, c, "SELECT id FROM "+searchDocs+" WHERE kind = ? AND id NOT IN (SELECT id FROM "+table.Name+")", table.Name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			t.orphans = append(t.orphans, note{table.Name, id})
		}
	}
	return nil
}

// fillSome does a part of it: slices through one connection, because a new one has to read again what it needs of the index.
func (f *File) fillSome(ctx context.Context, todo searchTodo) (total int, err error) {
	until := time.Now().Add(connectionTime)
	err = f.withLive(ctx, "search", modeWrite, func(c *conn) error {
		// What a loss of power takes is noted again. The words of an index are all over the file, and a small cache reads
		// and writes the same pages again and again.
		if err := c.exec(ctx, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -6000"); err != nil {
			return err
		}
		for {
			started := time.Now()
			n, err := todo.slice(ctx, c)
			total += n
			if err == nil {
				err = pause(ctx, time.Since(started))
			}
			if err != nil || n == 0 || time.Now().After(until) || f.showing() {
				return err
			}
			todo = searchTodo{}
		}
	})
	return total, err
}

// slice is one transaction.
func (t searchTodo) slice(ctx context.Context, c *conn) (n int, err error) {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	if err = t.prepare(ctx, c); err == nil {
		n, err = drain(ctx, c, time.Now().Add(sliceTime))
	}
	if err != nil {
		return 0, errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return n, c.exec(ctx, "COMMIT")
}

// prepare makes what is missing and notes what must be looked at again.
func (t searchTodo) prepare(ctx context.Context, c *conn) error {
	ddl := t.mended
	if t.index {
		ddl = slices.Concat(searchIndexDDL, ddl, []string{"DELETE FROM " + searchNotes}) // the sweeps see all of it
	}
	for _, statement := range ddl {
		if err := c.exec(ctx, statement); err != nil {
			return err
		}
	}
	for _, noted := range slices.Concat(t.sweeps, t.orphans) {
		if err := add(ctx, c, noted); err != nil {
			return err
		}
	}
	return nil
}
