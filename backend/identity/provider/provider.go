package provider

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
	"github.com/coditect-ai/coditect-sync/backend/identity/refresh"
)

// Config is what a Provider needs.
type Config struct {
	Pool      *pgxpool.Pool // of app_identity
	Keys      *keys.Ring    // of keys.ID
	Secret    identity.Secret
	Issuer    string   // its address: https, or http on loopback
	ClientID  string   // of the one client
	Callbacks []string // the paths on loopback that the client may be called back at
	Passwords *password.Hasher
	Post      backend.Post // sends letters for another password; nil: nobody does
	Log       *slog.Logger
	Now       func() time.Time // nil: time.Now

	// Forwarded says that a proxy of ours is in front, whose X-Forwarded-For tells where a request comes from.
	Forwarded bool
}

// How long things are good for.
const (
	idTokenLife = 5 * time.Minute
	signInLife  = 10 * time.Minute
	codeLife    = time.Minute
)

// Provider is the OpenID provider. It may be used concurrently.
type Provider struct {
	*op.Provider // its handlers are not used: they are more than we support
	c            Config
	issuer       *url.URL
	storage      *storage
	throttle     *throttle
	forgetful    chan string // addresses of who asked for another password
}

// New returns a Provider, or what is wrong with its configuration.
func New(c Config) (*Provider, error) {
	issuer, err := checkIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	if c.ClientID == "" || len(c.Callbacks) == 0 || c.Pool == nil || c.Keys == nil || c.Passwords == nil || c.Log == nil {
		return nil, backend.Errorf(backend.Invalid, "The identity provider needs a client, its callbacks, a database, keys, a hasher and a log.")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Provider{c: c, issuer: issuer, forgetful: make(chan string, 100), throttle: &throttle{pool: c.Pool, now: c.Now}}
	tokens := refresh.New(refresh.Config{Pool: c.Pool, Kind: refresh.Provider, Now: c.Now})
	p.storage = &storage{Config: c, refresh: tokens}
	seal, err := c.Secret.Derive("openid provider")
	if err != nil {
		return nil, err
	}
	config := &op.Config{CryptoKey: seal, CryptoKeyId: "1", CodeMethodS256: true, GrantTypeRefreshToken: true}
	p.Provider, err = op.NewProvider(config, p.storage, op.StaticIssuer(c.Issuer), op.WithAllowInsecure())
	return p, err
}

// checkIssuer takes an https address without query, or an http one of this machine alone.
func checkIssuer(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(u.Path, "/"):
		return nil, backend.Errorf(backend.Invalid, "The issuer %q is no address without user, query, fragment and slash at the end.", address)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, backend.Errorf(backend.Invalid, "The issuer %q must be https; http is for 127.0.0.1 and [::1] only.", address)
}

// isLoopback is for literal addresses: a name can be made to resolve to anything.
func isLoopback(host string) bool { return net.ParseIP(host).IsLoopback() }

// GrantTypeJWTAuthorizationSupported is overridden: zitadel's says yes.
func (p *Provider) GrantTypeJWTAuthorizationSupported() bool { return false }

// Run sends letters, and deletes what has expired, now and every few minutes, until ctx ends.
func (p *Provider) Run(ctx context.Context) {
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { p.write(ctx) })
	for {
		if err := p.storage.sweep(ctx); err != nil && ctx.Err() == nil {
			p.c.Log.Warn("expired sign-ins cannot be deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Minute):
		}
	}
}

// callback says whether a redirect address is the client's: http on a literal loopback address, any port, one of its paths,
// and nothing besides.
func (c *Config) callback(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return nil, false
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
		return nil, false
	}
	for _, path := range c.Callbacks {
		if plain := (&url.URL{Scheme: "http", Host: u.Host, Path: path}); address == plain.String() {
			return plain, true
		}
	}
	return nil, false
}

// ValidateAuthRequest makes zitadel's authorize ask us instead of itself. The redirect address was checked before.
func (p *Provider) ValidateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ op.Storage, _ *op.IDTokenHintVerifier) (string, error) {
	refuse := func(what string) (string, error) {
		return "", oidc.ErrInvalidRequest().WithDescription("%s", what)
	}
	if _, fine := p.c.callback(r.RedirectURI); !fine || r.ClientID != p.c.ClientID {
		return "", oidc.ErrInvalidRequestRedirectURI().WithDescription("unknown client or redirect_uri")
	}
	switch {
	case r.ResponseType != oidc.ResponseTypeCode:
		return "", &oidc.Error{ErrorType: "unsupported_response_type", Description: "response_type must be code"}
	case r.ResponseMode != "" && r.ResponseMode != oidc.ResponseModeQuery:
		return refuse("response_mode must be query")
	case r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || len(r.CodeChallenge) != 43:
		return refuse("PKCE with S256 is required")
	case r.State == "" || r.Nonce == "":
		return refuse("state and nonce are required")
	case !storable(r.State) || !storable(r.Nonce) || !storable(r.CodeChallenge):
		return refuse("state or nonce is too long, or no text")
	}
	return p.checkScopes(r)
}

// storable is text that PostgreSQL takes, and not much of it.
func storable(text string) bool {
	return len(text) <= 512 && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

func (p *Provider) checkScopes(r *oidc.AuthRequest) (string, error) {
	var known []string
	for _, scope := range scopes {
		for _, asked := range r.Scopes {
			if asked == scope {
				known = append(known, scope)
				break
			}
		}
	}
	r.Scopes = known
	if len(known) == 0 || known[0] != oidc.ScopeOpenID {
		return "", oidc.ErrInvalidScope().WithDescription("scope must have openid")
	}
	for _, prompt := range r.Prompt {
		if prompt == oidc.PromptNone {
			return "", oidc.ErrLoginRequired().WithDescription("every sign-in asks for the password")
		}
	}
	return "", nil
}

// scopes are those that mean something here; others are ignored, as RFC 6749 wants.
var scopes = []string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile, oidc.ScopeOfflineAccess}
