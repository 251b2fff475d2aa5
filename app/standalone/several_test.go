package standalone

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// severalTargets is a Keeper of a real file that goes to a folder and to a bucket over real HTTP.
func severalTargets(t *testing.T) (k *Keeper, other *sql.DB, bucket *apptest.GCS) {
	t.Helper()
	gs, bucket := gcsTarget(t)
	k, other = keeperOf(t, filepath.Join(t.TempDir(), "memory.db"), fileTarget(t), gs)
	return k, other, bucket
}

func keeperOf(t *testing.T, path string, first *Target, more ...*Target) (*Keeper, *sql.DB) {
	t.Helper()
	other, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	if _, err := other.Exec("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes(body) VALUES ('first')"); err != nil {
		t.Fatal(err)
	}
	cfg := KeeperConfig{
		File: plainFile{path}, Target: first, User: twinUser, Machine: "m1", Tmp: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		Lineage: "l1", Host: "host-m1", Info: func(context.Context) app.MachineInfo { return app.MachineInfo{} }, StopTimeout: 5 * time.Second,
	}
	for _, target := range more {
		cfg.Also = append(cfg.Also, Another{Target: target})
	}
	return NewKeeper(cfg), other
}

// both asserts that the newest point of every target holds exactly what the file does.
func both(t *testing.T, k *Keeper, other *sql.DB) {
	t.Helper()
	want := contentOf(t, other)
	for _, p := range k.outlets {
		image, _ := fetch(t, replicaOf(p.target, "m1"), "m1", app.Moment{})
		if got := contentOfFile(t, image); got != want {
			t.Errorf("%s restores %s, the file holds %s", p.target.URL(), got, want)
		}
	}
}

func shipped(t *testing.T, ships ...*shipper) {
	t.Helper()
	for _, s := range ships {
		if err := s.ship(t.Context()); err != nil {
			t.Fatalf("%s: %v", s.target.URL(), err)
		}
		if err := s.upkeepTurn(t.Context()); err != nil {
			t.Fatalf("%s: %v", s.target.URL(), err)
		}
	}
}

// TestATargetThatHangsHoldsUpNoOther: while one target takes an object for ever, changes reach the other, and a flush says so.
func TestATargetThatHangsHoldsUpNoOther(t *testing.T) {
	k, other, _ := severalTargets(t)
	s := begun(t, k)
	hangs := &slowTarget{ReplicaClient: s.ships[1].index.ReplicaClient, began: make(chan struct{}), goOn: make(chan struct{})}
	s.ships[1].index.ReplicaClient = hangs
	run, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.run(run) }()
	<-hangs.began
	for range 3 {
		insert(t, other, 2, 10)
		point, err := k.Flush(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		image, _ := fetch(t, replicaOf(k.outlets[0].target, "m1"), "m1", app.Moment{Point: point.ID})
		if got, want := contentOfFile(t, image), contentOf(t, other); got != want {
			t.Errorf("the other target restores %s, the file holds %s", got, want)
		}
	}
	close(hangs.goOn)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	both(t, k, other)
}

// TestATargetThatIsAwayFindsWhatItMissed: what it needs stays here while the other merges and lets go of its own.
func TestATargetThatIsAwayFindsWhatItMissed(t *testing.T) {
	k, other, bucket := severalTargets(t)
	clock := newClock()
	k.cfg.Now = clock.now
	s := begun(t, k)
	defer s.closeDB()
	shipped(t, s.ships...)
	lift := bucket.Fault(apptest.Every, apptest.Unplugged)
	missed := mustCapture(t, s) + 1
	for range 20 {
		clock.pass(time.Minute)
		insert(t, other, 1, 5)
		mustCapture(t, s)
		shipped(t, s.ships[0])
	}
	if s.sizes(missed) == 0 {
		t.Errorf("the change %s is gone, which one target has not got", missed)
	}
	lift()
	shipped(t, s.ships...)
	both(t, k, other)
	image, _ := fetch(t, replicaOf(k.outlets[1].target, "m1"), "m1", app.Moment{Point: (missed + 3).String()})
	there, _ := fetch(t, replicaOf(k.outlets[0].target, "m1"), "m1", app.Moment{Point: (missed + 3).String()})
	if contentOfFile(t, image) != contentOfFile(t, there) {
		t.Error("a moment while it was away is not the same at both")
	}
	clock.pass(time.Minute)
	insert(t, other, 1, 5)
	mustCapture(t, s)
	shipped(t, s.ships...)
	clock.pass(time.Minute)
	insert(t, other, 1, 5)
	mustCapture(t, s)
	shipped(t, s.ships...)
	if s.sizes(missed) > 0 {
		t.Errorf("the change %s stays though both have merged it", missed)
	}
}

