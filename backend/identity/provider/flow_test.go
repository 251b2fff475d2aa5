package provider_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func TestSigningInGivesAnIDToken(t *testing.T) {
	s := newSite(t)
	p := s.program(t, "profile")
	token := p.signIn(t, s.browser(t))
	raw, _ := token.Extra("id_token").(string)
	id, err := p.oidc.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email    string   `json:"email"`
		Verified bool     `json:"email_verified"`
		Name     string   `json:"name"`
		AMR      []string `json:"amr"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Nonce != p.nonce || id.Subject == "" || claims.Email != mira || !claims.Verified || claims.Name != "Mira" || !slices.Equal(claims.AMR, []string{"pwd"}) {
		t.Errorf("%+v %+v", id, claims)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	if token.RefreshToken != "" {
		t.Error("a refresh token that nobody asked for")
	}
	if life := id.Expiry.Sub(id.IssuedAt); life > 5*time.Minute {
		t.Errorf("it lives for %s", life)
	}
}

// refusal is the error code of an OAuth answer.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		t.Fatalf("not refused: %v", err)
	}
	return refused.ErrorCode
}

func TestACodeNeedsItsVerifierAndIsGoodOnce(t *testing.T) {
	s := newSite(t)
	p := s.program(t, "offline_access")
	b := s.browser(t)
	for name, options := range map[string][]oauth2.AuthCodeOption{
		"wrong verifier": {oauth2.VerifierOption(oauth2.GenerateVerifier())},
		"no verifier":    {oauth2.SetAuthURLParam("code_verifier", "")},
		"other callback": {oauth2.SetAuthURLParam("redirect_uri", "http://127.0.0.1:1/callback")},
	} {
		code := p.code(t, b)
		_, err := p.exchange(t, code, options...)
		t.Logf("%s: %s", name, refusal(t, err))
		if _, err := p.exchange(t, code); err == nil {
			t.Errorf("%s: the code is still good", name)
		}
	}
	code := p.code(t, b)
	another := *p
	another.config.ClientID = "another"
	if _, err := another.exchange(t, code); refusal(t, err) != "invalid_client" {
		t.Errorf("another client: %v", err)
	}
	code = p.code(t, b)
	s.later(61 * time.Second)
	if _, err := p.exchange(t, code); refusal(t, err) != "invalid_grant" {
		t.Errorf("an old code: %v", err)
	}
	if _, err := p.exchange(t, "a code that never was"); refusal(t, err) != "invalid_grant" {
		t.Errorf("no code: %v", err)
	}
}

func TestAReplayedCodeEndsWhatItStarted(t *testing.T) {
	s := newSite(t)
	p := s.program(t, "offline_access")
	code := p.code(t, s.browser(t))
	token, err := p.exchange(t, code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.exchange(t, code); refusal(t, err) != "invalid_grant" {
		t.Error(err)
	}
	if _, err := p.renew(t, token.RefreshToken); refusal(t, err) != "invalid_grant" {
		t.Errorf("the refresh token is still good: %v", err)
	}
	if strings.Contains(s.logged.String(), code) || strings.Contains(s.logged.String(), token.RefreshToken) {
		t.Error("a secret is in the log")
	}
}

func TestOneOfManyExchangesOfACodeWins(t *testing.T) {
	s := newSite(t)
	p := s.program(t)
	code := p.code(t, s.browser(t))
	won := make(chan bool, 8)
	var all sync.WaitGroup
	for range cap(won) {
		all.Go(func() {
			_, err := p.exchange(t, code)
			won <- err == nil
		})
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

func TestRefreshTokensRotate(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t, "offline_access"), s.browser(t)
	first, other := p.signIn(t, b), s.program(t, "offline_access").signIn(t, s.browser(t))
	second, err := p.renew(t, first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatal(err)
	}
	if raw, _ := second.Extra("id_token").(string); raw == "" {
		t.Error("no new ID token")
	}
	if _, err := p.renew(t, first.RefreshToken); err != nil {
		t.Errorf("a race within the grace: %v", err)
	}
	s.later(21 * time.Second)
	if _, err := p.renew(t, first.RefreshToken); refusal(t, err) != "invalid_grant" {
		t.Error(err)
	}
	if _, err := p.renew(t, second.RefreshToken); refusal(t, err) != "invalid_grant" {
		t.Errorf("the family goes on: %v", err)
	}
	if _, err := p.renew(t, other.RefreshToken); err != nil {
		t.Errorf("the other machine: %v", err)
	}
}

func TestRevocation(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t, "offline_access"), s.browser(t)
	token := p.signIn(t, b)
	for _, form := range []url.Values{
		{"token": {token.AccessToken}, "client_id": {clientID}},
		{"token": {"no token at all"}, "client_id": {clientID}},
		{"token": {"csr_unknown"}, "client_id": {clientID}, "token_type_hint": {"refresh_token"}},
	} {
		if got := b.post(t, s.issuer+"/revoke", form); got.status != http.StatusOK {
			t.Errorf("%v: %d %s", form, got.status, got.text)
		}
	}
	if got := b.post(t, s.issuer+"/revoke", url.Values{"token": {token.RefreshToken}, "client_id": {"another"}}); got.status == http.StatusOK {
		t.Error("another client may revoke")
	}
	renewed, err := p.renew(t, token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.post(t, s.issuer+"/revoke", url.Values{"token": {renewed.RefreshToken}, "client_id": {clientID}}); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
	if _, err := p.renew(t, renewed.RefreshToken); refusal(t, err) != "invalid_grant" {
		t.Error(err)
	}
}

func TestWhoIsDisabledGetsNothingMore(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t, "offline_access"), s.browser(t)
	token := p.signIn(t, b)
	code := p.code(t, b)
	if err := s.accounts.SetDisabled(t.Context(), "lumen", mira, true); err != nil {
		t.Fatal(err)
	}
	if _, err := p.renew(t, token.RefreshToken); refusal(t, err) != "invalid_grant" {
		t.Errorf("refresh: %v", err)
	}
	if _, err := p.exchange(t, code); refusal(t, err) != "invalid_grant" {
		t.Errorf("code: %v", err)
	}
	if got := b.submit(t, b.get(t, p.start()), mira, secret); got.status != http.StatusUnprocessableEntity {
		t.Errorf("signed in: %d", got.status)
	}
	if err := s.accounts.SetDisabled(t.Context(), "lumen", mira, false); err != nil {
		t.Fatal(err)
	}
	p.signIn(t, b)
}

func TestDiscoveryTellsWhatIsThere(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	got := b.get(t, s.issuer+"/.well-known/openid-configuration")
	var said map[string]any
	if err := json.Unmarshal([]byte(got.text), &said); err != nil {
		t.Fatal(err)
	}
	for key, value := range said {
		if address, _ := value.(string); strings.HasSuffix(key, "_endpoint") || key == "jwks_uri" {
			if got := b.get(t, address); got.status == http.StatusNotFound || got.status >= 500 {
				t.Errorf("%s is said to be at %s", key, address)
			}
		}
	}
	for key, want := range map[string]string{"grant_types_supported": "[authorization_code refresh_token urn:ietf:params:oauth:grant-type:device_code]", "code_challenge_methods_supported": "[S256]",
		"response_types_supported": "[code]", "token_endpoint_auth_methods_supported": "[none]", "id_token_signing_alg_values_supported": "[ES256]",
		"authorization_response_iss_parameter_supported": "true", "issuer": s.issuer} {
		if got := sprint(said[key]); got != want {
			t.Errorf("%s is %s", key, got)
		}
	}
	for _, path := range []string{"/userinfo", "/oauth/introspect", "/introspect", "/end_session", "/authorize/callback", "/oauth/token", "/ready", "/healthz"} {
		if got := b.get(t, s.issuer+path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestGrantsThatAreNotOurs(t *testing.T) {
	s := newSite(t)
	b := s.browser(t)
	for _, grant := range []string{"password", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code", "implicit", ""} {
		got := b.post(t, s.issuer+"/token", url.Values{"grant_type": {grant}, "client_id": {clientID}, "username": {mira}, "password": {secret},
			"assertion": {"e30.e30."}, "subject_token": {"x"}, "device_code": {"x"}})
		if got.status < 400 || strings.Contains(got.text, "access_token") {
			t.Errorf("%q: %d %s", grant, got.status, got.text)
		}
	}
}

func TestOldIDTokensVerifyAfterARotation(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t), s.browser(t)
	verify := func(token *oauth2.Token) error {
		raw, _ := token.Extra("id_token").(string)
		fresh, err := oidc.NewProvider(t.Context(), s.issuer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fresh.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
		return err
	}
	old := p.signIn(t, b)
	s.later(29*24*time.Hour + 12*time.Hour) // the second key is announced
	if err := s.keys.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.later(25 * time.Hour) // and signs; the first is still published
	young := p.signIn(t, b)
	if err := errors.Join(verify(old), verify(young)); err != nil {
		t.Error(err)
	}
	if kid(t, old) == kid(t, young) {
		t.Error("there was no rotation")
	}
}

// A database that is away is no reason to sign anybody out.
func TestWithoutADatabaseNobodyIsRefused(t *testing.T) {
	s := newSite(t)
	p, b := s.program(t, "offline_access"), s.browser(t)
	token, code := p.signIn(t, b), p.code(t, b)
	form := b.get(t, p.start())
	s.pool.Close()
	for name, sent := range map[string]url.Values{
		"refresh": {"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "client_id": {clientID}},
		"code":    {"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {p.verifier}, "redirect_uri": {callback}, "client_id": {clientID}},
	} {
		got := b.post(t, s.issuer+"/token", sent)
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.text, "temporarily_unavailable") || strings.Contains(got.text, "pool") {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	for name, got := range map[string]*page{"sign-in": b.submit(t, form, mira, secret), "authorize": b.get(t, p.start()),
		"revoke": b.post(t, s.issuer+"/revoke", url.Values{"token": {token.RefreshToken}, "client_id": {clientID}})} {
		if got.status != http.StatusServiceUnavailable || strings.Contains(got.text, "pool") {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
}
