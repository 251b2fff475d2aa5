package app

import (
	"context"
	"io"
	"time"
)

// Service is what a face can ask of the agent: tray, window, command line and tests all use it, directly or through
// the local API, and cannot tell the difference. Methods may block; all honour ctx. Errors are *Error.
type Service interface {
	Watcher
	Switch
	Restorer
	Inspector
	Desk
	Cloud
}

// Watcher reads the Status.
type Watcher interface {
	// Status returns the newest snapshot at once.
	Status(ctx context.Context) (Status, error)
	// Watch blocks until a snapshot newer than since is published and returns it; a since of 0 returns at once.
	Watch(ctx context.Context, since uint64) (Status, error)
}

// Switch changes what the agent does.
type Switch interface {
	// EditPrefs changes the wishes that are set in the edit, saves them, and returns once the new state is published.
	// CodeInvalid for a target or file that cannot be; CodeRefused for a mode that would lose something.
	EditPrefs(ctx context.Context, edit PrefsEdit) (Status, error)
	// Setup checks file and target by using them and saves both. It changes nothing when it fails.
	Setup(ctx context.Context, req SetupRequest) (SetupResult, error)
	// Flush returns once every row committed before the call is at the target, with the point that holds them.
	Flush(ctx context.Context) (RestorePoint, error)
	// Quit ends the agent after a final flush.
	Quit(ctx context.Context) error
}

// Restorer shows and restores moments. Progress of running calls is in Status.
type Restorer interface {
	// Points lists the restore points of a machine, by id or name ("" = this one, or the target's only one), newest first.
	Points(ctx context.Context, machine string) (Timeline, error)
	// PlanRestore says what Restore would do.
	PlanRestore(ctx context.Context, req RestoreRequest) (RestorePlan, error)
	// Restore does it and checks it. When it fails every row is as it was.
	Restore(ctx context.Context, req RestoreRequest) (RestoreResult, error)
	// Undo restores the state before the last restore; the state it replaces can itself be undone.
	Undo(ctx context.Context) (RestoreResult, error)
}

// Inspector looks at how things are.
type Inspector interface {
	// Verify runs a drill now. A drill that does not hold is returned with OK false and no error.
	Verify(ctx context.Context) (Drill, error)
	// Machines lists the machines seen at the target, in cloud mode those of the account.
	Machines(ctx context.Context) ([]Machine, error)
	// Doctor checks file, target and surroundings.
	Doctor(ctx context.Context) ([]Finding, error)
}

