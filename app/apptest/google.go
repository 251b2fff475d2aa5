package apptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ScopeStorage is the right to Cloud Storage that the program asks for.
const ScopeStorage = "https://www.googleapis.com/auth/devstorage.read_write"

// Google is Google's sign-in on loopback: an OpenID provider that behaves as https://accounts.google.com does to a desktop
// program. A refresh token comes with access_type=offline and a consent, stays the same, and is over after Revoke; people may
// leave a right unticked, of which the token's scope tells; the client has a secret that is none.
//
// It lies in this: nobody types a password, one page asks for account and consent, and whoever comes is believed.
type Google struct {
	// URL is its issuer.
	URL string
	// Same gives a person the same refresh token at each sign-in, as other providers do. Set it before the first one.
	Same bool
	// Life is how long access tokens are good for. Change it before the first one.
	Life time.Duration

	faults

	key    *ecdsa.PrivateKey
	id     string
	secret string
	mux    *http.ServeMux

	state   sync.Mutex
	codes   map[string]googleAsk
	refresh map[string]googleRight
	access  map[string]googleAccess
}

// googleAsk is a sign-in whose person has agreed.
type googleAsk struct {
	account, redirect, challenge, nonce string
	scopes                              []string
	lasts                               bool
}

type googleRight struct {
	account string
	scopes  []string
}

type googleAccess struct {
	googleRight
	until time.Time
	of    string // the refresh token
}

// StartGoogle serves until the test ends.
func StartGoogle(t testing.TB) *Google {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	g := &Google{URL: "http://" + ln.Addr().String(), Life: 3599 * time.Second, key: key, faults: faults{closed: make(chan struct{})},
		id: "1234-" + strings.ToLower(rand.Text()[:12]) + ".apps.googleusercontent.com", secret: "GOCSPX-" + rand.Text()[:20], mux: http.NewServeMux(),
		codes: map[string]googleAsk{}, refresh: map[string]googleRight{}, access: map[string]googleAccess{}}
	g.mux.HandleFunc("GET /.well-known/openid-configuration", g.documents)
	g.mux.HandleFunc("GET /certs", g.certs)
	g.mux.HandleFunc("GET /o/oauth2/v2/auth", g.page)
	g.mux.HandleFunc("POST /o/oauth2/v2/auth", g.consent)
	g.mux.HandleFunc("POST /token", g.token)
	g.mux.HandleFunc("POST /revoke", g.end)
	web := &http.Server{Handler: g}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(ln) // ErrServerClosed, always
	}()
	t.Cleanup(func() {
		close(g.closed)
		_ = web.Close()
		<-done
	})
	return g
}

// ServeHTTP implements http.Handler.
func (g *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, ClassFree, g.mux.ServeHTTP, func(w http.ResponseWriter, status int, reason string) { oauthError(w, status, reason) })
}

// ClientFile writes the file of the OAuth client, as the Google Cloud console gives it, and returns its path.
func (g *Google) ClientFile(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "client_secret.json")
	text := fmt.Sprintf(`{"installed":{"client_id":%q,"project_id":"coditect","auth_uri":%q,"token_uri":%q,"client_secret":%q,"redirect_uris":["http://localhost"]}}`,
		g.id, g.URL+"/o/oauth2/auth", g.URL+"/token", g.secret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Secret is the client's.
func (g *Google) Secret() string { return g.secret }

// Knows tells whether a token opens the storage now.
func (g *Google) Knows(token string) bool {
	g.state.Lock()
	defer g.state.Unlock()
	a, ok := g.access[token]
	return ok && time.Now().Before(a.until) && slices.Contains(a.scopes, ScopeStorage)
}

// Expire ends the access tokens, as time does.
func (g *Google) Expire() {
	g.state.Lock()
	defer g.state.Unlock()
	clear(g.access)
}

// Revoke ends what an account has allowed, as its person can at Google.
func (g *Google) Revoke(account string) {
	g.state.Lock()
	defer g.state.Unlock()
	for token, r := range g.refresh {
		if r.account == account {
			delete(g.refresh, token)
		}
	}
	for token, a := range g.access {
		if a.account == account {
			delete(g.access, token)
		}
	}
}

// Grants is how many sign-ins last at the moment.
func (g *Google) Grants() int {
	g.state.Lock()
	defer g.state.Unlock()
	return len(g.refresh)
}

func (g *Google) documents(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]any{
		"issuer": g.URL, "authorization_endpoint": g.URL + "/o/oauth2/v2/auth", "token_endpoint": g.URL + "/token", "jwks_uri": g.URL + "/certs",
		"revocation_endpoint": g.URL + "/revoke", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"plain", "S256"},
	})
}

func (g *Google) certs(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: g.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
}

