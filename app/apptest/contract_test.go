package apptest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// liar is a model that breaks the contract in one way.
type liar struct {
	*apptest.Model
	lie string
}

func (l liar) Watch(ctx context.Context, since uint64) (app.Status, error) {
	if l.lie == "Watch" || l.lie == "WatchMany" {
		return l.Status(ctx)
	}
	return l.Model.Watch(ctx, since)
}

func (l liar) EditPrefs(ctx context.Context, edit app.PrefsEdit) (app.Status, error) {
	st, err := l.Model.EditPrefs(ctx, edit)
	switch {
	case l.lie == "ModeWrong" && err != nil:
		return l.Status(ctx)
	case l.lie == "Mode":
		st.Rev = 1
	case l.lie == "Pause":
		st.PausedUntil = time.Time{}
	}
	return st, err
}

func (l liar) Setup(ctx context.Context, req app.SetupRequest) (app.SetupResult, error) {
	res, err := l.Model.Setup(ctx, req)
	if l.lie == "SetupRefused" && err != nil {
		err = app.Errorf(app.CodeFailed, "setup", "It broke.")
	}
	return res, err
}

func (l liar) PlanRestore(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
	if l.lie == "PlanRefused" && req.At.After(time.Now()) {
		req.At = time.Time{}
	}
	return l.Model.PlanRestore(ctx, req)
}

func (l liar) Restore(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
	switch {
	case l.lie == "RestoreLive" && req.To == "", l.lie == "RestoreCanceled":
		req.Moment = app.Moment{}
		return l.Model.Restore(context.WithoutCancel(ctx), req)
	case l.lie == "RestoreTo" && req.To != "":
		_ = os.Remove(req.To)
	}
	return l.Model.Restore(ctx, req)
}

func (l liar) Undo(ctx context.Context) (app.RestoreResult, error) {
	res, err := l.Model.Undo(ctx)
	if l.lie == "UndoNothing" {
		err = nil
	}
	return res, err
}

func (l liar) Verify(ctx context.Context) (app.Drill, error) {
	d, err := l.Model.Verify(ctx)
	if l.lie == "Verify" {
		d.Rows++
	}
	return d, err
}

func (l liar) Quit(ctx context.Context) error {
	if l.lie == "Quit" {
		return nil
	}
	return l.Model.Quit(ctx)
}

const lieVar = "APPTEST_LIE"

// TestLiar is run by TestSuiteNotices, in a process of its own: it has to fail.
func TestLiar(t *testing.T) {
	lie := os.Getenv(lieVar)
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		w := apptest.NewWorld(t, t.TempDir(), "model-machine")
		m := apptest.NewModel(t, w)
		h := w.Harness(liar{m, lie}, m.Done())
		if lie != "" {
			h.Patience = 500 * time.Millisecond
		}
		return h
	})
}

// TestSuiteNotices: a suite that no service can fail proves nothing.
func TestSuiteNotices(t *testing.T) {
	for _, lie := range []string{
		"Watch", "WatchMany", "Mode", "ModeWrong", "Pause", "SetupRefused", "PlanRefused", "RestoreTo", "RestoreLive",
		"RestoreCanceled", "UndoNothing", "Verify", "Quit",
	} {
		t.Run(lie, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestLiar$/^"+lie+"$", "-test.v")
			cmd.Env = append(os.Environ(), lieVar+"="+lie)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestLiar/"+lie) {
				t.Errorf("the suite believes a liar (%v):\n%s", err, out)
			}
		})
	}
}
