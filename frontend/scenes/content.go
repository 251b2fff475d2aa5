package scenes

import (
	"fmt"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Machines are the machines of the account or at the target.
func (s Scene) Machines() []app.Machine {
	if s.Fleet != nil {
		return s.Fleet
	}
	list := []app.Machine{
		{ID: Machine, User: "mira", This: true, MachineInfo: app.MachineInfo{
			Host: s.Status.Machine, OS: "Debian 12", Version: "1.0.0", DB: dbPath, LastReplicated: at(14, 2, 51),
		}},
		{ID: "0193a1b2-0c11-7d02-8a44-92aa01b3c7d1", User: "mira", MachineInfo: app.MachineInfo{
			Host: "macbook-air", OS: "macOS 15.1", Version: "1.0.0", DB: "/Users/mira/context.db",
			LastReplicated: time.Date(2026, 11, 22, 18, 22, 0, 0, time.UTC),
		}},
	}
	if s.Status.Standalone != nil {
		list[0].LastReplicated = s.Status.Standalone.LastReplicatedAt
	}
	if s.Hostile {
		list[1].Host, list[1].OS = Attacks[4], Attacks[5]
	}
	return list
}

// Preview is what a restore to the point would do.
func (s Scene) Preview(p app.RestorePoint, machine string) app.Preview {
	plan := app.RestorePlan{
		Machine: machine, Point: p, Objects: 14, Bytes: 412_000_000, DBBytes: 412_000_000, Seconds: 21.5, WriterWait: 2.8, UndoFor: 30 * 24 * time.Hour,
		DiskNeeded: 830_000_000, DiskFree: 91_000_000_000,
	}
	return app.Preview{Plan: plan, Tables: []app.TableDiff{
		{Table: "sessions", Then: 1281, Now: 1284, Added: 3},
		{Table: "messages", Then: 119_388, Now: 119_806, Added: 418},
		{Table: "decisions", Then: 2421, Now: 2417, Added: 2, Changed: 3, Removed: 6, Examples: s.examples()},
		{Table: "learnings", Then: 3957, Now: 3962, Added: 5, Changed: 1},
		{Table: "error_solutions", Then: 962, Now: 962},
	}}
}

func (s Scene) examples() []app.RowDiff {
	if s.Hostile {
		return attacks()
	}
	return []app.RowDiff{
		{Kind: app.DiffRemoved, ID: "2391", Then: "Use sqlc, not an ORM, in the billing service", At: at(13, 5, 12)},
		{Kind: app.DiffRemoved, ID: "2392", Then: "Keep retries under 30 s so that webhooks do not pile up", At: at(13, 5, 12)},
		{Kind: app.DiffChanged, ID: "2017", Then: "Deploy on Tuesdays only", Now: "Deploy on any weekday before 15:00", At: at(12, 51, 40)},
		{Kind: app.DiffAdded, ID: "2440", Now: "Rename “acct” to “account” everywhere", At: at(13, 22, 7)},
		{Kind: app.DiffRemoved, ID: "2393", Then: "One migration per pull request", At: at(13, 5, 12)},
		{Kind: app.DiffRemoved, ID: "2394", Then: "Log amounts in minor units", At: at(13, 5, 12)},
		{Kind: app.DiffChanged, ID: "2101", Then: "Timeouts: 5 s", Now: "Timeouts: 8 s", At: at(12, 40, 2)},
	}
}

func attacks() []app.RowDiff {
	var list []app.RowDiff
	for i, a := range Attacks {
		list = append(list, app.RowDiff{
			Kind: []app.DiffKind{app.DiffRemoved, app.DiffChanged, app.DiffAdded}[i%3], ID: a, Then: a, Now: a, At: at(13, 5, i),
		})
	}
	return list
}

// Activity is what happened, newest first.
func (s Scene) Activity() []app.Event {
	switch {
	case s.Status.State == app.StateNew:
		return nil
	case s.Status.Mode == app.ModeCloud && !s.Hostile:
		return synchronised()
	}
	list := []app.Event{
		{At: at(14, 2, 51), Kind: app.EventCopy, Text: "388 changes went up", Detail: "between 12:58 and 14:02, 43 times", Count: 388, Bytes: 1_200_000, Until: at(14, 2, 51)},
		{At: at(12, 58, 0), Kind: app.EventProblem, Text: "Copying goes on after 3 min", Detail: "your storage answers again; 118 waiting changes went up, none lost", Cured: true},
		{At: at(12, 55, 0), Kind: app.EventProblem, Text: "Stalled: changes not confirmed since 12:54", Detail: "your storage accepted the connection but did not answer", Bad: true},
		{At: at(9, 12, 0), Kind: app.EventProof, Text: "Proved: a test restore gave back all 128,206 rows", Detail: "5 of 5 tables equal"},
		{At: time.Date(2026, 11, 22, 18, 22, 0, 0, time.UTC), Kind: app.EventSetting, Text: "Start at login was turned on"},
		{At: time.Date(2026, 11, 22, 17, 40, 0, 0, time.UTC), Kind: app.EventRestore, Text: "Restored to 11:42:30", Detail: "128,009 rows, the same as in the copy"},
		{At: time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC), Kind: app.EventProof, Text: "Proved: a test restore gave back all 126,227 rows", Detail: "5 of 5 tables equal"},
	}
	if s.Status.State == app.StateError {
		list = append([]app.Event{{At: at(14, 2, 55), Kind: app.EventProblem, Text: s.Status.Error.Message, Detail: s.Status.Error.Hint, Bad: true}}, list...)
	}
	if s.Hostile {
		for i := range list {
			list[i].Text, list[i].Detail = Attacks[i+6], Attacks[i+7]
		}
	}
	return list
}