var googlePage = template.Must(template.New("page").Parse(`<!doctype html><html lang="en"><title>Sign in</title>
<form method="post"><h1>A stand-in for Google</h1>
<label>Account <input name="account" type="email" value="{{.}}"></label>
<label><input name="storage" type="checkbox" value="yes" checked> See and change your Cloud Storage</label>
<button name="do" value="allow">Allow</button><button name="do" value="deny">Cancel</button></form></html>`))

// ask reads what a program wants, and what is wrong with that.
func (g *Google) ask(q url.Values) (ask googleAsk, wrong string) {
	redirect, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != g.id:
		wrong = "invalid_client"
	case err != nil || redirect.Scheme != "http" || redirect.Hostname() != "127.0.0.1" || redirect.RawQuery != "":
		wrong = "redirect_uri_mismatch"
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") == "" || q.Get("nonce") == "":
		wrong = "invalid_request"
	}
	return googleAsk{redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), scopes: strings.Fields(q.Get("scope")),
		lasts: q.Get("access_type") == "offline" && slices.Contains(strings.Fields(q.Get("prompt")), "consent")}, wrong
}

func (g *Google) page(w http.ResponseWriter, r *http.Request) {
	if _, wrong := g.ask(r.URL.Query()); wrong != "" {
		http.Error(w, "Error 400: "+wrong, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = googlePage.Execute(w, r.URL.Query().Get("login_hint")) // the browser is gone, or has it
}

func (g *Google) consent(w http.ResponseWriter, r *http.Request) {
	ask, wrong := g.ask(r.URL.Query())
	if wrong != "" {
		http.Error(w, "Error 400: "+wrong, http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {r.URL.Query().Get("state")}}
	if r.FormValue("do") == "deny" {
		answer.Set("error", "access_denied")
	} else {
		ask.account = r.FormValue("account")
		if r.FormValue("storage") == "" {
			ask.scopes = slices.DeleteFunc(ask.scopes, func(s string) bool { return s == ScopeStorage })
		}
		code := "4/" + rand.Text()
		g.state.Lock()
		g.codes[code] = ask
		g.state.Unlock()
		answer.Set("code", code)
		answer.Set("scope", strings.Join(ask.scopes, " "))
	}
	http.Redirect(w, r, ask.redirect+"?"+answer.Encode(), http.StatusFound)
}

func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("client_id") != g.id || r.PostFormValue("client_secret") != g.secret {
		oauthError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	g.state.Lock()
	defer g.state.Unlock()
	reply := map[string]any{"token_type": "Bearer", "expires_in": int(g.Life.Seconds())}
	token := r.PostFormValue("refresh_token")
	right, known := g.refresh[token]
	if r.PostFormValue("grant_type") == "authorization_code" {
		var ask googleAsk
		code := r.PostFormValue("code")
		ask, known = g.codes[code]
		delete(g.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		known = known && base64.RawURLEncoding.EncodeToString(sum[:]) == ask.challenge && r.PostFormValue("redirect_uri") == ask.redirect
		right = googleRight{ask.account, ask.scopes}
		if known && ask.lasts {
			if token = "1//" + rand.Text(); g.Same {
				token = "1//of-" + ask.account
			}
			g.refresh[token], reply["refresh_token"] = right, token
		}
		reply["id_token"] = g.idToken(ask)
	}
	if !known {
		oauthError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	access := "ya29." + rand.Text()
	g.access[access] = googleAccess{right, time.Now().Add(g.Life), token}
	reply["access_token"], reply["scope"] = access, strings.Join(right.scopes, " ")
	answerJSON(w, http.StatusOK, reply)
}

func (g *Google) idToken(ask googleAsk) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: g.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err) // a key of ours
	}
	now := time.Now()
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": g.URL, "aud": g.id, "azp": g.id, "sub": fmt.Sprintf("%x", sha256.Sum256([]byte(ask.account)))[:21], "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"email": ask.account, "email_verified": true, "nonce": ask.nonce,
	}).Serialize()
	if err != nil {
		panic(err)
	}
	return text
}

// end is revocation: of a refresh token with its access tokens, or of an access token with its refresh token.
func (g *Google) end(w http.ResponseWriter, r *http.Request) {
	g.state.Lock()
	defer g.state.Unlock()
	token := r.PostFormValue("token")
	if a, ok := g.access[token]; ok {
		token = a.of
	}
	if _, ok := g.refresh[token]; !ok {
		oauthError(w, http.StatusBadRequest, "invalid_token")
		return
	}
	delete(g.refresh, token)
	for access, a := range g.access {
		if a.of == token {
			delete(g.access, access)
		}
	}
}

func oauthError(w http.ResponseWriter, status int, code string) {
	answerJSON(w, status, map[string]string{"error": code, "error_description": "Bad Request"})
}

func answerJSON(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // the client is gone, or has it
}
