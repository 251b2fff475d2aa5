package app_test

import (
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 2, 5, 0, time.UTC)
	safe := app.Prefs{Mode: app.ModeStandalone, Target: "file:///t"}
	paused := safe
	paused.PausedUntil = now.Add(time.Minute)
	fault := app.Errorf(app.CodeDenied, "replicate", "No.")
	for name, tc := range map[string]struct {
		prefs app.Prefs
		facts app.Facts
		want  app.State
	}{
		"nothing chosen":               {app.Prefs{}, app.Facts{}, app.StateNew},
		"off":                          {app.Prefs{Mode: app.ModeOff}, app.Facts{}, app.StateOff},
		"off hides a fault":            {app.Prefs{Mode: app.ModeOff}, app.Facts{Fault: fault}, app.StateOff},
		"standalone":                   {safe, app.Facts{}, app.StateStandalone},
		"standalone without a target":  {app.Prefs{Mode: app.ModeStandalone}, app.Facts{}, app.StateNew},
		"a fault":                      {safe, app.Facts{Fault: fault}, app.StateError},
		"a fault hides a pause":        {paused, app.Facts{Fault: fault}, app.StateError},
		"paused":                       {paused, app.Facts{}, app.StatePaused},
		"the pause is over":            {paused, app.Facts{Now: now.Add(time.Hour)}, app.StateStandalone},
		"restoring hides a fault":      {safe, app.Facts{Fault: fault, Restoring: true}, app.StateRestoring},
		"cloud without an account":     {app.Prefs{Mode: app.ModeCloud}, app.Facts{}, app.StateSignedOut},
		"cloud":                        {app.Prefs{Mode: app.ModeCloud}, app.Facts{SignedIn: true}, app.StateCloud},
		"the forced mode wins":         {safe, app.Facts{Forced: app.ModeOff}, app.StateOff},
		"forced standalone on nothing": {app.Prefs{Target: "file:///t"}, app.Facts{Forced: app.ModeStandalone}, app.StateStandalone},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.facts.Now.IsZero() {
				tc.facts.Now = now
			}
			if got := app.Next(tc.prefs, tc.facts); got != tc.want {
				t.Errorf("Next = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestParseMode(t *testing.T) {
	for _, good := range []app.Mode{app.ModeCloud, app.ModeStandalone, app.ModeOff} {
		if m, err := app.ParseMode(string(good)); err != nil || m != good {
			t.Errorf("ParseMode(%q) = %q, %v", good, m, err)
		}
	}
	for _, bad := range []string{"", "Cloud", "on", "standalone "} {
		if _, err := app.ParseMode(bad); app.CodeOf(err) != app.CodeInvalid {
			t.Errorf("ParseMode(%q): %v, want CodeInvalid", bad, err)
		}
	}
}
