// Package scenes holds what the page is shown and tested with: one scene for each state of the product, with the values
// that an agent in that state answers.
//
// All happen at Now on one machine, so that pictures and goldens do not change from day to day.
package scenes

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Now is when every scene happens.
var Now = time.Date(2026, 11, 23, 14, 3, 3, 0, time.UTC)

// Scene is a state of the product.
type Scene struct {
	Name     string
	Status   app.Status
	Settings app.Settings
	// Hostile makes every text that comes from a memory, a file name or another machine an attack.
	Hostile bool
	// Fleet is the machines of the account; without one they are those at the storage. Lost is lost & found.
	Fleet []app.Machine
	Lost  []app.LostItem
	// Projects are those of the file, Readers who sees them by the project's id, and Teams those of the organisation.
	Projects []app.Project
	Readers  map[string][]app.Reader
	Teams    []app.Team
	// Invitations are those that nobody has taken up yet.
	Invitations []app.Invitation
}

// All are the scenes, each with a name of its own.
func All() []Scene {
	list := []Scene{fresh(), off(), signedOut(), firstCopy(), proving(), protected(), syncing(), paused(), pausedOpen()}
	list = append(list, offline(), stalled(), due(), attention(), drillFailed(), damaged(), restoring(), restored())
	list = append(append(list, locked(), hostile(), several(), keyless(), googleEnded()), clouds()...)
	for i := range list {
		list[i].Status.Rev = 1
		list[i].listed()
	}
	return list
}

// Find returns the scene of that name.
func Find(name string) (Scene, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Scene{}, false
}

const (
	// Machine is this machine's id.
	Machine = "0193a1b2-6f2a-7c55-9e01-5d2f8c7a1b3e"
	dbPath  = "/home/mira/.local/share/coditect/context.db"
	target  = "gs://mira-memory-backup"
)

func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 23, hour, minute, second, 0, time.UTC)
}

// Tables are the tables of the memory as counted by the last test restore.
func Tables() []app.TableHash {
	return []app.TableHash{
		{Table: "sessions", Rows: 1283, Sum: "7f1e62b0a4c81d35"}, {Table: "messages", Rows: 119590, Sum: "04d2a7715be3c6f8"},
		{Table: "decisions", Rows: 2413, Sum: "c95510f3a86e7b21"}, {Table: "learnings", Rows: 3958, Sum: "e3b7094d12fa68c5"},
		{Table: "error_solutions", Rows: 962, Sum: "1a6cf8027d94be53"},
	}
}

func drill(when time.Time) *app.Drill {
	d := app.Drill{At: when, OK: true, TXID: "0000000000001f3a", Tables: Tables(), Took: 8400 * time.Millisecond}
	for _, t := range d.Tables {
		d.Rows += t.Rows
	}
	return &d
}

func copying() app.StandaloneStatus {
	return app.StandaloneStatus{
		Target: target, TXID: "0000000000002c1e", ReplicatedTXID: "0000000000002c1e", LastReplicatedAt: at(14, 2, 51),
		LastDrill: drill(at(9, 12, 0)), NextDrillAt: time.Date(2026, 11, 30, 9, 12, 0, 0, time.UTC), MonthlyCost: CostOf(app.DefaultRetention()),
	}
}

// base is a healthy machine in standalone mode.
func base(name string) Scene {
	st := copying()
	return Scene{Name: name, Settings: settings(), Status: app.Status{
		Version: "1.0.0", MachineID: Machine, Machine: "studio", Mode: app.ModeStandalone, State: app.StateStandalone,
		Healthy: true, Summary: "You are protected. You can go back to any moment up to 14:02:51.",
		DB: app.DBStatus{Path: dbPath, Bytes: 412_000_000, SQLiteVersion: "3.53.0"}, Standalone: &st,
	}}
}

func settings() app.Settings {
	return app.Settings{
		DB: dbPath, DefaultDB: dbPath, Found: []string{dbPath, "/home/mira/.claude-mem/claude-mem.db"},
		Target: target, DefaultTarget: "file:///home/mira/.local/share/coditect/copies",
		Retention: []string{
			"Every 5 s for the last hour", "every 30 s for a day", "every 5 min for a week", "every hour for 30 days",
		},
		RetentionWish: "default",
		StartAtLogin:  true, Notify: app.Notify{Needs: true, Well: true},
	}
}