// PrefsEdit changes the wishes whose fields are not nil.
type PrefsEdit struct {
	Mode        *Mode      `json:"mode,omitempty"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
}

// SetupRequest says which file to keep safe and where.
type SetupRequest struct {
	DB     string `json:"db,omitempty"`     // absolute path; empty = as set before, else the default file
	Target string `json:"target,omitempty"` // URL; empty = as set before, else the default local folder
	User   string `json:"user,omitempty"`
	// What lets in, at most one for a kind of target; none = as before. To gs targets Credentials is the path of a
	// service-account key file, and Google the account of a sign-in that was begun with LoginRequest.Google; to s3 targets
	// Access is an access key. Ambient takes what this machine has.
	Credentials string     `json:"credentials,omitempty"`
	Google      string     `json:"google,omitempty"`
	Access      *AccessKey `json:"access,omitempty"`
	Ambient     bool       `json:"ambient,omitempty"`
	Create      bool       `json:"create,omitempty"` // create a missing bucket
	// Encrypt begins encrypted copies with Key, where there are none yet. Key alone is that of encrypted copies that are
	// there already, or gives again what the keychain lost.
	Encrypt bool   `json:"encrypt,omitempty"`
	Key     Secret `json:"key,omitempty"`
	// More are further targets beside Target. Without Add the targets of before are not written any more.
	More []string `json:"more,omitempty"`
	Add  bool     `json:"add,omitempty"`
	// Remove ends the writing to Target, whose copies stay there. It is not the only one.
	Remove bool `json:"remove,omitempty"`
	// TakeOver makes this machine the one that writes the history of its file, where another is it; Branch begins a
	// history of its own beside that. At most one of them.
	TakeOver bool `json:"take_over,omitempty"`
	Branch   bool `json:"branch,omitempty"`
}

// SetupResult says what setup did, in order, one sentence each.
type SetupResult struct {
	DB     string   `json:"db"`
	Target string   `json:"target"`
	More   []string `json:"more,omitempty"` // the other targets
	User   string   `json:"user"`
	// Encryption is the id of the recovery key; empty for plain copies.
	Encryption string   `json:"encryption,omitempty"`
	Steps      []string `json:"steps"`
	Notes      []string `json:"notes,omitempty"` // what a person should know, e.g. that the copy is on the same disk
	Status     Status   `json:"status"`
}

// Engine runs one mode. The agent runs at most one at a time.
type Engine interface {
	// Run works until ctx ends, calling report on every change. It flushes before it returns nil on a done ctx.
	// It retries by itself what is temporary and returns only what it cannot go on with.
	Run(ctx context.Context, report func(Report)) error
}

// Keeper is the Engine of standalone mode while it runs.
type Keeper interface {
	Engine
	// Flush returns once every row committed before the call is at the target, with the point that holds them.
	// It blocks until Run is ready.
	Flush(ctx context.Context) (RestorePoint, error)
	// Mark is Flush for a caller that holds the file's write lock: it copies what is committed and uploads it,
	// never asking for that lock.
	Mark(ctx context.Context) (RestorePoint, error)
	// Drill runs a test restore of the newest point.
	Drill(ctx context.Context) (Drill, error)
}

// Replica reads what a target holds; no Engine needs to run.
type Replica interface {
	Machines(ctx context.Context) ([]Machine, error)
	Timeline(ctx context.Context, machine string) (Timeline, error)
	// Plan finds the objects that make the moment. Seconds, WriterWait and the Disk fields are left to the caller.
	Plan(ctx context.Context, machine string, m Moment) (RestorePlan, error)
	// Fetch writes the plan's image to a new file and returns only when every object was read whole and in place.
	// The error names the first object that was not (CodeDamaged), and then Message offers the newest good point.
	Fetch(ctx context.Context, plan RestorePlan, to string, progress func(done, total int64)) error
	// Resume is Fetch for a file of the caller's own that an interrupted Resume of the same plan may have left in part. notes
	// is a private file that says what is in it, by checksum; had is how many bytes of the plan were not read again. Where a
	// later call can go on after a failure both files stay; the caller removes the notes in the end.
	Resume(ctx context.Context, plan RestorePlan, to, notes string, progress func(done, total int64)) (had int64, err error)
	// Thinning says what of this machine's history goes if the retention becomes then. It changes nothing.
	Thinning(ctx context.Context, now, then Retention, pins []RestorePoint) (RetentionPlan, error)
	io.Closer
}

// File is the local database.
type File interface {
	Path() string
	// Check opens the file (or the image at path, if not empty) read-only, runs integrity_check and hashes all rows.
	Check(ctx context.Context, path string) ([]TableHash, error)
	// Freeze takes the write lock, calls mark, opens a read snapshot and releases the lock.
	Freeze(ctx context.Context, mark func() error) (Snapshot, error)
	// Replace makes the file's content that of the image through SQLite's backup API. It calls before with the
	// write lock held and nothing changed yet; an error from it, or any other, leaves every row as it was.
	Replace(ctx context.Context, image string, before func() error, progress func(done, total int64)) (locked time.Duration, err error)
}

// Snapshot is a read transaction of the file.
type Snapshot interface {
	Hash(ctx context.Context) ([]TableHash, error)
	Close() error
}

// FileInfo describes a database file.
type FileInfo struct {
	Bytes       int64
	PageSize    int
	JournalMode string
	// ContextMemory tells that the file has the context-memory schema, SchemaVersion which one.
	ContextMemory bool
	SchemaVersion int
	Rows          map[string]int64
}
