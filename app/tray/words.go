package tray

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/coditect-ai/coditect-sync/app"
)

// setupInTerminal is the way to the setup without a window.
const setupInTerminal = "run coditect-sync setup in a terminal"

// words say how things are: in a word or two, why, and on the icon.
type words struct {
	state string
	why   []string // sentences
	tip   string
}

// words are about the storage that is worst off, where there are several: so they say which, and what the others are.
func (v view) words() words {
	say := v.wordsOfOne()
	n, proved := v.storages()
	switch {
	case n < 2 || v.Gone != nil || inCloud(v.Status) || !v.working() && v.State != app.StateError:
	case v.Healthy:
		say.why = append(say.why, fmt.Sprintf("At %d storages, each proved.", n))
	default:
		for i := range say.why {
			if proved > 0 && say.why[i] == nothingYet {
				say.why[i] = "Nothing is there yet."
			}
		}
		one := fmt.Sprintf("%d of %d storages proved. This is about %s.", proved, n, v.Standalone.Target)
		say.why = append([]string{one}, say.why...)
	}
	return say
}

const nothingYet = "Nothing is protected yet."

// storages counts them, and those that are proved.
func (v view) storages() (all, proved int) {
	if v.Standalone == nil {
		return 0, 0
	}
	for _, t := range v.Standalone.Targets {
		if all++; t.Healthy {
			proved++
		}
	}
	return all, proved
}

func (v view) wordsOfOne() words {
	if v.Gone != nil {
		return words{"Not running", []string{"CODITECT Sync does not answer, so nothing is protected.", v.Gone.Hint}, "CODITECT Sync does not answer" + v.lastCopy()}
	}
	if say, ok := v.cloudWords(); ok {
		return say
	}
	switch v.icon {
	case New:
		return words{"Not set up yet", []string{"Keep what your AI work has learned:", "choose where the copies go."}, "Not set up yet, nothing is protected"}
	case Off:
		return words{"Off, not protected", []string{v.offWhy()}, "Off, not protected" + v.lastCopy()}
	case SignedOut:
		return words{"Signed out", []string{"Sign in again to go on syncing."}, "Signed out, changes stay on this machine"}
	case Paused:
		state := "Paused " + pauseLeft(v.PausedUntil, v.now)
		return words{state, []string{v.pausedWhy()}, state + v.lastCopy()}
	case Restoring:
		return words{v.withLeft("Restoring"), []string{"If anything fails, every row stays as it is now."}, v.sinceOrLeft("Restoring")}
	case Protected:
		return v.protectedWords()
	case Offline:
		return v.offlineWords()
	case Stalled:
		return v.stalledWords()
	case Syncing:
		return v.syncingWords()
	default:
		return v.faultWords()
	}
}

func (v view) offWhy() string {
	if v.Standalone == nil || v.Standalone.LastReplicatedAt.IsZero() {
		return "If this disk fails, this memory is lost."
	}
	return "If this disk fails, what is newer than the last copy is lost."
}

func (v view) pausedWhy() string {
	if v.PausedUntil.Equal(app.UntilResumed) {
		return "Changes stay on this machine meanwhile."
	}
	return "Changes stay on this machine until " + v.at(v.PausedUntil) + "."
}

func (v view) protectedWords() words {
	s := v.Standalone
	if s == nil || s.LastDrill == nil {
		return words{"Protected", []string{v.Summary}, "Protected"}
	}
	why := "Proved " + v.at(s.LastDrill.At)
	if !s.LastReplicatedAt.IsZero() {
		why = "Restorable to " + moment(s.LastReplicatedAt, v.now, secondsOf) + ", proved " + v.at(s.LastDrill.At)
	}
	tip := "Protected" + v.lastCopy()
	if s.WaitingSince.IsZero() {
		tip += ", nothing waiting"
	}
	return words{"Protected", []string{why}, tip}
}

func (v view) offlineWords() words {
	state := "Offline since " + v.at(v.Progress.Since)
	why := []string{"Changes go up by themselves. Nothing to do.", v.Progress.Cause}
	if v.Standalone == nil || v.Standalone.ReplicatedTXID == "" {
		why[0] = "Nothing is protected yet. The first copy goes up by itself."
	}
	return words{state, why, state + v.lastCopy()}
}

func (v view) stalledWords() words {
	if v.proofTooOld() {
		proved := v.at(v.Standalone.LastDrill.At)
		return words{"A test restore is due", []string{"The last proof is from " + proved + "."}, "A test restore is due, last proof " + proved}
	}
	since := v.at(v.Standalone.WaitingSince)
	why := []string{"Changes have not been confirmed since " + since + "."}
	if v.Progress != nil {
		why = append(why, v.Progress.Cause)
	}
	return words{"Stalled", why, "Stalled, changes wait since " + since}
}

