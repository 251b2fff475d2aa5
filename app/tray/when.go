package tray

import (
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Times are shown in the location of now.

const clockOf, secondsOf = "15:04", "15:04:05"

// ago is the age of t: "just now", "20 s ago", "5 min ago", then the time itself.
func ago(t, now time.Time) string {
	switch age := now.Sub(t); {
	case age < 5*time.Second:
		return "just now"
	case age < 10*time.Second:
		return "5 s ago"
	case age < time.Minute:
		return fmt.Sprintf("%d s ago", age/(10*time.Second)*10)
	case age < time.Hour:
		return fmt.Sprintf("%d min ago", age/time.Minute)
	}
	return moment(t, now, clockOf)
}

// agoStale is when ago(t, now) changes.
func agoStale(t, now time.Time) time.Time {
	age := now.Sub(t)
	step := time.Minute
	switch {
	case age < 0:
		return t
	case age < 10*time.Second:
		step = 5 * time.Second
	case age < time.Minute:
		step = 10 * time.Second
	case age >= time.Hour:
		return midnight(now)
	}
	return t.Add(age - age%step + step)
}

// moment is t with its day where that is not today: "14:02", "yesterday 18:22", "Fri 17:45", "24 Oct 14:02".
func moment(t, now time.Time, layout string) string {
	t = t.In(now.Location())
	switch days := daysBetween(t, now); {
	case days == 0:
		return t.Format(layout)
	case days == 1:
		return "yesterday " + t.Format(layout)
	case days == -1:
		return "tomorrow " + t.Format(layout)
	case days > 1 && days < 7:
		return t.Format("Mon " + layout)
	case t.Year() == now.Year():
		return t.Format("2 Jan " + layout)
	}
	return t.Format("2 Jan 2006 " + layout)
}

// daysBetween counts midnights from t to now, which are in one location.
func daysBetween(t, now time.Time) int {
	noon := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	}
	return int(noon(now).Sub(noon(t)) / (24 * time.Hour))
}

// midnight is when the day of now ends.
func midnight(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
}

// left is what remains, rounded up so that it is never too short: "about 50 s left", "about 4 min left".
func left(seconds float64) string {
	switch {
	case seconds <= 0:
		return ""
	case seconds <= 60:
		return fmt.Sprintf("about %d s left", roundUp(seconds, 5))
	case seconds <= 90*60:
		return fmt.Sprintf("about %d min left", roundUp(seconds/60, 1))
	}
	return fmt.Sprintf("about %d h left", roundUp(seconds/3600, 1))
}

func roundUp(x float64, step int) int {
	n := int(x)
	if float64(n) < x {
		n++
	}
	return (n + step - 1) / step * step
}

// pauseLeft is how long a pause goes on: "another 24 min", "another 1 h 24 min", "until you resume".
func pauseLeft(until, now time.Time) string {
	if until.Equal(app.UntilResumed) {
		return "until you resume"
	}
	minutes := int((until.Sub(now) + time.Minute - 1) / time.Minute)
	switch {
	case minutes < 60:
		return fmt.Sprintf("for another %d min", minutes)
	case minutes < 24*60 && minutes%60 == 0:
		return fmt.Sprintf("for another %d h", minutes/60)
	case minutes < 24*60:
		return fmt.Sprintf("for another %d h %d min", minutes/60, minutes%60)
	}
	return "until " + until.In(now.Location()).Format("Mon 2 Jan "+clockOf)
}

// pauseStale is when pauseLeft(until, now) changes.
func pauseStale(until, now time.Time) time.Time {
	if until.Equal(app.UntilResumed) {
		return time.Time{}
	}
	rest := until.Sub(now)
	if rest >= 24*time.Hour {
		return until.Add(-24*time.Hour + time.Minute)
	}
	return now.Add((rest-1)%time.Minute + 1)
}

// size is a size as people read it.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e7:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}

// count is a number with its thousands apart: 128,431.
func count(n int64) string {
	s := fmt.Sprintf("%d", n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
