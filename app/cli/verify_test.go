package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestVerifyThatDoesNotHold(t *testing.T) {
	f := world()
	f.VerifyFunc = func(context.Context) (app.Drill, error) {
		return app.Drill{At: now, Problem: "decisions differs in 1 row"}, nil
	}
	got := call(t, f, terminal{}, "verify")
	if got.status != 1 || got.out != "" || !strings.HasPrefix(got.err, "The copy does not hold: Decisions differs in 1 row.\n") {
		t.Errorf("%+v", got)
	}
	got = call(t, f, terminal{}, "verify", "--json")
	var d app.Drill
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || d.OK || d.Problem == "" || got.status != 1 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestVerifyWhereAnotherMachineWrites(t *testing.T) {
	f := world()
	f.VerifyFunc = func(context.Context) (app.Drill, error) {
		e := app.Errorf(app.CodeRefused, "replicate", "studio writes the history of this file.").WithHint("Take over.").Typed("Take over with `setup`.")
		lost := app.Drill{Problem: e.Message, Error: e, Target: "file:///mnt/nas"}
		d := lost
		d.Targets = []app.Drill{lost, {At: now, OK: true, TXID: "0000000000000004", Rows: 8, Target: "gs://b/c"}}
		return d, nil
	}
	got := call(t, f, terminal{}, "verify")
	if got.status != 5 || got.err != "The copy at file:///mnt/nas is not proved: studio writes the history of this file.\nTake over with `setup`.\n" {
		t.Errorf("%+v", got)
	}
	contains(t, got.out, "file:///mnt/nas: studio writes", "gs://b/c: it restores")
	if got = call(t, f, terminal{}, "verify", "--json"); got.status != 5 || !strings.Contains(got.out, `"code": "refused"`) {
		t.Errorf("%+v", got)
	}
}

func TestARefusalIsNotCalledOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := app.Errorf(app.CodeDenied, "replicate", "You may not delete in /mnt/nas, so nothing is copied.").WithHint("Give your user the right to.")
		f := world()
		f.VerifyFunc = func(context.Context) (app.Drill, error) {
			st := protected()
			st.Error, st.Progress = refused, &app.Progress{Phase: app.PhaseOffline, Cause: refused.Message}
			f.Publish(st)
			synctest.Wait()
			return app.Drill{}, refused
		}
		want := refused.Message + "\n" + refused.Hint + "\n"
		if got := call(t, f, terminal{}, "verify"); got.status != 1 || got.err != want {
			t.Errorf("%d %q, want 1 %q", got.status, got.err, want)
		}
	})
}
