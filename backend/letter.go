package backend

import (
	"context"
	"time"
)

// Letter is an email: plain text.
type Letter struct {
	To, Subject, Text string
}

// Post sends letters. It returns when a mailer has taken one, which says nothing about whether it arrives.
type Post interface {
	Send(ctx context.Context, l Letter) error
}

// Invitation is somebody whom an admin of a team invites into it.
type Invitation struct {
	Email, Name, Team string
}

// Invited is what became of an invitation. Link is what the person opens, where nobody could send it; it is a secret.
type Invited struct {
	Joined bool // the person was here already, and is in the team now
	Sent   bool // a letter is under way
	Link   string
}

// Invitations are made by people. Errors are *Error: Denied for who is no admin of the team.
type Invitations interface {
	Invite(ctx context.Context, p Principal, i Invitation) (Invited, error)
	// Pending lists what nobody has taken up yet, of the teams of which the principal is an admin, oldest first. Those that
	// have expired are among them for a while.
	Pending(ctx context.Context, p Principal) ([]Pending, error)
	// Withdraw takes one back: its link is good for nothing unless another team invited the person too. NotFound for what is
	// none, or was taken up.
	Withdraw(ctx context.Context, p Principal, team, user string) error
}

// Pending is an invitation that nobody has taken up yet.
type Pending struct {
	Team, User, Email, Name string
	By                      string // who invited: name or address, empty where he is not here any more
	At, Until               time.Time
}

// Account is what somebody may do with all that is kept about him.
type Account interface {
	// Export writes it as lines of JSON: {"table":"…","row":{…}}. What was written before an error is no whole account.
	Export(ctx context.Context, p Principal, write func(line []byte) error) error

	// Erase deletes it for good, and everything that he has written. When it returns nil, his sessions have ended.
	Erase(ctx context.Context, p Principal, email string) error
}
