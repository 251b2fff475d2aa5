package apptest_test

import (
	"testing"

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
