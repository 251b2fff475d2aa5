package desktop

import (
	"strings"
	"time"
	"unicode"

	"github.com/coditect-ai/coditect-sync/app"
)

// Notice is one thing that a person is told. Its texts are plain, on one line each, and hold nothing of the memory.
type Notice struct {
	Kind  Kind
	Title string // a few words: many desktops cut what is longer than some forty characters
	Body  string // a sentence or two; may be empty
	// View of the window to open for it.
	View string
	// Urgent tells that copying has stopped.
	Urgent bool
}

// Kind is what a notice is about. A newer one replaces an older one where both are about the same.
type Kind string

// The kinds.
const (
	Needs    Kind = "needs"    // something needs the person
	Well     Kind = "well"     // it is well again
	Restored Kind = "restored" // a restore has finished
	Unshared Kind = "unshared" // rows left this machine
)

// subject tells which notices are about the same.
func (k Kind) subject() string {
	switch k {
	case Restored:
		return "restore"
	case Unshared:
		return "sharing"
	case Needs, Well:
	}
	return "state"
}

// Notices says what is worth telling of a change. It is pure. It never speaks of what cures itself, and never twice of the
// same cause as long as before is the Status that was judged last.
func Notices(before, after app.Status, wants app.Notify) []Notice {
	var all []Notice
	was, is := causeOf(before), causeOf(after)
	switch {
	case is != "" && is != was && wants.Needs:
		all = append(all, needs(after))
	case was != "" && is == "" && after.Healthy && wants.Well:
		all = append(all, well(after))
	}
	if n := unshared(before, after); n != nil && wants.Needs {
		all = append(all, *n)
	}
	if wants.Restored && after.Undo != nil && (before.Undo == nil || !before.Undo.RestoredAt.Equal(after.Undo.RestoredAt)) {
		all = append(all, restored(*after.Undo))
	}
	return all
}

// causeOf is what needs a person, "" where nothing does. It stays the same while its wording or its figures change.
func causeOf(st app.Status) string {
	switch {
	case st.State == app.StateOff, st.State == app.StateNew, st.State == app.StateRestoring:
		return ""
	case st.Error != nil && !curesItself(st.Error.Code):
		return "error " + string(st.Error.Code) + " " + st.Error.Op
	case signInEnded(st):
		return "sign-in"
	case st.State != app.StatePaused && unequal(st):
		return "proof"
	case st.State != app.StatePaused && st.Mode != app.ModeCloud && drillFailed(st):
		return "drill"
	}
	return ""
}

// curesItself tells that waiting is all there is to do.
func curesItself(c app.Code) bool {
	return c == app.CodeUnreachable || c == app.CodeBusy || c == app.CodeCanceled
}

func drillFailed(st app.Status) bool {
	return st.Standalone != nil && st.Standalone.LastDrill != nil && !st.Standalone.LastDrill.OK
}

// signInEnded tells that an account is kept here and recorded for, but no longer let in. Who has signed out has none.
func signInEnded(st app.Status) bool {
	return st.State == app.StateSignedOut && st.Cloud != nil && st.Cloud.Recording && st.Cloud.User != ""
}

// unequal tells that this machine and the cloud were compared, differ, and that nothing is done about it by itself.
func unequal(st app.Status) bool {
	if st.Mode != app.ModeCloud || st.Cloud == nil || st.Cloud.LastProof == nil {
		return false
	}
	return !st.Cloud.LastProof.Equal && st.Cloud.LastProof.Cure == ""
}

func needs(st app.Status) Notice {
	n := Notice{Kind: Needs, View: "home", Title: "CODITECT Sync needs you"}
	switch {
	case st.Error == nil && signInEnded(st):
		n.View, n.Body = "sign-in", "Sign in again to go on syncing. Changes are recorded here meanwhile."
		return n
	case st.Error == nil && unequal(st):
		n.Body = "This machine and the cloud do not hold the same rows. " + plain(st.Cloud.LastProof.Problem)
		return n
	case st.Error == nil:
		return Notice{
			Kind: Needs, View: "activity", Title: "CODITECT Sync needs you",
			Body: "The test restore of " + clock(st.Standalone.LastDrill.At) + " failed. Copies go on, but they are not proved.",
		}
	}
	n.Body = plain(st.Error.Message)
	if st.Error.Code == app.CodeFailed || st.Error.Code == app.CodeDamaged {
		n.Title, n.Urgent = "CODITECT Sync has stopped", true
	}
	return n
}

func well(st app.Status) Notice {
	n := Notice{Kind: Well, View: "home", Title: "You are protected again"}
	if st.Mode == app.ModeCloud {
		n.Title = "In sync again"
		if c := st.Cloud; c != nil && c.LastProof != nil {
			n.Body = "This machine and the cloud hold the same rows, proved at " + clock(c.LastProof.At) + "."
		}
		return n
	}
	if s := st.Standalone; s != nil && !s.LastReplicatedAt.IsZero() {
		n.Body = "You can go back to any moment up to " + clock(s.LastReplicatedAt) + "."
	}
	return n
}

// unshared names nothing: who may not see a project any more is not told of it on a screen.
func unshared(before, after app.Status) *Notice {
	if after.Cloud == nil || after.Cloud.Unshared == nil {
		return nil
	}
	if before.Cloud == nil || before.Cloud.Unshared != nil && before.Cloud.Unshared.At.Equal(after.Cloud.Unshared.At) {
		return nil
	}
	return &Notice{Kind: Unshared, View: "activity", Title: "No longer shared with you",
		Body: "A project, or your place in its team, was taken away. What you saw of it has left this machine."}
}

func restored(u app.UndoPoint) Notice {
	return Notice{
		Kind: Restored, View: "restore", Title: "Restored",
		Body: "Your memory is as it was at " + clock(u.RestoredTo) + ". You can undo this until " + u.Until.Local().Format("2 Jan") + ".",
	}
}

// clock is a time of day with its date. A notice stays on the screen for days, so a bare time would come to lie.
func clock(t time.Time) string { return t.Local().Format("15:04:05 on 2 Jan") }

// longest is how many characters of a text are shown.
const longest = 240

// plain is s on one line, without what a screen does not show.
func plain(s string) string {
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	shown = strings.Join(strings.Fields(shown), " ")
	if r := []rune(shown); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return shown
}
