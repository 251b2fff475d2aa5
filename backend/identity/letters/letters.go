package letters

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coditect-ai/coditect-sync/backend"
)

// How long links are good for.
const (
	InvitationLife = 7 * 24 * time.Hour
	ResetLife      = time.Hour
)

// Path of a link, below the issuer's.
const Path = "/letter"

// Code is the secret of a link.
type Code string

// NewCode makes one, of 130 random bits.
func NewCode() Code { return Code(strings.ToLower(rand.Text())) }

// Digest is what the database keeps of it.
func (c Code) Digest() []byte {
	sum := sha256.Sum256([]byte(c))
	return sum[:]
}

// Link is what the person opens. The code is in the query, which no log of ours has.
func (c Code) Link(issuer string) string {
	return issuer + Path + "?code=" + url.QueryEscape(string(c))
}

// Invite is the letter with an invitation.
func Invite(to, by, issuer string, c Code) backend.Letter {
	return backend.Letter{To: to, Subject: "You are invited to CODITECT Sync", Text: by + ` invites you to CODITECT Sync on ` + host(issuer) + `.

Choose a password here, within seven days:

    ` + c.Link(issuer) + `

Then press "Sign in" in CODITECT Sync on your machine. If you do not know who this is, do nothing: nothing happens then.
`}
}

// Reset is the letter with which somebody chooses another password.
func Reset(to, issuer string, c Code) backend.Letter {
	return backend.Letter{To: to, Subject: "Another password for CODITECT Sync", Text: `Somebody, hopefully you, asked for another password for CODITECT Sync on ` + host(issuer) + `.

Choose it here, within an hour:

    ` + c.Link(issuer) + `

Your machines are signed out then; what they have not sent yet stays on them. If it was not you, do nothing: nothing happens then.
`}
}

func host(issuer string) string {
	if u, err := url.Parse(issuer); err == nil {
		return u.Host
	}
	return issuer
}

// CheckAddress says whether an address is one, as a sentence for people.
func CheckAddress(email string) error {
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || len(email) > 320 || !utf8.ValidString(email) || strings.ContainsAny(email, "\x00\r\n") {
		return backend.Errorf(backend.Invalid, "That is no email address.")
	}
	return nil
}

// KeptExpired is for how long an invitation that has expired is still listed for whoever invited.
const KeptExpired = 30 * 24 * time.Hour

// Store keeps invitations; the answer of Invite is one of invited, joined, denied and taken.
type Store interface {
	Pending(ctx context.Context, p backend.Principal) ([]backend.Pending, error)
	Withdraw(ctx context.Context, p backend.Principal, team, user string) error
	Invite(ctx context.Context, p backend.Principal, i backend.Invitation, digest []byte, until time.Time) (answer string, err error)
}

// Invitations are those of the API.
type Invitations struct {
	Store  Store
	Post   backend.Post // nil: nobody sends letters
	Issuer string       // of the embedded provider
	Now    func() time.Time
}

// Invite adds a person to a team, and sends him a letter, or gives the link to whoever invites.
func (v Invitations) Invite(ctx context.Context, p backend.Principal, i backend.Invitation) (backend.Invited, error) {
	if err := CheckAddress(i.Email); err != nil {
		return backend.Invited{}, err
	}
	code := NewCode()
	answer, err := v.Store.Invite(ctx, p, i, code.Digest(), v.Now().Add(InvitationLife))
	switch {
	case err != nil:
		return backend.Invited{}, err
	case answer == "denied":
		return backend.Invited{}, backend.Errorf(backend.Denied, "Only an admin of the team may invite into it.")
	case answer == "taken":
		return backend.Invited{}, backend.Errorf(backend.Invalid, "This person was here and is locked out.")
	case answer == "joined":
		return backend.Invited{Joined: true}, nil
	case v.Post == nil:
		return backend.Invited{Link: code.Link(v.Issuer)}, nil
	}
	if err := v.Post.Send(ctx, Invite(i.Email, "Somebody in your team", v.Issuer, code)); err != nil {
		return backend.Invited{}, backend.Errorf(backend.Unavailable, "The letter could not be sent. Invite again in a while.").Wrap(err)
	}
	return backend.Invited{Sent: true}, nil
}

// Pending implements backend.Invitations.
func (v Invitations) Pending(ctx context.Context, p backend.Principal) ([]backend.Pending, error) {
	return v.Store.Pending(ctx, p)
}

// Withdraw implements backend.Invitations.
func (v Invitations) Withdraw(ctx context.Context, p backend.Principal, team, user string) error {
	return v.Store.Withdraw(ctx, p, team, user)
}
