package agent_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// twoTargets is a home with two folders, each with what a test says of it.
type twoTargets struct {
	*home
	a        *agent.Agent
	urls     []string
	replicas map[string]func() app.Replica
	probed   []string
}

func newTwoTargets(t *testing.T) *twoTargets {
	t.Helper()
	b := &twoTargets{home: newHome(t), replicas: map[string]func() app.Replica{}}
	b.cfg.OpenStorage = func(_ context.Context, p app.Prefs) (agent.Storage, error) {
		if _, err := b.storage(p); err != nil {
			return nil, err
		}
		return &oneOf{storage: storage{h: b.home}, of: b, target: p.Target}, nil
	}
	b.a = b.start()
	b.urls = []string{apptest.FileTarget(t.TempDir()), apptest.FileTarget(t.TempDir())}
	res, err := b.a.Setup(t.Context(), app.SetupRequest{DB: b.world.Path, Target: b.urls[0], More: b.urls[1:]})
	if err != nil || res.Target != b.urls[0] || !slices.Equal(res.More, b.urls[1:]) {
		t.Fatalf("%+v, %v", res, err)
	}
	return b
}

// oneOf is one of the targets.
type oneOf struct {
	storage
	of     *twoTargets
	target string
}

func (s *oneOf) Probe(ctx context.Context) ([]app.TrialStep, error) {
	s.of.probed = append(s.of.probed, s.target)
	return s.storage.Probe(ctx)
}

func (s *oneOf) Replica(user, machine string, known app.RestorePoint) app.Replica {
	if r := s.of.replicas[s.target]; r != nil {
		return r()
	}
	return s.storage.Replica(user, machine, known)
}

// fails is a replica of the home's world whose lists or fetches fail.
func (b *twoTargets) fails(list, fetch error) func() app.Replica {
	return func() app.Replica {
		r := b.world.Replica()
		r.OnList = func() error { return list }
		r.OnFetch = func(app.RestorePlan, string) error { return fetch }
		return r
	}
}

func (b *twoTargets) restore(to string, from string) (app.RestoreResult, error) {
	return b.a.Restore(b.t.Context(), app.RestoreRequest{To: to, Target: from})
}

// TestRestoreFromTheTargetThatCan: one that is away or damaged is passed over, and that is said.
func TestRestoreFromTheTargetThatCan(t *testing.T) {
	b := newTwoTargets(t)
	b.world.Write(3)
	if _, err := b.a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := b.urls[0], b.urls[1]
	for name, c := range map[string]struct {
		replica func() app.Replica
		at      string // whose replica it is
		want    string
		missing int
	}{
		"both are there":          {b.fails(nil, nil), first, first, 0},
		"the first is away":       {b.fails(broken, nil), first, second, 1},
		"the first is damaged":    {b.fails(nil, damaged), first, second, 1},
		"the first breaks":        {b.fails(nil, broken), first, second, 1},
		"the second is away":      {b.fails(broken, nil), second, first, 1},
		"the second is not asked": {b.fails(nil, damaged), second, first, 0},
	} {
		b.replicas = map[string]func() app.Replica{c.at: c.replica}
		res, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), "")
		if err != nil || res.Target != c.want || len(res.Missing) != c.missing || res.Rows != 3 {
			t.Errorf("%s: from %q, without %+v, %d rows, %v", name, res.Target, res.Missing, res.Rows, err)
		}
		line, err := b.a.Points(t.Context(), "")
		if err != nil || len(line.Points) == 0 {
			t.Errorf("%s: %+v, %v", name, line, err)
		}
	}
	b.replicas = map[string]func() app.Replica{first: b.fails(broken, nil), second: b.fails(broken, nil)}
	if _, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), ""); app.CodeOf(err) != app.CodeUnreachable {
		t.Errorf("both away: %v", err)
	}
}

