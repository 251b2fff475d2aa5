package cli

import (
	"context"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// statuses are how an agent can be.
func statuses() map[string]app.Status {
	with := func(change func(*app.Status)) app.Status {
		st := protected()
		change(&st)
		return st
	}
	return map[string]app.Status{
		"protected": protected(),
		"new": {
			Version: "v-test", MachineID: "0192-machine", Machine: "thinkpad", State: app.StateNew,
			Summary: "Keep what your AI work has learned: choose where the copies go.",
		},
		"off": with(func(st *app.Status) {
			st.Mode, st.State, st.Healthy = app.ModeOff, app.StateOff, false
			st.Summary = "This memory is not protected. If this disk fails, it is lost."
		}),
		"first-copy": with(func(st *app.Status) {
			st.Healthy, st.Summary = false, "First copy under way. Nothing is protected yet."
			st.Standalone = &app.StandaloneStatus{Target: "file:///mnt/nas/memory"}
			st.Progress = &app.Progress{Phase: app.PhaseFirstCopy, Done: 31e6, Total: 412e6, Rate: 12e6, ETASeconds: 47, Unit: "bytes"}
		}),
		"offline": with(func(st *app.Status) {
			st.Healthy, st.Summary = false, "Offline since 13:20:00. Changes are kept here and go up by themselves. The storage does not answer."
			st.Standalone.LagBytes, st.Standalone.WaitingSince = 48200, now.Add(-42*time.Minute)
			st.Progress = &app.Progress{Phase: app.PhaseOffline, Since: now.Add(-42 * time.Minute), Cause: "The storage does not answer.", NextTry: now.Add(20 * time.Second)}
		}),
		"paused": with(func(st *app.Status) {
			st.State, st.Healthy, st.PausedUntil = app.StatePaused, false, now.Add(84*time.Minute)
			st.Summary = "Paused until 15:26:51. Changes stay on this machine meanwhile."
		}),
		"needs-you": with(func(st *app.Status) {
			st.State, st.Healthy = app.StateError, false
			st.Error = app.Errorf(app.CodeDenied, "replicate", "Your storage no longer accepts copies.").
				WithHint("Give the key the role Storage Object User, then it goes on by itself.")
			st.Summary = st.Error.Message
			st.Standalone.LagBytes, st.Standalone.WaitingSince = 386e3, now.Add(-5*time.Hour)
		}),
		"failed-drill": with(func(st *app.Status) {
			st.Healthy = false
			st.Standalone.LastDrill = &app.Drill{At: now.Add(-20 * time.Hour), Problem: "decisions differs in 1 row."}
			st.Summary = "The copy of 19 Nov 2026 18:02 could not be proved: decisions differs in 1 row."
		}),
		"undo-and-locked": with(func(st *app.Status) {
			st.ModeLocked = "standalone"
			st.Undo = &app.UndoPoint{
				Point: point("0000000000000a10", now.Add(-10*time.Minute), 0, app.PointChange), RestoredTo: now.Add(-140 * time.Minute),
				RestoredAt: now.Add(-10 * time.Minute), Until: now.AddDate(0, 0, 30),
			}
		}),
		"costs": with(func(st *app.Status) {
			st.Standalone.Retention = []string{"Every 5 seconds for a day", "every hour for 90 days"}
			st.Standalone.MonthlyCost = &app.Cost{Total: 0.04, Requests: 0.01, Storage: 0.02, Fetching: 0.01, Stored: 1.2e9, Prices: "Google Cloud Storage"}
		}),
		"several": with(func(st *app.Status) {
			folder, bucket := *st.Standalone, *st.Standalone
			folder.Target, folder.Healthy = "file:///mnt/nas/memory", true
			bucket.Healthy, bucket.LagBytes, bucket.WaitingSince = false, 48200, now.Add(-42*time.Minute)
			bucket.StartsOverSince = now.Add(-time.Minute)
			bucket.Progress = &app.Progress{Phase: app.PhaseOffline, Since: now.Add(-42 * time.Minute), Cause: "The storage does not answer.", NextTry: now.Add(20 * time.Second)}
			st.Healthy, st.Progress = false, bucket.Progress
			st.Summary = "Proved at file:///mnt/nas/memory, but not everywhere. gs://mira-memory/work: Offline since 13:20:51. Changes are kept here and go up by themselves. The storage does not answer."
			bucket.Targets = []app.StandaloneStatus{folder, bucket}
			bucket.Retention = []string{"Every 5 seconds for the last hour"}
			st.Standalone = &bucket
		}),
		"hostile": with(func(st *app.Status) {
			st.Machine, st.DB.Path, st.Standalone.Target = hostileText, "/tmp/"+hostileText, "file:///"+hostileText
			st.Summary = hostileText
		}),
	}
}

func TestStatusGoldens(t *testing.T) {
	for name, st := range statuses() {
		for kind, term := range map[string]terminal{
			"pipe": {}, "color": {width: 80, color: true}, "narrow": {width: 44},
		} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				got := call(t, serving(st), term, "status")
				if got.status != 0 || got.err != "" {
					t.Fatalf("%+v", got)
				}
				golden(t, "status-"+name+"-"+kind+".txt", got.out)
				if kind != "color" && harmful(got.out) {
					t.Errorf("%q", got.out)
				}
			})
		}
	}
}

