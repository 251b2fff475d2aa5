package cloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestTwoMachines: what one machine's programs write is on the other, edits and deletions too, and both are proved to hold
// what the cloud has. Rows that were there before an engine ever ran are there too.
func TestTwoMachines(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio"), newDesk(t, c, mira, "laptop")
	a.db.Exec("INSERT INTO decisions (id, decision, confidence) VALUES ('before', 'as it was', 0.5)")
	a.starts()
	b.starts()
	b.sees("SELECT decision || confidence FROM decisions WHERE id = 'before'", "as it was0.5")
	a.db.Exec("INSERT INTO decisions (id, decision) VALUES ('d1', 'use sqlite')")
	b.sees("SELECT decision FROM decisions WHERE id = 'd1'", "use sqlite")
	b.db.Exec("UPDATE decisions SET decision = 'use it well' WHERE id = 'd1'")
	a.sees("SELECT decision FROM decisions WHERE id = 'd1'", "use it well")
	a.db.Exec("DELETE FROM decisions WHERE id = 'before'")
	b.sees("SELECT count(*) FROM decisions WHERE id = 'before'", "0")

	a.db.Exec(`BEGIN; INSERT INTO messages (id, content, role) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i < 2100)
		SELECT 'm' || i, 'message ' || i, 'user' FROM k; COMMIT`)
	b.sees("SELECT count(*) FROM messages", "2100")
	p := a.proves()
	if p.Rows != 2101 || len(p.Tables) != 6 || p.At.IsZero() {
		t.Errorf("%+v", p)
	}
	same(t, a, b)
	nothingLost(t, a, b)
	if err := a.engine.Push(t.Context()); err != nil {
		t.Error(err)
	}
	a.waits(patience, func() error {
		r := a.report()
		if s := r.Cloud; s == nil || s.PendingUploads != 0 || !s.Connected || !s.Recording || s.LastPushedAt.IsZero() || s.LastSyncedAt.IsZero() ||
			s.LastProof == nil || !s.LastProof.Equal || r.Fault != nil || r.Progress != nil {
			return fmt.Errorf("%+v %+v %s", r.Cloud, r.Progress, fmt.Sprint(r.Fault))
		}
		return nil
	})
}

// TestOffline: a machine that is offline says so without an error, goes on recording, and catches up by itself. Both edited
// the same row meanwhile: the later one wins everywhere.
func TestOffline(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	a.db.Exec("INSERT INTO decisions (id, decision, rationale) VALUES ('d1', 'one', 'because')")
	b.sees("SELECT decision FROM decisions", "one")
	c.Stop(t)
	a.db.Exec("UPDATE decisions SET decision = 'two' WHERE id = 'd1'")
	b.db.Exec("UPDATE decisions SET decision = 'three', rationale = 'since' WHERE id = 'd1'; INSERT INTO sessions (id, title) VALUES ('s1', 'offline')")
	b.waits(patience, func() error {
		r := b.report()
		if r.Progress == nil || r.Progress.Phase != "offline" || r.Progress.Cause == "" || r.Progress.NextTry.IsZero() || r.Fault != nil || r.Cloud.PendingUploads != 2 {
			return fmt.Errorf("%+v %+v %s", r.Progress, r.Cloud, fmt.Sprint(r.Fault))
		}
		return nil
	})
	c.Start(t)
	a.sees("SELECT decision || rationale FROM decisions", "threesince")
	a.sees("SELECT title FROM sessions", "offline")
	b.sees("SELECT decision || rationale FROM decisions", "threesince")
	same(t, a, b)
	var kept []app.LostItem // by whoever came second
	for d, other := range map[*desk]*desk{a: b, b: a} {
		items, err := d.file.Lost(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			if i.By != "" || i.Machine != other.name { // the same person's
				t.Errorf("%s was told that the other version is of %q on %q", d.name, i.By, i.Machine)
			}
		}
		kept = append(kept, items...)
	}
	if len(kept) != 1 || kept[0].Kind != app.LostConflict || kept[0].Row != "d1" || string(kept[0].Mine) != `{"decision":"two"}` || kept[0].Why == "" {
		t.Errorf("%+v", kept)
	}
}

// TestAMessageIsNotRewritten: what was said stays as it was said. Somebody who changes it has his words in lost & found, and the
// message as it was on every machine.
func TestAMessageIsNotRewritten(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	a.db.Exec("INSERT INTO messages (id, role, content) VALUES ('m1', 'user', 'as it was said')")
	b.sees("SELECT content FROM messages", "as it was said")
	a.sees("SELECT count(*) FROM messages WHERE user_id IS NOT NULL", "1")
	a.db.Exec("UPDATE messages SET content = 'put into my mouth' WHERE id = 'm1'")
	a.sees("SELECT count(*) FROM _coditect_lost", "1")
	a.sees("SELECT content FROM messages", "as it was said")
	b.sees("SELECT content FROM messages", "as it was said")
	items, err := a.file.Lost(t.Context())
	if err != nil || len(items) != 1 || items[0].Row != "m1" || !strings.Contains(string(items[0].Mine), "put into my mouth") {
		t.Errorf("lost & found: %+v, %v", items, err)
	}
	same(t, a, b)
}
