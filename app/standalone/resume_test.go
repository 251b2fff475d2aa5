package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

// resumable is a history with one large object and some small ones, and where a restore of its newest point is made.
type resumable struct {
	*twin
	target    *Target
	plan      app.RestorePlan
	to, notes string
	image     []byte // as it is made in one go
}

func newResumable(t *testing.T, target *Target, rows int) *resumable {
	t.Helper()
	r := &resumable{twin: newTwin(t, target, "m1", 4096), target: target}
	r.write(rows, 3000)
	for range 5 {
		r.write(30, 3000)
	}
	path, plan := fetch(t, replicaOf(target, "m1"), "", app.Moment{})
	r.plan = plan
	r.image = fileContent(t, path)
	r.place()
	return r
}

// place makes an empty place for the next restore.
func (r *resumable) place() {
	dir := r.t.TempDir()
	r.to, r.notes = filepath.Join(dir, "image.db"), filepath.Join(dir, "notes")
}

func fileContent(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// resumed is one try, on its own replica as after a restart: what of it was there, and what was read.
func (r *resumable) resumed(ctx context.Context, progress func(done, total int64)) (had, fetched int64, err error) {
	var m meter
	had, err = NewReplica(ReplicaConfig{Target: r.target.metered(&m), User: twinUser, Machine: "m1"}).Resume(ctx, r.plan, r.to, r.notes, progress)
	return had, m.fetched.Load(), err
}

// canceled is a try that is canceled once it has come to a place; it may be done before.
func (r *resumable) canceled(at int64) (reached int64, err error) {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	_, _, err = r.resumed(ctx, func(done, _ int64) {
		if reached = max(reached, done); done >= at {
			cancel()
		}
	})
	return reached, err
}

// exact asserts that the image is there as it is made in one go.
func (r *resumable) exact() {
	r.t.Helper()
	if !bytes.Equal(fileContent(r.t, r.to), r.image) {
		r.t.Error("the image differs from one that was made in one go")
	}
}

// TestResume cancels a restore again and again. What was read is never read again.
func TestResume(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		r := newResumable(t, target, 3000)
		reached, total := int64(0), r.plan.Bytes
		for _, percent := range []int64{20, 21, 55, 90} {
			now, err := r.canceled(percent * total / 100)
			if app.CodeOf(err) != app.CodeCanceled || now < reached-progressStep {
				t.Errorf("canceled at %d%%: %v; came to %d, and had come to %d before", percent, err, now, reached)
			}
			reached = max(reached, now)
		}
		first := int64(-1)
		had, fetched, err := r.resumed(t.Context(), func(done, all int64) {
			if all != total || done < first {
				t.Errorf("%d of %d after %d, want %d", done, all, first, total)
			}
			first = done
		})
		if err != nil {
			t.Fatal(err)
		}
		r.exact()
		if had < reached-progressStep || fetched > total-reached+progressStep {
			t.Errorf("came to %d of %d; then had %d and fetched %d", reached, total, had, fetched)
		}
		if had, fetched, err = r.resumed(t.Context(), nil); err != nil || had != total || fetched != 0 {
			t.Errorf("a whole one: had %d, fetched %d, %v", had, fetched, err)
		}
		r.exact()
	})
}

