package agent_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
	"github.com/coditect-ai/coditect-sync/config"
)

// TestSetupWhereAnotherMachineWrites: a person decides, and nothing is saved before that.
func TestSetupWhereAnotherMachineWrites(t *testing.T) {
	h := newHome(t)
	h.primary = app.Primary{Machine: "m2", Host: "bureau", Since: time.Now().Add(-time.Hour)}
	a := h.start()
	req := app.SetupRequest{DB: h.world.Path, Target: apptest.FileTarget(t.TempDir())}

	_, err := a.Setup(t.Context(), req)
	if e := app.AsError("", err); app.CodeOf(err) != app.CodeRefused || !strings.Contains(e.Message, "bureau") || e.Hint == "" {
		t.Fatalf("without a word: %v", err)
	}
	if s, err := a.Status(t.Context()); err != nil || s.State != app.StateNew {
		t.Errorf("after a refusal the state is %s, %v", s.State, err)
	}
	req.TakeOver, req.Branch = true, true
	if _, err := a.Setup(t.Context(), req); app.CodeOf(err) != app.CodeInvalid {
		t.Errorf("both: %v", err)
	}
	req.Branch = false
	res, err := a.Setup(t.Context(), req)
	if err != nil || !strings.Contains(strings.Join(res.Steps, " "), "bureau") {
		t.Errorf("taking over: %+v, %v", res, err)
	}
	if h.primary.Machine != machineID {
		t.Errorf("the primary is %+v", h.primary)
	}
	req.TakeOver = false
	if _, err := a.Setup(t.Context(), req); err != nil {
		t.Errorf("setting up again: %v", err)
	}
}

// TestBranchBeginsALineage: the new one is kept, and is what the engine gets.
func TestBranchBeginsALineage(t *testing.T) {
	h := newHome(t)
	h.primary = app.Primary{Machine: "m2", Host: "bureau", Since: time.Now()}
	a := h.start()
	_, err := a.Setup(t.Context(), app.SetupRequest{DB: h.world.Path, Target: apptest.FileTarget(t.TempDir()), Branch: true})
	if err != nil {
		t.Fatal(err)
	}
	h.await(a, "an engine", func(s app.Status) bool { return s.Healthy })
	kept, _, err := config.LoadMachine(filepath.Dir(h.cfg.Layout.Machine))
	if got := h.spec.Load().Lineage; err != nil || got == "lineage" || got != kept.Lineage {
		t.Errorf("the engine writes the lineage %q, kept is %q, %v", got, kept.Lineage, err)
	}
}
