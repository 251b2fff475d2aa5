package agent

import (
	"fmt"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

func signedOutSentence(s app.Status) string {
	switch c := s.Cloud; {
	case c == nil:
		return "Sign in to sync this memory."
	case c.PendingUploads > 0:
		return fmt.Sprintf("Sign in again to go on syncing. %s recorded here.", changes(c.PendingUploads, "is", "are"))
	}
	return "Sign in again to go on syncing."
}

// cloudSentence is the sentence that matters in cloud mode.
func cloudSentence(s app.Status, now time.Time) string {
	c, phase := s.Cloud, app.Phase("")
	if s.Progress != nil {
		phase = s.Progress.Phase
	}
	switch {
	case c == nil:
		return "Cloud mode starts."
	case phase == app.PhaseOffline:
		return offlineSentence(s, now)
	case phase == app.PhaseStalled:
		return fmt.Sprintf("Stalled: %s not confirmed since %s. It is being worked on.", changes(c.PendingUploads, "is", "are"), clock(c.WaitingSince, now))
	case phase == app.PhaseEnrol:
		return "The rows that are here are being recorded for the cloud."
	case phase == app.PhaseFirstSync:
		return "The rows of your account are coming to this machine" + left(s.Progress) + " You can keep working."
	case phase == app.PhaseCatchingUp:
		return "Catching up" + left(s.Progress) + " You can keep working."
	case c.LastProof != nil && !c.LastProof.Equal:
		return c.LastProof.Problem
	case s.Healthy:
		return fmt.Sprintf("This machine and the cloud %s. Proved %s.", c.LastProof.Held(), clock(c.LastProof.At, now))
	case !c.WaitingSince.IsZero() && now.Sub(c.WaitingSince) > overdue:
		return fmt.Sprintf("%s waiting for the cloud since %s.", changes(c.PendingUploads, "is", "are"), clock(c.WaitingSince, now))
	case c.LastProof == nil:
		return "Connected. It is being proved that this machine and the cloud hold the same rows."
	}
	return fmt.Sprintf("The last proof is from %s. A new one is due.", clock(c.LastProof.At, now))
}

func offlineSentence(s app.Status, now time.Time) string {
	since := clock(s.Progress.Since, now)
	if n := s.Cloud.PendingUploads; n > 0 {
		return fmt.Sprintf("Offline since %s. %s up by themselves. Nothing to do.", since, changes(n, "goes", "go"))
	}
	return fmt.Sprintf("Offline since %s. Changes are recorded here and go up by themselves.", since)
}

// left is how long it still takes, in whole minutes rounded up, with its full stop.
func left(p *app.Progress) string {
	if p == nil || p.ETASeconds <= 0 {
		return "."
	}
	if p.ETASeconds < 60 {
		return fmt.Sprintf(", about %d s left.", (int(p.ETASeconds)/5+1)*5)
	}
	return fmt.Sprintf(", about %d min left.", int(p.ETASeconds)/60+1)
}

// changes is a number of changes with its verb.
func changes(n int64, one, many string) string {
	if n == 1 {
		return "1 change " + one
	}
	return app.Counted(n) + " changes " + many
}

// cloudLooks names the moments at which time alone changes what is said of the cloud.
func (a *Agent) cloudLooks(at func(time.Time)) {
	at(a.captureDue())
	c := a.core.report.Cloud
	if c == nil {
		return
	}
	if !c.WaitingSince.IsZero() {
		at(c.WaitingSince.Add(overdue + time.Millisecond))
	}
	if c.LastProof != nil {
		at(c.LastProof.At.Add(2*proofEvery + time.Millisecond))
	}
	if p := a.core.report.Progress; p != nil && p.Phase == app.PhaseOffline {
		at(p.Since.Add(overdue + time.Millisecond))
	}
}
