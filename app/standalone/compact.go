package standalone

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// snapshotLevel holds full copies.
const snapshotLevel = litestream.SnapshotLevel

// age is one row of the retention: files of a level are merged into the next coarser one every Every, and kept for
// Keep after they have been merged.
type age struct {
	level       int
	every, keep time.Duration
}

// agesOf is a retention by level, finest first.
func agesOf(r app.Retention) []age {
	var out []age
	for level, every := range app.RetentionSteps() {
		out = append(out, age{level, every, r.OrDefault()[level]})
	}
	return out
}

// reach is how far back a history goes.
func reach(ages []age) time.Duration { return ages[len(ages)-1].keep }

const (
	snapshotEvery = 24 * time.Hour
	thinEvery     = time.Hour
)

// ages is the retention as it is wished now.
func (k *Keeper) ages() []age {
	if k.cfg.Retention == nil {
		return agesOf(app.Retention{})
	}
	return agesOf(k.cfg.Retention())
}

// upkeep merges, copies in full and thins what is due. It is called after an upload only: while nothing changes there
// is nothing to merge, and no request is made.
func (s *shipper) upkeep(ctx context.Context) error {
	if err := s.ensureFull(ctx); err != nil {
		return err
	}
	ages := s.k.ages()
	for _, a := range ages[1:] {
		if err := s.merge(ctx, a); err != nil {
			return err
		}
	}
	return s.thinIfDue(ctx, ages)
}

// thinIfDue thins once an hour, and when another retention was wished.
func (s *shipper) thinIfDue(ctx context.Context, ages []age) error {
	changed := s.thinnedTo != nil && !slices.Equal(s.thinnedTo, ages)
	if s.thinnedTo = ages; !changed && s.now().Sub(s.thinnedAt) < thinEvery {
		return nil
	}
	s.thinnedAt = s.now()
	return s.thin(ctx, ages)
}

// ensureFull makes the first full copy, and a new one when the newest is a day old.
func (s *shipper) ensureFull(ctx context.Context) error {
	full, err := s.index.list(ctx, snapshotLevel)
	if err != nil {
		return err
	}
	if !fullDue(full, s.now()) {
		return nil
	}
	if len(full) == 0 {
		if done, err := s.promote(ctx); done || err != nil {
			return err
		}
	}
	_, err = s.snapshot(ctx)
	return err
}

// fullDue tells that there is no full copy, or that the newest is a day old. One that is later than now by more than that was
// made by a clock that was wrong.
func fullDue(full []*ltx.FileInfo, now time.Time) bool {
	return len(full) == 0 || now.Sub(full[len(full)-1].CreatedAt).Abs() >= snapshotEvery
}

// promote makes the first copy, which holds every page, the first full copy: by a copy at the target, without sending
// it again.
func (s *shipper) promote(ctx context.Context) (bool, error) {
	files, err := s.index.list(ctx, 0)
	if err != nil || len(files) == 0 || files[0].MinTXID != 1 || files[0].MaxTXID != 1 {
		return false, err
	}
	c, ok := s.index.ReplicaClient.(copier)
	if !ok {
		return false, nil
	}
	info := *files[0]
	if err := c.CopyLTXFile(ctx, 0, snapshotLevel, 1, 1); err != nil {
		return false, err
	}
	info.Level = snapshotLevel
	s.index.remember(&info)
	return true, nil
}

// copier is a target that can copy an object within itself.
type copier interface {
	CopyLTXFile(ctx context.Context, fromLevel, toLevel int, minTXID, maxTXID ltx.TXID) error
}

// merge writes what has come to the finer level since the last merge as files of level a.level, one for each window.
func (s *shipper) merge(ctx context.Context, a age) error {
	for {
		merged, err := s.mergeWindow(ctx, a)
		if err != nil || !merged {
			return err
		}
		if a.level == 1 {
			s.dropLocal()
		}
	}
}

func (s *shipper) mergeWindow(ctx context.Context, a age) (merged bool, err error) {
	src, err := s.index.list(ctx, a.level-1)
	if err != nil {
		return false, err
	}
	dst, err := s.index.list(ctx, a.level)
	if err != nil {
		return false, err
	}
	full, err := s.index.list(ctx, snapshotLevel)
	if err != nil {
		return false, err
	}
	after := mergedUpTo(src, dst, full)
	s.kept.drop(a.level-1, after)
	end := windowEnd(src, after, s.now(), a)
	if end == 0 {
		return false, nil
	}
	c := litestream.NewCompactor(upTo{s.index, end, s.kept}, s.litestreamLog)
	c.CacheGetter = func(int) (*ltx.FileInfo, bool) { return &ltx.FileInfo{MaxTXID: after}, true }
	c.LocalFileOpener = s.openLocal
	_, err = c.Compact(ctx, a.level)
	if errors.Is(err, litestream.ErrNoCompaction) {
		return false, nil
	}
	return err == nil, err
}

