package standalone

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

func info(level int, lo, hi ltx.TXID, age time.Duration, now time.Time) *ltx.FileInfo {
	return &ltx.FileInfo{Level: level, MinTXID: lo, MaxTXID: hi, CreatedAt: now.Add(-age)}
}

func TestMergedUpTo(t *testing.T) {
	now := time.Now()
	f := func(lo, hi ltx.TXID) *ltx.FileInfo { return info(0, lo, hi, 0, now) }
	for name, tc := range map[string]struct {
		src, dst, full []*ltx.FileInfo
		want           ltx.TXID
	}{
		"nothing":                          {nil, nil, nil, 0},
		"from the start":                   {[]*ltx.FileInfo{f(1, 1), f(2, 2)}, nil, nil, 0},
		"after the first full copy":        {[]*ltx.FileInfo{f(1, 1), f(2, 2)}, nil, []*ltx.FileInfo{f(1, 1)}, 1},
		"after what is merged":             {[]*ltx.FileInfo{f(2, 2), f(3, 3)}, []*ltx.FileInfo{f(1, 2)}, nil, 2},
		"after a gap":                      {[]*ltx.FileInfo{f(2, 2), f(5, 5), f(6, 6)}, nil, []*ltx.FileInfo{f(1, 1)}, 4},
		"after a newer full copy":          {[]*ltx.FileInfo{f(2, 2), f(3, 3)}, nil, []*ltx.FileInfo{f(1, 1), f(1, 3)}, 3},
		"an overlap with the copy is fine": {[]*ltx.FileInfo{f(2, 4), f(5, 6)}, nil, []*ltx.FileInfo{f(1, 3)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mergedUpTo(tc.src, tc.dst, tc.full); got != tc.want {
				t.Errorf("mergedUpTo = %d, want %d", got, tc.want)
			}
		})
	}
}

// TestThinningKeepsThePromise lets 40 simulated days of steady writing pass, merging and thinning as the engine does,
// and holds what is left against the promised timeline.
func TestThinningKeepsThePromise(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const step = 10 * time.Second // one change every ten seconds
	files := map[int][]*ltx.FileInfo{}
	now := start
	var txid ltx.TXID
	for now.Sub(start) < 40*24*time.Hour {
		now = now.Add(step)
		txid++
		files[0] = append(files[0], &ltx.FileInfo{Level: 0, MinTXID: txid, MaxTXID: txid, CreatedAt: now})
		simulateUpkeep(files, now, txid)
		if txid%8640 == 0 { // twice a day, after the hourly thinning
			holdPromise(t, files, now, txid)
		}
	}
	total := 0
	for _, list := range files {
		total += len(list)
	}
	if total > 8000 {
		t.Errorf("%d files are left; thinning does not thin", total)
	}
}

func simulateUpkeep(files map[int][]*ltx.FileInfo, now time.Time, txid ltx.TXID) {
	full := files[snapshotLevel]
	if len(full) == 0 || now.Sub(full[len(full)-1].CreatedAt) >= snapshotEvery {
		files[snapshotLevel] = append(full, &ltx.FileInfo{Level: snapshotLevel, MinTXID: 1, MaxTXID: txid, CreatedAt: now})
	}
	mergeAsDue(files, now)
	if now.Unix()%3600 != 0 {
		return
	}
	gone := map[*ltx.FileInfo]bool{}
	for _, f := range thinnable(files, agesOf(app.Retention{}), nil, now) {
		gone[f] = true
	}
	for level, list := range files {
		kept := list[:0:0]
		for _, f := range list {
			if !gone[f] {
				kept = append(kept, f)
			}
		}
		files[level] = kept
	}
}

func mergeAsDue(files map[int][]*ltx.FileInfo, now time.Time) {
	for _, a := range agesOf(app.Retention{})[1:] {
		src := files[a.level-1]
		after := mergedUpTo(tail(src), tail(files[a.level]), files[snapshotLevel])
		if end := windowEnd(tail(src), after, now, a); end > 0 {
			var last *ltx.FileInfo
			for _, f := range tail(src) {
				if f.MaxTXID == end {
					last = f
				}
			}
			files[a.level] = append(files[a.level], &ltx.FileInfo{Level: a.level, MinTXID: after + 1, MaxTXID: end, CreatedAt: last.CreatedAt})
		}
	}
}

// tail is the end of a list, enough for every merge, so that the simulation stays fast.
func tail(list []*ltx.FileInfo) []*ltx.FileInfo { return list[max(0, len(list)-400):] }

