package standalone

import (
	"fmt"
	"time"
)

// Retention says what is kept of the history at a target: one promise for each row of the retention, finest first.
func Retention(targetURL string) []string {
	t := Target{}
	if at, err := parseLocation(targetURL); err == nil {
		t.at = at
	}
	out := []string{fmt.Sprintf("Every %s for %s", inWords(t.Interval(), ""), inWords(retention[0].keep, "the last "))}
	for _, a := range retention[1:] {
		out = append(out, fmt.Sprintf("every %s for %s", inWords(a.every, ""), inWords(a.keep, "a ")))
	}
	return out
}

// inWords is a whole number of units. one stands before a single one of them in place of the number.
func inWords(d time.Duration, one string) string {
	for _, u := range []struct {
		size time.Duration
		unit string
	}{{7 * 24 * time.Hour, "week"}, {24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch n := d / u.size; {
		case d%u.size != 0:
		case n == 1:
			return one + u.unit
		default:
			return fmt.Sprintf("%d %ss", n, u.unit)
		}
	}
	return d.String()
}
