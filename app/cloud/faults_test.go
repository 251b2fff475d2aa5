package cloud

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/backend/cloudtest"
)

// TestFaults lets two machines write while the ways to their server are bad in all manners, at random, and then good again:
// both machines and PostgreSQL have the same rows then, each as its last writer left it, none lost and none twice. Several
// pairs share a server.
func TestFaults(t *testing.T) {
	c := cloudtest.New(t)
	var pairs []*ways
	for i := range faultPairs { // one after another: the server slows down many sign-ins at once
		pairs = append(pairs, newWays(t, c, somebody(t, c, fmt.Sprintf("mira%d@lumen.works", i)), uint64(i)))
	}
	var slowest slowest
	var all sync.WaitGroup
	for i, p := range pairs {
		all.Go(func() { // not t.Parallel, which runs no more than there are cores
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				p.t = t
				for _, d := range p.desks {
					d.t = t
				}
				for round := range faultRounds {
					p.round(round, &slowest)
				}
				same(t, p.desks...)
				p.onlySharedLost()
			})
		})
	}
	all.Wait()
	t.Logf("the slowest pair was the same %v after its ways had healed", slowest.is)
}

// slowest is the most of many durations.
type slowest struct {
	mu sync.Mutex
	is time.Duration
}

func (s *slowest) saw(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.is = max(s.is, d)
}

// ways is two machines each behind a road of its own.
type ways struct {
	*duo
	roads []*road
}

func newWays(t *testing.T, c *cloudtest.Cloud, who cloudtest.Person, seed uint64) *ways {
	p := &ways{duo: &duo{t: t, seed: seed, rows: map[string]string{}}}
	db, err := pgxpool.New(t.Context(), c.DB.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	p.db = db
	for _, name := range []string{"studio", "laptop"} {
		d, r := newDesk(t, c, who, fmt.Sprintf("%s%d", name, seed)), newRoad(t, c.URL)
		d.edit = func(c *Config) { c.Server = r.URL }
		p.desks, p.roads, p.user = append(p.desks, d), append(p.roads, r), d.user
		d.starts()
	}
	p.both = 4
	for i := range p.both {
		p.commit(p.desks[0], fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('%s', 'first')", p.common(i)), func() {
			p.rows["decisions "+p.common(i)] = "first"
		})
	}
	p.desks[1].sees("SELECT count(*) FROM decisions", fmt.Sprint(p.both))
	return p
}

// faultsFor is how long a round writes, with faults.
const faultsFor = 1500 * time.Millisecond

// round is a while of writes and faults, and what must be then.
func (p *ways) round(n int, slowest *slowest) {
	ctx, cancel := context.WithTimeout(p.t.Context(), faultsFor)
	defer cancel()
	var all sync.WaitGroup
	made := make([][]string, len(p.desks))
	before := p.wrote
	for i, d := range p.desks {
		seed := uint64(n*len(p.desks) + i)
		all.Go(func() { p.writes(ctx, d, rand.New(rand.NewPCG(p.seed, seed)), fmt.Sprintf("%s-%d-", d.name, n)) })
		all.Go(func() { made[i] = p.roads[i].worsens(ctx, rand.New(rand.NewPCG(p.seed, seed+1000))) })
	}
	all.Wait()
	for _, r := range p.roads {
		if err := r.heal(); err != nil {
			p.t.Fatal(err)
		}
	}
	took := p.desks[0].waits(patience, p.agrees)
	slowest.saw(took)
	p.t.Logf("round %d: %d transactions, %v: the same after %v", n, p.wrote-before, made, took.Round(10*time.Millisecond))
}

// worsens makes faults, one at a time, until ctx ends, and says which.
func (r *road) worsens(ctx context.Context, random *rand.Rand) (made []string) {
	kinds := slices.Sorted(maps.Keys(faults))
	for pause(ctx, random, 50*time.Millisecond, 300*time.Millisecond) {
		kind := kinds[random.IntN(len(kinds))]
		made = append(made, kind)
		faults[kind](r, random)
		if !pause(ctx, random, 200*time.Millisecond, 800*time.Millisecond) {
			break
		}
		if random.IntN(3) > 0 { // else the next one comes on top, or the round ends with it
			r.eases()
		}
	}
	return made
}

var faults = map[string]func(r *road, random *rand.Rand){
	"latency": func(r *road, random *rand.Rand) {
		r.poison("latency", direction(random), fmt.Sprintf(`{"latency":%d,"jitter":%d}`, 50+random.IntN(400), random.IntN(100)))
	},
	"slow": func(r *road, random *rand.Rand) {
		r.poison("bandwidth", direction(random), fmt.Sprintf(`{"rate":%d}`, 1+random.IntN(8)))
	},
	"half-open": func(r *road, random *rand.Rand) { r.poison("timeout", direction(random), `{"timeout":0}`) },
	"cut":       func(r *road, _ *rand.Rand) { r.cut() },
	"loses":     func(r *road, _ *rand.Rand) { r.office.turns(loses) },
	"doubles":   func(r *road, _ *rand.Rand) { r.office.turns(doubles) },
	"late":      func(r *road, _ *rand.Rand) { r.office.turns(belated) },
	"swaps":     func(r *road, _ *rand.Rand) { r.office.turns(swaps) },
}

func direction(random *rand.Rand) string { return []string{"upstream", "downstream"}[random.IntN(2)] }

// onlySharedLost wants nothing in lost & found but of rows that both machines wrote.
func (p *ways) onlySharedLost() {
	for _, d := range p.desks {
		items, err := d.file.Lost(context.Background())
		if err != nil {
			p.t.Error(err)
		}
		for _, i := range items {
			if !strings.HasPrefix(i.Row, "both") || i.Kind != app.LostConflict {
				p.t.Errorf("%s: %s of %s %s is lost: %s %s", d.name, i.Kind, i.Table, i.Row, i.Why, i.Mine)
			}
		}
	}
}
