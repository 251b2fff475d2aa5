package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

// storage is op.Storage on PostgreSQL.
type storage struct {
	Config
	refresh *refresh.Store
}

// mostRequests bounds what those who never sign in can make us keep.
const mostRequests = 20_000

var errBusy = errors.New("too many sign-ins are open")

// CreateAuthRequest keeps a validated request for the browser that the context names.
func (s *storage) CreateAuthRequest(ctx context.Context, in *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	browser, _ := ctx.Value(browserKey{}).(string)
	r := &request{id: rand.Text(), client: in.ClientID, redirect: in.RedirectURI, scopes: in.Scopes, state: in.State,
		nonce: in.Nonce, challenge: in.CodeChallenge, expiresAt: s.Now().Add(signInLife)}
	tag, err := s.Pool.Exec(ctx, `INSERT INTO identity.requests
		(id, client_id, redirect_uri, scopes, state, nonce, challenge, browser, expires_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
		WHERE (SELECT count(*) FROM (SELECT FROM identity.requests LIMIT $10) AS open) < $10`,
		r.id, r.client, r.redirect, r.scopes, r.state, r.nonce, r.challenge, digest(browser), r.expiresAt, mostRequests)
	if err == nil && tag.RowsAffected() == 0 {
		err = errBusy
	}
	return r, trouble(ctx, err)
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

const requestColumns = `id, client_id, redirect_uri, scopes, state, nonce, challenge, coalesce(account_id, ''),
	coalesce(signed_in_at, 'epoch'), expires_at`

func scanRequest(row pgx.Row) (*request, error) {
	var r request
	err := row.Scan(&r.id, &r.client, &r.redirect, &r.scopes, &r.state, &r.nonce, &r.challenge, &r.account, &r.signedInAt, &r.expiresAt)
	return &r, err
}

// AuthRequestByID is for a way that we do not take: pages find their requests with openRequest.
func (s *storage) AuthRequestByID(context.Context, string) (op.AuthRequest, error) {
	return nil, errUnsupported
}

// openRequest is a request of this browser that waits for its person.
func (s *storage) openRequest(ctx context.Context, id, browser string) (*request, error) {
	return scanRequest(s.Pool.QueryRow(ctx, "SELECT "+requestColumns+` FROM identity.requests
		WHERE id = $1 AND browser = $2 AND expires_at > $3 AND account_id IS NULL`, id, digest(browser), s.Now()))
}

// signedIn notes who signed in, once.
func (s *storage) signedIn(ctx context.Context, r *request, account string) error {
	r.account, r.signedInAt = account, s.Now()
	tag, err := s.Pool.Exec(ctx, "UPDATE identity.requests SET account_id = $2, signed_in_at = $3 WHERE id = $1 AND account_id IS NULL",
		r.id, account, r.signedInAt)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return err
}

// cancel forgets a request.
func (s *storage) cancel(ctx context.Context, id string) error {
	_, err := s.Pool.Exec(ctx, "DELETE FROM identity.requests WHERE id = $1 AND account_id IS NULL", id)
	return err
}

// SaveAuthCode keeps the digest of the code that is sent to the client.
func (s *storage) SaveAuthCode(ctx context.Context, id, code string) error {
	_, err := s.Pool.Exec(ctx, "UPDATE identity.requests SET code = $2, code_expires_at = $3 WHERE id = $1", id, digest(code), s.Now().Add(codeLife))
	return err
}

// AuthRequestByCode uses a code up, before anything else about the request is checked: a code that was tried with a wrong
// verifier is in wrong hands. A code that was used before ends what it started.
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	now := s.Now()
	r, err := scanRequest(s.Pool.QueryRow(ctx, `UPDATE identity.requests SET code_used_at = $2
		WHERE code = $1 AND code_used_at IS NULL AND code_expires_at > $2 RETURNING `+requestColumns, digest(code), now))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errors.Join(errUnknown, trouble(ctx, s.endReplayed(ctx, code)))
	}
	if err == nil {
		_, err = s.account(ctx, r.account)
	}
	return r, trouble(ctx, err)
}

func (s *storage) endReplayed(ctx context.Context, code string) error {
	var id string
	err := s.Pool.QueryRow(ctx, "SELECT id FROM identity.requests WHERE code = $1 AND code_used_at IS NOT NULL", digest(code)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Log.Warn("a code was used again; what it started has ended", "request", id)
	return s.refresh.EndRequest(ctx, s.Pool, id, "its code was used again")
}

// DeleteAuthRequest leaves the request, whose used code a thief may come with later; sweep deletes it.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

// sweep deletes what has expired.
func (s *storage) sweep(ctx context.Context) error {
	now := s.Now()
	_, err := s.Pool.Exec(ctx, "DELETE FROM identity.requests WHERE expires_at < $1", now.Add(-signInLife))
	if err == nil {
		_, err = s.Pool.Exec(ctx, "DELETE FROM identity.devices WHERE expires_at < $1", now)
	}
	if err == nil {
		_, err = s.Pool.Exec(ctx, "DELETE FROM identity.letters WHERE expires_at < $1 AND invited_by IS NULL OR expires_at < $2", now, now.Add(-letters.KeptExpired))
	}
	if err == nil {
		_, err = s.Pool.Exec(ctx, "DELETE FROM identity.attempts WHERE last_at < $1 AND until < $2", now.Add(-window), now)
	}
	if err != nil {
		return err
	}
	return s.refresh.Sweep(ctx)
}

// account is one that may sign in.
func (s *storage) account(ctx context.Context, id string) (a account, err error) {
	err = s.Pool.QueryRow(ctx, "SELECT id, email, name FROM identity.accounts WHERE id = $1 AND disabled_at IS NULL", id).
		Scan(&a.id, &a.email, &a.name)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, errUnknown
	}
	if err != nil {
		return a, fmt.Errorf("find an account: %w", err)
	}
	return a, nil
}

// errUnknown is somebody or something that is not there, or no longer.
var errUnknown = errors.New("unknown, or no longer")

type account struct{ id, email, name string }

// signingKey is a key as zitadel wants to see it.
type signingKey struct{ jose.JSONWebKey }

func (k signingKey) ID() string                                  { return k.KeyID }
func (k signingKey) Use() string                                 { return k.JSONWebKey.Use }
func (k signingKey) Key() any                                    { return k.JSONWebKey.Key }
func (k signingKey) Algorithm() jose.SignatureAlgorithm          { return jose.ES256 }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

// SigningKey is the key that signs ID tokens now.
func (s *storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	k, err := s.Keys.Signing(ctx)
	return signingKey{k}, trouble(ctx, err)
}

// SignatureAlgorithms are those of the keys.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet is the published keys.
func (s *storage) KeySet(ctx context.Context) ([]op.Key, error) {
	set, err := s.Keys.Public(ctx)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	var out []op.Key
	for _, k := range set.Keys {
		out = append(out, signingKey{k})
	}
	return out, nil
}

// Health reports whether the database answers.
func (s *storage) Health(ctx context.Context) error { return s.Pool.Ping(ctx) }

// accessLife is how long the provider's own access tokens are said to live. They open nothing: OAuth wants that there is one.
const accessLife = 5 * time.Minute
