package apptest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

var errHook = errors.New("the hook says no")

func hook() error { return errHook }

func TestFakeServiceDoesWhatItSays(t *testing.T) {
	ctx, f := t.Context(), &apptest.FakeService{}
	first, err := f.Status(ctx)
	if err != nil || first.Rev != 1 || first.State != app.StateStandalone || !first.Healthy {
		t.Errorf("at first %+v, %v", first, err)
	}
	off := app.ModeOff
	st, err := f.EditPrefs(ctx, app.PrefsEdit{Mode: &off})
	if err != nil || st.State != app.StateOff || st.Rev != 2 {
		t.Errorf("edited to %+v, %v", st, err)
	}
	f.Publish(app.Status{Summary: "news"})
	if st, err := f.Watch(ctx, 2); err != nil || st.Summary != "news" || st.Rev != 3 {
		t.Errorf("watched %+v, %v", st, err)
	}
	for range 2 {
		if err := f.Quit(ctx); err != nil {
			t.Error(err)
		}
	}
	<-f.Done()
	f.UndoFunc = func(context.Context) (app.RestoreResult, error) { return app.RestoreResult{}, errHook }
	if _, err := f.Undo(ctx); !errors.Is(err, errHook) {
		t.Errorf("a function field was not asked: %v", err)
	}
}

// runKeeper runs k until the returned func is called, and collects what it reports.
func runKeeper(t *testing.T, k *apptest.FakeKeeper) (reports func() []app.Report, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	all := make(chan []app.Report, 1)
	all <- nil
	ended := make(chan error, 1)
	go func() {
		ended <- k.Run(ctx, func(r app.Report) { all <- append(<-all, r) })
	}()
	reports = func() []app.Report {
		got := <-all
		all <- slices.Clone(got)
		return got
	}
	return reports, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func last(t *testing.T, reports []app.Report) app.Report {
	t.Helper()
	if len(reports) == 0 {
		t.Fatal("nothing was reported")
	}
	return reports[len(reports)-1]
}

func TestKeeperCopiesWhatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := apptest.NewWorld(t, t.TempDir(), "this")
		k := w.Keeper()
		w.Write(2)
		reports, stop := runKeeper(t, k)
		synctest.Wait()
		w.Write(3)
		synctest.Wait()
		st := last(t, reports()).Standalone
		if st.TXID != "0000000000000002" || st.ReplicatedTXID != st.TXID || !st.LastDrill.OK || st.LastDrill.Rows != 2 {
			t.Errorf("reported %+v with drill %+v", st, st.LastDrill)
		}
		d, err := k.Drill(t.Context())
		if err != nil || d.Rows != 5 || d.TXID != st.TXID {
			t.Errorf("drill %+v, %v", d, err)
		}
		k.SetFault(app.Errorf(app.CodeNoSpace, "copy", "Full."))
		if f := last(t, reports()).Fault; f == nil || f.Code != app.CodeNoSpace {
			t.Errorf("fault %+v", f)
		}
		k.Tell(&app.Progress{Phase: app.PhaseOffline})
		if p := last(t, reports()).Progress; p == nil || p.Phase != app.PhaseOffline {
			t.Errorf("progress %+v", p)
		}
		w.Write(1)
		stop() // with a final flush
		line, err := w.Replica().Timeline(t.Context(), "")
		if err != nil || line.Points[0].ID != "0000000000000003" || k.Runs() != 1 || w.Overlaps() != 0 {
			t.Errorf("timeline %+v, %v; %d runs, %d overlaps", line, err, k.Runs(), w.Overlaps())
		}
		n := len(reports())
		if k.Tell(nil); len(reports()) != n {
			t.Error("it reports after Run has returned")
		}
	})
}

func TestKeeperIsReadyOnlyWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := apptest.NewWorld(t, t.TempDir(), "this")
		k := w.Keeper()
		for range 2 { // also before a second run
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if _, err := k.Flush(ctx); app.CodeOf(err) != app.CodeCanceled {
				t.Errorf("flush before Run: %v", err)
			}
			cancel()
			_, stop := runKeeper(t, k)
			if _, err := k.Mark(t.Context()); err != nil {
				t.Error(err)
			}
			stop()
		}
	})
}

func TestKeeperHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := apptest.NewWorld(t, t.TempDir(), "this")
		dead := w.Keeper()
		dead.OnRun = func(context.Context) error { return errHook }
		if err := dead.Run(t.Context(), func(app.Report) {}); !errors.Is(err, errHook) {
			t.Errorf("run: %v", err)
		}
		k := w.Keeper()
		k.OnFlush = hook
		reports, stop := runKeeper(t, k)
		if _, err := k.Flush(t.Context()); !errors.Is(err, errHook) {
			t.Errorf("flush: %v", err)
		}
		if _, err := k.Drill(t.Context()); !errors.Is(err, errHook) {
			t.Errorf("drill: %v", err)
		}
		synctest.Wait()
		if !slices.ContainsFunc(reports(), func(r app.Report) bool {
			return r.Progress != nil && r.Progress.Phase == app.PhaseOffline && r.Standalone.ReplicatedTXID == ""
		}) {
			t.Errorf("a copy that failed is not reported: %+v", reports())
		}
		stop()
	})
}

func TestTwoKeepersAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := apptest.NewWorld(t, t.TempDir(), "this")
		stuck := make(chan struct{})
		first := w.Keeper()
		first.Stuck = stuck
		_, stopFirst := runKeeper(t, first)
		synctest.Wait()
		_, stopSecond := runKeeper(t, w.Keeper())
		synctest.Wait()
		stopSecond()
		close(stuck)
		stopFirst()
		if n := w.Overlaps(); n != 1 {
			t.Errorf("%d overlaps, want 1", n)
		}
	})
}

// keep flushes by a short run and returns the newest point.
func keep(t *testing.T, w *apptest.World) app.RestorePoint {
	t.Helper()
	_, stop := runKeeper(t, w.Keeper())
	stop()
	line, err := w.Replica().Timeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return line.Points[0]
}

func TestReplicaFindsFetchesAndRefuses(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	w := apptest.NewWorld(t, t.TempDir(), "this")
	other := w.AddMachine("other", app.MachineInfo{Host: "laptop"}, 9)
	r := w.Replica()
	if line, err := r.Timeline(ctx, ""); err != nil || line.Machine != "other" || line.Points[0].ID != other.ID {
		t.Errorf("the only machine: %+v, %v", line, err)
	}
	w.Write(2)
	first := keep(t, w)
	w.Write(2)
	second := keep(t, w)
	list, err := r.Machines(ctx)
	if err != nil || len(list) != 2 || list[0].ID != "other" || list[0].This || !list[1].This {
		t.Errorf("machines %+v, %v", list, err)
	}
	plan, err := r.Plan(ctx, "", app.Moment{At: first.Time})
	if err != nil || plan.Point.ID != first.ID {
		t.Errorf("plan %+v, %v", plan, err)
	}
	to := filepath.Join(dir, "image")
	if err := r.Fetch(ctx, plan, to, nil); err != nil || apptest.ImageRows(t, to) != 2 {
		t.Errorf("fetch: %v", err)
	}
	if err := r.Fetch(ctx, plan, to, nil); app.CodeOf(err) != app.CodeRefused {
		t.Errorf("fetch over a file: %v", err)
	}
	w.Damage(second.ID)
	plan, err = r.Plan(ctx, "this", app.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(ctx, plan, filepath.Join(dir, "damaged"), nil); app.CodeOf(err) != app.CodeDamaged {
		t.Errorf("fetch of a damaged point: %v", err)
	}
	w.Forget(first.ID)
	if _, err := r.Plan(ctx, "", app.Moment{Point: first.ID}); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("plan for a forgotten point: %v", err)
	}
	r.OnList = hook
	if _, err := r.Plan(ctx, "", app.Moment{}); !errors.Is(err, errHook) {
		t.Errorf("hook: %v", err)
	}
	if err := r.Close(); err != nil || !r.Closed() {
		t.Errorf("close: %v", err)
	}
}

