package app

import (
	"context"
	"time"
)

// Cloud is what a face can ask of cloud mode: the account, the way into it and out of it, what was put aside,
// and who sees what.
type Cloud interface {
	Doorman
	Mover
	Fleet
	Finder
	Sharer
	Convener
}

// CloudStatus describes the account and what goes up and comes down. It is there as soon as a server is known.
type CloudStatus struct {
	Server   string `json:"server"` // URL
	SignedIn bool   `json:"signed_in"`
	User     string `json:"user,omitempty"` // e-mail address or name, for people
	Tenant   string `json:"tenant,omitempty"`
	// Recording tells that changes of the file are recorded for the cloud (the file is enrolled).
	Recording bool `json:"recording"`
	// Connected tells that the stream is open now.
	Connected bool `json:"connected"`
	// PendingUploads is how many changes are on this machine only; WaitingSince when the oldest was recorded.
	PendingUploads int64     `json:"pending_uploads"`
	WaitingSince   time.Time `json:"waiting_since,omitzero"`
	// Rejected is how many items are in lost & found.
	Rejected int64 `json:"rejected"`
	// LastPushedAt is when the cloud last acknowledged changes of this machine, LastSyncedAt when this machine last had
	// all that the cloud had for it.
	LastPushedAt time.Time `json:"last_pushed_at,omitzero"`
	LastSyncedAt time.Time `json:"last_synced_at,omitzero"`
	LastProof    *Proof    `json:"last_proof,omitempty"`
	NextProofAt  time.Time `json:"next_proof_at,omitzero"`
	// Unshared is what left this machine last because this account may see it no longer.
	Unshared *Unshared `json:"unshared,omitempty"`
	// Steps are the rungs of the ladder while changes are stalled, in order.
	Steps []CureStep `json:"steps,omitempty"`
}

// Unshared says how many rows left this machine when they, or a team, were no longer shared with this account.
type Unshared struct {
	At   time.Time `json:"at"`
	Rows int64     `json:"rows"`
}

// CureStep is one rung of the ladder that heals a stall by itself.
type CureStep struct {
	Text string    `json:"text"`
	Done bool      `json:"done"`
	At   time.Time `json:"at,omitzero"` // when it was or will be taken
}

// Proof says whether this machine and the cloud hold the same rows. Equal is true only if every table is.
type Proof struct {
	At     time.Time     `json:"at"`
	Equal  bool          `json:"equal"`
	Rows   int64         `json:"rows"` // of this machine
	Tables []TableProof  `json:"tables,omitempty"`
	Took   time.Duration `json:"took_ns"`
	// Problem names what did not hold, Cure what was done about it by itself.
	Problem string `json:"problem,omitempty"`
	Cure    string `json:"cure,omitempty"`
}

// TableProof compares one table.
type TableProof struct {
	Table string    `json:"table"`
	Here  TableHash `json:"here"`
	There TableHash `json:"there"`
	Equal bool      `json:"equal"`
	// Moving tells that others wrote to the table all the time, so that it could not be compared.
	Moving bool `json:"moving,omitempty"`
}

// The phases of cloud mode.
const (
	PhaseEnrol      Phase = "enrol"       // rows that were there before are being recorded
	PhaseConnecting Phase = "connecting"  // the stream is being opened
	PhaseUploading  Phase = "uploading"   // changes go up
	PhaseFirstSync  Phase = "first_sync"  // rows of the account come to this machine for the first time
	PhaseCatchingUp Phase = "catching_up" // more than a moment's changes come down
	PhaseStalled    Phase = "stalled"     // changes wait without being acknowledged; the ladder is at work
	PhaseProof      Phase = "proof"       // rows are being compared
	PhaseMoving     Phase = "moving"      // a move between the modes
)

// Syncer is the Engine of cloud mode while it runs.
type Syncer interface {
	Engine
	// Push returns once every row committed before the call is in the cloud and acknowledged. It blocks while offline.
	Push(ctx context.Context) error
	// Prove compares every table with the cloud now. A proof that does not hold is returned with Equal false and no
	// error.
	Prove(ctx context.Context) (Proof, error)
	// Rebuild fetches every row of the account again and returns when all of them are shown; what waits is kept. It blocks
	// while offline.
	Rebuild(ctx context.Context) error
	// Kick tries at once whatever waits for its time.
	Kick()
}

// Doorman is the way in to an account, and out of it.
type Doorman interface {
	// BeginLogin starts signing in and returns at once: a browser is being opened, or there is a code to type. When it
	// is done, cloud mode is switched on, unless the file is kept by standalone mode: then a move is offered.
	// CodeInvalid where no server is known or its address is wrong, CodeUnreachable where it does not answer.
	BeginLogin(ctx context.Context, req LoginRequest) (Login, error)
	// LoginState tells how a begun login stands.
	LoginState(ctx context.Context) (Login, error)
	// CancelLogin ends it.
	CancelLogin(ctx context.Context) error
	// Logout signs this machine out. Without Force it is CodeRefused while changes are on this machine only, and the
	// message says how many.
	Logout(ctx context.Context, req LogoutRequest) (LogoutResult, error)
}

