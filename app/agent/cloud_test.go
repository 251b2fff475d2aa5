package agent_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/config"
)

// session is an account that a test signs in and out.
type session struct {
	mu      sync.Mutex
	in      bool
	changed chan struct{}
}

func (s *session) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *session) Current() (config.Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return config.Account{Server: "https://sync.example.com", User: "u-1", Email: "mira@example.com", Machine: machineID}, s.in
}

func (s *session) set(in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = in
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// uploads is an Uploader that finds what it is told.
type uploads struct{ proof app.Proof }

func (u uploads) Run(context.Context, func(app.Report)) (app.PushResult, error) {
	return app.PushResult{Pushed: 3, Proof: &u.proof}, nil
}

// clouded is a home with an account, and what its engine is.
func clouded(t *testing.T, proof app.Proof) (*home, *session, *apptest.FakeSyncer) {
	h := newHome(t)
	who := &session{in: true}
	syncer := &apptest.FakeSyncer{Status: app.CloudStatus{Recording: true, Connected: true, LastProof: &proof, LastSyncedAt: time.Now()}}
	syncer.OnProve = func() app.Proof { return proof }
	h.cfg.Account = who
	h.cfg.OpenSyncer = func(agent.CloudSpec) (app.Syncer, error) { return syncer, nil }
	h.cfg.OpenUploader = func(agent.CloudSpec) (agent.Uploader, error) { return uploads{proof}, nil }
	return h, who, syncer
}

func goodProof() app.Proof { return app.Proof{At: time.Now(), Equal: true, Rows: 12345} }

func mode(m app.Mode) app.PrefsEdit { return app.PrefsEdit{Mode: &m} }

func TestCloudModeRunsItsEngine(t *testing.T) {
	h, who, syncer := clouded(t, goodProof())
	a := h.start()
	st, err := a.EditPrefs(t.Context(), mode(app.ModeCloud))
	if err != nil || st.State != app.StateCloud {
		t.Fatalf("cloud mode: %v, state %q", err, st.State)
	}
	st = h.await(a, "health", func(s app.Status) bool { return s.Healthy })
	if !strings.Contains(st.Summary, "hold the same 12,345 rows") || st.Cloud.User != "mira@example.com" || st.DB.Path != h.cfg.Layout.DB {
		t.Errorf("status %q, %+v, file %s", st.Summary, st.Cloud, st.DB.Path)
	}
	waiting := app.CloudStatus{Recording: true, PendingUploads: 88, WaitingSince: time.Now()}
	syncer.Tell(app.Report{Cloud: &waiting})
	h.file.OnCapture = func() app.Capture { return app.Capture{Enrolled: true, Waiting: 88, Since: time.Now()} }
	who.set(false)
	st = h.await(a, "being signed out", func(s app.Status) bool { return s.State == app.StateSignedOut })
	if want := "Sign in again to go on syncing. 88 changes are recorded here."; st.Summary != want || st.Healthy {
		t.Errorf("signed out: %q, healthy %v; want %q", st.Summary, st.Healthy, want)
	}
}

func TestCloudModeNeedsAnAccount(t *testing.T) {
	h, who, _ := clouded(t, goodProof())
	who.set(false)
	a := h.start()
	if _, err := a.EditPrefs(t.Context(), mode(app.ModeCloud)); app.CodeOf(err) != app.CodeSignedOut {
		t.Fatalf("error %v, want signed out", err)
	}
	if st, err := a.Status(t.Context()); err != nil || st.State != app.StateNew {
		t.Fatalf("state %v, %v", st.State, err)
	}
}

// A proof that does not hold, is old, or is from a clock ahead is never green; nor are waiting changes or a lost server.
func TestCloudHealthIsProved(t *testing.T) {
	now := time.Now()
	for name, spoil := range map[string]func(c *app.CloudStatus, r *app.Report){
		"unequal": func(c *app.CloudStatus, _ *app.Report) {
			c.LastProof = &app.Proof{At: now, Problem: "Decisions differ in 1 row."}
		},
		"none": func(c *app.CloudStatus, _ *app.Report) { c.LastProof = nil },
		"old": func(c *app.CloudStatus, _ *app.Report) {
			c.LastProof = &app.Proof{At: now.Add(-49 * time.Hour), Equal: true}
		},
		"ahead":     func(c *app.CloudStatus, _ *app.Report) { c.LastProof = &app.Proof{At: now.Add(time.Hour), Equal: true} },
		"waiting":   func(c *app.CloudStatus, _ *app.Report) { c.PendingUploads, c.WaitingSince = 1, now.Add(-2*time.Minute) },
		"unwatched": func(c *app.CloudStatus, _ *app.Report) { c.Recording = false },
		"offline": func(_ *app.CloudStatus, r *app.Report) {
			r.Progress = &app.Progress{Phase: app.PhaseOffline, Since: now.Add(-2 * time.Minute)}
		},
		"stalled": func(_ *app.CloudStatus, r *app.Report) {
			r.Progress = &app.Progress{Phase: app.PhaseStalled, Since: now}
		},
		"fault": func(_ *app.CloudStatus, r *app.Report) {
			r.Fault = app.Errorf(app.CodeNoSpace, "sync", "The disk is full.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, syncer := clouded(t, goodProof())
			a := h.start()
			if _, err := a.EditPrefs(t.Context(), mode(app.ModeCloud)); err != nil {
				t.Fatal(err)
			}
			was := h.await(a, "health", func(s app.Status) bool { return s.Healthy })
			c := syncer.Status
			r := app.Report{Cloud: &c}
			spoil(&c, &r)
			syncer.Tell(r)
			st := h.await(a, "news", func(s app.Status) bool { return s.Rev > was.Rev })
			if st.Healthy {
				t.Errorf("healthy with %+v, %+v", st.Cloud, st.Progress)
			}
		})
	}
}

func TestMoveToTheCloudAndBack(t *testing.T) {
	h, _, syncer := clouded(t, goodProof())
	a := h.start()
	h.setup(a)
	h.protected(a)
	plan, err := a.PlanMove(t.Context(), app.MoveRequest{To: app.ModeCloud})
	if err != nil || plan.From != app.ModeStandalone || len(plan.Steps) != 4 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	res, err := a.Move(t.Context(), app.MoveRequest{To: app.ModeCloud})
	if err != nil || res.Status.State != app.StateCloud || res.Proof == nil || !res.Proof.Equal {
		t.Fatalf("moved: %+v, %v", res, err)
	}
	for _, s := range res.Steps {
		if !s.Done {
			t.Errorf("step %s is not done", s.ID)
		}
	}
	if res.Status.Move != nil || syncer.Runs() == 0 {
		t.Errorf("after the move: %+v, %d runs", res.Status.Move, syncer.Runs())
	}
	unenrolled := false
	h.file.OnUnenrol = func() { unenrolled = true }
	res, err = a.Move(t.Context(), app.MoveRequest{To: app.ModeStandalone})
	if err != nil || res.Status.State != app.StateStandalone || !unenrolled {
		t.Fatalf("moved back: %+v, %v, recording ended %v", res, err, unenrolled)
	}
	if h.world.Overlaps() != 0 {
		t.Error("two engines ran at once")
	}
}

// Nothing is given up before the other side is proved.
func TestMoveStopsWhereTheProofDoesNotHold(t *testing.T) {
	h, _, syncer := clouded(t, app.Proof{At: time.Now(), Problem: "Decisions differ in 1 row."})
	a := h.start()
	h.setup(a)
	h.protected(a)
	_, err := a.Move(t.Context(), app.MoveRequest{To: app.ModeCloud})
	if app.CodeOf(err) != app.CodeRefused || !strings.Contains(err.Error(), "Decisions differ in 1 row.") {
		t.Fatalf("error %v", err)
	}
	if st := h.await(a, "standalone", func(s app.Status) bool { return s.Move == nil }); st.State != app.StateStandalone || syncer.Runs() != 0 {
		t.Errorf("state %s, the syncer ran %d times", st.State, syncer.Runs())
	}
	if _, err := a.EditPrefs(t.Context(), mode(app.ModeCloud)); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("switched without a proof: %v", err)
	}
}

func TestWholeFileRestoreIsRefusedInCloudMode(t *testing.T) {
	h, _, _ := clouded(t, goodProof())
	a := h.start()
	h.setup(a)
	h.protected(a)
	if _, err := a.Move(t.Context(), app.MoveRequest{To: app.ModeCloud}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Restore(t.Context(), app.RestoreRequest{})
	if app.CodeOf(err) != app.CodeRefused || !strings.Contains(app.AsError("", err).InShell(), "mode off") {
		t.Errorf("error %v", err)
	}
	if points, err := a.Points(t.Context(), ""); err != nil || len(points.Points) == 0 {
		t.Errorf("the moments of before the move: %+v, %v", points, err)
	}
}

func TestSetupInCloudModeKeepsIt(t *testing.T) {
	h, _, _ := clouded(t, goodProof())
	a := h.start()
	if _, err := a.EditPrefs(t.Context(), mode(app.ModeCloud)); err != nil {
		t.Fatal(err)
	}
	h.setup(a)
	if st := h.await(a, "cloud", func(s app.Status) bool { return s.Standalone != nil }); st.State != app.StateCloud {
		t.Errorf("state %s", st.State)
	}
}
