package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/config"
)

const (
	// sumUp is how long copies are told as one event.
	sumUp = 15 * time.Minute
	// The journal is cut to keepEvents when it has grown to most.
	keepEvents, mostEvents = 1500, 3000
	defaultEvents          = 200
)

// journal writes down what happened. It learns most of it from comparing each Status with the one before. What the
// copies under way sum up to is written when it is over, so after a crash that one line is missing.
type journal struct {
	file   config.JournalFile
	log    *slog.Logger
	events []app.Event // oldest first
	copies app.Event   // the copies being summed up; no Count: none
	times  int         // how many copies that were
	before traffic     // at the last look
	wrong  string      // the problem that stands
	since  time.Time
}

func openJournal(path string, log *slog.Logger) *journal {
	j := &journal{file: config.JournalFile{Path: path}, log: log}
	var err error
	if j.events, err = j.file.Load(); err != nil {
		log.Error("activity not read", "error", err)
	}
	return j
}

// list returns at most limit events, newest first.
func (j *journal) list(limit int) []app.Event {
	if limit <= 0 {
		limit = defaultEvents
	}
	all := slices.Clone(j.events)
	if j.copies.Count > 0 {
		all = append(all, j.copies)
	}
	slices.Reverse(all)
	return all[:min(limit, len(all))]
}

// add writes an event down, after the copies before it.
func (j *journal) add(events ...app.Event) {
	if j.copies.Count > 0 {
		events = append([]app.Event{j.copies}, events...)
		j.copies, j.times = app.Event{}, 0
	}
	if len(events) == 0 {
		return
	}
	j.events = append(j.events, events...)
	err := j.keep(events)
	if err != nil {
		j.log.Error("activity not saved", "error", err)
	}
}

func (j *journal) keep(events []app.Event) error {
	if len(j.events) < mostEvents {
		return j.file.Append(events...)
	}
	j.events = slices.Clone(j.events[len(j.events)-keepEvents:])
	return j.file.Replace(j.events)
}

// traffic is what an engine has done since it began.
type traffic struct {
	sent   int64 // bytes
	pushed int64 // changes that the cloud acknowledged
}

// saw compares two Status that followed each other. done is what the engine has done by now.
func (j *journal) saw(old, s app.Status, done traffic, now time.Time) {
	if done.sent < j.before.sent || done.pushed < j.before.pushed { // another engine
		j.before = traffic{}
	}
	bytes := done.sent - j.before.sent
	j.copied(old, s, bytes, now)
	if n := done.pushed - j.before.pushed; n > 0 {
		j.sumUp(app.EventSync, n, bytes, now)
	}
	j.before = done
	j.now(now, decided(old, s, now)...)
	j.now(now, proved(old, s)...)
	j.now(now, unshared(old.Cloud, s.Cloud)...)
	j.now(now, j.problem(s, now)...)
}

// now adds events of this moment; without any it leaves the copies open.
func (j *journal) now(now time.Time, events ...app.Event) {
	for _, e := range events {
		e.At = now
		j.add(e)
	}
}

func (j *journal) copied(old, s app.Status, bytes int64, now time.Time) {
	if s.Standalone == nil || s.Standalone.ReplicatedTXID == "" {
		return
	}
	was := ""
	if old.Standalone != nil {
		was = old.Standalone.ReplicatedTXID
	}
	is := s.Standalone.ReplicatedTXID
	if is == was {
		return
	}
	if was == "" {
		j.add(app.Event{At: now, Kind: app.EventCopy, Text: "The first copy is complete", Bytes: bytes})
		return
	}
	j.sumUp(app.EventCopy, txids(was, is), bytes, now)
}

// txids counts the changes between two TXIDs.
func txids(from, to string) int64 {
	a, err1 := strconv.ParseUint(from, 16, 63)
	b, err2 := strconv.ParseUint(to, 16, 63)
	if err1 != nil || err2 != nil || b <= a {
		return 1 // another history
	}
	return int64(b - a)
}

