package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

// Why an exchange is refused, beside errToken.
var (
	errNobody   = errors.New("the person has no account on this server")
	errReplayed = fmt.Errorf("%w: it was exchanged before", errToken)
	errMachine  = errors.New("the machine is somebody else's")
)

// exchange is a request for a session.
type exchange struct {
	idToken, nonceVerifier string
	machine, name          string
}

var machineID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (e *exchange) check() error {
	e.name = plainName(e.name)
	switch {
	case e.idToken == "" || e.nonceVerifier == "":
		return errors.New("subject_token and nonce_verifier are required")
	case !machineID.MatchString(e.machine):
		return errors.New("machine_id is required: up to 64 letters, figures, dots, dashes and underscores")
	}
	return nil
}

// plainName is what may be shown of a machine's name: one line, without control characters, of at most 100 characters.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if runes := []rune(strings.TrimSpace(name)); len(runes) > 100 {
		return string(runes[:100])
	}
	return strings.TrimSpace(name)
}

// tokens are what a machine gets.
type tokens struct {
	access, refresh string
	life            time.Duration
	session         identity.Session
}

// begin makes a session of an ID token.
func (s *Sessions) begin(ctx context.Context, e exchange) (t tokens, err error) {
	p, err := s.verify(ctx, e.idToken, e.nonceVerifier)
	if err != nil {
		return t, err
	}
	access, err := s.issuing(ctx)
	if err != nil {
		return t, err
	}
	err = pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		if err := s.useUp(ctx, tx, e.idToken, p.expires); err != nil {
			return err
		}
		tenant, user, err := s.user(ctx, tx, p)
		if err != nil {
			return err
		}
		if err := s.register(ctx, tx, tenant, user, e); err != nil {
			return err
		}
		var f refresh.Family
		t.refresh, f, err = s.refresh.Start(ctx, tx, refresh.Family{Tenant: tenant, Subject: user, Machine: e.machine, SignedInAt: p.signedIn})
		t.session = identity.Session{Tenant: tenant, User: user, Machine: e.machine, ID: f.ID}
		if err == nil {
			err = t.sign(ctx, access)
		}
		return err
	})
	return t, err
}

// issuing is what makes access tokens, with its key at hand: whoever is in a transaction must not wait for a second
// connection, because all might.
func (s *Sessions) issuing(ctx context.Context) (*identity.Issuer, error) {
	key, err := s.c.Keys.Signing(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the signing key: %w", err)
	}
	return &identity.Issuer{Name: s.c.URL, Life: s.c.Life, Now: s.c.Now,
		Key: func(context.Context) (jose.JSONWebKey, error) { return key, nil }}, nil
}

func (t *tokens) sign(ctx context.Context, access *identity.Issuer) error {
	token, _, err := access.Issue(ctx, t.session)
	if err != nil {
		return fmt.Errorf("make an access token: %w", err)
	}
	t.access, t.life = token, access.Life
	return nil
}

// useUp makes an ID token void. Of two exchanges at once the second waits for the first.
func (s *Sessions) useUp(ctx context.Context, tx pgx.Tx, raw string, expires time.Time) error {
	sum := sha256.Sum256([]byte(raw))
	keep := expires.Add(maxAge) // longer than it is taken, whatever the clocks say
	tag, err := tx.Exec(ctx, "INSERT INTO identity.exchanged (digest, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", sum[:], keep)
	if err == nil && tag.RowsAffected() == 0 {
		err = errReplayed
	}
	return err
}

// user is whom an issuer's subject is here.
func (s *Sessions) user(ctx context.Context, tx pgx.Tx, p person) (tenant, user string, err error) {
	var disabled bool
	err = tx.QueryRow(ctx, `SELECT u.tenant_id, u.id, u.disabled_at IS NOT NULL FROM identity.links l
		JOIN app.users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
		WHERE l.issuer = $1 AND l.subject = $2 AND ($3 = '' OR u.tenant_id = $3)`, p.issuer.URL, p.subject, p.issuer.Tenant).
		Scan(&tenant, &user, &disabled)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return s.link(ctx, tx, p)
	case err == nil && disabled:
		return "", "", errNobody
	}
	return tenant, user, err
}

// link finds a user by the address that a trusted issuer has verified, and remembers who he is there. One who is linked at
// that issuer already is somebody else there.
func (s *Sessions) link(ctx context.Context, tx pgx.Tx, p person) (tenant, user string, err error) {
	if !p.issuer.TrustEmail || p.email == "" {
		return "", "", errNobody
	}
	rows, err := tx.Query(ctx, `SELECT u.tenant_id, u.id FROM app.users u WHERE lower(u.email) = lower($1) AND u.disabled_at IS NULL
		AND ($2 = '' OR u.tenant_id = $2)
		AND NOT EXISTS (SELECT FROM identity.links l WHERE l.tenant_id = u.tenant_id AND l.user_id = u.id AND l.issuer = $3)`,
		p.email, p.issuer.Tenant, p.issuer.URL)
	if err != nil {
		return "", "", err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Tenant, User string }])
	if err != nil {
		return "", "", err
	}
	if len(found) != 1 { // in two tenants, nobody can tell which
		return "", "", errNobody
	}
	_, err = tx.Exec(ctx, "INSERT INTO identity.links (issuer, subject, tenant_id, user_id) VALUES ($1, $2, $3, $4)",
		p.issuer.URL, p.subject, found[0].Tenant, found[0].User)
	return found[0].Tenant, found[0].User, err
}

// renew goes on with a session, all or nothing: a database that fails half-way costs nobody his session. Whoever was disabled
// meanwhile has none any more.
func (s *Sessions) renew(ctx context.Context, token string) (t tokens, err error) {
	access, err := s.issuing(ctx)
	if err != nil {
		return t, err
	}
	next, _, err := s.refresh.Rotate(ctx, token, func(tx pgx.Tx, f refresh.Family) error {
		t.session = identity.Session{Tenant: f.Tenant, User: f.Subject, Machine: f.Machine, ID: f.ID}
		live, err := s.isLive(ctx, tx, t.session)
		if err == nil && !live {
			err = refresh.ErrInvalid
		}
		if err == nil {
			err = s.seen(ctx, tx, t.session)
		}
		if err == nil {
			err = t.sign(ctx, access)
		}
		return err
	})
	t.refresh = next
	return t, err
}