// LoginRequest says where to sign in, and how.
type LoginRequest struct {
	Server string `json:"server,omitempty"` // URL; empty = as before, else the default
	Device bool   `json:"device,omitempty"` // by a code typed on another machine instead of a browser on this one
	// Google signs in to Google instead, so that copies can go to gs:// storages.
	Google *GoogleLogin `json:"google,omitempty"`
}

// GoogleLogin asks for a sign-in to Google. It is no account of ours: nothing is synced by it, and no mode changes.
type GoogleLogin struct {
	// Client is the path of the file of an OAuth client, as the Google Cloud console gives it; empty = the one of the last
	// sign-in, else that of this build.
	Client string `json:"client,omitempty"`
	// Account is who has to sign in; empty = whoever does.
	Account string `json:"account,omitempty"`
}

// Login is a sign-in under way.
type Login struct {
	State  LoginState `json:"state"`
	Server string     `json:"server,omitempty"`
	URL    string     `json:"url,omitempty"`  // where the browser went, or where the code is to be typed
	Code   string     `json:"code,omitempty"` // to be typed there
	Until  time.Time  `json:"until,omitzero"` // when it ends by itself
	User   string     `json:"user,omitempty"` // who is signed in: to Google, the account's address
	// Notes are what a person should know, e.g. that there is no keychain.
	Notes []string `json:"notes,omitempty"`
	// Move tells that standalone mode keeps the file, so that a move to the cloud is the next step.
	Move  bool   `json:"move,omitempty"`
	Error *Error `json:"error,omitempty"`
}

// LoginState is how far a sign-in is.
type LoginState string

// The states of a sign-in.
const (
	LoginIdle    LoginState = "idle"
	LoginWaiting LoginState = "waiting"
	LoginDone    LoginState = "done"
	LoginFailed  LoginState = "failed"
)

// LogoutRequest says what becomes of what is here.
type LogoutRequest struct {
	Wipe  bool `json:"wipe,omitempty"`  // remove the account's rows from this machine
	Force bool `json:"force,omitempty"` // although changes are on this machine only
}

// LogoutResult says what was done, one sentence each.
type LogoutResult struct {
	Steps  []string `json:"steps"`
	Status Status   `json:"status"`
}

// Mover brings rows into the cloud and a machine from one mode to another.
type Mover interface {
	// Push returns when every row committed before it is in the cloud. With Initial it records rows that were there
	// before and proves every table equal. It needs an account (CodeSignedOut), and works in standalone mode too.
	Push(ctx context.Context, req PushRequest) (PushResult, error)
	// PlanMove says what Move would do. It changes nothing.
	PlanMove(ctx context.Context, req MoveRequest) (MovePlan, error)
	// Move goes on where an interrupted one was. It is done step by step; each can be undone until the last, and after
	// it by the move the other way. Progress is in Status.
	Move(ctx context.Context, req MoveRequest) (MoveResult, error)
	// Prove compares this machine with the cloud now. A proof that does not hold has Equal false and no error.
	Prove(ctx context.Context) (Proof, error)
	// Rebuild fetches every row of the account anew, keeping what waits to go up. It is the cure of loss and damage.
	Rebuild(ctx context.Context) (Status, error)
}

// PushRequest says what to push.
type PushRequest struct {
	Initial bool `json:"initial,omitempty"` // also rows that were there before the file was enrolled
}

// PushResult says what went up.
type PushResult struct {
	Pushed   int64  `json:"pushed"`   // changes acknowledged
	Rejected int64  `json:"rejected"` // put into lost & found
	Proof    *Proof `json:"proof,omitempty"`
	Status   Status `json:"status"`
}

// MoveRequest says where to go.
type MoveRequest struct {
	To Mode `json:"to"` // cloud or standalone
}

// MovePlan says what a move does, before anything is done.
type MovePlan struct {
	From   Mode       `json:"from"`
	To     Mode       `json:"to"`
	Rows   int64      `json:"rows"`
	Bytes  int64      `json:"bytes"`
	Steps  []MoveStep `json:"steps"`
	Server string     `json:"server,omitempty"`
	Target string     `json:"target,omitempty"`
	// Seconds is the expected duration in all.
	Seconds float64  `json:"seconds"`
	Notes   []string `json:"notes,omitempty"`
}

// MoveStep is one step of a move.
type MoveStep struct {
	ID   string        `json:"id"`
	Text string        `json:"text"`
	Done bool          `json:"done"`
	Took time.Duration `json:"took_ns,omitempty"`
}

// MoveStatus is a move under way.
type MoveStatus struct {
	From  Mode       `json:"from"`
	To    Mode       `json:"to"`
	Steps []MoveStep `json:"steps"`
	// Proof is the newest comparison of the move.
	Proof *Proof `json:"proof,omitempty"`
}

// MoveResult says what a move did.
type MoveResult struct {
	Steps  []MoveStep `json:"steps"`
	Proof  *Proof     `json:"proof,omitempty"`
	Status Status     `json:"status"`
}

// Fleet is the machines of the account.
type Fleet interface {
	// RenameMachine gives a machine of the account a name. CodeNotFound for one that is not there.
	RenameMachine(ctx context.Context, id, name string) error
	// RevokeMachine signs a machine out; its tokens end at once. Its rows stay on it.
	RevokeMachine(ctx context.Context, id string) error
}
