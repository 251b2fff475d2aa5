package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const timeHint = "Write it as 2026-11-20T14:02:05+01:00, \"2026-11-20 14:02:05\", \"today 14:02\", \"yesterday 14:02\" or an age such as 2h, 90m or 3d."

// zoned are the forms that say which zone they are in. Fractions of a second are read after every second.
var zoned = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00"}

// dated are forms in local time.
var dated = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// clocks are times of a day.
var clocks = []string{"15:04:05", "15:04"}

// parseTime reads a moment as people type it; what names no zone is in that of now. CodeInvalid when text is no moment,
// or one that the clocks of the zone show twice or never.
func parseTime(op, text string, now time.Time) (time.Time, error) {
	zone := now.Location()
	text = strings.TrimSpace(text)
	for _, form := range zoned {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	for _, form := range dated {
		if wall, err := time.Parse(form, text); err == nil {
			return inZone(op, text, wall, zone)
		}
	}
	if d, ok := parseAge(text); ok {
		return now.Add(-d), nil
	}
	if wall, ok := clockOfDay(text, now); ok {
		return inZone(op, text, wall, zone)
	}
	return time.Time{}, app.Errorf(app.CodeInvalid, op, "%q is not a time.", text).WithHint("%s", timeHint)
}

// clockOfDay reads 14:02, today 14:02, yesterday 14:02 and Fri 14:02, the last one of that name. The result is the
// wall clock, in UTC.
func clockOfDay(text string, now time.Time) (time.Time, bool) {
	name, clock, two := strings.Cut(strings.ReplaceAll(text, nbsp, " "), " ")
	if !two {
		name, clock = "today", name
	}
	back, ok := daysBack(strings.ToLower(name), now)
	if !ok {
		return time.Time{}, false
	}
	for _, form := range clocks {
		if c, err := time.Parse(form, strings.TrimSpace(clock)); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d-back, c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), time.UTC), true
		}
	}
	return time.Time{}, false
}

func daysBack(name string, now time.Time) (int, bool) {
	switch name {
	case "today":
		return 0, true
	case "yesterday":
		return 1, true
	}
	for back := 2; back < 7; back++ {
		day := strings.ToLower(now.AddDate(0, 0, -back).Weekday().String())
		if name == day || name == day[:3] {
			return back, true
		}
	}
	return 0, false
}

// inZone is the one moment at which clocks of the zone show wall.
func inZone(op, text string, wall time.Time, zone *time.Location) (time.Time, error) {
	found := map[int64]time.Time{}
	for _, near := range []time.Duration{-36 * time.Hour, 36 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, is := t.Zone(); is == offset {
			found[t.UnixNano()] = t
		}
	}
	if len(found) > 1 {
		return time.Time{}, app.Errorf(app.CodeInvalid, op, "The clock showed %s twice that day.", text).
			WithHint("Add the zone, as in %s.", earliest(found).Format(time.RFC3339))
	}
	for _, t := range found {
		return t, nil
	}
	return time.Time{}, app.Errorf(app.CodeInvalid, op, "The clock never showed %s: it was set forward.", text).
		WithHint("Choose a moment before or after, or add the zone.")
}

func earliest(times map[int64]time.Time) (first time.Time) {
	for _, t := range times {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

// ageUnits are the letters of an age. A day has 24 hours here.
var ageUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// parseAge reads 2h, 90m, 3d or 1d12h.
func parseAge(text string) (time.Duration, bool) {
	var sum time.Duration
	for rest := text; rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 1 {
			return 0, false
		}
		n, err := strconv.ParseInt(rest[:end], 10, 32)
		unit, ok := ageUnits[rest[end]]
		if err != nil || !ok {
			return 0, false
		}
		// A century is more than any history, and keeps the sum from overflowing.
		if sum += time.Duration(min(n, 100*365*24*3600/int64(unit/time.Second))) * unit; sum > 100*365*24*time.Hour {
			return 100 * 365 * 24 * time.Hour, true
		}
		rest = rest[end+1:]
	}
	return sum, text != ""
}

// parseSpan reads the length of a pause.
func parseSpan(op, text string) (time.Duration, error) {
	d, ok := parseAge(strings.TrimSpace(text))
	if !ok || d == 0 {
		return 0, app.Errorf(app.CodeInvalid, op, "%q is not a length of time.", text).WithHint("Write it as 30m, 2h or 1d.")
	}
	return d, nil
}
