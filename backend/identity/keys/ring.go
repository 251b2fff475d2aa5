package keys

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend/identity"
)

// Purpose tells keys apart: one for ID tokens never signs an access token.
type Purpose string

// The purposes.
const (
	ID     Purpose = "id"
	Access Purpose = "access"
)

// Config is what a Ring needs. Zero durations are replaced by the defaults.
type Config struct {
	Pool    *pgxpool.Pool // of app_identity
	Secret  identity.Secret
	Purpose Purpose
	Now     func() time.Time // nil: time.Now

	Period time.Duration // how long a key signs; 30 days
	Ahead  time.Duration // how long it is published before; a day
	Keeps  time.Duration // how long after; a day
}

// fresh is how long keys that were read are used without looking again. It is far shorter than Ahead.
const fresh = time.Minute

// Ring is the keys of one purpose. It may be used concurrently.
type Ring struct {
	c Config

	mu   sync.Mutex
	keys []key // newest last
	read time.Time
}

// key is a row of identity.keys.
type key struct {
	private    jose.JSONWebKey
	signsFrom  time.Time
	superseded *time.Time // ends_at
}

// New returns a Ring. Rotate must have been called once before it is used.
func New(c Config) *Ring {
	c.Period, c.Ahead, c.Keeps = or(c.Period, 30*24*time.Hour), or(c.Ahead, 24*time.Hour), or(c.Keeps, 24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Ring{c: c}
}

func or(value, otherwise time.Duration) time.Duration {
	if value == 0 {
		return otherwise
	}
	return value
}

// Public returns the published keys.
func (r *Ring) Public(ctx context.Context) (jose.JSONWebKeySet, error) {
	keys, err := r.current(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.private.Public())
	}
	return set, nil
}

// ErrAway means that the keys cannot be read now.
var ErrAway = errors.New("the signing keys cannot be read")

var errNoKey = errors.New("there is no signing key yet")

// Signing returns the private key that signs now.
func (r *Ring) Signing(ctx context.Context) (jose.JSONWebKey, error) {
	keys, err := r.current(ctx)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	now := r.c.Now()
	for i := len(keys) - 1; i >= 0; i-- {
		if !keys[i].signsFrom.After(now) {
			return keys[i].private, nil
		}
	}
	return jose.JSONWebKey{}, errNoKey
}

// current is what was read within the last minute, or now.
func (r *Ring) current(ctx context.Context) ([]key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.c.Now()
	if age := now.Sub(r.read); len(r.keys) > 0 && age >= 0 && age < fresh {
		return published(r.keys, now), nil
	}
	keys, err := r.load(ctx, r.c.Pool)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	r.keys, r.read = keys, now
	return published(keys, now), nil
}

func published(keys []key, now time.Time) []key {
	var out []key
	for _, k := range keys {
		if k.superseded == nil || k.superseded.After(now) {
			out = append(out, k)
		}
	}
	return out
}

// forget makes the next call read again.
func (r *Ring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (r *Ring) load(ctx context.Context, db querier) ([]key, error) {
	rows, err := db.Query(ctx, `SELECT kid, private, signs_from, ends_at FROM identity.keys WHERE purpose = $1
		ORDER BY signs_from, kid`, r.c.Purpose)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (key, error) {
		var kid string
		var sealed []byte
		var k key
		if err := row.Scan(&kid, &sealed, &k.signsFrom, &k.superseded); err != nil {
			return k, err
		}
		err := r.unseal(kid, sealed, &k)
		return k, err
	})
}

func (r *Ring) unseal(kid string, sealed []byte, k *key) error {
	text, err := r.c.Secret.Unseal(r.sealName(kid), sealed)
	if err != nil {
		return fmt.Errorf("the signing key %s was sealed with another secret: %w", kid, err)
	}
	return k.private.UnmarshalJSON(text)
}

func (r *Ring) sealName(kid string) string { return "key " + string(r.c.Purpose) + " " + kid }

// VerifySignature returns what a token says that one of the published keys signed: the ring is a key set of go-oidc's, so that
// a server need not fetch its own keys over the network.
func (r *Ring) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	set, err := r.Public(ctx)
	if err != nil {
		return nil, err
	}
	for _, signature := range signed.Signatures {
		for _, k := range set.Key(signature.Header.KeyID) {
			return signed.Verify(k)
		}
	}
	return nil, errors.New("the token's key is not known")
}
