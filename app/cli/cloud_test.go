package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// clouds are how an agent can be in cloud mode.
func clouds() map[string]app.Status {
	with := func(change func(*app.Status)) app.Status {
		st := synced()
		change(&st)
		return st
	}
	return map[string]app.Status{
		"cloud": synced(),
		"cloud-stalled": with(func(st *app.Status) {
			st.Healthy, st.Summary = false, "Stalled: 42 changes are not confirmed since 13:59:00. It is being worked on."
			st.Cloud.PendingUploads, st.Cloud.WaitingSince, st.Cloud.Rejected = 42, now.Add(-4*time.Minute), 1
			st.Cloud.Steps = []app.CureStep{{Text: "Tried at once", Done: true}, {Text: "Connect anew"}}
			st.Progress = &app.Progress{Phase: app.PhaseStalled, Since: now.Add(-3 * time.Minute), Cause: "The server does not confirm."}
		}),
		"cloud-unequal": with(func(st *app.Status) {
			st.Healthy, st.Summary = false, "Decisions differ in 1 row."
			st.Cloud.LastProof = &app.Proof{At: now.Add(-time.Minute), Rows: 2, Problem: "Decisions differ in 1 row.", Tables: []app.TableProof{
				{Table: "decisions", Here: app.TableHash{Rows: 1}, There: app.TableHash{Rows: 2}},
				{Table: "messages", Here: app.TableHash{Rows: 1}, There: app.TableHash{Rows: 1}, Equal: true},
			}}
		}),
		"cloud-signed-out": with(func(st *app.Status) {
			st.State, st.Healthy, st.Cloud.SignedIn = app.StateSignedOut, false, false
			st.Summary = "Sign in again to go on syncing. 88 changes are recorded here."
			st.Cloud.PendingUploads, st.Cloud.WaitingSince = 88, now.Add(-2*time.Hour)
		}),
	}
}

func synced() app.Status {
	st := protected()
	st.Mode, st.State = app.ModeCloud, app.StateCloud
	st.Summary = "This machine and the cloud hold the same 128,431 rows. Proved 14:02:11."
	st.Cloud = &app.CloudStatus{
		Server: "https://sync.example.com", SignedIn: true, User: "mira@example.com", Recording: true, Connected: true,
		LastSyncedAt: now.Add(-2 * time.Second), LastPushedAt: now.Add(-2 * time.Second),
		LastProof: &app.Proof{At: now.Add(-40 * time.Second), Equal: true, Rows: 128431}, NextProofAt: now.Add(24 * time.Hour),
	}
	return st
}

func TestCloudStatusGoldens(t *testing.T) {
	for name, st := range clouds() {
		for kind, term := range map[string]terminal{"pipe": {}, "color": {width: 80, color: true}} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				got := call(t, serving(st), term, "status")
				if got.status != 0 || got.err != "" {
					t.Fatalf("%+v", got)
				}
				golden(t, "status-"+name+"-"+kind+".txt", got.out)
			})
		}
	}
}

// inCloudMode is a fake agent with an account and two lost items.
func inCloudMode(proof app.Proof) *apptest.FakeService {
	f := serving(synced())
	f.ProveFunc = func(context.Context) (app.Proof, error) { return proof, nil }
	f.PushFunc = func(_ context.Context, req app.PushRequest) (app.PushResult, error) {
		res := app.PushResult{Pushed: 3}
		if req.Initial {
			res.Proof = &proof
		}
		return res, nil
	}
	f.LostFunc = func(context.Context) ([]app.LostItem, error) {
		return []app.LostItem{{
			ID: "l-1", At: now.Add(-time.Minute), Kind: app.LostRejected, Table: "decisions", Row: "r-1", Op: "put",
			Why: "You can read this project but not write to it.", Mine: json.RawMessage(`{"decision":"` + jsonHostile + `"}`),
			Theirs: json.RawMessage(`{"decision":"b"}`),
		}}, nil
	}
	return f
}

const jsonHostile = `\u001b[31mred\u0007`