// TestResumeBelievesNothing changes what was left in random ways. The image is exact, or the reason is said.
func TestResumeBelievesNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := newResumable(t, fileTarget(t), 1500)
	flip := func(path string) {
		rewrite(t, path, func(b []byte) []byte {
			for range 1 + rnd.IntN(4) {
				b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			}
			return b
		})
	}
	cut := func(path string) {
		rewrite(t, path, func(b []byte) []byte { return b[:rnd.IntN(len(b))] })
	}
	for i := range 60 {
		r.place()
		if _, err := r.canceled(rnd.Int64N(r.plan.Bytes * 2 / 3)); err == nil {
			t.Fatal("it was not canceled")
		}
		ways := []struct {
			name string
			do   func()
		}{
			{"image flipped", func() { flip(r.to) }},
			{"image cut", func() { cut(r.to) }},
			{"image longer", func() { rewrite(t, r.to, func(b []byte) []byte { return append(b, b...) }) }},
			{"image gone", func() { mustRemove(t, r.to) }},
			{"image another", func() {
				rewrite(t, r.to, func(b []byte) []byte { return bytes.Repeat([]byte("another "), len(b)/8) })
			}},
			{"image zeroed from a place on", func() {
				rewrite(t, r.to, func(b []byte) []byte { at := rnd.IntN(len(b)); clear(b[at:]); return b })
			}},
			{"notes flipped", func() { flip(r.notes) }},
			{"notes cut", func() { cut(r.notes) }},
			{"notes gone", func() { mustRemove(t, r.notes) }},
			{"notes twice", func() { rewrite(t, r.notes, func(b []byte) []byte { return append(b, b...) }) }},
			{"nothing", func() {}},
			{"an object of the plan gone for a moment", func() {
				small := r.list(0)[5]
				path := filepath.Join(r.target.at.path, machineDir(twinUser, "m1"), objectName(small))
				away := path + ".away"
				if err := os.Rename(path, away); err != nil {
					t.Fatal(err)
				}
				if _, _, err := r.resumed(t.Context(), nil); err == nil && rnd.IntN(2) == 0 {
					t.Log("it was not needed any more")
				}
				if err := os.Rename(away, path); err != nil {
					t.Fatal(err)
				}
			}},
		}
		way := ways[i%len(ways)]
		way.do()
		if _, _, err := r.resumed(t.Context(), nil); err != nil {
			t.Fatalf("%d, %s: %v", i, way.name, err)
		}
		if !bytes.Equal(fileContent(t, r.to), r.image) {
			t.Fatalf("%d, %s: the image differs", i, way.name)
		}
	}
}

func mustRemove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestResumeOfAnotherPoint: pages of one point are never taken for another's.
func TestResumeOfAnotherPoint(t *testing.T) {
	r := newResumable(t, fileTarget(t), 1500)
	if _, err := r.canceled(r.plan.Bytes / 2); err == nil {
		t.Fatal("it was not canceled")
	}
	other, err := replicaOf(r.target, "m1").Plan(t.Context(), "", app.Moment{Point: r.order[2].String()})
	if err != nil {
		t.Fatal(err)
	}
	r.plan = other
	had, _, err := r.resumed(t.Context(), nil)
	if err != nil || had != 0 {
		t.Fatalf("had %d, %v", had, err)
	}
	if c := contentOfFile(t, r.to); c != r.ledger[r.order[2]] {
		t.Errorf("%s, want %s", c, r.ledger[r.order[2]])
	}
}

