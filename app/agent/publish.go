package agent

import (
	"fmt"
	"reflect"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// overdue is how long a change may wait for the target before protection is no longer claimed.
const overdue = time.Minute

// publish composes the Status and posts it when it differs from the one before.
func (a *Agent) publish() {
	s := a.compose()
	old, _ := a.board.read()
	s.Rev = old.Rev
	if reflect.DeepEqual(s, old) {
		return
	}
	if old.Rev > 0 {
		a.core.journal.saw(old, s, traffic{a.core.report.Sent, a.core.report.Pushed}, a.cfg.Now())
	}
	s.Rev++
	a.board.post(s)
}

func (a *Agent) compose() app.Status {
	c, f := &a.core, a.facts()
	s := app.Status{
		Version: a.cfg.Version, MachineID: a.cfg.Machine.ID, Machine: a.cfg.Host, ModeLocked: string(a.cfg.Forced),
		Mode: app.Effective(c.prefs, f), State: app.Next(c.prefs, f),
		DB: app.DBStatus{Path: c.prefs.DB, Bytes: dbSize(c.prefs.DB), SQLiteVersion: a.cfg.SQLiteVersion},
	}
	if s.State == app.StatePaused {
		s.PausedUntil = c.prefs.PausedUntil
	}
	if c.prefs.Target != "" {
		st := a.standalone()
		s.Standalone = &st
	}
	s.Cloud, s.Move = a.cloudStatus(), c.move
	s.Progress = c.report.Progress
	if c.opShows != nil {
		s.Progress = c.opShows
	}
	if u := c.records.Undo; u != nil && f.Now.Before(u.Until) {
		s.Undo = u
	}
	if s.State != app.StateOff && s.State != app.StateNew {
		s.Error = f.Fault
	}
	if s.Error == nil {
		s.Error = c.notice
	}
	if s.Standalone != nil {
		a.judge(&s, f.Now)
	}
	s.Healthy = s.Standalone != nil && s.Standalone.Healthy || cloudHealthy(s, f.Now)
	s.Summary = summary(s, f.Now)
	return s
}

// ahead tells that t was said by a clock that was wrong: it is in the future by more than two clocks differ.
func ahead(t, now time.Time) bool { return t.Sub(now) > time.Minute }

// summary is the sentence that matters.
func summary(s app.Status, now time.Time) string {
	switch s.State {
	case app.StateNew:
		return "Keep what your AI work has learned: choose where the copies go."
	case app.StateOff:
		return "This memory is not protected. If this disk fails, it is lost."
	case app.StateSignedOut:
		return signedOutSentence(s)
	case app.StateCloud:
		return cloudSentence(s, now)
	case app.StatePaused:
		return pausedSentence(s.PausedUntil, now)
	case app.StateRestoring:
		return "Restoring. If anything fails, every row stays as it is now."
	case app.StateError:
		return s.Error.Message
	default:
		return severalSentence(s, now)
	}
}

func pausedSentence(until, now time.Time) string {
	if until.Equal(app.UntilResumed) {
		return "Paused until you resume. Changes stay on this machine meanwhile."
	}
	return fmt.Sprintf("Paused until %s. Changes stay on this machine meanwhile.", clock(until, now))
}

func standaloneSentence(st app.StandaloneStatus, now time.Time) string {
	switch {
	case st.LastDrill != nil && !st.LastDrill.OK:
		return fmt.Sprintf("The copy of %s could not be proved: %s", clock(st.LastDrill.At, now), st.LastDrill.Problem)
	case st.ReplicatedTXID == "" && st.Progress != nil && st.Progress.Phase == app.PhaseOffline:
		return "Nothing is protected yet: " + st.Progress.Cause
	case st.ReplicatedTXID == "":
		return "First copy under way. Nothing is protected yet."
	case st.Progress != nil && st.Progress.Phase == app.PhaseOffline:
		return fmt.Sprintf("Offline since %s. Changes are kept here and go up by themselves. %s", clock(st.Progress.Since, now), st.Progress.Cause)
	case st.LastDrill == nil:
		return "The first copy is there. It is being proved with a test restore."
	case st.Healthy:
		return fmt.Sprintf("You are protected. You can go back to any moment up to %s.", clock(st.LastReplicatedAt, now))
	case !st.WaitingSince.IsZero() && now.Sub(st.WaitingSince) > overdue:
		return fmt.Sprintf("Changes have been waiting for your storage since %s.", clock(st.WaitingSince, now))
	}
	return fmt.Sprintf("The last proof is from %s. A new test restore is due.", clock(st.LastDrill.At, now))
}

// clock is a time of day today, with its date on any other day, in local time.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if y, m, d := t.Date(); y == now.Year() && m == now.Month() && d == now.Day() {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 2006 15:04")
}

// untilNextLook is when time alone changes something: a pause or a grace that ends, a retry that is due.
func (a *Agent) untilNextLook() time.Duration {
	now := a.cfg.Now()
	next := now.Add(time.Hour)
	at := func(t time.Time) {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	at(a.core.prefs.PausedUntil)
	at(a.expirePreview(now))
	if a.core.engine == nil {
		at(a.core.retryAt)
	}
	for _, st := range a.reportedTargets() {
		if !st.WaitingSince.IsZero() {
			at(st.WaitingSince.Add(overdue + time.Millisecond))
		}
		if p := st.Progress; p != nil && p.Phase == app.PhaseOffline {
			at(p.Since.Add(overdue + time.Millisecond))
		}
		if st.LastDrill != nil {
			at(st.LastDrill.At.Add(2*drillEvery(st.Target) + time.Millisecond))
		}
	}
	a.cloudLooks(at)
	return next.Sub(now)
}
