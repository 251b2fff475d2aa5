package sqlite

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app/powersync"
	"github.com/coditect-ai/coditect-sync/config/schema"
)

// download is what the file knows about the stream that is being followed: how far each bucket has come, and the
// operations that came and are not shown yet.
type download struct {
	mu      sync.Mutex
	loaded  bool
	rev     int64 // keyDownRev as we left it
	numbers map[string]int64
	buckets map[string]*downBucket
	byID    map[int64]*downBucket
	spool   spool
	ignored map[ignoredName]bool
	work    *catchUp      // an Apply that goes on
	most    int           // operations that stay in memory
	live    int           // operations that one transaction shows
	hold    time.Duration // for how long a slice keeps others out
	shut    time.Time
	asked   *powersync.Apply // the last one
	void    bool             // something came after it
}

// downBucket is a bucket as it stands, operations that are not shown yet included.
type downBucket struct {
	powersync.Bucket
	id    int64   // 0: not in the file yet
	old   []int64 // what the name meant before
	base  powersync.Bucket
	dirty bool // differs from what the file has
}

// Buckets says how far each bucket has come, for the machine of the next stream. It makes the bookkeeping where it is
// missing, and takes up what an earlier run of the program had received. When this version knows tables or columns that an
// earlier one had to ignore, everything comes again. It blocks for a moment, longer while another Apply is under way.
func (f *File) Buckets(ctx context.Context) ([]powersync.Bucket, error) {
	d := &f.down
	d.mu.Lock()
	defer d.mu.Unlock()
	err := f.withOpen(ctx, "pull", func(c *conn) error { return f.loadDownload(ctx, c) })
	if err != nil {
		return nil, err
	}
	list := make([]powersync.Bucket, 0, len(d.buckets))
	for _, b := range d.buckets {
		list = append(list, b.Bucket)
	}
	slices.SortFunc(list, func(a, b powersync.Bucket) int { return compareText(a.Name, b.Name) })
	return list, nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// loadDownload reads the bookkeeping unless it is as we left it.
func (f *File) loadDownload(ctx context.Context, c *conn) error {
	d := &f.down
	if d.loaded {
		rev, err := c.downRev(ctx)
		if err == nil && rev == d.rev {
			return nil
		}
		// It is gone or another one: the file was restored or replaced.
	}
	d.forget()
	var all []*downBucket
	err := f.downTx(ctx, c, func() (err error) {
		if d.numbers, err = c.makeDownBookkeeping(ctx, f.tables); err != nil {
			return err
		}
		if err := f.recheckIgnored(ctx, c); err != nil {
			return err
		}
		all, err = c.readDownBuckets(ctx)
		if err != nil {
			return err
		}
		d.rev, err = c.nextDownRev(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range all {
		d.know(b)
	}
	d.loaded = true
	return d.spool.open(f.path, d)
}

func (d *download) forget() {
	d.stopWork()
	d.spool.close()
	d.loaded, d.void, d.asked = false, false, nil
	d.buckets, d.byID, d.ignored = map[string]*downBucket{}, map[int64]*downBucket{}, map[ignoredName]bool{}
	d.spool = spool{}
}

// know takes a bucket of the file in. Of the same name the later one counts.
func (d *download) know(b *downBucket) {
	if before := d.buckets[b.Name]; before != nil {
		b.old = slices.Concat(before.old, []int64{before.id})
		delete(d.byID, before.id)
	}
	b.base = b.Bucket
	d.buckets[b.Name], d.byID[b.id] = b, b
}

func (d *download) bucket(name string) *downBucket {
	b := d.buckets[name]
	if b == nil {
		b = &downBucket{Bucket: powersync.Bucket{Name: name}}
		b.base = b.Bucket
		d.buckets[name] = b
	}
	return b
}

// Store keeps operations until an Apply shows them: in memory, and in files beside the database when they become many. What
// was kept in files outlives the program. It holds no lock of the database for longer than a moment, and copies what it
// keeps. The error is CodeNoSpace when the disk is full.
func (f *File) Store(ctx context.Context, s powersync.Store) error {
	d := &f.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.ready(ctx); err != nil {
		return err
	}
	d.stopWork()
	d.void = true
	b := d.bucket(s.To.Name)
	for i := range s.Ops {
		d.keep(b, &s.Ops[i])
	}
	b.Bucket, b.dirty = s.To, true
	if !d.spool.full(d.most) {
		return nil
	}
	return f.spill(ctx)
}

// ready loads what Buckets has not loaded yet.
func (f *File) ready(ctx context.Context) error {
	if f.down.loaded {
		return nil
	}
	return f.withOpen(ctx, "pull", func(c *conn) error { return f.loadDownload(ctx, c) })
}

// keep puts an operation into the spool. One that does nothing to a row is in the bucket's checksum, and that is all.
func (d *download) keep(b *downBucket, o *powersync.Op) {
	if o.Kind != powersync.Put && o.Kind != powersync.Remove {
		return
	}
	n, known := d.numbers[string(o.Table)]
	if !known {
		d.ignored[ignoredName{string(o.Table), ""}] = true
		return
	}
	d.spool.add(staged{
		table: n, kind: o.Kind, bucket: b, op: o.ID, sum: o.Checksum, subkey: subkeyHash(o.Subkey),
	}, o.Row, o.Document)
}

// spill moves what is in memory to a file.
func (f *File) spill(ctx context.Context) error {
	err := f.withOpen(ctx, "pull", func(c *conn) error { return f.numberBuckets(ctx, c, false) })
	if err != nil {
		return err
	}
	return classify("pull", f.path, f.down.spool.spill(f.down.buckets))
}

// numberBuckets gives a number to buckets that have none: to all of them, or to those of which something came.
func (f *File) numberBuckets(ctx context.Context, c *conn, all bool) error {
	d := &f.down
	var fresh []*downBucket
	for _, b := range d.buckets {
		if b.id == 0 && (all || b.dirty) {
			fresh = append(fresh, b)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	slices.SortFunc(fresh, func(a, b *downBucket) int { return compareText(a.Name, b.Name) })
	ids := make([]int64, len(fresh))
	err := f.downTx(ctx, c, func() error {
		for i, b := range fresh {
			err := c.one(ctx, "INSERT INTO "+downBuckets+" (name, position, checksum, known) VALUES (?, ?, ?, ?) RETURNING n",
				[]any{b.Name, b.base.Position, int64(b.base.Checksum), b.base.Known}, &ids[i])
			if err != nil {
				return err
			}
		}
		return d.bump(ctx, c)
	})
	if err != nil {
		return err
	}
	for i, b := range fresh {
		b.id = ids[i]
		d.byID[b.id] = b
	}
	return nil
}

// Restart begins a bucket anew: what came of it and is not shown is dropped, and its rows go with the next Apply that covers
// it, unless they came again. The rows are not touched now.
func (f *File) Restart(ctx context.Context, r powersync.Restart) error {
	d := &f.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.ready(ctx); err != nil {
		return err
	}
	d.stopWork()
	d.void = true
	d.restart(r.To)
	return f.withOpen(ctx, "pull", func(c *conn) error { return f.numberBuckets(ctx, c, false) })
}

func (d *download) restart(to powersync.Bucket) {
	b := &downBucket{Bucket: to, base: to, dirty: true}
	if before := d.buckets[to.Name]; before != nil {
		b.old = before.old
		if before.id != 0 {
			b.old = append(b.old, before.id)
			delete(d.byID, before.id)
		}
		d.spool.drop(before)
	}
	d.buckets[to.Name] = b
}

// Refetch has everything come again. Rows stay until they came again or are known to be gone. The streams that are open
// must be left.
func (f *File) Refetch(ctx context.Context) error {
	d := &f.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.ready(ctx); err != nil {
		return err
	}
	d.stopWork()
	for name := range d.buckets {
		d.restart(powersync.Bucket{Name: name})
	}
	d.void = true
	return f.withOpen(ctx, "pull", func(c *conn) error { return f.numberBuckets(ctx, c, false) })
}

func (c *conn) readDownBuckets(ctx context.Context) (list []*downBucket, err error) {
	var applied int64
	if applied, err = c.downNumber(ctx, keyAppliedOp); err != nil {
		return nil, err
	}
	rows, err := c.QueryContext(ctx, "SELECT n, name, ifnull(position, ?), checksum, known FROM "+downBuckets+" ORDER BY n", applied)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b downBucket
		var sum int64
		if err := rows.Scan(&b.id, &b.Name, &b.Position, &sum, &b.Known); err != nil {
			return nil, err
		}
		b.Checksum = uint32(sum)
		list = append(list, &b)
	}
	return list, rows.Err()
}

// downTx runs work in a write transaction. What downloads write may be lost with the power, since it comes again: the
// positions are lost with it.
func (f *File) downTx(ctx context.Context, c *conn, work func() error) error {
	if err := c.exec(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	before, err := c.version(ctx)
	if err == nil {
		err = work()
	}
	if err == nil {
		err = f.commit(ctx, c, before)
	}
	if err != nil {
		return errors.Join(err, c.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return nil
}

func (c *conn) downNumber(ctx context.Context, key string) (n int64, err error) {
	err = c.one(ctx, "SELECT ifnull((SELECT CAST(value AS INTEGER) FROM "+upState+" WHERE key = ?), 0)", []any{key}, &n)
	return n, err
}

func (c *conn) setDownState(ctx context.Context, key string, value any) error {
	return c.exec(ctx, "INSERT INTO "+upState+" (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

func (c *conn) downRev(ctx context.Context) (int64, error) { return c.downNumber(ctx, keyDownRev) }

func (c *conn) nextDownRev(ctx context.Context) (int64, error) {
	rev, err := c.downRev(ctx)
	if err != nil {
		return 0, err
	}
	// Beside the count a moment: a file that was set back and came as far again is another one.
	rev = max(rev+1, time.Now().UnixNano())
	return rev, c.setDownState(ctx, keyDownRev, rev)
}

var errElsewhere = errors.New("the download bookkeeping was changed by somebody else")

// unchanged finds out whether somebody else changed the bookkeeping: the numbers of buckets may mean others in a file that
// was set back.
func (d *download) unchanged(ctx context.Context, c *conn) error {
	rev, err := c.downRev(ctx)
	if err == nil && rev != d.rev {
		d.loaded = false
		return errElsewhere
	}
	return err
}

// bump notes that we change the bookkeeping.
func (d *download) bump(ctx context.Context, c *conn) error {
	if err := d.unchanged(ctx, c); err != nil {
		return err
	}
	next, err := c.nextDownRev(ctx)
	if err == nil {
		d.rev = next // should the transaction fail, the next look loads everything anew
	}
	return err
}

// Tables of a file that is not told which.
func orContextMemory(tables []schema.Table) []schema.Table {
	if tables == nil {
		return schema.Tables()
	}
	return tables
}