// windowEnd is where the next file of level a.level ends, 0 while it is not due. A file spans no more than a.every, else
// the points inside it would be gone where less was promised: however seldom something changes, what stood long can be
// restored. The time of a file is that of its end, so the span of the finer files counts too.
// Files of a time that is not yet are of a clock that was set, and go into a file of their own.
func windowEnd(src []*ltx.FileInfo, after ltx.TXID, now time.Time, a age) (end ltx.TXID) {
	span := a.every - app.RetentionSteps()[a.level-1]
	var first *ltx.FileInfo
	for _, f := range src {
		switch {
		case f.MinTXID <= after:
		case first == nil && now.Sub(f.CreatedAt).Abs() < a.every:
			return 0
		case first == nil:
			first, end = f, f.MaxTXID
		case f.CreatedAt.Sub(first.CreatedAt).Abs() < span:
			end = f.MaxTXID
		default:
			return end
		}
	}
	return end
}

// upTo hides what ends after a TXID, and keeps what is written.
type upTo struct {
	*index
	end  ltx.TXID
	kept *keptMerges
}

// WriteLTXFile writes what was merged.
func (u upTo) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	r, written := u.kept.keep(keptName{level, minTXID, maxTXID}, r)
	info, err := u.index.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	written(err == nil)
	return info, err
}

// LTXFiles lists what is not hidden.
func (u upTo) LTXFiles(ctx context.Context, level int, seek ltx.TXID, _ bool) (ltx.FileIterator, error) {
	files, err := u.list(ctx, level)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f *ltx.FileInfo) bool { return f.MinTXID < seek || f.MaxTXID > u.end })
	return ltx.NewFileInfoSliceIterator(files), nil
}

// mergedUpTo is where the next merge begins (exclusive): after what the coarser level holds, after the newest full
// copy (so that nothing damaged or missing before it is ever read again), and after any gap in the finer level.
func mergedUpTo(src, dst, full []*ltx.FileInfo) ltx.TXID {
	after := maxTXID(dst)
	if len(full) > 0 {
		after = max(after, full[len(full)-1].MaxTXID)
	}
	end := after
	for _, f := range src {
		if f.MaxTXID <= after {
			continue
		}
		if f.MinTXID > end+1 {
			after = f.MinTXID - 1
		}
		end = max(end, f.MaxTXID)
	}
	return after
}

// openLocal opens what is here, os.ErrNotExist for what is at the target alone.
func (s *shipper) openLocal(level int, minTXID, maxTXID ltx.TXID) (io.ReadCloser, error) {
	if level != 0 {
		return s.kept.open(level, minTXID, maxTXID)
	}
	return os.Open(s.db.LTXPath(level, minTXID, maxTXID))
}

func (s *session) logRemove(err error) {
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("local copy not removed", "error", err)
	}
}

// thin deletes what the retention no longer promises. A file goes only when a coarser level holds its range, never
// when it is part of the newest point or of a pinned one.
func (s *shipper) thin(ctx context.Context, ages []age) error {
	files := map[int][]*ltx.FileInfo{}
	for _, level := range []int{0, 1, 2, 3, snapshotLevel} { // the others are never used, and asking costs a request each
		list, err := s.index.list(ctx, level)
		if err != nil {
			return err
		}
		files[level] = list
	}
	now := s.steady.look()
	return s.index.DeleteLTXFiles(ctx, newestFirst(thinnable(files, ages, s.k.pins(now), now)))
}

// newestFirst is the order in which files go: whatever is left of them meanwhile can be reached. Of the others the later ones
// could not be, and would look like a history with something missing in it.
func newestFirst(files []*ltx.FileInfo) []*ltx.FileInfo {
	slices.SortStableFunc(files, func(a, b *ltx.FileInfo) int { return cmp.Compare(b.MaxTXID, a.MaxTXID) })
	return files
}

// thinnable is the pure part of thin. The files of a level are in the order in which they begin.
func thinnable(files map[int][]*ltx.FileInfo, ages []age, pins []ltx.TXID, now time.Time) []*ltx.FileInfo {
	keep := indispensable(files, pins)
	base := oldFull(files[snapshotLevel], reach(ages), now)
	copied := endsOf(files[snapshotLevel])
	var out []*ltx.FileInfo
	for _, a := range ages {
		list, coarser := files[a.level], coverOf(files[a.level+1])
		for j, f := range list {
			newestOfLevel := j == len(list)-1
			if newestOfLevel || keep[f] || now.Sub(f.CreatedAt) <= a.keep {
				continue
			}
			if beyond(base, f) || coarser.outlived(f, now.Add(-a.keep)) || copied[f.MaxTXID] {
				out = append(out, f)
			}
		}
	}
	for _, f := range files[snapshotLevel] {
		if base != nil && f.MaxTXID < base.MaxTXID && !keep[f] {
			out = append(out, f)
		}
	}
	return out
}

// indispensable is what the newest point and the pinned ones are made of.
func indispensable(files map[int][]*ltx.FileInfo, pins []ltx.TXID) map[*ltx.FileInfo]bool {
	newest := ltx.TXID(0)
	for _, list := range files {
		newest = max(newest, maxTXID(list))
	}
	keep := map[*ltx.FileInfo]bool{}
	for _, pin := range append([]ltx.TXID{newest}, pins...) {
		for _, f := range chain(files, pin) {
			keep[f] = true
		}
	}
	return keep
}

