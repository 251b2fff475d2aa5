package standalone

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// TestAWrongClockTakesNothing: the clock of the machine is wrong for two hours, by years or by a day, and put right again. Every
// moment that was promised, and the pinned one, can be restored then, and merging and full copies go on.
func TestAWrongClockTakesNothing(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]time.Duration{"years ahead": 10 * 365 * aDay, "a day ahead": 26 * time.Hour, "behind": -40 * aDay} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMonth(t)
			start, jumped := m.clock.now(), time.Duration(0)
			m.s.steady.uptime = func() time.Duration { return m.clock.now().Sub(start) - jumped }
			set := func(d time.Duration) {
				jumped += d
				m.clock.pass(d)
			}
			m.live(31*aDay, 2*time.Minute, 60*time.Minute)
			undo := m.pin()
			m.live(2*time.Hour, 20*time.Second, time.Minute)
			set(wrong)
			m.live(2*time.Hour, 20*time.Second, time.Minute)
			set(-wrong)
			if wrong > 0 { // the moments of the wrong time are later than now
				m.history[len(m.history)-1].at = m.clock.now()
			}
			m.live(3*aDay, 2*time.Minute, 20*time.Minute)
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 60 {
				back := time.Duration(rnd.Int64N(int64(30 * aDay)))
				if wrong < 0 || back < 2*aDay || back > 4*aDay { // in between lie the moments that were recorded as of another time
					m.holds(back)
				}
			}
			m.restores(undo)
			plan, err := m.replica().Plan(t.Context(), "m1", app.Moment{})
			if err != nil || plan.Objects > 100 {
				t.Errorf("the newest point needs %d objects, %v", plan.Objects, err)
			}
			full, err := m.s.index.list(t.Context(), snapshotLevel)
			if err != nil || m.clock.now().Sub(full[len(full)-1].CreatedAt).Abs() > 2*snapshotEvery {
				t.Errorf("the newest full copy is of %s, and it is %s: %v", full[len(full)-1].CreatedAt, m.clock.now(), err)
			}
		})
	}
}

// TestNightsKeepNothing: a machine that is off or asleep for most of the day, when nobody counts, does not fall behind.
func TestNightsKeepNothing(t *testing.T) {
	now, up := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), time.Duration(0)
	c := &steady{now: func() time.Time { return now }, uptime: func() time.Duration { return up }, seen: now}
	for day := range 60 {
		for range 8 {
			now, up = now.Add(time.Hour), up+time.Hour
			if got := c.look(); !got.Equal(now) {
				t.Fatalf("on day %d it is taken for %s, and is %s", day, got, now)
			}
		}
		now = now.Add(16 * time.Hour)
	}
}
