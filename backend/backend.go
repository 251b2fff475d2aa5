package backend

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// Tenant is whom a database row belongs to in the end: a company, or a person alone. People never see the word.
type Tenant struct {
	ID, Name string
}

// User is a person in a tenant.
type User struct {
	Tenant, ID  string
	Email, Name string
	Disabled    bool
}

// Team is some users of a tenant.
type Team struct {
	Tenant, ID, Name string
	Members          []Member
}

// Member is a user in a team. Admins put people in and take them out.
type Member struct {
	User  string
	Admin bool
}

// Teams are those of the principal's tenant, and who could be in them. Errors are *Error: Denied for who is no admin of the
// team, NotFound for a team or a person that the tenant does not have.
type Teams interface {
	// People lists everybody.
	People(ctx context.Context, p Principal) ([]User, error)

	// Teams lists all teams with their members.
	Teams(ctx context.Context, p Principal) ([]Team, error)

	// MakeTeam makes a team whose admin is the principal, and returns its id.
	MakeTeam(ctx context.Context, p Principal, name string) (id string, err error)

	// SetMember puts a person in, or changes whether he is an admin. The last admin stays one.
	SetMember(ctx context.Context, p Principal, team string, m Member) error

	// RemoveMember takes a person out; everybody may take himself out.
	RemoveMember(ctx context.Context, p Principal, team, user string) error
}

// Project is what the principal may do in a project, and what those may with whom it is shared.
type Project struct {
	ID                     string
	CanWrite, MembersWrite bool
}

// Reader is somebody who sees a project.
type Reader struct {
	User, Email, Name string
	Owner, CanWrite   bool
	Machines          []string // names of those that are signed in, the last seen first
}

// Sharing tells who sees which project, as row-level security and the stream have it. With whom a project is shared is in its
// row, which is pushed. Errors are *Error, NotFound for a project that the principal does not see.
type Sharing interface {
	// Projects lists what the principal sees.
	Projects(ctx context.Context, p Principal) ([]Project, error)

	// Readers lists who sees a project, the owner first.
	Readers(ctx context.Context, p Principal, project string) ([]Reader, error)

	// SetMembersWrite is the owner's: Denied for others.
	SetMembersWrite(ctx context.Context, p Principal, project string, may bool) error
}

// Machine is one installation of a user.
type Machine struct {
	Tenant, ID, User string
	Name             string
	Created, Seen    time.Time
	Revoked          bool
}

// Machines are the principal's own. Errors are *Error, NotFound for a machine that is not his.
type Machines interface {
	// Machines lists them, the last seen first, revoked ones too.
	Machines(ctx context.Context, p Principal) ([]Machine, error)

	// RenameMachine gives one a name.
	RenameMachine(ctx context.Context, p Principal, id, name string) error

	// RevokeMachine signs one out. When it returns nil, its tokens have ended.
	RevokeMachine(ctx context.Context, p Principal, id string) error
}

// Principal is who asks, as a verified token says. It never comes from a request's body.
type Principal struct {
	Tenant, User string
	Machine      string // the machine the token was made for
	Expires      time.Time
}

// Verifier checks tokens. Its errors are *Error with Unauthenticated, or Unavailable when it cannot tell now.
type Verifier interface {
	Verify(ctx context.Context, bearer string) (Principal, error)
}

// Store keeps what machines push. Every call acts within the principal's tenant and sees what the principal may see. Errors
// are *Error; all others are bugs.
type Store interface {
	// Push applies a batch. When it returns nil, all that the results say is committed.
	Push(ctx context.Context, p Principal, b pushapi.Batch) ([]pushapi.Result, error)

	// Lost lists values that lost a conflict, newest first, older than before (0: from the newest).
	Lost(ctx context.Context, p Principal, before int64, limit int) ([]Lost, error)

	// Rejected lists the groups of the principal that were rejected, newest first, older than before (0: from the newest).
	Rejected(ctx context.Context, p Principal, before int64, limit int) ([]Rejected, error)

	// Proof counts and hashes what the principal may see of these tables (none: of all), as of one moment. It reads every row.
	Proof(ctx context.Context, p Principal, tables []string) ([]pushapi.TableHash, error)

	// ProofOf counts and hashes those of the named rows that the principal may see, list by list, as of one moment.
	ProofOf(ctx context.Context, p Principal, q pushapi.ProofQuestion) ([]pushapi.TableHash, error)

	// Ready reports whether requests can be answered now.
	Ready(ctx context.Context) error
}

// Lost is a value that lost a conflict.
type Lost struct {
	Number int64           `json:"number"`
	Table  string          `json:"table"`
	ID     string          `json:"id"`
	Column string          `json:"column,omitempty"` // empty: the row as a whole
	Kind   LostKind        `json:"kind"`
	Value  json.RawMessage `json:"value"` // of the column, or of the row as an object
	HLC    pushapi.HLC     `json:"hlc"`   // of the value
	Winner pushapi.HLC     `json:"winner_hlc"`
	// By wrote the value, WinnerBy what is in its place: the zero Writer where that is not known, or not the asker's to know.
	By       Writer    `json:"by,omitzero"`
	WinnerBy Writer    `json:"winner_by,omitzero"`
	Project  string    `json:"project_id,omitempty"`
	Client   string    `json:"client_id"` // whose push it was
	Group    int64     `json:"group"`
	At       time.Time `json:"at"`
}

// Writer is a person at a machine, as the clock says that a value carries.
type Writer struct {
	Self    bool   `json:"self,omitempty"`    // the asker, who is not named
	Name    string `json:"name,omitempty"`    // of somebody else
	Machine string `json:"machine,omitempty"` // its name
}

// LostKind says how a value lost.
type LostKind string

// How a value loses.
const (
	Older       LostKind = "older"       // it came when a newer one was there
	Overwritten LostKind = "overwritten" // a newer one came from somebody who had not seen it
	Immutable   LostKind = "immutable"   // the column is written once
	Deleted     LostKind = "deleted"     // the row is deleted
	Undeleted   LostKind = "undeleted"   // the deletion: the row has been changed since
)

// Rejected is a group, or a part of one, that was not applied, as it was received.
type Rejected struct {
	Number  int64        `json:"number"`
	Machine string       `json:"machine_id"`
	Client  string       `json:"client_id"`
	Group   int64        `json:"group"`
	Part    int          `json:"part,omitempty"`
	Code    pushapi.Code `json:"code"`
	Message string       `json:"message"`
	Raw     []byte       `json:"raw"` // in JSON as base64: it may be no text
	At      time.Time    `json:"at"`
}
