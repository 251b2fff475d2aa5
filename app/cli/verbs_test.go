package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

func TestExitStatusIsThatOfTheCode(t *testing.T) {
	for code, want := range map[app.Code]int{
		app.CodeFailed: 1, app.CodeInvalid: 2, app.CodeNotFound: 1, app.CodeNotRunning: 3, app.CodeSignedOut: 4, app.CodeRefused: 5,
		app.CodeBusy: 1, app.CodeDenied: 1, app.CodeUnreachable: 1, app.CodeNoSpace: 1, app.CodeDamaged: 1, app.CodeCanceled: 1,
	} {
		f := world()
		f.PointsFunc = func(context.Context, string) (app.Timeline, error) {
			return app.Timeline{}, app.Errorf(code, "points", "It is so.").WithHint("Do this.")
		}
		got := call(t, f, terminal{}, "points")
		if got.status != want || got.out != "" || got.err != "It is so.\nDo this.\n" {
			t.Errorf("%s: %+v, want %d", code, got, want)
		}
		got = call(t, f, terminal{}, "points", "--json")
		var said struct{ Error app.Error }
		if err := json.Unmarshal([]byte(got.out), &said); err != nil || said.Error.Code != code || said.Error.Hint != "Do this." || said.Error.Op != "points" {
			t.Errorf("%s: %q, %v", code, got.out, err)
		}
		contains(t, got.err, "It is so.\nDo this.\n")
	}
}