func (j *journal) sumUp(kind app.EventKind, changes, bytes int64, now time.Time) {
	if j.copies.Count > 0 && (now.Sub(j.copies.At) > sumUp || j.copies.Kind != kind) {
		j.add()
	}
	c := &j.copies
	if c.Count == 0 {
		*c = app.Event{At: now, Kind: kind}
	}
	j.times++
	c.Count, c.Bytes, c.Until = c.Count+changes, c.Bytes+bytes, now
	c.Text = "1 change went up"
	if c.Count > 1 {
		c.Text = fmt.Sprintf("%d changes went up", c.Count)
	}
	if j.times > 1 {
		c.Detail = fmt.Sprintf("between %s and %s, %d times", c.At.Local().Format("15:04"), now.Local().Format("15:04"), j.times)
	}
}

// proved tells of a test restore, or a comparison with the cloud, that ended.
func proved(old, s app.Status) []app.Event {
	return append(compared(old.Cloud, s.Cloud), drilled(old, s)...)
}

// unshared tells that rows left this machine. Which, nobody may read here any more.
func unshared(old, s *app.CloudStatus) []app.Event {
	if s == nil || s.Unshared == nil || old != nil && old.Unshared != nil && old.Unshared.At.Equal(s.Unshared.At) {
		return nil
	}
	return []app.Event{{Kind: app.EventAccount, Text: "A project is no longer shared with you", Count: s.Unshared.Rows,
		Detail: "What you saw of it has left this machine"}}
}

func compared(old, s *app.CloudStatus) []app.Event {
	if s == nil || s.LastProof == nil {
		return nil
	}
	p := s.LastProof
	if old != nil && old.LastProof != nil && old.LastProof.At.Equal(p.At) {
		return nil
	}
	if !p.Equal {
		return []app.Event{{Kind: app.EventProof, Text: "A comparison with the cloud did not hold", Detail: p.Problem, Bad: true}}
	}
	return []app.Event{{
		Kind: app.EventProof, Text: "Proved: this machine and the cloud " + p.Held(),
		Detail: fmt.Sprintf("%d of %d tables equal", len(p.Tables), len(p.Tables)),
	}}
}

// drilled tells of a test restore of any target, and of one that begins anew.
func drilled(old, s app.Status) (out []app.Event) {
	if s.Standalone == nil {
		return nil
	}
	for _, st := range targetsOf(*s.Standalone) {
		where := ""
		if len(s.Standalone.Targets) > 1 {
			where = " at " + st.Target
		}
		was := targetIn(old, st.Target)
		if d := st.LastDrill; d != nil && (was.LastDrill == nil || !was.LastDrill.At.Equal(d.At)) {
			out = append(out, drillEvent(*d, where))
		}
		switch {
		case was.StartsOverSince.IsZero() && !st.StartsOverSince.IsZero():
			out = append(out, app.Event{Kind: app.EventCopy, Text: "The copies" + where + " fell too far behind and begin anew",
				Detail: "What it missed is at your other storage; a full copy follows by itself"})
		case !was.StartsOverSince.IsZero() && st.StartsOverSince.IsZero():
			out = append(out, app.Event{Kind: app.EventCopy, Text: "The copies" + where + " began anew with a full copy"})
		}
	}
	return out
}

// targetIn is what a status says of a target.
func targetIn(s app.Status, target string) app.StandaloneStatus {
	if s.Standalone != nil {
		for _, st := range targetsOf(*s.Standalone) {
			if st.Target == target {
				return st
			}
		}
	}
	return app.StandaloneStatus{}
}

func drillEvent(d app.Drill, where string) app.Event {
	if !d.OK {
		return app.Event{Kind: app.EventProof, Text: "A test restore" + where + " did not hold", Detail: d.Problem, Bad: true}
	}
	return app.Event{
		Kind: app.EventProof, Text: "Proved: a test restore" + where + " gave back " + d.Gave(),
		Detail: fmt.Sprintf("%d of %d tables equal", len(d.Tables), len(d.Tables)),
	}
}

// decided tells what a person decided.
func decided(old, s app.Status, now time.Time) (out []app.Event) {
	say := func(format string, args ...any) {
		out = append(out, app.Event{Kind: app.EventSetting, Text: fmt.Sprintf(format, args...)})
	}
	if s.DB.Path != old.DB.Path && s.DB.Path != "" {
		say("The file that is kept safe is %s", s.DB.Path)
	}
	if target := targetOf(s); target != targetOf(old) && target != "" {
		say("The copies go to %s", target)
	}
	if s.Mode != old.Mode {
		say("%s", modeWords[s.Mode])
	}
	switch {
	case s.PausedUntil.Equal(old.PausedUntil):
	case s.PausedUntil.Equal(app.UntilResumed):
		say("Paused until resumed")
	case !s.PausedUntil.IsZero():
		say("Paused until %s", clock(s.PausedUntil, now))
	case s.State == app.StateStandalone:
		say("Went on after a pause")
	}
	return out
}

