package sqlite

import (
	"context"
	"os"
	"slices"

	"github.com/coditect-ai/coditect-sync/app"
)

// Compare says what differs between the restored image at path image, which nobody writes, and the live file: every
// data table that is in either, by name, with the rows that came (Added), went (Removed) or are different (Changed)
// since. It writes nothing and takes read locks only.
//
// Each table is read in a snapshot of its own, so that other programs' changes can be checkpointed in between; a row
// that moves from one table to another meanwhile may be seen in both or in neither. Neither file is held in memory.
// progress may be nil; it is told bytes read, roughly, and ends with done = total.
//
// The error is CodeNotFound when either file is missing, CodeDamaged when SQLite cannot read one, CodeCanceled when ctx
// ends. See the package comment on which tables and rows are held against each other.
func (f *File) Compare(ctx context.Context, image string, progress func(done, total int64)) ([]app.TableDiff, error) {
	m, err := imageMode(image)
	if err != nil {
		return nil, classify("compare", image, err)
	}
	then, err := openRaw(ctx, image, m)
	if err != nil {
		return nil, classify("compare", image, err)
	}
	defer then.close()
	c := &comparison{file: f, then: then, progress: progress}
	err = f.reading(ctx, "compare", func(live *conn) (err error) {
		c.owned, err = live.enrolled(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	diffs, err := c.run(ctx, image)
	return diffs, classify("compare", f.path, err)
}

// comparison is one run of Compare.
type comparison struct {
	file     *File
	then     *raw
	progress func(done, total int64)
	owned    bool  // the cloud says whose a row is, so that does not count
	done     int64 // bytes read of both files
	told     int64 // done when progress was told last
	total    int64
}

func (c *comparison) run(ctx context.Context, image string) ([]app.TableDiff, error) {
	if err := c.measure(image); err != nil {
		return nil, err
	}
	tables, err := c.tables(ctx)
	if err != nil {
		return nil, err
	}
	diffs := []app.TableDiff{}
	for _, t := range tables {
		diff, err := c.table(ctx, t)
		if err != nil {
			return nil, err
		}
		diffs = append(diffs, diff)
	}
	if c.progress != nil {
		c.progress(c.total, c.total)
	}
	return diffs, nil
}

func (c *comparison) measure(image string) error {
	then, err := os.Stat(image)
	if err != nil {
		return err
	}
	now, err := os.Stat(c.file.path)
	if err != nil {
		return err
	}
	c.total = then.Size() + now.Size()
	return nil
}

// tellEvery is how many bytes are read between two tellings of the progress.
const tellEvery = 1 << 20

// read counts the bytes of a row.
func (c *comparison) read(n int64) {
	c.done += n
	if c.progress != nil && c.done-c.told >= tellEvery {
		c.told = c.done
		c.progress(min(c.done, c.total), c.total)
	}
}

// tables lists the tables of both files by their shown names.
func (c *comparison) tables(ctx context.Context) (list []listed, err error) {
	err = c.withNow(ctx, func(now *raw) error {
		for _, r := range []*raw{c.then, now} {
			tables, err := r.listTables(ctx)
			if err != nil {
				return err
			}
			list = append(list, tables...)
		}
		return nil
	})
	slices.SortFunc(list, listed.compare)
	return slices.Compact(list), err
}

// withNow opens the live file, with a snapshot, for as long as work takes.
func (c *comparison) withNow(ctx context.Context, work func(now *raw) error) error {
	leave, err := c.file.gate.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	now, err := c.file.openLiveRaw(ctx)
	if err != nil {
		return err
	}
	defer now.close()
	if err := now.begin(ctx); err != nil {
		return err
	}
	return work(now)
}

// table compares one table.
func (c *comparison) table(ctx context.Context, t listed) (diff app.TableDiff, err error) {
	err = c.withNow(ctx, func(now *raw) error {
		w, err := c.newWalk(ctx, t.name, now)
		if err != nil {
			return err
		}
		defer w.close()
		defer c.then.interruptWith(ctx)()
		defer now.interruptWith(ctx)()
		err = w.run(ctx)
		diff = w.sum.diff(t.shown)
		return err
	})
	return diff, err
}