func TestDamagedPointFailsItsDrill(t *testing.T) {
	w := apptest.NewWorld(t, t.TempDir(), "this")
	w.Write(1)
	p := keep(t, w)
	w.Damage(p.ID)
	k := w.Keeper()
	_, stop := runKeeper(t, k)
	d, err := k.Drill(t.Context())
	if stop(); err != nil || d.OK || d.Problem == "" {
		t.Errorf("drill %+v, %v", d, err)
	}
}

func TestFileReplacesAllOrNothing(t *testing.T) {
	ctx := t.Context()
	w := apptest.NewWorld(t, t.TempDir(), "this")
	w.Write(3)
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, []byte(`["a","b"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := w.File()
	if _, err := f.Replace(ctx, image, hook, nil); !errors.Is(err, errHook) || w.Rows() != 3 {
		t.Errorf("before failed: %v, %d rows", err, w.Rows())
	}
	f.OnReplace = func(string) error { return errHook }
	pass := func() error { return nil }
	if _, err := f.Replace(ctx, image, pass, nil); !errors.Is(err, errHook) || w.Rows() != 3 {
		t.Errorf("replace failed: %v, %d rows", err, w.Rows())
	}
	f.OnReplace = nil
	if _, err := f.Replace(ctx, image, pass, nil); err != nil || w.Rows() != 2 {
		t.Errorf("replaced: %v, %d rows", err, w.Rows())
	}
	live, err := f.Check(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := f.Check(ctx, image); err != nil || !slices.Equal(live, same) {
		t.Errorf("image %+v, %v; file %+v", same, err, live)
	}
	if _, err := f.Check(ctx, image+"x"); app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("no image: %v", err)
	}
	if err := os.WriteFile(image, []byte(`["a",`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Check(ctx, image); app.CodeOf(err) != app.CodeDamaged {
		t.Errorf("half an image: %v", err)
	}
}

// TestFreezeHoldsWritersBack: what is written after mark is not in the snapshot.
func TestFreezeHoldsWritersBack(t *testing.T) {
	w := apptest.NewWorld(t, t.TempDir(), "this")
	w.Write(3)
	f := w.File()
	written := make(chan struct{})
	snap, err := f.Freeze(t.Context(), func() error {
		go func() {
			defer close(written)
			w.Write(1)
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-written
	tables, err := snap.Hash(t.Context())
	if err != nil || tables[0].Rows != 3 || w.Rows() != 4 {
		t.Errorf("snapshot %+v, %v; file %d rows", tables, err, w.Rows())
	}
	if err := snap.Close(); err != nil {
		t.Error(err)
	}
	f.OnFreeze = hook
	if _, err := f.Freeze(t.Context(), func() error { return nil }); !errors.Is(err, errHook) {
		t.Errorf("hook: %v", err)
	}
}

func TestLostFileComesBack(t *testing.T) {
	ctx := t.Context()
	w := apptest.NewWorld(t, t.TempDir(), "this")
	w.Write(3)
	f := w.File()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, []byte(`["a"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := f.InstallImage(ctx, image)
	if err != nil || w.Rows() != 1 || apptest.ImageRows(t, kept) != 3 {
		t.Errorf("kept %q, %v, %d rows", kept, err, w.Rows())
	}
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	if there, err := f.Exists(); there || err != nil {
		t.Errorf("exists %v, %v", there, err)
	}
	if err := f.Create(ctx); err != nil || apptest.ImageRows(t, f.Path()) != 1 {
		t.Errorf("create: %v", err)
	}
	if info, err := f.Adopt(ctx); err != nil || info.Rows["items"] != 1 {
		t.Errorf("info %+v, %v", info, err)
	}
}
