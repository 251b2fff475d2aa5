package refresh

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Kind tells whose tokens they are; one kind's are unknown to the other.
type Kind string

// The kinds.
const (
	Provider Kind = "provider" // of a client of the embedded OpenID provider
	Session  Kind = "session"  // of a machine at the API
)

// Family is what all tokens of one sign-in have in common.
type Family struct {
	ID         string // Start makes it
	Tenant     string // of a session
	Subject    string // an account at the provider, a user of a session
	Machine    string // of a session
	Request    string // of the provider: the sign-in whose code started it
	Client     string // of the provider
	Scopes     []string
	SignedInAt time.Time
}

// ErrInvalid is a token that is unknown, void, expired, or of a family that has ended.
var ErrInvalid = errors.New("the refresh token is not valid, or no longer")

// ErrReused is an ErrInvalid: the token was used before, and its family has ended because of that just now.
var ErrReused = fmt.Errorf("%w: it was used before", ErrInvalid)

// Config is what a Store needs. Zero values are replaced by the defaults.
type Config struct {
	Pool  *pgxpool.Pool // of app_identity
	Kind  Kind
	Now   func() time.Time // nil: time.Now
	Idle  time.Duration    // how long a family lives without being used; 180 days, because machines rest in drawers
	Grace time.Duration    // how long after its use a token may be used again; 20 s
}

// spare is how often a token may be used within the grace.
const spare = 5

// Store keeps the families of one kind. It may be used concurrently.
type Store struct{ c Config }

// New returns a Store.
func New(c Config) *Store {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Idle == 0 {
		c.Idle = 180 * 24 * time.Hour
	}
	if c.Grace == 0 {
		c.Grace = 20 * time.Second
	}
	return &Store{c}
}

// DB is a pool or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Start begins a family and returns its first token and it.
func (s *Store) Start(ctx context.Context, db DB, f Family) (string, Family, error) {
	f.ID = rand.Text()
	if f.Scopes == nil {
		f.Scopes = []string{}
	}
	_, err := db.Exec(ctx, `INSERT INTO identity.families
		(id, kind, tenant_id, subject, machine_id, request_id, client_id, scopes, signed_in_at, expires_at)
		VALUES ($1, $2, nullif($3, ''), $4, nullif($5, ''), nullif($6, ''), $7, $8, $9, $10)`,
		f.ID, s.c.Kind, f.Tenant, f.Subject, f.Machine, f.Request, f.Client, f.Scopes, f.SignedInAt, s.c.Now().Add(s.c.Idle))
	if err != nil {
		return "", f, fmt.Errorf("start a family of refresh tokens: %w", err)
	}
	token, err := s.mint(ctx, db, f.ID)
	return token, f, err
}

func (s *Store) mint(ctx context.Context, db DB, family string) (string, error) {
	token := "csr_" + rand.Text() + rand.Text() // a prefix, so that scanners for leaked secrets know it
	_, err := db.Exec(ctx, "INSERT INTO identity.refresh_tokens (digest, family_id, created_at) VALUES ($1, $2, $3)",
		digest(token), family, s.c.Now())
	if err != nil {
		return "", fmt.Errorf("keep a refresh token: %w", err)
	}
	return token, nil
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// found is a token as it is kept, locked.
type found struct {
	family  Family
	usedAt  *time.Time
	uses    int
	endedAt *time.Time
	expires time.Time
}

// Rotate makes a token void and returns the next one of its family. A reuse is committed when ErrReused is returned. then is
// done in the same transaction: when it fails, the token is as good as before.
func (s *Store) Rotate(ctx context.Context, token string, then ...func(pgx.Tx, Family) error) (next string, f Family, err error) {
	var refused error
	err = pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		t, err := s.find(ctx, tx, token)
		if refused = s.judge(t, err); errors.Is(refused, ErrReused) {
			return s.end(ctx, tx, "a refresh token was used again", "id = $2", t.family.ID)
		}
		if refused != nil {
			return refused
		}
		f = t.family
		if next, err = s.replace(ctx, tx, token, f.ID); err != nil {
			return err
		}
		for _, do := range then {
			if err := do(tx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	return next, f, err
}

func (s *Store) find(ctx context.Context, tx pgx.Tx, token string) (t found, err error) {
	err = tx.QueryRow(ctx, `SELECT f.id, coalesce(f.tenant_id, ''), f.subject, coalesce(f.machine_id, ''), f.client_id, f.scopes,
			f.signed_in_at, f.expires_at, f.ended_at, t.used_at, t.uses
		FROM identity.refresh_tokens t JOIN identity.families f ON f.id = t.family_id
		WHERE t.digest = $1 AND f.kind = $2 FOR UPDATE`, digest(token), s.c.Kind).
		Scan(&t.family.ID, &t.family.Tenant, &t.family.Subject, &t.family.Machine, &t.family.Client, &t.family.Scopes,
			&t.family.SignedInAt, &t.expires, &t.endedAt, &t.usedAt, &t.uses)
	return t, err
}

// judge says why a token that was found, or not, is refused.
func (s *Store) judge(t found, err error) error {
	now := s.c.Now()
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrInvalid
	case err != nil:
		return fmt.Errorf("find a refresh token: %w", err)
	case t.endedAt != nil || !t.expires.After(now):
		return ErrInvalid
	case t.usedAt != nil && (now.Sub(*t.usedAt) > s.c.Grace || t.uses >= spare):
		return ErrReused
	}
	return nil
}

func (s *Store) replace(ctx context.Context, tx pgx.Tx, token, family string) (string, error) {
	now := s.c.Now()
	_, err := tx.Exec(ctx, "UPDATE identity.refresh_tokens SET used_at = coalesce(used_at, $2), uses = uses + 1 WHERE digest = $1", digest(token), now)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE identity.families SET expires_at = $2 WHERE id = $1", family, now.Add(s.c.Idle))
	}
	if err != nil {
		return "", fmt.Errorf("use a refresh token: %w", err)
	}
	return s.mint(ctx, tx, family)
}

// Peek returns the family of a token that could be rotated now, and changes nothing.
func (s *Store) Peek(ctx context.Context, token string) (f Family, err error) {
	err = pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		t, err := s.find(ctx, tx, token)
		f = t.family
		return s.judge(t, err)
	})
	return f, err
}
