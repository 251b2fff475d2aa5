package standalone

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// putBack makes a target hold exactly what it held before, but for objects that skip names.
func (t *Target) putBack(tb *testing.T, before map[string][]byte, skip func(key string) bool) {
	tb.Helper()
	stored := t.asStored().store
	for key := range t.everything(tb) {
		if !skip(key) {
			if err := stored.remove(tb.Context(), key); err != nil {
				tb.Fatal(err)
			}
		}
	}
	for key, content := range before {
		if !skip(key) {
			mustPut(tb, stored, key, time.Time{}, content)
		}
	}
}

// worked runs an engine while a row is written, and returns what is then known and what the file holds.
func worked(t *testing.T, target *Target, path string, clock *testClock, known app.StandaloneStatus) (app.StandaloneStatus, string) {
	t.Helper()
	r := knowing(newRacer(t, target, "m1", "l1", path, clock), known)
	r.start(t)
	r.keeps(t)
	r.end(t)
	return app.StandaloneStatus{ReplicatedTXID: r.k.outlets[0].status.replicated().String(), LastReplicatedAt: clock.now()}, contentOf(t, r.db)
}

// knowing is an engine that knows what the one before did.
func knowing(r *racer, known app.StandaloneStatus) *racer {
	cfg := r.k.cfg
	cfg.Known = known
	r.k = NewKeeper(cfg)
	return r
}

func pointKnown(s app.StandaloneStatus) app.RestorePoint {
	return app.RestorePoint{ID: s.ReplicatedTXID, Time: s.LastReplicatedAt}
}

// TestRollback: who keeps the storage puts back what was there before. The machine that wrote it notices, a new one as far
// as machine.json was left; what can be had is had by its point.
func TestRollback(t *testing.T) {
	eachSealed(t, func(t *testing.T, target *Target) {
		path, clock := filepath.Join(t.TempDir(), "memory.db"), newClock()
		known, old := worked(t, target, path, clock, app.StandaloneStatus{})
		before := target.everything(t)
		oldPoint := known.ReplicatedTXID
		clock.pass(time.Hour)
		known, newest := worked(t, target, path, clock, known)
		replica := func(machine string, known app.RestorePoint) app.Replica {
			return NewReplica(ReplicaConfig{Target: target, User: twinUser, Machine: machine, Known: known, Now: clock.now})
		}
		image, _ := fetch(t, replica("m1", pointKnown(known)), "m1", app.Moment{})
		if got := contentOfFile(t, image); got != newest {
			t.Errorf("before anything happened: %s, want %s", got, newest)
		}

		target.putBack(t, before, func(key string) bool { return strings.Contains(key, machineName) })
		refused := func(what string, r app.Replica) {
			t.Helper()
			for _, m := range []app.Moment{{}, {At: clock.now()}} {
				_, err := r.Plan(t.Context(), "m1", m)
				e := mustCode(t, err, app.CodeRefused)
				if !errors.Is(err, errOldState) || !strings.Contains(e.Message, known.ReplicatedTXID) || !strings.Contains(e.InShell(), "--point "+oldPoint) {
					t.Errorf("%s: %q %q", what, e.Message, e.Hint)
				}
			}
			image, _ := fetch(t, r, "m1", app.Moment{Point: oldPoint})
			if got := contentOfFile(t, image); got != old {
				t.Errorf("%s, by its point: %s, want %s", what, got, old)
			}
		}
		refused("this machine", replica("m1", pointKnown(known)))
		refused("a new machine", replica("m2", app.RestorePoint{}))

		target.putBack(t, before, func(string) bool { return false })
		refused("this machine, of all of it", replica("m1", pointKnown(known)))
		refusesToCopy(t, target, path, clock, known)
		// A machine that knows nothing is shown an older state in which nothing is wrong.
		image, _ = fetch(t, replica("m2", app.RestorePoint{}), "m1", app.Moment{})
		if got := contentOfFile(t, image); got != old {
			t.Errorf("a new machine, of all of it: %s, want %s", got, old)
		}

		if err := target.store.remove(t.Context(), machineKey(twinUser, "m1")); err != nil {
			t.Fatal(err)
		}
		_, err := replica("m2", app.RestorePoint{}).Plan(t.Context(), "m1", app.Moment{})
		mustCode(t, err, app.CodeRefused)
		target.putBack(t, nil, func(key string) bool { return !strings.Contains(key, "/m1/") })
		_, err = replica("m1", pointKnown(known)).Plan(t.Context(), "m1", app.Moment{})
		if e := mustCode(t, err, app.CodeRefused); !strings.Contains(e.Message, "no copies any more") {
			t.Errorf("nothing is left: %q", e.Message)
		}
	})
}

// refusesToCopy: nothing is added to an old state.
func refusesToCopy(t *testing.T, target *Target, path string, clock *testClock, known app.StandaloneStatus) {
	t.Helper()
	r := knowing(newRacer(t, target, "m1", "l1", path, clock), known)
	s, err := r.k.open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	before := target.everything(t)
	if _, err := s.flush(t.Context()); !errors.Is(err, errOldState) || app.CodeOf(err) != app.CodeRefused {
		t.Errorf("copied on: %v", err)
	}
	if err := s.finish(); err != nil {
		t.Error(err)
	}
	for key, content := range target.everything(t) {
		if !strings.Contains(key, "/"+lineageName+"/") && !bytes.Equal(content, before[key]) { // the lease was taken
			t.Errorf("%s was written", key)
		}
	}
	// Whoever sets it up again forgets what was: then it goes on from what is there.
	again := knowing(newRacer(t, target, "m3", "l3", path, clock), app.StandaloneStatus{})
	if s, err = again.k.open(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := s.flush(ctx); err != nil {
		t.Errorf("in a place of its own: %v", err)
	}
	if err := s.finish(); err != nil {
		t.Error(err)
	}
}
