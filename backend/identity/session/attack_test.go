package session_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// none is a token without a signature.
func none(t *testing.T, claims map[string]any, header string) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
}

// publicBytes are the ways in which a public key may be mistaken for a shared secret.
func publicBytes(t *testing.T, public any) [][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := (&jose.JSONWebKey{Key: public, KeyID: "ec", Algorithm: "ES256", Use: "sig"}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{der, jwk}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestIDTokensThatAreRefused(t *testing.T) {
	s := newSite(t)
	f := s.foreign
	good := func() map[string]any { return f.claims("sub of "+mira, mira) }
	ec := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.key, KeyID: "ec"}}
	thief := newKey(t)
	now := time.Now()
	tokens := map[string]string{
		"empty":                     "x",
		"no token":                  "a.b.c",
		"alg none":                  none(t, good(), `{"alg":"none","typ":"JWT"}`),
		"alg None":                  none(t, good(), `{"alg":"None","kid":"ec"}`),
		"no alg":                    none(t, good(), `{"typ":"JWT"}`),
		"alg none with kid":         none(t, good(), `{"alg":"none","kid":"ec"}`),
		"another's key":             signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: thief, KeyID: "ec"}}, "JWT", good()),
		"an unknown kid":            signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: thief, KeyID: "new"}}, "JWT", good()),
		"a path as kid":             signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: thief, KeyID: "../../dev/null"}}, "JWT", good()),
		"an issuer we do not know":  f.sign(t, with(good(), "iss", "https://evil.test")),
		"an issuer with a slash":    f.sign(t, with(good(), "iss", f.url+"/")),
		"no issuer":                 f.sign(t, with(good(), "iss", nil)),
		"our own name":              f.sign(t, with(good(), "iss", s.url)),
		"the embedded one's name":   f.sign(t, with(with(good(), "iss", s.url+"/id"), "aud", clientID)),
		"another audience":          f.sign(t, with(good(), "aud", "another")),
		"no audience":               f.sign(t, with(good(), "aud", nil)),
		"two without azp":           f.sign(t, with(good(), "aud", []string{"their-client", "another"})),
		"another party":             f.sign(t, with(good(), "azp", "another")),
		"two with another azp":      f.sign(t, with(with(good(), "aud", []string{"their-client", "another"}), "azp", "another")),
		"expired":                   f.sign(t, with(good(), "exp", now.Add(-time.Minute).Unix())),
		"no expiry":                 f.sign(t, with(good(), "exp", nil)),
		"not yet":                   f.sign(t, with(good(), "nbf", now.Add(time.Hour).Unix())),
		"made long ago":             f.sign(t, with(good(), "iat", now.Add(-11*time.Minute).Unix())),
		"made in the future":        f.sign(t, with(good(), "iat", now.Add(10*time.Minute).Unix())),
		"never made":                f.sign(t, with(good(), "iat", nil)),
		"a NUL as subject":          f.sign(t, with(good(), "sub", "a\x00b")),
		"a NUL in the address":      f.sign(t, with(good(), "email", "a\x00b")),
		"no subject":                f.sign(t, with(good(), "sub", nil)),
		"no nonce":                  f.sign(t, with(good(), "nonce", nil)),
		"another nonce":             f.sign(t, with(good(), "nonce", "v")),
		"an empty nonce":            f.sign(t, with(good(), "nonce", "")),
		"claims that are no claims": signed(t, ec, "JWT", with(good(), "email", 5)),
		"two signatures":            f.sign(t, good()) + ".x",
	}
	for i, key := range append(publicBytes(t, f.key.Public()), publicBytes(t, f.rsa.Public())...) {
		tokens["HS256 with the public key "+string(rune('a'+i))] = signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: key, KeyID: "ec"}}, "JWT", good())
	}
	fine := f.sign(t, good())
	parts := strings.Split(fine, ".")
	tokens["changed"] = parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+f.url+`","sub":"x"}`)) + "." + parts[2]
	tokens["the signature cut off"] = parts[0] + "." + parts[1] + "."
	access := s.session(t, mira, "studio")
	tokens["an access token"] = access.Access
	tokens["a refresh token"] = access.Refresh
	for name, token := range tokens {
		got := s.exchange(t, token, "v", "m")
		if got.status != http.StatusBadRequest || got.Error != "invalid_grant" || got.Access != "" {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	if got := s.exchange(t, fine, "v", "m"); got.status != http.StatusOK {
		t.Errorf("the good one: %d %s", got.status, got.text)
	}
	if logged := s.logged.String(); strings.Contains(logged, parts[2]) || strings.Contains(logged, access.Refresh) {
		t.Error("a token is in the log")
	}
}

func TestAnIDTokenIsGoodOnce(t *testing.T) {
	s := newSite(t)
	token := s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira))
	won := make(chan bool, 6)
	var all sync.WaitGroup
	for range cap(won) {
		all.Go(func() { won <- s.exchange(t, token, "v", "studio").status == http.StatusOK })
	}
	all.Wait()
	close(won)
	wins := 0
	for win := range won {
		if win {
			wins++
		}
	}
	if wins != 1 {
		t.Errorf("%d exchanges won", wins)
	}
}

