package standalone

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// ltxClient lets Litestream keep one machine's LTX objects in any store, in the layout and with the times that the
// litestream program expects.
type ltxClient struct {
	t    *Target
	dirs [levels]string // of the levels
	node uint64
}

var _ replicaClient = (*ltxClient)(nil)

func newLTXClient(t *Target, user, machine string) *ltxClient {
	c := &ltxClient{t: t, node: nodeID(machine)}
	for level := range c.dirs {
		c.dirs[level] = levelDir(t, machineDir(user, machine), level)
	}
	return c
}

// Type is the kind of the target.
func (c *ltxClient) Type() string { return c.t.Kind() }

// Init has nothing to do: stores connect when they are first used.
func (c *ltxClient) Init(context.Context) error { return nil }

// SetLogger is ignored: the target has its own.
func (c *ltxClient) SetLogger(*slog.Logger) {}

// levelDir is the folder of a level, ltx/0 to ltx/9. The litestream program's S3 client alone writes the level in four digits,
// without ltx/, which is therefore a part of its path. Sealed objects it cannot read in any case: once they are opened in a
// folder, they are to be where it looks in one.
func levelDir(t *Target, root string, level int) string {
	if t.Kind() == kindS3 && t.sealed() == nil {
		return path.Join(root, ltxDir, fmt.Sprintf("%04x", level))
	}
	return litestream.LTXLevelDir(root, level)
}

func (c *ltxClient) key(level int, minTXID, maxTXID ltx.TXID) string {
	return c.dirs[level] + "/" + ltx.FormatFilename(minTXID, maxTXID)
}

// LTXFiles lists a level from seek on. Times are those of the LTX headers in any case.
func (c *ltxClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, _ bool) (ltx.FileIterator, error) {
	from := ""
	if seek != 0 {
		from = seek.String()
	}
	var infos, unsure []*ltx.FileInfo
	for o, err := range c.t.store.list(ctx, c.dirs[level], from) {
		if err != nil {
			return nil, err
		}
		minTXID, maxTXID, err := ltx.ParseFilename(o.name)
		if err != nil {
			continue // not ours
		}
		f := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: o.size, CreatedAt: o.at}
		if !c.t.Paid() && !given(o.at) {
			unsure = append(unsure, f)
		}
		infos = append(infos, f)
	}
	c.findTimes(ctx, unsure)
	return ltx.NewFileInfoSliceIterator(infos), nil
}

// looksAtOnce is how many objects are asked for their times at the same time.
const looksAtOnce = 16

// findTimes replaces the times of files by those that were recorded in them.
func (c *ltxClient) findTimes(ctx context.Context, files []*ltx.FileInfo) {
	free := make(chan struct{}, looksAtOnce)
	var looks sync.WaitGroup
	for _, f := range files {
		free <- struct{}{}
		looks.Go(func() {
			defer func() { <-free }()
			f.CreatedAt = c.t.times.of(c.key(f.Level, f.MinTXID, f.MaxTXID), f, func() time.Time { return c.recorded(ctx, f) })
		})
	}
	looks.Wait()
}

// recordedTimes remembers what was recorded in files whose own times say less: of a server's in whole seconds. A file is
// looked into again when its time or size is another.
type recordedTimes struct{ known sync.Map }

type recordedTime struct {
	size      int64
	file, was time.Time
}

func (r *recordedTimes) of(key string, f *ltx.FileInfo, look func() time.Time) time.Time {
	if r == nil {
		return look()
	}
	if k, ok := r.known.Load(key); ok {
		if k := k.(recordedTime); k.size == f.Size && k.file.Equal(f.CreatedAt) {
			return k.was
		}
	}
	was := look()
	r.known.Store(key, recordedTime{f.Size, f.CreatedAt, was})
	return was
}

// given tells whether a file's time is one that we gave it, a whole number of milliseconds. Who copies a folder without
// its times leaves the time of the copy, of which that is not true, or one in coarser steps where the file system
// knows no finer ones. Of our own times one in ten looks like that too.
func given(at time.Time) bool { return at.Nanosecond()%1e6 == 0 && at.Nanosecond()%1e7 != 0 }

// recorded reads the time in an object's header; that of the file where there is none to be read, which whoever needs
// the object will find out.
func (c *ltxClient) recorded(ctx context.Context, f *ltx.FileInfo) time.Time {
	r, err := c.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, ltx.HeaderSize)
	if err != nil {
		return f.CreatedAt
	}
	defer func() { _ = r.Close() }() // only read
	at, err := timeIn(bufio.NewReaderSize(r, ltx.HeaderSize))
	if err != nil {
		return f.CreatedAt
	}
	return at
}

// OpenLTXFile reads an object or a part of it. A missing one is fs.ErrNotExist.
func (c *ltxClient) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	return c.t.store.open(ctx, c.key(level, minTXID, maxTXID), offset, size)
}

// WriteLTXFile writes an object, whole or not at all, with this machine's stamp. A source that is no whole object is a
// litestream.LTXError that says so, which is how Litestream's local state is known to be damaged.
func (c *ltxClient) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	in := bufio.NewReaderSize(r, passBuffer)
	key := c.key(level, minTXID, maxTXID)
	at, err := timeIn(in)
	if err == nil {
		var size int64
		size, err = c.t.store.put(ctx, key, at, func(w io.Writer) error {
			out := bufio.NewWriterSize(w, passBuffer)
			if err := stamp(out, in, c.node); err != nil {
				return err
			}
			return out.Flush()
		})
		if err == nil {
			return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: size, CreatedAt: at}, nil
		}
	}
	if errors.Is(err, errSource) {
		err = litestream.NewLTXError("upload", key, level, uint64(minTXID), uint64(maxTXID), errors.Join(litestream.ErrLTXCorrupted, err))
	}
	return nil, err
}

// passBuffer is how much of an object is in memory on its way up.
const passBuffer = 64 << 10

// timeIn is when the object at the start of r was recorded.
func timeIn(r *bufio.Reader) (time.Time, error) {
	head, err := r.Peek(ltx.HeaderSize)
	if err != nil {
		return time.Time{}, fromSource("header", err)
	}
	var hdr ltx.Header
	if err := hdr.UnmarshalBinary(head); err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", errSource, err)
	}
	return time.UnixMilli(hdr.Timestamp).UTC(), nil
}

// CopyLTXFile copies an object to another level without sending it again.
func (c *ltxClient) CopyLTXFile(ctx context.Context, fromLevel, toLevel int, minTXID, maxTXID ltx.TXID) error {
	return c.t.store.duplicate(ctx, c.key(fromLevel, minTXID, maxTXID), c.key(toLevel, minTXID, maxTXID))
}

// DeleteLTXFiles deletes objects; those that are gone already are no error.
func (c *ltxClient) DeleteLTXFiles(ctx context.Context, infos []*ltx.FileInfo) error {
	for _, f := range infos {
		if err := c.t.store.remove(ctx, c.key(f.Level, f.MinTXID, f.MaxTXID)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAll deletes the objects of every level.
func (c *ltxClient) DeleteAll(ctx context.Context) error {
	h, err := readHistory(ctx, c)
	if err != nil {
		return err
	}
	return c.DeleteLTXFiles(ctx, h)
}

// levels is the number of LTX levels: changes, what they are merged to, and full copies.
const levels = litestream.SnapshotLevel + 1
