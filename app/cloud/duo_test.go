package cloud

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// duo is two machines of a person, and what their programs committed.
type duo struct {
	t     *testing.T
	db    *pgxpool.Pool
	user  string
	seed  uint64
	desks []*desk

	both   int        // so many rows are written on both machines
	shared sync.Mutex // held while a row is written that both machines write, so that there is a last one
	mu     sync.Mutex
	rows   map[string]string // table and id → what it holds
	wrote  int
}

// commit writes on a machine, and then to the ledger.
func (p *duo) commit(d *desk, sql string, noted func()) {
	if _, err := d.db.TryExec("BEGIN IMMEDIATE; " + sql + "; COMMIT"); err != nil {
		p.t.Errorf("%s: a program cannot write: %v", d.name, err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrote++
	noted()
}

// pause waits for a random while; false when it is over.
func pause(ctx context.Context, random *rand.Rand, least, most time.Duration) bool {
	return sleep(ctx, least+time.Duration(random.Int64N(int64(most-least))))
}

// writes is what the programs of a machine do.
func (p *duo) writes(ctx context.Context, d *desk, random *rand.Rand, prefix string) {
	var own []string // rows that this machine alone writes
	for n := 0; pause(ctx, random, time.Millisecond, 150*time.Millisecond); n++ {
		id := fmt.Sprintf("%s%d", prefix, n)
		switch kind := random.IntN(10); {
		case kind < 4 || len(own) == 0:
			p.commit(d, fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('%s', 'new')", id), func() { p.rows["decisions "+id] = "new" })
			own = append(own, id)
		case kind < 6:
			id := own[random.IntN(len(own))]
			p.commit(d, fmt.Sprintf("INSERT INTO decisions (id, decision) VALUES ('%s', 'edit%d') ON CONFLICT DO UPDATE SET decision = excluded.decision", id, n),
				func() { p.rows["decisions "+id] = fmt.Sprint("edit", n) })
		case kind < 7:
			id := own[random.IntN(len(own))]
			p.commit(d, fmt.Sprintf("DELETE FROM decisions WHERE id = '%s'", id), func() { delete(p.rows, "decisions "+id) })
		case kind < 8:
			p.commit(d, fmt.Sprintf(`INSERT INTO sessions (id, title) VALUES ('%s', 't'); INSERT INTO messages (id, content)
				WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 49) SELECT '%s.' || i, 'said' FROM k`, id, id), func() {
				p.rows["sessions "+id] = "t"
				for i := range 50 {
					p.rows[fmt.Sprintf("messages %s.%d", id, i)] = "said"
				}
			})
		case p.both > 0:
			p.bothWrite(d, p.common(random.IntN(p.both)), id)
		}
	}
}

// bothWrite edits a row that the other machine edits too. One after another, so the last one is the one that wins.
func (p *duo) bothWrite(d *desk, id, text string) {
	p.shared.Lock()
	defer p.shared.Unlock()
	p.commit(d, fmt.Sprintf("UPDATE decisions SET decision = '%s' WHERE id = '%s'", text, id), func() { p.rows["decisions "+id] = text })
}

// rowsOf reads what the ledger holds.
const rowsOf = `SELECT 'decisions ' || id, decision FROM %[1]sdecisions %[2]s
	UNION ALL SELECT 'sessions ' || id, title FROM %[1]ssessions %[2]s UNION ALL SELECT 'messages ' || id, content FROM %[1]smessages %[2]s`

// agrees is an error until everything has gone up, and both machines and the cloud hold what the ledger does.
func (p *duo) agrees() error {
	for _, d := range p.desks {
		if _, drained, err := d.file.QueueMark(context.Background()); err != nil || !drained {
			return fmt.Errorf("%s: all is not acknowledged: %s", d.name, fmt.Sprint(err))
		}
	}
	if a, b := p.desks[0].sum(), p.desks[1].sum(); a != b {
		for _, d := range p.desks {
			if err := p.holds(d); err != nil {
				return err
			}
		}
		return fmt.Errorf("row hashes differ: %s %s", a, b)
	}
	if err := p.holds(p.desks[0]); err != nil {
		return err
	}
	return p.cloudHolds()
}

func (p *duo) holds(d *desk) error {
	text, err := d.db.TryExec(fmt.Sprintf("SELECT * FROM ("+rowsOf+")", "", ""))
	if err != nil {
		return err
	}
	got := map[string]string{}
	for line := range strings.Lines(text) {
		row, value, _ := strings.Cut(strings.TrimSpace(line), "|")
		if _, twice := got[row]; twice {
			return fmt.Errorf("%s: %s is there twice", d.name, row)
		}
		got[row] = value
	}
	return p.compare(d.name, got)
}

func (p *duo) cloudHolds() error {
	rows, err := p.db.Query(context.Background(), fmt.Sprintf(rowsOf, "app.", "WHERE user_id = '"+p.user+"'"))
	if err != nil {
		return err
	}
	defer rows.Close()
	got := map[string]string{}
	for rows.Next() {
		var row, value string
		if err := rows.Scan(&row, &value); err != nil {
			return err
		}
		if _, twice := got[row]; twice {
			return fmt.Errorf("PostgreSQL: %s is there twice", row)
		}
		got[row] = value
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return p.compare("PostgreSQL", got)
}

// compare names some of what is not as the ledger says.
func (p *duo) compare(who string, got map[string]string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var wrong []string
	for row, want := range p.rows {
		if value, is := got[row]; !is {
			wrong = append(wrong, row+" is missing")
		} else if value != want {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", row, value, want))
		}
	}
	for row, value := range got {
		if _, is := p.rows[row]; !is {
			wrong = append(wrong, fmt.Sprintf("%s is there, as %q", row, value))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("%s: %d rows, %s", who, len(wrong), strings.Join(wrong[:min(len(wrong), 5)], "; "))
}

// common is the id of a row that both machines write. All people of a tenant share the ids.
func (p *duo) common(i int) string { return fmt.Sprintf("both%d-%d", p.seed, i) }