// TestRestoreFromTheTargetThatIsNamed reads no other.
func TestRestoreFromTheTargetThatIsNamed(t *testing.T) {
	b := newTwoTargets(t)
	b.world.Write(3)
	if _, err := b.a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), b.urls[1]); err != nil || res.Rows != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	b.replicas = map[string]func() app.Replica{b.urls[1]: b.fails(broken, nil)}
	if _, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), b.urls[1]); app.CodeOf(err) != app.CodeUnreachable {
		t.Errorf("the named one is away: %v", err)
	}
	if _, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), "file:///elsewhere"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("one that is none: %v", err)
	}
}

// TestPointsOfAnotherHistoryAreOthers: the same number at another time is another moment, and is never read in its place.
func TestPointsOfAnotherHistoryAreOthers(t *testing.T) {
	b := newTwoTargets(t)
	b.world.Write(3)
	if _, err := b.a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := apptest.NewWorld(t, t.TempDir(), machineID)
	other.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) }
	other.Write(7)
	if _, err := otherKeeper(t, other); err != nil {
		t.Fatal(err)
	}
	first, second := b.urls[0], b.urls[1]
	b.replicas = map[string]func() app.Replica{second: func() app.Replica { return other.Replica() }}
	line, err := b.a.Points(t.Context(), "")
	if err != nil || len(line.Points) < 2 {
		t.Fatalf("%+v, %v", line, err)
	}
	for _, p := range line.Points {
		if len(p.Targets) != 1 {
			t.Errorf("the point %s of %s is said to be at %v", p.ID, p.Time, p.Targets)
		}
	}
	number := app.RestoreRequest{To: filepath.Join(t.TempDir(), "number.db"), Moment: app.Moment{Point: line.Points[0].ID}}
	if res, err := b.a.Restore(t.Context(), number); app.CodeOf(err) != app.CodeInvalid || !strings.Contains(err.Error(), second) {
		t.Errorf("a number that means two moments: %d rows from %s, %v", res.Rows, res.Target, err)
	}
	for _, p := range line.Points { // who has seen both says when
		if p.ID != number.Point {
			continue
		}
		plan, err := b.a.PlanRestore(t.Context(), app.RestoreRequest{Moment: number.Moment, PointAt: p.Time.Truncate(time.Millisecond)})
		if err != nil || !slices.Contains(p.Targets, plan.Target) || plan.Point.Time.Sub(p.Time).Abs() > time.Second {
			t.Errorf("the one of %s at %v: %+v, %v", p.Time, p.Targets, plan.Point, err)
		}
	}
	number.Target = second
	if res, err := b.a.Restore(t.Context(), number); err != nil || res.Rows != 7 {
		t.Errorf("that of the second storage: %d rows, %v", res.Rows, err)
	}
	res, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), "")
	if err != nil || res.Rows != 3 || res.Target != first {
		t.Errorf("the newest moment: %d rows from %s, %v", res.Rows, res.Target, err)
	}
	b.replicas[first] = b.fails(nil, damaged)
	if res, err := b.restore(filepath.Join(t.TempDir(), "copy.db"), ""); app.CodeOf(err) != app.CodeDamaged {
		t.Errorf("another history took its place: %d rows, %v", res.Rows, err)
	}
}

// TestUndoIsOfItsOwnHistory: a storage that is named first has another moment of the number that an undo goes back to.
func TestUndoIsOfItsOwnHistory(t *testing.T) {
	b := newTwoTargets(t)
	b.world.Write(3)
	old, err := b.a.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.world.Write(2)
	other := apptest.NewWorld(t, t.TempDir(), machineID)
	other.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) }
	for range 6 {
		other.Write(7)
		if _, err := otherKeeper(t, other); err != nil {
			t.Fatal(err)
		}
	}
	b.replicas = map[string]func() app.Replica{b.urls[0]: func() app.Replica { return other.Replica() }}
	res, err := b.a.Restore(t.Context(), app.RestoreRequest{Moment: app.Moment{Point: old.ID}, Target: b.urls[1]})
	if err != nil || b.world.Rows() != 3 {
		t.Fatalf("%+v, %v; %d rows", res, err, b.world.Rows())
	}
	if _, err := other.Replica().Plan(t.Context(), machineID, app.Moment{Point: res.Undo.Point.ID}); err != nil {
		t.Fatalf("the other history has no point of that number: %v", err)
	}
	if _, err := b.a.Undo(t.Context()); err != nil || b.world.Rows() != 5 {
		t.Errorf("undo: %d rows, want 5; %v", b.world.Rows(), err)
	}
}

