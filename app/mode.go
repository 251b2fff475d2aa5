package app

import "time"

// Mode is the wish how the file is kept safe. Its text form is stored in preferences and typed by people.
type Mode string

// The modes. ModeUnset means that nothing was chosen yet.
const (
	ModeUnset      Mode = ""
	ModeCloud      Mode = "cloud"
	ModeStandalone Mode = "standalone"
	ModeOff        Mode = "off"
)

// ParseMode reads a mode as a person types it. The error is CodeInvalid and names the choices.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeCloud, ModeStandalone, ModeOff:
		return m, nil
	default:
		return ModeUnset, Errorf(CodeInvalid, "mode", "There is no mode %q.", s).WithHint("Use cloud, standalone or off.")
	}
}

// State is what follows from Prefs and Facts. Its text form is part of the JSON contract.
type State string

// The states.
const (
	StateNew        State = "new"
	StateOff        State = "off"
	StateSignedOut  State = "signed-out"
	StateCloud      State = "cloud"
	StateStandalone State = "standalone"
	StatePaused     State = "paused"
	StateRestoring  State = "restoring"
	StateError      State = "error"
)

// Prefs are the persisted wishes. The zero value is a fresh installation.
type Prefs struct {
	Mode Mode `json:"mode,omitempty"`
	// PausedUntil pauses transfer until that time; UntilResumed means until a person resumes; zero means not paused.
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// DB is the absolute path of the file that is kept safe.
	DB string `json:"db,omitempty"`
	// Target is the URL where the replica lives: file:///abs/dir, gs://bucket[/prefix],
	// s3://bucket[/prefix][?endpoint=URL&region=NAME] or sftp://user@host[:port]/dir.
	Target string `json:"target,omitempty"`
	// User is the {user_id} of the object layout standalone/{user_id}/{machine_id}.
	User string `json:"user,omitempty"`
	// Credentials is the path of a service-account key file for gs targets; empty means Google, and without one
	// application-default.
	Credentials string `json:"credentials,omitempty"`
	// Google is the Google account whose sign-in lets in to a gs target; the sign-in itself is in the keychain.
	Google string `json:"google,omitempty"`
	// Access is the id of the access key that lets in to an s3 target; its secret is in the keychain. Empty means what AWS
	// tools keep on this machine.
	Access string `json:"access,omitempty"`
	// Encryption is the id of the recovery key that the copies are encrypted with; empty means plain copies. The key itself
	// is in the keychain.
	Encryption string `json:"encryption,omitempty"`
	// More are further targets, each of which holds the whole history, too.
	More []Place `json:"more,omitempty"`
	// Server is the URL of the cloud's server; empty means the default one.
	Server string `json:"server,omitempty"`
	// Retention is for how long the history is kept, as ParseRetention reads it; empty means DefaultRetention.
	Retention string `json:"retention,omitempty"`
	// Notify says which notifications a person wants; nil means all of them.
	Notify *Notify `json:"notify,omitempty"`
}

// Place is a target and what lets in.
type Place struct {
	Target      string `json:"target"`
	Credentials string `json:"credentials,omitempty"`
	Google      string `json:"google,omitempty"`
	Access      string `json:"access,omitempty"`
	Encryption  string `json:"encryption,omitempty"` // the id of its recovery key
}

// Places are all targets, the first one first; none while nothing is set up.
func (p Prefs) Places() []Place {
	if p.Target == "" {
		return nil
	}
	return append([]Place{{p.Target, p.Credentials, p.Google, p.Access, p.Encryption}}, p.More...)
}

// At are the same wishes for one of the targets alone.
func (p Prefs) At(place Place) Prefs {
	p.Target, p.Credentials, p.Google, p.Access = place.Target, place.Credentials, place.Google, place.Access
	p.Encryption, p.More = place.Encryption, nil
	return p
}

// With are the same wishes for other targets.
func (p Prefs) With(places []Place) Prefs {
	p = p.At(Place{})
	if len(places) > 0 {
		p = p.At(places[0])
		p.More = places[1:]
	}
	return p
}

// Kept is the Retention that is wished, the default where the text is empty or was damaged by hand.
func (p Prefs) Kept() Retention {
	if r, err := ParseRetention(p.Retention, Retention{}); err == nil {
		return r
	}
	return DefaultRetention()
}

// UntilResumed is the PausedUntil of a pause without an end.
var UntilResumed = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Paused tells whether transfer is paused at now.
func (p Prefs) Paused(now time.Time) bool { return now.Before(p.PausedUntil) }

// Facts are what the agent observes.
type Facts struct {
	// Forced is the mode of CODITECT_SYNC_MODE, which wins over Prefs.Mode while it is set.
	Forced Mode
	// SignedIn tells that an account is usable in cloud mode.
	SignedIn bool
	// Restoring tells that a restore is replacing the file's content.
	Restoring bool
	// Fault is what only a person can cure; nil while there is none.
	Fault *Error
	// Now is the time the pause is judged by.
	Now time.Time
}

// Effective is the mode that counts: the forced one while there is one, else the wish.
func Effective(p Prefs, f Facts) Mode {
	if f.Forced != ModeUnset {
		return f.Forced
	}
	return p.Mode
}

// Next derives the state. A restore hides everything else, a fault everything but the restore and being off.
func Next(p Prefs, f Facts) State {
	mode := Effective(p, f)
	switch {
	case f.Restoring:
		return StateRestoring
	case mode == ModeUnset:
		return StateNew
	case mode == ModeOff:
		return StateOff
	case mode == ModeCloud && !f.SignedIn:
		return StateSignedOut
	case mode == ModeStandalone && p.Target == "":
		return StateNew
	case f.Fault != nil:
		return StateError
	case p.Paused(f.Now):
		return StatePaused
	case mode == ModeCloud:
		return StateCloud
	}
	return StateStandalone
}
