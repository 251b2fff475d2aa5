package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/identity"
)

// issuer has a key of each kind, and one that is not in the set.
type issuer struct {
	ec, strange *ecdsa.PrivateKey
	ed          ed25519.PrivateKey
	now         time.Time
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{now: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)}
	var errs [3]error
	i.ec, errs[0] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	i.strange, errs[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, i.ed, errs[2] = ed25519.GenerateKey(rand.Reader)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func (i *issuer) verifier(t *testing.T) *identity.Verifier {
	t.Helper()
	v, err := identity.NewVerifier(identity.Config{Issuer: "https://id.test", Audience: "api", Now: func() time.Time { return i.now },
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: i.ec.Public(), KeyID: "ec", Algorithm: "ES256"}, {Key: i.ed.Public(), KeyID: "ed", Algorithm: "EdDSA"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// claims are those of a good token.
func (i *issuer) claims() map[string]any {
	return map[string]any{"iss": "https://id.test", "sub": "ann", "aud": []string{"api", "powersync"}, "tenant_id": "acme", "machine_id": "pc",
		"iat": i.now.Unix(), "exp": i.now.Add(10 * time.Minute).Unix()}
}

// sign makes a token; header changes its header.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any, header ...func(*jose.SignerOptions)) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("at+jwt")
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	for _, change := range header {
		change(options)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGoodTokens(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	for alg, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.ES256: i.ec, jose.EdDSA: i.ed} {
		kid := map[jose.SignatureAlgorithm]string{jose.ES256: "ec", jose.EdDSA: "ed"}[alg]
		p, err := v.Verify(t.Context(), sign(t, alg, key, kid, i.claims()))
		want := backend.Principal{Tenant: "acme", User: "ann", Machine: "pc", Expires: i.now.Add(10 * time.Minute)}
		if err != nil || p.Tenant != want.Tenant || p.User != want.User || p.Machine != want.Machine || !p.Expires.Equal(want.Expires) {
			t.Errorf("%s: %+v %v", alg, p, err)
		}
	}
}

func TestBadTokens(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	with := func(name string, value any) map[string]any {
		c := i.claims()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	at := func(d time.Duration) int64 { return i.now.Add(d).Unix() }
	good := sign(t, jose.ES256, i.ec, "ec", i.claims())
	parts := strings.Split(good, ".")
	public, err := json.Marshal(i.ec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"none":                    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"ec"}`)) + "." + parts[1] + ".",
		"nothing":                 "",
		"no signature":            parts[0] + "." + parts[1] + ".",
		"another signature":       parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"other claims":            parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"eve"}`)) + "." + parts[2],
		"HMAC with a public key":  sign(t, jose.HS256, public, "ec", i.claims()),
		"a strange key":           sign(t, jose.ES256, i.strange, "ec", i.claims()),
		"an unknown kid":          sign(t, jose.ES256, i.ec, "other", i.claims()),
		"no kid":                  sign(t, jose.ES256, i.ec, "", i.claims()),
		"the kid of another kind": sign(t, jose.ES256, i.ec, "ed", i.claims()),
		"its own key inside": sign(t, jose.ES256, i.strange, "ec", i.claims(), func(o *jose.SignerOptions) {
			o.EmbedJWK = true
		}),
		"a key from elsewhere": sign(t, jose.ES256, i.strange, "ec", i.claims(), func(o *jose.SignerOptions) {
			o.WithHeader("jku", "https://evil.test/jwks.json").WithHeader("x5u", "https://evil.test/x5u")
		}),
		"an ID token":       sign(t, jose.ES256, i.ec, "ec", i.claims(), func(o *jose.SignerOptions) { o.WithType("JWT") }),
		"another issuer":    sign(t, jose.ES256, i.ec, "ec", with("iss", "https://evil.test")),
		"no issuer":         sign(t, jose.ES256, i.ec, "ec", with("iss", nil)),
		"another audience":  sign(t, jose.ES256, i.ec, "ec", with("aud", "powersync")),
		"no audience":       sign(t, jose.ES256, i.ec, "ec", with("aud", nil)),
		"expired":           sign(t, jose.ES256, i.ec, "ec", with("exp", at(-61*time.Second))),
		"no end":            sign(t, jose.ES256, i.ec, "ec", with("exp", nil)),
		"no begin":          sign(t, jose.ES256, i.ec, "ec", with("iat", nil)),
		"from the future":   sign(t, jose.ES256, i.ec, "ec", with("iat", at(2*time.Minute))),
		"not yet":           sign(t, jose.ES256, i.ec, "ec", with("nbf", at(2*time.Minute))),
		"a day long":        sign(t, jose.ES256, i.ec, "ec", with("exp", at(24*time.Hour))),
		"no user":           sign(t, jose.ES256, i.ec, "ec", with("sub", nil)),
		"no tenant":         sign(t, jose.ES256, i.ec, "ec", with("tenant_id", nil)),
		"no machine":        sign(t, jose.ES256, i.ec, "ec", with("machine_id", nil)),
		"a tenant of lists": sign(t, jose.ES256, i.ec, "ec", with("tenant_id", []string{"acme"})),
	}
	for name, token := range tokens {
		p, err := v.Verify(t.Context(), token)
		if err == nil || p != (backend.Principal{}) || backend.CodeOf(err) != backend.Unauthenticated {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Error(err)
	}
}

func TestConfigurationsThatAcceptTooMuch(t *testing.T) {
	i := newIssuer(t)
	good := jose.JSONWebKey{Key: i.ec.Public(), KeyID: "ec", Algorithm: "ES256"}
	for name, change := range map[string]func(*identity.Config){
		"no issuer":     func(c *identity.Config) { c.Issuer = "" },
		"no audience":   func(c *identity.Config) { c.Audience = "" },
		"no keys":       func(c *identity.Config) { c.Keys.Keys = nil },
		"a private key": func(c *identity.Config) { c.Keys.Keys[0].Key = i.ec },
		"a shared key":  func(c *identity.Config) { c.Keys.Keys[0].Key, c.Keys.Keys[0].Algorithm = []byte("x"), "HS256" },
		"no kid":        func(c *identity.Config) { c.Keys.Keys[0].KeyID = "" },
		"no alg":        func(c *identity.Config) { c.Keys.Keys[0].Algorithm = "" },
	} {
		c := identity.Config{Issuer: "i", Audience: "a", Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{good}}}
		change(&c)
		if _, err := identity.NewVerifier(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