// TestATargetThatFellTooFarBehindBeginsAnew: what is kept for it alone is bounded, it is said, and it is whole afterwards.
func TestATargetThatFellTooFarBehindBeginsAnew(t *testing.T) {
	k, other, bucket := severalTargets(t)
	clock := newClock()
	k.cfg.Now = clock.now
	var last app.Report
	s := begun(t, k)
	defer s.closeDB()
	k.onChange(func(r app.Report) { last = r })
	s.keptChanges = 5
	shipped(t, s.ships...)
	missed := mustCapture(t, s) + 1
	lift := bucket.Fault(apptest.Every, apptest.Unplugged)
	for range 20 {
		clock.pass(time.Minute)
		insert(t, other, 1, 5)
		mustCapture(t, s)
		shipped(t, s.ships[0])
	}
	if s.sizes(missed) > 0 || len(locals(t, s)) > 10 {
		t.Errorf("%d changes are kept, the first missed one: %t; want a bound", len(locals(t, s)), s.sizes(missed) > 0)
	}
	if st := last.Standalone.Targets; len(st) != 2 || !st[0].StartsOverSince.IsZero() || st[1].StartsOverSince.IsZero() {
		t.Errorf("it is not said which one begins anew: %+v", st)
	}
	lift()
	shipped(t, s.ships...)
	both(t, k, other)
	if st := last.Standalone.Targets[1]; !st.StartsOverSince.IsZero() {
		t.Errorf("it began anew, and it is still said: %s", st.StartsOverSince)
	}
	insert(t, other, 1, 5)
	mustCapture(t, s)
	shipped(t, s.ships...)
	both(t, k, other)
}

// TestTheLastOneIsNeverGivenUp: where one begins anew anyway and the other goes away, too, what nobody has is kept.
func TestTheLastOneIsNeverGivenUp(t *testing.T) {
	k, other, bucket := severalTargets(t)
	s := begun(t, k)
	defer s.closeDB()
	s.keptChanges = 5
	shipped(t, s.ships...)
	bucket.Fault(apptest.Every, apptest.Unplugged)
	s.ships[1].drop()
	missed := mustCapture(t, s) + 1
	for range 20 {
		insert(t, other, 1, 5)
		mustCapture(t, s)
		s.dropLocal()
	}
	if s.sizes(missed) == 0 || s.ships[0].dropped {
		t.Errorf("the first change that nobody has is here: %t, the last target was given up: %t", s.sizes(missed) > 0, s.ships[0].dropped)
	}
	bucket.Heal()
	shipped(t, s.ships...)
	both(t, k, other)
}

// TestWhatNoTargetHasIsKept: where all are away nothing is given up.
func TestWhatNoTargetHasIsKept(t *testing.T) {
	k, other, bucket := severalTargets(t)
	s := begun(t, k)
	defer s.closeDB()
	s.keptChanges = 2
	shipped(t, s.ships...)
	bucket.Fault(apptest.Every, apptest.Unplugged)
	missed := mustCapture(t, s) + 1
	for range 10 {
		insert(t, other, 1, 5)
		mustCapture(t, s)
		s.dropLocal()
	}
	if s.sizes(missed) == 0 {
		t.Error("a change is gone that no target has")
	}
	bucket.Heal()
	shipped(t, s.ships...)
	both(t, k, other)
}

// TestATargetWithAnotherHistoryIsNotGoneOnWith: numbers that fit are no proof that one change follows another.
func TestATargetWithAnotherHistoryIsNotGoneOnWith(t *testing.T) {
	for _, earlier := range []int{1, 40} { // fewer changes than there are now, and more
		first, second := fileTarget(t), fileTarget(t)
		before, rows := keeperOf(t, filepath.Join(t.TempDir(), "memory.db"), second)
		b := begun(t, before)
		for range earlier {
			insert(t, rows, 1, 50)
			mustCapture(t, b)
		}
		shipped(t, b.ships...)
		b.closeDB()

		k, other := keeperOf(t, filepath.Join(t.TempDir(), "memory.db"), first)
		s := begun(t, k)
		for range 10 {
			insert(t, other, 1, 20)
			mustCapture(t, s)
		}
		shipped(t, s.ships...)
		s.closeDB()
		k, _ = keeperOf(t, k.cfg.File.Path(), first, second)
		run, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- k.Run(run, func(app.Report) {}) }()
		insert(t, other, 1, 20)
		awaitBoth(t, k)
		insert(t, other, 1, 20)
		awaitBoth(t, k)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		both(t, k, other)
	}
}

