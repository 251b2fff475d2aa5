package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// TestKilledUnderLoad kills PostgreSQL under push load, again and again. Clients send each request until it is answered, as
// the agent does. In the end each acknowledged change is there once; nothing was applied twice, which the counter that every
// group increments by a patch would show, for each saw what the one before wrote.
func TestKilledUnderLoad(t *testing.T) {
	server := pgtest.Start(t)
	db := server.New(t)
	db.Exec(t, office)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c := &cloud{Store: s, db: db}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var acknowledged [4]atomic.Int64
	var resent atomic.Int64
	var wg sync.WaitGroup
	for w := range acknowledged {
		client := c.client(t, "ann")
		client.id = fmt.Sprint("client", w)
		wg.Go(func() { client.pushUntil(ctx, w, &acknowledged[w], &resent) })
	}
	for i := range kills {
		before := acknowledged[i%len(acknowledged)].Load()
		waitFor(t, func() bool { return acknowledged[i%len(acknowledged)].Load() > before+5 })
		server.KillAndRun(t)
	}
	last := acknowledged[0].Load()
	waitFor(t, func() bool { return acknowledged[0].Load() > last+5 })
	stop()
	wg.Wait()
	c.root = db.Connect(t, "postgres")
	for w := range acknowledged {
		n := acknowledged[w].Load()
		if got := c.value(t, "SELECT count(*) FROM app.sessions WHERE title = $1 AND id LIKE '%-of-group-%'", fmt.Sprint("client", w)); got != fmt.Sprint(n*20) {
			t.Errorf("client %d: %s rows of %d acknowledged groups of 20", w, got, n)
		}
		if got := c.value(t, "SELECT count(*) FROM app.ledger WHERE client_id = $1 AND NOT rejected", fmt.Sprint("client", w)); got != fmt.Sprint(n) {
			t.Errorf("client %d: %s groups in the ledger, %d acknowledged", w, got, n)
		}
		if got := c.value(t, "SELECT success_count FROM app.error_solutions WHERE id = $1", fmt.Sprint("counter", w)); got != fmt.Sprint(n) {
			t.Errorf("client %d counted to %s, %d acknowledged", w, got, n)
		}
	}
	if got := c.value(t, "SELECT (SELECT count(*) FROM app.lost) || ' ' || (SELECT count(*) FROM app.rejected)"); got != "0 0" {
		t.Errorf("lost and rejected: %s", got)
	}
	t.Logf("%d kills, %d requests sent again", kills, resent.Load())
}

// pushUntil pushes one group after the other, each until it is answered.
func (c *client) pushUntil(ctx context.Context, w int, acknowledged, resent *atomic.Int64) {
	for n := int64(1); ctx.Err() == nil; n++ {
		change := put("error_solutions", fmt.Sprint("counter", w), fmt.Sprintf(`{"success_count":%d}`, n), at(0, c.id))
		if n > 1 {
			change = patch("error_solutions", fmt.Sprint("counter", w), fmt.Sprintf(`{"success_count":%d}`, n), fmt.Sprintf(`{"success_count":%d}`, n-1), at(int(n), c.id))
		}
		for i := range 20 {
			change += "," + put("sessions", fmt.Sprintf("%d-of-group-%d-of-%d", i, n, w), fmt.Sprintf(`{"title":%q}`, c.id), at(int(n), c.id))
		}
		batch, err := pushapi.Decode([]byte(c.body(change)))
		if err != nil {
			c.t.Error(err)
			return
		}
		for {
			// Not ended by ctx: what was sent is answered.
			results, err := c.Push(context.WithoutCancel(ctx), c.who, batch)
			if err == nil && (results[0].Status == pushapi.Applied || results[0].Status == pushapi.Duplicate) {
				break
			}
			if err == nil {
				c.t.Errorf("%+v", results)
				return
			}
			resent.Add(1)
			time.Sleep(5 * time.Millisecond) // the server is down: a client's patience, nothing waits for it
		}
		acknowledged.Add(1)
	}
}

func waitFor(t *testing.T, met func() bool) {
	t.Helper()
	for limit := time.Now().Add(2 * time.Minute); !met(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it never came")
		}
	}
}