// What goes for good is said and asked about first.
func TestRetentionThatLetsGo(t *testing.T) {
	plan := app.RetentionPlan{
		Wish: "short", Now: []string{"Every copy for ever"}, Then: []string{"Every copy for a day"}, Moments: 4210, Gone: 1204, Bytes: 1.3e9,
		MonthlyCost:     &app.Cost{Total: 0.14, Storage: 0.12, Stored: 6e9, Requests: 0.02, Prices: "Google"},
		MonthlyCostThen: &app.Cost{Total: 0.04, Storage: 0.02, Stored: 1e9, Requests: 0.02, Prices: "Google"},
		Oldest:          now.AddDate(0, 0, -30), OldestThen: now.AddDate(0, 0, -7),
	}
	var saved []string
	f := world()
	f.PlanRetentionFunc = func(context.Context, string) (app.RetentionPlan, error) { return plan, nil }
	f.EditSettingsFunc = func(_ context.Context, e app.SettingsEdit) (app.Settings, error) {
		saved = append(saved, *e.Retention)
		return app.Settings{Retention: plan.Then, RetentionWish: "short"}, nil
	}
	got := call(t, f, terminal{}, "retention", "short")
	if got.status != 2 || len(saved) != 0 {
		t.Errorf("%+v, saved %q", got, saved)
	}
	contains(t, got.err, "1,204 of 4,210 moments would go, 1.3 GB.\nWithout a terminal nothing asks: add --yes.\n")
	if got = call(t, f, terminal{}, "retention", "short", "--yes"); got.status != 0 || len(saved) != 1 || saved[0] != "short" {
		t.Errorf("%+v, saved %q", got, saved)
	}
	if got = call(t, f, terminal{width: 200, typed: "no\n"}, "retention", "short"); got.status == 0 || len(saved) != 1 {
		t.Errorf("without an answer: %+v, saved %q", got, saved)
	}
	contains(t, got.err, "It costs about $0.14 a month: requests $0.02, 6.0", "It comes to about $0.04 a month", "You could go back as far as", "Let them go for good? Type yes")
	got = call(t, f, terminal{}, "retention", "short", "--yes")
	contains(t, got.out, "Every copy for a day.\nThat is “short”.\n", "goes: 1,204 of 4,210")
	got = call(t, f, terminal{}, "retention", "short", "--yes", "--json")
	contains(t, got.out, `"gone": 1204`, `"bytes": 1300000000`, `"changed": true`, `"usd": 0.14`, `"usd": 0.04`)
	got = call(t, f, terminal{}, "retention", "short", "--yes")
	contains(t, got.out, "It comes to about $0.04 a month")
	plan.MonthlyCost, plan.MonthlyCostThen = &app.Cost{Unpriced: true}, &app.Cost{Unpriced: true}
	plan.Stored, plan.StoredThen = 6e9, 1e9
	got = call(t, f, terminal{width: 200, typed: "no\n"}, "retention", "short")
	contains(t, got.err, "It keeps 6 GB there. It comes to 1 GB.")
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"statu"}, "There is no verb \"statu\".\nDid you mean `coditect-sync start` or `coditect-sync status`?\n"},
		{[]string{"frobnicate"}, "There is no verb \"frobnicate\".\n`coditect-sync --help` lists them.\n"},
		{[]string{"login", "now"}, "\"login\" takes no argument, and here is \"now\"."},
		{[]string{"login", "--server", ""}, "--server is empty."},
		{[]string{"logout", "--wipe"}, "Wiping removes the account's rows from this machine.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"machines", "rename", "x"}, "It is called like this: coditect-sync machines rename ID NAME.\n"},
		{[]string{"machines", "revoke", "x"}, "The machine is signed out at once. Its rows stay on it.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"push", "now"}, "\"push\" takes no argument, and here is \"now\"."},
		{[]string{"lost", "show"}, "\"show\" takes the id of one item.\n`coditect-sync lost list` lists them.\n"},
		{[]string{"lost", "discard", "x"}, "A discarded item is gone for good.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"lost", "export"}, "Where to write is not said.\nAdd --to FILE.\n"},
		{[]string{"status", "now"}, "\"status\" takes no argument, and here is \"now\"."},
		{[]string{"status", "--frob"}, "Unknown flag: --frob."},
		{[]string{"points", "--limit", "many"}, "Invalid argument \"many\""},
		{[]string{"points", "--limit", "-3"}, "--limit -3 is no number of points."},
		{[]string{"restore", "--at"}, "Flag needs an argument: --at."},
		{[]string{"restore", "--at", ""}, "--at is empty."},
		{[]string{"restore", "--yes", "--to", ""}, "--to is empty.\nGive it a value, or leave it out.\n"},
		{[]string{"restore", "--yes", "--machine="}, "--machine is empty."},
		{[]string{"status", "--home="}, "--home is empty."},
		{[]string{"restore", "--preview", "--to", "/nowhere/copy.db"}, "--preview is of a restore of the whole live file."},
		{[]string{"restore", "--at", "soon"}, "\"soon\" is not a time.\nWrite it as "},
		{[]string{"restore", "--at", "2026-11-20 14:03"}, "2026-11-20 14:03 is in the future.\nChoose a moment that has passed"},
		{[]string{"restore", "--latest", "--at", "2h"}, "--latest, --at and --point each name a moment.\nUse one of them.\n"},
		{[]string{"restore"}, "A restore into the live file replaces what is in it.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"undo"}, "An undo replaces what is in the live file.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"setup"}, "Neither --db nor --target says what to set up.\nWithout a terminal nothing asks: add --yes.\n"},
		{[]string{"retention", "some"}, "“some” is not a promise that can be kept.\nSay short, default"},
		{[]string{"mode", "both"}, "There is no mode \"both\".\nUse cloud, standalone or off.\n"},
		{[]string{"mode", "off", "on"}, "One mode at a time, and here is also \"on\"."},
		{[]string{"pause", "--for", "30m", "--until", "15:00"}, "--for and --until say the same thing twice."},
		{[]string{"pause", "--for", "ever"}, "\"ever\" is not a length of time.\nWrite it as 30m, 2h or 1d.\n"},
		{[]string{"pause", "--until", "2h"}, "\"2h\" is a length of time.\nUse --for 2h.\n"},
		{[]string{"pause", "--until", "2026-11-19 14:00"}, "\"2026-11-19 14:00\" has passed already."},
	} {
		got := call(t, world(), terminal{}, c.args...)
		if got.status != 2 || got.out != "" {
			t.Errorf("%q: %+v", c.args, got)
		}
		contains(t, got.err, c.want)
	}
}

func TestWrongEnvironmentIsUsage(t *testing.T) {
	for name, value := range map[string]string{"CODITECT_SYNC_MODE": "on", "CODITECT_LOG": "loud"} {
		got := call(t, world(), terminal{env: map[string]string{name: value}}, "status")
		if got.status != 2 || !strings.Contains(got.err, name+" is set to \""+value+"\"") {
			t.Errorf("%+v", got)
		}
	}
}