// synchronised is what happened in cloud mode: rows that went up and came down, summed up for a quarter of an hour.
func synchronised() []app.Event {
	var list []app.Event
	for minute := 14 * 60; minute >= 8*60+30; minute -= 15 {
		when := at(minute/60, minute%60, 0)
		if n := written(when); n > 0 {
			list = append(list, app.Event{
				At: when, Kind: app.EventSync, Text: "Rows went up and came down", Count: n%97 + 3, Until: when.Add(14 * time.Minute),
			})
		}
	}
	return append([]app.Event{{At: at(14, 2, 0), Kind: app.EventProof, Text: "Proved: this machine and the cloud hold the same 128,206 rows", Detail: "5 of 5 tables equal"}},
		append(list, app.Event{At: time.Date(2026, 11, 20, 9, 2, 0, 0, time.UTC), Kind: app.EventAccount, Text: "Signed in as " + Account})...)
}

// Trial is what a test of the target did.
func (s Scene) Trial(target string) app.TargetTrial {
	var cost *app.Cost
	if s.Status.Standalone != nil && strings.HasPrefix(target, "gs:") {
		cost = CostOf(app.DefaultRetention())
	}
	return app.TargetTrial{Target: target, At: at(14, 1, 0), MonthlyCost: cost, SameDisk: strings.HasPrefix(target, "file:"), Steps: []app.TrialStep{
		{Text: "Wrote a 1 KB test object", Took: 61 * time.Millisecond},
		{Text: "Read it back, byte for byte the same", Took: 38 * time.Millisecond},
		{Text: "Only one machine at a time can write here", Took: 44 * time.Millisecond},
		{Text: "Deleted the test object; nothing else was touched", Took: 40 * time.Millisecond},
	}}
}

// Diagnostics is the content of the bundle.
func (s Scene) Diagnostics() map[string]string {
	var log strings.Builder
	for i := range 318 {
		fmt.Fprintf(&log, "2026-11-23T14:%02d:%02dZ level=INFO msg=copied bytes=%d\n", i/60%3, i%60, 1000+i)
	}
	return map[string]string{
		"about.txt": "version      1.0.0   linux/amd64   sqlite 3.53.0\n" +
			"mode         standalone   state protected   since 2026-11-20 09:02\n" +
			"file         context.db   412 MB   5 tables   128,431 rows\n" +
			"storage      gs://[hidden]   last copy 12 s ago   waiting 0\n" +
			"last proof   2026-11-23 09:12   equal   128,206 rows\n",
		"agent.log": log.String(),
	}
}

// Findings are what the doctor says.
func (s Scene) Findings() []app.Finding {
	return []app.Finding{
		{Check: "file", Level: app.LevelOK, Detail: "The file passed SQLite's own check."},
		{Check: "storage", Level: app.LevelOK, Detail: "Your storage can be read and written."},
		{Check: "writers", Level: app.LevelWarn, Detail: "claude-mem writes with SQLite 3.46.0, which can damage files.", Hint: "Update it to 3.51.3 or newer."},
	}
}