// TestARowThatWasPutBackIsNotGoneOnWith: the newest change was sent, and is then captured once more with what came later, because
// a note of it as unproved stayed or the disk was put back. What has the same number is not the same.
func TestARowThatWasPutBackIsNotGoneOnWith(t *testing.T) {
	for _, more := range []int{0, 1, 5} {
		k, other, _ := severalTargets(t)
		s := begun(t, k)
		for range 5 {
			insert(t, other, 1, 5)
			mustCapture(t, s)
			shipped(t, s.ships...)
		}
		pos := mustCapture(t, s)
		if err := s.unprove(pos - 1); err != nil {
			t.Fatal(err)
		}
		s.closeDB() // killed
		insert(t, other, 1, 5)
		s = begun(t, NewKeeper(k.cfg))
		for range more {
			insert(t, other, 1, 5)
			mustCapture(t, s)
		}
		shipped(t, s.ships...)
		both(t, k, other)
		s.closeDB()
	}
}

// awaitBoth flushes until every target has what is committed now.
func awaitBoth(t *testing.T, k *Keeper) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, p := range k.outlets {
		for {
			_, err := k.flushTo(ctx, p)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLocalStateIsLostWhileTheFurthestTargetIsAway: the other one gives the position, and the one that was away is not gone
// on with as if nothing had happened, also not after a kill in between.
func TestLocalStateIsLostWhileTheFurthestTargetIsAway(t *testing.T) {
	for _, more := range []int{3, 60} { // changes until it is back: fewer than it had more, and more
		k, other, bucket := severalTargets(t)
		s := begun(t, k)
		shipped(t, s.ships...)
		for range 20 {
			insert(t, other, 1, 5)
			mustCapture(t, s)
			shipped(t, s.ships[1]) // the folder is behind
		}
		s.closeDB()
		if err := os.RemoveAll(s.db.MetaPath()); err != nil {
			t.Fatal(err)
		}
		lift := bucket.Fault(apptest.Every, apptest.Unplugged)
		k = NewKeeper(k.cfg)
		s = begun(t, k)
		for range more {
			insert(t, other, 1, 5)
			mustCapture(t, s)
		}
		shipped(t, s.ships[0])
		s.closeDB() // killed
		lift()
		k = NewKeeper(k.cfg)
		run, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- k.Run(run, func(app.Report) {}) }()
		insert(t, other, 1, 5)
		awaitBoth(t, k)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		both(t, k, other)
	}
}

// TestKilledWhileOneTargetIsAway: kills between changes, with one target away now and then, leave both whole.
func TestKilledWhileOneTargetIsAway(t *testing.T) {
	k, other, bucket := severalTargets(t)
	for round := range 6 {
		k = NewKeeper(k.cfg)
		s := begun(t, k)
		if round%2 == 0 {
			bucket.Fault(apptest.Every, apptest.Unplugged)
		}
		for range 10 {
			insert(t, other, 1, 3)
			mustCapture(t, s)
			for _, sh := range s.ships {
				_ = sh.ship(t.Context()) // the one that is away fails
			}
		}
		bucket.Heal()
		s.closeDB() // nothing more is sent or captured, as after a kill
		insert(t, other, 3, 3)
		checkpointBy(t, other, "TRUNCATE")
	}
	k = NewKeeper(k.cfg)
	s := begun(t, k)
	defer s.closeDB()
	mustCapture(t, s)
	shipped(t, s.ships...)
	both(t, k, other)
}

// TestWholeChangesWaitForTheSlowOne: of several copies of the whole file that wait for one target, those go that the other has
// got and this one can do without; what the other still needs stays.
func TestWholeChangesWaitForTheSlowOne(t *testing.T) {
	k, other, _ := severalTargets(t)
	s := begun(t, k)
	defer s.closeDB()
	s.slimPages = 0
	addLarge(t, other)
	mustCapture(t, s)
	shipped(t, s.ships...)
	var whole []ltx.TXID
	for i := range 3 {
		whole = append(whole, captureWhole(t, s))
		if i < 2 {
			shipped(t, s.ships[0])
		}
	}
	if s.sizes(whole[0]) > 0 || s.sizes(whole[2]) == 0 {
		t.Errorf("of the copies %v that wait for one target these are here: %v", whole, locals(t, s))
	}
	shipped(t, s.ships...)
	both(t, k, other)
}

// TestLeaseLostAtOneTarget: the others are kept up to date, and it is said where another machine writes.
func TestLeaseLostAtOneTarget(t *testing.T) {
	k, other, _ := severalTargets(t)
	clock := newClock()
	k.cfg.Now = clock.now
	for _, p := range k.outlets {
		p.primary.now = clock.now
	}
	reports := make(chan app.Report, 1000)
	run, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- k.Run(run, func(r app.Report) { reports <- r }) }()
	awaitBoth(t, k)
	if err := k.outlets[1].target.TakeOver(t.Context(), twinUser, "l1", "m2", "host-m2"); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Minute)
	insert(t, other, 1, 5)
	if _, err := k.flushTo(t.Context(), k.outlets[1]); !errors.Is(err, errNotPrimary) {
		t.Errorf("the lost one says %v", err)
	}
	if _, err := k.flushTo(t.Context(), k.outlets[0]); err != nil {
		t.Errorf("the other says %v", err)
	}
	if _, err := k.Drill(t.Context()); !errors.Is(err, errNotPrimary) { // the other fails, too: plainFile knows no test restore
		t.Errorf("a test restore of both: %v", err)
	}
	insert(t, other, 1, 5)
	r := awaitReport(t, reports, func(st []app.StandaloneStatus) bool {
		return st[1].Error != nil && st[1].Error.Code == app.CodeRefused
	})
	if st := r.Standalone.Targets; st[0].Error != nil && st[0].Error.Code == app.CodeRefused || r.Fault == nil {
		t.Errorf("the fault is said as %+v, of the other as %+v", r.Fault, st[0].Error)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	image, _ := fetch(t, replicaOf(k.outlets[0].target, "m1"), "m1", app.Moment{})
	if got, want := contentOfFile(t, image), contentOf(t, other); got != want {
		t.Errorf("the other restores %s, the file holds %s", got, want)
	}
}

