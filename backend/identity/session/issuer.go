package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
)

// Issuer is an OpenID provider whose ID tokens are taken.
type Issuer struct {
	URL        string
	ClientID   string
	Algorithms []string    // empty: RS256, ES256, EdDSA
	Keys       oidc.KeySet // nil: those that it publishes
	// TrustEmail links people by the verified address that the issuer says they have.
	TrustEmail bool
	Tenant     string // whose people sign in there; empty: any tenant's
}

var usual = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

// maxAge is how old an ID token may be when it is exchanged: it comes straight from the issuer.
const maxAge = 10 * time.Minute

// issuer verifies one issuer's ID tokens. What the issuer publishes is read when the first one comes.
type issuer struct {
	Issuer
	now func() time.Time
	web watched

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

func (c *Config) issuers() (map[string]*issuer, error) {
	all := map[string]*issuer{}
	for _, i := range c.Issuers {
		if i.URL == "" || i.ClientID == "" || all[i.URL] != nil {
			return nil, backend.Errorf(backend.Invalid, "Issuer %q needs an address of its own and a client id.", i.URL)
		}
		if len(i.Algorithms) == 0 {
			i.Algorithms = usual
		}
		for _, algorithm := range i.Algorithms {
			if !asymmetric(algorithm) {
				return nil, backend.Errorf(backend.Invalid, "Issuer %q must not sign with %q.", i.URL, algorithm)
			}
		}
		all[i.URL] = &issuer{Issuer: i, now: c.Now}
	}
	return all, nil
}

// asymmetric is for algorithms whose keys can be published.
func asymmetric(algorithm string) bool {
	return slices.Contains([]string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}, algorithm)
}

// errToken is an ID token that is not taken.
var errToken = errors.New("the ID token is not valid, or not for this server")

// errAway is an issuer that cannot be asked for its keys now.
var errAway = errors.New("the issuer does not answer")

// person is whom an ID token names.
type person struct {
	issuer    *issuer
	subject   string
	email     string // empty, or verified
	signedIn  time.Time
	expires   time.Time
	mentioned string // the nonce
}

// verify returns whom a raw ID token names.
func (s *Sessions) verify(ctx context.Context, raw, nonceVerifier string) (person, error) {
	i := s.issuers[issuerOf(raw)]
	if i == nil {
		return person{}, fmt.Errorf("%w: its issuer is not one of ours", errToken)
	}
	verifier, err := i.ready(ctx)
	if err != nil {
		return person{}, err
	}
	failures := i.web.failures.Load()
	token, err := verifier.Verify(ctx, raw)
	if err != nil && i.web.failures.Load() > failures { // go-oidc does not tell why it has no key
		return person{}, fmt.Errorf("%w: %w", errAway, err)
	}
	if err != nil {
		return person{}, fmt.Errorf("%w: %w", errToken, err)
	}
	p, err := i.person(token)
	if err == nil && !matches(p.mentioned, nonceVerifier) {
		err = fmt.Errorf("%w: its nonce is not that of this request", errToken)
	}
	return p, err
}

// issuerOf is what an unverified token says; it only chooses who verifies it.
func issuerOf(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// ready returns the verifier, after asking the issuer where its keys are for the first time.
func (i *issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	config := &oidc.Config{ClientID: i.ClientID, SupportedSigningAlgs: i.Algorithms, Now: i.now}
	if i.Keys != nil {
		i.verifier = oidc.NewVerifier(i.URL, counted{i.Keys, &i.web}, config)
		return i.verifier, nil
	}
	// The provider keeps the context for fetching keys later, so it must not end with this request.
	discovered, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), i.web.client()), i.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	i.verifier = discovered.Verifier(config)
	return i.verifier, nil
}

// person checks what go-oidc leaves to its callers.
func (i *issuer) person(t *oidc.IDToken) (person, error) {
	var claims struct {
		Email    string          `json:"email"`
		Verified json.RawMessage `json:"email_verified"` // some send a string
		Party    string          `json:"azp"`
		AuthTime int64           `json:"auth_time"`
	}
	if err := t.Claims(&claims); err != nil {
		return person{}, fmt.Errorf("%w: %w", errToken, err)
	}
	switch age := i.now().Sub(t.IssuedAt); {
	case t.Subject == "" || !storable(t.Subject) || !storable(claims.Email):
		return person{}, fmt.Errorf("%w: it names nobody", errToken)
	case len(t.Audience) > 1 && claims.Party == "", claims.Party != "" && claims.Party != i.ClientID:
		return person{}, fmt.Errorf("%w: it is another party's", errToken)
	case age > maxAge || age < -time.Minute:
		return person{}, fmt.Errorf("%w: it was made %s ago", errToken, age.Round(time.Second))
	}
	p := person{issuer: i, subject: t.Subject, signedIn: t.IssuedAt, expires: t.Expiry, mentioned: t.Nonce}
	if text := string(claims.Verified); text == "true" || text == `"true"` {
		p.email = claims.Email
	}
	return p, nil
}

// storable is text that PostgreSQL takes.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0) && len(text) <= 1024
}

// matches says whether a nonce is the S256 of its verifier.
func matches(nonce, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return verifier != "" && subtle.ConstantTimeCompare([]byte(nonce), []byte(want)) == 1
}

// counted counts when keys of our own could not be read.
type counted struct {
	oidc.KeySet
	web *watched
}

// VerifySignature asks the keys.
func (c counted) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	body, err := c.KeySet.VerifySignature(ctx, token)
	if errors.Is(err, keys.ErrAway) {
		c.web.failures.Add(1)
	}
	return body, err
}

// watched fetches an issuer's documents, which are small, and counts how often that failed.
type watched struct{ failures atomic.Int64 }

const maxDocument = 1 << 20

func (w *watched) client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: w}
}

// RoundTrip makes a request.
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.failures.Add(1)
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		w.failures.Add(1)
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxDocument), response.Body}
	return response, nil
}

// Reach asks an issuer where its keys are, and says what is wrong.
func Reach(ctx context.Context, i Issuer) error {
	_, err := (&issuer{Issuer: i, now: time.Now}).ready(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", i.URL, err)
	}
	return nil
}
