package httpapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/pgtest"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// server is the API on a real connection and a real database.
type server struct {
	url    string
	addr   string
	db     *pgtest.DB
	api    *httpapi.API
	store  *postgres.Store
	logged *logged
	key    *ecdsa.PrivateKey
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

const people = `
	INSERT INTO app.tenants VALUES ('acme', 'Acme');
	INSERT INTO app.users (tenant_id, id, email) VALUES ('acme', 'ann', 'a@x'), ('acme', 'bob', 'b@x')`

func newServer(t testing.TB, db *pgtest.DB, limits httpapi.Limits) *server {
	t.Helper()
	db.Exec(t, people)
	s := &server{db: db, logged: &logged{}}
	log := slog.New(slog.NewJSONHandler(s.logged, nil))
	var err error
	if s.store, err = postgres.Open(t.Context(), postgres.Config{DSN: db.DSN("app_api"), MaxConns: 8, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
	verifier, err := identity.NewVerifier(identity.Config{Keys: keys, Issuer: "https://id.test", Audience: "api"})
	if err != nil {
		t.Fatal(err)
	}
	s.api = httpapi.New(httpapi.Config{Store: s.store, Verifier: verifier, Log: log, Version: "1", Limits: limits, Sharing: s.store})
	s.serve(t)
	return s
}

// plenty lets tests ask as often as they like.
var plenty = httpapi.Limits{MachinePerSecond: 1e6, MachineBurst: 1e6, TenantPerSecond: 1e6, TenantBurst: 1e6, MachineAtOnce: 1e6}

func (s *server) serve(t testing.TB) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.url = ln.Addr().String(), "http://"+ln.Addr().String()
	done := make(chan error, 1)
	ctx := t.Context() // ends before Cleanup
	go func() { done <- s.api.Serve(ctx, ln, s.api, 0, 30*time.Second) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// token is one that the server accepts, for a user and his machine.
func (s *server) token(t testing.TB, user string) string { return s.tokenIn(t, "acme", user) }

func (s *server) tokenIn(t testing.TB, tenant, user string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: "k1"}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	text, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: "https://id.test", Subject: user, Audience: jwt.Audience{"api", "powersync"},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(10 * time.Minute))}).
		Claims(map[string]any{"tenant_id": tenant, "machine_id": user + "-pc"}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request sends one as ann and returns the status, the headers and the body.
func (s *server) request(t testing.TB, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(t, "ann"))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// push sends a body and wants a 200.
func (s *server) push(t testing.TB, body string, headers ...string) pushapi.Answer {
	t.Helper()
	response, text := s.request(t, "POST", "/v1/push", strings.NewReader(body), headers...)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, text)
	}
	var a pushapi.Answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// waitFor waits until a condition is met.
func waitFor(t *testing.T, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !met(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}