func TestAStolenIDTokenLacksItsVerifier(t *testing.T) {
	s := newSite(t)
	token := s.atTheProvider(t, mira, "a secret of the program")
	var claims struct {
		Nonce string `json:"nonce"`
	}
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	for _, guess := range []string{claims.Nonce, "x", "v"} {
		if got := s.exchange(t, token, guess, "thief"); got.Error != "invalid_grant" {
			t.Errorf("%q: %d %s", guess, got.status, got.text)
		}
	}
	if got := s.exchange(t, token, "a secret of the program", "studio"); got.status != http.StatusOK {
		t.Errorf("its own: %s", got.text)
	}
}

func TestAlgorithmsAreAllowed(t *testing.T) {
	s := newSite(t)
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: s.foreign.rsa, KeyID: "rsa"}}
	if got := s.exchange(t, signed(t, key, "JWT", s.foreign.claims("sub of "+mira, mira)), "v", "m"); got.status != http.StatusOK {
		t.Errorf("RS256: %s", got.text)
	}
	key.Algorithm = jose.PS256 // the issuer's own key, with an algorithm that was not allowed
	if got := s.exchange(t, signed(t, key, "JWT", s.foreign.claims("sub of "+mira, mira)), "v", "m"); got.Error != "invalid_grant" {
		t.Errorf("PS256: %d %s", got.status, got.text)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	s := newSite(t)
	base := func() url.Values {
		return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
			"subject_token": {s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira))}, "nonce_verifier": {"v"}, "machine_id": {"m"}}
	}
	change := func(name string, values ...string) url.Values {
		v := base()
		v[name] = values
		return v
	}
	for name, form := range map[string]url.Values{
		"nothing":            {},
		"no grant":           change("grant_type"),
		"password":           change("grant_type", "password"),
		"an access token":    change("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
		"no type":            change("subject_token_type"),
		"no token":           change("subject_token"),
		"two tokens":         change("subject_token", "a", "b"),
		"two machines":       change("machine_id", "a", "b"),
		"no machine":         change("machine_id"),
		"a path as machine":  change("machine_id", "../x"),
		"a long machine":     change("machine_id", strings.Repeat("m", 65)),
		"a machine with NUL": change("machine_id", "m\x00"),
		"no verifier":        change("nonce_verifier"),
		"a secret":           change("client_secret", "x"),
		"too much":           change("machine_name", strings.Repeat("x", 1<<20)),
		"no refresh token":   {"grant_type": {"refresh_token"}},
		"a long one":         {"grant_type": {"refresh_token"}, "refresh_token": {strings.Repeat("x", 60_000)}},
	} {
		if got := s.post(t, "/v1/token", form); got.status < 400 || got.status >= 500 || got.Access != "" {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	// What is in the address is not looked at: it would be in logs.
	query := base()
	if got := s.post(t, "/v1/token?"+query.Encode(), url.Values{}); got.Error != "unsupported_grant_type" {
		t.Errorf("in the address: %d %s", got.status, got.text)
	}
	if got := s.post(t, "/v1/token", change("machine_name", "a\x00b\n"+strings.Repeat("é", 200))); got.status != http.StatusOK {
		t.Errorf("a strange name: %s", got.text)
	}
}

// Access tokens that somebody else made, or that are no more.
func TestAccessTokensThatAreRefused(t *testing.T) {
	s := newSite(t)
	got := s.session(t, mira, "studio")
	key, err := s.keys.Signing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.verify(t, got.Access)
	if err != nil {
		t.Fatal(err)
	}
	var sid struct {
		Session string `json:"sid"`
	}
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(got.Access, ".")[1])
	if err := json.Unmarshal(text, &sid); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := map[string]any{"iss": s.url, "sub": p.User, "aud": []string{"api", "powersync"}, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		"tenant_id": p.Tenant, "machine_id": p.Machine, "sid": sid.Session}
	ours := jose.SigningKey{Algorithm: jose.ES256, Key: key}
	if _, err := s.verify(t, signed(t, ours, "at+jwt", good)); err != nil {
		t.Fatalf("the model of them all: %v", err)
	}
	thief := newKey(t)
	idKey := func(kid string) jose.SigningKey {
		return jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: thief, KeyID: kid}}
	}
	tokens := map[string]string{
		"":                      "",
		"no token":              "Bearer x",
		"alg none":              none(t, good, `{"alg":"none","typ":"at+jwt"}`),
		"alg none with our kid": none(t, good, `{"alg":"none","typ":"at+jwt","kid":"`+key.KeyID+`"}`),
		"an ID token's type":    signed(t, ours, "JWT", good),
		"no type":               signed(t, ours, "", good),
		"another's key":         signed(t, idKey(key.KeyID), "at+jwt", good),
		"an unknown kid":        signed(t, idKey("unknown"), "at+jwt", good),
		"no kid":                signed(t, jose.SigningKey{Algorithm: jose.ES256, Key: thief}, "at+jwt", good),
		"a path as kid":         signed(t, idKey("../../../etc/passwd"), "at+jwt", good),
		"another issuer":        signed(t, ours, "at+jwt", with(good, "iss", s.foreign.url)),
		"the provider's name":   signed(t, ours, "at+jwt", with(good, "iss", s.url+"/id")),
		"no issuer":             signed(t, ours, "at+jwt", with(good, "iss", nil)),
		"another audience":      signed(t, ours, "at+jwt", with(good, "aud", "another")),
		"no audience":           signed(t, ours, "at+jwt", with(good, "aud", nil)),
		"expired":               signed(t, ours, "at+jwt", with(with(good, "exp", now.Add(-2*time.Minute).Unix()), "iat", now.Add(-9*time.Minute).Unix())),
		"no expiry":             signed(t, ours, "at+jwt", with(good, "exp", nil)),
		"not yet":               signed(t, ours, "at+jwt", with(good, "nbf", now.Add(5*time.Minute).Unix())),
		"made in the future":    signed(t, ours, "at+jwt", with(good, "iat", now.Add(5*time.Minute).Unix())),
		"never made":            signed(t, ours, "at+jwt", with(good, "iat", nil)),
		"too long a life":       signed(t, ours, "at+jwt", with(good, "exp", now.Add(time.Hour).Unix())),
		"no tenant":             signed(t, ours, "at+jwt", with(good, "tenant_id", nil)),
		"no machine":            signed(t, ours, "at+jwt", with(good, "machine_id", nil)),
		"no user":               signed(t, ours, "at+jwt", with(good, "sub", nil)),
		"no session":            signed(t, ours, "at+jwt", with(good, "sid", nil)),
		"another tenant":        signed(t, ours, "at+jwt", with(good, "tenant_id", "other")),
		"another machine":       signed(t, ours, "at+jwt", with(good, "machine_id", "laptop")),
		"another user":          signed(t, ours, "at+jwt", with(good, "sub", "jo")),
		"another session":       signed(t, ours, "at+jwt", with(good, "sid", "x")),
		"an ID token":           s.foreign.sign(t, s.foreign.claims("sub of "+mira, mira)),
		"the provider's":        s.atTheProvider(t, mira, "v"),
		"a refresh token":       got.Refresh,
		"very long":             got.Access + strings.Repeat("x", 1<<20),
	}
	for i, public := range publicBytes(t, key.Public().Key) {
		tokens["HS256 with the public key "+string(rune('a'+i))] = signed(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: key.KeyID}}, "at+jwt", good)
	}
	tokens["its own key in the header"] = embedded(t, thief, good)
	for name, token := range tokens {
		if p, err := s.verify(t, token); backend.CodeOf(err) != backend.Unauthenticated {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// embedded is a token that brings its key along.
func embedded(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("at+jwt").WithHeader("jku", "https://evil.test/keys"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNothingSecretIsKept(t *testing.T) {
	s := newSite(t)
	id := s.atTheProvider(t, mira, "verifier")
	got := s.exchange(t, id, "verifier", "studio")
	for _, table := range []string{"families", "refresh_tokens", "exchanged", "links", "requests"} {
		var text string
		if err := s.pool.QueryRow(t.Context(), "SELECT coalesce(string_agg(x::text, ' '), '') FROM identity."+table+" x").Scan(&text); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{id, got.Access, got.Refresh, "verifier"} {
			if strings.Contains(text, secret) || strings.Contains(s.logged.String(), secret) {
				t.Errorf("%s or the log has %q", table, secret)
			}
		}
	}
	if _, err := identity.NewSecret([]byte("short")); err == nil {
		t.Error("a short secret is taken")
	}
}
