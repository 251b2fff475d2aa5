package app

import "time"

// Status is the one snapshot every face shows. Keys are snake_case and stable.
type Status struct {
	Version   string `json:"version"`
	Rev       uint64 `json:"rev"` // grows with every published change within one agent run
	MachineID string `json:"machine_id"`
	Machine   string `json:"machine"` // the host's name
	Mode      Mode   `json:"mode"`    // the effective mode
	// ModeLocked is the value of CODITECT_SYNC_MODE while it wins, else empty.
	ModeLocked  string            `json:"mode_locked,omitempty"`
	State       State             `json:"state"`
	Healthy     bool              `json:"healthy"`
	Summary     string            `json:"summary"` // one sentence for people
	PausedUntil time.Time         `json:"paused_until,omitzero"`
	DB          DBStatus          `json:"db"`
	Standalone  *StandaloneStatus `json:"standalone,omitempty"`
	Cloud       *CloudStatus      `json:"cloud,omitempty"`
	Progress    *Progress         `json:"progress,omitempty"`
	Move        *MoveStatus       `json:"move,omitempty"` // while one is under way
	Undo        *UndoPoint        `json:"undo,omitempty"`
	Error       *Error            `json:"error,omitempty"`
}

// DBStatus describes the local file.
type DBStatus struct {
	Path          string `json:"path"`
	Bytes         int64  `json:"bytes"`
	SQLiteVersion string `json:"sqlite_version"`
}

// StandaloneStatus describes replication to the target.
type StandaloneStatus struct {
	Target string `json:"target"` // URL without credentials
	// Encryption is the id of the recovery key of encrypted copies; empty for plain ones.
	Encryption string `json:"encryption,omitempty"`
	// Google is the account whose sign-in to Google lets in; empty for other ways.
	Google string `json:"google,omitempty"`
	// Access is the id of the access key that lets in; empty for other ways.
	Access         string `json:"access,omitempty"`
	TXID           string `json:"txid"`
	ReplicatedTXID string `json:"replicated_txid"`
	// LastReplicatedAt: every row committed before this time is at the target.
	LastReplicatedAt time.Time `json:"last_replicated_at,omitzero"`
	// LagBytes is what waits locally for the target, in bytes.
	LagBytes int64 `json:"lag_bytes"`
	// WaitingSince is when the oldest waiting change was noticed; zero while nothing waits.
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	LastDrill    *Drill    `json:"last_drill,omitempty"`
	NextDrillAt  time.Time `json:"next_drill_at,omitzero"`
	// Retention says what is kept of the history, one promise each.
	Retention []string `json:"retention,omitempty"`
	// Usage is what was asked of the target, MonthlyCost what a month of that is estimated to cost; nil where not known.
	Usage       Usage `json:"usage,omitzero"`
	MonthlyCost *Cost `json:"monthly_cost,omitempty"`
	// StartsOverSince: since then it is known that the target was away for so long that it begins anew with a full copy. The
	// moments between are restore points at other targets only. Zero when that is not so.
	StartsOverSince time.Time `json:"starts_over_since,omitzero"`
	// Of one of several targets: whether it is proved, what it does, and what is wrong with it.
	Healthy  bool      `json:"healthy"`
	Progress *Progress `json:"progress,omitempty"`
	Error    *Error    `json:"error,omitempty"`
	// Targets lists every target with the same keys; with one target it is that one. The keys beside it are those of the
	// target that is worst off.
	Targets []StandaloneStatus `json:"targets,omitempty"`
}

// Drill is one test restore.
type Drill struct {
	At     time.Time     `json:"at"`
	OK     bool          `json:"ok"`
	TXID   string        `json:"txid"`
	Rows   int64         `json:"rows"`
	Tables []TableHash   `json:"tables,omitempty"`
	Took   time.Duration `json:"took_ns"`
	// Problem names what did not hold: an object, or the tables that differ.
	Problem string `json:"problem,omitempty"`
	// Error is why one of several targets could not be proved at all; Problem says the same. Nil for one that ran.
	Error *Error `json:"error,omitempty"`
	// Target is the URL of the target, and Targets are the drills of all, where there are several.
	Target  string  `json:"target,omitempty"`
	Targets []Drill `json:"targets,omitempty"`
}

// TableHash is the order-free row hash of one table: rows counted, and the sum of the rows' 64-bit hashes mod 2^64.
type TableHash struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Sum   string `json:"sum"` // 16 hex digits
}

// Progress is what an engine or operation is doing now.
type Progress struct {
	Phase      Phase     `json:"phase"`
	Done       int64     `json:"done"`
	Total      int64     `json:"total"`           // 0 when unknown
	Rate       float64   `json:"rate,omitempty"`  // units a second
	ETASeconds float64   `json:"eta_seconds"`     // 0 when unknown
	Unit       string    `json:"unit,omitempty"`  // "bytes" or "rows"
	Since      time.Time `json:"since,omitzero"`  // when this phase began
	Cause      string    `json:"cause,omitempty"` // why it waits, one sentence
	NextTry    time.Time `json:"next_try,omitzero"`
}

// Phase names what is being done. Its text form is part of the JSON contract.
type Phase string

// The phases of standalone mode and of restores.
const (
	PhaseFirstCopy Phase = "first_copy"
	PhaseCopying   Phase = "copying"
	PhaseOffline   Phase = "offline"
	PhaseDrill     Phase = "test_restore"
	PhaseFetch     Phase = "fetch"
	PhaseCheck     Phase = "check"
	PhaseReplace   Phase = "replace"
	PhaseFlush     Phase = "flush"
)

// UndoPoint is the state before the last restore, kept until Until.
type UndoPoint struct {
	Point RestorePoint `json:"point"`
	// RestoredTo is the moment the restore that can be undone went to.
	RestoredTo time.Time `json:"restored_to"`
	RestoredAt time.Time `json:"restored_at"`
	Until      time.Time `json:"until"`
}

// Report is what a running Engine tells the agent. The agent turns it into Status.
type Report struct {
	Standalone *StandaloneStatus // of standalone mode
	Cloud      *CloudStatus      // of cloud mode
	Progress   *Progress
	// Fault needs a person but does not end the engine, which goes on trying.
	Fault *Error
	// Sent is how many bytes were sent to the target since the engine began.
	Sent int64
	// Pushed is how many changes the cloud acknowledged since the engine began.
	Pushed int64
}
