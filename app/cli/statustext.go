package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// The shapes of the states. Colour is never alone, and only what is proved is a filled disc.
const (
	glyphProved  = "●"
	glyphNew     = "◌"
	glyphOff     = "○"
	glyphWorking = "⇅"
	glyphPaused  = "‖"
	glyphOffline = "⊘"
	glyphWaits   = "▲"
	glyphRestore = "↺"
	glyphStopped = "✖"
	glyphStep    = "✓"
)

// tellStatus says what matters first, then since when, where, how it was proved and what waits.
func (p *program) tellStatus(st app.Status) {
	now := p.now()
	glyph, style := seal(st)
	p.out.block(0, 2, style.of("%s ", glyph), strong.of("%s", st.Summary))
	if st.Error != nil {
		p.tellFault(st)
	}
	p.out.gap()
	p.out.field("Mode", modeSpan(st))
	if st.DB.Path != "" {
		p.out.field("File", plain.of("%s%s", st.DB.Path, sizeSuffix(st.DB.Bytes)))
	}
	if st.Cloud != nil {
		p.tellCloud(*st.Cloud, st.Healthy, now)
	}
	if st.Standalone != nil && st.Mode != app.ModeCloud {
		p.tellStandalone(*st.Standalone, st.Healthy, now)
	}
	if !saidOfTarget(st) {
		p.tellNow(st.Progress, st.Error, now)
	}
	if st.Undo != nil {
		p.out.field("Undo", plain.of("%s; until %s", undoSentence(st.Undo, now), day(st.Undo.Until, now)))
	}
	p.out.field("Machine", plain.of("%s, %s", st.Machine, st.MachineID))
	if failedProof(st) {
		p.tellProofTables(st.Cloud.LastProof.Tables)
	}
}

// tellNow says what is being done. Of what failed and was said already it says when it is tried again.
func (p *program) tellNow(now *app.Progress, failed *app.Error, at time.Time) {
	switch {
	case now == nil:
	case !ofFailure(now, failed):
		p.out.field("Now", working.of("%s", progressSentence(*now, at)))
	case !now.NextTry.IsZero():
		p.out.field("Next try", plain.of("%s", moment(now.NextTry, at)))
	}
}

// saidOfTarget tells that what is done now was said of one of several storages.
func saidOfTarget(st app.Status) bool {
	if st.Standalone == nil || len(st.Standalone.Targets) < 2 || st.Mode == app.ModeCloud {
		return false
	}
	return slices.ContainsFunc(st.Standalone.Targets, func(one app.StandaloneStatus) bool {
		return one.Progress != nil && *one.Progress == *st.Progress
	})
}

func (p *program) tellFault(st app.Status) {
	if st.Error.Message != st.Summary {
		p.out.block(2, 2, wrong.of("%s", st.Error.Message))
	}
	if hint := st.Error.InShell(); hint != "" {
		p.out.block(2, 2, plain.of("%s", hint))
	}
}

// seal is the shape and the colour of a status.
func seal(st app.Status) (string, style) {
	offline := st.Progress != nil && st.Progress.Phase == app.PhaseOffline
	switch {
	case st.State == app.StateRestoring:
		return glyphRestore, working
	case st.State == app.StateError && st.Error != nil && st.Error.Code == app.CodeDamaged:
		return glyphStopped, wrong
	case st.State == app.StateError, st.State == app.StateSignedOut:
		return glyphWaits, waits
	case st.State == app.StateNew:
		return glyphNew, quiet
	case st.State == app.StateOff:
		return glyphOff, quiet
	case st.State == app.StatePaused:
		return glyphPaused, quiet
	case st.Mode != app.ModeCloud && failedDrill(st), st.State == app.StateCloud && failedProof(st):
		return glyphStopped, wrong
	case offline:
		return glyphOffline, quiet
	case st.Healthy:
		return glyphProved, proved
	}
	return glyphWorking, working
}

func failedProof(st app.Status) bool {
	return st.Cloud != nil && st.Cloud.LastProof != nil && !st.Cloud.LastProof.Equal
}

func failedDrill(st app.Status) bool {
	return st.Standalone != nil && st.Standalone.LastDrill != nil && !st.Standalone.LastDrill.OK
}

