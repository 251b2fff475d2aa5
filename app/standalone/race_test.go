package standalone

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// racer is a whole engine, of an agent of its own.
type racer struct {
	k     *Keeper
	db    *sql.DB
	stop  context.CancelFunc
	ended chan error
}

// newRacer makes the engine of a machine for a file, which is made if it is not there.
func newRacer(t *testing.T, target *Target, machine, lineage, path string, clock *testClock) *racer {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	if err == nil {
		_, err = db.Exec("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, body BLOB); INSERT INTO notes(body) VALUES (randomblob(300))")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &racer{db: db, ended: make(chan error, 1)}
	r.k = NewKeeper(KeeperConfig{
		File: plainFile{path}, Target: target, User: twinUser, Machine: machine, Lineage: lineage, Host: "host-" + machine, Tmp: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler), Now: clock.now,
		Info: func(context.Context) app.MachineInfo { return app.MachineInfo{Lineage: lineage} },
	})
	return r
}

func (r *racer) start(t *testing.T) {
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { r.ended <- r.k.Run(ctx, func(app.Report) {}) }()
	t.Cleanup(r.stop)
}

// raced starts the engines at the same moment, and tells the one that goes on from the one that ended, and why it did.
func raced(t *testing.T, a, b *racer) (owner, loser *racer, why error) {
	t.Helper()
	a.start(t)
	b.start(t)
	owner, loser = a, b
	select {
	case why = <-b.ended:
	case why = <-a.ended:
		owner, loser = b, a
	case <-time.After(time.Minute):
		t.Fatal("both go on")
	}
	loser.stop()
	return owner, loser, why
}

// keeps writes a row and checks that the newest point at the target holds exactly what the file does.
func (r *racer) keeps(t *testing.T) {
	t.Helper()
	if _, err := r.db.Exec("INSERT INTO notes(body) VALUES (randomblob(300))"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	point, err := r.k.Flush(ctx)
	if err != nil {
		t.Fatalf("%s: %v", r.k.cfg.Machine, err)
	}
	r.restores(t, app.Moment{Point: point.ID}, contentOf(t, r.db))
}

func (r *racer) restores(t *testing.T, m app.Moment, want string) {
	t.Helper()
	image, _ := fetch(t, replicaOf(r.k.cfg.Target, r.k.cfg.Machine), r.k.cfg.Machine, m)
	if got := contentOfFile(t, image); got != want {
		t.Errorf("%s: restored is %s, the file holds %s", r.k.cfg.Machine, got, want)
	}
}

func (r *racer) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("%s ended with %v", r.k.cfg.Machine, err)
	}
}

// TestRacesOfTwoAgentsOnOneFile: one copies the file, the other says why not, and the chain can be restored.
func TestRacesOfTwoAgentsOnOneFile(t *testing.T) {
	target := fileTarget(t)
	for round := range engineRaces {
		path := filepath.Join(t.TempDir(), "memory.db")
		lineage := func(m string) string { return fmt.Sprintf("l%d-%s", round, m) }
		name := func(m string) string { return fmt.Sprintf("%s-%d", m, round) }
		a := newRacer(t, target, name("m1"), lineage("m1"), path, newClock())
		b := newRacer(t, target, name("m2"), lineage("m2"), path, newClock())
		owner, _, why := raced(t, a, b)
		if e := mustCode(t, why, app.CodeBusy); !strings.Contains(e.Message, "already") {
			t.Errorf("round %d: the other says %q", round, e.Message)
		}
		owner.keeps(t)
		owner.keeps(t)
		owner.end(t)
	}
}