func TestVerifyProvesTheCloud(t *testing.T) {
	good := app.Proof{Equal: true, Rows: 5, Took: time.Second, Tables: []app.TableProof{{Table: "decisions", Equal: true}}}
	got := call(t, inCloudMode(good), terminal{}, "verify")
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	contains(t, got.out, "Proved: this machine and the cloud hold the same 5", "decisions")
	bad := app.Proof{Problem: "Decisions differ in 1 row", Tables: []app.TableProof{{Table: "decisions"}}}
	got = call(t, inCloudMode(bad), terminal{}, "verify")
	if got.status != 1 {
		t.Fatalf("%+v", got)
	}
	contains(t, got.err, "Decisions differ in 1 row.")
	contains(t, got.out, "differs")
	if got = call(t, inCloudMode(bad), terminal{}, "verify", "--json"); got.status != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestPush(t *testing.T) {
	got := call(t, inCloudMode(app.Proof{Equal: true, Rows: 7}), terminal{}, "push", "--initial")
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	contains(t, got.out, "Every row of this machine is in the cloud.", "the same 7")
	if got = call(t, inCloudMode(app.Proof{}), terminal{}, "push", "--initial"); got.status != 1 {
		t.Errorf("a proof that does not hold: %+v", got)
	}
	if got = call(t, serving(protected()), terminal{}, "push"); got.status != 4 {
		t.Errorf("without an account: %+v", got)
	}
	if got = call(t, inCloudMode(app.Proof{}), terminal{own: true}, "push"); got.status != 3 {
		t.Errorf("without an agent: %+v", got)
	}
}

func TestMigrate(t *testing.T) {
	f := inCloudMode(app.Proof{Equal: true})
	var asked []app.Mode
	f.MoveFunc = func(_ context.Context, req app.MoveRequest) (app.MoveResult, error) {
		asked = append(asked, req.To)
		return app.MoveResult{Steps: []app.MoveStep{{ID: "a", Text: "Send every row", Done: true, Took: time.Second}}, Status: synced()}, nil
	}
	f.PlanMoveFunc = func(_ context.Context, req app.MoveRequest) (app.MovePlan, error) {
		return app.MovePlan{From: app.ModeStandalone, To: req.To, Rows: 1234, Seconds: 7, Steps: []app.MoveStep{{Text: "Send every row"}}}, nil
	}
	for _, args := range [][]string{{"migrate"}, {"migrate", "--back"}, {"mode", "standalone"}} {
		if got := call(t, f, terminal{}, args...); got.status != 0 {
			t.Fatalf("%q: %+v", args, got)
		}
	}
	if len(asked) != 3 || asked[0] != app.ModeCloud || asked[1] != app.ModeStandalone || asked[2] != app.ModeStandalone {
		t.Errorf("asked for %q", asked)
	}
	got := call(t, f, terminal{}, "migrate", "--dry-run")
	contains(t, got.out, "From Standalone to Cloud", "1,234", "Send every row.")
	if len(asked) != 3 {
		t.Error("a dry run moved")
	}
}

// After a push --initial whose proof holds, stop goes on to cloud mode; without one it switches off.
func TestStopAfterProof(t *testing.T) {
	for _, c := range []struct {
		proof *app.Proof
		want  app.Mode
	}{{&app.Proof{Equal: true}, app.ModeCloud}, {&app.Proof{}, app.ModeOff}, {nil, app.ModeOff}} {
		st := protected()
		st.Cloud = &app.CloudStatus{SignedIn: true, Recording: true, LastProof: c.proof}
		f := serving(st)
		var to app.Mode
		f.EditPrefsFunc = func(_ context.Context, edit app.PrefsEdit) (app.Status, error) {
			to = *edit.Mode
			return st, nil
		}
		if got := call(t, f, terminal{}, "stop"); got.status != 0 || to != c.want {
			t.Errorf("%+v; went to %q, want %q", got, to, c.want)
		}
	}
	if got := call(t, serving(synced()), terminal{}, "stop"); got.status != 5 {
		t.Errorf("in cloud mode: %+v", got)
	}
}

func TestLost(t *testing.T) {
	f := inCloudMode(app.Proof{})
	var reapplied, discarded string
	f.ReapplyLostFunc = func(_ context.Context, id string) (app.LostItem, error) {
		reapplied = id
		return app.LostItem{Table: "decisions"}, nil
	}
	var both string
	f.KeepBothFunc = func(_ context.Context, id string) (app.LostItem, error) {
		both = id
		return app.LostItem{Table: "decisions"}, nil
	}
	f.DiscardLostFunc = func(_ context.Context, id string) error { discarded = id; return nil }
	got := call(t, f, terminal{}, "lost", "list")
	contains(t, got.out, "l-1", "decisions", "You can read this project but not write to it.")
	if got = call(t, f, terminal{}, "lost", "reapply", "l-1", "--beside"); got.status != 0 || both != "l-1" || reapplied != "" {
		t.Errorf("%+v, both of %q", got, both)
	}
	got = call(t, f, terminal{}, "lost", "show", "l-1")
	contains(t, got.out, "decision", "red", "b")
	if harmful(got.out) {
		t.Errorf("%q", got.out)
	}
	if got = call(t, f, terminal{}, "lost", "show", "none"); got.status != 1 {
		t.Errorf("%+v", got)
	}
	to := filepath.Join(t.TempDir(), "lost.json")
	if got = call(t, f, terminal{}, "lost", "export", "--to", to); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	var back []app.LostItem
	if text, err := os.ReadFile(to); err != nil || json.Unmarshal(text, &back) != nil || len(back) != 1 {
		t.Errorf("exported %q, %v", text, err)
	}
	if got = call(t, f, terminal{}, "lost", "export", "--to", to); got.status != 5 {
		t.Errorf("over a file: %+v", got)
	}
	call(t, f, terminal{}, "lost", "reapply", "l-1")
	call(t, f, terminal{}, "lost", "discard", "l-1", "--yes")
	if reapplied != "l-1" || discarded != "l-1" {
		t.Errorf("reapplied %q, discarded %q", reapplied, discarded)
	}
	if got = call(t, serving(synced()), terminal{}, "lost"); got.out != "Nothing. When two people change the same row, both versions are kept here.\n" {
		t.Errorf("%+v", got)
	}
}
