package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/coditect-ai/coditect-sync/backend"
)

// MaxLife is how long an access token may live.
const MaxLife = 15 * time.Minute

// leeway is how far the clocks of an issuer and ours may differ.
const leeway = time.Minute

// maxToken is far more than a token of ours has; a longer one is not even read.
const maxToken = 8 << 10

// Config is what a Verifier needs.
type Config struct {
	Keys     jose.JSONWebKeySet                                          // public keys with their kid and alg, or
	Source   func(ctx context.Context) (jose.JSONWebKeySet, error)       // where they are found
	Live     func(ctx context.Context, s Session) (live bool, err error) // nil: tokens end with time alone
	Issuer   string
	Audience string           // one of the token's
	Now      func() time.Time // nil: time.Now
}

// Verifier is a backend.Verifier over a set of keys.
type Verifier struct{ c Config }

// NewVerifier refuses a configuration that would accept too much.
func NewVerifier(c Config) (*Verifier, error) {
	if c.Issuer == "" || c.Audience == "" || c.Source == nil && len(c.Keys.Keys) == 0 {
		return nil, backend.Errorf(backend.Invalid, "Verifying tokens needs an issuer, an audience and keys.")
	}
	for _, k := range c.Keys.Keys {
		if !k.Valid() || !k.IsPublic() || k.KeyID == "" || !allowed(k.Algorithm) {
			return nil, backend.Errorf(backend.Invalid, "The key %q is no public ES256 or EdDSA key with a kid and an alg.", k.KeyID)
		}
	}
	if c.Source == nil {
		c.Source = func(context.Context) (jose.JSONWebKeySet, error) { return c.Keys, nil }
	}
	if c.Live == nil {
		c.Live = func(context.Context, Session) (bool, error) { return true, nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{c}, nil
}

var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}

func allowed(alg string) bool {
	return alg == string(jose.ES256) || alg == string(jose.EdDSA)
}

// claims are those of ours beside the registered ones.
type claims struct {
	Tenant  string `json:"tenant_id"`
	Machine string `json:"machine_id"`
	Session string `json:"sid,omitempty"`
}

// errCannotTell is why a token is neither accepted nor refused.
var errCannotTell = errors.New("cannot tell")

// Verify returns whom a token was made for. All failures look alike to the caller; the cause is in the error's Err.
func (v *Verifier) Verify(ctx context.Context, bearer string) (backend.Principal, error) {
	p, err := v.verify(ctx, bearer)
	if errors.Is(err, errCannotTell) {
		return backend.Principal{}, backend.Errorf(backend.Unavailable, "Tokens cannot be checked now.").Wrap(err)
	}
	if err != nil {
		return backend.Principal{}, backend.Errorf(backend.Unauthenticated, "The token is not valid, or no longer.").Wrap(err)
	}
	return p, nil
}

func (v *Verifier) verify(ctx context.Context, bearer string) (backend.Principal, error) {
	std, own, err := v.read(ctx, bearer)
	if err != nil {
		return backend.Principal{}, err
	}
	if err := v.check(std, own); err != nil {
		return backend.Principal{}, err
	}
	live, err := v.c.Live(ctx, Session{Tenant: own.Tenant, User: std.Subject, Machine: own.Machine, ID: own.Session})
	if err != nil {
		return backend.Principal{}, fmt.Errorf("%w whether the session goes on: %w", errCannotTell, err)
	}
	if !live {
		return backend.Principal{}, errors.New("the session has ended")
	}
	return backend.Principal{Tenant: own.Tenant, User: std.Subject, Machine: own.Machine, Expires: std.Expiry.Time()}, nil
}

// read returns the claims of a token whose signature is right.
func (v *Verifier) read(ctx context.Context, bearer string) (std jwt.Claims, own claims, err error) {
	if len(bearer) > maxToken {
		return std, own, errors.New("the token is too long")
	}
	token, err := jwt.ParseSigned(bearer, algorithms)
	if err != nil {
		return std, own, err
	}
	key, err := v.key(ctx, token.Headers)
	if err != nil {
		return std, own, err
	}
	err = token.Claims(key, &std, &own)
	return std, own, err
}

// key is the one of ours that the token names, if it is of the kind that the token was signed with.
func (v *Verifier) key(ctx context.Context, headers []jose.Header) (any, error) {
	if len(headers) != 1 {
		return nil, fmt.Errorf("the token has %d signatures", len(headers))
	}
	h := headers[0]
	if typ, _ := h.ExtraHeaders["typ"].(string); typ != "at+jwt" && typ != "application/at+jwt" {
		return nil, fmt.Errorf("the token is no access token")
	}
	keys, err := v.c.Source(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w which keys are ours: %w", errCannotTell, err)
	}
	for _, k := range keys.Key(h.KeyID) {
		if h.KeyID != "" && k.Algorithm == h.Algorithm && allowed(k.Algorithm) {
			return k.Key, nil
		}
	}
	return nil, fmt.Errorf("the token's key is not known")
}

func (v *Verifier) check(std jwt.Claims, own claims) error {
	expected := jwt.Expected{Issuer: v.c.Issuer, AnyAudience: jwt.Audience{v.c.Audience}, Time: v.c.Now()}
	if err := std.ValidateWithLeeway(expected, leeway); err != nil {
		return err
	}
	switch {
	case std.Expiry == nil || std.IssuedAt == nil:
		return fmt.Errorf("the token does not say when it ends and began")
	case std.Expiry.Time().Sub(std.IssuedAt.Time()) > MaxLife:
		return fmt.Errorf("the token lives for too long")
	case std.Subject == "" || own.Tenant == "" || own.Machine == "":
		return fmt.Errorf("the token does not name a user, a tenant and a machine")
	}
	return nil
}
