package standalone

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/superfly/ltx"
)

// TestPlansAgainstSearch holds points and plans of random histories against a search through all ways.
func TestPlansAgainstSearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for range 3000 {
		h := randomHistory(rnd)
		steps := shortest(h, 0)
		points := h.points()
		if len(points) != len(steps) {
			t.Fatalf("%d points, %d can be reached: %v", len(points), len(steps), h)
		}
		for i, p := range points {
			txid, err := ltx.ParseTXID(p.ID)
			if err != nil || i > 0 && points[i-1].ID <= p.ID {
				t.Fatalf("point %d is %s after %v, %v", i, p.ID, points[:i], err)
			}
			plan := h.plan(txid)
			if len(plan) != shortest(h, txid)[txid] || !leadsTo(plan, txid) {
				t.Fatalf("to %s: %d objects, %d are enough: %v", txid, len(plan), shortest(h, txid)[txid], plan)
			}
		}
		for txid := ltx.TXID(1); txid < 20; txid++ {
			if _, ok := steps[txid]; !ok && h.plan(txid) != nil {
				t.Fatalf("a plan for %s, which cannot be reached", txid)
			}
		}
	}
}

func randomHistory(rnd *rand.Rand) history {
	var h history
	for range 1 + rnd.IntN(12) {
		lo := ltx.TXID(1 + rnd.IntN(12))
		f := &ltx.FileInfo{Level: rnd.IntN(4), MinTXID: lo, MaxTXID: lo + ltx.TXID(rnd.IntN(6)), Size: 1, CreatedAt: time.Unix(int64(lo), 0)}
		if rnd.IntN(3) == 0 {
			f.Level, f.MinTXID = levels-1, 1
		}
		h = append(h, f)
	}
	slices.SortStableFunc(h, func(a, b *ltx.FileInfo) int { return int(a.MinTXID) - int(b.MinTXID) })
	return h
}

// shortest is how many objects it takes to each end that can be reached, without passing limit (0: none).
func shortest(h history, limit ltx.TXID) map[ltx.TXID]int {
	steps := map[ltx.TXID]int{0: 0}
	for changed := true; changed; {
		changed = false
		for _, f := range h {
			for from, n := range steps {
				if f.MinTXID > from+1 || f.MaxTXID <= from || limit != 0 && f.MaxTXID > limit {
					continue
				}
				if best, ok := steps[f.MaxTXID]; !ok || n+1 < best {
					steps[f.MaxTXID] = n + 1
					changed = true
				}
			}
		}
	}
	delete(steps, 0)
	return steps
}

func leadsTo(plan []*ltx.FileInfo, txid ltx.TXID) bool {
	end := ltx.TXID(0)
	for _, f := range plan {
		if !ltx.IsContiguous(end, f.MinTXID, f.MaxTXID) {
			return false
		}
		end = f.MaxTXID
	}
	return end == txid
}

func TestParsePoint(t *testing.T) {
	for id, want := range map[string]ltx.TXID{"1": 1, "00ff": 255, "A3F": 0xa3f, "0000000000000a3f": 0xa3f, " 7 ": 7} {
		if got, err := parsePoint(id); err != nil || got != want {
			t.Errorf("%q: %s, %v", id, got, err)
		}
	}
	for _, id := range []string{"", "0", "x", "-1", "00000000000000001x", "11111111111111111"} {
		if got, err := parsePoint(id); err == nil {
			t.Errorf("%q: %s", id, got)
		}
	}
}

// TestEarlierTimeWins: a full copy is recorded after the change it ends with.
func TestEarlierTimeWins(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	h := history{
		{Level: 0, MinTXID: 1, MaxTXID: 1, CreatedAt: at(10), Size: 1},
		{Level: levels - 1, MinTXID: 1, MaxTXID: 1, CreatedAt: at(15), Size: 2},
		{Level: 1, MinTXID: 1, MaxTXID: 1, CreatedAt: at(10), Size: 3},
	}
	p := h.points()
	if len(p) != 1 || !p[0].Time.Equal(at(10)) || p[0].Kind != "full" || p[0].Size != 2 {
		t.Errorf("%+v", p)
	}
}
