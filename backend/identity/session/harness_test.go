package session_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/accounts"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
	"github.com/coditect-ai/coditect-sync/backend/identity/provider"
	"github.com/coditect-ai/coditect-sync/backend/identity/session"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	clientID = "coditect-sync"
	mira     = "mira@lumen.works"
	jo       = "jo@lumen.works"
	secret   = "a long enough password"
)

// clock is the real time and what tests add to it.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// logged is everything that was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// site is sessions with the embedded provider and a foreign one, on real connections and a real database.
type site struct {
	clock
	url      string
	pool     *pgxpool.Pool
	keys     *keys.Ring // of access tokens
	accounts *accounts.Accounts
	sessions *session.Sessions
	idKeys   *keys.Ring // of the embedded provider
	foreign  *foreign
	logged   *logged
}

func newSite(t *testing.T, change ...func(*site, *session.Config)) *site {
	t.Helper()
	db := pgtest.New(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{url: "http://" + ln.Addr().String(), logged: &logged{}, foreign: newForeign(t)}
	if s.pool, err = pgxpool.New(t.Context(), db.DSN("app_identity")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	mux := http.NewServeMux()
	mux.Handle("/id/", s.embedded(t, db))
	mux.Handle("/", s.newSessions(t, change))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return s
}

func (s *site) ring(t *testing.T, purpose keys.Purpose) *keys.Ring {
	t.Helper()
	sealed, err := identity.NewSecret([]byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	ring := keys.New(keys.Config{Pool: s.pool, Secret: sealed, Purpose: purpose, Now: s.time})
	if err := ring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ring
}

// embedded is the provider and its people: mira and jo.
func (s *site) embedded(t *testing.T, db *pgtest.DB) http.Handler {
	t.Helper()
	hasher := password.NewHasher()
	var err error
	s.accounts, err = accounts.Open(t.Context(), accounts.Config{DSN: db.DSN("app_migrator"), Provider: s.url + "/id", Passwords: hasher})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.accounts.Close)
	if err := s.accounts.AddTenant(t.Context(), backend.Tenant{ID: "lumen", Name: "Lumen"}); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{mira, jo} {
		if _, err := s.accounts.AddUser(t.Context(), accounts.NewUser{Tenant: "lumen", Email: email, Password: secret}); err != nil {
			t.Fatal(err)
		}
	}
	sealed, err := identity.NewSecret([]byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s.idKeys = s.ring(t, keys.ID)
	p, err := provider.New(provider.Config{Pool: s.pool, Keys: s.idKeys, Secret: sealed, Issuer: s.url + "/id", ClientID: clientID,
		Callbacks: []string{"/callback"}, Passwords: hasher, Log: slog.New(slog.NewTextHandler(s.logged, nil)), Now: s.time})
	if err != nil {
		t.Fatal(err)
	}
	return p.Handler()
}

func (s *site) newSessions(t *testing.T, change []func(*site, *session.Config)) http.Handler {
	t.Helper()
	s.keys = s.ring(t, keys.Access)
	config := session.Config{Pool: s.pool, Keys: s.keys, URL: s.url, Log: slog.New(slog.NewTextHandler(s.logged, nil)), Now: s.time,
		Issuers: []session.Issuer{{URL: s.url + "/id", ClientID: clientID}, {URL: s.foreign.url, ClientID: "their-client", TrustEmail: true}}}
	for _, c := range change {
		c(s, &config)
	}
	var err error
	if s.sessions, err = session.New(config); err != nil {
		t.Fatal(err)
	}
	return s.sessions.Handler()
}

// foreign is an OpenID provider that knows nothing of us: it signs whatever a test wants.
type foreign struct {
	url string
	key *ecdsa.PrivateKey
	rsa *rsa.PrivateKey

	down atomic.Bool // it answers 503
}

func newForeign(t *testing.T) *foreign {
	t.Helper()
	f := &foreign{}
	var err error
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if f.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	reply := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if f.down.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", reply(map[string]any{"issuer": f.url, "jwks_uri": f.url + "/keys",
		"authorization_endpoint": f.url + "/a", "token_endpoint": f.url + "/t", "id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"}}))
	mux.HandleFunc("/keys", reply(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: f.key.Public(), KeyID: "ec", Algorithm: "ES256", Use: "sig"}, {Key: f.rsa.Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"}}}))
	return f
}

// claims are those of a good ID token for somebody, with a nonce verifier of "v".
func (f *foreign) claims(subject, email string) map[string]any {
	now := time.Now()
	return map[string]any{"iss": f.url, "sub": subject, "aud": "their-client", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"nonce": oauth2.S256ChallengeFromVerifier("v"), "email": email, "email_verified": true, "jti": rand.Text()}
}

// sign makes a token; without an algorithm ES256.
func (f *foreign) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	return signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.key, KeyID: "ec"}}, "JWT", claims)
}

func signed(t *testing.T, key jose.SigningKey, typ jose.ContentType, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(typ))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// with is a copy of claims with others; nil removes one.
func with(claims map[string]any, name string, value any) map[string]any {
	claims = maps.Clone(claims)
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	return claims
}

// reply is what the server answered.
type reply struct {
	status  int
	text    string
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Life    int    `json:"expires_in"`
	Error   string `json:"error"`
	User    string `json:"user_id"`
}

func (s *site) post(t *testing.T, path string, form url.Values) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{status: response.StatusCode, text: string(text)}
	_ = json.Unmarshal(text, &got) // it may be empty
	return got
}

// exchange asks for a session of an ID token.
func (s *site) exchange(t *testing.T, idToken, nonceVerifier, machine string) reply {
	t.Helper()
	return s.post(t, "/v1/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {idToken},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}, "nonce_verifier": {nonceVerifier}, "machine_id": {machine}, "machine_name": {machine + "'s"}})
}

func (s *site) renew(t *testing.T, token string) reply {
	t.Helper()
	return s.post(t, "/v1/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (s *site) verify(t *testing.T, access string) (backend.Principal, error) {
	t.Helper()
	verifier, err := s.sessions.Verifier(identity.AudienceAPI)
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Verify(t.Context(), access)
}

// session signs somebody in whom the foreign provider knows.
func (s *site) session(t *testing.T, email, machine string) reply {
	t.Helper()
	got := s.exchange(t, s.foreign.sign(t, s.foreign.claims("sub of "+email, email)), "v", machine)
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.text)
	}
	return got
}

var hidden = regexp.MustCompile(`name="request" value="([^"]+)"`)

// atTheProvider signs somebody in with the form of the embedded provider, as a program and a browser do.
func (s *site) atTheProvider(t *testing.T, email, nonceVerifier string) (idToken string) {
	t.Helper()
	discovered, err := oidc.NewProvider(t.Context(), s.url+"/id")
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: clientID, Endpoint: discovered.Endpoint(), RedirectURL: "http://127.0.0.1:4321/callback", Scopes: []string{"openid", "email"}}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	verifier := oauth2.GenerateVerifier()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != strings.TrimPrefix(s.url, "http://") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	response, err := browser.Get(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce(oauth2.S256ChallengeFromVerifier(nonceVerifier))))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	response, err = browser.PostForm(s.url+"/id/sign-in", url.Values{"request": {hidden.FindStringSubmatch(string(text))[1]}, "email": {email}, "password": {secret}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	sent, err := response.Location()
	if err != nil {
		t.Fatal(response.Status)
	}
	token, err := config.Exchange(context.WithoutCancel(t.Context()), sent.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	idToken, _ = token.Extra("id_token").(string)
	return idToken
}
