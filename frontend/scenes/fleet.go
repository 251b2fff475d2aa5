package scenes

import (
	"encoding/json"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// fleet is the machines of the account.
func fleet() []app.Machine {
	return []app.Machine{
		{ID: Machine, User: "mira", This: true, Name: "studio", SeenAt: Now, MachineInfo: app.MachineInfo{Host: "studio", OS: "Debian 12", Version: "1.0.0"}},
		{ID: "0193a1b2-0c11-7d02-8a44-92aa01b3c7d1", User: "mira", Name: "macbook-air", SeenAt: at(14, 2, 40), MachineInfo: app.MachineInfo{Host: "macbook-air", OS: "macOS 15.1", Version: "1.0.0"}},
		{ID: "0193a1b2-31aa-7c0e-b2d0-4f60a9d2e812", User: "mira", Name: "win-build", SeenAt: at(12, 10, 0), MachineInfo: app.MachineInfo{
			Host: "WIN-7Q2", OS: "Windows 11", Version: "0.9.8", Rows: map[string]int64{"messages": 119_120, "decisions": 2_412, "learnings": 3_950, "sessions": 1_280, "error_solutions": 961},
		}},
	}
}

func values(v map[string]any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return raw
}

// Lost is what lies in lost & found: a rejection, a conflict, and a row that was found here only.
func Lost() []app.LostItem {
	friday := time.Date(2026, 11, 20, 17, 45, 0, 0, time.UTC)
	return []app.LostItem{
		{
			ID: "3", At: at(12, 31, 4), Kind: app.LostConflict, Table: "decisions", Row: "2101", Op: "patch", Reappliable: true, Both: true,
			Mine:   values(map[string]any{"decision": "Retry 5 times, then park the event", "rationale": "Partners call us back within an hour"}),
			Theirs: values(map[string]any{"id": 2101, "decision": "Retry for 24 hours, then park the event", "rationale": "Partners are down over night now and then", "project": "billing-service", "confidence": 0.8}),
			Why:    "The version in use was written 6 s later.", Code: "older", By: "Jonas Weber", Machine: "jonas-thinkpad",
		},
		{
			ID: "2", At: friday, Kind: app.LostRejected, Table: "decisions", Row: "2440", Op: "put", Reappliable: true,
			Mine:   values(map[string]any{"id": 2440, "decision": "Move logs to ClickHouse in Q1", "project": "infra-docs"}),
			Theirs: json.RawMessage("null"),
			Why:    "You can read the project “infra-docs” but not write to it.", Code: "read_only",
		},
		{
			ID: "1", At: friday.Add(-time.Hour), Kind: app.LostLocal, Table: "learnings", Row: "77", Op: "put",
			Mine: values(map[string]any{"id": 77, "content": "sqlc and nullable columns", "embedding": nil}),
			Why:  "It was found on this machine only when the rows were compared.",
		},
	}
}

// hostileCloud is an account whose every foreign text is an attack.
func hostileCloud() Scene {
	s := account("cloud-hostile")
	s.Hostile = true
	s.Status.Cloud.User, s.Status.Cloud.Tenant = Attacks[1], Attacks[2]
	s.Fleet[1].Name, s.Fleet[1].OS, s.Fleet[2].Name = Attacks[3], Attacks[4], Attacks[5]
	for i, a := range Attacks {
		s.Lost = append(s.Lost, app.LostItem{
			ID: a, At: at(12, 31, i), Kind: []app.LostKind{app.LostConflict, app.LostRejected, app.LostLocal, app.LostShare}[i%4],
			Table: a, Row: a, Op: "put", Mine: values(map[string]any{a: a, "decision": a}), Theirs: values(map[string]any{a: "x", "decision": a + "2"}),
			Why: a, Code: a, By: a, Machine: a, Reappliable: i%2 == 0,
		})
	}
	s.Status.Cloud.Rejected = int64(len(s.Lost))
	s.Projects, s.Readers, s.Teams = hostileSharing()
	s.Invitations = hostileInvitations()
	return s
}