// cover is the files of a level, and how far each and those before it reach: what holds a range is looked up, because a busy
// week has thousands of files to be looked up in thousands.
type cover struct {
	files []*ltx.FileInfo
	upTo  []ltx.TXID
}

func coverOf(files []*ltx.FileInfo) cover {
	c := cover{files, make([]ltx.TXID, len(files))}
	end := ltx.TXID(0)
	for i, f := range files {
		end = max(end, f.MaxTXID)
		c.upTo[i] = end
	}
	return c
}

// holder is the first file that holds f's range: the first one that reaches its end, if that begins early enough, for those
// after it begin no earlier. Nil if there is none.
func (c cover) holder(f *ltx.FileInfo) *ltx.FileInfo {
	i, _ := slices.BinarySearch(c.upTo, f.MaxTXID)
	if i == len(c.files) || c.files[i].MinTXID > f.MinTXID {
		return nil
	}
	return c.files[i]
}

// outlived tells that a file holds f's range, and nothing later than that time: all that was merged into it goes together,
// because what is left could not be reached without what went.
func (c cover) outlived(f *ltx.FileInfo, end time.Time) bool {
	g := c.holder(f)
	return g != nil && g.CreatedAt.Before(end)
}

// endsOf is where full copies end: a file that ends exactly there is not needed to reach that point.
func endsOf(full []*ltx.FileInfo) map[ltx.TXID]bool {
	ends := make(map[ltx.TXID]bool, len(full))
	for _, f := range full {
		ends[f.MaxTXID] = true
	}
	return ends
}

// beyond tells that f ends before the oldest full copy that is still needed.
func beyond(base, f *ltx.FileInfo) bool { return base != nil && f.MaxTXID <= base.MaxTXID }

// oldFull is the newest full copy beyond the reach of the retention: what is older than it is not needed any more.
func oldFull(full []*ltx.FileInfo, reach time.Duration, now time.Time) *ltx.FileInfo {
	var base *ltx.FileInfo
	for _, f := range full {
		if now.Sub(f.CreatedAt) > reach {
			base = f
		}
	}
	return base
}

// chain is the files that make a TXID: the newest full copy at or before it, then from any level whatever reaches
// furthest. Nil when there is a gap. The files of a level are in the order in which they begin, so each is looked at once.
func chain(files map[int][]*ltx.FileInfo, target ltx.TXID) []*ltx.FileInfo {
	var out []*ltx.FileInfo
	end := ltx.TXID(0)
	for _, f := range files[snapshotLevel] {
		if f.MaxTXID <= target {
			out, end = []*ltx.FileInfo{f}, f.MaxTXID
		}
	}
	var levels [len(app.Retention{})]walk
	for level := range levels {
		levels[level].rest = files[level]
	}
	for end < target {
		var best *ltx.FileInfo
		for level := range levels {
			if f := levels[level].furthest(end+1, target); f != nil && (best == nil || f.MaxTXID > best.MaxTXID) {
				best = f
			}
		}
		if best == nil || best.MaxTXID <= end {
			return nil
		}
		out, end = append(out, best), best.MaxTXID
	}
	return out
}

// walk goes through the files of a level once, from whatever begins first.
type walk struct {
	rest []*ltx.FileInfo
	best *ltx.FileInfo
}

// furthest is what reaches furthest of all that begins by from and does not end after target. From never goes back.
func (w *walk) furthest(from, target ltx.TXID) *ltx.FileInfo {
	for ; len(w.rest) > 0 && w.rest[0].MinTXID <= from; w.rest = w.rest[1:] {
		if f := w.rest[0]; f.MaxTXID <= target && (w.best == nil || f.MaxTXID > w.best.MaxTXID) {
			w.best = f
		}
	}
	return w.best
}

// fullCopy writes a new full copy and returns the TXID it holds.
func (s *shipper) fullCopy(ctx context.Context, why string) (ltx.TXID, error) {
	s.log.Warn("new full copy", "reason", why)
	s.index.forget()
	info, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	return info.MaxTXID, nil
}

// goOnFrom makes txid, which a full copy holds, the base of what is sent next; the caller holds shipping.
func (s *shipper) goOnFrom(ctx context.Context, txid ltx.TXID) error {
	f, err := os.Open(s.db.LTXPath(0, txid, txid))
	if err != nil {
		return app.Errorf(app.CodeFailed, "replicate", "The newest change is not where it should be.").Wrap(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := s.index.WriteLTXFile(ctx, 0, txid, txid, f); err != nil {
		return err
	}
	s.at(txid)
	s.isBased()
	return nil
}

// rebase is the way on when the chain at the target has a gap or a damaged object: a new full copy, and everything
// after it. Only its short second part keeps other uploads waiting.
func (s *shipper) rebase(ctx context.Context, why string) error {
	defer s.keepFromHere()()
	txid, err := s.fullCopy(ctx, why)
	if err != nil {
		return err
	}
	s.shipping.Lock()
	defer s.shipping.Unlock()
	return s.goOnFrom(ctx, txid)
}
