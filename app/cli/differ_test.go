package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/apptest"
)

// otherWorld is a fake agent with a second machine at its storage, and looked counts previews.
func otherWorld(looked *int, tables ...app.TableDiff) *apptest.FakeService {
	f := world()
	plan := f.PlanRestoreFunc
	f.PlanRestoreFunc = func(ctx context.Context, req app.RestoreRequest) (app.RestorePlan, error) {
		res, err := plan(ctx, req)
		if req.Machine != "" {
			res.Machine = "0188-other"
		}
		return res, err
	}
	f.PreviewFunc = func(_ context.Context, req app.RestoreRequest) (app.Preview, error) {
		if req.Point != "0000000000000a00" {
			return app.Preview{}, app.Errorf(app.CodeInvalid, "preview", "Another point is looked at: %+v.", req)
		}
		*looked++
		return app.Preview{Tables: tables}, nil
	}
	return f
}

func differing() []app.TableDiff {
	return []app.TableDiff{
		{Table: "decisions", Then: 31, Now: 31},
		{Table: "messages", Then: 128_000, Now: 1206, Added: 6, Changed: 2, Removed: 126_800},
		{Table: "sessions", Then: 431, Now: 400, Removed: 31, Examples: []app.RowDiff{{Kind: app.DiffRemoved, ID: "a", Then: "x"}}},
	}
}

// What another machine's history does to the live file is said before the question.
func TestRestoreOfAnotherMachineShowsWhatDiffers(t *testing.T) {
	looked := 0
	f := otherWorld(&looked, differing()...)
	f.RestoreFunc = func(context.Context, app.RestoreRequest) (app.RestoreResult, error) {
		t.Error("restored without a yes")
		return app.RestoreResult{}, nil
	}
	got := call(t, f, terminal{width: 100, typed: "no\n"}, "restore", "--machine", "studio")
	if got.status == 0 || looked != 1 {
		t.Errorf("looked %d times, %+v", looked, got)
	}
	table, question := strings.Index(got.err, "− removed since"), strings.Index(got.err, "Restore to ")
	if last := strings.LastIndex(got.err, "Restore to "); table < question || table > last {
		t.Errorf("the table stands at %d, the question at %d:\n%s", table, last, got.err)
	}
	contains(t, got.err, "126,800", "Brings back 126,831 rows, changes 2 back, takes away 6.")
	if strings.Contains(got.err, "decisions") {
		t.Errorf("a table that is the same is listed:\n%s", got.err)
	}
}

func TestRestoreLooksOnlyWhereItMatters(t *testing.T) {
	for _, c := range []struct {
		args string
		want int
	}{
		{"restore --dry-run", 0},
		{"restore --dry-run --preview", 1},
		{"restore --dry-run --machine studio", 1},
		{"restore --dry-run --machine studio --to /nowhere/copy.db", 0},
		{"restore --machine studio --yes", 0},
		{"restore --machine studio --yes --preview", 1},
	} {
		looked := 0
		if got := call(t, otherWorld(&looked), terminal{}, strings.Fields(c.args)...); got.status != 0 || looked != c.want {
			t.Errorf("%s: looked %d times, want %d; %+v", c.args, looked, c.want, got)
		}
	}
}

func TestDifferencesAsJSON(t *testing.T) {
	looked := 0
	got := call(t, otherWorld(&looked, differing()...), terminal{}, "restore", "--machine", "studio", "--dry-run", "--json")
	var said struct {
		app.RestorePlan
		Tables []app.TableDiff `json:"tables"`
	}
	if err := json.Unmarshal([]byte(got.out), &said); err != nil || got.err != "" {
		t.Fatalf("%v, %+v", err, got)
	}
	if said.Machine != "0188-other" || said.Objects != 14 || len(said.Tables) != 3 || said.Tables[1].Removed != 126_800 || said.Tables[2].Examples[0].Then != "x" {
		t.Errorf("%s", got.out)
	}
}

func TestNothingDiffers(t *testing.T) {
	looked := 0
	got := call(t, otherWorld(&looked, differing()[0]), terminal{}, "restore", "--preview", "--dry-run")
	contains(t, got.out, "No row differs from the live file.")
}
