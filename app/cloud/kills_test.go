package cloud

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestKills kills the engine of one machine again and again, at random moments, while programs write there and on another
// machine: whatever they committed is in PostgreSQL and on both machines then, once.
func TestKills(t *testing.T) {
	c := cloudtest.New(t)
	mira := somebody(t, c, "mira@lumen.works")
	a, b := newDesk(t, c, mira, "studio"), newDesk(t, c, mira, "laptop").starts()
	db, err := pgxpool.New(t.Context(), c.DB.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	p := &duo{t: t, db: db, user: a.user, desks: []*desk{a, b}, rows: map[string]string{}}
	random := rand.New(rand.NewPCG(1, 9))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	for i, d := range p.desks {
		writers.Go(func() { p.writes(ctx, d, rand.New(rand.NewPCG(2, uint64(i))), d.name) })
	}
	for range agentKills {
		child := a.forks()
		if random.IntN(4) > 0 { // else it dies while it starts
			before := p.arrived(a)
			a.waits(patience, func() error {
				if p.arrived(a) == before {
					return fmt.Errorf("nothing goes up")
				}
				return nil
			})
		}
		time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
		child.kill()
	}
	stop()
	writers.Wait()
	last := a.forks()
	took := a.waits(patience, p.agrees)
	t.Logf("%d kills, %d transactions: the same %v after the last start", agentKills, p.wrote, took)
	if err := last.ends(); err != nil {
		t.Errorf("%v\n%s", err, tail(a.log.String()))
	}
	a.starts()
	same(t, a, b)
	if n := p.count("SELECT count(*) FROM app.ledger WHERE rejected"); n > 0 {
		t.Errorf("%d groups were rejected", n)
	}
}

// arrived is how many groups of a machine are in the cloud.
func (p *duo) arrived(d *desk) int {
	c, err := d.file.Capture(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return p.count("SELECT count(*) FROM app.ledger WHERE client_id = $1", c.ClientID)
}

func (p *duo) count(sql string, args ...any) (n int) {
	if err := p.db.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}
