package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestRestoreAsks(t *testing.T) {
	for typed, goes := range map[string]bool{"yes\n": true, "Y\n": true, "\n": false, "no\n": false, "yes please\n": false, "restore": false} {
		f := world()
		var asked []app.RestoreRequest
		do := f.RestoreFunc
		f.RestoreFunc = func(ctx context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
			asked = append(asked, req)
			return do(ctx, req)
		}
		got := call(t, f, terminal{width: 80, typed: typed}, "restore", "--at", "2h")
		if goes != (got.status == 0) || goes != (len(asked) == 1) {
			t.Errorf("%q: %+v, %v", typed, got, asked)
		}
		contains(t, got.err, "Restore to 11:42:51.", "You asked for", "everything written since then, 2 h 20 min", "14 objects, 31 MB", "about 4 s",
			"wait about 1 s to write", "needs 830 MB, 12 GB free", "kept for 30 days", "Type yes to go on:")
		if goes && (asked[0].Point != "0000000000000a00" || !asked[0].At.IsZero() || asked[0].Machine != "0192-machine") {
			t.Errorf("what was shown is not what is done: %+v", asked[0])
		}
		if !goes {
			contains(t, got.err, "Nothing was changed.")
		}
	}
}

func TestRestoreWithJSONNeverAsks(t *testing.T) {
	if got := call(t, world(), terminal{width: 80, typed: "yes\n"}, "restore", "--json"); got.status != 2 {
		t.Errorf("%+v", got)
	}
}

func TestRestoreToAFileAsksNothing(t *testing.T) {
	to := filepath.Join(t.TempDir(), "copy.db")
	t.Chdir(filepath.Dir(to))
	got := call(t, world(), terminal{}, "restore", "--to", "copy.db")
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	contains(t, got.out, "The file holds your memory as it was at 11:42:51.", to)
	if err := os.WriteFile(to, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--to", "copy.db"}, {"--to", "copy.db", "--dry-run"}, {"--to", to, "--yes"}} {
		got = call(t, world(), terminal{}, append([]string{"restore"}, args...)...)
		if got.status != 5 || !strings.Contains(got.err, "exists already.") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestRestoreAsksWhichMachine(t *testing.T) {
	f := world()
	plan := f.PlanRestoreFunc
	f.PlanRestoreFunc = func(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
		if req.Machine == "" {
			return app.RestorePlan{}, app.Errorf(app.CodeInvalid, "restore", "Several machines keep copies here.").WithHint("Say which one with --machine.")
		}
		res, err := plan(ctx, req)
		res.Machine = req.Machine
		return res, err
	}
	got := call(t, f, terminal{width: 100, typed: "0188-other\nyes\n"}, "restore")
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	contains(t, got.err, "thinkpad (this one)", "Which one, by its name or id?", "Machine       0188-other")
	if got = call(t, f, terminal{}, "restore", "--yes"); got.status != 2 {
		t.Errorf("%+v", got)
	}
}

// TestRestoreCanceled: what is said after Ctrl+C is what the agent did.
func TestRestoreCanceled(t *testing.T) {
	for name, late := range map[string]bool{"in time": false, "too late": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f := world()
			f.RestoreFunc = func(ctx context.Context, _ app.RestoreRequest) (app.RestoreResult, error) {
				st := protected()
				st.State, st.Progress = app.StateRestoring, &app.Progress{Phase: app.PhaseReplace}
				f.Publish(st)
				cancel()
				<-ctx.Done()
				go func() { // the agent goes on for a moment
					st := protected()
					if late {
						st.Undo = &app.UndoPoint{RestoredTo: now.Add(-140 * time.Minute), RestoredAt: now, Until: now.AddDate(0, 0, 30)}
					}
					f.Publish(st)
				}()
				return app.RestoreResult{}, app.Errorf(app.CodeCanceled, "restore", "The wait for the agent was ended.").Wrap(ctx.Err())
			}
			got := callCtx(t, ctx, f, terminal{}, "restore", "--yes")
			want := "Canceled. Nothing was restored; every row is as it was.\n" +
				"What was fetched stays for a week: the same restore goes on with it, another one removes it.\n"
			if late {
				want = "It was already restored to 11:42:51 when you stopped it.\n`coditect-sync undo` goes back.\n"
			}
			if got.status != 1 || !strings.HasSuffix(got.err, want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestRowsCanceled: rows come back in steps, so what is said after Ctrl+C is neither all nor nothing, and the way back where there
// is one.
func TestRowsCanceled(t *testing.T) {
	for name, begun := range map[string]bool{"before a row was written": false, "on the way": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f := world()
			f.PlanRestoreFunc = func(context.Context, app.RestoreRequest) (app.RestorePlan, error) {
				return app.RestorePlan{Back: &app.Back{Tables: []app.TableBack{{Table: "decisions", Again: 4}}}}, nil
			}
			f.RestoreFunc = func(ctx context.Context, _ app.RestoreRequest) (app.RestoreResult, error) {
				if begun {
					st := protected()
					st.Undo = &app.UndoPoint{RestoredTo: now.Add(-140 * time.Minute), RestoredAt: now, Until: now.AddDate(0, 0, 30)}
					f.Publish(st)
				}
				cancel()
				<-ctx.Done()
				return app.RestoreResult{}, app.Errorf(app.CodeCanceled, "restore", "The wait for the agent was ended.").Wrap(ctx.Err())
			}
			got := callCtx(t, ctx, f, terminal{}, "restore", "--table", "decisions", "--yes")
			want := "Canceled. Rows that came back before stay; the same command goes on with the others.\n"
			if begun {
				want += "`coditect-sync undo` goes back.\n"
			}
			if got.status != 1 || got.err != want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestLookCanceled: while it is only looked for what would be restored, nothing is changed, and that is what is said.
func TestLookCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := world()
	f.PlanRestoreFunc = func(context.Context, app.RestoreRequest) (app.RestorePlan, error) {
		cancel()
		return app.RestorePlan{}, app.Errorf(app.CodeCanceled, "connect", "The wait for the agent was ended.").Wrap(context.Canceled)
	}
	if got := callCtx(t, ctx, f, terminal{}, "restore", "--table", "decisions", "--yes"); got.status != 1 || got.err != "Canceled. Nothing was changed.\n" {
		t.Errorf("%+v", got)
	}
}

func TestUndoAsks(t *testing.T) {
	st := statuses()["undo-and-locked"]
	f := serving(st)
	got := call(t, f, terminal{width: 90, typed: "no\n"}, "undo")
	contains(t, got.err, "Undo the restore to 11:42:51, made 10 min ago.", "everything written since 13:52:51", "Nothing was changed.")
	if got.status != 1 {
		t.Errorf("%+v", got)
	}
	if got = call(t, world(), terminal{width: 90, typed: "yes\n"}, "undo"); got.status != 0 {
		t.Errorf("%+v", got)
	}
}
