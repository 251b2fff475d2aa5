package standalone

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// index is the replica client the engine writes through. It remembers what it wrote and deleted, so that a level is
// listed at the target once per run and never again: the engine is the only writer of its prefix. Whoever must see the
// target as it really is (a drill, a restore) uses the client below it.
type index struct {
	litestream.ReplicaClient

	mu     sync.Mutex
	levels map[int][]*ltx.FileInfo // sorted by MinTXID; a missing key was not listed yet

	// offlineFloor stands for level 0 while the target cannot be listed, so that capturing starts offline.
	offlineFloor ltx.TXID
	// trusted is the newest change that may be written while limited.
	trusted ltx.TXID
	limited bool
	// allowed fails when nothing may be written; nil permits everything.
	allowed func(context.Context) error
	// onBytes is told of every n bytes handed to the target.
	onBytes func(n int)
}

func newIndex(client litestream.ReplicaClient, offlineFloor ltx.TXID, onBytes func(int)) *index {
	return &index{ReplicaClient: client, levels: map[int][]*ltx.FileInfo{}, offlineFloor: offlineFloor, onBytes: onBytes}
}

// LTXFiles serves a level from memory, listing it at the target the first time.
func (x *index) LTXFiles(ctx context.Context, level int, seek ltx.TXID, _ bool) (ltx.FileIterator, error) {
	files, err := x.list(ctx, level)
	if err != nil {
		return nil, err
	}
	i := 0
	for i < len(files) && files[i].MinTXID < seek {
		i++
	}
	return ltx.NewFileInfoSliceIterator(files[i:]), nil
}

func (x *index) list(ctx context.Context, level int) ([]*ltx.FileInfo, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if files, ok := x.levels[level]; ok {
		return slices.Clone(files), nil
	}
	itr, err := x.ReplicaClient.LTXFiles(ctx, level, 0, false)
	if err == nil {
		var files []*ltx.FileInfo
		if files, err = ltx.SliceFileIterator(itr); err == nil {
			slices.SortFunc(files, compareInfo)
			x.levels[level] = files
			return slices.Clone(files), nil
		}
	}
	if level == 0 && x.offlineFloor > 0 {
		return []*ltx.FileInfo{{MinTXID: x.offlineFloor, MaxTXID: x.offlineFloor}}, nil
	}
	return nil, err
}

// stored is how many bytes the levels that were listed take at the target.
func (x *index) stored() (n int64) {
	size := func(content int64) int64 { return content }
	if c, ok := x.ReplicaClient.(*ltxClient); ok {
		size = c.t.storedSize
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, files := range x.levels {
		for _, f := range files {
			n += size(f.Size)
		}
	}
	return n
}

// online ends the stand-in for level 0: from here on a target that cannot be listed is an error.
func (x *index) online() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.offlineFloor = 0
}

// forget makes the next look at each level ask the target again.
func (x *index) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.levels)
}

// trustUpTo refuses to write what holds changes after last, until trustAll.
func (x *index) trustUpTo(last ltx.TXID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.trusted, x.limited = last, true
}

func (x *index) trustAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.limited = false
}

func (x *index) trusts(txid ltx.TXID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.limited || txid <= x.trusted
}

// WriteLTXFile writes through and remembers. errUnproved for what holds changes that are not trusted.
func (x *index) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if !x.trusts(maxTXID) {
		return nil, errUnproved
	}
	if err := x.permit(ctx); err != nil {
		return nil, err
	}
	info, err := x.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, &countingReader{r: r, on: x.onBytes})
	if err != nil {
		return info, err
	}
	x.remember(info)
	return info, nil
}

func (x *index) permit(ctx context.Context) error {
	if x.allowed == nil {
		return nil
	}
	return x.allowed(ctx)
}

func (x *index) remember(info *ltx.FileInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	files, ok := x.levels[info.Level]
	if !ok {
		return
	}
	i, found := slices.BinarySearchFunc(files, info, compareInfo)
	if found {
		files[i] = info
		return
	}
	x.levels[info.Level] = slices.Insert(files, i, info)
}

// DeleteLTXFiles deletes through and forgets the files.
func (x *index) DeleteLTXFiles(ctx context.Context, a []*ltx.FileInfo) error {
	if len(a) == 0 {
		return nil
	}
	if err := x.permit(ctx); err != nil {
		return err
	}
	if err := x.ReplicaClient.DeleteLTXFiles(ctx, a); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, info := range a {
		if i, found := slices.BinarySearchFunc(x.levels[info.Level], info, compareInfo); found {
			x.levels[info.Level] = slices.Delete(x.levels[info.Level], i, i+1)
		}
	}
	return nil
}

func compareInfo(a, b *ltx.FileInfo) int {
	if a.MinTXID != b.MinTXID {
		return int(int64(a.MinTXID) - int64(b.MinTXID))
	}
	return int(int64(a.MaxTXID) - int64(b.MaxTXID))
}

// maxTXID is the end of the newest file, 0 for none.
func maxTXID(files []*ltx.FileInfo) (end ltx.TXID) {
	for _, f := range files {
		end = max(end, f.MaxTXID)
	}
	return end
}

type countingReader struct {
	r  io.Reader
	on func(int)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 && c.on != nil {
		c.on(n)
	}
	return n, err
}