// world is a fake agent with a history.
func world() *apptest.FakeService {
	f := serving(protected())
	points := []app.RestorePoint{
		point("0000000000000a1f", now.Add(-1210*time.Millisecond), 4123, app.PointChange),
		point("0000000000000a1e", now.Add(-26*time.Hour), 48_200, app.PointMerged),
		point("0000000000000001", now.AddDate(0, 0, -27), 412e6, app.PointFull),
	}
	points[1].Pinned = now.AddDate(0, 0, 29)
	f.PointsFunc = func(_ context.Context, machine string) (app.Timeline, error) {
		return app.Timeline{Machine: machine, Oldest: points[2].Time, Points: points}, nil
	}
	f.MachinesFunc = func(context.Context) ([]app.Machine, error) {
		return []app.Machine{
			{ID: "0192-machine", User: "mira", This: true, MachineInfo: app.MachineInfo{
				Host: "thinkpad", DB: "/home/mira/context.db", LastReplicated: now.Add(-time.Minute), Rows: map[string]int64{"messages": 128000, "sessions": 431}}},
			{ID: "0188-other", User: "mira"},
		}, nil
	}
	f.PlanRestoreFunc = func(_ context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
		return app.RestorePlan{
			Machine: "0192-machine", Point: point("0000000000000a00", now.Add(-140*time.Minute), 4123, app.PointChange), Objects: 14, Bytes: 31e6,
			DBBytes: 412e6, Seconds: 3.4, WriterWait: 0.8, DiskNeeded: 830e6, DiskFree: 12e9,
		}, nil
	}
	f.RestoreFunc = func(_ context.Context, req app.RestoreRequest) (app.RestoreResult, error) {
		path := req.To
		if path == "" {
			path = "/home/mira/context.db"
		}
		return restored(path, req.To == ""), nil
	}
	f.UndoFunc = func(context.Context) (app.RestoreResult, error) { return restored("/home/mira/context.db", true), nil }
	f.VerifyFunc = func(context.Context) (app.Drill, error) {
		return app.Drill{At: now, OK: true, TXID: "0000000000000a1f", Rows: 128431, Took: 2400 * time.Millisecond, Tables: hashes()}, nil
	}
	f.DoctorFunc = func(context.Context) ([]app.Finding, error) {
		return []app.Finding{
			{Check: "sqlite", Level: app.LevelOK, Detail: "SQLite 3.51.3 is built in."},
			{Check: "same disk", Level: app.LevelWarn, Detail: "The copies are on the same disk as the file.", Hint: "Use another disk, a NAS or a bucket."},
		}, nil
	}
	return f
}

func hashes() []app.TableHash {
	return []app.TableHash{{Table: "messages", Rows: 128000, Sum: "00c0ffee00c0ffee"}, {Table: "sessions", Rows: 431, Sum: "0123456789abcdef"}}
}

func restored(path string, live bool) app.RestoreResult {
	res := app.RestoreResult{
		Point: point("0000000000000a00", now.Add(-140*time.Minute), 4123, app.PointChange), Path: path, Integrity: "ok", Rows: 128431,
		Tables: hashes(), Equal: true, Took: 3200 * time.Millisecond,
	}
	if live {
		res.WritersWaited = 740 * time.Millisecond
		res.Undo = &app.UndoPoint{Until: now.AddDate(0, 0, 30), RestoredTo: res.Point.Time, RestoredAt: now}
	}
	return res
}

func TestVerbGoldens(t *testing.T) {
	for name, args := range map[string][]string{
		"points": {"points"}, "points-limit": {"points", "--limit", "1"}, "points-json": {"points", "--json", "--limit", "2"},
		"machines": {"machines"}, "restore-dry-run": {"restore", "--at", "2h", "--dry-run"},
		"restore-to-dry-run": {"restore", "--to", "/nowhere/copy.db", "--dry-run"},
		"restore":            {"restore", "--latest", "--yes"}, "restore-json": {"restore", "--yes", "--json"}, "undo": {"undo", "--yes"},
		"verify": {"verify"}, "doctor": {"doctor"}, "mode": {"mode"}, "mode-json": {"mode", "--json"}, "status-json": {"status", "--json"},
		"doctor-json": {"doctor", "--json"},
	} {
		for kind, term := range map[string]terminal{"pipe": {}, "color": {width: 80, color: true}, "narrow": {width: 44}} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				got := call(t, world(), term, args...)
				if got.status != 0 {
					t.Fatalf("%+v", got)
				}
				golden(t, name+"-"+kind+".txt", got.out)
			})
		}
	}
}
