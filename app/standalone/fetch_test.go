package standalone

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// objectOf is an object of machine m1.
func objectOf(t testing.TB, hdr ltx.Header, pgnos []uint32, pages ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := ltx.NewEncoder(&b)
	if err != nil {
		t.Fatal(err)
	}
	hdr.Version, hdr.Flags, hdr.NodeID = ltx.Version, ltx.HeaderFlagNoChecksum, nodeID("m1")
	if err := enc.EncodeHeader(hdr); err != nil {
		t.Fatal(err)
	}
	for i, p := range pages {
		if err := enc.EncodePage(ltx.PageHeader{Pgno: pgnos[i]}, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	w.write(1000, 3000)
	w.write(10, 300)
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	var steps []int64
	err = r.Fetch(t.Context(), plan, filepath.Join(t.TempDir(), "x"), func(done, total int64) {
		if total != plan.Bytes {
			t.Errorf("total %d, planned %d", total, plan.Bytes)
		}
		steps = append(steps, done)
	})
	if err != nil || len(steps) < 3 || steps[len(steps)-1] != plan.Bytes {
		t.Fatalf("%v %v of %d", err, steps, plan.Bytes)
	}
	for i := 1; i < len(steps); i++ {
		if steps[i] < steps[i-1] {
			t.Errorf("went back: %v", steps)
		}
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	w.write(2000, 3000)
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	goroutines := runtime.NumGoroutine()
	for _, after := range []int64{0, 1, 3 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		if after == 0 {
			cancel()
		}
		to := filepath.Join(t.TempDir(), "x")
		err := r.Fetch(ctx, plan, to, func(done, _ int64) {
			if done >= after {
				cancel()
			}
		})
		cancel()
		if app.CodeOf(err) != app.CodeCanceled {
			t.Errorf("after %d bytes: %v", after, err)
		}
		if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after %d bytes a file was left: %v", after, err)
		}
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, n)
	}
}

func TestFetchNeverOverwrites(t *testing.T) {
	target := fileTarget(t)
	newTwin(t, target, "m1", 4096).write(5, 100)
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCode(t, r.Fetch(t.Context(), plan, to, nil), app.CodeRefused)
	if b, err := os.ReadFile(to); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
	mustCode(t, r.Fetch(t.Context(), plan, filepath.Join(to+"-folder", "x"), nil), app.CodeNotFound)
}

// TestMergedBetweenPlanAndFetch: the engine merges and thins while somebody looks at the plan.
func TestMergedBetweenPlanAndFetch(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	for range 6 {
		w.write(5, 300)
	}
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	w.merge(1)
	w.drop(0, func(*ltx.FileInfo) bool { return false })
	to := filepath.Join(t.TempDir(), "image.db")
	if err := r.Fetch(t.Context(), plan, to, nil); err != nil {
		t.Fatal(err)
	}
	if c := contentOfFile(t, to); c != w.ledger[w.order[5]] {
		t.Errorf("%s, want %s", c, w.ledger[w.order[5]])
	}
}

// TestRenamedFolderStaysRestorable: people copy and rename folders; then all objects carry the old machine's number.
func TestRenamedFolderStaysRestorable(t *testing.T) {
	target := fileTarget(t)
	w := newTwin(t, target, "m1", 4096)
	last := ltx.TXID(0)
	for range 3 {
		last = w.write(5, 300)
	}
	root := filepath.Join(target.at.path, layoutRoot, twinUser)
	if err := os.CopyFS(filepath.Join(root, "saved"), os.DirFS(filepath.Join(root, "m1"))); err != nil {
		t.Fatal(err)
	}
	path, _ := fetch(t, replicaOf(target, "x"), "saved", app.Moment{})
	if c := contentOfFile(t, path); c != w.ledger[last] {
		t.Errorf("%s, want %s", c, w.ledger[last])
	}
}

// TestForeignFullCopyIsRefused: a plan of a single object has nobody in it to disagree with.
func TestForeignFullCopyIsRefused(t *testing.T) {
	target := fileTarget(t)
	w, other := newTwin(t, target, "m1", 4096), newTwin(t, target, "m2", 4096)
	for range 3 {
		w.write(5, 300)
		other.write(5, 300)
	}
	w.snapshot()
	other.snapshot()
	full := objectName(w.list(levels - 1)[0])
	root := filepath.Join(target.at.path, layoutRoot, twinUser)
	copyFile(t, filepath.Join(root, "m2", full), filepath.Join(root, "m1", full))
	err := tryFetch(t, replicaOf(target, "m1"), app.Moment{}, filepath.Join(t.TempDir(), "x"))
	offersGood(t, w, replicaOf(target, "m1"), err, []string{full})

	// The changes are still there one by one: whoever may, gets the same point from them.
	around := NewReplica(ReplicaConfig{Target: target, User: twinUser, Machine: "m1", WorkAround: true})
	err = tryFetch(t, around, app.Moment{}, filepath.Join(t.TempDir(), "x"))
	offersGood(t, w, around, err, []string{full})
	if fault, ok := errors.AsType[*Damage](err); !ok || fault.Good.ID != w.order[2].String() {
		t.Errorf("offered %+v, want %s", fault, w.order[2])
	}
}

// TestLockPageIsNotMissed: a database over 1 GiB has a page that no object holds, and no other.
func TestLockPageIsNotMissed(t *testing.T) {
	const pageSize = 65536
	lock := ltx.LockPgno(pageSize)
	for _, absent := range []uint32{0, 1, lock - 1, lock + 1, lock + 2} {
		m, err := newImage(nil, pageSize, lock+2, lock, func() {})
		if err != nil {
			t.Fatal(err)
		}
		for pgno := uint32(1); pgno <= lock+3; pgno++ { // one more than the database has now
			if pgno != lock && pgno != absent {
				if err := m.keep(pgno); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := m.finish(); err != nil || m.missing() != absent {
			t.Errorf("without %d: missing %d, %v", absent, m.missing(), err)
		}
	}
}

func TestCloudBreaksInTheMiddle(t *testing.T) {
	target, g := gcsTarget(t)
	patient(t, target)
	w := newTwin(t, target, "m1", 4096)
	w.write(1500, 3000)
	w.write(5, 100)
	r := replicaOf(target, "m1")
	plan, err := r.Plan(t.Context(), "", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	lift := g.Fault(apptest.Reads, apptest.Fault{Cut: apptest.CutBody, Keep: 2 << 20, Times: 1})
	to := filepath.Join(t.TempDir(), "image.db")
	if err := r.Fetch(t.Context(), plan, to, nil); err != nil {
		t.Fatalf("one break: %v", err)
	}
	lift()
	if c := contentOfFile(t, to); c != w.ledger[w.order[1]] {
		t.Errorf("%s, want %s", c, w.ledger[w.order[1]])
	}
	g.Fault(apptest.Reads, apptest.Fault{Cut: apptest.CutBody, Keep: 1000})
	again := filepath.Join(t.TempDir(), "image.db")
	mustCode(t, r.Fetch(t.Context(), plan, again, nil), app.CodeUnreachable)
	if _, err := os.Stat(again); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a partial file was left: %v", err)
	}
}

func TestCloudCorruptions(t *testing.T) {
	target, g := gcsTarget(t)
	patient(t, target)
	w := newTwin(t, target, "m1", 4096)
	for range 4 {
		w.write(10, 300)
	}
	newest := objectName(w.list(0)[3])
	key := "some/where/" + machineDir(twinUser, "m1") + "/" + newest
	pristine := g.Read("memory", key)
	for name, change := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"no header": func(b []byte) []byte { return b[:50] },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"other name": func([]byte) []byte {
			return g.Read("memory", strings.Replace(key, newest, objectName(w.list(0)[2]), 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g.Put("memory", key, bytes.Clone(pristine))
			g.Corrupt("memory", key, change)
			r := replicaOf(target, "m1")
			err := tryFetch(t, r, app.Moment{}, filepath.Join(t.TempDir(), "x"))
			offersGood(t, w, r, err, []string{newest})
			if fault, ok := errors.AsType[*Damage](err); ok && fault.Good.ID != w.order[2].String() {
				t.Errorf("offered %s, want %s", fault.Good.ID, w.order[2])
			}
		})
	}
}
