package scenes

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// listed lists the storage of a scene that has one, as an agent does.
func (s *Scene) listed() {
	st := s.Status.Standalone
	if st == nil || len(st.Targets) > 0 {
		return
	}
	one := *st
	one.Healthy, one.Progress, one.Error = s.Status.Healthy, s.Status.Progress, s.Status.Error
	st.Targets = []app.StandaloneStatus{one}
}

// At moves the scene to another storage, whose costs are not known yet.
func (s *Scene) At(target string) {
	one := *s.Status.Standalone
	one.Target, one.MonthlyCost, one.Targets = target, nil, nil
	s.Settings.Target, s.Status.Standalone = target, &one
	s.listed()
}

// several is protected in two places, one of which costs nothing.
func several() Scene {
	s := base("several")
	bucket, disk := *s.Status.Standalone, *s.Status.Standalone
	bucket.Healthy, disk.Healthy = true, true
	disk.Target, disk.MonthlyCost = "file:///mnt/nas/copies", &app.Cost{Stored: bucket.MonthlyCost.Stored, Measured: bucket.MonthlyCost.Measured}
	s.Status.Standalone.Targets = []app.StandaloneStatus{bucket, disk}
	s.Status.Summary = "You are protected in 2 places. You can go back to any moment up to 14:02:51."
	return s
}

// CostOf is what a month costs with a retention.
func CostOf(r app.Retention) *app.Cost {
	stored := 1.2e9
	if reach := r.OrDefault()[len(r)-1]; reach > app.DefaultRetention()[len(r)-1] {
		stored = 41e9
	}
	c := &app.Cost{
		Requests: 0.11, Storage: stored / 1e9 * 0.02, Fetching: 0.2, Writes: 21_000, Reads: 9000, Fetched: 1.65e9, Stored: int64(stored),
		Measured: time.Date(2026, 10, 24, 9, 0, 0, 0, time.UTC), Prices: "Google Cloud Storage, Standard in us-east1, as built into this version",
	}
	c.Total = c.Requests + c.Storage + c.Fetching
	return c
}

// OpKey is the Op of errors that say that the recovery key of the copies has to be given.
const OpKey = "recovery key"

// GoogleEnded is a scene whose sign-in to Google has ended.
const GoogleEnded = "google-ended"

func googleEnded() Scene {
	s := unhealthy(GoogleEnded, app.StateStandalone, "Sign in to Google again as "+Account+" to go on. Changes are recorded meanwhile.")
	s.Status.Standalone.Google = Account
	s.Status.Error = app.Errorf(app.CodeSignedOut, "google", "%s", s.Status.Summary).WithHint("Sign in with `coditect-sync setup --sign-in google`.")
	return s
}

// keyless has encrypted copies and lost their recovery key.
func keyless() Scene {
	s := unhealthy("keyless", app.StateError, "The copies are encrypted, and their recovery key 987cabe77b30e340 is not in the keychain of this machine.")
	s.Status.Standalone.Encryption = "987cabe77b30e340"
	s.Status.Error = app.Errorf(app.CodeDenied, OpKey, "%s", s.Status.Summary).
		WithHint("Without it nobody can read the copies.")
	return s
}
