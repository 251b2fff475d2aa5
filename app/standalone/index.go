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

	asking sync.Mutex // held while the target is asked, which may take long: mu never is
	mu     sync.Mutex
	levels map[int][]*ltx.FileInfo // sorted by MinTXID; a missing key was not listed yet

	// offlineFloor stands for level 0 while the target cannot be listed, so that capturing starts offline.
	offlineFloor ltx.TXID
	trust        *trust
	// allowed fails when nothing may be written; nil permits everything.
	allowed func(context.Context) error
	// onBytes is told of every n bytes handed to the target.
	onBytes func(n int)
}

func newIndex(client litestream.ReplicaClient, offlineFloor ltx.TXID, onBytes func(int)) *index {
	return &index{ReplicaClient: client, levels: map[int][]*ltx.FileInfo{}, offlineFloor: offlineFloor, trust: new(trust), onBytes: onBytes}
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
	files, err := x.listed(ctx, level)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && level == 0 && x.offlineFloor > 0 {
		return []*ltx.FileInfo{{MinTXID: x.offlineFloor, MaxTXID: x.offlineFloor}}, nil
	}
	return files, err
}

// known is what a level holds as far as that was asked before.
func (x *index) known(level int) ([]*ltx.FileInfo, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	files, ok := x.levels[level]
	return slices.Clone(files), ok
}

// listed is list without the stand-in for a target that cannot be asked. One call asks at a time.
func (x *index) listed(ctx context.Context, level int) ([]*ltx.FileInfo, error) {
	x.asking.Lock()
	defer x.asking.Unlock()
	if files, ok := x.known(level); ok {
		return files, nil
	}
	itr, err := x.ReplicaClient.LTXFiles(ctx, level, 0, false)
	if err != nil {
		return nil, err
	}
	files, err := ltx.SliceFileIterator(itr)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, compareInfo)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.levels[level] = files
	return slices.Clone(files), nil
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
	x.asking.Lock()
	defer x.asking.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.levels)
}

// WriteLTXFile writes through and remembers. errUnproved for what holds changes that are not trusted.
func (x *index) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if !x.trust.holds(maxTXID) {
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
	x.asking.Lock() // an answer that is on its way may not have it yet
	defer x.asking.Unlock()
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
	x.asking.Lock()
	defer x.asking.Unlock()
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
