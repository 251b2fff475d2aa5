package apptest_test

import (
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func TestModelIsAService(t *testing.T) {
	apptest.TestService(t, func(t *testing.T) apptest.Harness {
		w := apptest.NewWorld(t, t.TempDir(), "model-machine")
		m := apptest.NewModel(t, w)
		t.Cleanup(func() {
			if n := w.Overlaps(); n > 0 {
				t.Errorf("two engines ran at the same time %d times", n)
			}
		})
		return w.Harness(m, m.Done())
	})
}

// TestModelShowsAnUndoByItself: what a restore of rows can be undone by is shown when it returns, also where no engine runs whose
// next report would show it.
func TestModelShowsAnUndoByItself(t *testing.T) {
	ctx := t.Context()
	w := apptest.NewWorld(t, t.TempDir(), "model-machine")
	m := apptest.NewModel(t, w)
	if _, err := m.Setup(ctx, app.SetupRequest{DB: w.Path, Target: apptest.FileTarget(t.TempDir())}); err != nil {
		t.Fatal(err)
	}
	off := app.ModeOff
	if _, err := m.EditPrefs(ctx, app.PrefsEdit{Mode: &off}); err != nil {
		t.Fatal(err)
	}
	w.Write(2)
	first, err := m.Verify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(4)
	second, err := m.Verify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Restore(ctx, app.RestoreRequest{Moment: app.Moment{Point: first.TXID}}); err != nil {
		t.Fatal(err)
	}
	res, err := m.Restore(ctx, app.RestoreRequest{Moment: app.Moment{Point: second.TXID}, Rows: &app.Choice{Tables: []string{"items"}}})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := m.Status(ctx); err != nil || st.Undo == nil || st.Undo.Point.ID != res.Undo.Point.ID {
		t.Errorf("the way back is %+v, in the status %+v, %v", res.Undo, st.Undo, err)
	}
}
