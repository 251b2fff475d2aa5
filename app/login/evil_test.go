package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// evil is a server with an identity provider on loopback that behave, but for what a test changes. The real ones, which are
// in the other tests, cannot be made to misbehave.
type evil struct {
	*httptest.Server
	key       *ecdsa.PrivateKey
	metadata  map[string]any // of the server
	discovery map[string]any // of the provider
	published jose.JSONWebKeySet
	claims    map[string]any // of the ID token, over the usual ones; nil removes one
	sign      func(claims map[string]any) string
	token     func(w http.ResponseWriter, r *http.Request) bool // true: answered
	grant     map[string]any
	nonce     string
	asked     map[string]int
	forms     map[string]url.Values
}

func newEvil(t *testing.T) *evil {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := &evil{key: key, claims: map[string]any{}, asked: map[string]int{}, forms: map[string]url.Values{}}
	mux := http.NewServeMux()
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		e.asked[r.URL.Path]++
		e.forms[r.URL.Path] = r.Form
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(e.Close)
	e.metadata = map[string]any{"issuer": e.URL, "sign_in": []any{map[string]string{"issuer": e.URL + "/id", "client_id": "desk"}}}
	e.discovery = map[string]any{"issuer": e.URL + "/id", "authorization_endpoint": e.URL + "/id/authorize", "token_endpoint": e.URL + "/id/token",
		"jwks_uri": e.URL + "/id/keys", "id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true}
	e.published = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
	e.sign = func(claims map[string]any) string { return signed(t, jose.ES256, key, "k1", claims) }
	e.grant = map[string]any{"access_token": "a.b.c", "refresh_token": "csr_evil", "expires_in": 600, "machine_id": "studio", "user_id": "mira"}
	serveJSON := func(path string, what func() any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(what())
		})
	}
	serveJSON("/.well-known/oauth-authorization-server", func() any { return e.metadata })
	serveJSON("/id/.well-known/openid-configuration", func() any { return e.discovery })
	serveJSON("/id/keys", func() any { return e.published })
	serveJSON("/v1/token", func() any { return e.grant })
	mux.HandleFunc("/id/authorize", e.authorize)
	mux.HandleFunc("/id/token", func(w http.ResponseWriter, r *http.Request) {
		if e.token != nil && e.token(w, r) {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": e.sign(e.idClaims())})
	})
	return e
}

// authorize signs everybody in at once.
func (e *evil) authorize(w http.ResponseWriter, r *http.Request) {
	e.nonce = r.Form.Get("nonce")
	back := r.Form.Get("redirect_uri") + "?" + url.Values{"code": {"c0de"}, "state": {r.Form.Get("state")}, "iss": {e.URL + "/id"}}.Encode()
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (e *evil) idClaims() map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{"iss": e.URL + "/id", "aud": "desk", "sub": "mira", "iat": now, "exp": now + 300, "nonce": e.nonce, "email": "mira@evil.test"}
	for name, value := range e.claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
