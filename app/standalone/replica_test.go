package standalone

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestFetchIsExactAtEveryPoint(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		w := newTwin(t, target, "m1", 4096)
		for i := range 24 {
			w.write(20, 300)
			switch i {
			case 8, 16:
				w.merge(1)
			case 12:
				w.snapshot()
			case 14:
				w.exec("DELETE FROM notes WHERE id > 40")
				w.exec("VACUUM")
				w.send()
			case 18:
				w.merge(2)
			}
		}
		r := replicaOf(target, "m1")
		tl, err := r.Timeline(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(tl.Points) != int(w.order[len(w.order)-1]) || tl.Points[0].ID != w.order[len(w.order)-1].String() {
			t.Errorf("%d points, newest %s; want %d", len(tl.Points), tl.Points[0].ID, w.order[len(w.order)-1])
		}
		w.holds(r, w.order...)
	})
}

// TestTimesSurviveACopy copies a replica as a cloud drive or cp -r does, which keeps no times of files.
func TestTimesSurviveACopy(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	for range 30 {
		w.write(1, 50)
	}
	w.merge(1)
	w.snapshot()
	want, err := replicaOf(target, "m1").Timeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{1, 10 * time.Millisecond, time.Second, 2 * time.Second} { // what file systems can tell
		folder := filepath.Join(t.TempDir(), "copies")
		if err := os.CopyFS(folder, os.DirFS(target.at.path)); err != nil {
			t.Fatal(err)
		}
		if step > 1 {
			truncateTimes(t, folder, step)
		}
		copied, err := OpenTarget(t.Context(), TargetConfig{URL: "file://" + folder})
		if err != nil {
			t.Fatal(err)
		}
		got, err := replicaOf(copied, "m1").Timeline(t.Context(), "")
		if err != nil || !reflect.DeepEqual(got.Points, want.Points) {
			t.Errorf("steps of %v: %v, %v; want %v", step, got.Points, err, want.Points)
		}
	}
}

func truncateTimes(t *testing.T, folder string, step time.Duration) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		at := time.Now().Truncate(step)
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkTimesOfACopy lists 10,000 objects, whose times must all be read from their headers.
func BenchmarkTimesOfACopy(b *testing.B) {
	const n = 10_000
	folder := b.TempDir()
	target, err := OpenTarget(b.Context(), TargetConfig{URL: "file://" + folder})
	if err != nil {
		b.Fatal(err)
	}
	c := newLTXClient(target, "mira", "m1")
	header, err := (&ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1, Timestamp: 1}).MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, c.dirs[0]), 0o700); err != nil {
		b.Fatal(err)
	}
	for i := range ltx.TXID(n) {
		if err := os.WriteFile(filepath.Join(folder, c.key(0, i+1, i+1)), header, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if h, err := readHistory(b.Context(), c); err != nil || len(h) != n || h[0].CreatedAt.UnixMilli() != 1 {
			b.Fatal(len(h), err)
		}
	}
}

func TestFetchAfterThinning(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	for range 10 {
		w.write(10, 200)
	}
	w.merge(1)
	w.snapshot()
	w.write(10, 200)
	w.merge(1)
	first, last := w.order[0], w.order[len(w.order)-1]
	w.drop(0, func(f *ltx.FileInfo) bool { return f.MinTXID == first })
	r := replicaOf(target, "m1")
	tl, err := r.Timeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]app.PointKind{}
	for _, p := range tl.Points {
		kinds[p.ID] = p.Kind
	}
	want := map[string]app.PointKind{
		first.String(): app.PointChange, w.order[len(w.order)-2].String(): app.PointFull, last.String(): app.PointMerged,
	}
	for id, kind := range want {
		if kinds[id] != kind {
			t.Errorf("%s is %q, want %q (all: %v)", id, kinds[id], kind, kinds)
		}
	}
	if len(kinds) != len(want) {
		t.Errorf("points %v, want %v", kinds, want)
	}
	w.holds(r, first, w.order[len(w.order)-2], last)
	_, err = r.Plan(t.Context(), "", app.Moment{Point: w.order[4].String()})
	mustCode(t, err, app.CodeNotFound)
}

func TestPageSizes(t *testing.T) {
	for _, size := range []int{512, 1024, 8192, 65536} {
		target := fileTarget(t)
		w := newTwin(t, target, "m1", size)
		w.write(40, 900)
		w.write(3, 90000)
		w.holds(replicaOf(target, "m1"), w.order...)
	}
}

func TestPlanByTime(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	for range 4 {
		w.write(3, 100)
		time.Sleep(5 * time.Millisecond) // times have milliseconds; this makes them differ, nothing waits for it
	}
	r := replicaOf(target, "m1")
	tl, err := r.Timeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range tl.Points {
		for _, at := range []time.Time{p.Time, p.Time.Add(time.Millisecond / 2)} {
			plan, err := r.Plan(t.Context(), "", app.Moment{At: at})
			if err != nil || plan.Point.ID != p.ID {
				t.Errorf("at %v: %s, %v; want point %d, %s", at, plan.Point.ID, err, i, p.ID)
			}
		}
	}
	oldest := tl.Points[len(tl.Points)-1].Time
	if !tl.Oldest.Equal(oldest) {
		t.Errorf("goes back to %v, oldest is %v", tl.Oldest, oldest)
	}
	_, err = r.Plan(t.Context(), "", app.Moment{At: oldest.Add(-time.Millisecond)})
	mustCode(t, err, app.CodeNotFound)
	_, err = r.Plan(t.Context(), "", app.Moment{At: time.Now().Add(time.Hour)})
	mustCode(t, err, app.CodeInvalid)
	newest, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil || !reflect.DeepEqual(newest.Point, tl.Points[0]) {
		t.Errorf("newest: %+v, %v", newest.Point, err)
	}
}
