package tray

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestAgo(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		want  string
		stale time.Duration // from noon
	}{
		{-2 * time.Second, "just now", 2 * time.Second},
		{0, "just now", 5 * time.Second},
		{4 * time.Second, "just now", time.Second},
		{7 * time.Second, "5 s ago", 3 * time.Second},
		{12 * time.Second, "10 s ago", 8 * time.Second},
		{59 * time.Second, "50 s ago", time.Second},
		{time.Minute, "1 min ago", time.Minute},
		{59*time.Minute + 59*time.Second, "59 min ago", time.Second},
		{time.Hour, "13:03", 9*time.Hour + 56*time.Minute + 57*time.Second},
		{20 * time.Hour, "yesterday 18:03", 9*time.Hour + 56*time.Minute + 57*time.Second},
	} {
		at := before(c.age)
		if got := ago(at, noon); got != c.want {
			t.Errorf("%v: %q, want %q", c.age, got, c.want)
		}
		stale := agoStale(at, noon)
		if stale.Sub(noon) != c.stale {
			t.Errorf("%v: stale after %v, want %v", c.age, stale.Sub(noon), c.stale)
		}
	}
}

func TestMoment(t *testing.T) {
	for _, c := range []struct {
		back time.Duration
		want string
	}{
		{-18 * time.Hour, "tomorrow 08:03"},
		{time.Minute, "14:02"},
		{14 * time.Hour, "00:03"},
		{15 * time.Hour, "yesterday 23:03"},
		{2 * day, "Sat 14:03"},
		{6 * day, "Tue 14:03"},
		{7 * day, "17 Nov 14:03"},
		{400 * day, "20 Oct 2024 14:03"},
	} {
		if got := moment(before(c.back), noon, clockOf); got != c.want {
			t.Errorf("%v back: %q, want %q", c.back, got, c.want)
		}
	}
}

// TestDaysAcrossClockChanges: the night of a clock change is one day, though it has 23 or 25 hours.
func TestDaysAcrossClockChanges(t *testing.T) {
	if got := daysBetween(time.Date(2025, 10, 25, 23, 59, 0, 0, time.UTC), time.Date(2025, 10, 26, 0, 1, 0, 0, time.UTC)); got != 1 {
		t.Errorf("two minutes over midnight are %d days", got)
	}
	if got := daysBetween(time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 3, 31, 23, 0, 0, 0, time.UTC)); got != 30 {
		t.Errorf("March has %d nights", got)
	}
}

func TestLeft(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string
	}{
		{0, ""}, {-1, ""}, {0.1, "about 5 s left"}, {5, "about 5 s left"}, {48, "about 50 s left"}, {60, "about 60 s left"},
		{61, "about 2 min left"}, {230, "about 4 min left"}, {5400, "about 90 min left"}, {5401, "about 2 h left"},
	} {
		if got := left(c.seconds); got != c.want {
			t.Errorf("%v: %q, want %q", c.seconds, got, c.want)
		}
	}
}

func TestPauseLeft(t *testing.T) {
	for _, c := range []struct {
		rest time.Duration
		want string
	}{
		{time.Second, "for another 1 min"}, {30 * time.Minute, "for another 30 min"}, {30*time.Minute + 1, "for another 31 min"},
		{2 * time.Hour, "for another 2 h"}, {84 * time.Minute, "for another 1 h 24 min"}, {25 * time.Hour, "until Tue 25 Nov 15:03"},
	} {
		until := noon.Add(c.rest)
		if got := pauseLeft(until, noon); got != c.want {
			t.Errorf("%v: %q, want %q", c.rest, got, c.want)
		}
		stale := pauseStale(until, noon)
		if now := pauseLeft(until, stale.Add(-time.Nanosecond)); now != c.want {
			t.Errorf("%v: %q before it should change", c.rest, now)
		}
		if stale.Before(until) && pauseLeft(until, stale) == c.want {
			t.Errorf("%v: still %q at %v", c.rest, c.want, stale)
		}
	}
	if got := pauseLeft(app.UntilResumed, noon); got != "until you resume" || !pauseStale(app.UntilResumed, noon).IsZero() {
		t.Errorf("without an end: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 128431: "128,431", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 kB", 1: "1 kB", 412000: "412 kB", 1_200_000: "1.2 MB", 412e6: "412 MB", 1_500_000_000: "1.5 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestPauseEnd(t *testing.T) {
	for _, c := range []struct {
		length time.Duration
		now    time.Time
		want   time.Time
	}{
		{30 * time.Minute, noon, noon.Add(30 * time.Minute)},
		{UntilResumed, noon, app.UntilResumed},
		{UntilTomorrow, noon, time.Date(2025, 11, 25, 8, 0, 0, 0, noon.Location())},
		{UntilTomorrow, time.Date(2025, 12, 31, 23, 59, 0, 0, noon.Location()), time.Date(2026, 1, 1, 8, 0, 0, 0, noon.Location())},
	} {
		if got := pauseEnd(c.length, c.now); !got.Equal(c.want) {
			t.Errorf("%v at %v: %v, want %v", c.length, c.now, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want int
	}{
		{nil, 0}, {[]string{"", "One."}, 1}, {[]string{"One.", "Two."}, 2}, {[]string{"a", "b", "c", "d"}, 3},
	} {
		if got := wrap(c.in, whyLines); len(got) != c.want {
			t.Errorf("%q became %q", c.in, got)
		}
	}
}
