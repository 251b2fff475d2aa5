package tray

import (
	"fmt"
	"strings"

	"github.com/coditect-ai/coditect-sync/app"
)

// cloudWords say how things are in cloud mode. It has none for what is said in the same way in every mode.
func (v view) cloudWords() (words, bool) {
	if !inCloud(v.Status) || v.Cloud == nil {
		return words{}, false
	}
	switch v.icon {
	case SignedOut:
		return words{"Signed out", []string{"Sign in again to go on syncing."}, "Signed out" + v.tipOf()}, true
	case Paused:
		state := "Paused " + pauseLeft(v.PausedUntil, v.now)
		return words{state, []string{v.pausedWhy()}, state + v.tipOf()}, true
	case Protected:
		return words{"In sync", nil, "In sync, proved " + v.at(v.Cloud.LastProof.At) + ", nothing waiting"}, true
	case Offline:
		state := "Offline since " + v.at(v.Progress.Since)
		return words{state, []string{"Changes go up by themselves. Nothing to do.", v.Progress.Cause}, state + v.tipOf()}, true
	case Stalled:
		return v.cloudStalled(), true
	case Syncing:
		return v.cloudSyncing(), true
	case Attention, Stopped:
		return v.cloudFault(), true
	default:
		return words{}, false
	}
}

func (v view) cloudStalled() words {
	switch {
	case mending(v.Status):
		p := v.Cloud.LastProof
		return words{"Not the same", []string{p.Problem, p.Cure}, "Not the same, being put right"}
	case v.proofTooOld():
		proved := "unknown"
		if v.Cloud.LastProof != nil {
			proved = v.at(v.Cloud.LastProof.At)
		}
		return words{"A proof is due", []string{"The last proof is from " + proved + "."}, "A proof is due, last proof " + proved}
	}
	why := []string{"Nothing has been confirmed lately."}
	if !v.Cloud.WaitingSince.IsZero() {
		why[0] = changes(v.Cloud.PendingUploads) + " not confirmed since " + v.at(v.Cloud.WaitingSince) + "."
	}
	if v.Progress != nil {
		why = append(why, v.Progress.Cause)
	}
	return words{"Stalled", append(why, v.curing()), "Stalled" + v.tipOf()}
}

// curing is the rung of the ladder that is being taken.
func (v view) curing() string {
	for _, step := range v.Cloud.Steps {
		if !step.Done {
			return "Next: " + step.Text + "."
		}
	}
	return ""
}

func (v view) cloudSyncing() words {
	state, why := "Syncing", "Changes are on their way."
	switch first := v.Cloud.LastProof == nil; {
	case phase(v.Status) == app.PhaseEnrol:
		state, why = "Recording the rows that are here", "Nothing of yours is changed."
	case phase(v.Status) == app.PhaseFirstSync && first:
		state, why = "First sync", "The rows of your account are coming to this machine."
	case coming(v.Status):
		state, why = "Catching up", "What changed meanwhile is coming in."
	case phase(v.Status) == app.PhaseProof:
		state, why = "Proving", "Every row is being compared with the cloud."
	case phase(v.Status) == app.PhaseConnecting:
		state, why = "Connecting", "Changes are recorded here meanwhile."
	case first:
		state, why = "First copy", "Not everything is in the cloud yet."
	}
	said := []string{why, v.progressed()}
	if v.progressed() != "" && v.Progress.Unit != "tables" {
		said = []string{v.progressed()} // what is counted says more than the sentence
	}
	return words{v.withLeft(state), said, v.withLeft(state)}
}

func (v view) cloudFault() words {
	state := "Needs you"
	if v.icon == Stopped {
		state = "Stopped"
	}
	switch {
	case v.Error != nil:
		return words{state, []string{v.Error.Message, v.Error.Hint}, cut(strings.TrimRight(v.Error.Message, "."), 90) + v.tipOf()}
	case unequal(v.Status):
		return words{state, []string{"This machine and the cloud do not hold the same rows.", v.Cloud.LastProof.Problem}, "This machine and the cloud do not hold the same rows"}
	}
	return words{state, []string{v.Summary}, state + v.tipOf()}
}

// tipOf continues a tooltip with what waits.
func (v view) tipOf() string {
	if v.Cloud.PendingUploads == 0 {
		return ""
	}
	return ", " + changes(v.Cloud.PendingUploads) + " waiting"
}

// waitingRows claims that nothing waits only while changes are recorded.
func (v view) waitingRows() string {
	c := v.Cloud
	switch {
	case c == nil:
		return "Changes are recorded here"
	case c.PendingUploads > 0 && v.icon != Protected && !c.WaitingSince.IsZero():
		return changes(c.PendingUploads) + " waiting since " + v.at(c.WaitingSince)
	case c.PendingUploads > 0:
		return changes(c.PendingUploads) + " on the way"
	case c.Recording && v.Gone == nil:
		return "Nothing waiting"
	}
	return "Not syncing now"
}

// sameRows is the last proof of cloud mode. Only while it stands it speaks of now.
func (v view) sameRows() string {
	if v.Cloud == nil || v.Cloud.LastProof == nil {
		return ""
	}
	p := v.Cloud.LastProof
	switch {
	case !p.Equal:
		return "Not the same when compared " + v.at(p.At)
	case v.icon == Protected:
		return fmt.Sprintf("This machine and the cloud %s. Proved %s", p.Held(), v.at(p.At))
	}
	if p.Rows == 0 {
		return fmt.Sprintf("Proved %s: both empty", v.at(p.At))
	}
	return fmt.Sprintf("Proved %s: the same %s", v.at(p.At), rows(p.Rows))
}

func changes(n int64) string {
	if n == 1 {
		return "1 change"
	}
	return count(n) + " changes"
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return count(n) + " rows"
}
