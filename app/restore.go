package app

import (
	"cmp"
	"time"
)

// RestorePoint is one moment that can be restored.
type RestorePoint struct {
	ID   string    `json:"id"`   // the TXID, 16 hex digits
	Time time.Time `json:"time"` // when it was recorded
	Size int64     `json:"size"` // bytes of the object that ends here
	Kind PointKind `json:"kind"`
	// Pinned tells until when an undo keeps the point.
	Pinned time.Time `json:"pinned_until,omitzero"`
	// Targets are those that hold the point, where there are several.
	Targets []string `json:"targets,omitempty"`
}

// PointKind tells what object a point comes from.
type PointKind string

// The kinds: a full copy, a change since the point before, or several changes merged by age.
const (
	PointFull   PointKind = "full"
	PointChange PointKind = "change"
	PointMerged PointKind = "merged"
)

// Timeline is what a machine's history offers, newest first.
type Timeline struct {
	Machine string         `json:"machine"`
	Oldest  time.Time      `json:"oldest,omitzero"` // how far back it goes
	Points  []RestorePoint `json:"points"`
	// Missing are the targets that could not be asked.
	Missing []TargetFault `json:"missing,omitempty"`
}

// TargetFault is one of several targets that could not be used, and why.
type TargetFault struct {
	Target string `json:"target"`
	Error  *Error `json:"error"`
}

// Machine is one installation seen at the target.
type Machine struct {
	ID   string `json:"id"`
	User string `json:"user"`
	This bool   `json:"this"`
	// Name, SeenAt and Revoked are of machines of an account.
	Name    string    `json:"name,omitempty"`
	SeenAt  time.Time `json:"seen_at,omitzero"`
	Revoked bool      `json:"revoked,omitempty"`
	// Primary tells that it is the machine that writes the history of its file, since PrimarySince.
	Primary      bool      `json:"primary"`
	PrimarySince time.Time `json:"primary_since,omitzero"`
	MachineInfo
}

// Primary is the machine that writes a lineage, and since when; zero for none.
type Primary struct {
	Machine string    `json:"machine"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// Origin is where a file came from that was restored from another machine's history.
type Origin struct {
	Lineage string    `json:"lineage"`
	Machine string    `json:"machine"`
	Host    string    `json:"host,omitempty"`
	Point   string    `json:"point"`
	At      time.Time `json:"at"` // when it was restored
}

// MachineInfo is the content of machine.json beside a machine's data.
type MachineInfo struct {
	Host           string    `json:"host"`
	OS             string    `json:"os"`
	Version        string    `json:"version"`
	DB             string    `json:"db"`
	Lineage        string    `json:"lineage"`
	LastReplicated time.Time `json:"last_replicated,omitzero"`
	// Newest is the point up to which everything was at the target when this was written.
	Newest string `json:"newest,omitempty"`
	// From is whose history the file was restored from, where this machine then went on with one of its own.
	From Origin           `json:"from,omitzero"`
	Rows map[string]int64 `json:"rows,omitempty"`
}

// Moment selects a restore point: exactly one field is set, or none for the newest.
type Moment struct {
	At    time.Time `json:"at,omitzero"`     // the newest point at or before it
	Point string    `json:"point,omitempty"` // an ID
}

// RestoreRequest asks for a restore.
type RestoreRequest struct {
	Moment
	Machine string `json:"machine,omitempty"` // ID or name; empty = this one, or the target's only one
	To      string `json:"to,omitempty"`      // absolute path of a new file; empty = the live file
	Target  string `json:"target,omitempty"`  // URL of the one of several targets to read; empty = the best one
	// PointAt is when the named point is of, where that is known: of several targets each may have another of its number.
	PointAt time.Time `json:"point_at,omitzero"`
	// TakeOver makes this machine the one that writes the restored history, where another one does. Without it a history
	// that another machine writes is branched from.
	TakeOver bool `json:"take_over,omitempty"`
	// Key is the recovery key of encrypted copies, where the keychain of this machine lost it; it is kept there again.
	Key Secret `json:"key,omitempty"`
	// Rows brings chosen rows back as ordinary changes; nil is the whole file.
	Rows *Choice `json:"rows,omitempty"`
}

// RestorePlan says what a restore would do, before anything is done.
type RestorePlan struct {
	Machine string       `json:"machine"`
	Point   RestorePoint `json:"point"`
	Objects int          `json:"objects"`
	Bytes   int64        `json:"bytes"`    // to read from the target
	DBBytes int64        `json:"db_bytes"` // size of the restored file
	// Seconds is the expected duration in all, WriterWait how long other programs wait to write (live restores).
	Seconds    float64 `json:"seconds"`
	WriterWait float64 `json:"writer_wait_seconds"`
	DiskNeeded int64   `json:"disk_needed"`
	DiskFree   int64   `json:"disk_free"`
	// UndoFor is how long a restore into the live file can be undone; 0 for a restore into a new one.
	UndoFor time.Duration `json:"undo_for_ns,omitempty"`
	// Writer is the other machine that writes the history which a restore into the live file follows; nil for none.
	Writer *Primary `json:"writer,omitempty"`
	// Back is what a request for rows would bring back.
	Back *Back `json:"back,omitempty"`
	// Target is which of several targets is read, Missing those that could not be asked.
	Target  string        `json:"target,omitempty"`
	Missing []TargetFault `json:"missing,omitempty"`
}

// RestoreResult says what a restore did and how it was checked.
type RestoreResult struct {
	Point     RestorePoint `json:"point"`
	Path      string       `json:"path"`
	Integrity string       `json:"integrity"` // "ok"
	Rows      int64        `json:"rows"`
	Tables    []TableHash  `json:"tables"`
	// Equal tells that the file's row hash equals the restored image's. False with no error means that another
	// program wrote before it could be compared; Note says so.
	Equal bool          `json:"equal"`
	Note  string        `json:"note,omitempty"`
	Undo  *UndoPoint    `json:"undo,omitempty"`
	Took  time.Duration `json:"took_ns"`
	// Had is how many bytes of the copy were here, from a restore that was interrupted or from a look at the moment, and were
	// not fetched again.
	Had int64 `json:"had_bytes,omitempty"`
	// WritersWaited is how long the write lock was held.
	WritersWaited time.Duration `json:"writers_waited_ns"`
	// History says with which history the file goes on, where it came from another machine's. One sentence.
	History string `json:"history,omitempty"`
	// Target is which of several targets was read, Missing those that could not be.
	Target  string        `json:"target,omitempty"`
	Missing []TargetFault `json:"missing,omitempty"`
	// Kept is where a damaged file was moved to, if one was.
	Kept string `json:"kept,omitempty"`
	// Back is what was brought back, of a request for rows; then Rows counts them, and Tables are empty.
	Back *Back `json:"back,omitempty"`
}

// Finding is one line of the doctor.
type Finding struct {
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Detail string `json:"detail"`
	// Hint and TypedHint are as those of an Error.
	Hint      string `json:"hint,omitempty"`
	TypedHint string `json:"typed_hint,omitempty"`
}

// InShell is the way on for who types.
func (f Finding) InShell() string { return cmp.Or(f.TypedHint, f.Hint) }

// Level grades a Finding.
type Level string

// The levels.
const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warn"
	LevelBad  Level = "bad"
)