// holdPromise checks that a point within the promised grain of each moment exists and has an unbroken chain.
func holdPromise(t *testing.T, files map[int][]*ltx.FileInfo, now time.Time, newest ltx.TXID) {
	t.Helper()
	age := func(id ltx.TXID) time.Duration { return time.Duration(newest-id) * 10 * time.Second }
	for _, p := range []struct{ back, grain time.Duration }{
		{30 * time.Minute, 10 * time.Second}, {59 * time.Minute, 10 * time.Second},
		{12 * time.Hour, 40 * time.Second}, {23 * time.Hour, 40 * time.Second},
		{3 * 24 * time.Hour, 6 * time.Minute}, {6 * 24 * time.Hour, 6 * time.Minute},
		{10 * 24 * time.Hour, 65 * time.Minute}, {29 * 24 * time.Hour, 65 * time.Minute},
	} {
		if age(1) < p.back+p.grain {
			continue
		}
		target := newest - ltx.TXID(p.back/(10*time.Second))
		var best ltx.TXID
		for _, list := range files {
			for _, f := range list {
				if f.MaxTXID <= target {
					best = max(best, f.MaxTXID)
				}
			}
		}
		if got := age(best) - p.back; got > p.grain {
			t.Fatalf("at %s: %s back the nearest point is %s earlier, promised %s", now, p.back, got, p.grain)
		}
		if chain(files, best) == nil {
			t.Fatalf("at %s: %s back the point %d has no unbroken chain", now, p.back, best)
		}
	}
}

// TestThinningLeavesNoHoles: after every single deletion all that is listed can be reached, whenever thinning comes: whoever
// looks meanwhile does not take it for damage, and no moment of the last hour goes with one of the hour before.
func TestThinningLeavesNoHoles(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ages := agesOf(app.Retention{})
	for _, after := range []time.Duration{time.Hour + 47*time.Second, 90*time.Minute + 7*time.Second, 26*time.Hour + 111*time.Second} {
		files := map[int][]*ltx.FileInfo{snapshotLevel: {{Level: snapshotLevel, MinTXID: 1, MaxTXID: 1, CreatedAt: start}}}
		now, txid := start, ltx.TXID(1)
		for now.Sub(start) < after {
			now, txid = now.Add(7*time.Second), txid+1
			files[0] = append(files[0], &ltx.FileInfo{Level: 0, MinTXID: txid, MaxTXID: txid, CreatedAt: now})
			mergeAsDue(files, now)
		}
		gone := newestFirst(thinnable(files, ages, nil, now))
		if len(gone) == 0 {
			t.Errorf("after %s nothing goes", after)
		}
		var h history
		for _, list := range files {
			h = append(h, list...)
		}
		slices.SortStableFunc(h, func(a, b *ltx.FileInfo) int { return cmp.Compare(a.MinTXID, b.MinTXID) })
		for i := range len(gone) + 1 {
			if i > 0 {
				h = h.without(map[*ltx.FileInfo]bool{gone[i-1]: true})
			}
			if i%37 != 0 && i < len(gone) { // each takes a while
				continue
			}
			reached := map[string]bool{}
			for _, p := range h.points() {
				reached[p.ID] = true
			}
			for _, f := range h {
				if !reached[f.MaxTXID.String()] {
					t.Fatalf("after %s and %d of %d deletions %s, %s old, cannot be reached", after, i, len(gone), objectName(f), now.Sub(f.CreatedAt))
				}
			}
		}
	}
}

func TestThinningKeepsPinnedPoints(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	files := map[int][]*ltx.FileInfo{
		snapshotLevel: {info(snapshotLevel, 1, 1, 2*day, now)},
		0:             {info(0, 1, 1, 2*day, now), info(0, 2, 2, 2*day, now), info(0, 3, 3, 2*day, now), info(0, 4, 4, 0, now)},
		1:             {info(1, 2, 4, day/2, now)},
	}
	if got := thinnable(files, agesOf(app.Retention{}), nil, now); len(got) != 3 {
		t.Fatalf("without a pin %d files go, want 3", len(got))
	}
	for _, f := range thinnable(files, agesOf(app.Retention{}), []ltx.TXID{3}, now) {
		if f.MaxTXID == 2 || f.MaxTXID == 3 {
			t.Errorf("file %d-%d goes, but the pinned point 3 needs it", f.MinTXID, f.MaxTXID)
		}
	}
}

func TestBackoff(t *testing.T) {
	now := time.Now()
	var b backoff
	if b.due(now) || b.wait(now, time.Hour) != time.Hour {
		t.Error("nothing failed, nothing is due")
	}
	for range 20 {
		b.failed(now)
		if w := b.wait(now, time.Hour); w < 500*time.Millisecond || w > backoffMax {
			t.Errorf("wait %s", w)
		}
	}
	b.reset()
	if !b.due(now) {
		t.Error("after waking up the retry is due at once")
	}
	b.ok()
	if b.due(now.Add(time.Hour)) {
		t.Error("nothing waits after a success")
	}
}

func TestSlept(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]bool{
		0: false, 5 * time.Second: false, 10 * time.Second: false, 16 * time.Second: true, 8 * time.Hour: true,
		-6 * time.Second: true, -time.Second: false,
	} {
		if got := slept(now, now.Round(0).Add(d)); got != want {
			t.Errorf("clock moved by %s: slept = %v", d, got)
		}
	}
}
