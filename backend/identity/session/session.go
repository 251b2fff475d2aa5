package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

// Config is what New needs.
type Config struct {
	Pool    *pgxpool.Pool // of app_identity
	Keys    *keys.Ring    // of keys.Access
	URL     string        // the server's own, without a slash at the end: the issuer of access tokens
	Issuers []Issuer
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	Life    time.Duration    // of an access token, 5 to 15 minutes; 0: 10 minutes
	Grace   time.Duration    // in which a refresh token may be used twice; 0: 20 s
}

// Sessions makes and ends them. It may be used concurrently.
type Sessions struct {
	c       Config
	issuers map[string]*issuer
	refresh *refresh.Store
}

// New returns Sessions, or what is wrong with the configuration.
func New(c Config) (*Sessions, error) {
	if c.Pool == nil || c.Keys == nil || c.URL == "" || c.Log == nil || len(c.Issuers) == 0 {
		return nil, backend.Errorf(backend.Invalid, "Sessions need a database, keys, an address, a log, and an issuer where people sign in.")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Life == 0 {
		c.Life = 10 * time.Minute
	}
	if c.Life < 5*time.Minute || c.Life > identity.MaxLife {
		return nil, backend.Errorf(backend.Invalid, "An access token lives 5 to 15 minutes, not %s.", c.Life)
	}
	s := &Sessions{c: c}
	s.refresh = refresh.New(refresh.Config{Pool: c.Pool, Kind: refresh.Session, Now: c.Now, Grace: c.Grace})
	var err error
	s.issuers, err = c.issuers()
	return s, err
}

// Verifier checks the access tokens of one audience, and that their sessions go on.
func (s *Sessions) Verifier(audience string) (*identity.Verifier, error) {
	return identity.NewVerifier(identity.Config{Source: s.c.Keys.Public, Live: s.live, Issuer: s.c.URL, Audience: audience, Now: s.c.Now})
}

func (s *Sessions) live(ctx context.Context, t identity.Session) (bool, error) {
	return s.isLive(ctx, s.c.Pool, t)
}

// db is a pool or a transaction.
type db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// isLive asks for the session, the machine and the person at once.
func (s *Sessions) isLive(ctx context.Context, db db, t identity.Session) (bool, error) {
	var live bool
	err := db.QueryRow(ctx, `SELECT f.ended_at IS NULL AND m.revoked_at IS NULL AND u.disabled_at IS NULL
		FROM identity.families f
		JOIN app.machines m ON m.tenant_id = f.tenant_id AND m.id = f.machine_id AND m.user_id = f.subject
		JOIN app.users u ON u.tenant_id = f.tenant_id AND u.id = f.subject
		WHERE f.id = $1 AND f.kind = 'session' AND f.tenant_id = $2 AND f.subject = $3 AND f.machine_id = $4`,
		t.ID, t.Tenant, t.User, t.Machine).Scan(&live)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return live, err
}

// Sweep deletes what is over. Call it now and then.
func (s *Sessions) Sweep(ctx context.Context) error {
	if _, err := s.c.Pool.Exec(ctx, "DELETE FROM identity.exchanged WHERE expires_at < $1", s.c.Now()); err != nil {
		return fmt.Errorf("forget exchanged ID tokens: %w", err)
	}
	return s.refresh.Sweep(ctx)
}

// PublicKeys are those that access tokens are signed with.
func (s *Sessions) PublicKeys(ctx context.Context) (jose.JSONWebKeySet, error) {
	return s.c.Keys.Public(ctx)
}
