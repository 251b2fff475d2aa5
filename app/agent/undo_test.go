package agent_test

import (
	"errors"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

// A crash after the file was replaced finds the way back on disk already, not that of an earlier restore.
func TestWayBackIsSavedBeforeTheFirstPageChanges(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	old := h.protected(a).Standalone.ReplicatedTXID
	h.world.Write(3)
	now := h.protected(a).Standalone.ReplicatedTXID
	h.file.OnReplace = func(string) error {
		rec, _, err := config.RecordsFile{Path: h.cfg.Layout.Records}.Load()
		if err != nil || rec.Undo == nil || rec.Undo.Point.ID != now {
			t.Errorf("saved so far: %+v, %v", rec.Undo, err)
		}
		return errors.New("the disk is gone")
	}
	to := app.RestoreRequest{Moment: app.Moment{Point: old}}
	if _, err := a.Restore(t.Context(), to); err == nil {
		t.Fatal("a restore that failed says nothing")
	}
	s := h.await(a, "the state before", func(s app.Status) bool { return s.State != app.StateRestoring })
	if s.Undo != nil {
		t.Errorf("a restore that failed cannot be undone: %+v", s.Undo)
	}
}
