package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/agent"
	"github.com/coditect-ai/coditect-sync/config"
)

// breaking is a home with two points whose fetches fail as a test says, with a piece of the image left.
type breaking struct {
	*home
	a      *agent.Agent
	fail   error
	points []app.RestorePoint
}

func newBreaking(t *testing.T) *breaking {
	t.Helper()
	b := &breaking{home: newHome(t)}
	b.replica = func() app.Replica {
		r := b.world.Replica()
		r.OnFetch = func(_ app.RestorePlan, to string) error {
			if b.fail == nil {
				return nil
			}
			return errors.Join(os.WriteFile(to, []byte("a piece"), 0o600), b.fail)
		}
		return r
	}
	b.a = b.start()
	b.setup(b.a)
	for range 2 {
		b.world.Write(3)
		if _, err := b.a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	line, err := b.a.Points(t.Context(), "")
	if err != nil || len(line.Points) < 2 {
		t.Fatalf("%+v, %v", line, err)
	}
	b.points = line.Points
	return b
}

// restore asks for a point; to "" is the live file.
func (b *breaking) restore(i int, to string, fail error) (app.RestoreResult, error) {
	b.fail = fail
	return b.a.Restore(b.t.Context(), app.RestoreRequest{Moment: app.Moment{Point: b.points[i].ID}, To: to})
}

func (b *breaking) left(dir string) int {
	b.t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.restoring-*"))
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

func (b *breaking) record() *config.Unfinished {
	b.t.Helper()
	r, _, err := (config.RecordsFile{Path: b.cfg.Layout.Records}).Load()
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Unfinished
}

var (
	broken  = app.Errorf(app.CodeUnreachable, "restore", "Your storage does not answer.").WithHint("It is tried again.")
	damaged = app.Errorf(app.CodeDamaged, "restore", "An object is damaged.").WithHint("Choose another point.")
)

func TestInterruptedRestoreIsGoneOnWith(t *testing.T) {
	b := newBreaking(t)
	copies := t.TempDir()
	for name, to := range map[string]string{"live": "", "beside": filepath.Join(copies, "copy.db")} {
		dir := copies
		if to == "" {
			dir = filepath.Dir(b.world.Path)
		}
		if _, err := b.restore(0, to, broken); app.CodeOf(err) != app.CodeUnreachable {
			t.Fatalf("%s: %v", name, err)
		}
		if n := b.left(dir); n != 1 || b.record() == nil {
			t.Fatalf("%s: %d images are left, %+v", name, n, b.record())
		}
		res, err := b.restore(0, to, nil)
		if err != nil || res.Had == 0 {
			t.Errorf("%s: had %d, %v", name, res.Had, err)
		}
		if n := b.left(dir); n != 0 || b.record() != nil {
			t.Errorf("%s: %d images are left in the end, %+v", name, n, b.record())
		}
	}
}

// Whoever wants something else is not left with a hidden copy of the memory.
func TestAnotherRestoreRemovesWhatWasLeft(t *testing.T) {
	for name, next := range map[string]func(b *breaking) (app.RestoreResult, error){
		"another point": func(b *breaking) (app.RestoreResult, error) { return b.restore(1, "", nil) },
		"another place": func(b *breaking) (app.RestoreResult, error) {
			return b.restore(0, filepath.Join(t.TempDir(), "copy.db"), nil)
		},
		"another point that breaks": func(b *breaking) (app.RestoreResult, error) {
			res, err := b.restore(1, filepath.Join(t.TempDir(), "copy.db"), broken)
			if app.CodeOf(err) != app.CodeUnreachable {
				return res, errors.Join(errors.New("it did not break"), err)
			}
			return res, nil
		},
	} {
		b := newBreaking(t)
		if _, err := b.restore(0, "", broken); err == nil {
			t.Fatal("it did not break")
		}
		res, err := next(b)
		if err != nil || res.Had != 0 {
			t.Errorf("%s: had %d, %v", name, res.Had, err)
		}
		if n := b.left(filepath.Dir(b.world.Path)); n != 0 {
			t.Errorf("%s: %d images are left", name, n)
		}
	}
}

func TestNothingIsLeftOfADamagedPoint(t *testing.T) {
	b := newBreaking(t)
	if _, err := b.restore(0, "", damaged); app.CodeOf(err) != app.CodeDamaged {
		t.Fatal(err)
	}
	if n := b.left(filepath.Dir(b.world.Path)); n != 0 || b.record() != nil {
		t.Errorf("%d images are left, %+v", n, b.record())
	}
}

func TestWhatNobodyGoesOnWithIsRemoved(t *testing.T) {
	for days, want := range map[int]int{6: 1, 8: 0} {
		b := newBreaking(t)
		if _, err := b.restore(0, "", broken); err == nil {
			t.Fatal("it did not break")
		}
		if err := b.a.Quit(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.cfg.Now = func() time.Time { return time.Now().AddDate(0, 0, days) }
		a := b.start()
		if _, err := a.Settings(t.Context()); err != nil { // Run has begun
			t.Fatal(err)
		}
		if n := b.left(filepath.Dir(b.world.Path)); n != want || (b.record() != nil) != (want == 1) {
			t.Errorf("after %d days %d images are left, %+v", days, n, b.record())
		}
	}
}

// What was fetched to be looked at is not fetched again to be restored.
func TestRestoreTakesWhatWasLookedAt(t *testing.T) {
	b := newBreaking(t)
	req := app.RestoreRequest{Moment: app.Moment{Point: b.points[1].ID}}
	if _, err := b.a.Preview(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if res, err := b.restore(0, "", nil); err != nil || res.Had != 0 {
		t.Errorf("another moment: had %d, %v", res.Had, err)
	}
	if res, err := b.restore(1, "", nil); err != nil || res.Had == 0 {
		t.Errorf("had %d, %v", res.Had, err)
	}
	if list, err := os.ReadDir(b.cfg.Layout.Tmp); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
	if _, err := b.a.Preview(t.Context(), req); err != nil {
		t.Errorf("a look after it: %v", err)
	}
}

// A point of another machine may go while it is read, for nobody asks that machine to wait. It is said why.
func TestPointOfAnotherMachineMayGo(t *testing.T) {
	b := newBreaking(t)
	b.world.AddMachine("0198-studio", app.MachineInfo{Host: "studio"}, 3)
	b.fail = app.Errorf(app.CodeNotFound, "restore", "There is no point 7 any more.").WithHint("The nearest before it is 6.")
	_, err := b.a.Restore(t.Context(), app.RestoreRequest{Machine: "0198-studio"})
	if e := app.AsError("", err); e.Code != app.CodeNotFound || e.Hint != "The nearest before it is 6." ||
		e.Message != "Not restored; every row is as it was. Its machine let that point go while it was read, as its retention says. There is no point 7 any more." {
		t.Errorf("%q, %q", e.Message, e.Hint)
	}
	if n := b.left(filepath.Dir(b.world.Path)); n != 0 {
		t.Errorf("%d images are left", n)
	}
}
