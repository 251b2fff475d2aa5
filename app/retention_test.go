package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

const days = 24 * time.Hour

func TestParseRetention(t *testing.T) {
	def := app.DefaultRetention()
	for text, want := range map[string]app.Retention{
		"default":                def,
		" Long ":                 {days, 7 * days, 30 * days, 90 * days},
		"everything":             {app.Forever, app.Forever, app.Forever, app.Forever},
		"every hour for 90 days": {time.Hour, days, 7 * days, 90 * days},
		"every hour for a year, every copy for 2 days":           {2 * days, 2 * days, 7 * days, 365 * days},
		"every second for the last hour and every hour for ever": {time.Hour, days, 7 * days, app.Forever},
		"every hour forever":                                  {time.Hour, days, 7 * days, app.Forever},
		"every copy for a month":                              {30 * days, 30 * days, 30 * days, 30 * days},
		"every 30 seconds for 2 weeks":                        {time.Hour, 14 * days, 14 * days, 30 * days},
		"every 5 minutes for a day, every hour for 36 hours":  {time.Hour, days, days, 36 * time.Hour},
		"every change for 10 minutes, every 30 s for an hour": {10 * time.Minute, time.Hour, 7 * days, 30 * days},
	} {
		got, err := app.ParseRetention(text, app.Retention{})
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
			continue
		}
		if again, err := app.ParseRetention(got.String(), app.Retention{}); err != nil || again != got {
			t.Errorf("%q is said as %q, which is read as %v, %v", text, got, again, err)
		}
		said := strings.Join(got.Promises(5*time.Second), ", ")
		if again, err := app.ParseRetention(said, got); err != nil || again != got {
			t.Errorf("%q is shown as %q, which is read as %v, %v", text, said, again, err)
		}
	}
}

func TestWhatIsNoRetention(t *testing.T) {
	for text, part := range map[string]string{
		"":                                "not a promise",
		"lots":                            "“lots” is not a promise",
		"hour for 9 days":                 "not a promise",
		"every hour":                      "not a promise",
		"every 10 minutes for 1 day":      "not kept every 10 minutes",
		"every hour for -3 days":          "“-3 days” is no length of time",
		"every hour for 0 days":           "no length of time",
		"every hour for 5 parsecs":        "“5 parsecs” is no length of time",
		"every copy for 10 seconds":       "no length of time",
		"every hour for 9999999999 years": "no length of time",
		"every hour for 3 days":           "“Every hour for 3 days” is less than every 5 minutes for a week",
		"every hour for 3 days, every hour for 4 days":                                      "said twice",
		"every 30 seconds for an hour, every 5 minutes for 2 hours, every hour for 3 hours": "only 3 hours",
	} {
		_, err := app.ParseRetention(text, app.Retention{})
		if e := app.AsError("", err); err == nil || e.Code != app.CodeInvalid || e.Hint == "" || !strings.Contains(e.Message, part) {
			t.Errorf("%q: %v, want %q", text, err, part)
		}
	}
}

func TestRetentionInWords(t *testing.T) {
	for _, tc := range []struct {
		keep  app.Retention
		every time.Duration
		want  []string
	}{
		{app.Retention{}, time.Second, []string{"Every second for the last hour", "every 30 seconds for a day", "every 5 minutes for a week", "every hour for 30 days"}},
		{app.DefaultRetention(), 5 * time.Second, []string{"Every 5 seconds for the last hour", "every 30 seconds for a day", "every 5 minutes for a week", "every hour for 30 days"}},
		{app.Retention{app.Forever, app.Forever, app.Forever, app.Forever}, time.Second, []string{"Every second for ever"}},
		{app.Retention{days, days, 365 * days, 365 * days}, time.Second, []string{"Every second for a day", "every 5 minutes for a year"}},
	} {
		if got := tc.keep.Promises(tc.every); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %q", tc.keep, got)
		}
	}
}