// otherKeeper copies a world once.
func otherKeeper(t *testing.T, w *apptest.World) (app.RestorePoint, error) {
	t.Helper()
	k := w.Keeper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, func(app.Report) {}) }()
	p, err := k.Flush(ctx)
	stop()
	if e := <-done; err == nil {
		err = e
	}
	return p, err
}

// TestTargetsComeAndGo: one is added or removed without asking the others, and what is known of them stays.
func TestTargetsComeAndGo(t *testing.T) {
	b := newTwoTargets(t)
	b.probed = nil
	third := apptest.FileTarget(t.TempDir())
	res, err := b.a.Setup(t.Context(), app.SetupRequest{Target: third, Add: true})
	if err != nil || !slices.Equal(b.probed, []string{third}) || !slices.Equal(res.More, []string{b.urls[1], third}) {
		t.Errorf("added: %+v, %v; tried %v", res, err, b.probed)
	}
	if spec := b.spec.Load(); len(spec.More) != 1 && len(spec.More) != 2 {
		t.Errorf("the engine got %d more targets", len(spec.More))
	}
	if _, err := os.Stat(strings.TrimSuffix(b.cfg.Layout.LitestreamYML, ".yml") + "-3.yml"); err != nil {
		t.Error(err)
	}
	res, err = b.a.Setup(t.Context(), app.SetupRequest{Target: b.urls[0] + "/", Remove: true})
	if err != nil || res.Target != b.urls[1] || !slices.Equal(res.More, []string{third}) || len(b.probed) != 1 {
		t.Errorf("removed: %+v, %v; tried %v", res, err, b.probed)
	}
	if _, err := os.Stat(strings.TrimSuffix(b.cfg.Layout.LitestreamYML, ".yml") + "-3.yml"); !os.IsNotExist(err) {
		t.Errorf("the configuration of a storage that is none any more: %v", err)
	}
	for _, req := range []app.SetupRequest{
		{Target: "file:///elsewhere", Remove: true}, {Target: third, More: []string{third + "/"}}, {Target: third, Add: true, Remove: true}, {Add: true},
	} {
		if _, err := b.a.Setup(t.Context(), req); err == nil {
			t.Errorf("%+v is taken", req)
		}
	}
	if _, err := b.a.Setup(t.Context(), app.SetupRequest{Target: third, Remove: true}); err != nil {
		t.Error(err)
	}
	if _, err := b.a.Setup(t.Context(), app.SetupRequest{Target: b.urls[1], Remove: true}); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("the last one: %v", err)
	}
}

// severalKeeper says of two targets what a test wants.
type severalKeeper struct {
	*apptest.FakeKeeper
	says chan []app.StandaloneStatus
}

func (k *severalKeeper) Run(ctx context.Context, report func(app.Report)) error {
	for {
		select {
		case all := <-k.says:
			st := app.WorstOff(all)
			r := app.Report{Progress: st.Progress, Fault: st.Error}
			st.Targets = all
			r.Standalone = &st
			report(r)
		case <-ctx.Done():
			return nil
		}
	}
}

type severalStorage struct {
	storage
	k *severalKeeper
}

func (s *severalStorage) Keeper(agent.KeeperSpec) app.Keeper { return s.k }

