package agent_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/config"
)

func TestContract(t *testing.T) {
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		h := newHome(t)
		a := h.start()
		return h.world.Harness(a, a.Done())
	})
}

func TestGreenOnlyWithAPassedDrill(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(3)
	h.protected(a)
	points, err := a.Points(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	h.world.Damage(points.Points[0].ID)
	d, err := a.Verify(t.Context())
	if err != nil || d.OK {
		t.Fatalf("Verify = %+v, %v; want a drill that does not hold", d, err)
	}
	s := h.await(a, "red", func(s app.Status) bool { return !s.Healthy })
	if s.Standalone.LastDrill.Problem == "" || s.Summary == "" {
		t.Errorf("the problem is not named: %+v", s)
	}
}

func TestProofFromTheFutureIsNone(t *testing.T) {
	h := newHome(t)
	h.cfg.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	d, err := a.Verify(t.Context())
	if err != nil || !d.OK {
		t.Fatalf("Verify = %+v, %v", d, err)
	}
	s := h.await(a, "the proof", func(s app.Status) bool { return s.Standalone.LastDrill != nil })
	if s.Healthy {
		t.Errorf("green by a proof of %s", s.Standalone.LastDrill.At)
	}
}

func TestOneEngineAtATime(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	off, on := app.ModeOff, app.ModeStandalone
	for range 20 {
		if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &on}); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.world.Overlaps(); n != 0 {
		t.Errorf("%d engines ran beside another one", n)
	}
	if h.keeper.Runs() < 20 {
		t.Errorf("the engine ran %d times only", h.keeper.Runs())
	}
}

func TestModeIsLockedByTheEnvironment(t *testing.T) {
	h := newHome(t)
	h.cfg.Forced = app.ModeOff
	a := h.start()
	on := app.ModeStandalone
	_, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &on})
	if app.CodeOf(err) != app.CodeRefused {
		t.Errorf("EditPrefs: %v, want CodeRefused", err)
	}
	s, _ := a.Status(t.Context())
	if s.ModeLocked != "off" || s.State != app.StateOff {
		t.Errorf("status %+v", s)
	}
}

// TestPauseEndsByItself uses a clock that the test moves.
func TestPauseEndsByItself(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	until := time.Now().Add(1500 * time.Millisecond)
	s, err := a.EditPrefs(t.Context(), app.PrefsEdit{PausedUntil: &until})
	if err != nil || s.State != app.StatePaused {
		t.Fatalf("state %s, %v", s.State, err)
	}
	h.await(a, "the end of the pause", func(s app.Status) bool { return s.State == app.StateStandalone })
}

func TestPauseSurvivesARestart(t *testing.T) {
	h := newHome(t)
	first, err := agent.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	h.setup(first)
	until := app.UntilResumed
	if _, err := first.EditPrefs(t.Context(), app.PrefsEdit{PausedUntil: &until}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s, _ := h.start().Status(t.Context())
	if s.State != app.StatePaused || !s.PausedUntil.Equal(app.UntilResumed) {
		t.Errorf("after the restart: %s until %s", s.State, s.PausedUntil)
	}
}

func TestFaultOfTheStorageIsShownAndCleared(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(1)
	h.protected(a)
	h.keeper.SetFault(app.Errorf(app.CodeDenied, "replicate", "Your storage no longer accepts copies."))
	s := h.await(a, "the fault", func(s app.Status) bool { return s.State == app.StateError })
	if s.Healthy || s.Error == nil || s.Summary != "Your storage no longer accepts copies." {
		t.Errorf("status %+v", s)
	}
	h.keeper.SetFault(nil)
	h.await(a, "health again", func(s app.Status) bool { return s.Healthy })
}

func TestEngineThatCannotOpenIsTriedAgain(t *testing.T) {
	h := newHome(t)
	open := h.cfg.OpenStorage
	fails := make(chan error, 1)
	h.cfg.OpenStorage = func(ctx context.Context, p app.Prefs) (agent.Storage, error) {
		select {
		case err := <-fails:
			return nil, err
		default:
			return open(ctx, p)
		}
	}
	a := h.start()
	h.setup(a)
	off, on := app.ModeOff, app.ModeStandalone
	if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &off}); err != nil {
		t.Fatal(err)
	}
	fails <- app.Errorf(app.CodeDenied, "setup", "The key file cannot be read.")
	if _, err := a.EditPrefs(t.Context(), app.PrefsEdit{Mode: &on}); err != nil {
		t.Fatal(err)
	}
	h.await(a, "the fault", func(s app.Status) bool { return s.State == app.StateError && s.Error.Code == app.CodeDenied })
	h.await(a, "the retry", func(s app.Status) bool { return s.State == app.StateStandalone })
}

