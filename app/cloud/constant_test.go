package cloud

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestAConstantWriterSeesWhatOthersWrite: while programs on one machine write twenty times a second, what is written on another
// one goes on to come in.
func TestAConstantWriterSeesWhatOthersWrite(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio").starts(), newDesk(t, c, mira, "laptop").starts()
	ctx, stop := context.WithTimeout(t.Context(), writesFor)
	defer stop()
	var writer sync.WaitGroup
	wrote := 0
	writer.Go(func() {
		for ; sleep(ctx, 50*time.Millisecond); wrote++ {
			if _, err := a.db.TryExec(fmt.Sprintf("INSERT INTO messages (id, content) VALUES ('a%d', 'constant')", wrote)); err != nil {
				t.Errorf("a program cannot write: %v", err)
			}
		}
	})
	var most time.Duration
	seen := 0
	for ; ctx.Err() == nil; seen++ {
		b.db.Exec(fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('b%d', 'now and then')", seen))
		took := a.waits(patience, func() error {
			if got, err := a.db.TryExec(fmt.Sprintf("SELECT count(*) FROM decisions WHERE id = 'b%d'", seen)); err != nil || got != "1" {
				return fmt.Errorf("b%d is not there: %s", seen, fmt.Sprint(err))
			}
			return nil
		})
		most = max(most, took)
		sleep(ctx, 300*time.Millisecond)
	}
	writer.Wait()
	t.Logf("%d rows of the other machine, each there within %v while %d were written", seen, most.Round(time.Millisecond), wrote)
	if wrote < 20 || seen < 2 {
		t.Errorf("%d rows were written and %d came: that proves nothing", wrote, seen)
	}
	a.proves()
	same(t, a, b)
	nothingLost(t, a, b)
}

// TestAnUploadThatIsInterrupted: rows that were there before go up once, whatever interrupts it.
func TestAnUploadThatIsInterrupted(t *testing.T) {
	c := cloudtest.New(t)
	d := newDesk(t, c, somebody(t, c, "mira@lumen.works"), "studio")
	const rows = 12_000
	d.db.Exec(fmt.Sprintf("INSERT INTO messages (id, content) WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i < %d) SELECT 'm' || i, 'was there ' || i FROM k", rows))
	conn := superuser(t, c)
	arrived := func() (n int) {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM app.messages").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	stops := 0
	for n := range interrupted {
		u, err := NewUploader(d.config())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := u.Run(ctx, func(app.Report) {})
			ended <- err
		}()
		want := rows * n / interrupted
		d.waits(patience, func() error {
			if got := arrived(); got < want {
				return fmt.Errorf("%d rows are there", got)
			}
			return nil
		})
		stop()
		if err := <-ended; err != nil {
			stops++
		}
	}
	if stops == 0 {
		t.Error("none was interrupted; the test proves nothing")
	}
	u, err := NewUploader(d.config())
	if err != nil {
		t.Fatal(err)
	}
	out, err := u.Run(t.Context(), func(app.Report) {})
	if err != nil || out.Proof == nil || !out.Proof.Equal || out.Proof.Rows != rows || out.Rejected != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := arrived(); got != rows {
		t.Errorf("%d rows are there", got)
	}
	var changes int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM app.messages WHERE content NOT LIKE 'was there %'").Scan(&changes); err != nil || changes > 0 {
		t.Errorf("%d rows are other ones, %v", changes, err)
	}
	if n := d.db.Int("SELECT count(*) FROM _coditect_lost"); n != 0 {
		t.Errorf("%d rows are in lost & found", n)
	}
	t.Logf("interrupted %d times", stops)
}