// TestGreenOnlyWhereAllAre: each target is judged by itself, and the whole by the one that is worst off.
func TestGreenOnlyWhereAllAre(t *testing.T) {
	h := newHome(t)
	k := &severalKeeper{FakeKeeper: h.keeper, says: make(chan []app.StandaloneStatus)}
	h.cfg.OpenStorage = func(context.Context, app.Prefs) (agent.Storage, error) {
		return &severalStorage{storage{h: h}, k}, nil
	}
	a := h.start()
	urls := []string{apptest.FileTarget(t.TempDir()), apptest.FileTarget(t.TempDir())}
	if _, err := a.Setup(t.Context(), app.SetupRequest{DB: h.world.Path, Target: urls[0], More: urls[1:]}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	well := func(url string) app.StandaloneStatus {
		return app.StandaloneStatus{Target: url, TXID: "0000000000000007", ReplicatedTXID: "0000000000000007", LastReplicatedAt: now,
			LastDrill: &app.Drill{At: now, OK: true, TXID: "0000000000000007"}}
	}
	k.says <- []app.StandaloneStatus{well(urls[0]), well(urls[1])}
	s := h.await(a, "both", func(s app.Status) bool { return s.Healthy })
	if len(s.Standalone.Targets) != 2 || !s.Standalone.Healthy || !strings.Contains(s.Summary, "in 2 places") {
		t.Errorf("%q: %+v", s.Summary, s.Standalone)
	}
	for name, harm := range map[string]func(*app.StandaloneStatus){
		"its drill failed":     func(st *app.StandaloneStatus) { st.LastDrill = &app.Drill{At: now, Problem: "It differs."} },
		"it was never proved":  func(st *app.StandaloneStatus) { st.LastDrill = nil },
		"its proof is old":     func(st *app.StandaloneStatus) { st.LastDrill = &app.Drill{At: now.Add(-72 * time.Hour), OK: true} },
		"it waits":             func(st *app.StandaloneStatus) { st.WaitingSince = now.Add(-2 * time.Minute) },
		"it holds nothing yet": func(st *app.StandaloneStatus) { st.ReplicatedTXID = "" },
		"it is away": func(st *app.StandaloneStatus) {
			st.Progress = &app.Progress{Phase: app.PhaseOffline, Since: now.Add(-2 * time.Minute), Cause: "It does not answer."}
		},
		"it needs a person": func(st *app.StandaloneStatus) { st.Error = app.Errorf(app.CodeDenied, "replicate", "It refuses.") },
	} {
		bad := well(urls[1])
		harm(&bad)
		k.says <- []app.StandaloneStatus{well(urls[0]), bad}
		s := h.await(a, name, func(s app.Status) bool { return !s.Healthy })
		all := s.Standalone.Targets
		if !all[0].Healthy || all[1].Healthy || s.Standalone.Target != urls[1] || s.Standalone.Healthy {
			t.Errorf("%s: %q, %+v", name, s.Summary, s.Standalone)
		}
		if name != "it needs a person" && !strings.Contains(s.Summary, urls[1]) {
			t.Errorf("%s: %q does not say which", name, s.Summary)
		}
		k.says <- []app.StandaloneStatus{well(urls[0]), well(urls[1])}
		h.await(a, "both again", func(s app.Status) bool { return s.Healthy })
	}
}

// TestOneStorageIsNotTwo: what is one place by two names is refused, and nothing is saved.
func TestOneStorageIsNotTwo(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.samePlace = true
	_, err := a.Setup(t.Context(), app.SetupRequest{Target: apptest.FileTarget(t.TempDir()), Add: true})
	if app.CodeOf(err) != app.CodeInvalid || !strings.Contains(err.Error(), "the same place") {
		t.Errorf("%v", err)
	}
	if st, err := a.Status(t.Context()); err != nil || len(st.Standalone.Targets) > 1 {
		t.Errorf("%+v, %v", st.Standalone, err)
	}
	h.samePlace = false
	if _, err := a.Setup(t.Context(), app.SetupRequest{Target: apptest.FileTarget(t.TempDir()), Add: true}); err != nil {
		t.Error(err)
	}
}
