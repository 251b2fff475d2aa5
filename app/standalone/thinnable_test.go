package standalone

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestThinnableIsAsLookedUpOneByOne holds what is found by searching against what is found by looking at every file, over
// histories that no engine makes, too: with gaps, overlaps, files within others, and clocks that go back.
func TestThinnableIsAsLookedUpOneByOne(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ages := agesOf(app.Retention{time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour})
	gone, held, reached, gaps := 0, 0, 0, 0
	for seed := range uint64(1500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		files := anyHistory(rnd, now)
		for level := range ages {
			c := coverOf(files[level+1])
			for _, f := range files[level] {
				g, want := c.holder(f), holderOneByOne(f, files[level+1])
				if g != want {
					t.Fatalf("seed %d: %d-%d is held by %v, want %v", seed, f.MinTXID, f.MaxTXID, g, want)
				}
				if g != nil {
					held++
				}
			}
		}
		for target := range ltx.TXID(70) {
			got, want := chain(files, target), chainOneByOne(files, target)
			if !slices.Equal(got, want) || (got == nil) != (want == nil) {
				t.Fatalf("seed %d: the chain of %d is %v, want %v", seed, target, got, want)
			}
			if got != nil {
				reached++
			} else {
				gaps++
			}
		}
		pins := []ltx.TXID{1 + ltx.TXID(rnd.Uint64N(60))}
		got, want := thinnable(files, ages, pins, now), thinnableOneByOne(files, ages, pins, now)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d files go, want %d", seed, len(got), len(want))
		}
		gone += len(got)
	}
	if gone == 0 || held == 0 || reached == 0 || gaps == 0 {
		t.Errorf("nothing was compared: %d files go, %d are held, %d points are reached, %d not", gone, held, reached, gaps)
	}
}

// anyHistory is some files of every level, in the order in which they begin.
func anyHistory(rnd *rand.Rand, now time.Time) map[int][]*ltx.FileInfo {
	files := map[int][]*ltx.FileInfo{}
	for level := range len(app.Retention{}) {
		at := ltx.TXID(1)
		for range rnd.IntN(25) {
			long := ltx.TXID(rnd.IntN(1 << (level + 1)))
			files[level] = append(files[level], info(level, at, at+long, time.Duration(rnd.Int64N(int64(6*time.Hour))), now))
			at += long + 1
			switch rnd.IntN(8) {
			case 0:
				at += ltx.TXID(rnd.IntN(4)) // a gap
			case 1:
				at -= min(at-1, ltx.TXID(rnd.IntN(6))) // an overlap
			}
		}
	}
	for range rnd.IntN(4) {
		files[snapshotLevel] = append(files[snapshotLevel], info(snapshotLevel, 1, 1+ltx.TXID(rnd.Uint64N(50)), time.Duration(rnd.Int64N(int64(8*time.Hour))), now))
	}
	for _, list := range files {
		slices.SortFunc(list, func(a, b *ltx.FileInfo) int {
			return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
		})
	}
	return files
}

func holderOneByOne(f *ltx.FileInfo, coarser []*ltx.FileInfo) *ltx.FileInfo {
	i := slices.IndexFunc(coarser, func(g *ltx.FileInfo) bool { return g.MinTXID <= f.MinTXID && f.MaxTXID <= g.MaxTXID })
	if i < 0 {
		return nil
	}
	return coarser[i]
}

func chainOneByOne(files map[int][]*ltx.FileInfo, target ltx.TXID) []*ltx.FileInfo {
	var out []*ltx.FileInfo
	end := ltx.TXID(0)
	for _, f := range files[snapshotLevel] {
		if f.MaxTXID <= target {
			out, end = []*ltx.FileInfo{f}, f.MaxTXID
		}
	}
	for end < target {
		var best *ltx.FileInfo
		for level := range len(app.Retention{}) {
			for _, f := range files[level] {
				if f.MinTXID <= end+1 && f.MaxTXID > end && f.MaxTXID <= target && (best == nil || f.MaxTXID > best.MaxTXID) {
					best = f
				}
			}
		}
		if best == nil {
			return nil
		}
		out, end = append(out, best), best.MaxTXID
	}
	return out
}

func thinnableOneByOne(files map[int][]*ltx.FileInfo, ages []age, pins []ltx.TXID, now time.Time) (out []*ltx.FileInfo) {
	keep := map[*ltx.FileInfo]bool{}
	newest := ltx.TXID(0)
	for _, list := range files {
		newest = max(newest, maxTXID(list))
	}
	for _, pin := range append([]ltx.TXID{newest}, pins...) {
		for _, f := range chainOneByOne(files, pin) {
			keep[f] = true
		}
	}
	full := files[snapshotLevel]
	base := oldFull(full, reach(ages), now)
	for _, a := range ages {
		for j, f := range files[a.level] {
			if j == len(files[a.level])-1 || keep[f] || now.Sub(f.CreatedAt) <= a.keep {
				continue
			}
			g := holderOneByOne(f, files[a.level+1])
			outlived := g != nil && g.CreatedAt.Before(now.Add(-a.keep))
			copied := slices.ContainsFunc(full, func(g *ltx.FileInfo) bool { return g.MaxTXID == f.MaxTXID })
			if beyond(base, f) || outlived || copied {
				out = append(out, f)
			}
		}
	}
	for _, f := range full {
		if base != nil && f.MaxTXID < base.MaxTXID && !keep[f] {
			out = append(out, f)
		}
	}
	return out
}
