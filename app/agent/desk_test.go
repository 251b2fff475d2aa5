package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// login is a system's note of what starts at login.
type login struct {
	on     bool
	broken error
}

func (l *login) Enabled() (bool, error) { return l.on, l.broken }
func (l *login) Set(on bool) error {
	if l.broken == nil {
		l.on = on
	}
	return l.broken
}

func TestStartAtLoginIsTheSystems(t *testing.T) {
	h := newHome(t)
	system := &login{}
	h.cfg.Autostart = system
	a := h.start()
	yes := true
	s, err := a.EditSettings(t.Context(), app.SettingsEdit{StartAtLogin: &yes})
	if err != nil || !s.StartAtLogin || !system.on {
		t.Fatalf("%+v, %v", s, err)
	}
	system.on = false // the person did that elsewhere
	if s, err = a.Settings(t.Context()); err != nil || s.StartAtLogin {
		t.Errorf("%+v, %v", s, err)
	}
	system.broken = app.Errorf(app.CodeDenied, "settings", "The folder autostart cannot be written.")
	if _, err = a.EditSettings(t.Context(), app.SettingsEdit{StartAtLogin: &yes}); app.CodeOf(err) != app.CodeDenied {
		t.Errorf("%v", err)
	}
}

// What thinning would take meanwhile is kept for as long as it is being read.
func TestWhatIsBeingRestoredIsPinned(t *testing.T) {
	h := newHome(t)
	replica := h.world.Replica()
	h.replica = func() app.Replica { return replica }
	a := h.start()
	h.setup(a)
	h.protected(a)
	pinned := func() (ids []string) {
		for _, p := range h.spec.Load().Pins() {
			if p.Pinned.After(time.Now()) {
				ids = append(ids, p.ID)
			}
		}
		return ids
	}
	during := []string(nil)
	replica.OnFetch = func(plan app.RestorePlan, _ string) error {
		if during = pinned(); !slices.Contains(during, plan.Point.ID) {
			t.Errorf("pinned while %s is read: %q", plan.Point.ID, during)
		}
		return nil
	}
	if _, err := a.Restore(t.Context(), app.RestoreRequest{To: filepath.Join(t.TempDir(), "copy.db")}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Preview(t.Context(), app.RestoreRequest{}); err != nil {
		t.Fatal(err)
	}
	if after := pinned(); during == nil || len(after) != 0 {
		t.Errorf("pinned while it was read: %q, afterwards %q", during, after)
	}
}

// The engine goes by another retention without being started anew.
func TestRetentionCountsAtOnce(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.protected(a)
	spec := h.spec.Load()
	wish := "every copy for 2 days"
	if _, err := a.EditSettings(t.Context(), app.SettingsEdit{Retention: &wish}); err != nil {
		t.Fatal(err)
	}
	st, err := a.Status(t.Context())
	if got := spec.Retention(); got[0] != 48*time.Hour || h.spec.Load() != spec {
		t.Errorf("the engine goes by %v", got)
	}
	if err != nil || len(st.Standalone.Retention) != 3 || st.Standalone.Retention[0] != "Every second for 2 days" {
		t.Errorf("the status says %q, %v", st.Standalone.Retention, err)
	}
}

func TestPreviewLeavesNoImage(t *testing.T) {
	h := newHome(t)
	now := time.Now()
	h.cfg.Now = func() time.Time { return now }
	a := h.start()
	h.setup(a)
	h.world.Write(3)
	h.protected(a)
	images := func() []string {
		list, err := filepath.Glob(filepath.Join(h.cfg.Layout.Tmp, "preview*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if _, err := a.Preview(t.Context(), app.RestoreRequest{}); err != nil {
		t.Fatal(err)
	}
	if len(images()) != 1 {
		t.Fatalf("images %q, want one for a second look", images())
	}
	if err := a.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(images()) != 0 {
		t.Errorf("left behind: %q", images())
	}
}

// Whole memories must not pile up on the disk with every crash.
func TestWhatAKilledAgentLeftIsRemoved(t *testing.T) {
	h := newHome(t)
	look := filepath.Join(h.cfg.Layout.Tmp, "preview-1.db")
	image := filepath.Join(filepath.Dir(h.world.Path), "."+filepath.Base(h.world.Path)+".restoring-1")
	for _, left := range []string{look, image} {
		if err := os.WriteFile(left, []byte("a memory"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := h.start()
	h.setup(a)
	h.world.Write(2)
	h.protected(a)
	if _, err := a.Restore(t.Context(), app.RestoreRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{look, image} {
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", left, err)
		}
	}
}

func TestPreviewOfADamagedMomentNamesIt(t *testing.T) {
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
	if _, err = a.Preview(t.Context(), app.RestoreRequest{Moment: app.Moment{Point: points.Points[0].ID}}); app.CodeOf(err) != app.CodeDamaged {
		t.Errorf("%v", err)
	}
}

func TestFailedRestoreIsInTheActivity(t *testing.T) {
	h := newHome(t)
	a := h.start()
	h.setup(a)
	h.world.Write(3)
	h.protected(a)
	h.file.OnReplace = func(string) error { return errors.New("the disk went away") }
	if _, err := a.Restore(t.Context(), app.RestoreRequest{}); err == nil {
		t.Fatal("restored")
	}
	list, err := a.Activity(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == app.EventRestore && e.Bad && strings.HasPrefix(e.Text, "Not restored; every row is as it was.") {
			return
		}
	}
	t.Errorf("%+v", list)
}

func TestFoundFilesAreRealOnes(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	dir := filepath.Join(home, ".coditect-data", "context-storage")
	if err := os.MkdirAll(filepath.Join(dir, "folder.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"sessions.db": "SQLite format 3\x00", "empty.db": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := newHome(t).start().Settings(t.Context())
	if err != nil || len(s.Found) != 1 || s.Found[0] != filepath.Join(dir, "sessions.db") {
		t.Errorf("%q, %v", s.Found, err)
	}
}

// The status says what a month costs, from what the engine counted, also before it counts anew.
func TestCostInTheStatus(t *testing.T) {
	h := newHome(t)
	h.cfg.Cost = func(target string, u app.Usage, _ time.Time) *app.Cost {
		return &app.Cost{Total: float64(u.Writes) / 100, Stored: u.Stored, Prices: "of " + target}
	}
	a := h.start()
	h.setup(a)
	h.protected(a)
	st, err := a.Status(t.Context())
	if err != nil || st.Standalone.MonthlyCost == nil || st.Standalone.MonthlyCost.Prices != "of "+st.Standalone.Target {
		t.Fatalf("%+v, %v", st.Standalone, err)
	}
	plan, err := a.PlanRetention(t.Context(), "short")
	if err != nil || plan.MonthlyCost == nil || plan.MonthlyCostThen == nil {
		t.Errorf("%+v, %v", plan, err)
	}
	further := apptest.FileTarget(t.TempDir())
	trial, err := a.TryTarget(t.Context(), app.SetupRequest{Target: further, Add: true})
	if err != nil || trial.MonthlyCost == nil || trial.MonthlyCost.Prices != "of "+further || trial.MonthlyCost.Total != plan.MonthlyCost.Total {
		t.Errorf("%+v, %v; want what it costs here at the prices there", trial.MonthlyCost, err)
	}
	res, err := a.Setup(t.Context(), app.SetupRequest{DB: h.world.Path, Target: apptest.FileTarget(t.TempDir())})
	if err != nil || !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, "it costs less than $0.01 a month") }) {
		t.Errorf("notes of another storage: %q, %v", res.Notes, err)
	}
}
