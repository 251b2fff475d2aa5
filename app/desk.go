package app

import (
	"context"
	"time"
)

// Desk is what the window asks: the part of Service that shows, explains and sets up.
type Desk interface {
	Previewer
	Chronicle
	Outfitter
}

// Previewer looks into a moment without touching the live file.
type Previewer interface {
	// Preview restores the moment into a temporary file, opens it read-only and compares it with the live file. It
	// blocks until done or canceled; a moment that was looked at before answers at once.
	Preview(ctx context.Context, req RestoreRequest) (Preview, error)
}

// Preview says what a restore would bring back and take away.
type Preview struct {
	Plan   RestorePlan `json:"plan"`
	Tables []TableDiff `json:"tables"`
}

// TableDiff compares one table then and now. Added rows exist now and not then, removed ones then and not now.
type TableDiff struct {
	Table    string    `json:"table"`
	Then     int64     `json:"then"`
	Now      int64     `json:"now"`
	Added    int64     `json:"added"`
	Changed  int64     `json:"changed"`
	Removed  int64     `json:"removed"`
	Examples []RowDiff `json:"examples,omitempty"` // at most 20 a table
}

// RowDiff is one example. Then and Now are texts of the memory: hostile until shown as plain text, cut to 200 runes.
type RowDiff struct {
	Kind DiffKind  `json:"kind"`
	ID   string    `json:"id"`
	Then string    `json:"then,omitempty"`
	Now  string    `json:"now,omitempty"`
	At   time.Time `json:"at,omitzero"` // when the row says it was last written
}

// DiffKind is how a row differs.
type DiffKind string

// The kinds of differences.
const (
	DiffAdded   DiffKind = "added"
	DiffChanged DiffKind = "changed"
	DiffRemoved DiffKind = "removed"
)

// Chronicle tells what happened.
type Chronicle interface {
	// Activity lists events, newest first, at most limit (0 = 200). It survives restarts.
	Activity(ctx context.Context, limit int) ([]Event, error)
}

// Event is one line of the activity.
type Event struct {
	At     time.Time `json:"at"`
	Kind   EventKind `json:"kind"`
	Text   string    `json:"text"` // one sentence
	Detail string    `json:"detail,omitempty"`
	// Bad tells that it was a problem; Cured that a problem ended.
	Bad   bool `json:"bad,omitempty"`
	Cured bool `json:"cured,omitempty"`
	// Count, Bytes and Until summarise repeated copying between At and Until.
	Count int64     `json:"count,omitempty"`
	Bytes int64     `json:"bytes,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// EventKind is what an event is about.
type EventKind string

// The kinds of events.
const (
	EventCopy    EventKind = "copy"
	EventProof   EventKind = "proof"
	EventRestore EventKind = "restore"
	EventProblem EventKind = "problem" // problems and their cures
	EventSetting EventKind = "setting"
	EventSync    EventKind = "sync"    // rows that went up and came down
	EventAccount EventKind = "account" // signing in and out, machines
)

// Outfitter is first run, settings and diagnostics.
type Outfitter interface {
	// TryTarget uses a target as Setup would and says each step with its time. It saves nothing.
	TryTarget(ctx context.Context, req SetupRequest) (TargetTrial, error)
	// NewKey makes a recovery key for encrypted copies, to be shown once. It is kept nowhere before Setup is given it.
	NewKey(ctx context.Context) (RecoveryKey, error)
	// KeepKey keeps the recovery key of copies that are set up, which this machine does not hold any more. CodeInvalid for
	// what is no key, CodeDenied for that of other copies; neither changes anything.
	KeepKey(ctx context.Context, key Secret) error
	// Settings are the wishes a person can edit, with what they mean in words.
	Settings(ctx context.Context) (Settings, error)
	// EditSettings changes the fields that are not nil.
	EditSettings(ctx context.Context, edit SettingsEdit) (Settings, error)
	// PlanRetention says what another retention would let go; wish is as ParseRetention reads it, empty the present one.
	// It changes nothing. Without a storage nothing can go.
	PlanRetention(ctx context.Context, wish string) (RetentionPlan, error)
	// Diagnostics is the content of the bundle, redacted, exactly as it would be saved: file name to text.
	Diagnostics(ctx context.Context) (map[string]string, error)
}

// RecoveryKey is a new recovery key, and the id by which it is known.
type RecoveryKey struct {
	ID  string `json:"id"`
	Key Secret `json:"key"`
}

// TargetTrial is what a test of a target did.
type TargetTrial struct {
	Target   string      `json:"target"`
	Steps    []TrialStep `json:"steps"`
	SameDisk bool        `json:"same_disk"`
	At       time.Time   `json:"at"`
	// MonthlyCost is what a month of the copying so far is estimated to cost there; nil where not known.
	MonthlyCost *Cost `json:"monthly_cost,omitempty"`
}

// TrialStep is one thing that was done, and how long it took.
type TrialStep struct {
	Text string        `json:"text"`
	Took time.Duration `json:"took_ns"`
}

// Settings are shown and edited in the window.
type Settings struct {
	DB            string   `json:"db"`
	DefaultDB     string   `json:"default_db"`
	Found         []string `json:"found,omitempty"` // SQLite files of AI assistants found on this machine
	Target        string   `json:"target"`
	DefaultTarget string   `json:"default_target"`
	Retention     []string `json:"retention"`      // in words, one promise each
	RetentionWish string   `json:"retention_wish"` // as ParseRetention reads it: a name, or all promises
	StartAtLogin  bool     `json:"start_at_login"`
	Notify        Notify   `json:"notify"`
	Locked        string   `json:"locked,omitempty"` // why the mode cannot be changed
}

// Notify says which notifications a person wants.
type Notify struct {
	Needs    bool `json:"needs"`    // something needs the person
	Well     bool `json:"well"`     // it is well again
	Restored bool `json:"restored"` // a restore has finished
}

// SettingsEdit changes the fields that are not nil.
type SettingsEdit struct {
	StartAtLogin *bool   `json:"start_at_login,omitempty"`
	Notify       *Notify `json:"notify,omitempty"`
	// Retention is as ParseRetention reads it. It counts at once; what it does not keep goes with the next copy.
	Retention *string `json:"retention,omitempty"`
}