// TestWhatSeveralDrillsSay: what does not hold counts most, then what this machine may not write any more.
func TestWhatSeveralDrillsSay(t *testing.T) {
	k, _, _ := severalTargets(t)
	refused := app.Errorf(app.CodeRefused, "replicate", "host-m2 writes.").Wrap(errNotPrimary)
	away := app.Errorf(app.CodeUnreachable, "verify", "It does not answer.")
	good, bad := app.Drill{OK: true}, app.Drill{Problem: "It differs."}
	for _, c := range []struct {
		drills [2]app.Drill
		errs   [2]error
		counts int // which of them
		code   app.Code
	}{
		{drills: [2]app.Drill{good, {}}, errs: [2]error{nil, refused}, counts: 1, code: app.CodeRefused},
		{drills: [2]app.Drill{{}, good}, errs: [2]error{away, nil}, counts: 0, code: app.CodeUnreachable},
		{drills: [2]app.Drill{{}, bad}, errs: [2]error{refused, nil}, counts: 1},
		{drills: [2]app.Drill{good, bad}, counts: 1},
		{drills: [2]app.Drill{good, good}, counts: 0},
	} {
		d, err := allDrills(k.outlets, c.drills[:], c.errs[:])
		code := app.Code("")
		if d.Error != nil {
			code = d.Error.Code
		}
		if err != nil || d.Target != k.outlets[c.counts].target.URL() || code != c.code || len(d.Targets) != 2 || d.OK != (d.Problem == "") {
			t.Errorf("%+v: %+v, %v", c, d, err)
		}
	}
	if _, err := allDrills(k.outlets, make([]app.Drill, 2), []error{away, refused}); !errors.Is(err, errNotPrimary) {
		t.Errorf("of two that could not run: %v", err)
	}
}

func awaitReport(t *testing.T, reports <-chan app.Report, is func([]app.StandaloneStatus) bool) app.Report {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case r := <-reports:
			if is(r.Standalone.Targets) {
				return r
			}
		case <-limit:
			t.Fatal("it is never said")
		}
	}
}