// TestResumeOfAnotherHistory: the copies were deleted and began anew meanwhile, and have a point of the same number.
func TestResumeOfAnotherHistory(t *testing.T) {
	r := &resumable{target: fileTarget(t)}
	live := func() *twin {
		w := newTwin(t, r.target, "m1", 4096)
		w.exec("INSERT INTO notes(body) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<400) SELECT randomblob(3000) FROM k")
		w.send()
		for i := range 300 { // one page each, so that a restore is interrupted between two of them
			w.exec("UPDATE notes SET body = randomblob(3000) WHERE id = ?", i+1)
			w.send()
		}
		return w
	}
	r.twin = live()
	r.place()
	var err error
	if r.plan, err = replicaOf(r.target, "m1").Plan(t.Context(), "", app.Moment{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.canceled(r.plan.Bytes / 3); err == nil {
		t.Fatal("it was not canceled")
	}
	if err := os.RemoveAll(filepath.Join(r.target.at.path, "standalone")); err != nil {
		t.Fatal(err)
	}
	found, err := readNotes(r.notes, nameOfImage(r.target, twinUser, r.plan))
	if err != nil || found == nil || found.lines[0].Part != nil {
		t.Fatalf("it was not interrupted between two objects: %+v, %v", found, err)
	}
	if err := os.Truncate(r.notes, found.lines[0].end); err != nil { // as far as it was when it was killed
		t.Fatal(err)
	}
	other := live()
	if r.plan, err = replicaOf(r.target, "m1").Plan(t.Context(), "", app.Moment{Point: r.plan.Point.ID}); err != nil {
		t.Fatal(err)
	}
	had, _, err := r.resumed(t.Context(), nil)
	if err != nil || had != 0 {
		t.Errorf("had %d of another history, %v", had, err)
	}
	if got, want := contentOfFile(t, r.to), contentOf(t, other.sql); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestResumeAfterMerge: the objects of the plan are others when it goes on. What was read of whole ones counts.
func TestResumeAfterMerge(t *testing.T) {
	for name, change := range map[string]func(r *resumable){
		"merged":          func(r *resumable) { r.merge(1) },
		"merged, thinned": func(r *resumable) { r.merge(1); r.drop(0, func(*ltx.FileInfo) bool { return false }) },
		"a full copy":     func(r *resumable) { r.snapshot() },
		"only a full copy": func(r *resumable) {
			r.snapshot()
			for level := range levels - 1 {
				r.drop(level, func(*ltx.FileInfo) bool { return false })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, percent := range []int64{1, 3, 10, 60} {
				r := newResumable(t, fileTarget(t), 1500)
				if _, err := r.canceled(percent * r.plan.Bytes / 100); err == nil {
					t.Fatal("it was not canceled")
				}
				change(r)
				plan, err := replicaOf(r.target, "m1").Plan(t.Context(), "", app.Moment{Point: r.plan.Point.ID})
				if err != nil {
					t.Fatal(err)
				}
				had, fetched, err := r.resumed(t.Context(), nil)
				if err != nil || fetched > plan.Bytes-had+progressStep {
					t.Fatalf("canceled at %d%%: had %d of %d, fetched %d, %v", percent, had, plan.Bytes, fetched, err)
				}
				r.exact()
			}
		})
	}
}

// TestResumeReadsWhatWasMergedLaterOnly: of a large object that is still there, what was read is not read again, though the
// smaller ones after it are others now.
func TestResumeReadsWhatWasMergedLaterOnly(t *testing.T) {
	target := fileTarget(t)
	r := &resumable{twin: newTwin(t, target, "m1", 4096), target: target}
	r.write(3000, 3000)
	r.merge(1)
	r.drop(0, func(*ltx.FileInfo) bool { return false })
	for range 5 {
		r.write(30, 3000)
	}
	path, plan := fetch(t, replicaOf(r.target, "m1"), "", app.Moment{})
	r.plan, r.image = plan, fileContent(t, path)
	r.place()
	if _, err := r.canceled(plan.Bytes * 7 / 10); err == nil {
		t.Fatal("it was not canceled")
	}
	r.merge(1)
	r.drop(0, func(*ltx.FileInfo) bool { return false })
	had, fetched, err := r.resumed(t.Context(), nil)
	if err != nil || had < plan.Bytes/2 || fetched > plan.Bytes/2 {
		t.Errorf("had %d and fetched %d of %d, %v", had, fetched, plan.Bytes, err)
	}
	r.exact()
}

// TestResumeNamesDamage: an object that is damaged is at fault, with and without what was left, and then nothing is left.
func TestResumeNamesDamage(t *testing.T) {
	for _, percent := range []int64{0, 40, 80} {
		r := newResumable(t, fileTarget(t), 1500)
		if percent > 0 {
			if _, err := r.canceled(percent * r.plan.Bytes / 100); err == nil {
				t.Fatal("it was not canceled")
			}
		}
		big := objectName(r.list(0)[0])
		path := filepath.Join(r.target.at.path, machineDir(twinUser, "m1"), big)
		rewrite(t, path, func(b []byte) []byte { b[len(b)*9/10] ^= 1; return b })
		_, _, err := r.resumed(t.Context(), nil)
		mustCode(t, err, app.CodeDamaged)
		if fault, ok := errors.AsType[*Damage](err); !ok || fault.Object != big {
			t.Errorf("%d%%: %v", percent, err)
		}
		for _, path := range []string{r.to, r.notes} {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d%%: %s was left: %v", percent, filepath.Base(path), err)
			}
		}
	}
}

// TestResumeBlamesNoGoodObject: notes that are whole and wrong cost time and nothing else.
func TestResumeBlamesNoGoodObject(t *testing.T) {
	r := newResumable(t, fileTarget(t), 1500)
	if _, err := r.canceled(r.plan.Bytes / 2); err == nil {
		t.Fatal("it was not canceled")
	}
	of := nameOfImage(r.target, twinUser, r.plan)
	found, err := readNotes(r.notes, of)
	if err != nil || found == nil || found.lines[len(found.lines)-1].Part == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	f, err := os.Create(r.notes)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := slabSumsBy(found.Key)
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{of, sums, f}
	err = n.begin(found.PageSize, found.Commit)
	for _, line := range found.lines {
		if line.Part != nil {
			line.Part.Sum ^= 1
		}
		err = errors.Join(err, n.line(line))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	_, fetched, err := r.resumed(t.Context(), nil)
	if err != nil || fetched < r.plan.Bytes {
		t.Fatalf("fetched %d of %d, %v", fetched, r.plan.Bytes, err)
	}
	r.exact()
}

// meanwhile resumes, and lets something happen once the restore has come to a place.
func (r *resumable) meanwhile(percent int64, happens func()) (had, fetched int64, err error) {
	happened := false
	return r.resumed(r.t.Context(), func(done, total int64) {
		if !happened && done >= percent*total/100 {
			happened = true
			happens()
		}
	})
}

// TestResumeWhileTheOwnerMerges: the machine whose history it is merges and thins it while another one reads, which it cannot
// know. The same point is planned again, and what was read stays.
func TestResumeWhileTheOwnerMerges(t *testing.T) {
	for _, percent := range []int64{1, 30, 90} {
		r := newResumable(t, fileTarget(t), 1500)
		_, _, err := r.meanwhile(percent, func() {
			r.merge(1)
			r.drop(0, func(*ltx.FileInfo) bool { return false })
		})
		if err != nil {
			t.Fatalf("at %d%%: %v", percent, err)
		}
		r.exact()
	}
}

// TestRestoreWhileTheOwnerIsBusy: what took the place of the objects that were listed is merged too, before it is read, again
// and again. The point is made all the same.
func TestRestoreWhileTheOwnerIsBusy(t *testing.T) {
	r := newResumable(t, fileTarget(t), 1500)
	var merged atomic.Int64
	var one sync.Mutex
	r.target.store = openingStore{r.target.store, func(key string) { // by several at once
		level := merged.Load()
		if level == levels-2 || !strings.Contains(key, fmt.Sprintf("/%s/%d/", ltxDir, level)) || !merged.CompareAndSwap(level, level+1) {
			return
		}
		one.Lock() // merging reads too, and comes no further than the line before
		defer one.Unlock()
		r.merge(int(level) + 1)
		r.drop(int(level), func(*ltx.FileInfo) bool { return false })
	}}
	if _, _, err := r.resumed(t.Context(), nil); err != nil || merged.Load() != levels-2 {
		t.Fatalf("merged %d times: %v", merged.Load(), err)
	}
	r.exact()
}

// openingStore tells of each object before it is opened.
type openingStore struct {
	store
	opens func(key string)
}

func (s openingStore) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	s.opens(key)
	return s.store.open(ctx, key, offset, size)
}

// TestResumeOfAPointThatTheOwnerLetGo: then it is said which point is near, and that one is made anew in the same place.
func TestResumeOfAPointThatTheOwnerLetGo(t *testing.T) {
	r := newResumable(t, fileTarget(t), 1500)
	if _, err := r.canceled(r.plan.Bytes / 2); err == nil {
		t.Fatal("it was not canceled")
	}
	r.write(10, 300)
	r.snapshot()
	for level := range levels - 1 {
		r.drop(level, func(*ltx.FileInfo) bool { return false })
	}
	_, _, err := r.resumed(t.Context(), nil)
	newest := r.order[len(r.order)-1].String()
	if e := mustCode(t, err, app.CodeNotFound); !strings.Contains(e.Message, r.plan.Point.ID) || !strings.Contains(e.Hint, newest) {
		t.Errorf("%s %s, want %s", e.Message, e.Hint, newest)
	}
	if r.plan, err = replicaOf(r.target, "m1").Plan(t.Context(), "", app.Moment{}); err != nil || r.plan.Point.ID != newest {
		t.Fatalf("%+v, %v", r.plan, err)
	}
	if had, _, err := r.resumed(t.Context(), nil); err != nil || had != 0 {
		t.Fatalf("had %d, %v", had, err)
	}
	if c := contentOfFile(t, r.to); c != r.ledger[r.order[len(r.order)-1]] {
		t.Errorf("%s, want %s", c, r.ledger[r.order[len(r.order)-1]])
	}
}
