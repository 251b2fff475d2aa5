package cli

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestParseTime(t *testing.T) {
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ text, want string }{
		{"2026-11-20T14:02:05+01:00", "2026-11-20T13:02:05Z"},
		{"2026-11-20T14:02:05.123456789Z", "2026-11-20T14:02:05.123456789Z"},
		{"2026-11-20T08:02:05.5-05:00", "2026-11-20T13:02:05.5Z"},
		{"2026-11-20 14:02:05Z", "2026-11-20T14:02:05Z"},
		{"2026-11-20 14:02:05.25+01:00", "2026-11-20T13:02:05.25Z"},
		{"2026-11-20T14:02Z", "2026-11-20T14:02:00Z"},
		{"2026-11-20 14:02:05", "2026-11-20T13:02:05Z"},
		{"2026-11-20 14:02:05.678", "2026-11-20T13:02:05.678Z"},
		{"2026-11-20 14:02", "2026-11-20T13:02:00Z"},
		{"2026-11-20T14:02:05", "2026-11-20T13:02:05Z"},
		{"2026-07-20 14:02:05", "2026-07-20T12:02:05Z"},
		{"  2026-07-20 14:02:05 ", "2026-07-20T12:02:05Z"},
		{"14:02", "2026-11-20T13:02:00Z"},
		{"14:02:05.5", "2026-11-20T13:02:05.5Z"},
		{"today 14:02", "2026-11-20T13:02:00Z"},
		{"Yesterday 23:59:59", "2026-11-19T22:59:59Z"},
		{"yesterday" + nbsp + "18:22:07.001", "2026-11-19T17:22:07.001Z"},
		{"Mon 09:00", "2026-11-16T08:00:00Z"},
		{"saturday 09:00", "2026-11-14T08:00:00Z"},
		{"2h", "2026-11-20T11:02:51Z"},
		{"90m", "2026-11-20T11:32:51Z"},
		{"3d", "2026-11-17T13:02:51Z"},
		{"1w", "2026-11-13T13:02:51Z"},
		{"1d12h30m5s", "2026-11-19T00:32:46Z"},
		{"0s", "2026-11-20T13:02:51Z"},
	} {
		got, err := parseTime("restore", c.text, now)
		if err != nil || !got.Equal(utc(c.want)) {
			t.Errorf("%q is %v, %v; want %s", c.text, got.UTC(), err, c.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "soon", "2026-11-20", "2026-13-20 14:02", "2026-02-30 14:02", "25:00", "14", "14:02:61", "h", "2x", "-2h", "2", "1.5h",
		"Fri 14:02", "tomorrow 14:02", "2026-11-20 14:02:05 Berlin", "99999999999999999999h", "\x1b[2J", "0000000000000a1f",
	} {
		if got, err := parseTime("restore", text, now); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%q is %v, %v", text, got, err)
		} else if e := app.AsError("", err); e.Hint == "" || e.Op != "restore" {
			t.Errorf("%q: %+v", text, e)
		}
	}
}

// TestTimeOfChangedClocks: a wall clock that was shown twice is no moment until the zone says which one.
func TestTimeOfChangedClocks(t *testing.T) {
	for _, text := range []string{"2026-10-25 02:30:00", "2026-03-29 02:30:00"} {
		if got, err := parseTime("restore", text, now); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"2026-10-25 02:30:00+02:00": "2026-10-25T00:30:00Z", "2026-10-25 02:30:00+01:00": "2026-10-25T01:30:00Z",
		"2026-10-25 01:59:59": "2026-10-24T23:59:59Z", "2026-10-25 03:00:00": "2026-10-25T02:00:00Z",
		"2026-03-29 01:59:59": "2026-03-29T00:59:59Z", "2026-03-29 03:00:00": "2026-03-29T01:00:00Z",
	} {
		got, err := parseTime("restore", text, now)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s is %v, %v; want %s", text, got.UTC(), err, want)
		}
	}
}

// TestShownTimesCanBeTyped: what points shows is understood by restore, and finds the point.
func TestShownTimesCanBeTyped(t *testing.T) {
	for _, back := range []time.Duration{
		1234567 * time.Microsecond, 26 * time.Hour, 3*24*time.Hour + 999_999_999, 6 * 24 * time.Hour,
	} {
		at := now.Add(-back)
		got, err := parseTime("restore", exactMoment(at, now), now)
		if err != nil || got.Before(at) || got.Sub(at) >= time.Millisecond {
			t.Errorf("%v is shown as %q, which is %v, %v", at, exactMoment(at, now), got, err)
		}
	}
}

func TestParseSpan(t *testing.T) {
	if d, err := parseSpan("pause", "1h30m"); err != nil || d != 90*time.Minute {
		t.Errorf("1h30m is %v, %v", d, err)
	}
	for _, text := range []string{"", "0m", "30", "half an hour", "-5m"} {
		if d, err := parseSpan("pause", text); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
}
