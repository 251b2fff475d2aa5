package provider_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/accounts"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
	"github.com/coditect-ai/coditect-sync/backend/identity/provider"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	clientID = "coditect-sync"
	callback = "http://127.0.0.1:53119/callback"
	mira     = "mira@lumen.works"
	secret   = "a long enough password"
)

// site is the provider on a real connection and a real database, with a user.
type site struct {
	issuer   string
	pool     *pgxpool.Pool
	keys     *keys.Ring
	accounts *accounts.Accounts
	logged   *logged

	mu  sync.Mutex
	off time.Duration // how far our clock is ahead
	at  time.Time     // where it stands, if it was stopped
}

func (s *site) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() {
		return s.at.Add(s.off)
	}
	return time.Now().Add(s.off)
}

// stop the clock, which goes on by later alone: a busy machine lets nobody wait for what they may not do yet.
func (s *site) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Now()
}

func (s *site) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off += d
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

func newSite(t *testing.T) *site {
	t.Helper()
	db := pgtest.New(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{issuer: "http://" + ln.Addr().String() + "/id", logged: &logged{}}
	if s.pool, err = pgxpool.New(t.Context(), db.DSN("app_identity")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	sealed, err := identity.NewSecret([]byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	hasher := password.NewHasher()
	s.addPeople(t, db, hasher)
	s.keys = keys.New(keys.Config{Pool: s.pool, Secret: sealed, Purpose: keys.ID, Now: s.time})
	if err := s.keys.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := provider.New(provider.Config{Pool: s.pool, Keys: s.keys, Secret: sealed, Issuer: s.issuer, ClientID: clientID,
		Callbacks: []string{"/callback"}, Passwords: hasher, Log: slog.New(slog.NewTextHandler(s.logged, nil)), Now: s.time})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return s
}

func (s *site) addPeople(t *testing.T, db *pgtest.DB, hasher *password.Hasher) {
	t.Helper()
	var err error
	s.accounts, err = accounts.Open(t.Context(), accounts.Config{DSN: db.DSN("app_migrator"), Provider: s.issuer, Passwords: hasher})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.accounts.Close)
	if err := s.accounts.AddTenant(t.Context(), backend.Tenant{ID: "lumen", Name: "Lumen"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.accounts.AddUser(t.Context(), accounts.NewUser{Tenant: "lumen", Email: mira, Name: "Mira", Password: secret}); err != nil {
		t.Fatal(err)
	}
}

// browser is one: it keeps cookies, and stops where the provider sends it to another site.
type browser struct {
	*http.Client
	site *site
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{site: s, Client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.issuer) {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a browser got.
type page struct {
	status int
	header http.Header
	at     *url.URL
	text   string
}

// sentTo is where the browser is sent with an answer for the program.
func (p *page) sentTo(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(p.header.Get("Location"))
	if err != nil || u.Host == "" {
		t.Fatalf("%d, sent to %q: %s", p.status, p.header.Get("Location"), p.text)
	}
	return u
}

func (b *browser) do(t *testing.T, r *http.Request) *page {
	t.Helper()
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &page{response.StatusCode, response.Header, response.Request.URL, string(text)}
}

func (b *browser) get(t *testing.T, address string) *page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, r)
}

func (b *browser) post(t *testing.T, address string, form url.Values, headers ...string) *page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(t, r)
}

var hidden = regexp.MustCompile(`name="request" value="([^"]+)"`)

// submit fills in the form that a page has.
func (b *browser) submit(t *testing.T, p *page, email, password string, headers ...string) *page {
	t.Helper()
	found := hidden.FindStringSubmatch(p.text)
	if found == nil {
		t.Fatalf("%d, no form: %s", p.status, p.text)
	}
	return b.post(t, b.site.issuer+"/sign-in", url.Values{"request": {found[1]}, "email": {email}, "password": {password}, "do": {"sign-in"}}, headers...)
}

// program is the client.
type program struct {
	config   oauth2.Config
	verifier string
	state    string
	nonce    string
	oidc     *oidc.Provider
}

func (s *site) program(t *testing.T, scopes ...string) *program {
	t.Helper()
	discovered, err := oidc.NewProvider(t.Context(), s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := discovered.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &program{oidc: discovered, verifier: oauth2.GenerateVerifier(), state: "a state", nonce: "a nonce",
		config: oauth2.Config{ClientID: clientID, Endpoint: endpoint, RedirectURL: callback, Scopes: append([]string{"openid", "email"}, scopes...)}}
}

func (p *program) start(options ...oauth2.AuthCodeOption) string {
	options = append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(p.verifier), oidc.Nonce(p.nonce)}, options...)
	return p.config.AuthCodeURL(p.state, options...)
}

// code signs mira in and returns the code.
func (p *program) code(t *testing.T, b *browser) string {
	t.Helper()
	sent := b.submit(t, b.get(t, p.start()), mira, secret).sentTo(t)
	if got := sent.Query(); got.Get("state") != p.state || got.Get("code") == "" || got.Get("iss") != b.site.issuer {
		t.Fatalf("sent to %s", sent)
	}
	return sent.Query().Get("code")
}

func (p *program) exchange(t *testing.T, code string, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	t.Helper()
	return p.config.Exchange(t.Context(), code, append([]oauth2.AuthCodeOption{oauth2.VerifierOption(p.verifier)}, options...)...)
}

func (p *program) signIn(t *testing.T, b *browser) *oauth2.Token {
	t.Helper()
	token, err := p.exchange(t, p.code(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// renew uses a refresh token.
func (p *program) renew(t *testing.T, refreshToken string) (*oauth2.Token, error) {
	t.Helper()
	return p.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}