func modeSpan(st app.Status) span {
	name := modeName(st.Mode)
	if st.ModeLocked != "" {
		name += ", locked: CODITECT_SYNC_MODE=" + st.ModeLocked + " is set for this session"
	}
	return plain.of("%s", name)
}

func sizeSuffix(n int64) string {
	if n == 0 {
		return ""
	}
	return ", " + amount(n)
}

func (p *program) tellStandalone(st app.StandaloneStatus, healthy bool, now time.Time) {
	if len(st.Targets) > 1 {
		p.tellSeveral(st)
		return
	}
	p.out.field("Storage", plain.of("%s", st.Target))
	p.tellCopied(st, healthy, now)
	if len(st.Retention) > 0 {
		p.out.field("Kept", plain.of("%s", promised(st.Retention)))
	}
	if st.MonthlyCost != nil {
		p.out.field("Costs", plain.of("%s", st.MonthlyCost.InWords()))
	}
}

// tellSeveral says of each storage how it stands.
func (p *program) tellSeveral(st app.StandaloneStatus) {
	if len(st.Retention) > 0 {
		p.out.field("Kept", plain.of("%s", promised(st.Retention)))
	}
	for _, one := range st.Targets {
		p.tellTarget(one)
	}
	p.out.gap()
}

// tellCopied says what is at a storage, how that was proved, and what waits.
func (p *program) tellCopied(st app.StandaloneStatus, healthy bool, now time.Time) {
	if st.LastReplicatedAt.IsZero() {
		p.out.field("Copied", plain.of("nothing yet"))
	} else {
		p.out.field("Copied", plain.of("everything up to %s", moment(st.LastReplicatedAt, now)))
	}
	if st.Google != "" {
		p.out.field("Signed in", plain.of("to Google as %s", st.Google))
	}
	if st.Encryption != "" {
		p.out.field("Encrypted", plain.of("with the recovery key %s", st.Encryption))
	}
	p.out.field("Test restore", drillSpan(st.LastDrill, healthy, now))
	if !st.NextDrillAt.IsZero() {
		p.out.field("Next one", plain.of("%s", nextDrill(st.NextDrillAt, now)))
	}
	p.out.field("Waiting", waitingSpan(st, now))
}

// drillSpan is green only where the proof still stands.
func drillSpan(d *app.Drill, healthy bool, now time.Time) span {
	style := plain
	if healthy {
		style = proved
	}
	switch {
	case d == nil:
		return plain.of("none yet")
	case !d.OK:
		return wrong.of("did not hold %s: %s", age(d.At, now), d.Problem)
	}
	return style.of("proved %s, %s", age(d.At, now), count(d.Rows, "row"))
}

func nextDrill(at, now time.Time) string {
	days := dayNumber(at.In(now.Location())) - dayNumber(now)
	switch {
	case !at.After(now):
		return "is due"
	case days == 0:
		return "at " + on(at, now, "15:04")
	case days == 1:
		return on(at, now, "15:04")
	}
	return "on " + at.In(now.Location()).Format("Monday"+nbsp) + day(at, now)
}

func waitingSpan(st app.StandaloneStatus, now time.Time) span {
	switch {
	case st.WaitingSince.IsZero() && st.LagBytes == 0:
		return plain.of("nothing")
	case st.WaitingSince.IsZero():
		return plain.of("%s", amount(st.LagBytes))
	case now.Sub(st.WaitingSince) > time.Minute:
		return waits.of("%s, since %s", amount(st.LagBytes), on(st.WaitingSince, now, "15:04"))
	}
	return plain.of("%s, noticed %s", amount(st.LagBytes), age(st.WaitingSince, now))
}

// progressSentence is a progress without a bar.
func progressSentence(pr app.Progress, now time.Time) string {
	m := meter{now: func() time.Time { return now }}
	text := strings.Join(append([]string{phaseName(pr.Phase)}, m.facts(pr)...), ", ")
	if pr.Cause != "" {
		text += ". " + pr.Cause
	}
	if !pr.NextTry.IsZero() {
		text += " Next try at " + on(pr.NextTry, now, "15:04:05") + "."
	}
	return text
}
