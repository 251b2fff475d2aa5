package app

import (
	"context"
	"time"
)

// Sharer says who sees which project, and changes it. Sharing is a property of the project, so no row is rewritten.
type Sharer interface {
	// Projects lists those of the file, by name. It needs no account; what only the server knows is missing without it.
	Projects(ctx context.Context) ([]Project, error)
	// ShareProject writes who sees a project into the file, which goes up like any change. CodeDenied for somebody else's
	// project or a team that one is not in, CodeNotFound for what is not there, CodeInvalid for a name that several have.
	ShareProject(ctx context.Context, req ShareRequest) (Project, error)
	// ProjectReaders asks the server who sees a project now: of changes that have not gone up it knows nothing.
	ProjectReaders(ctx context.Context, project string) ([]Reader, error)
}

// Convener is the teams of the account. All of it needs the server.
type Convener interface {
	// Teams lists them with their members, by name.
	Teams(ctx context.Context) ([]Team, error)
	// MakeTeam makes one whose admin is this person.
	MakeTeam(ctx context.Context, name string) (Team, error)
	// Invite brings somebody into a team, who may have no account yet. For admins of the team (CodeDenied).
	Invite(ctx context.Context, req InviteRequest) (Invited, error)
	// Invitations lists those that nobody has taken up yet, of the teams that this person looks after, oldest first.
	// CodeNotFound where the server invites nobody.
	Invitations(ctx context.Context) ([]Invitation, error)
	// Withdraw takes an invitation back: the person is not in the team any more. CodeNotFound for what is none, or was taken up.
	Withdraw(ctx context.Context, req WithdrawRequest) error
	// SetMember puts somebody with an account into a team, or takes somebody out. It is for admins, and for whoever leaves. An
	// admin who is put in stays one.
	SetMember(ctx context.Context, req MemberRequest) (Team, error)
}

// Visibility is who sees a project besides its owner.
type Visibility string

// The visibilities.
const (
	VisiblePrivate Visibility = "private"
	VisibleTeam    Visibility = "team"
	VisibleOrg     Visibility = "org" // everybody of the organisation
)

// Project is a project of the file. Its name and path are texts of the memory: hostile until shown as plain text.
type Project struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Path       string     `json:"path,omitempty"`
	Owner      string     `json:"owner_id,omitempty"` // empty: this person's that has not been in the cloud
	OwnerName  string     `json:"owner,omitempty"`    // address or name, where the server told it
	Mine       bool       `json:"mine"`
	Visibility Visibility `json:"visibility"`
	Team       string     `json:"team_id,omitempty"`
	TeamName   string     `json:"team,omitempty"`
	Rows       int64      `json:"rows"` // of this machine, without the project's own
	// CanWrite tells whether this person may write into it, MembersWrite whether those may with whom it is shared; nil while
	// the server has not told.
	CanWrite     *bool `json:"can_write,omitempty"`
	MembersWrite *bool `json:"members_can_write,omitempty"`
}

// ShareRequest says who is to see a project. Project and Team are an id, the beginning of one, or a name.
type ShareRequest struct {
	Project    string     `json:"project"`
	Visibility Visibility `json:"visibility"`
	Team       string     `json:"team,omitempty"`
	ReadOnly   bool       `json:"read_only,omitempty"` // members read and do not write
}

// Reader is somebody who sees a project.
type Reader struct {
	User     string `json:"user_id"`
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Owner    bool   `json:"owner"`
	CanWrite bool   `json:"can_write"`
	This     bool   `json:"this"` // whoever asks
	// Machines are the names of those that are signed in, which a person chose or which are the hosts' own: hostile until shown
	// as plain text. nil where the server does not tell.
	Machines []string `json:"machines"`
}

// Team is a team of the organisation.
type Team struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Members []Member `json:"members"`
}

// Member is somebody in a team.
type Member struct {
	User  string `json:"user_id"`
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
	Admin bool   `json:"admin"`
	This  bool   `json:"this"` // whoever asks
}

// InviteRequest says whom to bring into a team.
type InviteRequest struct {
	Team  string `json:"team"` // id, its beginning, or name
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// Invitation is one that nobody has taken up yet. An expired one is listed for a while.
type Invitation struct {
	Team  string    `json:"team_id"`
	User  string    `json:"user_id"`
	Email string    `json:"email"`
	Name  string    `json:"name,omitempty"`
	By    string    `json:"invited_by,omitempty"` // name or address
	At    time.Time `json:"invited_at"`
	Until time.Time `json:"expires_at"`
}

// WithdrawRequest says which invitation. Team is an id, its beginning, or a name; Person an address, an id, or its beginning.
type WithdrawRequest struct {
	Team   string `json:"team"`
	Person string `json:"person"`
}

// Invited says what became of an invitation.
type Invited struct {
	Joined bool `json:"joined"` // an account was there, and is in the team
	Sent   bool `json:"sent"`   // a letter is under way
	// Link is for the person alone, where the server sends no letters: whoever opens it chooses the password.
	Link string `json:"link,omitempty"`
}

// MemberRequest says what somebody is to be in a team. Team is an id, its beginning, or a name.
type MemberRequest struct {
	Team   string `json:"team"`
	Person string `json:"person,omitempty"` // address, id, or the beginning of one; empty: whoever asks
	Admin  bool   `json:"admin,omitempty"`
	Out    bool   `json:"out,omitempty"` // no longer in it
}