func (v view) syncingWords() words {
	s := v.Standalone
	switch {
	case s == nil || s.ReplicatedTXID == "":
		return words{v.withLeft("First copy"), []string{nothingYet, v.progressed()}, v.sinceOrLeft("First copy")}
	case s.LastDrill == nil:
		return words{"Proving the first copy", []string{"A test restore shows whether it can be relied on."}, "Proving the first copy" + v.lastCopy()}
	case phase(v.Status) == app.PhaseDrill && !v.Healthy:
		return words{"Proving the copies", []string{"A test restore is running. The last proof is from " + v.at(s.LastDrill.At) + "."}, "Proving the copies" + v.lastCopy()}
	}
	return words{v.withLeft("Copying"), []string{v.progressed()}, v.withLeft("Copying") + v.lastCopy()}
}

// faultWords are for what a person must look at.
func (v view) faultWords() words {
	state := "Needs you"
	if v.icon == Stopped {
		state = "Stopped"
	}
	switch {
	case v.Error != nil:
		return words{state, []string{v.Error.Message, v.Error.Hint}, cut(strings.TrimRight(v.Error.Message, "."), 90) + v.lastCopy()}
	case drillFailed(v.Status):
		d := v.Standalone.LastDrill
		return words{state, []string{"The test restore of " + v.at(d.At) + " failed.", d.Problem}, "The last test restore failed" + v.lastCopy()}
	}
	return words{state, []string{v.Summary}, state + v.lastCopy()}
}

// lastCopy continues a tooltip, empty when there is no copy.
func (v view) lastCopy() string {
	if v.Standalone == nil || v.Standalone.LastReplicatedAt.IsZero() {
		return ""
	}
	return ", last copy " + ago(v.Standalone.LastReplicatedAt, v.now)
}

func (v view) at(t time.Time) string { return moment(t, v.now, clockOf) }

func (v view) withLeft(state string) string {
	if v.Progress == nil || left(v.Progress.ETASeconds) == "" {
		return state
	}
	return state + ", " + left(v.Progress.ETASeconds)
}

func (v view) sinceOrLeft(state string) string {
	if withLeft := v.withLeft(state); withLeft != state || v.Progress == nil || v.Progress.Since.IsZero() {
		return withLeft
	}
	return state + " since " + v.at(v.Progress.Since)
}

// progressed is how much of what is being done is done.
func (v view) progressed() string {
	p := v.Progress
	switch {
	case p == nil || p.Total <= 0:
		return ""
	case p.Unit == "bytes":
		return size(p.Done) + " of " + size(p.Total)
	}
	return fmt.Sprintf("%s of %s %s", count(p.Done), count(p.Total), p.Unit)
}

// looking tells that an engine looks for changes, so that it is known whether one waits.
func (v view) looking() bool {
	return v.Gone == nil && (v.State == app.StateStandalone || !v.Standalone.WaitingSince.IsZero())
}

// waiting claims that nothing waits only while an engine looks for changes.
func (v view) waiting() string {
	if inCloud(v.Status) {
		return v.waitingRows()
	}
	s := v.Standalone
	switch {
	case s == nil || s.ReplicatedTXID == "" && s.WaitingSince.IsZero():
		return "Nothing is copied yet"
	case !v.looking() && !s.LastReplicatedAt.IsZero():
		return "Last copy " + v.at(s.LastReplicatedAt)
	case !v.looking():
		return "Not copying now"
	case s.WaitingSince.IsZero():
		return "Nothing waiting"
	case v.icon == Protected:
		return "Changes are on their way"
	case s.LagBytes > 0:
		return size(s.LagBytes) + " waiting since " + v.at(s.WaitingSince)
	}
	return "Changes waiting since " + v.at(s.WaitingSince)
}

// proof is the last proof, where the line of the state does not tell it.
func (v view) proof() string {
	if inCloud(v.Status) {
		return v.sameRows()
	}
	if v.icon == Protected || v.Standalone == nil || v.Standalone.LastDrill == nil {
		return ""
	}
	d := v.Standalone.LastDrill
	if !d.OK {
		return "Not proved: test restore failed " + v.at(d.At)
	}
	return fmt.Sprintf("Proved %s: %s rows", v.at(d.At), count(d.Rows))
}

const (
	lineRunes = 72 // the widest line of a menu
	whyLines  = 3
	tipRunes  = 120 // Windows takes 127
)

func tooltip(s string) string { return cut(clean(s), tipRunes) }

// line is s as one line of a menu.
func line(s string) string { return cut(clean(s), lineRunes) }

// clean leaves no line breaks or invisible characters: texts may come from files and servers.
func clean(s string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(printable), " ")
}

func cut(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return strings.TrimRight(string(r[:runes-1]), " ") + "…"
	}
	return s
}

// wrap puts sentences into lines, each beginning its own, at most max of them.
func wrap(sentences []string, max int) []string {
	var lines []string
	for _, s := range sentences {
		current := ""
		for _, word := range strings.Fields(clean(s)) {
			if current != "" && len([]rune(current))+1+len([]rune(word)) > lineRunes {
				lines, current = append(lines, current), ""
			}
			current = strings.TrimSpace(current + " " + cut(word, lineRunes))
		}
		if current != "" {
			lines = append(lines, current)
		}
	}
	if len(lines) > max {
		lines = lines[:max]
		lines[max-1] = cut(lines[max-1]+" …", lineRunes)
	}
	return lines
}
