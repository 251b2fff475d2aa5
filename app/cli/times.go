package cli

import (
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// age says when something was: the nearer, the more exact.
func age(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < 0:
		return on(t, now, "15:04")
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d%ss ago", int(d.Seconds()), nbsp)
	case d < time.Hour:
		return fmt.Sprintf("%d%smin ago", int(d.Minutes()), nbsp)
	}
	return on(t, now, "15:04")
}

// moment is a time that can be restored to: with seconds.
func moment(t, now time.Time) string { return on(t, now, "15:04:05") }

// exactMoment has milliseconds, rounded up so that typing it after --at finds the point.
func exactMoment(t, now time.Time) string {
	up := t.Truncate(time.Millisecond)
	if up.Before(t) {
		up = up.Add(time.Millisecond)
	}
	return on(up, now, "15:04:05.000")
}

// on is a time of day in the zone of now, with as much of the date as is needed to know the day.
func on(t, now time.Time, clock string) string {
	t = t.In(now.Location())
	switch days := dayNumber(now) - dayNumber(t); {
	case days == 0:
		return t.Format(clock)
	case days == 1:
		return t.Format("yesterday" + nbsp + clock)
	case days == -1:
		return t.Format("tomorrow" + nbsp + clock)
	case days > 1 && days < 7:
		return t.Format("Mon" + nbsp + clock)
	case t.Year() == now.Year():
		return t.Format("2" + nbsp + "Jan" + nbsp + clock)
	}
	return t.Format("2" + nbsp + "Jan" + nbsp + "2006" + nbsp + clock)
}

// day is a date without a time of day.
func day(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case dayNumber(t) == dayNumber(now):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2" + nbsp + "Jan")
	}
	return t.Format("2" + nbsp + "Jan" + nbsp + "2006")
}

// dayNumber counts days of the calendar.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// until is the end of a pause in words.
func until(t, now time.Time) string {
	if t.Equal(app.UntilResumed) {
		return "until you resume"
	}
	return "until" + nbsp + on(t, now, "15:04")
}
