package cloud

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// behind writes behind the triggers, as a program does that knows about them, or a bug of ours.
func (d *desk) behind(sql string) {
	d.t.Helper()
	d.db.Exec("BEGIN IMMEDIATE; UPDATE _coditect_capture SET applying = 1; " + sql + "; UPDATE _coditect_capture SET applying = 0; COMMIT")
}

// TestARedProof: a row that was changed behind the triggers, one that was made and one that was removed behind them turn the
// proof red, are named, and heal: what was made goes up, what was changed is in lost & found as it was here, and the cloud's
// rows are back. What others do meanwhile is no difference.
func TestARedProof(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	a.db.Exec(`INSERT INTO decisions (id, decision) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i < 500) SELECT 'd' || i, 'of all ' || i FROM k`)
	b.sees("SELECT count(*) FROM decisions", "500")
	b.proves()
	b.behind("UPDATE decisions SET decision = 'changed in secret' WHERE id = 'd77'; INSERT INTO decisions (id, decision) VALUES ('new', 'made in secret'); DELETE FROM decisions WHERE id = 'd99'")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := b.engine.Prove(ctx)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(b.log.String()))
	}
	if p.Equal || !strings.Contains(p.Problem, "d77") || !strings.Contains(p.Problem, "new") || !strings.Contains(p.Problem, "decisions") || p.Cure == "" {
		t.Fatalf("%+v", p)
	}
	for _, table := range p.Tables {
		if table.Equal != (table.Table != "decisions") {
			t.Errorf("%+v", table)
		}
	}
	if strings.Contains(p.Problem+p.Cure, "secret") {
		t.Errorf("a value is shown: %+v", p)
	}
	b.sees("SELECT decision FROM decisions WHERE id = 'd77'", "of all 77")
	b.sees("SELECT decision FROM decisions WHERE id = 'd99'", "of all 99")
	a.sees("SELECT decision FROM decisions WHERE id = 'new'", "made in secret")
	items, err := b.file.Lost(t.Context())
	if err != nil || len(items) != 1 || items[0].Row != "d77" || !strings.Contains(string(items[0].Mine), "changed in secret") {
		t.Errorf("%+v %v", items, err)
	}
	same(t, a, b)
	b.waits(patience, func() error {
		if r := b.report(); r.Cloud.LastProof == nil || !r.Cloud.LastProof.Equal || r.Fault != nil || r.Cloud.Rejected != 1 {
			return fmt.Errorf("%+v %s", r.Cloud, fmt.Sprint(r.Fault))
		}
		return nil
	})
}

// TestByHandInPostgreSQL: what somebody changes in the database by hand comes down, and the proof waits for it.
func TestByHandInPostgreSQL(t *testing.T) {
	c := cloudtest.New(t)
	a := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio").starts()
	a.db.Exec("INSERT INTO decisions (id, decision) VALUES ('d1', 'one'), ('d2', 'two'), ('d3', 'three')")
	a.proves()
	conn := superuser(t, c)
	if _, err := conn.Exec(t.Context(), "UPDATE app.decisions SET decision = 'by hand' WHERE id = 'd2'; DELETE FROM app.decisions WHERE id = 'd3'"); err != nil {
		t.Fatal(err)
	}
	if p := a.proves(); p.Rows != 2 {
		t.Errorf("%+v", p)
	}
	a.sees("SELECT group_concat(decision) FROM decisions", "one,by hand")
}

// TestProofAmongWriters: with others writing all the time, what is equal is proved equal, and nothing is called different.
func TestProofAmongWriters(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			_, _ = a.db.TryExec(fmt.Sprintf("INSERT INTO messages (id, content) VALUES ('m%d', 'x')", n))
			time.Sleep(50 * time.Millisecond)
		}
	}()
	p, err := b.engine.Prove(t.Context())
	stop()
	<-done
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(b.log.String()))
	}
	for _, table := range p.Tables {
		if !table.Equal && (!table.Moving || table.Table != "messages") {
			t.Errorf("%+v", table)
		}
	}
	same(t, a, b)
}
