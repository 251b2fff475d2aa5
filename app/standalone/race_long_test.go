//go:build long

package standalone

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestRacesOfTwoMachinesOnOneLineage: one writes the history, the other says who does. It takes over; the former one wakes up
// with something to send, sends none of it and says who took over; the histories of both can be restored.
func TestRacesOfTwoMachinesOnOneLineage(t *testing.T) {
	eachTarget(t, func(t *testing.T, target *Target) {
		for round := range engineRaces {
			lineage, clock := fmt.Sprintf("l%d", round), newClock()
			machine := func(m string) *racer {
				return newRacer(t, target, fmt.Sprintf("%s-%d", m, round), lineage, filepath.Join(t.TempDir(), "memory.db"), clock)
			}
			owner, loser, why := raced(t, machine("m1"), machine("m2"))
			if e := mustCode(t, why, app.CodeRefused); !errors.Is(why, errNotPrimary) || !strings.Contains(e.Message, owner.k.cfg.Host) {
				t.Errorf("round %d: the other says %q", round, e.Message)
			}
			owner.keeps(t)
			left := contentOf(t, owner.db)
			next := newRacer(t, target, loser.k.cfg.Machine, lineage, loser.k.cfg.File.Path(), clock)
			if err := target.TakeOver(t.Context(), twinUser, lineage, next.k.cfg.Machine, next.k.cfg.Host); err != nil {
				t.Fatal(err)
			}
			clock.pass(time.Hour) // the former one slept
			if _, err := owner.db.Exec("INSERT INTO notes(body) VALUES (randomblob(300))"); err != nil {
				t.Fatal(err)
			}
			next.start(t)
			next.keeps(t)
			if e := mustCode(t, ended(owner, clock), app.CodeRefused); !strings.Contains(e.Message, next.k.cfg.Host) {
				t.Errorf("round %d: the former one says %q", round, e.Message)
			}
			owner.restores(t, app.Moment{}, left)
			next.keeps(t)
			next.end(t)
		}
	})
}

// ended waits for the end of a racer. Its clock goes on meanwhile, or what failed once would never be tried again.
func ended(r *racer, clock *testClock) error {
	for {
		select {
		case err := <-r.ended:
			return err
		case <-time.After(10 * time.Millisecond):
			clock.pass(100 * time.Millisecond)
		}
	}
}
