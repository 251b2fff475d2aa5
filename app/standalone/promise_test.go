package standalone

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestRetentionInWords(t *testing.T) {
	for url, first := range map[string]string{
		"file:///mnt/copies": "Every second for the last hour", "gs://bucket": "Every 5 seconds for the last hour",
	} {
		want := first + ", every 30 seconds for a day, every 5 minutes for a week, every hour for 30 days"
		if got := strings.Join(Retention(url, app.Retention{}), ", "); got != want {
			t.Errorf("%s: %q", url, got)
		}
	}
}

const aDay = 24 * time.Hour

// TestEveryRetentionKeepsItsPromise: what TestMomentsOfThirtyDays proves of the default holds for every other, with a point
// that an undo pinned beyond the reach of the shortest.
func TestEveryRetentionKeepsItsPromise(t *testing.T) {
	t.Parallel()
	for wish, days := range map[string]int{
		"short": 20, "long": 100, "everything": 35,
		"every copy for 10 minutes, every 30 seconds for an hour, every 5 minutes for 2 hours, every hour for a day": 4,
		"every copy for 3 days": 8, "every hour for 45 days": 50,
	} {
		t.Run(wish, func(t *testing.T) {
			r, err := app.ParseRetention(wish, app.Retention{})
			if err != nil {
				t.Fatal(err)
			}
			m := newMonth(t)
			m.keep = r
			m.live(time.Duration(days-3)*aDay, 2*time.Minute, 80*time.Minute)
			undo := m.pin()
			m.live(46*time.Hour, 30*time.Second, 8*time.Minute)
			m.live(2*time.Hour, 5*time.Second, 40*time.Second)
			rnd := rand.New(rand.NewPCG(uint64(days), 200))
			deep := min(reach(agesOf(r)), m.clock.now().Sub(m.history[0].at))
			for i := range 60 {
				back := time.Duration(rnd.Int64N(int64(deep)))
				if i%2 == 0 {
					back = time.Duration(rnd.Int64N(int64(min(deep, aDay))))
				}
				m.holds(back)
			}
			m.restores(undo)
		})
	}
}

// TestPinnedForThirtyDays: under the shortest retention a point that an undo needs stays to the end of its thirty days, and
// goes after them.
func TestPinnedForThirtyDays(t *testing.T) {
	t.Parallel()
	m := newMonth(t)
	m.keep = app.Retention{time.Hour, time.Hour, time.Hour, aDay}
	m.live(3*aDay, 10*time.Minute, 40*time.Minute)
	undo := m.pin()
	m.live(30*aDay-time.Hour, 10*time.Minute, 80*time.Minute)
	m.restores(undo)
	m.live(2*aDay, 10*time.Minute, 40*time.Minute)
	_, err := m.replica().Plan(t.Context(), "m1", app.Moment{Point: undo.String()})
	if app.CodeOf(err) != app.CodeNotFound {
		t.Errorf("after its time the pinned point gave %v", err)
	}
}

// TestShorteningDoesWhatWasSaid: what a plan says would go is what goes, at the next copy and not an hour later; and what
// goes by a longer one is nothing.
func TestShorteningDoesWhatWasSaid(t *testing.T) {
	t.Parallel()
	m := newMonth(t)
	m.live(34*aDay, 2*time.Minute, 60*time.Minute)
	m.pin()
	m.live(3*aDay, 2*time.Minute, 60*time.Minute)
	if err := m.s.thin(t.Context(), m.s.k.ages()); err != nil {
		t.Fatal(err)
	}
	r := m.replica()
	same, err := r.Thinning(t.Context(), m.keep, app.Retention{time.Hour, aDay, 7 * aDay, 90 * aDay}, m.pins)
	if err != nil || same.Gone != 0 || same.Bytes != 0 || same.Moments == 0 || !same.Oldest.Equal(same.OldestThen) {
		t.Fatalf("a longer one: %+v, %v", same, err)
	}
	if level, err := r.Thinning(t.Context(), m.keep, m.keep, m.pins); err != nil || !between(level.StoredThen, level.Stored, 0.8, 1.2) || !between(same.StoredThen, same.Stored, 2, 3.5) {
		t.Errorf("as it is %d bytes come to %d, with an hour for 90 days to %d; %v", level.Stored, level.StoredThen, same.StoredThen, err)
	}
	short := app.Retention{time.Hour, 6 * time.Hour, aDay, 7 * aDay}
	plan, err := r.Thinning(t.Context(), m.keep, short, m.pins)
	if err != nil || plan.Gone == 0 || plan.Bytes == 0 || !plan.OldestThen.After(plan.Oldest) {
		t.Fatalf("a shorter one: %+v, %v", plan, err)
	}
	objects, bytes := m.stored()
	m.keep = short
	m.clock.pass(time.Millisecond) // an hour has not passed
	m.image[0]++
	if err := m.s.thinIfDue(t.Context(), m.s.k.ages()); err != nil {
		t.Fatal(err)
	}
	left, err := r.Timeline(t.Context(), "m1")
	after, still := m.stored()
	if err != nil || len(left.Points) != plan.Moments-plan.Gone || bytes-still != plan.Bytes || after >= objects || !left.Oldest.Equal(plan.OldestThen) {
		t.Errorf("said: %+v; %d points and %d bytes went, oldest %s, %v", plan, plan.Moments-len(left.Points), bytes-still, left.Oldest, err)
	}
}

func between(n, of int64, least, most float64) bool {
	return float64(n) >= least*float64(of) && float64(n) <= most*float64(of)
}

// pin keeps the newest point as a restore does before it begins.
func (m *month) pin() ltx.TXID {
	txid := ltx.TXID(len(m.history))
	m.pins = append(m.pins, app.RestorePoint{ID: txid.String(), Pinned: m.clock.now().Add(30 * aDay)})
	return txid
}

// restores checks that exactly this point can be restored.
func (m *month) restores(txid ltx.TXID) {
	m.t.Helper()
	image, plan := fetch(m.t, m.replica(), "m1", app.Moment{Point: txid.String()})
	m.equal(image, plan)
	if plan.Point.ID != txid.String() {
		m.t.Errorf("restored is %s, wanted %s", plan.Point.ID, txid)
	}
}

// stored counts what is at the target.
func (m *month) stored() (objects int, bytes int64) {
	for _, f := range m.s.k.cfg.Target.store.(meteredStore).store.(*memoryStore).files {
		objects, bytes = objects+1, bytes+int64(len(f.content))
	}
	return objects, bytes
}