func TestNothingRuns(t *testing.T) {
	for _, args := range [][]string{{"status"}, {"status", "--watch"}, {"quit"}} {
		got := call(t, world(), terminal{own: true}, args...)
		if got.status != 3 || got.err != "CODITECT Sync is not running, so nothing is protected.\nStart it with `coditect-sync start`.\n" {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestStatusIsZeroHoweverItIs(t *testing.T) {
	for name, st := range statuses() {
		if got := call(t, serving(st), terminal{}, "status", "--json"); got.status != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestStatusJSONIsTheStatus(t *testing.T) {
	want := protected()
	got := call(t, serving(want), terminal{}, "status", "--json")
	var back app.Status
	if err := json.Unmarshal([]byte(got.out), &back); err != nil {
		t.Fatal(err)
	}
	want.Rev = back.Rev
	if text, err := json.Marshal(want); err != nil || !jsonEqual(t, text, []byte(got.out)) {
		t.Errorf("%s\n%s, %v", text, got.out, err)
	}
}

// jsonEqual tells whether two texts mean the same.
func jsonEqual(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestWatchShowsEveryChangeUntilTheAgentEnds(t *testing.T) {
	f := &apptest.FakeService{}
	f.WatchFunc = func(_ context.Context, since uint64) (app.Status, error) {
		if since == 3 {
			return app.Status{}, app.Errorf(app.CodeNotRunning, "watch", "CODITECT Sync has stopped.")
		}
		st := protected()
		st.Rev = since + 1
		return st, nil
	}
	got := call(t, f, terminal{}, "status", "--watch", "--json")
	if lines := strings.Count(got.out, "\n"); got.status != 3 || lines != 3 {
		t.Errorf("%d lines, %+v", lines, got)
	}
	got = call(t, f, terminal{width: 80}, "status", "--watch")
	if n := strings.Count(got.out, "\x1b[10A\x1b[J"); n != 2 {
		t.Errorf("repainted %d times: %q", n, got.out)
	}
	got = call(t, f, terminal{}, "status", "--watch")
	if n := strings.Count(got.out, "You are protected."); n != 3 || strings.Contains(got.out, "\x1b") {
		t.Errorf("%d times: %q", n, got.out)
	}
}

func TestWatchEndsQuietlyWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := serving(protected())
	f.WatchFunc = func(ctx context.Context, since uint64) (app.Status, error) {
		if since == 0 {
			st := protected()
			st.Rev = 1
			return st, nil
		}
		cancel()
		return app.Status{}, app.Errorf(app.CodeCanceled, "watch", "Canceled.").Wrap(ctx.Err())
	}
	if got := callCtx(t, ctx, f, terminal{}, "status", "--watch"); got.status != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
}

func TestPause(t *testing.T) {
	for _, c := range []struct {
		args []string
		want time.Time
	}{
		{nil, app.UntilResumed},
		{[]string{"--for", "30m"}, now.Add(30 * time.Minute)},
		{[]string{"--until", "15:30"}, time.Date(2026, 11, 20, 15, 30, 0, 0, berlin)},
		{[]string{"--until", "9:30"}, time.Date(2026, 11, 21, 9, 30, 0, 0, berlin)},
		{[]string{"--until", "2026-12-24T00:00:00Z"}, time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)},
	} {
		f := world()
		var edit app.PrefsEdit
		f.EditPrefsFunc = func(_ context.Context, e app.PrefsEdit) (app.Status, error) {
			edit = e
			return app.Status{State: app.StatePaused, Summary: "Paused."}, nil
		}
		got := call(t, f, terminal{}, append([]string{"pause"}, c.args...)...)
		if got.status != 0 || edit.Mode != nil || edit.PausedUntil == nil || !edit.PausedUntil.Equal(c.want) || got.out != "Paused.\n" {
			t.Errorf("%q: %+v, %v", c.args, got, edit.PausedUntil)
		}
	}
}

func TestResume(t *testing.T) {
	st := protected()
	st.State, st.PausedUntil = app.StatePaused, app.UntilResumed
	f := serving(st)
	if got := call(t, f, terminal{}, "resume"); got.status != 0 {
		t.Errorf("%+v", got)
	}
	if now, _ := f.Status(t.Context()); now.State != app.StateStandalone || !now.PausedUntil.IsZero() {
		t.Errorf("%+v", now)
	}
}

func TestPauseThatChangesNothingNowIsSaved(t *testing.T) {
	st := protected()
	st.Mode, st.State, st.Summary = app.ModeOff, app.StateOff, "This memory is not protected."
	got := call(t, serving(st), terminal{}, "pause", "--for", "30m")
	if got.out != "The pause is saved, until 14:32.\nThis memory is not protected.\n" {
		t.Errorf("%+v", got)
	}
}

func TestStop(t *testing.T) {
	f := serving(protected())
	if got := call(t, f, terminal{}, "stop"); got.status != 0 {
		t.Errorf("%+v", got)
	}
	if st, _ := f.Status(t.Context()); st.Mode != app.ModeOff {
		t.Errorf("%+v", st)
	}
	cloud := protected()
	cloud.Mode, cloud.State = app.ModeCloud, app.StateCloud
	f = serving(cloud)
	got := call(t, f, terminal{}, "stop")
	if st, _ := f.Status(t.Context()); got.status != 5 || st.Mode != app.ModeCloud {
		t.Errorf("%+v, %+v", got, st)
	}
	contains(t, got.err, "cloud mode", "`coditect-sync mode off`")
}

func TestStartWithAnAgent(t *testing.T) {
	st := protected()
	st.Mode, st.State = app.ModeOff, app.StateOff
	f := serving(st)
	got := call(t, f, terminal{}, "start")
	if now, _ := f.Status(t.Context()); got.status != 0 || now.Mode != app.ModeStandalone {
		t.Errorf("%+v, %+v", got, now)
	}
	contains(t, got.out, "CODITECT Sync is running, mode Standalone.")
}

func TestMode(t *testing.T) {
	f := serving(protected())
	if got := call(t, f, terminal{}, "mode", "off"); got.status != 0 || got.out != "Off\n" {
		t.Errorf("%+v", got)
	}
	got := call(t, f, terminal{own: true}, "mode", "standalone")
	if got.out != "Standalone\nCODITECT Sync is not running, so nothing is protected. Start it with `coditect-sync start`.\n" {
		t.Errorf("%+v", got)
	}
	locked := protected()
	locked.ModeLocked = "standalone"
	got = call(t, serving(locked), terminal{}, "mode")
	if got.out != "Standalone\nLocked: CODITECT_SYNC_MODE=standalone is set for this session.\n" {
		t.Errorf("%+v", got)
	}
}

func TestSetup(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want app.SetupRequest
	}{
		{[]string{"--yes"}, app.SetupRequest{}},
		{[]string{"--db", "a.db"}, app.SetupRequest{DB: filepath.Join(here, "a.db")}},
		{[]string{"--target", "./copies of it"}, app.SetupRequest{Target: "file://" + filepath.ToSlash(here) + "/copies%20of%20it"}},
		{[]string{"--target", "/mnt/nas"}, app.SetupRequest{Target: "file:///mnt/nas"}},
		{[]string{"--target", "gs://b/p", "--user", "mira", "--credentials", "k.json", "--create"},
			app.SetupRequest{Target: "gs://b/p", User: "mira", Credentials: filepath.Join(here, "k.json"), Create: true}},
	} {
		f := world()
		var asked app.SetupRequest
		f.SetupFunc = func(_ context.Context, req app.SetupRequest) (app.SetupResult, error) {
			asked = req
			return app.SetupResult{DB: "/x.db", Target: "file:///c", User: "mira", Steps: []string{"Did it."}, Notes: []string{"Mind this."}}, nil
		}
		got := call(t, f, terminal{own: true}, append([]string{"setup"}, c.args...)...)
		if got.status != 0 || !reflect.DeepEqual(asked, c.want) {
			t.Errorf("%q: %+v, %+v", c.args, asked, got)
		}
		contains(t, got.out, "✓ Did it.\n", "▲ Mind this.\n", "Start with `coditect-sync start`.")
	}
}

func TestSetupAsks(t *testing.T) {
	f := world()
	var asked []app.SetupRequest
	f.SetupFunc = func(_ context.Context, req app.SetupRequest) (app.SetupResult, error) {
		if asked = append(asked, req); req.User == "" {
			return app.SetupResult{}, app.Errorf(app.CodeInvalid, "user", "Several people keep copies here: mira, noor.")
		}
		return app.SetupResult{}, nil
	}
	got := call(t, f, terminal{width: 80, typed: "\n/mnt/nas\nmira\n"}, "setup")
	want := app.SetupRequest{DB: "/home/mira/context.db", Target: "file:///mnt/nas", User: "mira"}
	if got.status != 0 || len(asked) != 2 || !reflect.DeepEqual(asked[1], want) {
		t.Errorf("%+v, %+v", asked, got)
	}
	contains(t, got.err, "[/home/mira/context.db]", "[gs://mira-memory/work]", "Several people keep copies here: mira, noor.", "Which one are you?")
}

// TestVerifyWhereAnotherMachineWrites: of several storages one belongs to another machine now. That is refused for safety, as it
// is where there is one storage, and the machine's name is as it is.
// TestARefusalIsNotCalledOffline: where the storage forbids what is needed, nothing is offline, and why is said once.
func TestProgress(t *testing.T) {
	// The fake publishes and waits until each status was seen.
	verify := func(f *apptest.FakeService) (app.Drill, error) {
		for _, pr := range []app.Progress{
			{Phase: app.PhaseFetch, Done: 31e6, Total: 412e6, Rate: 12e6, ETASeconds: 32, Unit: "bytes"},
			{Phase: app.PhaseFetch, Done: 300e6, Total: 412e6, Rate: 12e6, ETASeconds: 9, Unit: "bytes"},
			{Phase: app.PhaseCheck}, {Phase: app.PhaseReplace, Done: 50, Total: 200, Unit: "pages"},
		} {
			st := protected()
			st.Progress = &pr
			f.Publish(st)
			synctest.Wait()
		}
		return app.Drill{OK: true}, nil
	}
	run := func(term terminal) (got called) {
		synctest.Test(t, func(t *testing.T) {
			f := world()
			f.VerifyFunc = func(context.Context) (app.Drill, error) { return verify(f) }
			got = call(t, f, term, "verify")
		})
		return got
	}
	if got := run(terminal{}); got.err != "Fetching the copy.\nChecking every row.\nRestoring.\n" {
		t.Errorf("%q", got.err)
	}
	got := run(terminal{width: 100})
	want := []string{
		"Fetching the copy  ██░░░░░░░░░░░░░░░░░░░░░░░░░░░░  31 of 412 MB, 12 MB a second, about 35 s left",
		"Fetching the copy  █████████████████████░░░░░░░░░  300 of 412 MB, 12 MB a second, about 35 s left", // steady for 5 s
		"Checking every row", "Restoring  ███████░░░░░░░░░░░░░░░░░░░░░░░  25 %", "",
	}
	if got.err != "\r\x1b[K"+strings.Join(want, "\r\x1b[K") {
		t.Errorf("%q", got.err)
	}
	for _, row := range strings.Split(run(terminal{width: 30}).err, "\r\x1b[K") {
		if n := len([]rune(row)); n > 29 {
			t.Errorf("%d columns: %q", n, row)
		}
	}
}

func TestCompletion(t *testing.T) {
	f := world()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"restore", "--point", ""}, "0000000000000a1f\t14:02:49.790"},
		{[]string{"restore", "--machine", ""}, "0192-machine\tthinkpad"},
		{[]string{"points", "--machine", ""}, "0188-other"},
		{[]string{"mode", ""}, "standalone"},
		{[]string{"st"}, "status\tWhether you are protected, and since when"},
	} {
		got := call(t, f, terminal{}, append([]string{"__complete"}, c.args...)...)
		if got.status != 0 || !strings.Contains(got.out, c.want) {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := call(t, f, terminal{}, "completion", shell); got.status != 0 || len(got.out) < 1000 {
			t.Errorf("%s: %d, %d bytes", shell, got.status, len(got.out))
		}
	}
	if got := call(t, f, terminal{own: true}, "__complete", "restore", "--point", ""); strings.Contains(got.out, "0000") {
		t.Errorf("%+v", got)
	}
}

func TestColours(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want bool
	}{"on": {[]string{"status"}, true}, "off by flag": {[]string{"status", "--no-color"}, false}} {
		if got := call(t, world(), terminal{width: 80, color: true}, c.args...); strings.Contains(got.out, "\x1b[") != c.want {
			t.Errorf("%s: %q", name, got.out)
		}
	}
}

func TestErrorsAreHarmless(t *testing.T) {
	f := world()
	f.PointsFunc = func(context.Context, string) (app.Timeline, error) {
		return app.Timeline{}, app.Errorf(app.CodeNotFound, "points", "%s is gone.", hostileText).WithHint("%s", hostileText)
	}
	if got := call(t, f, terminal{}, "points"); harmful(got.err) || strings.Count(got.err, "\n") != 2 {
		t.Errorf("%q", got.err)
	}
}

func TestHelpNamesEveryVerb(t *testing.T) {
	got := call(t, world(), terminal{}, "--help")
	for _, verb := range strings.Fields("agent setup start stop mode pause resume quit status machines points restore undo verify doctor window completion push migrate rebuild lost login logout") {
		contains(t, got.out, "\n  "+verb+" ")
	}
	if got = call(t, world(), terminal{}, "--version"); got.out != "coditect-sync version v-test\n" {
		t.Errorf("%+v", got)
	}
}
