package tray

import (
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// Icon names the picture in the notification area. Its text is the name of the picture's files.
type Icon string

// The icons. Each has a shape of its own, so that colour is never alone.
const (
	New       Icon = "new"
	Off       Icon = "off"
	SignedOut Icon = "signed-out"
	Protected Icon = "protected"
	Syncing   Icon = "syncing"
	Paused    Icon = "paused"
	Offline   Icon = "offline"
	Attention Icon = "attention"
	Stalled   Icon = "stalled"
	Restoring Icon = "restoring"
	Stopped   Icon = "error"
)

// Icons are all of them.
var Icons = []Icon{New, Off, SignedOut, Protected, Syncing, Paused, Offline, Attention, Stalled, Restoring, Stopped}

// urgent tells that a person must look, so that the icon shows without delay.
func (i Icon) urgent() bool { return i == Attention || i == Stopped }

const (
	// syncingAfter is how long something waits before the icon says so: most changes are at the target sooner.
	syncingAfter = 5 * time.Second
	// overdue is how long something may wait without visible progress before it is called stalled.
	overdue = time.Minute
)

// IconOf derives the icon for a Status at now. It is Protected only when st.Healthy is.
func IconOf(st app.Status, now time.Time) Icon {
	switch st.State {
	case app.StateNew:
		return New
	case app.StateOff:
		return Off
	case app.StateSignedOut:
		return SignedOut
	case app.StatePaused:
		return Paused
	case app.StateRestoring:
		return Restoring
	case app.StateError:
		return iconOfFault(st.Error)
	case app.StateCloud, app.StateStandalone:
	}
	return iconOfWork(st, now)
}

// iconOfFault tells what waits for a person from what is broken.
func iconOfFault(e *app.Error) Icon {
	if e == nil {
		return Stopped
	}
	switch e.Code {
	case app.CodeFailed, app.CodeDamaged:
		return Stopped
	default:
		return Attention
	}
}

// iconOfWork is the icon while an engine runs.
func iconOfWork(st app.Status, now time.Time) Icon {
	switch {
	case restoring(st):
		return Restoring
	case st.Error != nil, disproved(st):
		return Attention
	case phase(st) == app.PhaseOffline:
		return Offline
	case phase(st) == app.PhaseStalled, mending(st), waited(st, now) > overdue && !moving(st, now):
		return Stalled
	case coming(st):
		return Syncing
	case st.Healthy && waited(st, now) <= syncingAfter && (st.Cloud == nil || !inCloud(st) || st.Cloud.LastProof != nil):
		return Protected
	case st.Healthy, waited(st, now) > syncingAfter, unproved(st), busy(phase(st)):
		return Syncing
	}
	return Stalled // what was proved is too old, and nothing is done about it now
}

func inCloud(st app.Status) bool { return st.Mode == app.ModeCloud }

// busy tells that a phase is work that ends.
func busy(p app.Phase) bool {
	switch p {
	case app.PhaseCopying, app.PhaseDrill, app.PhaseConnecting, app.PhaseUploading, app.PhaseProof, app.PhaseMoving:
		return true
	default:
		return false
	}
}

// coming tells that rows still come to this machine or are being recorded: whatever was proved before, it is not the
// same as in the cloud.
func coming(st app.Status) bool {
	switch phase(st) {
	case app.PhaseEnrol, app.PhaseFirstSync, app.PhaseCatchingUp:
		return inCloud(st)
	default:
		return false
	}
}

// restoring tells that a restore runs, also before it holds the file.
func restoring(st app.Status) bool {
	switch phase(st) {
	case app.PhaseFetch, app.PhaseCheck, app.PhaseReplace:
		return true
	default:
		return st.State == app.StateRestoring
	}
}

func phase(st app.Status) app.Phase {
	if st.Progress == nil {
		return ""
	}
	return st.Progress.Phase
}

// since is when the oldest change that waits was made, of the mode that counts; zero when nothing waits.
func since(st app.Status) time.Time {
	switch {
	case inCloud(st) && st.Cloud != nil:
		return st.Cloud.WaitingSince
	case !inCloud(st) && st.Standalone != nil:
		return st.Standalone.WaitingSince
	}
	return time.Time{}
}

// waited is how long the oldest change has waited, 0 when nothing waits.
func waited(st app.Status, now time.Time) time.Duration {
	if since(st).IsZero() {
		return 0
	}
	return now.Sub(since(st))
}

// moving tells that what waits is on its way: an upload that is measured, or one that began not long ago.
func moving(st app.Status, now time.Time) bool {
	p := st.Progress
	if p == nil || p.Phase != app.PhaseCopying && p.Phase != app.PhaseFirstCopy && p.Phase != app.PhaseUploading && !coming(st) {
		return false
	}
	return p.Rate > 0 || !p.Since.IsZero() && now.Sub(p.Since) <= overdue
}

// unproved tells that there is no copy yet, or no proof of it.
func unproved(st app.Status) bool {
	if inCloud(st) {
		return st.Cloud == nil || st.Cloud.LastProof == nil
	}
	s := st.Standalone
	return s == nil || s.ReplicatedTXID == "" || s.LastDrill == nil
}

// disproved tells that what is kept was compared and did not hold, and that nothing is done about it by itself.
func disproved(st app.Status) bool {
	if inCloud(st) {
		return unequal(st) && st.Cloud.LastProof.Cure == ""
	}
	return drillFailed(st)
}

// mending tells that rows differ and are being put right.
func mending(st app.Status) bool { return inCloud(st) && unequal(st) && st.Cloud.LastProof.Cure != "" }

func unequal(st app.Status) bool {
	return st.Cloud != nil && st.Cloud.LastProof != nil && !st.Cloud.LastProof.Equal
}

func drillFailed(st app.Status) bool {
	return st.Standalone != nil && st.Standalone.LastDrill != nil && !st.Standalone.LastDrill.OK
}
