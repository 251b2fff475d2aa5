package standalone

import (
	"context"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// Retention says what is kept of the history at a target, one promise for each step, finest first.
func Retention(targetURL string, r app.Retention) []string {
	t := Target{}
	if at, err := parseLocation(targetURL); err == nil {
		t.at = at
	}
	return r.Promises(t.Interval())
}

// Thinning says what of this machine's history goes if the retention becomes then: it lists the target, and changes
// nothing. What goes by the present one anyway, within the hour, is not counted.
func (r *Replica) Thinning(ctx context.Context, now, then app.Retention, pins []app.RestorePoint) (app.RetentionPlan, error) {
	h, err := readHistory(ctx, r.client(r.cfg.Machine))
	if err != nil {
		return app.RetentionPlan{}, asError("retention", err)
	}
	for _, f := range h {
		f.Size = r.cfg.Target.storedSize(f.Size)
	}
	p := app.RetentionPlan{Wish: then.String(), Now: Retention(r.cfg.Target.URL(), now), Then: Retention(r.cfg.Target.URL(), then)}
	kept, _ := h.thinned(now, pins, r.cfg.Now())
	left, gone := kept.thinned(then, pins, r.cfg.Now())
	points, rest := kept.points(), left.points()
	p.Moments, p.Gone, p.Bytes = len(points), len(points)-len(rest), gone
	p.Stored, p.StoredThen = kept.size(), kept.comesTo(now, then, r.cfg.Now())
	p.Oldest, p.OldestThen = oldestOf(points), oldestOf(rest)
	return p, nil
}

func oldestOf(points []app.RestorePoint) (t time.Time) {
	if n := len(points); n > 0 {
		t = points[n-1].Time
	}
	return t
}

// thinned is the history without what a retention lets go, and how many bytes that is.
func (h history) thinned(r app.Retention, pins []app.RestorePoint, now time.Time) (left history, bytes int64) {
	files := map[int][]*ltx.FileInfo{}
	for _, f := range h {
		files[f.Level] = append(files[f.Level], f)
	}
	gone := map[*ltx.FileInfo]bool{}
	for _, f := range thinnable(files, agesOf(r), pinned(pins, now), now) {
		gone[f] = true
		bytes += f.Size
	}
	return slices.DeleteFunc(slices.Clone(h), func(f *ltx.FileInfo) bool { return gone[f] }), bytes
}

func (h history) size() (n int64) {
	for _, f := range h {
		n += f.Size
	}
	return n
}

const (
	year = 365 * 24 * time.Hour
	// leastSeen is over how long at least a history is taken to have grown, so that a first copy is not one an hour.
	leastSeen = 24 * time.Hour
)

// comesTo is how many bytes a history holds that has become as long as then promises, or a year old: each level goes on as
// it did within what now promises.
func (h history) comesTo(now, then app.Retention, at time.Time) (n int64) {
	ages, next := agesOf(now), agesOf(then)
	for _, level := range []int{0, 1, 2, 3, snapshotLevel} {
		row := min(level, len(ages)-1) // full copies are kept for as long as the coarsest step
		var bytes int64
		seen := leastSeen
		for _, f := range h {
			if age := at.Sub(f.CreatedAt); f.Level == level && age <= ages[row].keep {
				bytes += f.Size
				seen = max(seen, age)
			}
		}
		n += int64(float64(bytes) * float64(min(next[row].keep, year)) / float64(min(seen, max(ages[row].keep, time.Minute))))
	}
	return n
}

// pinned are the points that are kept whatever the retention says.
func pinned(points []app.RestorePoint, now time.Time) (out []ltx.TXID) {
	for _, p := range points {
		if txid, err := ltx.ParseTXID(p.ID); err == nil && now.Before(p.Pinned) {
			out = append(out, txid)
		}
	}
	return out
}