func TestUndoAndUndoOfTheUndo(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	h.protected(a)
	points, err := a.Points(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	old := points.Points[0]
	h.world.Write(5)
	res, err := a.Restore(t.Context(), app.RestoreRequest{Moment: app.Moment{Point: old.ID}})
	if err != nil || !res.Equal || h.world.Rows() != 2 {
		t.Fatalf("Restore = %+v, %v; %d rows", res, err, h.world.Rows())
	}
	if _, err := a.Undo(t.Context()); err != nil || h.world.Rows() != 7 {
		t.Fatalf("Undo: %v; %d rows, want 7", err, h.world.Rows())
	}
	if _, err := a.Undo(t.Context()); err != nil || h.world.Rows() != 2 {
		t.Fatalf("undo of the undo: %v; %d rows, want 2", err, h.world.Rows())
	}
	rec, _, err := config.RecordsFile{Path: h.cfg.Layout.Records}.Load()
	if err != nil || len(rec.Pins) != 3 {
		t.Errorf("%d points are pinned, want 3 (%v)", len(rec.Pins), err)
	}
}

func TestRestoreThatFailsLeavesEveryRow(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(4)
	s := h.protected(a)
	h.world.Damage(s.Standalone.ReplicatedTXID)
	_, err := a.Restore(t.Context(), app.RestoreRequest{Moment: app.Moment{Point: s.Standalone.ReplicatedTXID}})
	if app.CodeOf(err) != app.CodeDamaged || h.world.Rows() != 4 {
		t.Errorf("Restore: %v; %d rows", err, h.world.Rows())
	}
	if s := h.await(a, "the state before", func(s app.Status) bool { return s.State != app.StateRestoring }); s.Undo != nil {
		t.Error("a restore that failed cannot be undone")
	}
}

func TestRestoreOfAMissingFile(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(4)
	h.protected(a)
	if err := os.Remove(h.world.Path); err != nil {
		t.Fatal(err)
	}
	res, err := a.Restore(t.Context(), app.RestoreRequest{})
	if err != nil || !res.Equal || res.Rows != 4 {
		t.Errorf("Restore = %+v, %v", res, err)
	}
}

func TestDamagedPreferencesAreKeptAndTold(t *testing.T) {
	h := newHome(t)
	if err := os.WriteFile(h.cfg.Layout.Prefs, []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := h.start().Status(t.Context())
	if s.Error == nil || s.State != app.StateNew {
		t.Errorf("status %+v", s)
	}
}

func TestSecondOperationIsToldToWait(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(1)
	h.protected(a)
	inside, leave := make(chan struct{}), make(chan struct{})
	go func() {
		<-inside
		_, err := a.Verify(t.Context())
		if app.CodeOf(err) != app.CodeBusy {
			t.Errorf("Verify beside a restore: %v, want CodeBusy", err)
		}
		close(leave)
	}()
	h.file.OnReplace = func(string) error { close(inside); <-leave; return nil }
	if _, err := a.Restore(t.Context(), app.RestoreRequest{}); err != nil {
		t.Fatal(err)
	}
}
