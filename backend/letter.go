package backend

import "context"

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
}

// Account is what somebody may do with all that is kept about him.
type Account interface {
	// Export writes it as lines of JSON: {"table":"…","row":{…}}. What was written before an error is no whole account.
	Export(ctx context.Context, p Principal, write func(line []byte) error) error

	// Erase deletes it for good, and everything that he has written. When it returns nil, his sessions have ended.
	Erase(ctx context.Context, p Principal, email string) error
}