var modeWords = map[app.Mode]string{
	app.ModeStandalone: "Standalone was switched on", app.ModeCloud: "Cloud was switched on", app.ModeOff: "Protection was switched off",
	app.ModeUnset: "The mode was cleared",
}

func targetOf(s app.Status) string {
	if s.Standalone == nil {
		return ""
	}
	var all []string
	for _, st := range targetsOf(*s.Standalone) {
		all = append(all, st.Target)
	}
	return strings.Join(all, " and ")
}

// problem tells when something begins to be wrong, and when it is over.
func (j *journal) problem(s app.Status, now time.Time) []app.Event {
	is, detail, began := wrong(s, now)
	if is == j.wrong {
		return nil
	}
	was, since := j.wrong, j.since
	j.wrong, j.since = is, began
	switch {
	case is != "":
		return []app.Event{{Kind: app.EventProblem, Text: is, Detail: detail, Bad: true}}
	case s.State == app.StateStandalone || s.State == app.StateCloud:
		return []app.Event{{Kind: app.EventProblem, Text: "It works again after " + lasted(now.Sub(since)), Detail: was, Cured: true}}
	}
	return nil // switched off or paused: neither wrong nor cured
}

// wrong is what is wrong, what to know about it, and since when. What cures itself within a minute is not.
func wrong(s app.Status, now time.Time) (what, detail string, since time.Time) {
	if s.Error != nil {
		return s.Error.Message, s.Error.Hint, now
	}
	waiting, whom := time.Time{}, "your storage"
	switch {
	case s.State == app.StateStandalone && s.Standalone != nil:
		waiting, whom = longestWaiting(*s.Standalone)
	case s.State == app.StateCloud && s.Cloud != nil:
		waiting, whom = s.Cloud.WaitingSince, "the cloud"
	}
	if waiting.IsZero() || now.Sub(waiting) <= overdue {
		return "", "", now
	}
	if s.Progress != nil {
		detail = s.Progress.Cause
	}
	return "Changes have been waiting for " + whom + " since " + clock(waiting, now), detail, waiting
}

// longestWaiting is since when the oldest change waits, and for which target.
func longestWaiting(st app.StandaloneStatus) (since time.Time, whom string) {
	whom = "your storage"
	for _, one := range targetsOf(st) {
		if one.WaitingSince.IsZero() || !since.IsZero() && !one.WaitingSince.Before(since) {
			continue
		}
		if since = one.WaitingSince; len(st.Targets) > 1 {
			whom = one.Target
		}
	}
	return since, whom
}

// lasted is a duration as people say it.
func lasted(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second).Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Round(time.Hour).Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Activity implements app.Chronicle.
func (a *Agent) Activity(ctx context.Context, limit int) (list []app.Event, err error) {
	err = a.do(ctx, func() { list = a.core.journal.list(limit) })
	return list, err
}

// note writes an event down.
func (a *Agent) note(e app.Event) {
	e.At = a.cfg.Now()
	a.tell(func() { a.core.journal.add(e) })
}

// noteRestore writes down how a restore ended; one that was refused or canceled has changed nothing worth telling.
func (a *Agent) noteRestore(req app.RestoreRequest, res app.RestoreResult, err error) {
	what := "Restored to " + clock(res.Point.Time, a.cfg.Now())
	if req.To != "" {
		what = "Restored a copy to " + req.To
	}
	switch app.CodeOf(err) {
	case "":
		a.note(app.Event{Kind: app.EventRestore, Text: what, Detail: fmt.Sprintf("%d rows, checked", res.Rows)})
	case app.CodeInvalid, app.CodeRefused, app.CodeCanceled, app.CodeBusy, app.CodeNotFound:
	default:
		e := app.AsError("restore", err)
		a.note(app.Event{Kind: app.EventRestore, Text: e.Message, Detail: e.Hint, Bad: true})
	}
}
